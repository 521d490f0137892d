//! From tokens to statements.
//!
//! ```text
//!   script    = { proc }
//!   proc      = "proc" name { declaration } { statement } "endproc"
//!   statement = name "=" expr | name ":" | "transmit" expr ["," "raw"] | "delay" expr | "goto" name | "halt"
//!             | "waitfor" case {"," case} ["until" expr]      case = expr ["," "matchcase"] ["then" name]
//!             | "if" expr "then" {statement} "endif" | "while" expr "do" {statement} "endwhile"
//!             | "set" ( "ipaddr" expr | "port" ... | "screen" "keyboard" ("on" | "off") ) | getip
//! ```
//!
//! After a fault the parser goes on at the next line that can begin a statement, so that one run finds all of them.
//! Blocks are kept on a list, not on the stack: they nest as deep as a script is long. This file does not know names
//! or types.

mod expression;
mod statement;

use super::fault::{Fault, Faults, Span};
use super::lex::{Kind, Mark, Token, Word, tokens};
use super::syntax::{Act, Declaration, Procedure, Script, Statement, Type};

/// A fault was reported and the rest of the statement is to be passed over.
struct Passed;

type Parsed<T> = Result<T, Passed>;

/// Parses `source`.
pub(super) fn parse(source: &[u8], faults: &mut Faults) -> Script {
    let tokens = tokens(source, faults);
    Parser { source, tokens, at: 0, depth: 0, faults }.script()
}

struct Parser<'a> {
    source: &'a [u8],
    /// Never empty: the last one is [`Kind::End`].
    tokens: Vec<Token>,
    at: usize,
    /// How deep in parentheses and signs.
    depth: usize,
    faults: &'a mut Faults,
}

/// A block that has no end yet.
struct Open {
    /// The index of its opening statement.
    statement: usize,
    /// The index of its first token.
    token: usize,
    block: Block,
}

/// What opens and closes a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    If,
    While,
}

impl Block {
    /// Its first word, the word behind its condition, its last one.
    const fn words(self) -> [Word; 3] {
        match self {
            Self::If => [Word::If, Word::Then, Word::Endif],
            Self::While => [Word::While, Word::Do, Word::Endwhile],
        }
    }
}

impl Parser<'_> {
    fn script(mut self) -> Script {
        let mut script = Script::default();
        loop {
            match self.peek().kind {
                Kind::End => return script,
                Kind::Word(Word::Proc) => script.procedures.extend(self.procedure()),
                Kind::Word(_)
                | Kind::Name
                | Kind::Integer(_)
                | Kind::Text
                | Kind::System(_)
                | Kind::Mark(_) => {
                    let cure = "a script is procedures, each from its proc to its endproc: move it into one";
                    self.fault("this stands outside of every procedure", cure);
                    while !matches!(self.peek().kind, Kind::End | Kind::Word(Word::Proc)) {
                        self.take();
                    }
                }
            }
        }
    }

    fn procedure(&mut self) -> Option<Procedure> {
        let word = self.take().span;
        let name = match self.name("the procedure's name") {
            Ok(name) => Some(name),
            Err(Passed) => {
                self.recover();
                None
            }
        };
        let mut declarations = Vec::new();
        let mut body = Vec::new();
        let mut open: Vec<Open> = Vec::new();
        let end = loop {
            let before = self.at;
            let token = self.peek();
            let parsed = match token.kind {
                Kind::End | Kind::Word(Word::Proc) => {
                    self.unclosed(&open);
                    let message = "the procedure has no endproc";
                    self.faults.push(Fault::error(
                        word,
                        message,
                        "write endproc after its last statement",
                    ));
                    break token.span;
                }
                Kind::Word(Word::Endproc) => {
                    self.unclosed(&open);
                    break self.take().span;
                }
                Kind::Word(Word::Integer) => {
                    self.declaration(Type::Integer, &body, &mut declarations)
                }
                Kind::Word(Word::String) => self.declaration(Type::Text, &body, &mut declarations),
                Kind::Word(Word::Boolean) => {
                    self.declaration(Type::Boolean, &body, &mut declarations)
                }
                Kind::Word(_)
                | Kind::Name
                | Kind::Integer(_)
                | Kind::Text
                | Kind::System(_)
                | Kind::Mark(_) => self.statement(&mut body, &mut open),
            };
            if let Err(Passed) = parsed {
                if self.at == before {
                    self.take();
                }
                self.recover();
            }
        };
        Some(Procedure { name: name?, declarations, body, end })
    }

    fn declaration(
        &mut self,
        of: Type,
        body: &[Statement],
        to: &mut Vec<Declaration>,
    ) -> Parsed<()> {
        if !body.is_empty() {
            let cure = "move it up: all variables of a procedure come before its first statement";
            self.fault("a variable is declared after a statement", cure);
        }
        self.take();
        let name = self.name("the variable's name")?;
        let first_value = match self.accept(Mark::Assign) {
            true => Some(self.expression()?),
            false => None,
        };
        to.push(Declaration { of, name, first_value });
        Ok(())
    }

    /// Passes over the rest of a faulty statement.
    fn recover(&mut self) {
        self.depth = 0;
        loop {
            let token = self.peek();
            let begins = match token.kind {
                Kind::End => true,
                Kind::Name => token.first,
                Kind::Word(word) => match word {
                    Word::Proc | Word::Endproc => true,
                    Word::Boolean
                    | Word::Delay
                    | Word::Endif
                    | Word::Endwhile
                    | Word::Getip
                    | Word::Goto
                    | Word::Halt
                    | Word::If
                    | Word::Integer
                    | Word::Set
                    | Word::String
                    | Word::Transmit
                    | Word::Waitfor
                    | Word::While => token.first,
                    Word::And
                    | Word::Databits
                    | Word::Do
                    | Word::Even
                    | Word::False
                    | Word::Ipaddr
                    | Word::Keyboard
                    | Word::Mark
                    | Word::Matchcase
                    | Word::None
                    | Word::Odd
                    | Word::Off
                    | Word::On
                    | Word::Or
                    | Word::Parity
                    | Word::Port
                    | Word::Raw
                    | Word::Screen
                    | Word::Space
                    | Word::Stopbits
                    | Word::Then
                    | Word::True
                    | Word::Until => false,
                },
                Kind::Integer(_) | Kind::Text | Kind::System(_) | Kind::Mark(_) => false,
            };
            if begins {
                return;
            }
            self.take();
        }
    }

    fn peek(&self) -> Token {
        self.ahead(0)
    }

    fn ahead(&self, by: usize) -> Token {
        let end = Token { kind: Kind::End, span: Span::default(), first: true };
        self.tokens.get(self.at + by).or(self.tokens.last()).copied().unwrap_or(end)
    }

    fn take(&mut self) -> Token {
        let token = self.peek();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        token
    }

    /// The token that was taken last.
    fn last(&self) -> Span {
        self.tokens.get(self.at.saturating_sub(1)).map_or_else(Span::default, |token| token.span)
    }

    fn accept(&mut self, mark: Mark) -> bool {
        let here = self.peek().kind == Kind::Mark(mark);
        if here {
            self.take();
        }
        here
    }

    fn accept_word(&mut self, word: Word) -> bool {
        let here = self.peek().kind == Kind::Word(word);
        if here {
            self.take();
        }
        here
    }

    fn want_word(&mut self, word: Word, cure: &str) -> Parsed<()> {
        if self.accept_word(word) {
            return Ok(());
        }
        Err(self.expected(word.spelling(), cure))
    }

    fn name(&mut self, what: &str) -> Parsed<Span> {
        let token = self.peek();
        match token.kind {
            Kind::Name => Ok(self.take().span),
            // On the next line it is the next statement's.
            Kind::Word(word) if !token.first => {
                let message = format!("{} is a word of the language", word.spelling());
                Err(self.fault(
                    &message,
                    &format!("choose another name for {}", what.trim_start_matches("the ")),
                ))
            }
            Kind::Word(_)
            | Kind::Integer(_)
            | Kind::Text
            | Kind::System(_)
            | Kind::Mark(_)
            | Kind::End => {
                let cure = "a name is a letter or _, then letters, digits and _";
                Err(self.expected(what, cure))
            }
        }
    }

    /// A fault at the next token.
    fn fault(&mut self, message: &str, cure: &str) -> Passed {
        let span = self.peek().span;
        self.faults.push(Fault::error(span, message, cure));
        Passed
    }

    fn expected(&mut self, what: &str, cure: &str) -> Passed {
        let message = format!("{what} is missing before {}", self.shown());
        self.fault(&message, cure)
    }

    /// The next token as it is written.
    fn shown(&self) -> String {
        /// A long string says no more than its beginning.
        const LONGEST: usize = 24;
        let token = self.peek();
        let text = token.span.of(self.source);
        if token.kind == Kind::End {
            "the end of the file".to_owned()
        } else if text.len() > LONGEST {
            format!("{}...", text.get(..LONGEST).unwrap_or_default().escape_ascii())
        } else {
            String::from_utf8_lossy(text).into_owned()
        }
    }
}

impl Open {
    /// Tells the opening statement where its block ends.
    fn close(self, body: &mut [Statement], close: usize) {
        if let Some(opening) = body.get_mut(self.statement) {
            match &mut opening.act {
                Act::If { close: to, .. } | Act::While { close: to, .. } => *to = close,
                Act::Assign { .. }
                | Act::Label
                | Act::Transmit { .. }
                | Act::Waitfor { .. }
                | Act::Delay(_)
                | Act::Goto { .. }
                | Act::Halt
                | Act::EndIf
                | Act::EndWhile { .. }
                | Act::SetAddress(_)
                | Act::SetPort(_)
                | Act::SetKeyboard(_)
                | Act::GetIp(_) => {}
            }
        }
    }
}
