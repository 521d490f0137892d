//! A peer file of pppd's (`/etc/ppp/peers/provider`), as pppconfig wrote them by the million.
//!
//! The port, its speed and the connect script are ours to use; the rest is pppd's and goes back to it.

use super::{Imported, Sheet};

/// Options that are not handed on to pppd, whether they take a value, and why not.
const LEFT_OUT: &[(&str, bool, &str)] = &[
    ("lock", false, "not needed: dial locks the port itself"),
    ("modem", false, "not needed: dial looks after the carrier"),
    ("local", false, "not needed: dial looks after the carrier"),
    ("nodetach", false, "not needed: dial always runs pppd so"),
    ("-detach", false, "not needed: dial always runs pppd so"),
    ("updetach", false, "left out: pppd must stay while dial holds the line"),
    ("persist", false, "left out: dial makes one call; start it again for another"),
    ("demand", false, "left out: dial calls when it is started"),
    ("maxfail", true, "left out: it belongs to persist"),
    ("holdoff", true, "left out: it belongs to persist"),
    ("disconnect", true, "left out: dial hangs up by DTR or by ATH"),
    ("init", true, "left out: use init of the peer file"),
    ("welcome", true, "left out: dial has no such program"),
    ("pty", true, "left out: a program in a modem's place is no port of dial's"),
    ("xonxoff", false, "left out: XON and XOFF spoil PPP; use RTS/CTS"),
];

const IPX: &str =
    "left out: Linux has had no IPX since 5.15, and pppd 2.5 does not start with this option";

/// A word and its line.
pub(crate) type Word = (usize, String);

pub(super) fn read(text: &str) -> Result<Imported, String> {
    let mut words = words(text)?.into_iter();
    let mut sheet = Sheet::default();
    let (mut port, mut speed, mut chat, mut flow) = (None, None, None, None);
    let mut rest = Vec::new();
    while let Some((line, word)) = words.next() {
        if word.starts_with("ipx") || word == "noipx" {
            // Those with a value have it on their own line.
            let ours = |(at, next): &Word| *at == line && !next.starts_with("ipx");
            let values = words.clone().take_while(ours).count();
            for _ in 0..values {
                words.next();
            }
            sheet.remark(line, &word, IPX);
        } else if let Some((_, valued, why)) = LEFT_OUT.iter().find(|(name, ..)| *name == word) {
            if *valued {
                words.next();
            }
            sheet.remark(line, &word, *why);
        } else if word == "connect" {
            let script = words.next().ok_or_else(|| format!("line {line}: connect: no script"))?.1;
            chat = connect(&mut sheet, line, &script);
        } else if matches!(word.as_str(), "crtscts" | "nocrtscts" | "cdtrcts" | "nocdtrcts") {
            flow = Some(word == "crtscts");
        } else if let Some(device) = device(&word) {
            port = Some(device);
        } else if let Ok(number) = word.parse::<u32>() {
            speed = Some(number);
        } else {
            rest.push(word);
        }
    }
    match port {
        Some(port) => sheet.text("port", &port),
        None => {
            sheet.text("port", "/dev/modem");
            sheet.remark(0, "port", "no device is named: put yours in the place of /dev/modem");
        }
    }
    if let Some(speed) = speed {
        sheet.plain("speed", speed);
    }
    if let Some(flow) = flow {
        sheet.plain("hardware_flow", flow);
    }
    match chat {
        Some(chat) => {
            sheet.section("script");
            sheet.text("chat", &chat);
        }
        None => sheet.remark(0, "connect", "no chat script: add number, [callback] and [login]"),
    }
    sheet.section("then");
    sheet.list("pppd", &rest);
    Ok(sheet.done())
}

/// `/dev/ttyS0`, and what pppd takes for one without its directory.
fn device(word: &str) -> Option<String> {
    match word {
        word if word.starts_with("/dev/") => Some(word.to_owned()),
        word if word.starts_with("tty") || word.starts_with("cua") => Some(format!("/dev/{word}")),
        _ => None,
    }
}

/// The script file of a connect command: `/usr/sbin/chat -v -f /etc/chatscripts/provider`.
fn connect(sheet: &mut Sheet, line: usize, command: &str) -> Option<String> {
    let mut words = command.split_whitespace();
    let program = words.next().unwrap_or_default();
    if program.rsplit('/').next() != Some("chat") {
        sheet.remark(
            line,
            command,
            "left out: dial runs chat scripts only: write one, or use [callback]",
        );
        return None;
    }
    let mut file = None;
    while let Some(word) = words.next() {
        match word {
            "-f" => file = words.next().map(str::to_owned),
            "-v" | "-V" | "-s" | "-S" | "-e" => {
                sheet.remark(line, word, "left out of the connect command: use dial -v");
            }
            "-t" | "-r" | "-T" | "-U" => {
                let value = words.next().unwrap_or_default();
                sheet.remark(
                    line,
                    &format!("{word} {value}"),
                    "left out of the connect command: write it into the script",
                );
            }
            word => match word.strip_prefix("-f") {
                Some(name) => file = Some(name.to_owned()),
                None => {
                    sheet.remark(
                        line,
                        command,
                        "left out: the script stands in the command: put its words into a file of its own",
                    );
                    return None;
                }
            },
        }
    }
    file
}

/// The words of pppd's options files: blanks part them, quotes hold them together, `#` begins a comment.
pub(crate) fn words(text: &str) -> Result<Vec<Word>, String> {
    let mut all = Vec::new();
    let mut letters = text.chars().peekable();
    let mut line = 1;
    while let Some(letter) = letters.next() {
        match letter {
            '\n' => line += 1,
            '#' => while letters.next_if(|&next| next != '\n').is_some() {},
            letter if letter.is_whitespace() => {}
            letter => {
                let begins = line;
                let mut word = String::new();
                let mut quote = None;
                let mut next = Some(letter);
                while let Some(letter) = next {
                    match (letter, quote) {
                        ('\\', _) => word.extend(letters.next()),
                        (letter, Some(open)) if letter == open => quote = None,
                        (letter @ ('"' | '\''), None) => quote = Some(letter),
                        (letter, _) => word.push(letter),
                    }
                    line += usize::from(letter == '\n');
                    next = letters
                        .next_if(|&next| quote.is_some() || !next.is_whitespace() && next != '#');
                }
                if quote.is_some() {
                    return Err(format!("line {begins}: a quote that is not closed"));
                }
                all.push((begins, word));
            }
        }
    }
    Ok(all)
}
