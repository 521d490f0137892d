//! The steps of a program, one function for each that does more than move a value.
//!
//! The compiler has checked the types, so a value of the wrong kind on the stack is its mistake, not the script's; the
//! script ends with a fault then, and nothing panics.

use std::time::Duration;

use zeroize::Zeroizing;

use super::address::{AddressReader, is_address};
use super::search::{Begun, Search};
use super::{
    Act, BYTES_A_STEP, Engine, MAX_TEXT, MAX_UNSENT, Outcome, RunFault, State, TURN, Value,
};
use crate::scp::code::{Arithmetic, Relation, Step};
use crate::scp::lex::System;
use crate::scp::sequences::interpret;
use crate::scp::syntax::PortSetting;
use crate::time::Instant;

type Stepped = Result<(), RunFault>;

impl Engine {
    /// Makes steps until one waits, the script ends, or the turn is over.
    pub(super) fn run(&mut self, now: Instant) {
        let mut budget = TURN;
        while let State::Running = self.state {
            if budget == 0 || self.unsent >= MAX_UNSENT {
                return;
            }
            let step = self.program.steps.get(self.next).copied();
            self.next += 1;
            let made = match step {
                Some(step) => self.step(step, now, &mut budget),
                None => Err(broken()),
            };
            budget = budget.saturating_sub(1);
            if let Err(fault) = made {
                self.end(Outcome::Failed(fault));
            }
        }
    }

    fn step(&mut self, step: Step, now: Instant, budget: &mut usize) -> Stepped {
        match step {
            Step::Integer(value) => self.stack.push(Value::Integer(value)),
            Step::Boolean(value) => self.stack.push(Value::Boolean(value)),
            Step::Text(text) => {
                let text = self.program.texts.get(text).ok_or_else(broken)?.clone();
                self.push_text(Zeroizing::new(text), budget);
            }
            Step::Load(slot) => {
                let value = self.variables.get(slot).ok_or_else(broken)?.clone();
                if let Value::Text(text) = &value {
                    *budget = budget.saturating_sub(text.len() / BYTES_A_STEP);
                }
                self.stack.push(value);
            }
            Step::System(system) => self.system(system, budget),
            Step::Negate => {
                let value = self.integer()?;
                self.push_integer(value.checked_neg())?;
            }
            Step::Complement => {
                let value = self.integer()?;
                self.stack.push(Value::Integer(!value));
            }
            Step::Opposite => {
                let value = self.boolean()?;
                self.stack.push(Value::Boolean(!value));
            }
            Step::Arithmetic(operator) => self.arithmetic(operator)?,
            Step::Relation(relation) => {
                let (right, left) = (self.integer()?, self.integer()?);
                self.stack.push(Value::Boolean(match relation {
                    Relation::Less => left < right,
                    Relation::Greater => left > right,
                    Relation::AtMost => left <= right,
                    Relation::AtLeast => left >= right,
                }));
            }
            Step::Join => self.join(budget)?,
            Step::Same { wanted } => self.same(wanted)?,
            Step::Shortcut { decided_by, to } => {
                let value = self.boolean()?;
                if value == decided_by {
                    self.stack.push(Value::Boolean(value));
                    self.next = to;
                }
            }
            Step::GetIp => self.get_ip()?,
            Step::Store(slot) => {
                let value = self.stack.pop().ok_or_else(broken)?;
                *self.variables.get_mut(slot).ok_or_else(broken)? = value;
            }
            Step::Drop => drop(self.stack.pop()),
            Step::Transmit { raw } => self.transmit(raw, budget)?,
            Step::Wait(wait) => self.wait(wait, now)?,
            Step::Delay => {
                let seconds = self.integer()?;
                self.state = State::Delaying { until: now + seconds_of(seconds) };
            }
            Step::Jump(to) => self.next = to,
            Step::JumpUnless(to) => {
                if !self.boolean()? {
                    self.next = to;
                }
            }
            Step::Halt => self.end(Outcome::Halted),
            Step::SetAddress => self.set_address()?,
            Step::SetPort(setting) => {
                if let PortSetting::DataBits(bits) = setting {
                    self.seven_bits = bits < 8;
                }
                self.say(Act::SetPort(setting));
            }
            Step::SetKeyboard(on) => self.say(Act::SetKeyboard(on)),
            Step::End => self.end(Outcome::Ppp),
        }
        Ok(())
    }

    fn system(&mut self, system: System, budget: &mut usize) {
        match system {
            System::UserId => self.push_text(self.login.user_id.clone(), budget),
            System::Password => self.push_text(self.login.password.clone(), budget),
            System::Success => self.stack.push(Value::Boolean(self.success)),
            System::Failure => self.stack.push(Value::Boolean(!self.success)),
        }
    }

    fn arithmetic(&mut self, operator: Arithmetic) -> Stepped {
        let (right, left) = (self.integer()?, self.integer()?);
        let value = match operator {
            Arithmetic::Add => left.checked_add(right),
            Arithmetic::Subtract => left.checked_sub(right),
            Arithmetic::Multiply => left.checked_mul(right),
            Arithmetic::Divide if right == 0 => {
                return Err(RunFault {
                    message: format!("{left} is divided by zero"),
                    cure: "test the divisor before",
                });
            }
            Arithmetic::Divide => left.checked_div(right),
        };
        self.push_integer(value)
    }

    fn join(&mut self, budget: &mut usize) -> Stepped {
        let (right, mut left) = (self.text()?, self.text()?);
        if left.len() + right.len() > MAX_TEXT {
            return Err(RunFault {
                message: format!("a string becomes longer than {MAX_TEXT} bytes"),
                cure: "does a loop add to it without end?",
            });
        }
        // Growing in place would leave the old bytes behind unwiped.
        let mut both = Zeroizing::new(Vec::with_capacity(left.len() + right.len()));
        both.append(&mut left);
        both.extend_from_slice(&right);
        self.push_text(both, budget);
        Ok(())
    }

    fn same(&mut self, wanted: bool) -> Stepped {
        let same = match (self.stack.pop(), self.stack.pop()) {
            (Some(Value::Integer(right)), Some(Value::Integer(left))) => left == right,
            (Some(Value::Boolean(right)), Some(Value::Boolean(left))) => left == right,
            (Some(Value::Text(right)), Some(Value::Text(left))) => left == right,
            (_, _) => return Err(broken()),
        };
        self.stack.push(Value::Boolean(same == wanted));
        Ok(())
    }

    fn transmit(&mut self, raw: bool, budget: &mut usize) -> Stepped {
        let text = self.text()?;
        *budget = budget.saturating_sub(text.len() / BYTES_A_STEP);
        let bytes = if raw { text } else { Zeroizing::new(interpret(&text)) };
        if !bytes.is_empty() {
            self.say(Act::Send(bytes));
        }
        Ok(())
    }

    fn wait(&mut self, wait: usize, now: Instant) -> Stepped {
        let plan = self.program.waits.get(wait).ok_or_else(broken)?;
        let (timed, matchcase) =
            (plan.until, plan.cases.iter().map(|case| case.matchcase).collect::<Vec<_>>());
        let until = if timed { Some(seconds_of(self.integer()?)) } else { None };
        let first = self.stack.len().checked_sub(matchcase.len()).ok_or_else(broken)?;
        let mut texts = Vec::with_capacity(matchcase.len());
        for value in self.stack.drain(first..) {
            match value {
                Value::Text(text) => texts.push(interpret(&text)),
                Value::Integer(_) | Value::Boolean(_) => return Err(broken()),
            }
        }
        let begun = Search::begin(texts.iter().map(Vec::as_slice).zip(matchcase))?;
        self.say(Act::WaitsFor { texts, until });
        match begun {
            Begun::AtOnce(case) => self.found(case),
            Begun::Search(mut search) => match search.look(&self.unread, 0, self.seven_bits) {
                Some((case, end)) => {
                    self.unread.drain(..end);
                    self.found(case);
                }
                None => {
                    self.state = State::Waiting { search, until: until.map(|until| now + until) }
                }
            },
        }
        Ok(())
    }

    /// Where the wait that is going on continues when its string `case` is found.
    pub(super) fn goal_of(&self, case: usize) -> Option<usize> {
        match self.program.steps.get(self.next.saturating_sub(1)) {
            Some(Step::Wait(wait)) => self.program.waits.get(*wait)?.cases.get(case)?.then,
            Some(_) | None => None,
        }
    }

    fn get_ip(&mut self) -> Stepped {
        let number = self.integer()?;
        if number < 1 {
            return Err(RunFault {
                message: format!("there is no address number {number}"),
                cure: "the first one is getip 1, or getip alone",
            });
        }
        let mut reader = AddressReader::new(number);
        match reader.read(&mut self.unread, self.seven_bits) {
            Some(address) => self.read(address),
            None => self.state = State::Reading(reader),
        }
        Ok(())
    }

    /// A `getip` has its address.
    pub(super) fn read(&mut self, address: String) {
        self.say(Act::Read(address.clone()));
        self.stack.push(Value::Text(Zeroizing::new(address.into_bytes())));
        self.success = true;
    }

    fn set_address(&mut self) -> Stepped {
        let text = self.text()?;
        match std::str::from_utf8(&text) {
            Ok(address) if is_address(&text) => {
                self.say(Act::SetAddress(address.to_owned()));
                Ok(())
            }
            Ok(_) | Err(_) => Err(RunFault {
                // It may come from the peer: not more of it than an address is long, and no control characters.
                message: format!(
                    "{} is no IP address",
                    text.get(..text.len().min(20)).unwrap_or_default().escape_ascii()
                ),
                cure: "an address is four numbers up to 255 with dots between them",
            }),
        }
    }

    fn push_text(&mut self, text: Zeroizing<Vec<u8>>, budget: &mut usize) {
        *budget = budget.saturating_sub(text.len() / BYTES_A_STEP);
        self.stack.push(Value::Text(text));
    }

    fn push_integer(&mut self, value: Option<i32>) -> Stepped {
        let value = value.ok_or_else(|| RunFault {
            message: "the result is too large for an integer".to_owned(),
            cure: "integers go from -2147483648 to 2147483647",
        })?;
        self.stack.push(Value::Integer(value));
        Ok(())
    }

    fn integer(&mut self) -> Result<i32, RunFault> {
        match self.stack.pop() {
            Some(Value::Integer(value)) => Ok(value),
            Some(Value::Boolean(_) | Value::Text(_)) | None => Err(broken()),
        }
    }

    fn boolean(&mut self) -> Result<bool, RunFault> {
        match self.stack.pop() {
            Some(Value::Boolean(value)) => Ok(value),
            Some(Value::Integer(_) | Value::Text(_)) | None => Err(broken()),
        }
    }

    fn text(&mut self) -> Result<Zeroizing<Vec<u8>>, RunFault> {
        match self.stack.pop() {
            Some(Value::Text(text)) => Ok(text),
            Some(Value::Integer(_) | Value::Boolean(_)) | None => Err(broken()),
        }
    }
}

/// Negative times are none.
fn seconds_of(seconds: i32) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

/// Cannot happen in a program that the compiler made.
fn broken() -> RunFault {
    RunFault {
        message: "the compiled script is broken".to_owned(),
        cure: "this is a fault of dialback: report it with the script",
    }
}
