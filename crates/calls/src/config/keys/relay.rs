//! The keys of relay.toml. How keys are written is told in [`super`].

use super::{Absent, Key, List, Required, Row, Section, Text, Value, h, min, ms, s};
use std::time::Duration;

// [relay]
key!(CONTROL: Text = Relay."control" ("an absolute path, at most 107 bytes") Value("/run/dialback/control.sock");
    "The server's control socket, from which events come: its `[server] control`."; "\"/run/dialback/control.sock\"");
key!(JOURNAL_DIR: Text = Relay."journal_dir" ("an absolute path") Value("/var/lib/dialback");
    "The server's `[server] state_dir`. Only the sizes of its files are looked at."; "\"/var/lib/dialback\"");
key!(STATE_DIR: Text = Relay."state_dir" ("an absolute path") Value("/var/lib/dialback-relay");
    "Directory of the relay's own file: how far it has read the journal, what it has counted, and what waits to be delivered."; "\"/var/lib/dialback-relay\"");

// [metrics]
key!(LISTEN: Text = RelayMetrics."listen" ("an address and a port") Absent("nobody is answered");
    "Where `/metrics` and `/health/` are served. They name lines and no users, numbers or secrets, and they are open to whoever can connect."; "\"127.0.0.1:9833\"");

// [[syslog]]
key!(SYSLOG_NAME: Text = RelaySyslog."name" ("a name") Required;
    "What this host is called in metrics and messages. Another name begins anew in the journal."; "\"loghost\"");
key!(SYSLOG_TO: Text = RelaySyslog."to" ("`\"udp://host:port\"`, `\"tcp://host:port\"` or `\"tls://host:port\"`") Required;
    "The host. `tcp` counts octets (RFC 6587 §3.4.1), `tls` is RFC 5425, `udp` is RFC 5426 and loses what the network loses."; "\"tls://loghost.example.org:6514\"");
key!(SYSLOG_CA: Text = RelaySyslog."ca_file" ("a path") Absent("the system's certificates");
    "Certificates (PEM) of those who may vouch for a `tls` host."; "\"/etc/dialback/loghost-ca.pem\"");
key!(SYSLOG_FACILITY: Text = RelaySyslog."facility" ("`\"daemon\"`, `\"auth\"`, `\"authpriv\"`, `\"uucp\"` or `\"local0\"` to `\"local7\"`") Value("authpriv");
    "The facility of the messages."; "\"local3\"");
key!(SYSLOG_NUMBERS: bool = RelaySyslog."numbers" ("`true` or `false`") Value(false);
    "Whether telephone numbers stand whole in the messages. Otherwise all but their last three digits are stars."; "true");
key!(SYSLOG_EVENTS: List = RelaySyslog."events" ("a list of events") Value(&[]);
    "Only these events. The default is all of them."; "[\"ended\", \"alert\"]");
key!(SYSLOG_SEVERITY: Text = RelaySyslog."severity" ("`\"plain\"`, `\"notice\"`, `\"warning\"` or `\"alert\"`") Value("plain");
    "Only events that matter at least so much."; "\"notice\"");

// [[hook]]
key!(HOOK_NAME: Text = RelayHook."name" ("a name") Required;
    "What this hook is called in metrics and messages. Deliveries wait under this name."; "\"pager\"");
key!(HOOK_EVENTS: List = RelayHook."events" ("a list of events") Value(&[]);
    "Only these events. The default is all of them."; "[\"alert:stranger-answered\", \"line-faulted\"]");
key!(HOOK_SEVERITY: Text = RelayHook."severity" ("`\"plain\"`, `\"notice\"`, `\"warning\"` or `\"alert\"`") Value("plain");
    "Only events that matter at least so much."; "\"warning\"");
key!(HOOK_COMMAND: List = RelayHook."command" ("a list of texts, the first an absolute path") Absent("no program is run");
    "A program and its arguments; no shell. It gets the event as JSON on its standard input, and `DIALBACK_*` in its environment. Exit code 0 is success."; "[\"/usr/local/bin/page\", \"--dialback\"]");
key!(HOOK_URL: Text = RelayHook."url" ("an `http://` or `https://` address") Absent("nothing is posted");
    "A web address that the event is posted to as JSON. An answer of 200 to 299 is success. Redirections are not followed."; "\"https://hooks.example.org/dialback\"");
key!(HOOK_SECRET: Text = RelayHook."secret_file" ("a path") Absent("deliveries are not signed");
    "A file with the secret that signs what is posted (HMAC-SHA256, header `Dialback-Signature`). Closed to others."; "\"/etc/dialback/pager.secret\"");
key!(HOOK_TIMEOUT: Duration = RelayHook."timeout" ("a duration") Value(s(10)), ms(100) => min(10);
    "How long one delivery may take. A program that takes longer is killed."; "\"30s\"");
key!(HOOK_TRIES: u32 = RelayHook."tries" ("a whole number") Value(12), 1 => 100;
    "How often a delivery is tried before it is given up."; "5");
key!(HOOK_RETRY: Duration = RelayHook."retry" ("a duration") Value(s(5)), ms(10) => h(1);
    "Wait before the second try. It doubles with every further one, up to an hour."; "\"30s\"");
key!(HOOK_CONCURRENCY: u32 = RelayHook."concurrency" ("a whole number") Value(1), 1 => 16;
    "How many deliveries run at once. With one they are begun in the order of the events."; "4");
key!(HOOK_QUEUE: u32 = RelayHook."queue" ("a whole number") Value(1000), 1 => 100_000;
    "How many deliveries may wait. What comes beyond that is a dead letter at once."; "10000");

// [mail]
key!(MAIL_TO: List = RelayMail."to" ("a list of mail addresses") Required;
    "Who gets the mail."; "[\"operators@example.org\"]");
key!(MAIL_FROM: Text = RelayMail."from" ("a mail address") Required;
    "Who it is from."; "\"dialback@orion.example.org\"");
key!(MAIL_VIA: Text = RelayMail."via" ("an absolute path, or `\"smtp://host:port\"`") Value("/usr/sbin/sendmail");
    "The local mail system: its `sendmail`, or its SMTP port. SMTP is without TLS and password, for a host that relays what comes from here."; "\"smtp://localhost:25\"");
key!(MAIL_EVENTS: List = RelayMail."events" ("a list of events") Value(&[]);
    "Only these events. The default is all of them."; "[\"alert\", \"line-faulted\", \"expired\"]");
key!(MAIL_SEVERITY: Text = RelayMail."severity" ("`\"plain\"`, `\"notice\"`, `\"warning\"` or `\"alert\"`") Value("alert");
    "Only events that matter at least so much."; "\"warning\"");
key!(MAIL_GATHER: Duration = RelayMail."gather" ("a duration") Value(s(20)), ms(0) => h(1);
    "How long events are gathered before a mail is sent."; "\"1m\"");
key!(MAIL_EVERY: Duration = RelayMail."every" ("a duration") Value(min(15)), ms(0) => h(24);
    "At most one mail in this time; the next one tells everything that has come together."; "\"1h\"");

/// For the table of all keys of relay.toml.
pub(in crate::config) fn rows() -> Vec<Row> {
    vec![
        CONTROL.row(),
        JOURNAL_DIR.row(),
        STATE_DIR.row(),
        LISTEN.row(),
        SYSLOG_NAME.row(),
        SYSLOG_TO.row(),
        SYSLOG_CA.row(),
        SYSLOG_FACILITY.row(),
        SYSLOG_NUMBERS.row(),
        SYSLOG_EVENTS.row(),
        SYSLOG_SEVERITY.row(),
        HOOK_NAME.row(),
        HOOK_EVENTS.row(),
        HOOK_SEVERITY.row(),
        HOOK_COMMAND.row(),
        HOOK_URL.row(),
        HOOK_SECRET.row(),
        HOOK_TIMEOUT.row(),
        HOOK_TRIES.row(),
        HOOK_RETRY.row(),
        HOOK_CONCURRENCY.row(),
        HOOK_QUEUE.row(),
        MAIL_TO.row(),
        MAIL_FROM.row(),
        MAIL_VIA.row(),
        MAIL_EVENTS.row(),
        MAIL_SEVERITY.row(),
        MAIL_GATHER.row(),
        MAIL_EVERY.row(),
    ]
}
