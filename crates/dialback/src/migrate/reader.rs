//! The grammar that mgetty.config and callback.config share (mgetty 1.2.1, config.c), and the command line of mgetty.
//!
//! A line is a keyword and its value; `#` begins a comment only at the beginning of a line; a `\` at the end continues
//! one. `port NAME` begins a section that ends at the next `port`. It does not know what the keywords mean.

/// A keyword and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// From 1.
    pub(super) line: usize,
    pub(super) keyword: String,
    /// The rest of the line, blanks squeezed.
    pub(super) value: String,
    /// The section it stands in: a device, with `?` for any letter.
    pub(super) port: Option<String>,
}

/// The lines of a text that are not comments, with their numbers; a continued line has that of its beginning.
pub(super) fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut all = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let (begins, mut whole) = open.take().unwrap_or((number, String::new()));
        match line.strip_suffix('\\') {
            Some(part) => {
                whole.push_str(part);
                open = Some((begins, whole));
            }
            None => {
                whole.push_str(line);
                all.push((begins, whole));
            }
        }
    }
    all.extend(open);
    all.retain(|(_, line)| {
        let line = line.trim_start();
        !line.is_empty() && !line.starts_with('#')
    });
    all
}

/// The statements of a text.
pub(super) fn statements(text: &str) -> Vec<Statement> {
    let mut port = None;
    let mut all = Vec::new();
    for (line, text) in logical_lines(text) {
        let mut words = text.split_whitespace();
        let Some(keyword) = words.next() else { continue };
        let value = words.collect::<Vec<_>>().join(" ");
        if keyword == "port" {
            port = Some(device(&value).to_owned());
            continue;
        }
        all.push(Statement { line, keyword: keyword.to_owned(), value, port: port.clone() });
    }
    all
}

/// The names of the `port` sections, whether anything stands in them or not.
pub(super) fn ports(text: &str) -> Vec<(usize, String)> {
    logical_lines(text)
        .into_iter()
        .filter_map(|(line, text)| {
            let mut words = text.split_whitespace();
            (words.next() == Some("port"))
                .then(|| words.next().map(|name| (line, device(name).to_owned())))?
        })
        .collect()
}

/// A device without its directory, as mgetty names it.
pub(super) fn device(name: &str) -> &str {
    name.strip_prefix("/dev/").unwrap_or(name)
}

/// Whether a section is for a device: `?` is any letter, and at the end also none.
pub(super) fn is_for(section: &str, tty: &str) -> bool {
    let mut letters = tty.chars();
    for wanted in section.chars() {
        match (wanted, letters.next()) {
            ('?', _) => {}
            (wanted, Some(letter)) if wanted == letter => {}
            (_, _) => return false,
        }
    }
    letters.next().is_none()
}

/// `0x..` is hexadecimal, `0..` octal.
pub(super) fn number(value: &str) -> Option<u64> {
    let value = value.trim();
    if let Some(digits) = value.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok();
    }
    match value.strip_prefix('0').filter(|rest| !rest.is_empty()) {
        Some(digits) => u64::from_str_radix(digits, 8).ok(),
        None => value.parse().ok(),
    }
}

/// Nothing, `y...`, `t...` and `on` are yes.
pub(super) fn is_on(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    value.is_empty() || value.starts_with(['y', 't']) || value == "on"
}

/// The words of a chat script: blanks part them, double quotes hold them together or make an empty one.
pub(super) fn chat_words(value: &str) -> Vec<String> {
    split(value, &['"'])
}

/// The words of a command line, as init's shell and systemd part them.
pub(super) fn shell_words(value: &str) -> Vec<String> {
    split(value, &['"', '\''])
}

fn split(value: &str, quotes: &[char]) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut open = None;
    for letter in value.chars() {
        match (open, letter) {
            (Some(quote), letter) if quote == letter => open = None,
            (Some(_), letter) => word.get_or_insert_default().push(letter),
            (None, letter) if quotes.contains(&letter) => {
                word.get_or_insert_default();
                open = Some(letter);
            }
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (None, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// The AT commands that a chat script sends, and what it does besides: waits for something else than OK.
pub(super) fn sent(chat: &str) -> (Vec<String>, Vec<String>) {
    let (mut commands, mut strange) = (Vec::new(), Vec::new());
    for (index, word) in chat_words(chat).into_iter().enumerate() {
        if index % 2 == 0 {
            if !matches!(word.as_str(), "" | "OK" | "ABORT" | "TIMEOUT") && !word.ends_with("OK") {
                strange.push(word);
            }
            continue;
        }
        // Pauses, the carriage return and the escape to the command state are our own business.
        let mut text = word;
        for own in ["\\d", "\\c", "\\r", "\\n", "\\p", "+++"] {
            text = text.replace(own, "\n");
        }
        for part in text.split('\n').map(str::trim).filter(|part| !part.is_empty()) {
            match part.get(..2) {
                Some(at) if at.eq_ignore_ascii_case("AT") => commands.push(part.to_owned()),
                Some(_) | None => strange.push(part.to_owned()),
            }
        }
    }
    (commands, strange)
}

/// mgetty's options as keywords with their values, and its operands.
pub(super) fn mgetty_options(words: &[String]) -> (Vec<(&'static str, String)>, Vec<String>) {
    let (mut settings, mut operands) = (Vec::new(), Vec::new());
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let mut letters = match word.strip_prefix('-') {
            None | Some("") => {
                operands.push(word.clone());
                continue;
            }
            Some(letters) => letters.chars(),
        };
        while let Some(letter) = letters.next() {
            let (keyword, valued) = match letter {
                'k' => ("diskspace", true),
                'x' => ("debug", true),
                's' => ("speed", true),
                'r' => ("direct", false),
                'p' => ("login-prompt", true),
                'n' => ("rings", true),
                'R' => ("ringback-time", true),
                'i' => ("issue-file", true),
                'D' => ("data-only", false),
                'F' => ("fax-only", false),
                'C' => ("modem-type", true),
                'S' => ("fax-server-file", true),
                'I' => ("fax-id", true),
                'b' => ("blocking", false),
                'a' => ("autobauding", false),
                'm' => ("init-chat", true),
                'c' => ("gettydefs", true),
                _ => continue,
            };
            if letter == 'R' {
                settings.push(("ringback", "yes".to_owned()));
            }
            if !valued {
                settings.push((keyword, "yes".to_owned()));
                continue;
            }
            let attached = letters.as_str().to_owned();
            let value = if attached.is_empty() { rest.next().cloned() } else { Some(attached) };
            settings.push((keyword, value.unwrap_or_default()));
            break;
        }
    }
    (settings, operands)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_mgetty_reads_it() {
        let text = "# comment\nspeed  38400 # no comment\n\nport /dev/ttyS0\n init-chat \"\" ATZ \\\n OK\nport ttyS?\nrings 2\n";
        let read = statements(text);
        let one = |line, keyword: &str, value: &str, port: Option<&str>| Statement {
            line,
            keyword: keyword.to_owned(),
            value: value.to_owned(),
            port: port.map(str::to_owned),
        };
        let wanted = [
            one(2, "speed", "38400 # no comment", None),
            one(5, "init-chat", "\"\" ATZ OK", Some("ttyS0")),
            one(8, "rings", "2", Some("ttyS?")),
        ];
        assert_eq!(read, wanted);
        assert_eq!(ports(text), [(4, "ttyS0".to_owned()), (7, "ttyS?".to_owned())]);
    }

    #[test]
    fn a_section_is_for_the_devices_that_its_name_fits() {
        for (section, tty, fits) in [
            ("ttyS0", "ttyS0", true),
            ("ttyS?", "ttyS0", true),
            ("ttyS?", "ttyS", true),
            ("ttyS?", "ttyS12", false),
            ("ttyS??", "ttyS1", true),
            ("ttyS0", "ttyS01", false),
            ("ttyUSB0", "ttyS0", false),
        ] {
            assert_eq!(is_for(section, tty), fits, "{section} {tty}");
        }
    }

    #[test]
    fn values_have_mgettys_types() {
        assert_eq!(
            [number("10"), number("010"), number("0x10"), number("0")],
            [Some(10), Some(8), Some(16), Some(0)]
        );
        assert!(
            is_on("")
                && is_on("yes")
                && is_on("True")
                && is_on("on")
                && !is_on("no")
                && !is_on("1")
        );
    }

    #[test]
    fn the_commands_of_a_chat_script_are_found_in_it() {
        let (commands, strange) = sent(r#""" \d\d\d+++\d\d\dAT&FS2=255 OK ATN3S0=0S13.2=1 OK"#);
        assert_eq!(commands, ["AT&FS2=255", "ATN3S0=0S13.2=1"]);
        assert!(strange.is_empty(), "{strange:?}");
        let (commands, strange) = sent(r#""" ATZ OK-AT-OK ATE0 CONNECT hello"#);
        assert_eq!(commands, ["ATZ", "ATE0"]);
        assert_eq!(strange, ["CONNECT", "hello"]);
    }

    #[test]
    fn options_become_keywords() {
        let words = shell_words("-x 4 -Dr -s38400 -R 30 -m '\"\" ATZ OK' ttyS0 F38400");
        let (settings, operands) = mgetty_options(&words);
        let wanted = [
            ("debug", "4"),
            ("data-only", "yes"),
            ("direct", "yes"),
            ("speed", "38400"),
            ("ringback", "yes"),
            ("ringback-time", "30"),
            ("init-chat", "\"\" ATZ OK"),
        ];
        assert_eq!(settings.iter().map(|(k, v)| (*k, v.as_str())).collect::<Vec<_>>(), wanted);
        assert_eq!(operands, ["ttyS0", "F38400"]);
    }
}
