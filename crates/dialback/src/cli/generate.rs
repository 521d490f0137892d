//! `dialback generate`: man pages and completions out of the definitions that `--help` shows, for whoever makes
//! packages. Nothing of it is kept in the repository, so nothing of it can be out of date.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory, Subcommand};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::Program;
use crate::exit::{Code, Failure};
use crate::out;

/// Programs for those who run a system.
const SECTION: &str = "8";

/// What has examples, and where they begin.
const EXAMPLES: &str = "Examples:\n";

/// What the page of the whole program says beside its commands: files, and what they are.
const FILES: [(&str, &str); 6] = [
    ("/etc/dialback/dialback.toml", "the configuration; dialback check finds its faults"),
    ("/etc/dialback/login.config", "who gets which program or is called back, in mgetty's format"),
    (
        "/var/lib/dialback/journal.db",
        "all that has happened, as a chain that dialback audit verifies",
    ),
    ("/run/dialback/control.sock", "where the running server is asked and told"),
    ("/run/lock/LCK..*", "the locks of serial ports, which other programs respect"),
    ("/usr/share/doc/dialback/", "the guide, the reference of every key, examples"),
];

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dialback generate man target/man                    a page for each command
  dialback generate completions bash > dialback.bash  also: zsh, fish")]
pub(super) struct Generate {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Man pages, one for each command
    Man {
        /// The directory that they are written into; made if need be
        #[arg(value_name = "DIR")]
        to: PathBuf,
    },
    /// Completions of a shell, to stdout
    Completions {
        /// Which shell
        shell: Shell,
    },
}

impl Generate {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Man { to } => pages(&to).map_err(|e| {
                Failure::new(Code::InputOutput, format!("{}: writing man pages: {e}", to.display()))
            }),
            What::Completions { shell } => {
                let mut text = Vec::new();
                clap_complete::generate(shell, &mut Program::command(), "dialback", &mut text);
                // The program's end tells of it.
                drop(out::Stdout.write_all(&text).and_then(|()| out::Stdout.flush()));
                Ok(())
            }
        }
    }
}

/// A page for the program and for each of its commands, and of theirs.
fn pages(to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    let mut program = Program::command().disable_help_subcommand(true);
    program.build();
    write_pages(&program, to)
}

fn write_pages(command: &Command, to: &Path) -> io::Result<()> {
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        write_pages(inner, to)?;
    }
    let name = command.get_display_name().unwrap_or(command.get_name());
    std::fs::write(to.join(format!("{name}.{SECTION}")), page(command)?)
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let whole = command.get_name() == "dialback";
    let extra = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (notes, examples) = extra.split_once(EXAMPLES).unwrap_or((extra.as_str(), ""));
    let man = Man::new(command.clone()).section(SECTION).manual("dialback");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(&mut text)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    let mut rest = Roff::new();
    if !notes.trim().is_empty() {
        as_written(&mut rest, "NOTES", notes);
    }
    if !examples.is_empty() {
        as_written(&mut rest, "EXAMPLES", examples);
    }
    if whole {
        rest.control("SH", ["FILES"]);
        for (path, what) in FILES {
            rest.control("TP", []).text([bold(path)]).text([roman(what)]);
        }
    }
    rest.to_writer(&mut text)?;
    Ok(text)
}

/// A section whose lines stay as they are: examples and tables.
fn as_written(page: &mut Roff, title: &str, text: &str) {
    page.control("SH", [title]).control("nf", []);
    for line in text.trim_matches('\n').lines() {
        page.text([roman(line)]);
    }
    page.control("fi", []);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_a_page_with_its_options_and_examples() {
        let to = std::env::temp_dir().join(format!("dialback-man-{}", std::process::id()));
        pages(&to).unwrap();
        let read = |name: &str| std::fs::read_to_string(to.join(name)).unwrap();
        let serve = read("dialback-serve.8");
        for wanted in ["\\-\\-config", ".SH EXAMPLES\n.nf\n", "SIGHUP", ".SH NOTES"] {
            assert!(serve.contains(wanted), "{wanted} in {serve}");
        }
        let whole = read("dialback.8");
        assert!(whole.contains("dialback\\-serve(8)"), "{whole}");
        assert!(whole.contains(".SH FILES"), "{whole}");
        // Commands of commands as well.
        assert!(read("dialback-audit-verify.8").contains("dialback audit verify"));
        std::fs::remove_dir_all(&to).unwrap();
    }

    #[test]
    fn every_shell_completes_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Program::command(), "dialback", &mut text);
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains("busy-out") && text.contains("rehearse"), "{shell}");
        }
    }
}
