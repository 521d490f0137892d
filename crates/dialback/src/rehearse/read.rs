//! What a rehearsal needs from the disk: the script, the configuration, the password.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use calls::config::Config;
use proto::chat::engine::LONGEST_FILE;
use proto::scp::{Lines, Severity};
use sim::rehearsal::{Script, Secret};

use super::{Asked, Kind};
use crate::config;
use crate::exit::{Code, Failure};
use crate::out::{self, Palette};

/// No script is longer; a device given by mistake is not read to its end.
const LONGEST: u64 = 1 << 20;

/// A script as it stands in its file.
pub(super) struct Text {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Text {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = beginning(path, LONGEST + 1)?;
        if bytes.len() as u64 > LONGEST {
            let text = format!("{}: longer than 1 MiB: not a script", path.display());
            return Err(Failure::new(Code::InputOutput, text));
        }
        Ok(Self { path: path.to_owned(), bytes })
    }

    /// By its name, or else by what every .scp script begins with.
    pub(super) fn kind(&self) -> Kind {
        let scp = self.path.extension().is_some_and(|end| end.eq_ignore_ascii_case("scp"));
        if scp { Kind::Scp } else { Kind::Chat }
    }

    /// The file's name, for places in it.
    pub(super) fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// A line of it, from 1, as it can be shown.
    pub(super) fn line(&self, number: usize) -> Option<String> {
        let line = self.bytes.split(|byte| *byte == b'\n').nth(number.checked_sub(1)?)?;
        let text = String::from_utf8_lossy(line);
        Some(text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
    }

    /// The first line of a chat script that has a DOS line end, which chat takes for part of a word.
    pub(super) fn dos_line(&self) -> Option<usize> {
        proto::chat::Script::from_file(&self.bytes).line_with_carriage_return()
    }
}

fn beginning(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(|e| {
        Failure::new(Code::InputOutput, format!("{}: reading it: {e}", path.display()))
    })?;
    Ok(bytes)
}

/// The server's configuration. The ports, users and programs that it names need not be on this machine.
pub(super) fn configuration(path: &Path) -> Result<Config, Failure> {
    let read = config::read_text(path);
    if read.config.is_none() {
        out::error_text(&read.rendered(Palette::stderr()));
    }
    read.config.ok_or_else(|| Failure::silent(Code::Configuration))
}

/// Who logs in.
pub(super) fn login(asked: &Asked) -> Result<Option<(String, Secret)>, Failure> {
    let Some(user) = asked.user.clone() else { return Ok(None) };
    let password = match (&asked.password, &asked.password_file) {
        (Some(password), _) => password.clone().into_bytes(),
        (None, Some(path)) => {
            let bytes = beginning(path, 4_096)?;
            let line = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).next();
            line.unwrap_or_default().to_vec()
        }
        (None, None) => Vec::new(),
    };
    Ok(Some((user, Secret::new(password))))
}

/// A chat script with everything that it can ask for.
pub(super) fn chat(text: &Text, asked: &Asked) -> Result<Script, Failure> {
    let script = proto::chat::Script::from_file(&text.bytes);
    if script.tokens().is_empty() {
        let what = format!("{}: there is nothing in it to do", text.path.display());
        return Err(Failure::new(Code::Failed, what));
    }
    let environment = asked.environment.then(|| {
        std::env::vars_os().map(|(name, value)| (name.into_vec(), value.into_vec())).collect()
    });
    let bytes = |text: &Option<String>| text.clone().map(String::into_bytes);
    let options = proto::chat::Options {
        timeout: asked.timeout,
        phone: bytes(&asked.phone),
        second_phone: bytes(&asked.second_phone),
        environment,
        ..proto::chat::Options::default()
    };
    let mut files = BTreeMap::new();
    for token in script.tokens() {
        let Some(name) = token.text.strip_prefix(b"@").map(<[u8]>::trim_ascii_start) else {
            continue;
        };
        let path = PathBuf::from(OsString::from_vec(name.to_vec()));
        // One that is not there is the script's fault, and told where the script comes to it.
        if let Ok(contents) = beginning(&path, LONGEST_FILE as u64) {
            files.insert(path.as_os_str().as_bytes().to_vec(), contents);
        }
    }
    Ok(Script::Chat { script, options, files })
}

/// A Windows script without faults.
pub(super) fn scp(text: &Text, asked: &Asked) -> Result<Script, Failure> {
    let reading = proto::scp::read(&text.bytes);
    let lines = Lines::new(&text.bytes);
    for fault in reading.faults.iter().filter(|fault| fault.severity == Severity::Error) {
        let (line, column) = (lines.line(fault.span.start), lines.column(fault.span.start));
        out::error(format_args!("{}:{line}:{column}: {fault}", text.path.display()));
    }
    match reading.program {
        Some(program) => Ok(Script::Scp { program, init: asked.modem_init.clone() }),
        None => Err(Failure::silent(Code::Failed)),
    }
}
