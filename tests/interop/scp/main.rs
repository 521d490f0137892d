//! The built program runs every script of the suite, on a pty and on a socket, several at a time.
//!
//! Each case says on what it rests. There is no other implementation at hand to run them against.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test program: a panic is its way to fail"
)]

mod case;
mod commands;
mod language;
mod line;
mod running;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::thread;

use case::{Basis, Case, End};
use line::{Kind, Run};

/// As many at a time: most of them wait.
const AT_A_TIME: usize = 12;

/// What is wrong with a run; empty if nothing is.
fn faults(case: &Case, run: &Run) -> Vec<String> {
    let mut faults = Vec::new();
    let mut differs = |what: &str, wanted: String, got: String| {
        if wanted != got {
            faults.push(format!("{what}: wanted {wanted}, got {got}"));
        }
    };
    let sent: String = run.sent.iter().copied().map(char::from).collect();
    differs("sent", format!("{:?}", case.sends), format!("{sent:?}"));
    let (outcome, code, line, phase) = match case.end {
        End::Ppp => ("ppp", 0, None, None),
        End::Halt => ("halt", 5, None, None),
        End::HangUp => ("hangup", 3, None, None),
        End::Limit => ("limit", 4, None, None),
        End::Refused(line) => ("error", 1, Some(line), Some("parse")),
        End::Failed(line) => ("error", 1, Some(line), Some("run")),
    };
    differs("exit code", format!("{:?}", Some(code)), format!("{:?}", run.code));
    differs("outcome", format!("{outcome:?}"), run.report["outcome"].to_string());
    if let Some(line) = line {
        differs("line", line.to_string(), run.report["line"].to_string());
    }
    differs("phase", format!("{phase:?}"), format!("{:?}", run.report["phase"].as_str()));
    for (field, wanted) in &case.reports {
        differs(field, wanted.to_string(), run.report[*field].to_string());
    }
    let (least, most) = case.takes;
    if run.millis < least || run.millis > most {
        faults.push(format!("it took {} ms, not {least} to {most}", run.millis));
    }
    if !run.peer_done {
        faults.push("it ended before the other side had done its part".to_owned());
    }
    if !faults.is_empty() {
        faults.push(format!("stderr: {}", run.stderr));
    }
    faults
}

#[test]
fn every_case_on_a_pty_and_on_a_socket() {
    let mut cases = language::cases();
    cases.extend(running::cases());
    assert!(cases.len() >= 150, "only {} cases", cases.len());
    let names: BTreeSet<_> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len(), "two cases have one name");
    let work: Vec<(&Case, Kind)> =
        cases.iter().flat_map(|case| [(case, Kind::Pty), (case, Kind::Socket)]).collect();
    let next = Mutex::new(work.iter());
    let failed = Mutex::new(BTreeMap::new());
    thread::scope(|threads| {
        for _ in 0..AT_A_TIME {
            threads.spawn(|| {
                loop {
                    let Some((case, kind)) = next.lock().unwrap().next() else { return };
                    let found = faults(case, &line::run(case, *kind));
                    if !found.is_empty() {
                        let title = format!("{} [{:?}] on a {kind:?}", case.name, case.basis);
                        failed.lock().unwrap().insert(title, found.join("\n    "));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    let told: Vec<_> =
        failed.iter().map(|(title, found)| format!("{title}\n    {found}")).collect();
    assert!(told.is_empty(), "{} of {} runs failed\n{}", told.len(), work.len(), told.join("\n"));
}

#[test]
fn every_basis_occurs() {
    let mut cases = language::cases();
    cases.extend(running::cases());
    for basis in [Basis::Manual, Basis::Follows, Basis::Field, Basis::Decision] {
        assert!(cases.iter().any(|case| case.basis == basis), "{basis:?}");
    }
}
