//! Statements, one function for each kind that has parts.

use super::{Block, Open, Parsed, Parser};
use crate::scp::fault::{Fault, Span};
use crate::scp::lex::{Kind, Mark, Word, nearest_word};
use crate::scp::syntax::{Act, Case, Expression, Parity, PortSetting, Statement};

impl Parser<'_> {
    /// One statement, put at the end of `body`.
    pub(super) fn statement(
        &mut self,
        body: &mut Vec<Statement>,
        open: &mut Vec<Open>,
    ) -> Parsed<()> {
        let token = self.peek();
        let act = match token.kind {
            Kind::Name => self.name_first()?,
            Kind::Word(word) => match word {
                Word::Transmit => self.transmit()?,
                Word::Waitfor => self.waitfor()?,
                Word::Delay => {
                    self.take();
                    Act::Delay(self.expression()?)
                }
                Word::Goto => {
                    self.take();
                    Act::Goto { label: self.name("the label")? }
                }
                Word::Halt => {
                    self.take();
                    Act::Halt
                }
                Word::If => self.open(Block::If, body, open)?,
                Word::While => self.open(Block::While, body, open)?,
                Word::Endif => self.close(Block::If, body, open)?,
                Word::Endwhile => self.close(Block::While, body, open)?,
                Word::Set => self.set()?,
                Word::Getip => {
                    self.take();
                    let mut terms = Vec::new();
                    self.getip(token.span, &mut terms)?;
                    Act::GetIp(Expression { terms, span: token.span.to(self.last()) })
                }
                Word::And
                | Word::Boolean
                | Word::Databits
                | Word::Do
                | Word::Endproc
                | Word::Even
                | Word::False
                | Word::Integer
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
                | Word::Proc
                | Word::Raw
                | Word::Screen
                | Word::Space
                | Word::Stopbits
                | Word::String
                | Word::Then
                | Word::True
                | Word::Until => {
                    let message = format!("{} begins no statement", word.spelling());
                    return Err(self.fault(&message, "is something missing before it?"));
                }
            },
            Kind::System(_) => {
                return Err(
                    self.fault("the values with $ cannot be changed", "use a variable of your own")
                );
            }
            Kind::Integer(_) | Kind::Text | Kind::Mark(_) | Kind::End => {
                let message = format!("{} begins no statement", self.shown());
                return Err(self.fault(&message, "is something missing before it?"));
            }
        };
        let span = token.span.to(self.last());
        body.push(Statement { act, word: token.span, span });
        Ok(())
    }

    /// `name:` or `name = value`.
    fn name_first(&mut self) -> Parsed<Act> {
        self.take();
        if self.accept(Mark::Colon) {
            return Ok(Act::Label);
        }
        if !self.accept(Mark::Assign) {
            let name = self.last().of(self.source);
            let message = format!("{} is no command", String::from_utf8_lossy(name));
            let cure = match nearest_word(name) {
                Some(word) => format!("is {word} meant?"),
                None => {
                    "a label is followed by a colon, a variable that gets a value by =".to_owned()
                }
            };
            self.faults.push(Fault::error(self.last(), message, cure));
            return Err(super::Passed);
        }
        Ok(Act::Assign { value: self.expression()? })
    }

    fn transmit(&mut self) -> Parsed<Act> {
        self.take();
        let text = self.expression()?;
        let raw = self.accept(Mark::Comma);
        if raw {
            self.want_word(
                Word::Raw,
                "after the comma of a transmit comes raw; several texts are joined by +",
            )?;
        }
        Ok(Act::Transmit { text, raw })
    }

    fn waitfor(&mut self) -> Parsed<Act> {
        const SEVERAL: &str =
            "with several strings each needs then and a label, or nobody knows which one came";
        self.take();
        let mut cases: Vec<Case> = Vec::new();
        let mut without_label = None;
        loop {
            let text = self.expression()?;
            let matchcase = self.peek().kind == Kind::Mark(Mark::Comma)
                && self.ahead(1).kind == Kind::Word(Word::Matchcase);
            if matchcase {
                self.take();
                self.take();
            }
            let label = match self.accept_word(Word::Then) {
                true => Some(self.name("the label")?),
                false => None,
            };
            if label.is_none() {
                without_label = without_label.or(Some(text.span));
            }
            cases.push(Case { text, matchcase, label });
            if !self.accept(Mark::Comma) {
                break;
            }
        }
        if let Some(span) = without_label.filter(|_| cases.len() > 1) {
            self.faults.push(Fault::error(span, "this string has no then", SEVERAL));
        }
        let until = match self.accept_word(Word::Until) {
            true => Some(self.expression()?),
            false => None,
        };
        Ok(Act::Waitfor { cases, until })
    }

    /// `if` or `while`, its condition, and `then` or `do`.
    fn open(
        &mut self,
        block: Block,
        body: &mut Vec<Statement>,
        open: &mut Vec<Open>,
    ) -> Parsed<Act> {
        open.push(Open { statement: body.len(), token: self.at, block });
        let [first, follows, _] = block.words();
        let start = self.take().span;
        let condition = self.expression().and_then(|condition| {
            let cure = format!("write: {} condition {}", first.spelling(), follows.spelling());
            self.want_word(follows, &cure)?;
            Ok(condition)
        });
        let close = usize::MAX;
        let act = |condition| match block {
            Block::If => Act::If { condition, close },
            Block::While => Act::While { condition, close },
        };
        match condition {
            Ok(condition) => Ok(act(condition)),
            Err(passed) => {
                // The block begins all the same, or its end would look like one too many.
                let nothing = Expression { terms: Vec::new(), span: start };
                body.push(Statement { act: act(nothing), word: start, span: start });
                Err(passed)
            }
        }
    }

    /// `endif` or `endwhile`.
    fn close(&mut self, block: Block, body: &mut [Statement], open: &mut Vec<Open>) -> Parsed<Act> {
        // A block inside that was forgotten to be closed is told; the one that is meant is closed all the same.
        let Some(found) = open.iter().rposition(|open| open.block == block) else {
            let [first, ..] = block.words();
            let message = format!("there is no {} that this could end", first.spelling());
            return Err(self.fault(&message, "take it out, or write the missing beginning"));
        };
        self.take();
        let inside = open.split_off(found + 1);
        self.unclosed(&inside);
        let Some(closed) = open.pop() else { return Err(super::Passed) };
        let opening = closed.statement;
        closed.close(body, body.len());
        Ok(match block {
            Block::If => Act::EndIf,
            Block::While => Act::EndWhile { open: opening },
        })
    }

    /// Says of each of these blocks that it has no end.
    pub(super) fn unclosed(&mut self, open: &[Open]) {
        for block in open {
            let [first, _, last] = block.block.words();
            let (first, last) = (first.spelling(), last.spelling());
            let span = self.tokens.get(block.token).map_or_else(Span::default, |token| token.span);
            let message = format!("this {first} has no {last}");
            let cure = format!("write {last} where the block ends");
            self.faults.push(Fault::error(span, message, cure));
        }
    }

    fn set(&mut self) -> Parsed<Act> {
        self.take();
        if self.accept_word(Word::Ipaddr) {
            return Ok(Act::SetAddress(self.expression()?));
        }
        if self.accept_word(Word::Port) {
            return Ok(Act::SetPort(self.port()?));
        }
        if self.accept_word(Word::Screen) {
            self.want_word(Word::Keyboard, "write: set screen keyboard on, or off")?;
            return match (self.accept_word(Word::On), self.accept_word(Word::Off)) {
                (true, _) => Ok(Act::SetKeyboard(true)),
                (false, true) => Ok(Act::SetKeyboard(false)),
                (false, false) => {
                    Err(self.expected("on or off", "write: set screen keyboard on, or off"))
                }
            };
        }
        let cure =
            "a script sets ipaddr, port databits, port stopbits, port parity and screen keyboard";
        let message = format!("there is no set {}", self.shown());
        Err(self.fault(&message, cure))
    }

    fn port(&mut self) -> Parsed<PortSetting> {
        if self.accept_word(Word::Databits) {
            let bits = |kind| match kind {
                Kind::Integer(bits @ 5..=8) => u8::try_from(bits).ok().map(PortSetting::DataBits),
                Kind::Word(_)
                | Kind::Name
                | Kind::Integer(_)
                | Kind::Text
                | Kind::System(_)
                | Kind::Mark(_)
                | Kind::End => None,
            };
            return self.port_value(bits, "databits", "it is 5, 6, 7 or 8");
        }
        if self.accept_word(Word::Stopbits) {
            let bits = |kind| match kind {
                Kind::Integer(bits @ 1..=2) => u8::try_from(bits).ok().map(PortSetting::StopBits),
                Kind::Word(_)
                | Kind::Name
                | Kind::Integer(_)
                | Kind::Text
                | Kind::System(_)
                | Kind::Mark(_)
                | Kind::End => None,
            };
            return self.port_value(bits, "stopbits", "it is 1 or 2");
        }
        if self.accept_word(Word::Parity) {
            let parity = |kind| match kind {
                Kind::Word(word) => parity(word).map(PortSetting::Parity),
                Kind::Name
                | Kind::Integer(_)
                | Kind::Text
                | Kind::System(_)
                | Kind::Mark(_)
                | Kind::End => None,
            };
            return self.port_value(parity, "parity", "it is none, odd, even, mark or space");
        }
        let message = format!("there is no set port {}", self.shown());
        Err(self.fault(&message, "a script sets databits, stopbits and parity of the port"))
    }

    fn port_value(
        &mut self,
        setting: impl Fn(Kind) -> Option<PortSetting>,
        what: &str,
        cure: &str,
    ) -> Parsed<PortSetting> {
        match setting(self.peek().kind) {
            Some(setting) => {
                self.take();
                Ok(setting)
            }
            None => {
                let message = format!("{what} cannot be {}", self.shown());
                Err(self.fault(&message, cure))
            }
        }
    }
}

fn parity(word: Word) -> Option<Parity> {
    [Parity::None, Parity::Odd, Parity::Even, Parity::Mark, Parity::Space]
        .into_iter()
        .find(|parity| parity.word() == word.spelling())
}
