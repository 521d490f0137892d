//! What setup writes: a whole dialback.toml where there is none, tables of lines for one that is there, and a
//! login.config to begin with. Texts in, texts out.

use std::fmt::Write as _;
use std::path::Path;

use proto::at::identity::Identity;
use proto::at::profile::Profile;

/// A modem that was found and is to be a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proposal {
    /// As `port` has it in the configuration.
    pub(crate) port: String,
    pub(crate) speed: u32,
    pub(crate) identity: Identity,
    /// DCD is up, and there is no call.
    pub(crate) carrier: bool,
    /// Whether the port has control lines.
    pub(crate) lines: bool,
}

/// What serial ports are set to where a line does not say.
const USUAL_SPEED: u32 = 115_200;

/// The first free `line1`, `line2`, ... beside these names, for each of `count` lines.
pub(crate) fn names(taken: &[String], count: usize) -> Vec<String> {
    (1_u32..).map(|n| format!("line{n}")).filter(|name| !taken.contains(name)).take(count).collect()
}

/// The tables of lines.
pub(crate) fn lines(proposals: &[Proposal], names: &[String]) -> String {
    let mut text = String::new();
    for (proposal, name) in proposals.iter().zip(names) {
        // Writing to a String can't fail.
        let _ = write!(text, "\n{}", line(proposal, name));
    }
    text
}

fn line(proposal: &Proposal, name: &str) -> String {
    let Proposal { port, speed, identity, carrier, lines } = proposal;
    let mut text = String::new();
    let who = if identity.name.is_empty() { "A modem" } else { &identity.name };
    let mut say = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    say(format!("# {who}. Profile {}: {}.", identity.profile, identity.because));
    if !identity.tells_caller {
        say("# It does not tell who calls: screening by caller ID is not possible here.".to_owned());
    }
    if let Some(rings) = identity.answers_by_itself {
        say(format!("# It was set to answer by itself (S0={rings}); the server takes that back."));
    }
    if *carrier {
        say("# Its carrier line (DCD) was up without a call: &C0, or a cable that ties it high. The profile sets".to_owned());
        say("# &C1; if `dialback lines` shows a carrier nevertheless, mend the cable.".to_owned());
    }
    if !*lines {
        say("# The end of a call is known from the modem's words alone there, and hanging up takes some seconds.".to_owned());
    }
    say("[[line]]".to_owned());
    say(format!("name   = {}", quoted(name)));
    say(format!("port   = {}", quoted(port)));
    if *speed != USUAL_SPEED {
        say(format!("speed  = {speed}"));
    }
    say(format!("modem  = {}", modem(identity)));
    say("# number = \"5550100\"      # the line's own number; never dialled, so that nobody has us call ourselves".to_owned());
    say("# hold_time = \"10s\"       # how long the exchange holds the line after we hang up: `dialback qualify`".to_owned());
    text
}

/// The value of `modem`: the profile, and how it is made to tell who calls.
fn modem(identity: &Identity) -> String {
    let profile = quoted(identity.profile);
    let own = Profile::named(identity.profile).map_or(&[][..], |profile| profile.init);
    match identity.caller_id {
        // Another command than the profile's: the profile's setup with that one behind it.
        Some(command) => {
            let init: Vec<String> =
                own.iter().chain(&[command]).map(|command| quoted(command)).collect();
            format!("{{ profile = {profile}, init = [{}] }}", init.join(", "))
        }
        None if identity.tells_caller => format!("{{ profile = {profile}, caller_id = true }}"),
        None => profile,
    }
}

/// A whole dialback.toml.
pub(crate) fn whole(proposals: &[Proposal], names: &[String], login_config: &Path) -> String {
    let same = if proposals.len() == 1 {
        "line = \"same\"             # there is no other. With a second line, \"other\" is safer: docs/guide/security.md"
    } else {
        "line = \"other\"            # who does not hang up can only deceive the line that he holds"
    };
    format!(
        "# Made by `dialback setup`. Every key: docs/reference/configuration.md. `dialback check` finds faults in it.

[server]
login_config = {}
{}
[callback]
{same}
# What a caller may ask to be called at, where his entry in login.config has no number. Nothing, until prefixes are allowed:
# caller_numbers = {{ allow = [\"555*\"] }}
",
        quoted(&login_config.display().to_string()),
        lines(proposals, names),
    )
}

/// A login.config to begin with: everybody gets a login, nobody is called back yet.
pub(crate) const LOGIN_CONFIG: &str = "\
# Which program serves which name: mgetty's format. The first entry that fits counts.
#
# name      user   utmp   program
#
# Mary is called back at this number, and nobody else is:
#mary       -      -      /usr/sbin/callback -S 5551234
# This name asks its caller for the number; dialback.toml says which numbers are allowed:
#cback      -      -      /usr/sbin/callback -S
# Windows and everybody else who speaks PPP: docs/guide/ppp.md
#/AutoPPP/  -      a_ppp  dialback-ppp
# Everybody else gets a login:
*           -      -      /bin/login @
";

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use calls::config::load::FileText;

    use super::*;

    fn proposal(port: &str, profile: &'static str) -> Proposal {
        Proposal {
            port: port.to_owned(),
            speed: USUAL_SPEED,
            identity: Identity {
                name: "ACME \"56k\"".to_owned(),
                profile,
                because: "it calls itself \"ACME\"".to_owned(),
                caller_id: None,
                tells_caller: true,
                fax: true,
                answers_by_itself: None,
            },
            carrier: false,
            lines: true,
        }
    }

    /// Reads it as the server would, without looking for devices and programs.
    fn check(text: &str) {
        let files = |path: &Path| {
            let text = if path.ends_with("login.config") { LOGIN_CONFIG } else { text };
            Ok(FileText { text: text.as_bytes().to_vec(), uid: 0, mode: 0o600 })
        };
        let read = crate::config::read_with(Path::new("/etc/dialback/dialback.toml"), &files);
        assert!(read.config.is_some(), "{}\n{text}", read.rendered(crate::out::Palette::none()));
    }

    #[test]
    fn what_is_written_is_a_configuration_for_every_profile_and_every_remark() {
        for profile in proto::at::profile::PROFILES {
            let mut odd = proposal("/dev/ttyS0", profile.name);
            odd.identity.tells_caller = false;
            odd.speed = 9600;
            odd.identity.answers_by_itself = Some(2);
            odd.carrier = true;
            let mut first = proposal("/dev/ttyUSB0", profile.name);
            if profile.caller_id.is_none() {
                first.identity.caller_id = Some("AT+VCID=1");
            }
            let two = [first, odd];
            let login = Path::new("/etc/dialback/login.config");
            check(&whole(&two, &names(&[], 2), login));
            check(&whole(&two[..1], &names(&[], 1), login));
            let more = whole(&two[..1], &names(&[], 1), login);
            check(&format!("{more}{}", lines(&two[1..], &names(&["line1".to_owned()], 1))));
        }
    }

    #[test]
    fn names_that_are_taken_are_left_out() {
        let taken = ["line1".to_owned(), "line3".to_owned()];
        assert_eq!(names(&taken, 3), ["line2", "line4", "line5"]);
    }
}
