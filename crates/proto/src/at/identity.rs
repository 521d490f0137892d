//! What a modem's answers say about it: its name for people, the profile that fits, how it tells who calls.
//!
//! The makers' names are in the answers to `ATI`, `+GMI` and `+GMM`, as they stand in the manuals that the profiles are made
//! of. A modem that none of them fits gets `generic`, with the caller ID command that it did not refuse. This file asks
//! nobody: [`interview`](super::interview) does.

use super::interview::{Answer, Answers, Question};
use super::profile::Profile;

/// Who it is, as far as it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// For people: `U.S. Robotics Courier V.Everything 7.3.14`. What a stranger said: printable ASCII, bounded.
    pub name: String,
    /// The profile's name.
    pub profile: &'static str,
    /// Why this one, for people: `it calls itself "Courier"`.
    pub because: String,
    /// The command that makes it tell who calls, where the profile's own is none or was refused.
    pub caller_id: Option<&'static str>,
    /// Whether it can tell who calls at all.
    pub tells_caller: bool,
    /// Whether it is a fax modem too.
    pub fax: bool,
    /// It would answer calls by itself, after so many rings.
    pub answers_by_itself: Option<u8>,
}

/// The words by which makes are known, and their profiles; the first that is found wins.
const MAKES: &[(&str, &str)] = &[
    ("COURIER", "courier"),
    ("SPORTSTER", "courier"),
    ("U.S. ROBOTICS", "courier"),
    ("USROBOTICS", "courier"),
    ("ZYXEL", "zyxel"),
    ("CONEXANT", "conexant"),
    ("CX930", "conexant"),
    ("CX8", "conexant"),
    ("HCF", "conexant"),
    ("HSF", "conexant"),
    ("LUCENT", "lucent"),
    ("AGERE", "lucent"),
    ("LSI CORP", "lucent"),
    ("LT V.90", "lucent"),
    ("ROCKWELL", "rockwell"),
    ("RC144", "rockwell"),
    ("RC288", "rockwell"),
    ("RC336", "rockwell"),
    ("RCV", "rockwell"),
    ("SUPRA", "rockwell"),
    ("ACCURA", "rockwell"),
    ("TCPSER", "network"),
];

/// Where a make is looked for, the plainest first.
const NAMES: [Question; 6] = ["AT+GMI", "AT+GMM", "ATI3", "ATI4", "ATI0", "AT+GMR"];

/// The longest name that is shown.
const MAX_NAME: usize = 60;

/// What `answers` say of the modem; `lines`: the port has control lines.
#[must_use]
pub fn identify(answers: &Answers, lines: bool) -> Identity {
    let knows = |question: Question| matches!(answers.get(question), Some(Answer::Said(_)));
    let first = |question: Question| said(answers, question).first().map_or("", String::as_str);
    let (profile, because) = if !lines {
        ("network", "its port has no control lines".to_owned())
    } else if knows("AT+CBST=?") {
        ("sim", "it knows data calls of a GSM network (+CBST)".to_owned())
    } else if let Some((word, profile)) = make(answers) {
        (profile, format!("it calls itself \"{word}\""))
    } else {
        ("generic", "it says nothing that would tell its make".to_owned())
    };
    let own = Profile::named(profile).and_then(|profile| profile.caller_id);
    // +CLIP and S40.2 can't be asked for with =?: the profile knows.
    let caller_id = [("AT#CID=?", "AT#CID=1"), ("AT+VCID=?", "AT+VCID=1")]
        .into_iter()
        .filter_map(|(question, command)| knows(question).then_some(command))
        // The profile's own first, then V.253's: the last of equals is taken.
        .max_by_key(|command| own == Some(*command));
    let rings = first("ATS0?").trim().parse::<u8>().ok().filter(|&rings| rings > 0);
    Identity {
        name: name(answers),
        profile,
        because,
        tells_caller: caller_id.is_some() || own.is_some_and(|own| !own.contains("CID")),
        caller_id: caller_id.filter(|command| own != Some(*command)),
        fax: first("AT+FCLASS=?").contains(['1', '2']),
        answers_by_itself: rings,
    }
}

fn said(answers: &Answers, question: Question) -> &[String] {
    match answers.get(question) {
        Some(Answer::Said(lines)) => lines,
        Some(Answer::Refused | Answer::Silent) | None => &[],
    }
}

fn make(answers: &Answers) -> Option<(&'static str, &'static str)> {
    let all = NAMES.iter().flat_map(|question| said(answers, question));
    let all = all.map(|line| line.to_ascii_uppercase()).collect::<Vec<_>>().join("\n");
    MAKES.iter().find(|(word, _)| all.contains(word)).copied()
}

/// Maker, model and revision; else what the I commands say; else nothing.
fn name(answers: &Answers) -> String {
    let mut name = String::new();
    for question in ["AT+GMI", "AT+GMM", "AT+GMR", "ATI3", "ATI0"] {
        // The I commands only speak where V.250's are not known.
        if question.starts_with("ATI") && !name.is_empty() {
            break;
        }
        let Some(line) = said(answers, question).first() else { continue };
        // 3GPP and some V.250 modems put the command's name before: `+GMM: E220`.
        let text = line.split_once(": ").map_or(line.as_str(), |(_, text)| text).trim();
        if !text.is_empty() && !name.contains(text) {
            name.push_str(if name.is_empty() { "" } else { " " });
            name.extend(text.chars().filter(|c| c.is_ascii_graphic() || *c == ' '));
        }
    }
    name.truncate(MAX_NAME);
    name.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a modem says to what; all else it refuses.
    fn check(said: &[(Question, &str)], lines: bool, wanted: (&str, &str, Option<&str>, bool)) {
        let said = said.iter().map(|(question, text)| {
            (*question, Answer::Said(text.lines().map(str::to_owned).collect()))
        });
        let identity = identify(&said.collect(), lines);
        assert_eq!(
            (identity.name.as_str(), identity.profile, identity.caller_id, identity.fax),
            wanted,
            "{identity:?}"
        );
    }

    #[test]
    fn makes_are_known_by_their_words() {
        check(
            &[
                ("ATI3", "U.S. Robotics Courier V.Everything"),
                ("AT#CID=?", "0,1,2"),
                ("AT+VCID=?", "(0-2)"),
                ("AT+FCLASS=?", "0,1,2.0"),
            ],
            true,
            ("U.S. Robotics Courier V.Everything", "courier", None, true),
        );
        check(
            &[
                ("AT+GMM", "+GMM: CX93010-EIS_V0.2013-V92"),
                ("AT+VCID=?", "(0-2)"),
                ("AT+FCLASS=?", "0,1,1.0,8"),
            ],
            true,
            ("CX93010-EIS_V0.2013-V92", "conexant", None, true),
        );
        check(
            &[
                ("AT+GMI", "ROCKWELL"),
                ("AT+GMM", "RC336DPFSP"),
                ("AT#CID=?", "0,1,2"),
                ("AT+FCLASS=?", "0"),
            ],
            true,
            ("ROCKWELL RC336DPFSP", "rockwell", None, false),
        );
        // A Rockwell that has only V.253's caller ID: the profile's own command would be refused.
        check(
            &[("AT+GMI", "ROCKWELL"), ("AT+VCID=?", "(0-2)")],
            true,
            ("ROCKWELL", "rockwell", Some("AT+VCID=1"), false),
        );
        check(
            &[("ATI0", "U1496E  V 6.11 M"), ("ATI3", "ZyXEL U-1496E")],
            true,
            ("ZyXEL U-1496E", "zyxel", None, false),
        );
        check(
            &[("AT+GMI", "Huawei"), ("AT+GMM", "E220"), ("AT+CBST=?", "+CBST: (0,7),(0),(1)")],
            true,
            ("Huawei E220", "sim", None, false),
        );
        check(&[("ATI0", "249")], true, ("249", "generic", None, false));
        check(&[], true, ("", "generic", None, false));
        check(&[("AT+GMI", "ROCKWELL")], false, ("ROCKWELL", "network", None, false));
    }

    #[test]
    fn a_name_is_printable_and_bounded_whatever_was_said() {
        let long = format!("\u{1b}[31m{}", "x".repeat(500));
        let answers = Answers::from([("AT+GMM", Answer::Said(vec![long]))]);
        let name = identify(&answers, true).name;
        assert!(name.len() <= MAX_NAME && name.chars().all(|c| c.is_ascii_graphic()), "{name}");
    }

    #[test]
    fn every_profile_of_the_table_is_one() {
        for (word, profile) in MAKES {
            assert!(Profile::named(profile).is_some(), "{word}");
            assert_eq!(*word, word.to_ascii_uppercase(), "it is looked for in capitals");
        }
    }

    #[test]
    fn a_modem_that_answers_by_itself_is_noticed() {
        let s0 = |text: &str| {
            let answers = Answers::from([("ATS0?", Answer::Said(vec![text.to_owned()]))]);
            identify(&answers, true).answers_by_itself
        };
        assert_eq!((s0("000"), s0("002"), s0("junk")), (None, Some(2), None));
    }
}
