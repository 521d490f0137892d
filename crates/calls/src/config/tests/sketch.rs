//! A configuration with the keys that most people write, value by value.

use super::*;
use crate::config::network::Backend;

const SKETCH: &str = r#"
[server]
state_dir    = "/var/lib/dialback"
control      = "/run/dialback/control.sock"
login_config = "/etc/dialback/login.config"
issue        = "/etc/issue"

[[line]]
name      = "main"
port      = "/dev/ttyUSB0"
speed     = 115200
number    = "5550100"
direction = "both"
group     = ["public"]
rings     = 1
modem     = { init = ["ATZ", "AT&C1&D2S0=0"], dial_prefix = "ATDT", dtr_hangup = true }
hold_time = "10s"

[callback]
line      = "same"
delay     = "20s"
jitter    = "10s"
tries     = 3
retry     = "30s"
max_time  = "10m"
caller_numbers = { allow = ["*"], deny = ["900*", "1900*"] }
"#;

fn sketch() -> Config {
    let files = BTreeMap::from([
        (PathBuf::from("/etc/dialback/dialback.toml"), file(SKETCH)),
        (PathBuf::from("/etc/dialback/login.config"), file(LOGIN)),
        (PathBuf::from("/etc/issue"), file("Welcome\n")),
    ]);
    let loaded = load(Path::new("/etc/dialback/dialback.toml"), &surroundings(), &files);
    match loaded {
        Ok(loaded) => {
            // Any number but two kinds is allowed, and no country written.
            let told: Vec<_> = loaded.warnings.iter().map(|fault| fault.message.as_str()).collect();
            assert!(
                matches!(told[..], [one] if one.contains("nothing is known of them")),
                "{told:?}"
            );
            loaded.config
        }
        Err(faults) => {
            let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
            panic!("{}", shown.join("\n"));
        }
    }
}

#[test]
fn each_key_of_the_sketch_arrives() {
    let config = sketch();
    let secs = Duration::from_secs;
    assert_eq!(config.server.state_dir, Path::new("/var/lib/dialback"));
    assert_eq!(config.server.control, Path::new("/run/dialback/control.sock"));
    assert_eq!(config.server.host, "orion");
    assert_eq!(config.login.issue, "Welcome\n");
    assert_eq!(config.login.prompt, "@!login: ");
    let [line] = config.lines.as_slice() else { panic!("one line") };
    assert_eq!(line.name, "main");
    assert_eq!(line.port, PortSpec::Tty("/dev/ttyUSB0".into()));
    assert_eq!(line.speed, 115_200);
    assert_eq!(line.number.as_ref().map(PhoneNumber::as_str), Some("5550100"));
    assert_eq!(line.direction, Direction::Both);
    assert_eq!(line.groups, ["public"]);
    assert_eq!(line.rings, 1);
    assert_eq!(line.hold_time, secs(10));
    assert_eq!(line.modem.init, ["ATZ", "AT&C1&D2S0=0"]);
    assert_eq!(line.modem.dial_prefix.as_str(), "ATDT");
    assert!(line.modem.dtr_hangup);
    let callback = &config.callback;
    assert_eq!(callback.line, ReturnLine::Same);
    assert_eq!((callback.delay, callback.jitter), (secs(20), secs(10)));
    assert_eq!((callback.tries, callback.retry, callback.max_time), (3, secs(30), secs(600)));
    assert_eq!(callback.caller_numbers.allow, ["*"]);
    assert_eq!(callback.caller_numbers.deny, ["900*", "1900*"]);
    assert_eq!(config.entries.len(), 2);
    assert_eq!(config.groups(), BTreeMap::from([("public", vec![0])]));
}

const PPP: &str = r#"
[[line]]
name = "main"
port = "/dev/ttyUSB0"

[[line]]
name    = "old"
port    = "/dev/ttyUSB1"
service = "ppp"
backend = "pppd"

[ppp]
secrets = "/etc/dialback/chap-secrets"   # pppd's format; pap-secrets beside it
local   = "10.9.0.1"
pool    = ["10.9.0.2", "10.9.0.16-10.9.0.31"]
backend = "tun"                          # tun | pppd, also per [[line]]

[callback]
caller_numbers = { allow = ["5551*"] }

[[user]]
name     = "alice"
callback = { numbers = ["5550199"], offer = "caller", required = true }   # offer: none | fixed | list | caller, or a list of these
"#;

#[test]
fn the_sketch_of_ppp_loads_as_it_stands() {
    let login = "/AutoPPP/ - a_ppp dialback-ppp\n* - - /bin/login @\n";
    let files = BTreeMap::from([
        (PathBuf::from("/etc/dialback/dialback.toml"), file(PPP)),
        (PathBuf::from("/etc/dialback/login.config"), file(login)),
        (PathBuf::from("/etc/dialback/chap-secrets"), file("alice * s3cret *\n")),
    ]);
    let loaded = load(Path::new("/etc/dialback/dialback.toml"), &surroundings(), &files);
    let config = loaded.expect("no faults").config;
    let network = &config.ppp.as_ref().expect("PPP").network;
    assert_eq!(network.local, Some([10, 9, 0, 1].into()));
    let pool: Vec<String> = network.pool.iter().map(ToString::to_string).collect();
    assert_eq!(pool, ["10.9.0.2", "10.9.0.16-10.9.0.31"]);
    assert_eq!(network.pool.iter().map(|range| range.count()).sum::<u32>(), 17);
    assert_eq!(network.backend, Backend::Tun);
    assert_eq!((network.mtu, network.mru), (1500, 1500));
    assert_eq!((network.idle_limit, network.session_limit), (None, None));
    let [main, old] = config.lines.as_slice() else { panic!("two lines") };
    assert_eq!((main.service, main.backend), (LineService::Login, None));
    assert_eq!((old.service, old.backend), (LineService::Ppp, Some(Backend::Pppd)));
    assert!(config.users[0].callback.as_ref().is_some_and(|callback| callback.required));
}
