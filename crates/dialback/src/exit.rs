//! How the program ends: the exit codes of sysexits(3) and the sentence that goes with a bad one.
//!
//! Service managers and scripts tell "mend the file" (78) from "the server does not run" (69) by these.

use std::fmt;
use std::process::{ExitCode, Termination};

use crate::out;

/// Why a run ended badly.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    /// An exit code of a command's own table instead.
    own: Option<u8>,
    message: String,
}

/// The codes of sysexits(3) that we use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// What was asked for did not succeed (a callback that came to nothing).
    Failed = 1,
    /// A dial-up script was not run: wrong usage, or input and output broke. This and the next three are the codes
    /// that a connect script's user looks at, not sysexits(3).
    ScriptUsage = 2,
    /// The line was lost while a dial-up script ran.
    HungUp = 3,
    /// The time limit of a dial-up script was over.
    TimeLimit = 4,
    /// A dial-up script halted: its user goes on by hand.
    Halted = 5,
    /// The command line is wrong.
    Usage = 64,
    /// The server does not run, or does not answer.
    Unavailable = 69,
    /// Something of the system's is missing or broken.
    System = 71,
    /// A file could not be read or written, or what was said on standard output did not arrive there whole (a full disk;
    /// a reader that goes away is no fault).
    InputOutput = 74,
    /// Another server runs already, or the like: trying again later may help.
    TryLater = 75,
    /// The peer does not speak our language.
    Protocol = 76,
    /// The caller may not do this.
    NoPermission = 77,
    /// The configuration is faulty.
    Configuration = 78,
}

impl Failure {
    /// A failure with its sentence: lower case, what and where, and what to do.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, own: None, message: message.into() }
    }

    /// A failure with an exit code from the command's own table, which its help shows.
    pub(crate) fn own(code: u8, message: impl Into<String>) -> Self {
        Self { code: Code::Failed, own: Some(code), message: message.into() }
    }

    /// A failure of which everything has been said already.
    pub(crate) fn silent(code: Code) -> Self {
        Self { code, own: None, message: String::new() }
    }

    /// Whether everything has been said already.
    pub(crate) fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    /// The code that the process ends with.
    pub(crate) fn code(&self) -> Code {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Says what went wrong, if anything, and gives the process its exit code.
///
/// What was written to stdout and did not arrive there outweighs everything: whoever reads the code must not take a part for
/// the whole.
pub(crate) fn conclude(result: Result<(), Failure>) -> ExitCode {
    let code = match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                out::error(format_args!("dialback: {failure}"));
            }
            failure.own.map_or_else(|| failure.code.report(), ExitCode::from)
        }
    };
    let Some(lost) = out::lost() else { return code };
    out::error(format_args!(
        "dialback: standard output: {lost}: what was written there is not whole"
    ));
    Code::InputOutput.report()
}

impl Termination for Code {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

#[cfg(test)]
mod tests {
    //! `docs/reference/exit-codes.md` is made of the declarations above.

    use std::fmt::Write as _;

    const OPENING: &str = "# Exit codes

0 is success: what was asked for was done, and nothing was found wrong. Nearly all commands take their other codes from
sysexits(3), so that a service manager or a script can tell \"mend the file\" (78) from \"the server does not run\" (69). With a bad
code comes one sentence on standard error that says what, where, and what to do.

| code | meaning |
|---|---|
";

    const CHAT: &str = "
## `dialback chat`

Those of chat(8): 0 the script came to its end, 1 a wrong argument, 2 input or output failed, 3 an expected text did
not come in time, 4 the first `ABORT` string came, 5 the second, and so on.

## `dialback dial`

It tells why there was no session by [a table of its own](../man/dial.md#exit-codes).
";

    /// Each code's number and what its doc comment says.
    fn codes() -> Vec<(String, String)> {
        let after = include_str!("exit.rs").split_once("enum Code {").expect("the codes").1;
        let mut found = Vec::new();
        let mut doc = String::new();
        for line in after.split_once("\n}").expect("their end").0.lines().map(str::trim) {
            if let Some(text) = line.strip_prefix("///") {
                doc.push_str(text);
            } else if let Some((_, number)) = line.split_once(" = ") {
                found.push((number.trim_end_matches(',').to_owned(), std::mem::take(&mut doc)));
            }
        }
        found
    }

    fn page() -> String {
        let mut page = OPENING.to_owned();
        for (number, doc) in codes() {
            writeln!(page, "| {number} |{doc} |").expect("a String");
        }
        page + CHAT
    }

    #[test]
    fn the_page_of_exit_codes_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/exit-codes.md");
        if std::env::var_os("REFERENCE_WRITE").is_some() {
            std::fs::write(path, page()).expect("the page");
        }
        assert!(
            std::fs::read_to_string(path).expect("the page") == page(),
            "docs/reference/exit-codes.md is not what the declarations say: run \
             REFERENCE_WRITE=1 cargo test -p dialback --bin dialback exit::"
        );
    }

    #[test]
    fn every_code_is_found_with_its_sentence() {
        let codes = codes();
        assert!(codes.len() >= 12, "{codes:?}");
        assert!(codes.iter().all(|(number, doc)| number.parse::<u8>().is_ok() && doc.len() > 10));
    }
}
