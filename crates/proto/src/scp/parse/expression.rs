//! Expressions: operators by how tightly they bind, operands, `getip` with its number.
//!
//! ```text
//!   or  <  and  <  == !=  <  < > <= >=  <  + -  <  * /  <  unary - and !        all from left to right
//! ```

use super::{Parsed, Parser};
use crate::scp::fault::Span;
use crate::scp::lex::{Kind, Mark, Token, Word};
use crate::scp::syntax::{Binary, Expression, Term, What};

/// The deepest nesting of parentheses and signs. A person's expression has three; each level costs stack, and a file
/// may be 64 KiB of parentheses.
const MAX_DEPTH: usize = 200;

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Parsed<Expression> {
        let start = self.peek().span;
        let mut terms = Vec::new();
        self.operators(0, &mut terms)?;
        Ok(Expression { terms, span: start.to(self.last()) })
    }

    /// Operands and operators that bind at least as tightly as `level`.
    fn operators(&mut self, level: u8, to: &mut Vec<Term>) -> Parsed<()> {
        self.unary(to)?;
        while let Some(operator) = binary(self.peek()).filter(|found| found.level() >= level) {
            let span = self.take().span;
            let shortcut = to.len();
            let decided_by = match operator {
                Binary::Or => Some(true),
                Binary::And => Some(false),
                Binary::Equal
                | Binary::Unequal
                | Binary::Less
                | Binary::Greater
                | Binary::AtMost
                | Binary::AtLeast
                | Binary::Add
                | Binary::Subtract
                | Binary::Multiply
                | Binary::Divide => None,
            };
            if let Some(decided_by) = decided_by {
                to.push(Term { what: What::Shortcut { decided_by, over: 0 }, span });
            }
            self.operators(operator.level() + 1, to)?;
            let after = to.len();
            if let Some(Term { what: What::Shortcut { over, .. }, .. }) =
                to.get_mut(shortcut).filter(|_| decided_by.is_some())
            {
                *over = after;
            }
            to.push(Term { what: What::Binary(operator), span });
        }
        Ok(())
    }

    fn unary(&mut self, to: &mut Vec<Term>) -> Parsed<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message =
                format!("more than {MAX_DEPTH} parentheses or signs inside of each other");
            return Err(self.fault(&message, "compute parts of it in variables first"));
        }
        let token = self.peek();
        let sign = match token.kind {
            Kind::Mark(Mark::Minus) => Some(What::Negate),
            Kind::Mark(Mark::Not) => Some(What::Not),
            Kind::Mark(_)
            | Kind::Word(_)
            | Kind::Name
            | Kind::Integer(_)
            | Kind::Text
            | Kind::System(_)
            | Kind::End => None,
        };
        match sign {
            Some(what) => {
                self.take();
                self.unary(to)?;
                to.push(Term { what, span: token.span });
            }
            None => self.operand(token, to)?,
        }
        self.depth -= 1;
        Ok(())
    }

    fn operand(&mut self, token: Token, to: &mut Vec<Term>) -> Parsed<()> {
        let what = match token.kind {
            Kind::Integer(value) => What::Integer(value),
            Kind::Text => What::Text,
            Kind::Name => What::Name,
            Kind::System(system) => What::System(system),
            Kind::Word(Word::True) => What::Boolean(true),
            Kind::Word(Word::False) => What::Boolean(false),
            Kind::Word(Word::Getip) => {
                self.take();
                return self.getip(token.span, to);
            }
            Kind::Mark(Mark::Open) => {
                self.take();
                self.operators(0, to)?;
                if !self.accept(Mark::Close) {
                    return Err(self.expected(")", "close the parenthesis"));
                }
                return Ok(());
            }
            Kind::Word(_) | Kind::Mark(_) | Kind::End => {
                return Err(
                    self.expected("a value", "write a number, a string, a variable or TRUE")
                );
            }
        };
        self.take();
        to.push(Term { what, span: token.span });
        Ok(())
    }

    /// `getip` whose word has just been taken. Its number is optional and stands on the same line: what follows on
    /// the next one is a statement.
    pub(super) fn getip(&mut self, word: Span, to: &mut Vec<Term>) -> Parsed<()> {
        let next = self.peek();
        let numbered = match next.kind {
            Kind::Integer(_) | Kind::Name | Kind::Mark(Mark::Open | Mark::Minus | Mark::Not) => {
                !next.first
            }
            Kind::Text | Kind::System(_) | Kind::Word(_) | Kind::Mark(_) | Kind::End => false,
        };
        if numbered {
            self.unary(to)?;
        } else {
            to.push(Term { what: What::Integer(1), span: word });
        }
        to.push(Term { what: What::GetIp, span: word });
        Ok(())
    }
}

/// The operator that a token is.
fn binary(token: Token) -> Option<Binary> {
    Some(match token.kind {
        Kind::Word(Word::Or) => Binary::Or,
        Kind::Word(Word::And) => Binary::And,
        Kind::Mark(mark) => match mark {
            Mark::Equal => Binary::Equal,
            Mark::Unequal => Binary::Unequal,
            Mark::Less => Binary::Less,
            Mark::Greater => Binary::Greater,
            Mark::AtMost => Binary::AtMost,
            Mark::AtLeast => Binary::AtLeast,
            Mark::Plus => Binary::Add,
            Mark::Minus => Binary::Subtract,
            Mark::Times => Binary::Multiply,
            Mark::Over => Binary::Divide,
            Mark::Assign | Mark::Not | Mark::Open | Mark::Close | Mark::Comma | Mark::Colon => {
                return None;
            }
        },
        Kind::Word(_)
        | Kind::Name
        | Kind::Integer(_)
        | Kind::Text
        | Kind::System(_)
        | Kind::End => {
            return None;
        }
    })
}
