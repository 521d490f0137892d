//! The makes of modems that are in town: what each is, and how it leaves the factory.
//!
//! What the settings do is not known here.

use std::time::Duration;

use super::registers::{
    ArqForm, CallerIdForm, ConnectForm, Dialect, DtrRule, Profile, Registers, Settings,
};

impl Profile {
    /// The makes that a town's file can name.
    pub const NAMES: [&'static str; 5] = ["rockwell", "courier", "hayes", "zyxel", "sim"];

    /// A make by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let factory = Settings {
            echo: true,
            quiet: false,
            verbose: true,
            extended: 4,
            dcd_follows: true,
            dtr: DtrRule::HangUp,
            dsr_follows: false,
            flow: 3,
            arq: ArqForm::Plain,
            connect: ConnectForm::LineSpeed,
            caller_id: CallerIdForm::Off,
            fclass: "0".to_owned(),
            port_speed: 0,
            pulse: false,
            registers: Registers::factory(),
        };
        let rockwell = Self {
            manufacturer: "ROCKWELL".to_owned(),
            model: "RC336DPFSP".to_owned(),
            revision: "V1.210-V34_DS".to_owned(),
            no_dial_tone: "NO DIALTONE".to_owned(),
            no_answer: false,
            error_control: true,
            line_rate: 33_600,
            command_limit: 60,
            dial_tone_wait: Duration::from_secs(5),
            dialect: Dialect::Rockwell,
            factory,
        };
        match name {
            "rockwell" => Some(rockwell),
            "courier" => Some(Self {
                manufacturer: "U.S. Robotics".to_owned(),
                model: "Courier V.Everything".to_owned(),
                revision: "7.3.14".to_owned(),
                no_dial_tone: "NO DIAL TONE".to_owned(),
                no_answer: true,
                dialect: Dialect::Courier,
                factory: Settings { arq: ArqForm::Full, ..rockwell.factory.clone() },
                ..rockwell
            }),
            "hayes" => Some(Self {
                manufacturer: "HAYES".to_owned(),
                model: "Smartmodem 2400".to_owned(),
                revision: "249".to_owned(),
                error_control: false,
                line_rate: 2_400,
                command_limit: 40,
                // A Smartmodem leaves the factory with both stuck: the reason why so many init strings say &C1&D2.
                factory: Settings {
                    dcd_follows: false,
                    dtr: DtrRule::Ignored,
                    ..rockwell.factory.clone()
                },
                ..rockwell
            }),
            "zyxel" => Some(Self {
                manufacturer: "ZyXEL".to_owned(),
                model: "Omni 288S".to_owned(),
                revision: "V 1.14".to_owned(),
                line_rate: 28_800,
                dialect: Dialect::Zyxel,
                factory: Settings { extended: 5, ..rockwell.factory.clone() },
                ..rockwell
            }),
            "sim" => Some(Self {
                manufacturer: "SIEMENS".to_owned(),
                model: "TC35".to_owned(),
                revision: "REVISION 04.00".to_owned(),
                error_control: false,
                line_rate: 9_600,
                dialect: Dialect::Gsm,
                ..rockwell
            }),
            _ => None,
        }
    }

    /// The make that knows the commands of one of the server's profiles.
    #[must_use]
    pub fn that_knows(profile: &str) -> Self {
        Self::named(profile).unwrap_or_else(Self::rockwell)
    }

    /// A Rockwell RC336: what most modems of 1998 had inside.
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        clippy::expect_used,
        reason = "the name is in the table above"
    )]
    pub fn rockwell() -> Self {
        Self::named("rockwell").expect("in the table")
    }
}

#[cfg(test)]
mod tests {
    use super::super::Modem;
    use super::*;

    #[test]
    fn every_name_is_a_make() {
        for name in Profile::NAMES {
            assert!(Profile::named(name).is_some(), "{name}");
        }
        assert_eq!(Profile::named("acme"), None);
    }

    #[test]
    fn every_profile_of_the_server_has_a_modem_that_takes_its_setup() {
        for profile in proto::at::profile::PROFILES {
            let mut modem = Modem::new(Profile::that_knows(profile.name));
            for command in profile.init.iter().chain(&profile.caller_id) {
                assert!(modem.set_up(command), "{}: {command}", profile.name);
            }
        }
    }

    #[test]
    fn letters_mean_what_the_make_says() {
        for (make, command, known) in [
            ("rockwell", "&R2", false),
            ("courier", "&R2", true),
            ("courier", "&R3", false),
            ("courier", "&K4", false),
            ("rockwell", "&K4", true),
            ("rockwell", "X5", false),
            ("zyxel", "X5", true),
            ("zyxel", "S40.2=1", true),
            ("courier", "S40.2=1", false),
            ("sim", "+CLIP=1", true),
            ("rockwell", "+CLIP=1", false),
        ] {
            let mut modem = Modem::new(Profile::named(make).unwrap());
            assert_eq!(modem.set_up(command), known, "{make}: {command}");
        }
        // &K0 of a Courier is no compression, and leaves flow control alone.
        let flow = |make, command| {
            let mut modem = Modem::new(Profile::named(make).unwrap());
            assert!(modem.set_up(command));
            modem.settings().flow
        };
        assert_eq!((flow("rockwell", "&K0"), flow("courier", "&K0")), (0, 3));
        assert_eq!((flow("courier", "&H0"), flow("rockwell", "&H0")), (0, 3));
        assert_eq!((flow("zyxel", "&H0"), flow("zyxel", "&K0")), (0, 3));
    }
}
