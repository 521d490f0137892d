//! The tables of dialback.toml and relay.toml: how people write them, and what each is for. It does not know
//! their keys.

/// A table of dialback.toml, or of relay.toml.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::config) enum Section {
    Server,
    Audit,
    Login,
    Callback,
    CallerNumbers,
    Ppp,
    User,
    UserCallback,
    UserBudget,
    Site,
    DialPlan,
    Tariff,
    DayBudget,
    Line,
    Modem,
    Relay,
    RelayMetrics,
    RelaySyslog,
    RelayHook,
    RelayMail,
    Web,
}

impl Section {
    /// Every section, in the order of the reference page.
    pub(in crate::config) const ALL: [Self; 16] = [
        Self::Server,
        Self::Audit,
        Self::Login,
        Self::Callback,
        Self::CallerNumbers,
        Self::Ppp,
        Self::User,
        Self::UserCallback,
        Self::UserBudget,
        Self::Site,
        Self::DialPlan,
        Self::Tariff,
        Self::DayBudget,
        Self::Line,
        Self::Modem,
        Self::Web,
    ];

    /// Every section of relay.toml, in the order of its reference page.
    pub(in crate::config) const RELAY: [Self; 5] =
        [Self::Relay, Self::RelayMetrics, Self::RelaySyslog, Self::RelayHook, Self::RelayMail];

    /// As people write it.
    pub(in crate::config) fn title(self) -> &'static str {
        match self {
            Self::Server => "[server]",
            Self::Audit => "[audit]",
            Self::Login => "[login]",
            Self::Callback => "[callback]",
            Self::CallerNumbers => "callback.caller_numbers",
            Self::Ppp => "[ppp]",
            Self::User => "[[user]]",
            Self::UserCallback => "user.callback",
            Self::UserBudget => "user.budget",
            Self::Site => "[site]",
            Self::DialPlan => "line.dial_plan",
            Self::Tariff => "[[tariff]]",
            Self::DayBudget => "[[budget]]",
            Self::Line => "[[line]]",
            Self::Modem => "line.modem",
            Self::Relay => "[relay]",
            Self::RelayMetrics => "[metrics]",
            Self::RelaySyslog => "[[syslog]]",
            Self::RelayHook => "[[hook]]",
            Self::RelayMail => "[mail]",
            Self::Web => "[web]",
        }
    }

    /// What it is for.
    pub(in crate::config) fn sentence(self) -> &'static str {
        match self {
            Self::Server => "Places and names. All keys may be left out, and so may the section.",
            Self::Audit => {
                "Where the journal's last hash is told to the outside (an anchor), so that nobody can cut the journal \
                 off or write it anew without leaving a trace elsewhere. `dialback audit verify` compares."
            }
            Self::Login => "What a caller sees and how long he has. Everything has a default.",
            Self::Callback => {
                "How callers are called back. An entry of login.config may choose its own line with `-S` \
                 or `-l`."
            }
            Self::CallerNumbers => {
                "Which numbers a caller may type at the number prompt: those that match `allow` and do \
                 not match `deny`. Patterns are digits, with `*` at the end for any that follow, and `+` \
                 in front for international ones. Numbers in login.config are the administrator's and are \
                 not compared with them."
            }
            Self::Ppp => {
                "What the built-in PPP needs: entries of login.config whose program is `dialback-ppp`. Without \
                 such an entry the section has no effect."
            }
            Self::User => {
                "Somebody with a name of his own: what proves it, and what he may do. Once for each user, here or in the \
                 file that `[server] users` names. Secrets stand only in a file that belongs to root and is closed to \
                 group and others. A name that no user has is served as its entry of login.config says; by PPP it is \
                 not called back."
            }
            Self::UserCallback => {
                "How a user may be called back: `callback = { ... }` in the user. A PPP client has to ask for it by \
                 Microsoft's callback protocol (CBCP). Nothing is dialled that the rules refuse \
                 ([policy-rules.md](policy-rules.md))."
            }
            Self::UserBudget => {
                "What a user's return calls may cost in a day: `budget = { ... }` in the user. What is left out is not \
                 limited."
            }
            Self::Site => {
                "Where the lines are, so that numbers are understood ([numbers.md](../guide/numbers.md)). Without \
                 `country` digits are dialled as they are written."
            }
            Self::DialPlan => {
                "How a line dials: `dial_plan = { ... }` in the line, or `dial_plan = \"name\"` for a table \
                 `[dial_plan.name]` with the same keys. It needs `[site] country`."
            }
            Self::Tariff => {
                "What return calls to some numbers cost. Once for each kind; calls to others cost nobody knows what."
            }
            Self::DayBudget => {
                "What the return calls of a day may cost together, or those to a class of numbers. The day is that of \
                 `[server] time_zone`."
            }
            Self::Line => {
                "One telephone line: a port, the modem on it, its number and its use. Once for each line."
            }
            Self::Modem => {
                "How to talk to the modem on a line: `modem = { ... }` in the line, or `modem = \"name\"` \
                 for a profile. A profile of your own is a table `[modem.name]` with the same keys; its \
                 own `profile` names a built-in one."
            }
            Self::Relay => "Where the server is found, and where the relay keeps its place.",
            Self::RelayMetrics => {
                "Numbers for Prometheus at `/metrics`, and `/health/live` and `/health/ready`, by HTTP without TLS."
            }
            Self::RelaySyslog => {
                "A host that gets events as RFC 5424 messages. Once for each host. A host that can't be reached gets \
                 what it has missed later, from the journal."
            }
            Self::RelayHook => {
                "A program or a web address that is told of events. Once for each. Deliveries wait on disk until they \
                 succeed or are given up; what was given up is kept as a dead letter (`dialback relay dead`)."
            }
            Self::RelayMail => "Mail about events, gathered, so that many events are one mail.",
            Self::Web => {
                "The dashboard and its JSON API, which `dialback web` serves beside the server ([web.md](../guide/web.md))."
            }
        }
    }
}
