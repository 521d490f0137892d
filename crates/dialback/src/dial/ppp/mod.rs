//! PPP on the call: the first one if nobody is to call back, else both, with the wait between them.
//!
//! ```text
//!   online ─► leg (request) ─┬─ a network ─► until it ends ──────────────────────────► on-hook, told
//!                            ├─ callback agreed ─► on-hook ─► wait for RING ─► leg (return) ─► a network
//!                            └─ refused, lost, ... ─► on-hook, told
//! ```
//!
//! What is said by PPP is decided by [`ppp::caller`], what is said to the modem by [`proto::dialer`]; this glue
//! makes the interface, asks for the secret, and turns outcomes into exit codes.

mod interface;
mod leg;
mod resolver;
mod scripts;
mod tape;
pub(crate) mod wishes;

use ::ppp::auth::{Credentials, Method};
use ::ppp::caller::{Callback, Ending, Leg, Outcome as Came, Plan as Wanted};
use ::ppp::cbcp::{CallerFailure, Choice};
use ::ppp::link::End;
use ::ppp::secret::{Name, Secret};
use ::ppp::time::Instant as LinkTime;
use calls::config::PortSpec;
use calls::config::secrets::Secrets;
use proto::dialer::{Answer, Cause, Hook};
use serde_json::json;

use self::interface::Interface;
use self::tape::Tape;
use self::wishes::{Password, Ppp};
use super::line::Line;
use super::outcome::{self, Outcome};
use super::progress::Progress;
use super::run::{Ended, Said, await_call};
use super::{Signals, now};

/// What proves our name, and the server's.
pub(super) enum Knowledge {
    /// One password, whoever asks.
    Password(proto::login::Secret),
    /// A file of them.
    Secrets(Secrets),
}

/// All that is made ready before anything is dialled: what can fail without a telephone bill does so here.
pub(super) struct Ready<'a> {
    wish: &'a Ppp,
    knowledge: Knowledge,
    interface: Interface,
    /// Where what passes is kept, if it is.
    tape: Option<Tape>,
}

impl<'a> Ready<'a> {
    /// Reads or takes the secret, and makes the interface.
    pub(super) fn new(
        wish: &'a Ppp,
        password: Option<proto::login::Secret>,
        port: (&PortSpec, u32),
    ) -> Result<Self, Ended> {
        let knowledge = match (&wish.password, password) {
            (Password::Secrets(path), _) => {
                let read = wishes::read_secrets(path);
                Knowledge::Secrets(read.map_err(|e| (Outcome::Call(Cause::LoginRefused), e))?)
            }
            (Password::Ask | Password::File(_), Some(password)) => Knowledge::Password(password),
            (Password::Ask | Password::File(_), None) => {
                return Err((Outcome::Call(Cause::LoginRefused), "no password".to_owned()));
            }
        };
        let device = match port.0 {
            PortSpec::Tty(path) => path.display().to_string(),
            PortSpec::Rfc2217 { host, tcp_port } => format!("rfc2217://{host}:{tcp_port}"),
            PortSpec::Tcp { host, tcp_port } => format!("tcp://{host}:{tcp_port}"),
            PortSpec::Sim(name) => format!("sim:{name}"),
        };
        let speed = port.1;
        let call = scripts::Call { device, speed, name: wish.name.clone() };
        let interface = Interface::make(wish, call).map_err(network)?;
        let tape = match &wish.capture {
            Some(path) => {
                let begun = Tape::begin(path, LinkTime::from_micros(now().as_micros()));
                Some(begun.map_err(network)?)
            }
            None => None,
        };
        Ok(Self { wish, knowledge, interface, tape })
    }

    /// What we prove our name to a server by; `None`: by nothing that we have, or not to this one.
    fn credentials(&self, method: Method, server: &Name) -> Option<Credentials> {
        let wanted = self.wish.remote_name.as_deref();
        if wanted.is_some_and(|wanted| !is_meant(wanted, method, server.as_bytes())) {
            return None;
        }
        let server = wanted.or_else(|| server.as_str()).unwrap_or_default();
        let secret = match &self.knowledge {
            Knowledge::Password(password) => Some(Secret::new(password.reveal().to_vec())),
            Knowledge::Secrets(secrets) => secrets.of_name(method, &self.wish.name, server),
        };
        Some(Credentials { name: self.wish.name.as_str().into(), secret: secret? })
    }

    /// The secret by which a server proves its name to us.
    fn secret_of(&self, server: &Name) -> Option<Secret> {
        let name = server.as_str()?;
        if self.wish.remote_name.as_deref().is_some_and(|wanted| wanted != name) {
            return None;
        }
        match &self.knowledge {
            // pppd's way: the same secret proves both.
            Knowledge::Password(password) => Some(Secret::new(password.reveal().to_vec())),
            Knowledge::Secrets(secrets) => secrets.of_name(Method::ChapMd5, name, &self.wish.name),
        }
    }

    /// Waits for the commands that were told of the network; what went wrong with them.
    pub(super) async fn finish(&mut self) -> Vec<String> {
        self.interface.finish().await
    }

    fn wanted(&self, callback: Option<&Callback>, rate: Option<u32>) -> Wanted {
        let wish = self.wish;
        Wanted {
            callback: callback.cloned(),
            name: wish.name.as_str().into(),
            submit: wish.methods(),
            demand: wish.demand(),
            mru: wish.mru,
            keepalive: wish.keepalive,
            ipv4: wish.ipv4.clone(),
            ipv6: wish.ipv6,
            idle: wish.idle,
            session: wish.session,
            rate,
        }
    }
}

/// Speaks PPP on the call that is online, and on the call back. `returned`: the call is the call back already.
pub(super) async fn run(
    line: &mut Line,
    ready: &mut Ready<'_>,
    (answer, hook): (Answer, Hook),
    (said, returned): (Said, bool),
    progress: &mut Progress,
    signals: &mut Signals,
) -> Result<(), Ended> {
    let first = if returned { Leg::Return } else { Leg::Request };
    let callback = ready.wish.callback.as_ref().filter(|_| !returned);
    let wanted = ready.wanted(callback, said.rate);
    let came = leg::run(line, ready, (&wanted, first), &hook, said, progress, signals).await?;
    let Came::Callback { choice, delay } = came else { return told(came, progress) };
    let number = match &choice {
        Some(Choice::Number(number) | Choice::Listed(number)) => {
            Some(String::from_utf8_lossy(number.as_bytes()).into_owned())
        }
        Some(Choice::Administrator | Choice::None) | None => None,
    };
    let place = number.as_deref().unwrap_or("the number that the server knows");
    let text = format!("to be called back at {place}");
    progress.fact(now(), "callback-agreed", text, &json!({"number": number, "delay": delay}));
    let until = now() + ready.wish.wait;
    let mut time = ready.wish.wait;
    loop {
        let modem = (answer.clone(), hook.clone());
        let said = await_call(line, modem, time, progress, signals).await?;
        let wanted = ready.wanted(None, said.rate);
        let leg = (&wanted, Leg::Return);
        let came = leg::run(line, ready, leg, &hook, said, progress, signals).await?;
        match &came {
            // Somebody else's modem, or a line that was lost at once: the server may call again.
            Came::Failed(End::NoAnswer | End::NotSpoken | End::CarrierLost | End::Looped)
                if now() < until =>
            {
                progress.say(now(), "that call came to nothing".to_owned(), None);
                time = until.since(now());
            }
            Came::Callback { .. } | Came::Session(_) | Came::Failed(_) => {
                return told(came, progress);
            }
        }
    }
}

/// What a call came to, in the words of this program.
fn told(came: Came, progress: &mut Progress) -> Result<(), Ended> {
    use outcome::Ppp;
    let end = match came {
        Came::Session(ending) => {
            let text = match ending {
                Ending::Closed => "hung up".to_owned(),
                Ending::Idle => "idle for too long: hung up".to_owned(),
                Ending::TimeOver => "its time is over: hung up".to_owned(),
                Ending::Peer(text) => End::PeerTerminated(text).to_string(),
                Ending::Broken(end) => {
                    let refused = matches!(end, End::NotAuthenticated(_));
                    let cause = if refused { Cause::LoginRefused } else { Cause::CarrierLost };
                    return Err((Outcome::Call(cause), end.to_string()));
                }
            };
            progress.say(now(), text, None);
            return Ok(());
        }
        // Not reached: the return leg asks for none.
        Came::Callback { .. } => return Err((Outcome::Ppp(Ppp::NotGranted), String::new())),
        Came::Failed(end) => end,
    };
    let mut text = end.to_string();
    let outcome = match &end {
        End::Closed => Outcome::Call(Cause::Interrupted),
        End::CarrierLost | End::Silent => Outcome::Call(Cause::CarrierLost),
        End::NoAnswer | End::NotSpoken | End::Looped => Outcome::Ppp(Ppp::NotSpoken),
        End::NotAuthenticated(words) => {
            // Windows' and our own server's word for it.
            if words.starts_with(b"E=649") {
                text += "; it demands a callback: ask for one with --callback";
            }
            Outcome::Call(Cause::LoginRefused)
        }
        End::Impostor | End::PeerRefusesAuthentication | End::PeerNotAuthenticated(_) => {
            Outcome::Ppp(Ppp::Unproved)
        }
        End::CallbackNotGranted(why) => {
            text = match why {
                None | Some(CallerFailure::NotSpoken) => "it does not know this kind of callback",
                Some(CallerFailure::NothingToChoose) => "nothing that it offers is one",
                Some(CallerFailure::NoRequest | CallerFailure::NoAck) => "it never answers",
            }
            .to_owned();
            Outcome::Ppp(Ppp::NotGranted)
        }
        End::PeerTerminated(_)
        | End::NotConverging
        | End::NoNetwork
        | End::Callback(_)
        | End::CallbackUnconfirmed(_)
        | End::CallbackFailed(_)
        | End::AwaitCallback(..) => Outcome::Ppp(Ppp::NotAgreed),
    };
    Err((outcome, text))
}

/// Whether a server that gives this name may be the one that we want to talk to.
fn is_meant(wanted: &str, method: Method, told: &[u8]) -> bool {
    match method {
        // It does not tell who asks.
        Method::Pap => true,
        // RFC 1994 §4.1 asks for one octet at least.
        Method::ChapMd5 | Method::MsChapV1 => told == wanted.as_bytes(),
        // Microsoft's servers leave it empty; with MS-CHAP-V2 they prove that they know the secret.
        Method::MsChapV2 => told.is_empty() || told == wanted.as_bytes(),
    }
}

fn network(why: String) -> Ended {
    (Outcome::Ppp(outcome::Ppp::Network), why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_not_the_one_meant_gets_no_proof() {
        for (method, told, meant) in [
            (Method::ChapMd5, "office", true),
            (Method::ChapMd5, "elsewhere", false),
            (Method::ChapMd5, "", false),
            (Method::MsChapV2, "office", true),
            (Method::MsChapV2, "elsewhere", false),
            (Method::MsChapV2, "", true),
            (Method::MsChapV1, "", false),
            (Method::Pap, "", true),
        ] {
            let found = is_meant("office", method, told.as_bytes());
            assert_eq!(found, meant, "{method:?} by {told:?}");
        }
    }
}
