//! The one table of dialback.toml's keys: section, name, form, default, range, meaning, example.
//!
//! Everything that must agree about a key is driven by its entry here: the reader takes default and range
//! from it, a misspelt key is compared with the names, and `docs/reference/configuration.md` is printed
//! from it ([`super::reference`]). To add a key: a constant, a place in [`all`], a read in `load`.
//!
//! It does not know how values are read, nor which of them go together.

use std::time::Duration;

use super::values::duration_text;

mod section;

pub(super) use section::Section;

/// What a key is when it is not written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Preset<T> {
    /// It must be written.
    Required,
    /// This.
    Value(T),
    /// Nothing, which means this.
    Absent(&'static str),
}

use Preset::{Absent, Required, Value};

/// One key.
#[derive(Debug)]
pub(super) struct Key<T: 'static> {
    pub(super) section: Section,
    pub(super) name: &'static str,
    /// What kind of value it has, with its unit.
    pub(super) form: &'static str,
    pub(super) preset: Preset<T>,
    /// Least and most, where the type alone allows more.
    pub(super) range: Option<(T, T)>,
    pub(super) sentence: &'static str,
    /// As TOML.
    pub(super) example: &'static str,
}

/// A key as the reference page shows it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) section: Section,
    pub(super) name: &'static str,
    pub(super) form: &'static str,
    pub(super) default: String,
    pub(super) range: Option<String>,
    pub(super) sentence: &'static str,
    pub(super) example: &'static str,
}

/// A value that can be shown as TOML.
pub(super) trait Shown: Copy {
    fn toml(self) -> String;
}

impl Shown for Duration {
    fn toml(self) -> String {
        format!("\"{}\"", duration_text(self))
    }
}

impl Shown for u32 {
    fn toml(self) -> String {
        self.to_string()
    }
}

impl Shown for bool {
    fn toml(self) -> String {
        self.to_string()
    }
}

impl Shown for &'static str {
    fn toml(self) -> String {
        format!("\"{}\"", self.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

impl Shown for &'static [&'static str] {
    fn toml(self) -> String {
        let words: Vec<String> = self.iter().map(|word| word.toml()).collect();
        format!("[{}]", words.join(", "))
    }
}

impl<T: Shown> Key<T> {
    fn row(&self) -> Row {
        Row {
            section: self.section,
            name: self.name,
            form: self.form,
            default: match self.preset {
                Required => "must be written".to_owned(),
                Value(value) => format!("`{}`", value.toml()),
                Absent(meaning) => meaning.to_owned(),
            },
            range: self
                .range
                .map(|(least, most)| format!("`{}` to `{}`", least.toml(), most.toml())),
            sentence: self.sentence,
            example: self.example,
        }
    }
}

/// `key!` spells a [`Key`] in the order in which one reads it.
macro_rules! key {
    ($(#[$doc:meta])* $name:ident: $type:ty = $section:ident . $key:literal ($form:literal) $preset:expr
        $(, $least:expr => $most:expr)?; $sentence:literal; $example:literal) => {
        $(#[$doc])*
        pub(in crate::config) const $name: Key<$type> = Key {
            section: Section::$section,
            name: $key,
            form: $form,
            preset: $preset,
            range: key!(@range $($least => $most)?),
            sentence: $sentence,
            example: $example,
        };
    };
    (@range) => { None };
    (@range $least:expr => $most:expr) => { Some(($least, $most)) };
}

type Text = &'static str;
type List = &'static [&'static str];

const fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}
const fn s(number: u64) -> Duration {
    Duration::from_secs(number)
}
const fn min(number: u64) -> Duration {
    s(60 * number)
}
const fn h(number: u64) -> Duration {
    min(60 * number)
}

pub(super) mod numbers;
pub(super) mod relay;
pub(super) mod web;

// [server]
key!(STATE_DIR: Text = Server."state_dir" ("an absolute path") Value("/var/lib/dialback");
    "Directory of the journal: promises, records and everything else that must outlive a power failure."; "\"/var/lib/dialback\"");
key!(CONTROL: Text = Server."control" ("an absolute path, at most 107 bytes") Value("/run/dialback/control.sock");
    "Socket on which `dialback status`, `dialback callback` and the other commands ask the running server."; "\"/run/dialback/control.sock\"");
key!(LOGIN_CONFIG: Text = Server."login_config" ("a path") Value("/etc/dialback/login.config");
    "What is done for which name, in mgetty's format. A path that is not absolute starts at the directory of dialback.toml. The file must belong to root and be closed to group and others."; "\"/etc/dialback/login.config\"");
key!(DIALIN_CONFIG: Text = Server."dialin_config" ("a path") Absent("every call is answered");
    "Which callers are answered, by their caller ID, in the format of mgetty's dialin.config."; "\"/etc/dialback/dialin.config\"");
key!(ISSUE: Text = Server."issue" ("a path; `\"\"` for none") Value("/etc/issue");
    "Text shown before the prompt, with mgetty's escapes. A file that is named here must exist. The default may be missing, and is read with the escapes of agetty(8), for which systems write it."; "\"/etc/dialback/issue\"");
key!(USERS: Text = Server."users" ("a path") Absent("users stand in dialback.toml alone");
    "A file with more `[[user]]` tables, which are written as here. A path that is not absolute starts at the directory of dialback.toml. The file must belong to root and be closed to group and others."; "\"/etc/dialback/users.toml\"");
key!(TIME_ZONE: Text = Server."time_zone" ("a name of the tz database") Absent("the system's local time");
    "The zone in which windows and dates of users are meant where they name none."; "\"Europe/Berlin\"");
key!(LOG_NUMBERS: bool = Server."log_numbers" ("`true` or `false`") Value(false);
    "Whether telephone numbers stand whole in the log's lines for people and in syslog. Otherwise all but their last three digits are stars there; the journal has them whole."; "true");
key!(LOCK_DIR: Text = Server."lock_dir" ("an absolute path") Value("/var/lock");
    "Directory of the lock files `LCK..ttyS0` by which programs share a serial port."; "\"/var/lock\"");
key!(HOST: Text = Server."host" ("a text, at most 64 characters") Absent("the system's host name");
    "The name that `@` stands for in prompt and issue."; "\"orion\"");
key!(STOP_GRACE: Duration = Server."stop_grace" ("a duration") Value(s(30)), s(0) => h(24);
    "How long running calls may go on after SIGTERM before they are hung up. New calls are not taken meanwhile."; "\"5m\"");
key!(KILL_GRACE: Duration = Server."kill_grace" ("a duration") Value(s(5)), ms(100) => min(10);
    "How long a program may live on after SIGHUP, once its call is over, before it is killed."; "\"10s\"");

key!(SERVER_USER: Text = Server."user" ("the name of a user") Value("dialback");
    "Whom the server becomes after it was started as root: a small launcher keeps root, starts the programs of login.config and does nothing else. Where the default does not exist the server stays root, and says so."; "\"dialback\"");

// [audit]
key!(ANCHOR_FILE: Text = Audit."anchor_file" ("an absolute path") Absent("none");
    "A file to which anchors are appended, best on another host. It belongs to root where the server was started as root."; "\"/var/log/dialback-anchors\"");
key!(ANCHOR_SYSLOG: bool = Audit."anchor_syslog" ("`true` or `false`") Value(false);
    "Whether anchors are told to the system's log (`/dev/log`), from where they can be sent to other hosts."; "true");
key!(ANCHOR_EVERY: Duration = Audit."anchor_every" ("a duration") Value(h(1)), s(1) => h(24);
    "How often an anchor is told, if something has happened since the last one; and always when the server stops."; "\"10m\"");

// [login]
key!(PROMPT: Text = Login."prompt" ("a text, at most 300 characters") Value("@!login: ");
    "The prompt, with mgetty's escapes; `@` is the host. Scripts of callers wait for `ogin:`."; "\"@!login: \"");
key!(TIME_LIMIT: Duration = Login."time_limit" ("a duration") Value(min(4)), s(1) => h(1);
    "How long a caller may take to give a name, counted from the first prompt, whatever he types."; "\"4m\"");
key!(QUIET: Duration = Login."quiet" ("a duration") Value(ms(50)), ms(0) => s(10);
    "How long the line must be silent after CONNECT before the first text is sent, so that the modem's last messages are over."; "\"300ms\"");
key!(EMPTY_LIMIT: u32 = Login."empty_limit" ("a whole number") Value(10), 1 => 1000;
    "How many empty names a caller may send before he is hung up on."; "10");
key!(FOLD_CAPITALS: bool = Login."fold_capitals" ("`true` or `false`") Value(false);
    "Whether a name in capitals only is taken as lower case, for terminals that have no small letters. Entries of login.config in capitals can then not be reached."; "true");
key!(TERM: Text = Login."term" ("the name of a terminal") Value("vt100");
    "The value of `TERM` for programs that are started."; "\"vt102\"");
key!(SILENT: bool = Login."silent" ("`true` or `false`") Value(false);
    "Whether nothing is said on a call that came in until the caller has typed something. Who searches for modems by dialling numbers then learns that there is one, and not whose. Scripts that wait for the prompt have to send a CR first."; "true");
key!(NUMBER_TIME_LIMIT: Duration = Login."number_time_limit" ("a duration") Value(s(60)), s(1) => h(1);
    "How long a caller may take to type the number at which to call him back."; "\"60s\"");

// [callback]
key!(RETURN_LINE: Text = Callback."line" ("`\"same\"`, `\"other\"`, a group's name, or a list of lines") Value("other");
    "Which line makes the return call: the one that the caller came in on, any other that may originate, one of a hunt group, or one of these in this order. Another line is the default, because a caller who does not hang up can only deceive the line that he holds. With a single modem write `\"same\"`."; "\"same\"");
key!(DELAY: Duration = Callback."delay" ("a duration") Value(s(20)), s(0) => h(1);
    "Wait after the caller's line went down, at least; his modem needs this time to be on-hook again."; "\"20s\"");
key!(JITTER: Duration = Callback."jitter" ("a duration") Value(s(10)), s(0) => h(1);
    "Plus a random part of up to this, so that nobody can time a call into the moment of dialling."; "\"10s\"");
key!(SAME_LINE: Text = Callback."same_line" ("`\"qualified\"`, `\"wait\"` or `\"never\"`") Value("wait");
    "Whether a callback may be made on the line that the caller came in on, where `line` or `-S` asks for it. `\"wait\"`: on a line whose hold time is known (measured and recorded by `dialback qualify`, or written as `hold_time`) once that is over; where it is not known on another line that may originate, one that takes no calls first, and only where there is none on the same line after 200s, which is more than any exchange is known to hold a line. `\"qualified\"`: only on a line that was measured, else on another one or not at all. `\"never\"`: always on another one or not at all."; "\"qualified\"");
key!(SOONEST_CONNECT: Duration = Callback."soonest_connect" ("a duration") Value(s(2)), s(0) => min(2);
    "A CONNECT that comes sooner than this after the time that dialling the number takes is not believed: nobody can have been rung and have answered by then, so it is somebody who was on the line already. The call is dropped, with an alert, and tried again. `\"0s\"` believes every CONNECT. It does not apply to `tcp://` ports, behind which there need not be a telephone line."; "\"5s\"");
key!(TRIES: u32 = Callback."tries" ("a whole number") Value(3), 1 => 100;
    "How often a promised callback is tried at most. Several numbers take turns."; "3");
key!(RETRY: Duration = Callback."retry" ("a duration") Value(s(30)), s(1) => h(24);
    "Wait between two tries. The line is free for callers meanwhile."; "\"30s\"");
key!(MAX_TIME: Duration = Callback."max_time" ("a duration") Value(min(10)), s(1) => h(168);
    "A promise expires this long after it was made."; "\"10m\"");
key!(PER_USER: u32 = Callback."per_user" ("a whole number") Value(4), 1 => 1000;
    "How many callbacks may be owed at once under a login name that is no `[[user]]`'s, so that whoever knows it cannot fill the queue. Names that the same entry of `login.config` takes are counted together, and at one number one callback is owed at a time. To a user one callback is owed at a time, whatever is written here."; "1");
key!(IN_ALL: u32 = Callback."in_all" ("a whole number") Value(64), 1 => 100_000;
    "How many promises may be open at once in all."; "64");
key!(UNIFORM: bool = Callback."uniform" ("`true` or `false`") Value(true);
    "Whether everybody who gives a name at the prompt of a call that came in is asked for the proof that `authenticate` names, and not only those whose name asks for a callback. Then nobody who has not proved a name can tell one name from another, and no program is reached without a proof. Only where `authenticate` asks for something."; "false");
key!(ANSWER_AFTER: Duration = Callback."answer_after" ("a duration") Value(ms(500)), ms(0) => s(10);
    "From what a caller typed as a proof to the answer, whatever it was. Longer than verifying a password takes on this machine while others are verified, so that the time tells nothing."; "\"1s\"");
key!(SLOW_GUESSES: bool = Callback."slow_guesses" ("`true` or `false`") Value(true);
    "Whether answers become slower, up to 30s, after some wrong ones from one caller ID or for one name, and up to 4s after more of them on one line. A quarter of an hour without forgives."; "false");
key!(RETURN_PROOF: Text = Callback."return_proof" ("`\"name\"`, `\"code\"` or `\"totp\"`") Value("name");
    "What whoever answers a return call has to know before he is served. `\"name\"`: a name that may be used there (see `return_names` of the user). `\"code\"`: six digits beside it, which the caller was shown just before the first call ended. A code does not outlive a restart of the server; the callback is then withdrawn. `\"totp\"`: beside it the one-time code of the user's own generator (`totp`), each of which counts once: the one that proved the name on the first call does not count again. Users may have their own. PPP proves names by itself and is not asked."; "\"code\"");
key!(RETURN_TRIES: u32 = Callback."return_tries" ("a whole number") Value(3), 1 => 10;
    "How often whoever answers a return call may say the wrong thing before it is ended."; "3");
key!(RETURN_TIME: Duration = Callback."return_time" ("a duration") Value(s(60)), s(5) => min(10);
    "How long whoever answers a return call may take to say who he is. Who does not, or used up his tries, counts as a stranger at that number, with an alert."; "\"30s\"");
key!(QUARANTINE_AFTER: u32 = Callback."quarantine_after" ("a whole number") Value(3), 0 => 100;
    "A number at which strangers have answered so often in a row is in quarantine: it is not called any more until `dialback release` or `quarantine_for`. `0` leaves quarantine out."; "2");
key!(QUARANTINE_FOR: Duration = Callback."quarantine_for" ("a duration") Value(h(24)), min(1) => h(168);
    "How long a number stays in quarantine after the last stranger."; "\"24h\"");
key!(AUTHENTICATE: Text = Callback."authenticate" ("`\"none\"`, `\"password\"`, `\"totp\"` or `\"password+totp\"`") Absent("`\"none\"` while no user has a `secret` or `totp`; then `\"password+totp\"` if all of these have both, else `\"password\"` if one has a `secret`, or else `\"totp\"`");
    "What a caller who asks for a callback at the prompt has to prove his name by, before the number is asked for: his user's `secret`, a code of its `totp`, or both. All names are asked the same. With `\"none\"` the name is all, as scripts expect that were written for mgetty."; "\"password\"");
key!(ALLOW: List = CallerNumbers."allow" ("a list of patterns") Value(&[]);
    "Numbers that a caller may type. The default allows none."; "[\"555*\", \"+49*\"]");
key!(DENY: List = CallerNumbers."deny" ("a list of patterns") Value(&[]);
    "Numbers that he may not type, whatever `allow` says."; "[\"900*\", \"1900*\"]");

// [ppp]
key!(PPP_SECRETS: Text = Ppp."secrets" ("a path") Required;
    "The passwords for CHAP and MS-CHAP, in the format of pppd's chap-secrets. A file `pap-secrets` beside it has those for PAP; without it PAP is not taken. A path that is not absolute starts at the directory of dialback.toml. Both must belong to root and be closed to group and others. The server's name in them is `host`."; "\"/etc/dialback/chap-secrets\"");
key!(PPP_LOCAL: Text = Ppp."local" ("an IPv4 address") Absent("callers get no IPv4");
    "Our own address on the link of every caller. It may be that of another interface, and is never given to a caller."; "\"10.9.0.1\"");
key!(PPP_POOL: List = Ppp."pool" ("an IPv4 address or a range of them, or a list of these") Value(&[]);
    "Addresses for callers, each for one call at a time. Who had one before gets it again if it is free."; "[\"10.9.0.2\", \"10.9.0.16-10.9.0.31\"]");
key!(PPP_BACKEND: Text = Ppp."backend" ("`\"tun\"` or `\"pppd\"`") Value("tun");
    "Who carries the packets: our own engine over a TUN device, or pppd, to which the line is handed once no callback is to be negotiated any more. A line may say otherwise."; "\"tun\"");
key!(PPP_INTERFACE: Text = Ppp."interface" ("a name with `%d`, at most 13 characters") Value("dialback%d");
    "The name of a caller's TUN device; `%d` becomes the first number that is free."; "\"dialback%d\"");
key!(PPP_DNS: List = Ppp."dns" ("an IPv4 address, or a list of two") Value(&[]);
    "Name servers for callers who ask for them (RFC 1877)."; "[\"10.9.0.1\"]");
key!(PPP_WINS: List = Ppp."wins" ("an IPv4 address, or a list of two") Value(&[]);
    "NetBIOS name servers for callers who ask for them."; "[\"10.9.0.1\"]");
key!(PPP_MTU: u32 = Ppp."mtu" ("a number of octets") Value(1500), 128 => 16_384;
    "The longest packet to a caller; less where he takes less."; "1500");
key!(PPP_MRU: u32 = Ppp."mru" ("a number of octets") Value(1500), 128 => 16_384;
    "The longest packet that we ask callers to send. A short one, like 296, keeps typing quick beside a transfer on a slow line."; "1500");
key!(PPP_IDLE_LIMIT: Duration = Ppp."idle_limit" ("a duration; `\"0s\"` for none") Value(s(0)), s(0) => h(720);
    "The link is ended after this long without a packet. PPP's own echo requests do not count."; "\"15m\"");
key!(PPP_SESSION_LIMIT: Duration = Ppp."session_limit" ("a duration; `\"0s\"` for none") Value(s(0)), s(0) => h(720);
    "The link is ended this long after its network phase began."; "\"8h\"");
key!(PPP_ECHO_INTERVAL: Duration = Ppp."echo_interval" ("a duration; `\"0s\"` for none") Value(s(30)), s(0) => h(1);
    "Time from one LCP echo request to the next: how a dead line is found where the modem does not tell."; "\"30s\"");
key!(PPP_ECHO_FAILURES: u32 = Ppp."echo_failures" ("a whole number") Value(4), 1 => 1000;
    "Echo requests that may stay unanswered before the line counts as dead."; "4");
key!(PPP_IPV6: bool = Ppp."ipv6" ("`true` or `false`") Value(false);
    "Whether callers may have IPv6: link-local addresses by IPV6CP. Anything more is announced by a program of your choice, started by `ipv6_up`."; "true");
key!(PPP_PROXY_ARP: bool = Ppp."proxy_arp" ("`true` or `false`") Value(false);
    "Whether the server answers ARP for a caller on the interface whose network his address belongs to. The system must forward packets in any case (`net.ipv4.ip_forward`)."; "true");
key!(PPP_IP_UP: Text = Ppp."ip_up" ("an absolute path") Absent("nothing is run");
    "Run when IPv4 is up, with pppd's six arguments and environment variables. It runs beside the call: nobody waits for it."; "\"/etc/ppp/ip-up\"");
key!(PPP_IP_DOWN: Text = Ppp."ip_down" ("an absolute path") Absent("nothing is run");
    "Run when IPv4 is no longer up, once `ip_up` has ended."; "\"/etc/ppp/ip-down\"");
key!(PPP_IPV6_UP: Text = Ppp."ipv6_up" ("an absolute path") Absent("nothing is run");
    "Run when IPv6 is up, with pppd's arguments for it."; "\"/etc/ppp/ipv6-up\"");
key!(PPP_IPV6_DOWN: Text = Ppp."ipv6_down" ("an absolute path") Absent("nothing is run");
    "Run when IPv6 is no longer up."; "\"/etc/ppp/ipv6-down\"");
key!(PPP_RFC1570: List = Ppp."rfc1570" ("`\"user\"` or `\"number\"`, or a list of these") Value(&[]);
    "Callback without CBCP, for clients that know LCP's option 13 only: `user` takes operation 0, by which the stored number is called; `number` operation 3, by which the client gives one, which the rules must approve like any other."; "[\"user\", \"number\"]");
key!(PPP_PPPD: Text = Ppp."pppd" ("an absolute path") Value("/usr/sbin/pppd");
    "The program of the backend `pppd`."; "\"/usr/sbin/pppd\"");
key!(PPP_PPPD_OPTIONS: List = Ppp."pppd_options" ("a word, or a list of words") Value(&[]);
    "Further options of pppd's, behind those that follow from the other keys."; "[\"require-mppe\"]");

key!(PPP_CAPTURE_DIR: Text = Ppp."capture_dir" ("an absolute path") Absent("nothing is captured");
    "A directory for captures: one pcap file a PPP call, `c12.pcap` for call c12, for Wireshark, tshark and `dialback calls --trace`. Files are readable by their owner only: who reads them sees names, numbers, and proofs on which passwords can be tried."; "\"/var/lib/dialback/captures\"");
key!(PPP_CAPTURE_KEEP: u32 = Ppp."capture_keep" ("a number of files") Value(100), 1 => 100_000;
    "How many captures are kept; the oldest goes when another call begins."; "1000");
key!(PPP_CAPTURE_LIMIT: u32 = Ppp."capture_limit" ("a number of KiB") Value(256), 1 => 1_048_576;
    "How long a capture may get. What comes after it is not captured; a negotiation is about 2 KiB."; "4096");
key!(PPP_CAPTURE_PACKETS: u32 = Ppp."capture_packets" ("a number of octets") Value(68), 0 => 65_535;
    "How much is captured of each packet of a session, from its IP header on. Negotiation is captured whole."; "1500");
key!(PPP_CAPTURE_PASSWORDS: bool = Ppp."capture_passwords" ("`true` or `false`") Value(false);
    "Whether PAP's passwords, which go over the line in the clear, stand in captures as they are. Otherwise the word `hidden` does."; "true");

// [[user]]
key!(USER_NAME: Text = User."name" ("a name, at most 64 characters") Required;
    "The name that the user proves, without a Windows domain."; "\"alice\"");
key!(USER_ADDRESS: Text = User."address" ("an IPv4 address") Absent("one of the pool");
    "The address that the user gets, and no other. It may belong to the pool: it is then kept for him."; "\"10.9.0.5\"");
key!(USER_ALIASES: List = User."aliases" ("a name, or a list of names") Value(&[]);
    "Other names that mean the same user: one for the callback, one for the login."; "[\"alice-cb\"]");
key!(USER_SECRET: Text = User."secret" ("an argon2id hash") Absent("no password proves the name at the prompt");
    "The hash of the password that the user types at the prompt; `dialback user passwd` prints one. The password itself stands nowhere."; "\"$argon2id$v=19$m=19456,t=2,p=1$ZGlhbGJhY2stc2FsdA$0m0rQ3JBFUvSLzEIOCFtUwqn1xgGBC0r5HBdHkFmkbk\"");
key!(USER_TOTP: Text = User."totp" ("a key in base32") Absent("the user has no code generator");
    "The key of the user's code generator (RFC 6238: six digits, a new code every 30 seconds); `dialback user totp` makes one."; "\"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\"");
key!(USER_PPP_SECRET: Text = User."ppp_secret" ("a text, at most 256 characters") Absent("as chap-secrets says");
    "The password for CHAP and MS-CHAP, in clear, because these methods need it so. It counts as a line of the file that `[ppp] secrets` names."; "\"s3cret\"");
key!(USER_DISABLED: bool = User."disabled" ("`true` or `false`") Value(false);
    "Whether the user is not served, and his configuration kept all the same."; "true");
key!(USER_TRAP: bool = User."trap" ("`true` or `false`") Value(false);
    "Whether this is nobody's name: whoever gives it is served nothing, is told what everybody is told, and raises an alert."; "true");
key!(USER_EXPIRES: Text = User."expires" ("a date") Absent("never");
    "The last day on which the user is served."; "\"2027-01-31\"");
key!(USER_REVIEW_BY: Text = User."review_by" ("a date") Absent("not asked for");
    "The day by which somebody has to look whether the user is still one. The user is served after it too, but `dialback policy explain` and `dialback user list` say that it is past."; "\"2026-12-31\"");
key!(USER_WINDOWS: List = User."windows" ("a window, or a list of them") Value(&[]);
    "When the user is served: days, hours and a time zone, each of which may be left out. A window that passes midnight belongs to the day on which it opens. The default is always."; "[\"mon-fri 08:00-18:00 Europe/Berlin\", \"sat\"]");
key!(USER_SERVICES: List = User."services" ("`\"login\"`, `\"ppp\"`, or a list of both") Value(&[]);
    "What the user may use: `login` is the prompt and what login.config starts from there. The default is both."; "[\"ppp\"]");
key!(USER_RETURN_NAMES: List = User."return_names" ("a name, or a list of names") Value(&[]);
    "The login names that may log in on the call that calls this user back. The default is the user's own names."; "[\"alice\", \"uucp\"]");
key!(USER_RETURN_PROOF: Text = User."return_proof" ("`\"name\"`, `\"code\"` or `\"totp\"`") Absent("`return_proof` of `[callback]`");
    "What whoever answers this user's return call has to know before he is served. `\"totp\"` needs the user's `totp`."; "\"code\"");
key!(USER_DIRECT: Text = User."direct" ("`\"never\"`, `\"allowed\"` or `\"only\"`") Value("allowed");
    "Whether the user may log in at the prompt of a call that came in. `\"never\"`: only after a callback. `\"only\"`: never after one; the user is not called back."; "\"never\"");
key!(USER_TRIES: u32 = User."tries" ("a whole number") Absent("`tries` of `[callback]`"), 1 => 100;
    "How often a callback to this user is tried at most."; "5");
key!(BUDGET_MINUTES: u32 = UserBudget."minutes" ("a whole number") Absent("not limited"), 1 => 100_000;
    "How many minutes the user's return calls may last in a day, all together."; "120");
key!(BUDGET_CALLS: u32 = UserBudget."calls" ("a whole number") Absent("not limited"), 1 => 100_000;
    "How many return calls to the user may be answered in a day."; "10");
key!(BUDGET_COST: Text = UserBudget."cost" ("an amount of money") Absent("not limited");
    "What the user's return calls may cost in a day by the tariff, in its currency."; "\"5.00\"");
key!(USER_ALLOW: List = UserCallback."allow" ("a list of patterns") Value(&[]);
    "Numbers that this user may give, in place of `caller_numbers.allow`. The default is what that allows."; "[\"555*\"]");
key!(USER_DENY: List = UserCallback."deny" ("a list of patterns") Value(&[]);
    "Numbers that this user may not give, beside those of `caller_numbers.deny`."; "[\"5559*\"]");
key!(USER_NUMBERS: List = UserCallback."numbers" ("a telephone number, or a list of them") Value(&[]);
    "The user's own numbers. They are the administrator's, and not compared with `caller_numbers`. With the offer `\"caller\"` they are numbers that the user may give whatever `caller_numbers` says."; "[\"5550199\"]");
key!(USER_OFFER: List = UserCallback."offer" ("`\"none\"`, `\"fixed\"`, `\"list\"` or `\"caller\"`, or a list of these") Value(&["fixed"]);
    "What the user may choose from: `fixed` is the first of `numbers` (all of them are tried by turns), `list` one of `numbers`, `caller` a number that the user types and `caller_numbers` allows. `none` beside others lets the user stay on the line without a callback. A list stands only beside `none`, because some clients do not survive more."; "[\"none\", \"caller\"]");
key!(USER_REQUIRED: bool = UserCallback."required" ("`true` or `false`") Value(false);
    "Whether the user is refused if the client did not negotiate callback."; "true");

// [[line]]
key!(NAME: Text = Line."name" ("a name") Required;
    "The line's name in messages, records and commands: up to 32 letters, digits, `-`, `_`, `.`."; "\"main\"");
key!(PORT: Text = Line."port" ("a port") Required;
    "The byte path to the modem: a device, `rfc2217://host:port` for a terminal server with control lines, `tcp://host:port` for bare bytes, `sim:name` for a modem of the embedded exchange."; "\"/dev/ttyUSB0\"");
key!(SPEED: u32 = Line."speed" ("a speed in bit/s") Value(115_200);
    "Speed between computer and modem, one that a serial port has; not the speed on the telephone line."; "38400");
key!(HARDWARE_FLOW: bool = Line."hardware_flow" ("`true` or `false`") Value(true);
    "RTS/CTS flow control. Off only for a cable that lacks the wires."; "false");
key!(NUMBER: Text = Line."number" ("a telephone number") Absent("not known");
    "The line's own telephone number. It is never dialled."; "\"5550100\"");
key!(DIRECTION: Text = Line."direction" ("`\"answer\"`, `\"originate\"` or `\"both\"`") Value("both");
    "What the line may be used for."; "\"both\"");
key!(GROUP: List = Line."group" ("a name, or a list of names") Value(&[]);
    "The hunt groups that the line belongs to. Within a group, lines are chosen in the order of the file."; "[\"public\"]");
key!(RINGS: u32 = Line."rings" ("a whole number") Value(1), 1 => 30;
    "How many RINGs before the call is answered. Where callers are screened, the second is waited for in any case: the caller's number comes before it."; "2");
key!(HOLD_TIME: Duration = Line."hold_time" ("a duration") Absent("as an operator has recorded it by `dialback qualify`, and where nobody has, 200s: more than any exchange is known to hold a line"), s(0) => min(10);
    "How long the exchange may hold the called side of a call after we hang up. Nothing is dialled on the line before that and a random part of up to `callback.jitter`, or the number would go to the caller who still holds it. What is written here counts whatever was measured."; "\"90s\"");
key!(LINE_SERVICE: Text = Line."service" ("`\"login\"` or `\"ppp\"`") Value("login");
    "What meets somebody who calls this line: the login prompt, at which PPP may begin too, or PPP at once and nothing else."; "\"ppp\"");
key!(LINE_BACKEND: Text = Line."backend" ("`\"tun\"` or `\"pppd\"`") Absent("that of `[ppp]`");
    "Who carries the packets of PPP callers on this line."; "\"pppd\"");

// modem
key!(PROFILE: Text = Modem."profile" ("the name of a profile") Absent("`generic`, and `network` on `tcp://` ports");
    "The profile that gives the values of all keys not written here."; "\"courier\"");
key!(INIT: List = Modem."init" ("a list of AT commands") Absent("the profile's");
    "Commands that set the modem up, each answered by OK. They are sent before each use: nothing should be stored (`&W`) and the modem should not answer by itself (`S0=0`)."; "[\"AT&F\", \"ATE0Q0V1X4\", \"AT&C1&D2S0=0\"]");
key!(CALLER_ID: bool = Modem."caller_id" ("`true` or `false`") Value(false);
    "Whether the profile's command that makes the modem tell who calls is added to `init`. Callers cannot be screened without it."; "true");
key!(ANSWER: Text = Modem."answer" ("an AT command") Absent("the profile's");
    "The command that answers a call."; "\"ATA\"");
key!(DIAL_PREFIX: Text = Modem."dial_prefix" ("a dial command up to the number") Absent("the profile's");
    "The dial command up to the number, with whatever is needed to get an outside line."; "\"ATDT0,\"");
key!(INTERNATIONAL_PREFIX: Text = Modem."international_prefix" ("digits, or `+`") Absent("the profile's; where it has none, numbers with `+` are refused");
    "What the `+` of an international number becomes; `+` itself for SIM modems."; "\"00\"");
key!(DTR_HANGUP: bool = Modem."dtr_hangup" ("`true` or `false`") Absent("the profile's");
    "Whether dropping DTR hangs up, as `&D2` makes it. Otherwise `+++` and `ATH` do, as always on ports without control lines."; "false");
key!(READ_BACK: bool = Modem."read_back" ("`true` or `false`") Value(true);
    "Whether registers S0 and S2 (and S8, as a secret by which a modem proves that it has hung up, where DCD does not tell) are written behind every set-up, read back, and read again before the next one and with each check. Somebody who has changed them raises the alert `modem-changed`. A modem may refuse these commands; one that they upset needs `false`."; "true");
key!(GUARD: Duration = Modem."guard" ("a duration") Absent("the profile's"), ms(20) => ms(5100);
    "Silence before and after `+++`: the modem's register S12, in units of 20ms."; "\"1s\"");
key!(ANSWER_TIME: Duration = Modem."answer_time" ("a duration") Absent("the profile's"), s(1) => min(5);
    "How long from ATA to CONNECT at most. A little more than the modem's register S7."; "\"80s\"");
key!(DIAL_TIME: Duration = Modem."dial_time" ("a duration") Absent("the profile's"), s(1) => min(5);
    "How long from ATD to a result at most."; "\"90s\"");
key!(COMMAND_TIME: Duration = Modem."command_time" ("a duration") Absent("the profile's"), ms(100) => min(1);
    "How long any other command may take."; "\"5s\"");
key!(CHECK_EVERY: Duration = Modem."check_every" ("a duration") Value(min(10)), s(5) => h(24);
    "How often an idle modem is asked `AT`, to find out that it is dead before a caller does."; "\"1h\"");

/// Every key, in the order of the reference page.
#[expect(clippy::too_many_lines, reason = "a list: one row for each key")]
pub(super) fn all() -> Vec<Row> {
    let mut rows = vec![
        STATE_DIR.row(),
        CONTROL.row(),
        LOGIN_CONFIG.row(),
        DIALIN_CONFIG.row(),
        USERS.row(),
        TIME_ZONE.row(),
        ISSUE.row(),
        LOCK_DIR.row(),
        LOG_NUMBERS.row(),
        HOST.row(),
        STOP_GRACE.row(),
        KILL_GRACE.row(),
        SERVER_USER.row(),
        ANCHOR_FILE.row(),
        ANCHOR_SYSLOG.row(),
        ANCHOR_EVERY.row(),
        PROMPT.row(),
        TIME_LIMIT.row(),
        QUIET.row(),
        EMPTY_LIMIT.row(),
        FOLD_CAPITALS.row(),
        TERM.row(),
        SILENT.row(),
        NUMBER_TIME_LIMIT.row(),
        RETURN_LINE.row(),
        DELAY.row(),
        JITTER.row(),
        SAME_LINE.row(),
        SOONEST_CONNECT.row(),
        TRIES.row(),
        RETRY.row(),
        MAX_TIME.row(),
        PER_USER.row(),
        IN_ALL.row(),
        UNIFORM.row(),
        ANSWER_AFTER.row(),
        SLOW_GUESSES.row(),
        RETURN_PROOF.row(),
        RETURN_TRIES.row(),
        RETURN_TIME.row(),
        QUARANTINE_AFTER.row(),
        QUARANTINE_FOR.row(),
        AUTHENTICATE.row(),
        ALLOW.row(),
        DENY.row(),
        PPP_SECRETS.row(),
        PPP_LOCAL.row(),
        PPP_POOL.row(),
        PPP_BACKEND.row(),
        PPP_INTERFACE.row(),
        PPP_DNS.row(),
        PPP_WINS.row(),
        PPP_MTU.row(),
        PPP_MRU.row(),
        PPP_IDLE_LIMIT.row(),
        PPP_SESSION_LIMIT.row(),
        PPP_ECHO_INTERVAL.row(),
        PPP_ECHO_FAILURES.row(),
        PPP_IPV6.row(),
        PPP_PROXY_ARP.row(),
        PPP_IP_UP.row(),
        PPP_IP_DOWN.row(),
        PPP_IPV6_UP.row(),
        PPP_IPV6_DOWN.row(),
        PPP_RFC1570.row(),
        PPP_PPPD.row(),
        PPP_PPPD_OPTIONS.row(),
        PPP_CAPTURE_DIR.row(),
        PPP_CAPTURE_KEEP.row(),
        PPP_CAPTURE_LIMIT.row(),
        PPP_CAPTURE_PACKETS.row(),
        PPP_CAPTURE_PASSWORDS.row(),
        USER_NAME.row(),
        USER_ADDRESS.row(),
        USER_ALIASES.row(),
        USER_SECRET.row(),
        USER_TOTP.row(),
        USER_PPP_SECRET.row(),
        USER_DISABLED.row(),
        USER_TRAP.row(),
        USER_EXPIRES.row(),
        USER_REVIEW_BY.row(),
        USER_WINDOWS.row(),
        USER_SERVICES.row(),
        USER_RETURN_NAMES.row(),
        USER_RETURN_PROOF.row(),
        USER_DIRECT.row(),
        USER_TRIES.row(),
        USER_NUMBERS.row(),
        USER_OFFER.row(),
        USER_REQUIRED.row(),
        USER_ALLOW.row(),
        USER_DENY.row(),
        BUDGET_MINUTES.row(),
        BUDGET_CALLS.row(),
        BUDGET_COST.row(),
        NAME.row(),
        PORT.row(),
        SPEED.row(),
        HARDWARE_FLOW.row(),
        NUMBER.row(),
        DIRECTION.row(),
        GROUP.row(),
        RINGS.row(),
        HOLD_TIME.row(),
        LINE_SERVICE.row(),
        LINE_BACKEND.row(),
        PROFILE.row(),
        INIT.row(),
        CALLER_ID.row(),
        ANSWER.row(),
        DIAL_PREFIX.row(),
        INTERNATIONAL_PREFIX.row(),
        DTR_HANGUP.row(),
        READ_BACK.row(),
        GUARD.row(),
        ANSWER_TIME.row(),
        DIAL_TIME.row(),
        COMMAND_TIME.row(),
        CHECK_EVERY.row(),
    ];
    rows.extend(numbers::rows());
    rows.extend(web::rows());
    rows
}

/// Every key of the file that a section belongs to.
pub(super) fn beside(section: Section) -> Vec<Row> {
    if Section::RELAY.contains(&section) { relay::rows() } else { all() }
}

/// Names of tables that stand inside of a section, besides its keys.
pub(super) fn tables_in(section: Section) -> &'static [&'static str] {
    match section {
        Section::Callback => &["caller_numbers"],
        Section::Line => &["modem", "dial_plan"],
        Section::User => &["callback", "budget"],
        Section::Server
        | Section::Audit
        | Section::Login
        | Section::CallerNumbers
        | Section::Ppp
        | Section::UserCallback
        | Section::UserBudget
        | Section::Site
        | Section::DialPlan
        | Section::Tariff
        | Section::DayBudget
        | Section::Modem
        | Section::Web
        | Section::Relay
        | Section::RelayMetrics
        | Section::RelaySyslog
        | Section::RelayHook
        | Section::RelayMail => &[],
    }
}
