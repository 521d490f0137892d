//! Types of expressions, and their steps.
//!
//! A part whose type is not known, because a fault in it was told already, fits everywhere: one mistake is one
//! sentence.

use super::Compiler;
use crate::scp::code::{Arithmetic, Relation, Step};
use crate::scp::fault::{Fault, Span};
use crate::scp::lex::System;
use crate::scp::sequences;
use crate::scp::syntax::{Binary, Expression, Term, Type, What, unquoted};

impl Compiler<'_> {
    /// An expression that must have a type.
    pub(super) fn typed(&mut self, expression: &Expression, wanted: Type) {
        let Some(found) = self.expression(expression).filter(|found| *found != wanted) else {
            return;
        };
        let message = format!("{} belongs here, and this is {}", wanted.name(), found.name());
        let cure = match (wanted, found) {
            (Type::Text, Type::Integer) => {
                "put the number into quotes; the language has no conversion"
            }
            (Type::Boolean, Type::Integer | Type::Text) => {
                "compare it with something: ==, !=, <, >"
            }
            (Type::Integer, Type::Text) => {
                "take the quotes off a number; the language has no conversion"
            }
            (_, _) => "use a value or a variable of that type",
        };
        self.faults.push(Fault::error(expression.span, message, cure));
    }

    /// The steps of an expression, and its type if it has one.
    pub(super) fn expression(&mut self, expression: &Expression) -> Option<Type> {
        let mut types: Vec<Option<Type>> = Vec::new();
        let mut begins = Vec::with_capacity(expression.terms.len());
        let mut shortcuts = Vec::new();
        for term in &expression.terms {
            begins.push(self.program.steps.len());
            if let What::Shortcut { over, .. } = term.what {
                shortcuts.push((self.program.steps.len(), over));
            }
            self.term(term, &mut types);
        }
        for (at, over) in shortcuts {
            // The step of `and` and `or` themselves: there is none, so the jump goes to what follows them.
            let goal = begins.get(over).copied().unwrap_or(self.program.steps.len());
            if let Some(Step::Shortcut { to, .. }) = self.program.steps.get_mut(at) {
                *to = goal;
            }
        }
        types.pop().flatten()
    }

    fn term(&mut self, term: &Term, types: &mut Vec<Option<Type>>) {
        let span = term.span;
        match term.what {
            What::Integer(value) => self.value(Step::Integer(value), span, Type::Integer, types),
            What::Boolean(value) => self.value(Step::Boolean(value), span, Type::Boolean, types),
            What::Text => {
                let text = unquoted(span.of(self.source));
                self.odd_escapes(text, span);
                let step = self.text(text);
                self.value(step, span, Type::Text, types);
            }
            What::Name => match self.variable(span) {
                Some((slot, of)) => self.value(Step::Load(slot), span, of, types),
                None => types.push(None),
            },
            What::System(system) => {
                let of = match system {
                    System::UserId | System::Password => Type::Text,
                    System::Success | System::Failure => Type::Boolean,
                };
                self.value(Step::System(system), span, of, types);
            }
            What::Negate => self.unary("-", span, types, |of| match of {
                Type::Integer => Some(Step::Negate),
                Type::Text | Type::Boolean => None,
            }),
            What::Not => self.unary("!", span, types, |of| match of {
                Type::Integer => Some(Step::Complement),
                Type::Boolean => Some(Step::Opposite),
                Type::Text => None,
            }),
            What::Shortcut { decided_by, .. } => {
                self.push(Step::Shortcut { decided_by, to: 0 }, span);
            }
            What::Binary(operator) => self.binary(operator, span, types),
            What::GetIp => {
                if let Some(found) = types.pop().flatten().filter(|found| *found != Type::Integer) {
                    let message = format!(
                        "the number of a getip is an integer, and this is {}",
                        found.name()
                    );
                    self.faults.push(Fault::error(
                        span,
                        message,
                        "getip 2 waits for the second address",
                    ));
                }
                self.value(Step::GetIp, span, Type::Text, types);
            }
        }
    }

    fn value(&mut self, step: Step, span: Span, of: Type, types: &mut Vec<Option<Type>>) {
        self.push(step, span);
        types.push(Some(of));
    }

    fn unary(
        &mut self,
        sign: &str,
        span: Span,
        types: &mut Vec<Option<Type>>,
        step: impl Fn(Type) -> Option<Step>,
    ) {
        let Some(of) = types.pop().flatten() else { return types.push(None) };
        match step(of) {
            Some(step) => self.value(step, span, of, types),
            None => {
                let message = format!("{sign} does not go with {}", of.name());
                let cure = "- is for integers, ! for booleans and integers";
                self.faults.push(Fault::error(span, message, cure));
                types.push(None);
            }
        }
    }

    fn binary(&mut self, operator: Binary, span: Span, types: &mut Vec<Option<Type>>) {
        let right = types.pop().flatten();
        let left = types.pop().flatten();
        let result = result(operator);
        let (Some(left), Some(right)) = (left, right) else {
            // What a comparison gives is known whatever is compared.
            return types.push(result);
        };
        match steps(operator, left, right) {
            Some(step) => {
                if let Some(step) = step {
                    self.push(step, span);
                }
                types.push(result.or(Some(left)));
            }
            None => {
                let sign = span.of(self.source).escape_ascii();
                let message =
                    format!("{sign} does not go with {} and {}", left.name(), right.name());
                self.faults.push(Fault::error(span, message, needs(operator)));
                types.push(result);
            }
        }
    }

    /// A backslash that protects nothing stays in the text, which is rarely what was meant.
    fn odd_escapes(&mut self, text: &[u8], span: Span) {
        for (at, byte) in sequences::odd_escapes(text) {
            let here = Span { start: span.start + 1 + at, end: span.start + 3 + at };
            let message = format!("\\{} is sent as these two characters", byte.escape_ascii());
            let cure = "CR is ^M or <cr>, LF is ^J or <lf>; a backslash itself is \\\\";
            self.faults.push(Fault::warning(here, message, cure));
        }
    }
}

/// What an operator yields, where that does not depend on its operands.
const fn result(operator: Binary) -> Option<Type> {
    match operator {
        Binary::Or
        | Binary::And
        | Binary::Equal
        | Binary::Unequal
        | Binary::Less
        | Binary::Greater
        | Binary::AtMost
        | Binary::AtLeast => Some(Type::Boolean),
        Binary::Subtract | Binary::Multiply | Binary::Divide => Some(Type::Integer),
        Binary::Add => None,
    }
}

/// The step of an operator between two types; `None` if it does not go with them, `Some(None)` if its shortcut has
/// done all of it.
fn steps(operator: Binary, left: Type, right: Type) -> Option<Option<Step>> {
    let integers = (left, right) == (Type::Integer, Type::Integer);
    let arithmetic = |kind| integers.then_some(Some(Step::Arithmetic(kind)));
    let relation = |kind| integers.then_some(Some(Step::Relation(kind)));
    match operator {
        Binary::Or | Binary::And => {
            ((left, right) == (Type::Boolean, Type::Boolean)).then_some(None)
        }
        Binary::Equal => (left == right).then_some(Some(Step::Same { wanted: true })),
        Binary::Unequal => (left == right).then_some(Some(Step::Same { wanted: false })),
        Binary::Less => relation(Relation::Less),
        Binary::Greater => relation(Relation::Greater),
        Binary::AtMost => relation(Relation::AtMost),
        Binary::AtLeast => relation(Relation::AtLeast),
        Binary::Add if (left, right) == (Type::Text, Type::Text) => Some(Some(Step::Join)),
        Binary::Add => arithmetic(Arithmetic::Add),
        Binary::Subtract => arithmetic(Arithmetic::Subtract),
        Binary::Multiply => arithmetic(Arithmetic::Multiply),
        Binary::Divide => arithmetic(Arithmetic::Divide),
    }
}

const fn needs(operator: Binary) -> &'static str {
    match operator {
        Binary::Or | Binary::And => "both sides are booleans",
        Binary::Equal | Binary::Unequal => "both sides have the same type",
        Binary::Less
        | Binary::Greater
        | Binary::AtMost
        | Binary::AtLeast
        | Binary::Subtract
        | Binary::Multiply
        | Binary::Divide => "both sides are integers",
        Binary::Add => "both sides are integers, or both strings",
    }
}
