//! A script as the parser hands it on: procedures, statements, expressions.
//!
//! Statements lie flat, one after another, and the words that open and close a block are statements of their own:
//! `goto` may enter and leave any block, so a script is no tree, and nesting costs no stack. Expressions lie flat
//! too, in the order in which they are computed (operands before their operator).
//!
//! This file does not know whether names are declared or types fit.

use super::fault::Span;
use super::lex::System;

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Integer,
    Text,
    Boolean,
}

impl Type {
    /// With its article, for sentences.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Integer => "an integer",
            Self::Text => "a string",
            Self::Boolean => "a boolean",
        }
    }
}

/// A whole script.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) procedures: Vec<Procedure>,
}

/// One procedure.
#[derive(Debug)]
pub(super) struct Procedure {
    pub(super) name: Span,
    pub(super) declarations: Vec<Declaration>,
    pub(super) body: Vec<Statement>,
    /// Its `endproc`.
    pub(super) end: Span,
}

/// A variable with its type and first value.
#[derive(Debug)]
pub(super) struct Declaration {
    pub(super) of: Type,
    pub(super) name: Span,
    pub(super) first_value: Option<Expression>,
}

/// One step of a procedure.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) act: Act,
    /// Its first word.
    pub(super) word: Span,
    /// The whole.
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) enum Act {
    Assign {
        value: Expression,
    },
    /// `name:`; the name is the statement's first word.
    Label,
    Transmit {
        text: Expression,
        raw: bool,
    },
    Waitfor {
        cases: Vec<Case>,
        until: Option<Expression>,
    },
    Delay(Expression),
    Goto {
        label: Span,
    },
    Halt,
    /// `close` is the index of its `endif`.
    If {
        condition: Expression,
        close: usize,
    },
    EndIf,
    /// `close` is the index of its `endwhile`.
    While {
        condition: Expression,
        close: usize,
    },
    /// `open` is the index of its `while`.
    EndWhile {
        open: usize,
    },
    SetAddress(Expression),
    SetPort(PortSetting),
    SetKeyboard(bool),
    /// `getip` as a statement: it only waits.
    GetIp(Expression),
}

/// One of the strings of a `waitfor`.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) text: Expression,
    pub(super) matchcase: bool,
    pub(super) label: Option<Span>,
}

/// One setting of the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortSetting {
    /// Bits a character: 5 to 8.
    DataBits(u8),
    /// 1 or 2.
    StopBits(u8),
    /// The parity bit.
    Parity(Parity),
}

/// What the parity bit holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// There is no such bit.
    None,
    /// It makes the number of ones odd.
    Odd,
    /// It makes the number of ones even.
    Even,
    /// Always one.
    Mark,
    /// Always zero.
    Space,
}

impl Parity {
    /// The word of the language.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Odd => "odd",
            Self::Even => "even",
            Self::Mark => "mark",
            Self::Space => "space",
        }
    }
}

/// Values and operators in the order of computing.
#[derive(Debug)]
pub(super) struct Expression {
    pub(super) terms: Vec<Term>,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) struct Term {
    pub(super) what: What,
    pub(super) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Integer(i32),
    /// A string; the term's span includes the quotes.
    Text,
    Boolean(bool),
    Name,
    System(System),
    Negate,
    Not,
    Binary(Binary),
    /// Stands between the operands of `and` and `or`: if the left one decides, go to the term `over`.
    Shortcut {
        decided_by: bool,
        over: usize,
    },
    /// Replaces the integer before it by the address.
    GetIp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    Greater,
    AtMost,
    AtLeast,
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Binary {
    /// How tightly it binds; higher is tighter.
    pub(super) const fn level(self) -> u8 {
        match self {
            Self::Or => 0,
            Self::And => 1,
            Self::Equal | Self::Unequal => 2,
            Self::Less | Self::Greater | Self::AtMost | Self::AtLeast => 3,
            Self::Add | Self::Subtract => 4,
            Self::Multiply | Self::Divide => 5,
        }
    }
}

impl Expression {
    /// The text as written, where the expression is one string and nothing else.
    pub(super) fn literal<'a>(&self, source: &'a [u8]) -> Option<&'a [u8]> {
        match self.terms.as_slice() {
            [Term { what: What::Text, span }] => Some(unquoted(span.of(source))),
            _ => None,
        }
    }
}

/// A string without its quotes; the closing one is missing where that was a fault.
pub(super) fn unquoted(text: &[u8]) -> &[u8] {
    let inner = text.strip_prefix(b"\"").unwrap_or(text);
    inner.strip_suffix(b"\"").unwrap_or(inner)
}
