//! `dialback prove`: every attack that is known, on the configuration as it is, and a report for whoever asks for one.
//!
//! The telephone's attacks are played by `sim::prove`; those on files are played here, on copies ([`outside`]).
//! What each says to auditors is in [`report`].

mod outside;
mod report;

use std::path::Path;
use std::time::Instant;

use calls::config::Config;
use serde::Serialize;
use sim::prove::{ATTACKS, Attack, Finding, Verdict};

use crate::exit::{Code, Failure};
use crate::out::{self, Ink, Palette};

/// One attack with what came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Played {
    /// `A7`
    id: String,
    name: &'static str,
    how: &'static str,
    #[serde(flatten)]
    finding: Finding,
    /// What the configuration says of it, where something is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    remark: Option<String>,
    /// What it took, in milliseconds of the clock.
    took_ms: u64,
    #[serde(skip)]
    number: u8,
}

/// What the report is about.
#[derive(Debug, Serialize)]
pub(crate) struct Proof {
    version: &'static str,
    /// When, in local time.
    at: String,
    configuration: String,
    /// SHA-256 over the configuration's files, in the order of their names.
    sha256: String,
    seed: u64,
    /// Lines on which nothing was played, because each is like one of the others.
    lines_left_out: usize,
    attacks: Vec<Played>,
    /// How many came out how.
    withstood: usize,
    weak: usize,
    open: usize,
    not_applicable: usize,
}

/// How the report is wanted.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) config: &'a Path,
    pub(crate) seed: u64,
    pub(crate) json: bool,
    pub(crate) html: Option<&'a Path>,
    /// What is weak fails too.
    pub(crate) strict: bool,
}

/// Plays, tells as it goes, writes the report.
pub(crate) fn run(wanted: &Wanted<'_>) -> Result<(), Failure> {
    let files = outside::FilesRead::of(wanted.config);
    let read = files.configuration();
    if read.config.is_none() {
        out::error_text(&read.rendered(Palette::stderr()));
    }
    let Some(config) = read.config else { return Err(Failure::silent(Code::Configuration)) };
    let palette = Palette::stdout();
    let mut remarks = files.remarks();
    let mut attacks = Vec::new();
    let mut began = Instant::now();
    let played = play(&config, &files, wanted.seed, |attack, finding| {
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        began = Instant::now();
        let left = matches!(finding.verdict, Verdict::Weak | Verdict::Open);
        let played = Played {
            id: attack.id(),
            remark: remarks.remove(&attack.id()).filter(|_| left),
            name: attack.name,
            how: attack.how,
            finding,
            took_ms,
            number: attack.number,
        };
        if !wanted.json {
            out::line(line(palette, &played));
        }
        attacks.push(played);
    });
    let lines_left_out = played.map_err(|why| {
        let message = format!("the other attacks can't be played on simulated modems: {why}");
        Failure::new(Code::Failed, message)
    })?;
    attacks.sort_by_key(|played| played.number);
    let count = |verdict| attacks.iter().filter(|a| a.finding.verdict == verdict).count();
    let proof = Proof {
        version: env!("CARGO_PKG_VERSION"),
        at: crate::clock::written(crate::clock::wall()),
        configuration: wanted.config.display().to_string(),
        sha256: files.sha256(),
        seed: wanted.seed,
        lines_left_out,
        withstood: count(Verdict::Withstood),
        weak: count(Verdict::Weak),
        open: count(Verdict::Open),
        not_applicable: count(Verdict::NotApplicable),
        attacks,
    };
    if let Some(path) = wanted.html {
        std::fs::write(path, report::html(&proof)).map_err(|e| {
            Failure::new(Code::InputOutput, format!("{}: writing the report: {e}", path.display()))
        })?;
    }
    if wanted.json {
        let text = serde_json::to_string(&proof)
            .map_err(|e| Failure::new(Code::System, format!("writing JSON: {e}")))?;
        out::line(text);
    } else {
        if proof.lines_left_out > 0 {
            out::line(format_args!(
                "{} more lines are like one of those on which this was played",
                proof.lines_left_out
            ));
        }
        out::line(sum(palette, &proof));
    }
    match (proof.open, proof.weak, wanted.strict) {
        (0, 0, _) | (0, _, false) => Ok(()),
        _ => Err(Failure::silent(Code::Failed)),
    }
}

/// What each attack comes to on this configuration, whose files are at `path`: its id, its name, the finding.
pub(crate) fn findings(
    path: &Path,
    config: &Config,
) -> Result<Vec<(String, &'static str, Finding)>, String> {
    let files = outside::FilesRead::of(path);
    let mut all = Vec::new();
    play(config, &files, 1, |attack, finding| all.push((attack.id(), attack.name, finding)))?;
    Ok(all)
}

/// All twenty, in an order that tells quick ones first.
fn play(
    config: &Config,
    files: &outside::FilesRead,
    seed: u64,
    mut tell: impl FnMut(&'static Attack, Finding),
) -> Result<usize, String> {
    for attack in ATTACKS.iter().filter(|attack| !attack.is_played_here()) {
        let finding = match attack.number {
            13 => files.spoiled(),
            17 => outside::tampered(config),
            _ => outside::disclosed(config),
        };
        tell(attack, finding);
    }
    sim::prove::prove(config, seed, tell)
}

const fn ink(verdict: Verdict) -> Ink {
    match verdict {
        Verdict::NotApplicable => Ink::Dim,
        Verdict::Withstood => Ink::Green,
        Verdict::Weak => Ink::Yellow,
        Verdict::Open => Ink::Red,
    }
}

fn line(palette: Palette, played: &Played) -> String {
    let verdict = played.finding.verdict;
    let mut text = format!(
        "{:<4} {:<24} {}  {}",
        played.id,
        played.name,
        palette.paint(ink(verdict), &format!("{:<14}", verdict.words())),
        played.finding.because
    );
    if let Some(cure) = &played.finding.cure {
        text.push_str(&format!("\n{:<46}{} {cure}", "", palette.paint(Ink::Dim, "cure:")));
    }
    if let Some(remark) = &played.remark {
        text.push_str(&format!(
            "\n{:<46}{} {remark}",
            "",
            palette.paint(Ink::Dim, "configuration:")
        ));
    }
    text
}

fn sum(palette: Palette, proof: &Proof) -> String {
    let Proof { withstood, weak, open, not_applicable, sha256, version, .. } = proof;
    let counted =
        format!("{withstood} withstood, {weak} weak, {open} open, {not_applicable} do not apply");
    let ink = match (open, weak) {
        (0, 0) => Ink::Green,
        (0, _) => Ink::Yellow,
        _ => Ink::Red,
    };
    let head = sha256.get(..16).unwrap_or(sha256);
    format!("\n{}\ndialback {version}, configuration sha256 {head}..", palette.paint(ink, &counted))
}
