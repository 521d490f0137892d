//! LCP's options (RFC 1661 §6, RFC 1662 §7.1, RFC 1570 §2.3): what we ask, and what we grant.
//!
//! We ask for MRU, ACCM, authentication, callback, a magic number, PFC and ACFC, each as configured. Of
//! the peer we take these and the Endpoint-Discriminator, which Windows always sends and which means
//! nothing outside a bundle. All else is rejected: multilink, link quality, other FCS, what nobody knows.

use super::callback::{self, Ask, Otherwise, Proposal, Solicit, Stance, Verdict};
use crate::auth::Method;
use crate::framing::Accm;
use crate::negotiation::{Judgement, Options, Outlook, Patience};
use crate::packet::{Item, push_item};
use crate::random::Random;

const MRU: u8 = 1;
const ACCM: u8 = 2;
const AUTHENTICATION: u8 = 3;
const MAGIC: u8 = 5;
const PFC: u8 = 7;
const ACFC: u8 = 8;
const CALLBACK: u8 = 13;
const ENDPOINT: u8 = 19;

/// The Maximum-Receive-Unit that holds without negotiation.
pub const DEFAULT_MRU: u16 = 1500;

/// The least MRU that we let a peer have: below it, our own control packets would not fit.
pub const LEAST_MRU: u16 = 128;

/// Requests with our own magic number before we believe that the line is looped back. One may be
/// chance, or a modem that echoes its command line; RFC 1661 §6.4 leaves the count open.
const LOOPED: u32 = 5;

/// How often a Configure-Nak brings up callback to a peer that did not: it may not know the option.
const HINTS: u32 = 2;

/// What one side brings to LCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// The largest packet we want to receive; asked for when it is not 1500.
    pub mru: u16,
    /// The control characters that the peer shall escape; `None` leaves it at all of them.
    pub accm: Option<Accm>,
    /// Whether we ask for a magic number, which finds looped lines.
    pub magic: bool,
    /// Whether the peer may send us short protocol numbers.
    pub pfc: bool,
    /// Whether the peer may leave out `ff 03`.
    pub acfc: bool,
    /// How the peer may prove its name, best first; empty when it need not.
    pub demand: Vec<Method>,
    /// How we are ready to prove ours, best first; empty when we are not.
    pub submit: Vec<Method>,
    /// How we stand to being called back, or calling back.
    pub callback: Stance,
    /// Whole options that are asked for without being understood, after all others: for imitating a
    /// peer that does. They are dropped when the peer naks or rejects them.
    pub further: Vec<Vec<u8>>,
    /// Where in our request option 13 stands. Peers do not care; imitations do.
    pub callback_place: CallbackPlace,
}

/// The place of option 13 in a Configure-Request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallbackPlace {
    /// Before the magic number, as pppd has it.
    #[default]
    BeforeMagic,
    /// After ACFC, as Windows has it.
    AfterCompression,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            mru: DEFAULT_MRU,
            accm: Some(Accm::FLOW_CONTROL),
            magic: true,
            pfc: true,
            acfc: true,
            demand: Vec::new(),
            submit: Vec::new(),
            callback: Stance::Refuse,
            further: Vec::new(),
            callback_place: CallbackPlace::BeforeMagic,
        }
    }
}

/// What the peer asked for and we acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The largest packet it receives.
    pub mru: u16,
    /// What it wants escaped.
    pub accm: Accm,
    /// Its magic number.
    pub magic: Option<u32>,
    /// It takes short protocol numbers.
    pub pfc: bool,
    /// It takes frames without `ff 03`.
    pub acfc: bool,
    /// How we have to prove our name to it.
    pub authentication: Option<Method>,
    /// What it proposed by option 13.
    pub callback: Option<Proposal>,
}

impl Default for Granted {
    fn default() -> Self {
        Self {
            mru: DEFAULT_MRU,
            accm: Accm::ALL,
            magic: None,
            pfc: false,
            acfc: false,
            authentication: None,
            callback: None,
        }
    }
}

/// Which of our wishes a peer refused though we cannot do without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Essential {
    /// It will not prove its name in any way that we take.
    Authentication,
    /// It will not call us back, and we would rather not talk then.
    Callback,
}

/// LCP's options, in negotiation.
#[derive(Debug)]
pub struct LcpOptions {
    wishes: Wishes,
    /// What is still asked for: the wishes without what the peer refused.
    asked: Asked,
    granted: Granted,
    random: Random,
    own_requests_heard: u32,
    hints_given: u32,
    missing: Option<Essential>,
}

#[derive(Debug, Default)]
struct Asked {
    mru: Option<u16>,
    accm: Option<Accm>,
    magic: Option<u32>,
    pfc: bool,
    acfc: bool,
    /// The method asked for, and those to fall back to.
    authentication: Option<Method>,
    fallback: Vec<Method>,
    callback: Option<Proposal>,
    further: Vec<Vec<u8>>,
}

impl LcpOptions {
    /// Options by these wishes.
    #[must_use]
    pub fn new(wishes: Wishes, random: Random) -> Self {
        Self {
            wishes,
            asked: Asked::default(),
            granted: Granted::default(),
            random,
            own_requests_heard: 0,
            hints_given: 0,
            missing: None,
        }
    }

    /// What the peer asked for and got.
    #[must_use]
    pub const fn granted(&self) -> &Granted {
        &self.granted
    }

    /// What we asked the peer to escape.
    #[must_use]
    pub fn receive_accm(&self) -> Accm {
        self.asked.accm.unwrap_or(Accm::ALL)
    }

    /// Our magic number; zero when we have none (RFC 1661 §5.8).
    #[must_use]
    pub fn magic(&self) -> u32 {
        self.asked.magic.unwrap_or(0)
    }

    /// How the peer has to prove its name.
    #[must_use]
    pub const fn demanded(&self) -> Option<Method> {
        self.asked.authentication
    }

    /// What was agreed about callback, whichever side brought it up.
    #[must_use]
    pub fn callback(&self) -> Option<&Proposal> {
        match self.wishes.callback {
            Stance::Refuse => None,
            Stance::Answer(_) => self.granted.callback.as_ref().or(self.asked.callback.as_ref()),
            Stance::Ask(_) => self.asked.callback.as_ref().or(self.granted.callback.as_ref()),
        }
    }

    /// What the peer refused though we need it, if that is how LCP ended.
    #[must_use]
    pub const fn missing(&self) -> Option<Essential> {
        self.missing
    }

    /// The stance on callback, if there is somebody to call back: a name has to be proved first.
    fn stance(&self) -> &Stance {
        match &self.wishes.callback {
            Stance::Answer(_) if self.wishes.demand.is_empty() => &Stance::Refuse,
            stance @ (Stance::Answer(_) | Stance::Ask(_) | Stance::Refuse) => stance,
        }
    }

    fn callback_hint(&mut self, heard: &Granted, patience: Patience) -> Option<Proposal> {
        let Stance::Answer(answer) = *self.stance() else { return None };
        let wanted = answer.solicit == Solicit::ByNak
            && heard.callback.is_none()
            && patience == Patience::Left
            && self.hints_given < HINTS;
        if !wanted {
            return None;
        }
        self.hints_given += 1;
        Some(if answer.cbcp { Proposal::Cbcp } else { Proposal::Administrator })
    }

    /// Our next best way of authentication, after the peer refused the present one.
    fn next_method(&mut self, suggested: &[u8]) -> Outlook {
        let suggested = Method::from_value(suggested);
        let at =
            self.asked.fallback.iter().position(|method| Some(*method) == suggested).unwrap_or(0);
        if self.asked.fallback.is_empty() {
            self.missing = Some(Essential::Authentication);
            return Outlook::Hopeless;
        }
        self.asked.authentication = Some(self.asked.fallback.remove(at));
        Outlook::AskAgain
    }

    /// Another proposal of ours, after the peer refused the present one.
    fn next_callback(&mut self, suggested: Option<u8>) -> Outlook {
        let refused = self.asked.callback.take();
        let Stance::Ask(Ask { proposals, otherwise }) = &self.wishes.callback else {
            return Outlook::AskAgain;
        };
        self.asked.callback = suggested
            .and_then(|operation| {
                proposals.iter().find(|other| {
                    other.operation() == operation && Some(*other) != refused.as_ref()
                })
            })
            .cloned();
        match (&self.asked.callback, otherwise) {
            (Some(_), _) | (None, Otherwise::GoOn) => Outlook::AskAgain,
            (None, Otherwise::GiveUp) => {
                self.missing = Some(Essential::Callback);
                Outlook::Hopeless
            }
        }
    }
}

/// What one option of the peer's deserves.
enum Fate {
    Ack,
    Nak(Vec<u8>),
    Reject,
}

impl LcpOptions {
    fn judge_one(&mut self, item: &Item<'_>, heard: &mut Granted) -> Fate {
        match (item.kind, item.value) {
            (MRU, &[high, low]) => {
                heard.mru = u16::from_be_bytes([high, low]);
                if heard.mru < LEAST_MRU {
                    Fate::Nak(LEAST_MRU.to_be_bytes().to_vec())
                } else {
                    Fate::Ack
                }
            }
            (ACCM, &[a, b, c, d]) => {
                heard.accm = Accm(u32::from_be_bytes([a, b, c, d]));
                Fate::Ack
            }
            (AUTHENTICATION, value) => {
                heard.authentication =
                    Method::from_value(value).filter(|method| self.wishes.submit.contains(method));
                match (heard.authentication, self.wishes.submit.first()) {
                    (Some(_), _) => Fate::Ack,
                    (None, Some(best)) => Fate::Nak(best.value().to_vec()),
                    (None, None) => Fate::Reject,
                }
            }
            // Zero means "none" and cannot be asked for (RFC 1661 §6.4).
            (MAGIC, &[0, 0, 0, 0]) => Fate::Nak(self.random.nonzero_u32().to_be_bytes().to_vec()),
            (MAGIC, &[a, b, c, d]) => {
                heard.magic = Some(u32::from_be_bytes([a, b, c, d]));
                Fate::Ack
            }
            (PFC, []) => {
                heard.pfc = true;
                Fate::Ack
            }
            (ACFC, []) => {
                heard.acfc = true;
                Fate::Ack
            }
            (CALLBACK, value) => match callback::judge(self.stance(), value) {
                Verdict::Ack(proposal) => {
                    heard.callback = Some(proposal);
                    Fate::Ack
                }
                Verdict::Nak(proposal) => {
                    // It did bring callback up: no hint besides.
                    heard.callback = Some(proposal.clone());
                    Fate::Nak(proposal.value())
                }
                Verdict::Reject => Fate::Reject,
            },
            (ENDPOINT, [_, ..]) => Fate::Ack,
            (_, _) => Fate::Reject,
        }
    }

    /// A request with our own magic number is probably our own, and nothing else in it may be judged:
    /// rejecting the authentication that we ask for ourselves would end the link for a wrong reason.
    fn judge_own(&mut self, items: &[Item<'_>]) -> Option<Judgement> {
        let ours = self.asked.magic?.to_be_bytes();
        if !items.iter().any(|item| item.kind == MAGIC && item.value == ours) {
            return None;
        }
        self.own_requests_heard += 1;
        if self.own_requests_heard >= LOOPED {
            return Some(Judgement::Looped);
        }
        let mut nak = Vec::new();
        push_item(&mut nak, MAGIC, &self.random.nonzero_u32().to_be_bytes());
        Some(Judgement::Nak(nak))
    }
}

impl Options for LcpOptions {
    fn restart(&mut self) {
        let wishes = &self.wishes;
        let mut fallback = wishes.demand.clone();
        let authentication = if fallback.is_empty() { None } else { Some(fallback.remove(0)) };
        let callback = match self.stance() {
            Stance::Ask(ask) => ask.proposals.first().cloned(),
            Stance::Answer(answer) if answer.solicit == Solicit::ByRequest => Some(Proposal::Cbcp),
            Stance::Answer(_) | Stance::Refuse => None,
        };
        self.asked = Asked {
            mru: (wishes.mru != DEFAULT_MRU).then_some(wishes.mru),
            accm: wishes.accm,
            magic: wishes.magic.then(|| self.random.nonzero_u32()),
            pfc: wishes.pfc,
            acfc: wishes.acfc,
            authentication,
            fallback,
            callback,
            further: wishes.further.clone(),
        };
        self.granted = Granted::default();
        self.own_requests_heard = 0;
        self.hints_given = 0;
        self.missing = None;
    }

    fn request(&mut self) -> Vec<u8> {
        let asked = &self.asked;
        let mut list = Vec::new();
        let callback = asked.callback.as_ref().map(Proposal::value);
        let place = self.wishes.callback_place;
        if let Some(mru) = asked.mru {
            push_item(&mut list, MRU, &mru.to_be_bytes());
        }
        if let Some(accm) = asked.accm {
            push_item(&mut list, ACCM, &accm.0.to_be_bytes());
        }
        if let Some(method) = asked.authentication {
            push_item(&mut list, AUTHENTICATION, method.value());
        }
        if let (Some(value), CallbackPlace::BeforeMagic) = (&callback, place) {
            push_item(&mut list, CALLBACK, value);
        }
        if let Some(magic) = asked.magic {
            push_item(&mut list, MAGIC, &magic.to_be_bytes());
        }
        if asked.pfc {
            push_item(&mut list, PFC, &[]);
        }
        if asked.acfc {
            push_item(&mut list, ACFC, &[]);
        }
        if let (Some(value), CallbackPlace::AfterCompression) = (&callback, place) {
            push_item(&mut list, CALLBACK, value);
        }
        list.extend(asked.further.concat());
        list
    }

    fn judge(&mut self, items: &[Item<'_>], patience: Patience) -> Judgement {
        if let Some(judgement) = self.judge_own(items) {
            return judgement;
        }
        let mut heard = Granted::default();
        let mut naks = Vec::new();
        let mut rejects = Vec::new();
        for item in items {
            match (self.judge_one(item, &mut heard), patience) {
                (Fate::Ack, _) => {}
                (Fate::Nak(value), Patience::Left) => push_item(&mut naks, item.kind, &value),
                (Fate::Nak(_), Patience::Over) | (Fate::Reject, _) => rejects.extend(item.octets),
            }
        }
        if !rejects.is_empty() {
            return Judgement::Reject(rejects);
        }
        if let Some(proposal) = self.callback_hint(&heard, patience) {
            push_item(&mut naks, CALLBACK, &proposal.value());
        }
        if !naks.is_empty() {
            return Judgement::Nak(naks);
        }
        self.granted = heard;
        Judgement::Ack
    }

    fn nak(&mut self, items: &[Item<'_>]) -> Outlook {
        for item in items {
            let outlook = match (item.kind, item.value) {
                (MRU, &[high, low]) => {
                    let mru = u16::from_be_bytes([high, low]);
                    if (LEAST_MRU..=self.wishes.mru).contains(&mru) {
                        self.asked.mru = Some(mru);
                    }
                    Outlook::AskAgain
                }
                (ACCM, &[a, b, c, d]) => {
                    let wanted = Accm(u32::from_be_bytes([a, b, c, d]));
                    self.asked.accm = Some(self.asked.accm.unwrap_or(Accm::NONE).with(wanted));
                    Outlook::AskAgain
                }
                (AUTHENTICATION, value) if self.asked.authentication.is_some() => {
                    self.next_method(value)
                }
                (MAGIC, _) if self.asked.magic.is_some() => {
                    self.asked.magic = Some(self.random.nonzero_u32());
                    Outlook::AskAgain
                }
                (CALLBACK, value) if self.asked.callback.is_some() => {
                    self.next_callback(value.first().copied())
                }
                (kind, _) => {
                    self.asked.further.retain(|option| option.first() != Some(&kind));
                    Outlook::AskAgain
                }
            };
            if outlook == Outlook::Hopeless {
                return outlook;
            }
        }
        Outlook::AskAgain
    }

    fn reject(&mut self, items: &[Item<'_>]) -> Outlook {
        for item in items {
            match item.kind {
                MRU => self.asked.mru = None,
                ACCM => self.asked.accm = None,
                AUTHENTICATION => {
                    self.missing = Some(Essential::Authentication);
                    return Outlook::Hopeless;
                }
                MAGIC => self.asked.magic = None,
                PFC => self.asked.pfc = false,
                ACFC => self.asked.acfc = false,
                CALLBACK => {
                    if self.next_callback(None) == Outlook::Hopeless {
                        return Outlook::Hopeless;
                    }
                }
                kind => self.asked.further.retain(|option| option.first() != Some(&kind)),
            }
        }
        Outlook::AskAgain
    }
}
