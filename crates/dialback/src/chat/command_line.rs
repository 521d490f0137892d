//! chat's command line: letters that may be clustered, values that may be attached.
//!
//! The rules are those of chat's own small option reader, which differ from getopt(3): `--` ends the options, a
//! lone `-` ends them and is the first word of the script, and after the first word nothing is an option.
//!
//! This file opens nothing and says nothing.

use proto::chat::{Options, atoi};

/// What is to be done.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) options: Options,
    /// `-E`.
    pub(super) environment: bool,
    /// `-s`.
    pub(super) to_stderr: bool,
    /// `-S` was not given.
    pub(super) to_syslog: bool,
    /// `-f`; the last one counts.
    pub(super) script_file: Option<Vec<u8>>,
    /// The rest of the line.
    pub(super) words: Vec<Vec<u8>>,
}

/// `-r`: a file for reports.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ReportFile {
    pub(super) name: Vec<u8>,
    /// `-v` stood before it: the opening is noted in the file.
    pub(super) noted: bool,
}

#[derive(Debug)]
pub(super) struct CommandLine {
    pub(super) plan: Plan,
    /// Each is opened, the last one is used.
    pub(super) report_files: Vec<ReportFile>,
}

/// The line does not make sense: usage, exit 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misused;

pub(super) fn parse(arguments: Vec<Vec<u8>>) -> Result<CommandLine, Misused> {
    let mut plan = Plan { to_syslog: true, ..Plan::default() };
    let mut report_files = Vec::new();
    let mut words = arguments.into_iter().peekable();
    while let Some(word) = words.next_if(|word| word.first() == Some(&b'-') && word.len() > 1) {
        if word == b"--" {
            break;
        }
        let mut letters = word.into_iter().skip(1);
        while let Some(letter) = letters.next() {
            match letter {
                b'e' => plan.options.echo = true,
                b'E' => plan.environment = true,
                b'v' => plan.options.verbose = true,
                b'V' => plan.options.copy = true,
                b's' => plan.to_stderr = true,
                b'S' => plan.to_syslog = false,
                b'f' | b't' | b'r' | b'T' | b'U' => {
                    let attached: Vec<u8> = letters.by_ref().collect();
                    let value = if attached.is_empty() { words.next() } else { Some(attached) };
                    match (letter, value) {
                        (b'f', Some(name)) => plan.script_file = Some(name),
                        (b't', Some(seconds)) => plan.options.timeout = atoi(&seconds),
                        (b'T', Some(phone)) => plan.options.phone = Some(phone),
                        (b'U', Some(phone)) => plan.options.second_phone = Some(phone),
                        (_, Some(name)) => {
                            let noted = plan.options.verbose;
                            report_files.push(ReportFile { name, noted });
                        }
                        // An -r without a name is passed over.
                        (b'r', None) => {}
                        (_, None) => return Err(Misused),
                    }
                }
                _ => return Err(Misused),
            }
        }
    }
    plan.words = words.collect();
    Ok(CommandLine { plan, report_files })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `line` is split at blanks; `.` stands for an empty word.
    fn check(line: &str, wanted: &str) {
        let words = line.split_whitespace().map(|w| w.replace('.', "").into_bytes()).collect();
        let shown = match parse(words) {
            Err(Misused) => "usage".to_owned(),
            Ok(CommandLine { plan, report_files }) => {
                let mut flags = String::new();
                for (on, letter) in [
                    (plan.options.echo, 'e'),
                    (plan.environment, 'E'),
                    (plan.options.verbose, 'v'),
                    (plan.options.copy, 'V'),
                    (plan.to_stderr, 's'),
                    (!plan.to_syslog, 'S'),
                ] {
                    flags.extend(on.then_some(letter));
                }
                let text = |b: &Vec<u8>| String::from_utf8_lossy(b).into_owned();
                let or = |b: &Option<Vec<u8>>| b.as_ref().map_or("none".to_owned(), text);
                let words: Vec<_> = plan.words.iter().map(text).collect();
                let files: Vec<_> =
                    report_files.iter().map(|f| format!("{}{}", text(&f.name), f.noted)).collect();
                format!(
                    "{flags} t{} f:{} T:{} U:{} r:{} [{}]",
                    plan.options.timeout,
                    or(&plan.script_file),
                    or(&plan.options.phone),
                    or(&plan.options.second_phone),
                    files.join(","),
                    words.join("|")
                )
            }
        };
        assert_eq!(shown, wanted, "{line}");
    }

    #[test]
    fn options_are_read_as_chat_reads_them() {
        for (line, wanted) in [
            ("", " t45 f:none T:none U:none r: []"),
            ("-v -s -S a b", "vsS t45 f:none T:none U:none r: [a|b]"),
            ("-vsSt5 a", "vsS t5 f:none T:none U:none r: [a]"),
            ("-eEVt 7x a", "eEV t7 f:none T:none U:none r: [a]"),
            ("-t -5 a", " t-5 f:none T:none U:none r: [a]"),
            ("-t . a", " t0 f:none T:none U:none r: [a]"),
            ("-Tv 1 2", " t45 f:none T:v U:none r: [1|2]"),
            ("-T -v -U -- x", " t45 f:none T:-v U:-- r: [x]"),
            ("-f a -fb", " t45 f:b T:none U:none r: []"),
            ("-r a -vr b x", "v t45 f:none T:none U:none r:afalse,btrue [x]"),
            ("-v -r", "v t45 f:none T:none U:none r: []"),
            ("- a", " t45 f:none T:none U:none r: [-|a]"),
            ("-v -- -s", "v t45 f:none T:none U:none r: [-s]"),
            ("-- -- a", " t45 f:none T:none U:none r: [--|a]"),
            ("a -v", " t45 f:none T:none U:none r: [a|-v]"),
            (". -v", " t45 f:none T:none U:none r: [|-v]"),
            ("-l", "usage"),
            ("-vx a", "usage"),
            ("--help", "usage"),
            ("-v-", "usage"),
            ("-f", "usage"),
            ("-vt", "usage"),
            ("-T", "usage"),
            ("-U", "usage"),
        ] {
            check(line, wanted);
        }
    }
}
