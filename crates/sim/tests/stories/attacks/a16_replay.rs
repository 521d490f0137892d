//! A16: somebody listens on the telephone line, and says the same again later. A password is good for ever; a one-time code
//! was good once.

use dialback_sim::people::scripts::{expect, hangs_up_after, pause, send};
use dialback_sim::world::{Setup, World};

use super::*;

const KEY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
/// The world's clock at its beginning: 1998-06-25 18:00:00 UTC.
const BEGIN_MS: i64 = 898_797_600_000;

/// Alice proves her name and is promised a callback; Bob has heard every key, and types the same on the other line a moment
/// later.
fn played(authenticate: &str, typed: &str) -> World {
    let mut setup =
        Setup { config: config(&format!("authenticate = \"{authenticate}\"")), ..setup() };
    let more = format!("totp = \"{KEY}\"\ncallback = {{ numbers = [\"5550142\"] }}");
    setup.config.push_str(&user("mary", "rosebud", &more));
    setup.login_config = setup
        .login_config
        .replace("mary - - /usr/sbin/callback -S 5550199", "mary - - /usr/sbin/callback -S");
    let mut world = world(setup);
    let says = |server: &str| {
        let question = if authenticate == "totp" { "ode: " } else { "assword: " };
        let then = vec![
            expect("ogin: ", 60),
            send("mary\r"),
            expect(question, 30),
            send(&format!("{typed}\r")),
            pause(3_000),
        ];
        hangs_up_after(server, then)
    };
    world.begin("alice", says(OFFICE));
    until(&mut world, "promised");
    world.begin("bob", says(SECOND));
    rest(&mut world);
    world
}

#[test]
fn a_password_that_was_heard_proves_the_name_again() {
    let world = played("password", "rosebud");
    assert_eq!(count(&world, "proved name=mary"), 2, "{}", world.tail());
}

#[test]
fn a_code_that_was_heard_proves_nothing_any_more() {
    let key = calls::policy::totp::key(KEY).unwrap();
    let code = calls::policy::totp::code_at(&key, BEGIN_MS + 30_000);
    let world = played("totp", &code);
    assert_eq!(count(&world, "proved name=mary"), 1, "{}", world.tail());
    journal_has(&world, &["proved name=mary", "promised", "not-proved name=mary"]);
}
