//! Entries and records on their way through the socket: the very bytes that the store has. The server does not take them
//! apart, and the client does so once.
//!
//! What is written here reads as the [`Response`](super::Response) of the same words, and the other way round.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::VERSION;

/// [`Answer::Event`](super::Answer::Event).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Event<'a> {
    dialback: u32,
    id: u64,
    answer: EventWord,
    #[serde(borrow)]
    pub(super) entry: &'a RawValue,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<Cow<'a, str>>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum EventWord {
    #[serde(rename = "event")]
    Event,
}

/// [`Answer::Changes`](super::Answer::Changes).
#[derive(Debug, Serialize)]
pub(super) struct Changes<'a> {
    dialback: u32,
    id: u64,
    answer: &'static str,
    changes: &'a RawValue,
}

/// [`Answer::Calls`](super::Answer::Calls).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Calls<'a> {
    dialback: u32,
    id: u64,
    answer: CallsWord,
    #[serde(borrow)]
    pub(super) calls: Vec<&'a RawValue>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum CallsWord {
    #[serde(rename = "calls")]
    Calls,
}

impl<'a> Event<'a> {
    /// To the request `id`.
    pub(super) fn new(id: u64, entry: &'a RawValue, line: Option<&'a str>) -> Self {
        let line = line.map(Cow::Borrowed);
        Self { dialback: VERSION, id, answer: EventWord::Event, entry, line }
    }
}

impl<'a> Changes<'a> {
    /// To the request `id`.
    pub(super) const fn new(id: u64, changes: &'a RawValue) -> Self {
        Self { dialback: VERSION, id, answer: "changes", changes }
    }
}

impl<'a> Calls<'a> {
    /// To the request `id`.
    pub(super) fn new(id: u64, calls: Vec<&'a RawValue>) -> Self {
        Self { dialback: VERSION, id, answer: CallsWord::Calls, calls }
    }
}

/// A stored text as it may go into a line of the protocol: JSON, all of it in one line.
pub(super) fn raw(text: &str) -> Result<&RawValue, String> {
    if text.contains('\n') {
        return Err("it is more than one line".to_owned());
    }
    serde_json::from_str(text).map_err(|e| e.to_string())
}

/// Puts an answer behind what is to be sent.
pub(super) fn put(to: &mut Vec<u8>, answer: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *to, answer)?;
    to.push(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use calls::vocabulary::{Entry, Event as Happened, Seq, Wall};

    use super::super::{Answer, Response};
    use super::*;

    #[test]
    fn what_is_passed_on_reads_as_the_answer_of_these_words() {
        let entry = Entry { seq: Seq(7), at: Wall::default(), event: Happened::ServerStopped };
        for line in [None, Some("main")] {
            let text = serde_json::to_string(&entry).unwrap();
            let mut passed = Vec::new();
            put(&mut passed, &Event::new(9, raw(&text).unwrap(), line)).unwrap();
            let answer =
                Answer::Event { entry: Box::new(entry.clone()), line: line.map(str::to_owned) };
            let mut whole = Vec::new();
            put(&mut whole, &Response { dialback: VERSION, id: 9, answer }).unwrap();
            assert_eq!(String::from_utf8(passed), String::from_utf8(whole));
        }
        let mut passed = Vec::new();
        put(&mut passed, &Calls::new(9, Vec::new())).unwrap();
        let response: Response = serde_json::from_slice(&passed).unwrap();
        assert!(matches!(response.answer, Answer::Calls { calls } if calls.is_empty()));
    }

    #[test]
    fn a_spoiled_text_does_not_get_into_the_protocol() {
        for text in ["", "{", "{}\n", "{},\"answer\":\"failed\"", "{\n}"] {
            assert!(raw(text).is_err(), "{text:?}");
        }
    }
}
