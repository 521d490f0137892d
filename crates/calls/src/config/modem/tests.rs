//! The built-in profiles.

use super::*;

#[test]
fn every_built_in_profile_is_without_danger() {
    for profile in PROFILES {
        let modem = of(profile).expect("the prefix of each profile is one");
        for line in profile.init.iter().chain(&profile.caller_id) {
            command_line(line).expect("each init command is one");
            for command in commands(line) {
                assert_eq!(danger(&command, modem.dtr_hangup), None, "{}: {line}", profile.name);
            }
        }
        assert_eq!(answer_command(profile.answer), Ok(profile.answer.to_owned()));
    }
}
