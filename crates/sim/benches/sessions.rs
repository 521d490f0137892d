//! Whole callback sessions a second on one core: dial, prompt, name, number, hang-up, call back, login, a command, exit.
//!
//! `cargo bench -p dialback-sim` prints sessions per second and how much virtual time they took.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement reads the clock and tells people"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use dialback_sim::people::Outcome;
use dialback_sim::people::scripts::chat;
use dialback_sim::town::{Station, Town};
use dialback_sim::world::{Setup, World};

const PAIRS: usize = 8;
const ROUNDS: usize = 200;

fn main() {
    let mut stations = Vec::new();
    let mut config = String::from(
        "[server]\nlogin_config = \"/etc/dialback/login.config\"\n[callback]\ndelay = \"5s\"\njitter = \"2s\"\nper_user = 16\nin_all = 16\n\
         caller_numbers = { allow = [\"*\"] }\n",
    );
    for index in 0..PAIRS {
        stations.push(Station::modem(&format!("line{index}"), &format!("555010{index}")));
        stations.push(Station::modem(&format!("caller{index}"), &format!("555020{index}")));
        config.push_str(&format!(
            "[[line]]\nname = \"line{index}\"\nport = \"sim:line{index}\"\nnumber = \"555010{index}\"\n\
             hold_time = \"3s\"\nmodem = {{ init = [\"ATZ\", \"AT&C1&D2S0=0\"], dial_prefix = \"ATDT\" }}\n"
        ));
    }
    let setup = Setup {
        town: Town::of(stations),
        config,
        login_config: "cback - - /usr/sbin/callback -S\n* - - /bin/login @\n".to_owned(),
        seed: 1,
        control_lines: true,
        store_delay: Duration::from_millis(2),
        programs: BTreeMap::new(),
    };
    let mut world = match World::new(setup) {
        Ok(world) => world,
        Err(faults) => return println!("{faults}"),
    };
    world.keep_nothing();
    let begin = Instant::now();
    for _ in 0..ROUNDS {
        let start = world.ms() + 4_000;
        world.run_until(start);
        for index in 0..PAIRS {
            let server = format!("555010{index}");
            let own = format!("555020{index}");
            world.begin(&format!("caller{index}"), chat(&server, "cback", Some(&own), "al"));
        }
        let end = world.ms() + 600_000;
        assert!(world.run_to_quiet(end), "{}", world.tail());
        for index in 0..PAIRS {
            let outcome = world.outcome(&format!("caller{index}"));
            assert_eq!(outcome, Some(&Outcome::Done), "{}", world.tail());
        }
        world.forget();
    }
    let took = begin.elapsed();
    let sessions = PAIRS * ROUNDS;
    println!(
        "{sessions} callback sessions in {took:.2?}: {:.0} sessions/s on one core, {} s of telephone time",
        sessions as f64 / took.as_secs_f64(),
        world.ms() / 1_000,
    );
}
