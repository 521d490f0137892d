//! What is likely to go wrong with a script that is right as a text.
//!
//! On a telephone line a mistake shows after a minute, on somebody else's bill. So everything that made real scripts
//! fail is looked for beforehand: strings that other texts contain, waits without an end, names that are not sent as
//! they are, ports that PPP cannot use, steps that are never reached. They are all warnings: a script may be meant so.
//!
//! This file does not know what a certain server says.

mod flow;
mod port;
mod sending;
mod waiting;

use std::collections::BTreeSet;

use self::flow::Flow;
use super::fault::{Fault, Faults, Span};
use super::syntax::{Act, Expression, Procedure, Script, Statement, What};
use super::{compile, parse, too_long};

/// Everything that is wrong with a script, or likely to go wrong with it, in the order of reading.
///
/// What is only likely is looked for in `main`, and only if nothing is wrong for certain.
#[must_use]
pub fn lint(source: &[u8]) -> Vec<Fault> {
    let mut faults = Faults::default();
    if too_long(source, &mut faults) {
        return faults.sorted();
    }
    let script = parse::parse(source, &mut faults);
    if compile::compile(source, &script, &mut faults).is_some() {
        look(source, &script, &mut faults);
    }
    faults.sorted()
}

fn look(source: &[u8], script: &Script, faults: &mut Faults) {
    let is_main = |procedure: &&Procedure| procedure.name.of(source).eq_ignore_ascii_case(b"main");
    let Some(main) = script.procedures.iter().find(is_main) else { return };
    let flow = Flow::new(source, &main.body);
    unreached(main, &flow, faults);
    unused(source, main, faults);
    port::look(main, &flow, faults);
    for (index, statement) in main.body.iter().enumerate() {
        match &statement.act {
            Act::Waitfor { cases, until } => {
                let wait = waiting::Wait { word: statement.word, cases, until: until.as_ref() };
                wait.look(source, after(&main.body, index), faults);
            }
            Act::Transmit { text, raw } => {
                let sent = sending::Sent { text, raw: *raw };
                sent.look(source, after(&main.body, index), faults);
            }
            Act::Assign { .. }
            | Act::Label
            | Act::Delay(_)
            | Act::Goto { .. }
            | Act::Halt
            | Act::If { .. }
            | Act::EndIf
            | Act::While { .. }
            | Act::EndWhile { .. }
            | Act::SetAddress(_)
            | Act::SetPort(_)
            | Act::SetKeyboard(_)
            | Act::GetIp(_) => {}
        }
    }
}

/// The statement that comes next on the page and does something; `None` is `endproc`.
fn after(body: &[Statement], index: usize) -> Option<&Statement> {
    body.iter().skip(index + 1).find(|statement| does_something(statement))
}

fn does_something(statement: &Statement) -> bool {
    !matches!(statement.act, Act::Label | Act::EndIf | Act::EndWhile { .. })
}

/// Steps that nothing leads to, a stretch of them as one.
fn unreached(main: &Procedure, flow: &Flow, faults: &mut Faults) {
    let mut stretch: Option<Span> = None;
    let mut told = |stretch: &mut Option<Span>| {
        if let Some(span) = stretch.take() {
            let cure = "take it out, or let a goto or then lead to it";
            faults.push(Fault::warning(span, "nothing ever leads here", cure));
        }
    };
    for (index, statement) in main.body.iter().enumerate() {
        if flow.reaches(index) {
            told(&mut stretch);
        } else if does_something(statement) {
            stretch = Some(stretch.map_or(statement.span, |begun| begun.to(statement.span)));
        }
    }
    told(&mut stretch);
    if !flow.reaches(main.body.len()) {
        let cure = "let a goto lead to a label in front of it";
        faults.push(Fault::warning(
            main.end,
            "the script never comes here, so PPP never begins",
            cure,
        ));
    }
}

/// Labels that nothing leads to, variables that nothing reads.
fn unused(source: &[u8], main: &Procedure, faults: &mut Faults) {
    let key = |span: Span| span.of(source).to_ascii_lowercase();
    let mut aimed_at = BTreeSet::new();
    let mut read = BTreeSet::new();
    let mut written = BTreeSet::new();
    for statement in &main.body {
        for label in goals(&statement.act) {
            aimed_at.insert(key(label));
        }
        if let Act::Assign { .. } = statement.act {
            written.insert(key(statement.word));
        }
        for expression in expressions(&statement.act) {
            read.extend(names(expression).map(key));
        }
    }
    for declaration in &main.declarations {
        read.extend(declaration.first_value.iter().flat_map(names).map(key));
    }
    for statement in &main.body {
        if matches!(statement.act, Act::Label) && !aimed_at.contains(&key(statement.word)) {
            let message = "no goto or then names this label";
            faults.push(Fault::warning(statement.word, message, "take it out"));
        }
    }
    for declaration in &main.declarations {
        let name = key(declaration.name);
        let message = match (read.contains(&name), written.contains(&name)) {
            (true, _) => continue,
            (false, true) => "this variable gets values, but nothing reads them",
            (false, false) => "this variable is never used",
        };
        faults.push(Fault::warning(declaration.name, message, "take it out"));
    }
}

/// The labels that a statement may go to.
fn goals(act: &Act) -> impl Iterator<Item = Span> {
    let (goto, cases): (Option<Span>, &[_]) = match act {
        Act::Goto { label } => (Some(*label), &[]),
        Act::Waitfor { cases, .. } => (None, cases),
        Act::Assign { .. }
        | Act::Label
        | Act::Transmit { .. }
        | Act::Delay(_)
        | Act::Halt
        | Act::If { .. }
        | Act::EndIf
        | Act::While { .. }
        | Act::EndWhile { .. }
        | Act::SetAddress(_)
        | Act::SetPort(_)
        | Act::SetKeyboard(_)
        | Act::GetIp(_) => (None, &[]),
    };
    goto.into_iter().chain(cases.iter().filter_map(|case| case.label))
}

/// The expressions of a statement.
fn expressions(act: &Act) -> Vec<&Expression> {
    match act {
        Act::Assign { value: it }
        | Act::Transmit { text: it, .. }
        | Act::Delay(it)
        | Act::If { condition: it, .. }
        | Act::While { condition: it, .. }
        | Act::SetAddress(it)
        | Act::GetIp(it) => vec![it],
        Act::Waitfor { cases, until } => cases.iter().map(|case| &case.text).chain(until).collect(),
        Act::Label
        | Act::Goto { .. }
        | Act::Halt
        | Act::EndIf
        | Act::EndWhile { .. }
        | Act::SetPort(_)
        | Act::SetKeyboard(_) => Vec::new(),
    }
}

fn names(expression: &Expression) -> impl Iterator<Item = Span> {
    expression.terms.iter().filter(|term| term.what == What::Name).map(|term| term.span)
}
