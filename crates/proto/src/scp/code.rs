//! A script ready to run: a flat list of small steps for a machine with a stack of values.
//!
//! Flat, because `goto` may enter any block; with a stack, because `getip` may stand anywhere in an expression and
//! waits for the line there. This file does not know how a step is carried out.

use super::fault::{Lines, Span};
use super::lex::System;
use super::syntax::{PortSetting, Type};

/// A checked script. Running it is [`Engine`](super::Engine)'s business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub(super) steps: Vec<Step>,
    /// Where each step comes from.
    pub(super) spans: Vec<Span>,
    /// The strings as written, without quotes.
    pub(super) texts: Vec<Vec<u8>>,
    pub(super) waits: Vec<Wait>,
    /// The types of the variables.
    pub(super) variables: Vec<Type>,
    pub(super) lines: Lines,
}

impl Program {
    /// The line of a step, from 1.
    pub(super) fn line(&self, step: usize) -> usize {
        self.spans.get(step).map_or(1, |span| self.lines.line(span.start))
    }

    /// Where a step comes from.
    pub(super) fn span(&self, step: usize) -> Span {
        self.spans.get(step).copied().unwrap_or_default()
    }

    /// How many steps there are.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps.len()
    }
}

/// The strings of a `waitfor`; their texts are on the stack, the first one deepest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    pub(super) cases: Vec<WaitCase>,
    /// Whether the number of seconds lies on top.
    pub(super) until: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WaitCase {
    pub(super) matchcase: bool,
    /// Where to go on; `None` is the next step.
    pub(super) then: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    // Values: each puts one on the stack.
    Integer(i32),
    Text(usize),
    Boolean(bool),
    Load(usize),
    System(System),

    // Operators: each takes its operands off and puts the result on.
    Negate,
    Complement,
    Opposite,
    Arithmetic(Arithmetic),
    Join,
    Relation(Relation),
    Same {
        wanted: bool,
    },
    /// If the boolean on top is this one, it is the result: jump. Else take it off.
    Shortcut {
        decided_by: bool,
        to: usize,
    },
    /// Waits for an address.
    GetIp,

    // Statements: each takes off what it needs.
    Store(usize),
    Drop,
    Transmit {
        raw: bool,
    },
    Wait(usize),
    Delay,
    Jump(usize),
    JumpUnless(usize),
    Halt,
    SetAddress,
    SetPort(PortSetting),
    SetKeyboard(bool),
    /// `endproc`.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Less,
    Greater,
    AtMost,
    AtLeast,
}
