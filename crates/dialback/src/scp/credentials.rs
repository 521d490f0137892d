//! Where `$USERID` and `$PASSWORD` come from: the command line, a file, or the environment.
//!
//! Everybody on the machine can read a command line, so a password has the two other ways.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use clap::Args;
use proto::scp::Login;

use crate::exit::{Code, Failure};

/// The longest name or password; a file given by mistake is not read to its end.
const LONGEST: u64 = 4096;

#[derive(Debug, Args)]
pub(super) struct Credentials {
    /// The value of $USERID [default: empty]
    #[arg(long, value_name = "NAME", group = "user")]
    userid: Option<OsString>,
    /// The file whose first line is $USERID
    #[arg(long, value_name = "FILE", group = "user")]
    userid_file: Option<PathBuf>,
    /// The environment variable that holds $USERID
    #[arg(long, value_name = "VARIABLE", group = "user")]
    userid_env: Option<OsString>,
    /// The value of $PASSWORD; everybody on this machine can read it here [default: empty]
    #[arg(long, value_name = "PASSWORD", group = "secret")]
    password: Option<OsString>,
    /// The file whose first line is $PASSWORD
    #[arg(long, value_name = "FILE", group = "secret")]
    password_file: Option<PathBuf>,
    /// The environment variable that holds $PASSWORD
    #[arg(long, value_name = "VARIABLE", group = "secret")]
    password_env: Option<OsString>,
}

impl Credentials {
    pub(super) fn login(self) -> Result<Login, Failure> {
        let user_id = one(self.userid, self.userid_file.as_deref(), self.userid_env)?;
        let password = one(self.password, self.password_file.as_deref(), self.password_env)?;
        Ok(Login::new(user_id, password))
    }
}

/// The one of the three that is given.
fn one(
    value: Option<OsString>,
    file: Option<&Path>,
    variable: Option<OsString>,
) -> Result<Vec<u8>, Failure> {
    if let Some(path) = file {
        return first_line(path);
    }
    if let Some(name) = variable {
        let value = std::env::var_os(&name).ok_or_else(|| {
            let message = format!("the environment has no variable {}", name.display());
            Failure::new(Code::ScriptUsage, message)
        })?;
        return Ok(value.into_vec());
    }
    Ok(value.map(OsStringExt::into_vec).unwrap_or_default())
}

fn first_line(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
    read.map_err(|e| {
        Failure::new(Code::ScriptUsage, format!("{}: reading it: {e}", path.display()))
    })?;
    let end = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
    bytes.truncate(end);
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    Ok(bytes)
}
