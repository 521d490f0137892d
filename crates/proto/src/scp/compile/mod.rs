//! From statements to steps: names are resolved, types checked, blocks become jumps.
//!
//! All of it happens before anything is sent: a call costs money, and half a login leaves the other side in a state
//! that nobody has thought of. Every procedure is checked, but only `main` is run.

mod expression;

use std::collections::BTreeMap;

use super::code::{Program, Step, Wait, WaitCase};
use super::fault::{Fault, Faults, Lines, Span};
use super::lex;
use super::syntax::{Act, Case, Declaration, Expression, Procedure, Script, Statement, Type};

/// Compiles `script`; `None` if a fault keeps it from running.
pub(super) fn compile(source: &[u8], script: &Script, faults: &mut Faults) -> Option<Program> {
    let mut main = None;
    let mut seen: BTreeMap<Vec<u8>, ()> = BTreeMap::new();
    for procedure in &script.procedures {
        let name = procedure.name.of(source).to_ascii_lowercase();
        let is_main = name == b"main";
        if seen.insert(name, ()).is_some() {
            let message = format!("there is a procedure {} already", shown(source, procedure.name));
            faults.push(Fault::error(procedure.name, message, "take one of them out"));
        }
        let program = Compiler::new(source, faults).procedure(procedure);
        if is_main {
            main = main.or(Some(program));
        } else {
            let message = format!("the procedure {} is never run", shown(source, procedure.name));
            let cure = "a script has no calls: only main runs, up to its endproc";
            faults.push(Fault::warning(procedure.name, message, cure));
        }
    }
    // A fault before may have hidden it.
    if main.is_none() && !faults.any_error() {
        let span = match script.procedures.first() {
            Some(procedure) => procedure.name,
            None => {
                Span { start: 0, end: source.iter().take_while(|&&byte| byte != b'\n').count() }
            }
        };
        let cure = "the script begins at: proc main";
        faults.push(Fault::error(span, "there is no procedure main", cure));
    }
    main.filter(|_| !faults.any_error())
}

struct Variable {
    slot: usize,
    of: Type,
    declared: Span,
}

struct Compiler<'a> {
    source: &'a [u8],
    faults: &'a mut Faults,
    /// By their names in small letters, as labels are.
    variables: BTreeMap<Vec<u8>, Variable>,
    labels: BTreeMap<Vec<u8>, Label>,
    program: Program,
    /// The step at which each statement begins, and one more for the end.
    begins: Vec<usize>,
    /// Jumps whose goals are statements, to be turned into steps at the end.
    patches: Vec<Patch>,
}

struct Label {
    statement: usize,
    declared: Span,
}

struct Patch {
    place: Place,
    statement: usize,
}

enum Place {
    Step(usize),
    Case { wait: usize, case: usize },
}

impl<'a> Compiler<'a> {
    fn new(source: &'a [u8], faults: &'a mut Faults) -> Self {
        let program = Program {
            steps: Vec::new(),
            spans: Vec::new(),
            texts: Vec::new(),
            waits: Vec::new(),
            variables: Vec::new(),
            lines: Lines::new(source),
        };
        Self {
            source,
            faults,
            variables: BTreeMap::new(),
            labels: BTreeMap::new(),
            program,
            begins: Vec::new(),
            patches: Vec::new(),
        }
    }

    fn procedure(mut self, procedure: &Procedure) -> Program {
        for declaration in &procedure.declarations {
            self.declaration(declaration);
        }
        for (index, statement) in procedure.body.iter().enumerate() {
            match statement.act {
                Act::Label => self.label(index, statement.word),
                Act::Assign { .. }
                | Act::Transmit { .. }
                | Act::Waitfor { .. }
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
        for statement in &procedure.body {
            self.begins.push(self.program.steps.len());
            self.statement(statement);
        }
        self.begins.push(self.program.steps.len());
        self.push(Step::End, procedure.end);
        self.patch();
        self.program
    }

    fn declaration(&mut self, declaration: &Declaration) {
        // The first value cannot use the variable itself: it is not there yet.
        match &declaration.first_value {
            Some(value) => self.typed(value, declaration.of),
            None => {
                let value = match declaration.of {
                    Type::Integer => Step::Integer(0),
                    Type::Boolean => Step::Boolean(false),
                    Type::Text => self.text(&[]),
                };
                self.push(value, declaration.name);
            }
        }
        let name = declaration.name.of(self.source).to_ascii_lowercase();
        if let Some(earlier) = self.variables.get(&name) {
            let line = self.program.lines.line(earlier.declared.start);
            let message = format!(
                "{} is declared already, on line {line}",
                shown(self.source, declaration.name)
            );
            self.faults.push(Fault::error(declaration.name, message, "take one of them out"));
            return;
        }
        let slot = self.program.variables.len();
        self.program.variables.push(declaration.of);
        self.variables
            .insert(name, Variable { slot, of: declaration.of, declared: declaration.name });
        self.push(Step::Store(slot), declaration.name);
    }

    fn label(&mut self, statement: usize, name: Span) {
        let key = name.of(self.source).to_ascii_lowercase();
        if let Some(earlier) = self.labels.get(&key) {
            let line = self.program.lines.line(earlier.declared.start);
            let message =
                format!("there is a label {} already, on line {line}", shown(self.source, name));
            self.faults.push(Fault::error(name, message, "give one of them another name"));
            return;
        }
        self.labels.insert(key, Label { statement, declared: name });
    }

    fn statement(&mut self, statement: &Statement) {
        let word = statement.word;
        match &statement.act {
            Act::Label | Act::EndIf => {}
            Act::Assign { value } => match self.variable(word) {
                Some((slot, of)) => {
                    self.typed(value, of);
                    self.push(Step::Store(slot), word);
                }
                None => {
                    self.expression(value);
                }
            },
            Act::Transmit { text, raw } => {
                self.typed(text, Type::Text);
                self.push(Step::Transmit { raw: *raw }, word);
            }
            Act::Waitfor { cases, until } => self.waitfor(word, cases, until.as_ref()),
            Act::Delay(seconds) => {
                self.typed(seconds, Type::Integer);
                self.push(Step::Delay, word);
            }
            Act::Goto { label } => {
                let to = self.goal(*label);
                self.jump(Step::Jump(0), word, to);
            }
            Act::Halt => self.push(Step::Halt, word),
            Act::If { condition, close } => {
                self.typed(condition, Type::Boolean);
                self.jump(Step::JumpUnless(0), word, Some(*close));
            }
            Act::While { condition, close } => {
                self.typed(condition, Type::Boolean);
                self.jump(Step::JumpUnless(0), word, close.checked_add(1));
            }
            Act::EndWhile { open } => self.jump(Step::Jump(0), word, Some(*open)),
            Act::SetAddress(address) => {
                self.typed(address, Type::Text);
                self.push(Step::SetAddress, word);
            }
            Act::SetPort(setting) => self.push(Step::SetPort(*setting), word),
            Act::SetKeyboard(on) => self.push(Step::SetKeyboard(*on), word),
            Act::GetIp(address) => {
                self.expression(address);
                self.push(Step::Drop, word);
            }
        }
    }

    fn waitfor(&mut self, word: Span, cases: &[Case], until: Option<&Expression>) {
        let wait = self.program.waits.len();
        for (case, Case { text, label, .. }) in cases.iter().enumerate() {
            self.typed(text, Type::Text);
            if let Some(statement) = label.and_then(|label| self.goal(label)) {
                self.patches.push(Patch { place: Place::Case { wait, case }, statement });
            }
        }
        if let Some(until) = until {
            self.typed(until, Type::Integer);
        }
        let cases = cases.iter().map(|case| WaitCase { matchcase: case.matchcase, then: None });
        self.program.waits.push(Wait { cases: cases.collect(), until: until.is_some() });
        self.push(Step::Wait(wait), word);
    }

    /// The statement that a label stands at.
    fn goal(&mut self, label: Span) -> Option<usize> {
        let found = self.labels.get(&label.of(self.source).to_ascii_lowercase());
        let Some(found) = found else {
            let message = format!("there is no label {}", shown(self.source, label));
            let cure = match self.closest(label, self.labels.keys()) {
                Some(other) => format!("is {other} meant?"),
                None => "write the name and a colon where to go on".to_owned(),
            };
            self.faults.push(Fault::error(label, message, cure));
            return None;
        };
        let (statement, declared) = (found.statement, found.declared);
        self.same_spelling(label, declared);
        Some(statement)
    }

    /// A variable's slot and type.
    fn variable(&mut self, name: Span) -> Option<(usize, Type)> {
        let found = self.variables.get(&name.of(self.source).to_ascii_lowercase());
        let Some(found) = found else {
            let message = format!("there is no variable {}", shown(self.source, name));
            let cure = match self.closest(name, self.variables.keys()) {
                Some(other) => format!("is {other} meant?"),
                None => format!(
                    "declare it at the top of the procedure: integer {0}, string {0} or boolean {0}",
                    shown(self.source, name)
                ),
            };
            self.faults.push(Fault::error(name, message, cure));
            return None;
        };
        let (slot, of, declared) = (found.slot, found.of, found.declared);
        self.same_spelling(name, declared);
        Some((slot, of))
    }

    /// Names are the same in capitals and small letters here; nobody says whether Windows agrees.
    fn same_spelling(&mut self, used: Span, declared: Span) {
        let (here, there) = (used.of(self.source), declared.of(self.source));
        if here != there {
            let message = format!(
                "{} is spelled {} where it is made",
                shown(self.source, used),
                shown(self.source, declared)
            );
            self.faults.push(Fault::warning(
                used,
                message,
                "Windows may insist on it: spell it alike",
            ));
        }
    }

    /// A name that `wrong` may be a slip of the pen for: one letter more, less or other.
    fn closest<'n>(&self, wrong: Span, names: impl Iterator<Item = &'n Vec<u8>>) -> Option<String> {
        let wrong = wrong.of(self.source).to_ascii_lowercase();
        let mut near = names.filter(|name| lex::one_slip(&wrong, name));
        near.next().map(|name| String::from_utf8_lossy(name).into_owned())
    }

    fn push(&mut self, step: Step, span: Span) {
        self.program.steps.push(step);
        self.program.spans.push(span);
    }

    fn jump(&mut self, step: Step, span: Span, to: Option<usize>) {
        if let Some(statement) = to {
            self.patches.push(Patch { place: Place::Step(self.program.steps.len()), statement });
        }
        self.push(step, span);
    }

    fn text(&mut self, text: &[u8]) -> Step {
        self.program.texts.push(text.to_vec());
        Step::Text(self.program.texts.len() - 1)
    }

    /// Puts the goals in. A goal that is not there was a fault, and such a program is not run.
    fn patch(&mut self) {
        for Patch { place, statement } in std::mem::take(&mut self.patches) {
            let Some(&goal) = self.begins.get(statement) else { continue };
            match place {
                Place::Step(at) => {
                    if let Some(Step::Jump(to) | Step::JumpUnless(to)) =
                        self.program.steps.get_mut(at)
                    {
                        *to = goal;
                    }
                }
                Place::Case { wait, case } => {
                    let wait = self.program.waits.get_mut(wait);
                    if let Some(case) = wait.and_then(|wait| wait.cases.get_mut(case)) {
                        case.then = Some(goal);
                    }
                }
            }
        }
    }
}

fn shown(source: &[u8], name: Span) -> String {
    String::from_utf8_lossy(name.of(source)).into_owned()
}
