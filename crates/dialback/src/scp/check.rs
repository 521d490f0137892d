//! `dialback scp check`: the faults of a script, and what is likely to go wrong with it on the telephone.

use std::path::PathBuf;

use calls::diagnostic::Look;
use clap::Args;
use proto::scp::Severity;

use super::text::Text;
use crate::exit::{Code, Failure};
use crate::out::{self, Palette};

#[derive(Debug, Args)]
#[command(after_help = "\
Exits with 0 if the script can run (there may be warnings), with 1 if not, with 2 if it cannot be read.

Examples:
  dialback scp check callback.scp            with the text and carets under each fault
  dialback scp check --strict *.scp          warnings fail too
  dialback scp check --json callback.scp     for programs: one object for each")]
pub(super) struct Check {
    /// The scripts
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Fail for warnings too
    #[arg(long)]
    strict: bool,
    /// One JSON object for each fault
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut failed = false;
        for file in &self.files {
            let text = Text::read(file)?;
            let faults = proto::scp::lint(&text.bytes);
            for fault in &faults {
                failed |= self.strict || fault.severity == Severity::Error;
                let diagnostic = text.diagnostic(fault);
                if self.json {
                    let json = serde_json::to_string(&diagnostic).map_err(|e| {
                        Failure::new(Code::ScriptUsage, format!("writing JSON: {e}"))
                    })?;
                    out::line(json);
                } else {
                    let coloured = Palette::stdout().coloured();
                    let look = if coloured { Look::Colour } else { Look::Plain };
                    out::line(format_args!("{}\n", diagnostic.render(look)));
                }
            }
            if !self.json {
                out::line(summary(text.name(), &faults));
            }
        }
        if failed { Err(Failure::silent(Code::Failed)) } else { Ok(()) }
    }
}

fn summary(name: &str, faults: &[proto::scp::Fault]) -> String {
    let errors = faults.iter().filter(|fault| fault.severity == Severity::Error).count();
    let count = |number: usize, what: &str| match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    };
    match (errors, faults.len() - errors) {
        (0, 0) => format!("{name}: nothing to say against it"),
        (0, warnings) => format!("{name}: runs, with {}", count(warnings, "warning")),
        (errors, 0) => format!("{name}: does not run: {}", count(errors, "error")),
        (errors, warnings) => {
            format!(
                "{name}: does not run: {}, {}",
                count(errors, "error"),
                count(warnings, "warning")
            )
        }
    }
}
