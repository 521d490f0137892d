//! Every profile of the table can be used, and does what each must do.

use super::*;
use crate::dial::{PhoneNumber, is_dial_command};

#[test]
fn every_profile_can_be_used() {
    for profile in PROFILES {
        let name = profile.name;
        assert!(std::ptr::eq(Profile::named(name).unwrap(), profile), "{name} is there twice");
        assert!(profile.setup().is_ok(), "{name}: {:?}", profile.setup());
        assert!(Command::new(profile.answer).is_ok(), "{name}");
        let number = PhoneNumber::typed(b"5551234").unwrap();
        let command = profile.dialling().unwrap().render(&number).unwrap();
        assert!(is_dial_command(command.command()), "{name}: {command}");
    }
    assert!(Profile::named("").is_none());
}

#[test]
fn every_setup_leaves_the_modem_as_we_need_it() {
    for profile in PROFILES {
        let all = profile.init.concat();
        let name = profile.name;
        for wanted in ["E0", "Q0", "V1", "S0=0"] {
            assert!(all.contains(wanted), "{name}: {wanted}");
        }
        assert!(!all.contains("&W"), "{name} writes to the modem's memory at every start");
        match profile.hang_up {
            HangUpManner::Dtr | HangUpManner::DtrThenEscape => {
                assert!(all.starts_with("AT&F"), "{name} starts from what is stored in the modem");
                assert!(all.contains("&C1&D2"), "{name} does not obey DTR");
            }
            HangUpManner::Escape => {}
        }
    }
}

#[test]
fn who_hangs_up_by_dtr_does_not_listen_to_the_escape() {
    for profile in PROFILES {
        let off = profile.wishes.contains(&ESCAPE_OFF);
        assert_eq!(off, profile.hang_up == HangUpManner::Dtr, "{}", profile.name);
    }
}

#[test]
fn a_setup_waits_after_a_reset() {
    let plan = Profile::named("courier").unwrap().setup().unwrap();
    let said: Vec<_> =
        plan.commands.iter().map(|command| (command.text(), command.pause.as_millis())).collect();
    assert_eq!(
        said,
        [
            ("AT&F1", 50),
            ("ATE0Q0V1X4&A3", 500),
            ("AT&B1&H1&R2&C1&D2S0=0", 50),
            ("ATS2=255", 50),
            ("AT#CID=1", 50)
        ]
    );
    for (command, wanted) in [("ATZ", true), ("at&f0", true), ("ATE0", false), ("AT", false)] {
        assert_eq!(resets(command), wanted, "{command}");
    }
}

#[test]
fn only_a_sim_modem_dials_a_plus() {
    let number = PhoneNumber::typed(b"+49891234").unwrap();
    for profile in PROFILES {
        let command = profile.dialling().unwrap().render(&number);
        match profile.name {
            "sim" => assert_eq!(command.unwrap().to_string(), "ATD+49891234"),
            _ => assert_eq!(command, Err(DialFault::NoInternationalPrefix)),
        }
    }
}
