//! LCP option 13, Callback (RFC 1570 §2.3): who asks for what, and what the other side makes of it.
//!
//! Operation 6 says "let us talk about it in CBCP, after authentication". Operations 0 to 4 decide at
//! once, in LCP, before anybody knows who is calling: 1 to 4 carry where to call from an
//! unauthenticated stranger. That is why CBCP was invented, and why they are off unless asked for.

/// Option 13's operation field.
pub const CBCP: u8 = 6;
/// The number comes from who authenticates.
pub const ADMINISTRATOR: u8 = 0;
/// The number is in the option, in digits.
pub const NUMBER: u8 = 3;

/// What a caller and an answerer have agreed on in LCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proposal {
    /// CBCP decides after authentication (operation 6).
    Cbcp,
    /// The callee knows where to call (operation 0).
    Administrator,
    /// The caller gives a number (operation 3), as its octets came.
    Number(Vec<u8>),
}

impl Proposal {
    /// The value of option 13 that proposes it.
    #[must_use]
    pub fn value(&self) -> Vec<u8> {
        match self {
            Self::Cbcp => vec![CBCP],
            Self::Administrator => vec![ADMINISTRATOR],
            Self::Number(digits) => [&[NUMBER], digits.as_slice()].concat(),
        }
    }

    /// The operation field.
    #[must_use]
    pub const fn operation(&self) -> u8 {
        match self {
            Self::Cbcp => CBCP,
            Self::Administrator => ADMINISTRATOR,
            Self::Number(_) => NUMBER,
        }
    }
}

/// How a side stands to callback in LCP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stance {
    /// Option 13 is rejected: callback is off here, or we are the one who called back. The latter is
    /// what keeps callbacks from calling each other back.
    #[default]
    Refuse,
    /// We are called, and may call back.
    Answer(Answer),
    /// We call, and want to be called back.
    Ask(Ask),
}

/// What an answerer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Operation 6. Windows proposes it on every connection, so that taking it promises nothing yet.
    pub cbcp: bool,
    /// Operation 0.
    pub administrator: bool,
    /// Operation 3: the number still has to be approved after authentication.
    pub numbers: bool,
    /// What to do about a peer that does not ask.
    pub solicit: Solicit,
}

/// Whether an answerer brings callback up by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solicit {
    /// It does not.
    No,
    /// It puts option 13 into a Configure-Nak, twice at most.
    ByNak,
    /// It puts option 13 into its own Configure-Request, as Windows RRAS does.
    ByRequest,
}

impl Answer {
    /// CBCP only, and only for those who ask: the sound default.
    pub const CBCP_ONLY: Self =
        Self { cbcp: true, administrator: false, numbers: false, solicit: Solicit::No };
}

/// What a caller wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What to propose, in order of preference; a Configure-Nak moves on to what the peer would rather
    /// have, if it is here too.
    pub proposals: Vec<Proposal>,
    /// What to do when the peer will have none of them.
    pub otherwise: Otherwise,
}

/// A caller's choice when it will not be called back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// Go on without.
    GoOn,
    /// End the call.
    GiveUp,
}

/// What becomes of a peer's option 13.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Acknowledge, echoed as it came.
    Ack(Proposal),
    /// Nak, proposing this operation.
    Nak(Proposal),
    /// Reject.
    Reject,
}

/// Judges the value of a peer's option 13.
#[must_use]
pub fn judge(stance: &Stance, value: &[u8]) -> Verdict {
    let Some((&operation, message)) = value.split_first() else { return Verdict::Reject };
    match stance {
        Stance::Refuse => Verdict::Reject,
        // A server that puts option 13 into its own request (RRAS) says what we want to hear.
        Stance::Ask(ask) => {
            let wanted = operation == CBCP && ask.proposals.contains(&Proposal::Cbcp);
            if wanted { Verdict::Ack(Proposal::Cbcp) } else { Verdict::Reject }
        }
        Stance::Answer(answer) => match operation {
            CBCP if answer.cbcp => Verdict::Ack(Proposal::Cbcp),
            ADMINISTRATOR if answer.administrator => Verdict::Ack(Proposal::Administrator),
            NUMBER if answer.numbers => Verdict::Ack(Proposal::Number(message.to_vec())),
            // 1 is a dial string (an invitation to send modem commands), 2 a location, 4 a
            // distinguished name, 5 unassigned.
            _ if answer.cbcp => Verdict::Nak(Proposal::Cbcp),
            _ if answer.administrator => Verdict::Nak(Proposal::Administrator),
            _ => Verdict::Reject,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn option_13_is_answered_by_stance_and_operation() {
        let cbcp = Stance::Answer(Answer::CBCP_ONLY);
        let all =
            Stance::Answer(Answer { administrator: true, numbers: true, ..Answer::CBCP_ONLY });
        let old = Stance::Answer(Answer { cbcp: false, administrator: true, ..Answer::CBCP_ONLY });
        let ask = Stance::Ask(Ask { proposals: vec![Proposal::Cbcp], otherwise: Otherwise::GoOn });
        let number = Proposal::Number(b"555".to_vec());
        for (stance, value, wanted) in [
            (&cbcp, &[6][..], Verdict::Ack(Proposal::Cbcp)),
            (&cbcp, &[6, 0xaa, 0xbb], Verdict::Ack(Proposal::Cbcp)),
            (&cbcp, &[], Verdict::Reject),
            (&cbcp, &[0], Verdict::Nak(Proposal::Cbcp)),
            (&cbcp, b"\x01ATDT555", Verdict::Nak(Proposal::Cbcp)),
            (&cbcp, b"\x03555", Verdict::Nak(Proposal::Cbcp)),
            (&cbcp, &[5], Verdict::Nak(Proposal::Cbcp)),
            (&cbcp, &[200], Verdict::Nak(Proposal::Cbcp)),
            (&all, &[0], Verdict::Ack(Proposal::Administrator)),
            (&all, b"\x03555", Verdict::Ack(number)),
            (&all, b"\x01555", Verdict::Nak(Proposal::Cbcp)),
            (&old, &[6], Verdict::Nak(Proposal::Administrator)),
            (&old, &[0], Verdict::Ack(Proposal::Administrator)),
            (&ask, &[6], Verdict::Ack(Proposal::Cbcp)),
            (&ask, &[0], Verdict::Reject),
            (&Stance::Refuse, &[6], Verdict::Reject),
        ] {
            assert_eq!(judge(stance, value), wanted, "{stance:?} {value:02x?}");
        }
    }
}
