//! The table of faulty configurations, `faults.txt`: the text, and the exact lines that it gets.

use std::fmt::Write as _;

use super::*;

const TABLE: &str = include_str!("faults.txt");

#[derive(Default)]
struct Case {
    sentence: String,
    toml: String,
    login: Option<String>,
    dialin: Option<String>,
    expected: Vec<String>,
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut file = "";
    for line in TABLE.lines() {
        if let Some(sentence) = line.strip_prefix("=== ") {
            cases.push(Case { sentence: sentence.to_owned(), ..Case::default() });
            file = "";
            continue;
        }
        let Some(case) = cases.last_mut().filter(|_| !line.starts_with("# ---")) else { continue };
        if let Some(expected) = line.strip_prefix("--- ") {
            case.expected.push(expected.to_owned());
            file = "expected";
        } else if let Some(name) = line.strip_prefix('@') {
            file = name;
        } else if file != "expected" {
            let text = match file {
                "login.config" => case.login.get_or_insert_default(),
                "dialin.config" => case.dialin.get_or_insert_default(),
                _ => &mut case.toml,
            };
            text.push_str(line);
            text.push('\n');
        }
    }
    cases
}

fn lines_for(case: &Case) -> Vec<String> {
    let mut toml = String::from("[server]\nlogin_config = \"login.config\"\n");
    if case.dialin.is_some() {
        toml.push_str("dialin_config = \"dialin.config\"\n");
    }
    toml.push_str(&case.toml);
    if !["[[line", "[line", "[modem.x"].iter().any(|begun| case.toml.contains(begun)) {
        toml.push_str("[[line]]\nname = \"main\"\nport = \"/dev/ttyS0\"\n");
    }
    told(&load_texts(&toml, case.login.as_deref().unwrap_or(LOGIN), case.dialin.as_deref()))
}

#[test]
fn every_fault_of_the_table_is_told_exactly() {
    let cases = cases();
    assert!(cases.len() >= 100, "the table has {} cases", cases.len());
    let mut wrong = String::new();
    for case in &cases {
        let lines = lines_for(case);
        if lines != case.expected || lines.is_empty() {
            let _ = writeln!(wrong, "=== {}", case.sentence);
            for line in lines {
                let _ = writeln!(wrong, "--- {line}");
            }
        }
    }
    assert!(wrong.is_empty(), "told otherwise than the table says:\n{wrong}");
}

#[test]
fn every_error_says_how_to_mend_it() {
    for case in cases() {
        let mut toml = String::from("[server]\nlogin_config = \"login.config\"\n");
        toml.push_str(&case.toml);
        let login = case.login.as_deref().unwrap_or(LOGIN);
        let Err(faults) = load_texts(&toml, login, None) else { continue };
        for fault in faults {
            assert!(fault.hint.is_some(), "no cure in \"{}\": {fault}", case.sentence);
        }
    }
}
