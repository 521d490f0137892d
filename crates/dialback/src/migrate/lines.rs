//! mgetty.config and the options of each mgetty, as lines: what is set for a device is the file's global part, then its
//! `port` sections in their order, then the command line.
//!
//! What mgetty sets for each port and dialback for the whole server (prompt, issue, time limits) is taken from the first
//! line; another line that has it otherwise gets a remark. It does not know what is started for whom.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::gettys::Getty;
use super::reader::{self, Statement, is_for, is_on, number, sent};
use super::{Asked, Kind, Place, Remarks};

/// A line to be.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) tty: String,
    pub(super) port: String,
    pub(super) speed: u64,
    pub(super) hardware_flow: bool,
    pub(super) rings: u64,
    /// Why it rings so often.
    pub(super) rings_why: &'static str,
    pub(super) profile: &'static str,
    pub(super) init: Vec<String>,
    pub(super) caller_id: bool,
    pub(super) dial_prefix: Option<String>,
    pub(super) answer_s: Option<u64>,
    pub(super) check_s: u64,
    pub(super) hold_s: Option<u64>,
    pub(super) place: Place,
    /// How to stop the mgetty on it.
    pub(super) stop: Option<String>,
}

/// All lines, and what the server has once.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) all: Vec<Line>,
    /// The text of the issue file; `None`: the system's, or none.
    pub(super) issue: Option<String>,
    pub(super) no_issue: bool,
    pub(super) prompt: String,
    pub(super) quiet_ms: u64,
    pub(super) time_limit_s: u64,
    pub(super) term: Option<String>,
    pub(super) login_config: PathBuf,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
struct Setting {
    value: String,
    place: Place,
}

type Settings = BTreeMap<String, Setting>;

/// Speeds that a serial port has.
const SPEEDS: [u64; 16] = [
    300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800,
    500_000, 576_000, 921_600, 1_000_000,
];

/// Rings that leave somebody at home the time to answer first, and the caller's modem (S7, 50 s) that to connect.
const RINGS_AT_HOME: u64 = 5;

/// Keywords without a counterpart, and why.
const GONE: &[(&str, &str)] = &[
    ("switchbd", "fax reception: dialback answers data calls only"),
    ("blocking", "ports are opened without blocking, always, and DCD is watched"),
    ("port-owner", "a udev rule sets it; the package brings one"),
    ("port-group", "a udev rule sets it; the package brings one"),
    ("port-mode", "a udev rule sets it; the package brings one"),
    ("toggle-dtr", "DTR falls on each hang-up"),
    ("toggle-dtr-waittime", "a hang-up is over when DCD is down, not after a time"),
    ("open-delay", "the modem's profile pauses before the first command"),
    ("need-dsr", "a modem that does not answer is tried again, whatever its DSR says"),
    ("modem-quirks", "fax oddities: dialback answers data calls only"),
    (
        "force-init-chat",
        "a modem that stays mute gets silence, +++, silence and the commands again, always",
    ),
    ("fax-send-flow", "fax"),
    ("fax-rec-flow", "fax"),
    ("msn-list", "there are no ring types; the called number is in the call's record"),
    ("autobauding", "the port's speed is fixed; every modem since V.42 buffers"),
    (
        "fido-send-emsi",
        "no EMSI request is sent to callers: a mailer that waits for one sends its own, and reaches /FIDO/ entries by that name",
    ),
    ("login-env-ttyprompt-hack", "Linux has no login(1) that wants it"),
    ("fax-id", "fax"),
    ("fax-min-speed", "fax"),
    ("fax-max-speed", "fax"),
    ("fax-server-file", "fax polling"),
    ("diskspace", "disk space for faxes"),
    ("notify", "mail about faxes"),
    ("fax-owner", "fax"),
    ("fax-group", "fax"),
    ("fax-mode", "fax"),
    ("fax-spool-in", "fax"),
    (
        "debug",
        "`dialback serve --log-level` sets the level; the journal keeps what happened in any case",
    ),
    ("statistics-chat", "each call leaves a record: dialback calls"),
    ("statistics-file", "each call leaves a record: dialback calls"),
    ("gettydefs", "speed and term are all that was taken from it"),
    ("sms-handler", "SMS"),
    ("sms-user", "SMS"),
    ("sms-group", "SMS"),
];

/// Keywords that are looked at by name elsewhere in this file, or need nothing.
const KNOWN: &str = "speed direct data-only fax-only modem-type init-chat post-init-chat data-flow modem-check-time rings \
    get-cnd-chat cid-program cnd-program answer-chat answer-chat-timeout ringback ringback-time ignore-carrier issue-file \
    prompt-waittime login-prompt login-time login-conf-file term";

/// Reads mgetty.config for every device that has a mgetty.
pub(super) fn read(
    asked: &Asked,
    gettys: &[Getty],
    remarks: &mut Remarks,
) -> Result<Lines, String> {
    let path = asked.mgetty.join("mgetty.config");
    let text = asked.root.text(&path).unwrap_or_default();
    let statements = reader::statements(&text);
    let gettys = all_gettys(asked, gettys, &path, &text, remarks);
    let mut lines = Lines {
        all: Vec::new(),
        issue: None,
        no_issue: false,
        prompt: "@ login: ".to_owned(),
        quiet_ms: 500,
        time_limit_s: 240,
        term: None,
        login_config: asked.mgetty.join("login.config"),
    };
    let mut first: Option<(String, Settings)> = None;
    for getty in &gettys {
        let settings = effective(&path, &statements, getty);
        tell_gone(&settings, remarks);
        if let Some(line) = line(getty, &settings, remarks) {
            closed(asked, &line, remarks);
            lines.all.push(line);
            match &first {
                None => first = Some((getty.tty.clone(), settings)),
                Some((tty, of_first)) => same_for_all(tty, of_first, &settings, remarks),
            }
        }
    }
    let Some((_, settings)) = first else {
        return Err("there is no modem line here: every mgetty is for a direct terminal or for faxes alone, which dialback does not serve".to_owned());
    };
    shared(asked, &settings, &mut lines, remarks);
    Ok(lines)
}

/// The gettys that were found; else those that port sections or the command line name; else a guess.
fn all_gettys(
    asked: &Asked,
    gettys: &[Getty],
    path: &Path,
    text: &str,
    remarks: &mut Remarks,
) -> Vec<Getty> {
    let mut all: Vec<Getty> = Vec::new();
    let bare = |tty: &str, place: Place| Getty {
        tty: reader::device(tty).to_owned(),
        settings: Vec::new(),
        place,
        stop: String::new(),
    };
    for getty in gettys {
        if all.iter().any(|other| other.tty == getty.tty) {
            let why = "a second mgetty on this device: the first counts";
            remarks.add(getty.place.clone(), Kind::Gone, &getty.tty, why);
        } else {
            all.push(getty.clone());
        }
    }
    for port in &asked.ports {
        let tty = reader::device(port);
        if !all.iter().any(|other| other.tty == tty) {
            all.push(bare(tty, Place { file: "--port".to_owned(), line: 0 }));
        }
    }
    let known = all.len();
    for (line, port) in reader::ports(text) {
        if port.contains('?') || all.iter().any(|other| other.tty == port) {
            continue;
        }
        if known > 0 {
            let why = "a section for a port on which no mgetty is started: left out";
            remarks.add(Place::line(path, line), Kind::Gone, &port, why);
            continue;
        }
        let place = Place::line(path, line);
        let why = "nothing was found that starts mgetty here (inittab, units): is the line in use? if not, take its [[line]] out";
        remarks.add(place.clone(), Kind::Decide, format!("port {port}"), why);
        all.push(bare(&port, place));
    }
    if all.is_empty() {
        let why = "no inittab, unit or port section says where the modem is: /dev/ttyS0 is a guess, name yours with --port";
        remarks.add(Place::file(path), Kind::Decide, "port", why);
        all.push(bare("ttyS0", Place::file(path)));
    }
    all
}

fn effective(path: &Path, statements: &[Statement], getty: &Getty) -> Settings {
    let mut settings = Settings::new();
    for statement in statements {
        if statement.port.as_deref().is_none_or(|port| is_for(port, &getty.tty)) {
            let place = Place::line(path, statement.line);
            settings.insert(
                statement.keyword.clone(),
                Setting { value: statement.value.clone(), place },
            );
        }
    }
    for (keyword, value) in &getty.settings {
        let setting = Setting { value: value.clone(), place: getty.place.clone() };
        settings.insert((*keyword).to_owned(), setting);
    }
    settings
}

fn tell_gone(settings: &Settings, remarks: &mut Remarks) {
    for (keyword, setting) in settings {
        let what = format!("{keyword} {}", setting.value);
        if let Some((_, why)) = GONE.iter().find(|(name, _)| name == keyword) {
            // The package's own empty setting says nothing.
            if !setting.value.is_empty() {
                remarks.add(setting.place.clone(), Kind::Gone, what, *why);
            }
        } else if !KNOWN.split_whitespace().any(|known| known == keyword) {
            let why = "mgetty does not know this keyword either, and overlooks it";
            remarks.add(setting.place.clone(), Kind::Gone, what, why);
        }
    }
}

/// The line of a getty, unless it is none.
fn line(getty: &Getty, settings: &Settings, remarks: &mut Remarks) -> Option<Line> {
    let on = |keyword: &str| settings.get(keyword).filter(|setting| is_on(&setting.value));
    let port = format!("/dev/{}", getty.tty);
    if let Some(direct) = on("direct") {
        let why = format!(
            "a terminal without a modem, which agetty serves: systemctl enable --now serial-getty@{}",
            getty.tty
        );
        remarks.add(direct.place.clone(), Kind::Gone, format!("direct, {port}"), why);
        return None;
    }
    if let Some(fax) = on("fax-only") {
        let why = "a line for faxes alone: leave it to mgetty, or to HylaFAX";
        remarks.add(fax.place.clone(), Kind::Gone, format!("fax-only, {port}"), why);
        return None;
    }
    if on("data-only").is_none()
        && settings.get("modem-type").is_none_or(|kind| kind.value != "data")
    {
        let why = "mgetty takes faxes on this line as well (no data-only): dialback answers data calls only, a fax machine hears a modem and gives up";
        remarks.add(getty.place.clone(), Kind::Gone, format!("fax on {port}"), why);
    }
    let mut line = Line {
        name: getty.tty.replace('/', "-"),
        tty: getty.tty.clone(),
        port,
        speed: speed(settings, remarks),
        hardware_flow: true,
        rings: 1,
        rings_why: "",
        profile: "generic",
        init: Vec::new(),
        caller_id: false,
        dial_prefix: None,
        answer_s: None,
        check_s: 3_600,
        hold_s: None,
        place: getty.place.clone(),
        stop: Some(getty.stop.clone()).filter(|stop| !stop.is_empty()),
    };
    ringing(&mut line, settings, remarks);
    modem(&mut line, settings, remarks);
    programs(settings, remarks);
    if let Some(setting) = settings.get("modem-check-time")
        && let Some(seconds) = number(&setting.value)
    {
        line.check_s = seconds.clamp(900, 86_400);
    }
    if let Some(carrier) = on("ignore-carrier") {
        let why = "mgetty leaves the session to the next caller when the carrier is lost unseen: dialback watches DCD, and the modem's words where there is none";
        remarks.add(carrier.place.clone(), Kind::Safer, "ignore-carrier", why);
    }
    Some(line)
}

fn speed(settings: &Settings, remarks: &mut Remarks) -> u64 {
    // mgetty's own default.
    let usual = 38_400;
    let Some(setting) = settings.get("speed") else { return usual };
    match number(&setting.value).filter(|speed| SPEEDS.contains(speed)) {
        Some(speed) => speed,
        None => {
            let why =
                "no serial port has this speed, and mgetty does not start with it: 38400 is taken";
            remarks.add(
                setting.place.clone(),
                Kind::Decide,
                format!("speed {}", setting.value),
                why,
            );
            usual
        }
    }
}

fn ringing(line: &mut Line, settings: &Settings, remarks: &mut Remarks) {
    if let Some(setting) = settings.get("rings")
        && let Some(rings) = number(&setting.value)
    {
        line.rings = rings.clamp(1, 30);
    }
    if let Some(setting) = settings.get("ringback").filter(|setting| is_on(&setting.value)) {
        line.rings = line.rings.max(RINGS_AT_HOME);
        line.rings_why = "in place of ringback: whoever is at home can answer first";
        let why = "the first call is not ignored any more: it is answered after 5 rings, so that whoever is at home can answer first; a second call is not needed";
        remarks.add(setting.place.clone(), Kind::Changed, "ringback", why);
    }
}

fn modem(line: &mut Line, settings: &Settings, remarks: &mut Remarks) {
    let mut set_up = Vec::new();
    for keyword in ["init-chat", "post-init-chat", "get-cnd-chat"] {
        let Some(setting) = settings.get(keyword) else { continue };
        let (commands, strange) = sent(&setting.value);
        for word in strange {
            let what = format!("{keyword} \"{word}\"");
            let why = "only AT commands that are answered by OK are sent: left out";
            remarks.add(setting.place.clone(), Kind::Gone, what, why);
        }
        set_up.extend(accepted(&commands, keyword, &setting.place, remarks));
    }
    line.set_up(&set_up);
    if let Some(setting) = settings.get("data-flow") {
        let value = setting.value.to_ascii_lowercase();
        line.hardware_flow =
            value.starts_with("rts") || value.starts_with("hard") || value.starts_with("both");
        if value.starts_with("xon") || value.starts_with("soft") || value.starts_with("both") {
            let why = "XON/XOFF would take two bytes from PPP and every 8-bit protocol: RTS/CTS, or none, is what there is";
            remarks.add(setting.place.clone(), Kind::Gone, format!("data-flow {value}"), why);
        }
    }
    if let Some(setting) = settings.get("answer-chat-timeout") {
        line.answer_s = number(&setting.value).map(|seconds| seconds.clamp(1, 300));
    }
    if let Some(setting) = settings.get("answer-chat") {
        let (commands, _) = sent(&setting.value);
        if commands.iter().any(|command| !command.eq_ignore_ascii_case("ATA")) {
            let why =
                "the call is answered by ATA, and result codes are understood rather than listed";
            remarks.add(setting.place.clone(), Kind::Changed, "answer-chat", why);
        }
    }
}

impl Line {
    /// Puts these commands before each use of the modem, and what must be right behind them.
    pub(super) fn set_up(&mut self, commands: &[String]) {
        if commands.is_empty() {
            return;
        }
        // What was put there by an earlier list goes to the end.
        self.init.retain(|own| !own.starts_with("ATE0Q0V1") && own != "AT&C1&D2S0=0");
        self.init.extend(commands.iter().cloned());
        let all = self.init.join(" ").to_ascii_uppercase();
        let has_x = all.match_indices('X').any(|(at, _)| {
            all.get(at + 1..at + 2)
                .is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit()))
        });
        self.init.push(if has_x { "ATE0Q0V1" } else { "ATE0Q0V1X4" }.to_owned());
        self.init.push("AT&C1&D2S0=0".to_owned());
        self.profile = family(&all);
    }
}

/// Which family understands these commands.
fn family(commands: &str) -> &'static str {
    for (word, profile) in [
        ("#CID", "rockwell"),
        ("+VCID", "conexant"),
        ("+CLIP", "sim"),
        ("+CBST", "sim"),
        ("S40.", "zyxel"),
        ("S13.", "zyxel"),
        ("&H3", "zyxel"),
        ("&A3", "courier"),
        ("&K3", "rockwell"),
    ] {
        if commands.contains(word) {
            return profile;
        }
    }
    "generic"
}

/// Those commands that may set a modem up; what is refused is told.
pub(super) fn accepted(
    commands: &[String],
    keyword: &str,
    place: &Place,
    remarks: &mut Remarks,
) -> Vec<String> {
    let mut right = Vec::new();
    for command in commands {
        let command: String = command.chars().filter(|letter| *letter != ' ').collect();
        // Echo, words and H0 are part of every set-up.
        if matches!(command.to_ascii_uppercase().as_str(), "AT" | "ATQ0V1H0" | "AT+FCLASS=0") {
            continue;
        }
        match calls::config::init_commands(&command) {
            Ok(commands) => right.extend(commands),
            Err(why) => {
                let what = format!("{keyword} {command}");
                remarks.add(place.clone(), Kind::Safer, what, format!("{why}; left out"));
            }
        }
    }
    right
}

/// Programs that decided whom to answer: whoever they kept out comes in now.
fn programs(settings: &Settings, remarks: &mut Remarks) {
    for keyword in ["cid-program", "cnd-program"] {
        if let Some(setting) = settings.get(keyword) {
            let why = "a program that decides whom to answer is not run: write the numbers that it turns away into dialin.config, or they are answered";
            let what = format!("{keyword} {}", setting.value);
            remarks.add(setting.place.clone(), Kind::Decide, what, why);
        }
    }
}

fn closed(asked: &Asked, line: &Line, remarks: &mut Remarks) {
    let path = PathBuf::from(format!("/etc/nologin.{}", line.tty.replace('/', "-")));
    if asked.root.owner(&path).is_some() {
        let why = format!(
            "this file closes the line: here an operator does: dialback busy-out {}, and dialback restore {0}",
            line.name
        );
        remarks.add(Place::file(&path), Kind::Decide, format!("line {}", line.name), why);
    }
}

const SHARED: [&str; 6] =
    ["issue-file", "login-prompt", "login-time", "prompt-waittime", "term", "login-conf-file"];

fn same_for_all(first: &str, of_first: &Settings, settings: &Settings, remarks: &mut Remarks) {
    for keyword in SHARED {
        let value =
            |settings: &Settings| settings.get(keyword).map(|setting| setting.value.clone());
        if value(of_first) != value(settings)
            && let Some(setting) = settings.get(keyword).or_else(|| of_first.get(keyword))
        {
            let why = format!("one value for all lines here: that of {first} is taken");
            remarks.add(
                setting.place.clone(),
                Kind::Changed,
                format!("{keyword} {}", setting.value),
                why,
            );
        }
    }
}

/// What the server has once.
fn shared(asked: &Asked, settings: &Settings, lines: &mut Lines, remarks: &mut Remarks) {
    let of = |keyword: &str| settings.get(keyword);
    if let Some(prompt) = of("login-prompt") {
        lines.prompt = prompt.value.clone() + if prompt.value.ends_with(':') { " " } else { "" };
    }
    if let Some(ms) = of("prompt-waittime").and_then(|setting| number(&setting.value)) {
        lines.quiet_ms = ms.min(10_000);
    }
    if let Some(seconds) = of("login-time").and_then(|setting| number(&setting.value)) {
        lines.time_limit_s = if seconds == 0 { 3_600 } else { seconds.min(3_600) };
    }
    lines.term = of("term").map(|setting| setting.value.clone());
    if let Some(setting) = of("login-conf-file") {
        lines.login_config = asked.mgetty.join(&setting.value);
    }
    let limit = "the time limit at the prompt is kept whatever the caller does; mgetty looks at it only when a key is pressed, and an idle caller keeps the line";
    let place = of("login-time").map_or_else(
        || Place::file(&asked.mgetty.join("mgetty.config")),
        |setting| setting.place.clone(),
    );
    remarks.add(place, Kind::Safer, "login-time", limit);
    let Some(issue) = of("issue-file") else { return };
    match issue.value.chars().next() {
        Some('!') => {
            lines.no_issue = true;
            let why = "a command is not run for every caller: write its text into the file issue";
            remarks.add(
                issue.place.clone(),
                Kind::Gone,
                format!("issue-file {}", issue.value),
                why,
            );
        }
        Some('/') if issue.value == "/etc/issue" => {}
        Some('/') => match asked.root.text(Path::new(&issue.value)) {
            Some(text) => lines.issue = Some(text),
            None => {
                lines.no_issue = true;
                let why = "there is no such file: nothing is shown before the prompt";
                remarks.add(
                    issue.place.clone(),
                    Kind::Changed,
                    format!("issue-file {}", issue.value),
                    why,
                );
            }
        },
        Some(_) => lines.issue = Some(format!("{}\n", issue.value)),
        None => lines.no_issue = true,
    }
}

/// dialin.config, if it has a word.
pub(super) fn screening(asked: &Asked, lines: &mut Lines, remarks: &mut Remarks) -> Option<String> {
    let path = asked.mgetty.join("dialin.config");
    let text = asked.root.text(&path)?;
    let active = |line: &&str| {
        let line = line.trim_start();
        !line.starts_with('#') && !line.trim_matches([' ', '\t', ',', '\r']).is_empty()
    };
    let words: Vec<&str> = text.lines().filter(active).collect();
    if words.is_empty() {
        return None;
    }
    if !words.iter().any(|line| line.contains('!')) {
        let why = "it rejects nobody: all callers are answered, as before; it is not taken over";
        remarks.add(Place::file(&path), Kind::Gone, "dialin.config", why);
        return None;
    }
    for line in &mut lines.all {
        let all = line.init.join(" ").to_ascii_uppercase();
        if ["CID", "CLIP", "S40"].iter().any(|word| all.contains(word)) {
            continue;
        }
        if line.profile == "generic" {
            let why = format!(
                "callers are screened, but nothing asks the modem of line {} who calls: name its profile there and write caller_id = true",
                line.name
            );
            remarks.add(Place::file(&path), Kind::Decide, format!("line {}", line.name), why);
        } else {
            line.caller_id = true;
        }
    }
    let why = "the second RING is waited for before a caller is judged: with rings 1 mgetty judges before the number has come, and every caller is \"none\"";
    remarks.add(Place::file(&path), Kind::Changed, "rings", why);
    Some(text)
}
