//! The keys of the web dashboard: where it listens, who is let in.

use super::{Absent, Key, List, Row, Section, Text, Value};

key!(LISTEN: Text = Web."listen" ("an IP address and a port") Value("127.0.0.1:8080");
    "Where `dialback web` listens for browsers and programs. An address that others can reach needs `tls_certificate` or `behind_proxy`. Port 0 takes one that is free, and says which."; "\"127.0.0.1:8080\"");
key!(TOKEN_FILE: Text = Web."token_file" ("an absolute path") Absent("no orders are taken");
    "Who may give orders: a line `name sha256:...` for each token, as `dialback web token NAME` prints it. The file must be closed to group and others."; "\"/etc/dialback/web-tokens\"");
key!(TLS_CERTIFICATE: Text = Web."tls_certificate" ("an absolute path") Absent("plain HTTP");
    "A PEM file with the certificate and those that lead to its issuer."; "\"/etc/dialback/web.pem\"");
key!(TLS_KEY: Text = Web."tls_key" ("an absolute path") Absent("it stands in the certificate's file");
    "A PEM file with the certificate's key. The file must be closed to group and others."; "\"/etc/dialback/web.key\"");
key!(BEHIND_PROXY: bool = Web."behind_proxy" ("`true` or `false`") Value(false);
    "Whether a proxy stands before it that speaks TLS with the browsers. Plain HTTP is then spoken on any address, and cookies are for TLS only."; "true");
key!(HOSTS: List = Web."hosts" ("a host's name, or a list of names") Value(&[]);
    "Names under which browsers may ask, besides `localhost` and the address that it listens on. Another name is refused, so that no page elsewhere can make a browser read this one by giving itself our address (DNS rebinding)."; "[\"dialback.example.org\"]");
key!(READERS: Text = Web."readers" ("`\"anybody\"` or `\"token\"`") Value("anybody");
    "Who may look: whoever reaches the address, or only who has a token of `token_file`."; "\"token\"");

/// Every key of the web dashboard.
pub(super) fn rows() -> Vec<Row> {
    vec![
        LISTEN.row(),
        TOKEN_FILE.row(),
        TLS_CERTIFICATE.row(),
        TLS_KEY.row(),
        BEHIND_PROXY.row(),
        HOSTS.row(),
        READERS.row(),
    ]
}
