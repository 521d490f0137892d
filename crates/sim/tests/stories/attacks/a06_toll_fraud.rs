//! A6: a caller has us dial a dear number: a premium service, abroad, a satellite, by way of another carrier, or as if it
//! were an ordinary one.

use dialback_sim::people::Step;
use dialback_sim::people::scripts::{expect, send};
use dialback_sim::world::{Setup, World};

use super::*;

/// What a caller types, and the number that his telephone company would connect.
const DEAR: [(&str, &str); 12] = [
    ("19005550123", "premium"),
    ("9005550123", "premium"),
    ("+1 (900) 555-0123", "premium"),
    ("01144909123 4567", "premium"),
    ("011979123456789", "premium"),
    ("011447011123456", "personal"),
    ("+881612345678", "satellite"),
    ("011870773111632", "satellite"),
    ("+88213300655", "global"),
    ("911", "emergency"),
    ("9115550123", "emergency"),
    ("10102885550123", "operator"),
];

fn typed(site: &str, number: &str) -> World {
    let mut setup = setup();
    setup.config = setup.config.replace("\"555*\"", "\"*\"");
    setup.config.push_str(site);
    if !site.is_empty() {
        setup.config = setup.config.replace("rings = 1\n", "rings = 1\ndial_plan = \"town\"\n");
    } else {
        setup.config = setup.config.replace(
            "dial_prefix = \"ATDT\"",
            "dial_prefix = \"ATDT\", international_prefix = \"011\"",
        );
    }
    let setup = Setup { ..setup };
    let mut steps = dial(OFFICE);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    steps.extend([expect("ogin: ", 60), send("cback\r"), expect("callback: ", 60)]);
    steps.extend([send(&format!("{number}\r")), Step::Pause(std::time::Duration::from_secs(10))]);
    steps.push(Step::Dtr(false));
    tried(setup, "alice", steps)
}

const SITE: &str =
    "\n[site]\ncountry = \"US\"\narea = \"212\"\n[dial_plan.town]\nform = \"local\"\n";

#[test]
fn a_server_that_knows_nothing_of_numbers_dials_whatever_is_allowed() {
    for (number, _) in DEAR {
        let world = typed("", number);
        assert!(count(&world, "dialled") > 0, "{number}\n{}", world.tail());
    }
}

#[test]
fn each_dear_kind_is_refused_by_the_rule_that_is_named_after_it() {
    for (number, class) in DEAR {
        let world = typed(SITE, number);
        assert_eq!(count(&world, "dialled"), 0, "{number}\n{}", world.tail());
        journal_has(&world, &[&format!("refused rule=number.class.{class}")]);
    }
}

#[test]
fn an_ordinary_number_is_called_all_the_same() {
    for number in [ALICE, "212 555 0199", "+1 212 555 0199", "1-212-555-0199"] {
        let world = typed(SITE, number);
        assert_eq!(count(&world, "dialled number=+12125550199"), 3, "{number}\n{}", world.tail());
        assert_eq!(count(&world, "refused"), 0);
    }
}
