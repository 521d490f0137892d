//! `dialback migrate`: a configuration out of mgetty's, callback's and pppd's files, shown before it is written.

use std::path::PathBuf;

use calls::diagnostic::Severity;
use clap::Args;
use serde_json::json;

use super::new_files;
use crate::exit::{Code, Failure};
use crate::migrate::{self, Asked, Kind, Migrated, Remark, Root};
use crate::out::{self, Cell, Ink, Palette, table};
use crate::sheet::{self, wrapped};

#[derive(Debug, Args)]
#[command(after_help = "\
Shows what it found, what is different and why, and the new configuration; writes it after a yes. \
Nothing that exists is overwritten (the package's own dialback.toml, which has no line, is moved aside), \
no old file is changed, and nothing is started or stopped. Exits with 0 if the new configuration would \
be accepted by `dialback check`, with 78 if not.

Examples:
  dialback migrate                    from /etc/mgetty, /etc/ppp, inittab, units
  dialback migrate --out /tmp/try     write it somewhere else, to look at
  dialback migrate --root /mnt/old    from another machine's disk, or a backup
  dialback migrate /usr/local/etc/mgetty+sendfax --port ttyS1 --yes
  dialback migrate --json | jq '.remarks[] | select(.kind == \"decide\")'")]
pub(super) struct Migrate {
    /// mgetty's directory
    #[arg(value_name = "DIR", default_value = "/etc/mgetty")]
    mgetty: PathBuf,
    /// pppd's directory
    #[arg(long, value_name = "DIR", default_value = "/etc/ppp")]
    ppp: PathBuf,
    /// init's table; files in FILE.d are read too
    #[arg(long, value_name = "FILE", default_value = "/etc/inittab")]
    inittab: PathBuf,
    /// Directories of systemd's units, the strongest first [default: /etc/systemd/system and those of packages]
    #[arg(long, value_name = "DIR", num_args = 1..)]
    systemd: Vec<PathBuf>,
    /// A port that mgetty serves, though no file tells
    #[arg(long, value_name = "TTY")]
    port: Vec<String>,
    /// What stands before all these paths: another machine's disk, or a backup of it
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// The directory for the new files
    #[arg(long, value_name = "DIR", default_value = "/etc/dialback")]
    out: PathBuf,
    /// Write without asking
    #[arg(long)]
    yes: bool,
    /// One JSON object; files are written only with --yes
    #[arg(long)]
    json: bool,
}

const UNITS: [&str; 4] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// What stands before a remark's text, below its place.
const INDENT: &str = "    ";

impl Migrate {
    pub(super) fn run(self) -> Result<(), Failure> {
        let units = if self.systemd.is_empty() {
            UNITS.map(PathBuf::from).to_vec()
        } else {
            self.systemd.clone()
        };
        let root = Root(self.root.clone());
        if !self.root.join(self.mgetty.strip_prefix("/").unwrap_or(&self.mgetty)).is_dir() {
            let what =
                format!("{}: there is no such directory: name mgetty's", self.mgetty.display());
            return Err(Failure::new(Code::InputOutput, what));
        }
        let asked = Asked {
            root,
            mgetty: self.mgetty.clone(),
            ppp: self.ppp.clone(),
            inittab: self.inittab.clone(),
            units,
            ports: self.port.clone(),
        };
        let migrated =
            migrate::migrate(&asked).map_err(|why| Failure::new(Code::Configuration, why))?;
        let fine = migrated.diagnostics.iter().all(|fault| fault.severity == Severity::Warning);
        if self.json {
            out::line(self.as_json(&migrated));
        } else {
            self.show(&migrated);
        }
        if !fine {
            let what = "the new configuration would not be accepted: nothing is written";
            return Err(Failure::new(Code::Configuration, what));
        }
        if !self.yes && (self.json || !new_files::agreed(&self.out)?) {
            return Ok(());
        }
        let aside = new_files::write(&self.out, &migrated.files)?;
        if !self.json {
            for path in aside {
                out::line(format_args!("{}: what the package had put there", path.display()));
            }
            self.afterwards(&migrated);
        }
        Ok(())
    }

    fn show(&self, migrated: &Migrated) {
        let palette = Palette::stdout();
        let rows: Vec<Vec<Cell>> = migrated
            .lines
            .iter()
            .map(|(name, port, _)| vec![Cell::inked(Ink::Cyan, name.clone()), port.clone().into()])
            .collect();
        out::line(table(palette, &["LINE", "PORT"], &rows));
        for kind in Kind::ALL {
            let of_kind: Vec<&Remark> =
                migrated.remarks.iter().filter(|remark| remark.kind == kind).collect();
            if of_kind.is_empty() {
                continue;
            }
            let ink = match kind {
                Kind::Decide | Kind::Weak => Ink::Yellow,
                Kind::Safer => Ink::Green,
                Kind::Changed | Kind::Gone => Ink::Plain,
            };
            out::line(palette.paint(ink, &format!("== {} ({})", kind.heading(), of_kind.len())));
            for remark in of_kind {
                out::line(palette.paint(Ink::Dim, &remark.place.to_string()));
                let text = format!("{}: {}", remark.what, remark.why);
                for line in wrapped(&text, sheet::width().saturating_sub(INDENT.len())) {
                    out::line(format_args!("{INDENT}{line}"));
                }
            }
            out::line("");
        }
        for file in &migrated.files {
            let path = self.out.join(&file.name);
            out::line(palette.paint(Ink::Cyan, &format!("== {}", path.display())));
            if file.secret {
                out::line("(passwords, not shown)\n");
            } else {
                out::line(&file.text);
            }
        }
        for diagnostic in &migrated.diagnostics {
            out::line(format_args!("check: {diagnostic}"));
        }
    }

    fn as_json(&self, migrated: &Migrated) -> serde_json::Value {
        let files: Vec<_> = migrated
            .files
            .iter()
            .map(|file| {
                let text = (!file.secret).then_some(&file.text);
                json!({ "path": self.out.join(&file.name), "secret": file.secret, "text": text })
            })
            .collect();
        let lines: Vec<_> = migrated
            .lines
            .iter()
            .map(|(name, port, stop)| json!({ "name": name, "port": port, "stop": stop }))
            .collect();
        json!({
            "lines": lines,
            "remarks": migrated.remarks,
            "files": files,
            "diagnostics": migrated.diagnostics,
        })
    }

    fn afterwards(&self, migrated: &Migrated) {
        let config = self.out.join("dialback.toml");
        out::line(format_args!(
            "written. What is left to do:\n\n  dialback check --config {}",
            config.display()
        ));
        for stop in migrated.lines.iter().filter_map(|(_, _, stop)| stop.as_ref()) {
            out::line(format_args!("  {stop}"));
        }
        // `enable --now` leaves a service that runs alone: the package's runs since it was installed, without a line.
        out::line("  systemctl enable dialback");
        out::line("  systemctl restart dialback");
    }
}
