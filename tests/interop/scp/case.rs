//! A case of the suite: a script, what the other side does, and what has to come of it.

use serde_json::Value;

/// Why a case expects what it expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    /// Microsoft's manual of 1995 says so.
    Manual,
    /// It follows from what the manual says.
    Follows,
    /// Scripts in the field rely on it.
    Field,
    /// The manual leaves it open; dialback decided.
    Decision,
}

/// What the other side does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Peer {
    /// It sends this.
    Says(&'static str),
    /// It waits until the script has sent this.
    Hears(&'static str),
    /// It waits that many milliseconds.
    Pauses(u64),
    /// It is gone.
    HangsUp,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Ppp,
    Halt,
    HangUp,
    /// The overall limit; the program is given one of a second for it.
    Limit,
    /// A fault found on this line before anything is sent.
    Refused(u64),
    /// A fault that came up on this line.
    Failed(u64),
}

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) basis: Basis,
    pub(crate) script: Vec<u8>,
    pub(crate) user_id: &'static str,
    pub(crate) password: &'static str,
    pub(crate) peer: Vec<Peer>,
    pub(crate) sends: &'static str,
    pub(crate) end: End,
    /// Fields of the JSON line.
    pub(crate) reports: Vec<(&'static str, Value)>,
    /// How long it takes at least and at most, in milliseconds.
    pub(crate) takes: (u64, u64),
}

/// A case whose script is the body of `proc main`, from line 2 on.
pub(crate) fn case(name: &'static str, basis: Basis, body: &str) -> Case {
    whole(name, basis, &format!("proc main\n{body}\nendproc\n"))
}

/// A case with a whole script.
pub(crate) fn whole(name: &'static str, basis: Basis, script: &str) -> Case {
    Case {
        name,
        basis,
        script: script.as_bytes().to_vec(),
        user_id: "mary",
        password: "secret",
        peer: Vec::new(),
        sends: "",
        end: End::Ppp,
        reports: Vec::new(),
        takes: (0, 20_000),
    }
}

impl Case {
    pub(crate) fn login(mut self, user_id: &'static str, password: &'static str) -> Self {
        (self.user_id, self.password) = (user_id, password);
        self
    }

    pub(crate) fn peer(mut self, peer: impl Into<Vec<Peer>>) -> Self {
        self.peer = peer.into();
        self
    }

    pub(crate) fn hears(self, text: &'static str) -> Self {
        self.peer([Peer::Says(text)])
    }

    /// What the script sends, byte for character.
    pub(crate) fn sends(mut self, text: &'static str) -> Self {
        self.sends = text;
        self
    }

    pub(crate) fn ends(mut self, end: End) -> Self {
        self.end = end;
        self
    }

    pub(crate) fn reports(mut self, field: &'static str, value: impl Into<Value>) -> Self {
        self.reports.push((field, value.into()));
        self
    }

    pub(crate) fn takes(mut self, least: u64, most: u64) -> Self {
        self.takes = (least, most);
        self
    }
}
