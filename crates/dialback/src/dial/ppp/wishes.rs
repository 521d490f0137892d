//! `[ppp]` of a peer file: who we are, how we want to be called back, and what becomes of the network.
//!
//! It opens nothing but the file of secrets, and that only when it is asked for one.

use std::io::{ErrorKind, Read as _};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use calls::config::load::FileText;
use calls::config::parse_duration;
use calls::config::secrets::Secrets;
use ppp::auth::Method;
use ppp::caller::{By, Callback};
use ppp::cbcp::{LONGEST, Number};
use ppp::lcp::Keepalive;
use ppp::lcp::callback::Otherwise;
use ppp::ncp::{Ipv4Wishes, Ipv6Wishes, PeerAddress};
use serde::Deserialize;
use sys::files::{FileFault, Trust, open_trusted};
use sys::tun::Route;
use toml::Spanned;

use crate::dial::peer::{Check, Text, line};

/// The number that stands for the one which the administrator has stored.
const ADMINISTRATOR: &str = "admin";

/// The largest file of secrets, as for the server.
const MAX_SECRETS: u64 = 1 << 20;

/// RFC 1661 §6.1 has no least MRU; below this our own control packets would not fit.
const LEAST_MTU: u16 = 128;

/// RFC 8200 §5: no link of IPv6 takes less.
pub(super) const LEAST_IPV6_MTU: u16 = 1280;

/// `[ppp]` as it is written. Options overwrite what they name.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PppDraft {
    pub(crate) name: Text,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) ask_password: Option<bool>,
    pub(crate) secrets: Option<PathBuf>,
    pub(crate) remote_name: Text,
    pub(crate) server_proves: Option<bool>,
    pub(crate) pap: Option<bool>,
    pub(crate) callback: Text,
    pub(crate) callback_by: Text,
    pub(crate) callback_required: Option<bool>,
    pub(crate) callback_delay: Text,
    pub(crate) wait: Text,
    pub(crate) interface: Text,
    pub(crate) address: Text,
    pub(crate) ipv4: Option<bool>,
    pub(crate) ipv6: Option<bool>,
    pub(crate) mtu: Option<Spanned<u16>>,
    pub(crate) mru: Option<Spanned<u16>>,
    pub(crate) default_route: Option<bool>,
    pub(crate) route_metric: Option<u32>,
    #[serde(default)]
    pub(crate) routes: Vec<Spanned<String>>,
    pub(crate) resolv_conf: Option<PathBuf>,
    pub(crate) ip_up: Option<PathBuf>,
    pub(crate) ip_down: Option<PathBuf>,
    pub(crate) capture: Option<PathBuf>,
    pub(crate) idle: Text,
    pub(crate) session: Text,
    pub(crate) echo: Text,
    pub(crate) echo_failures: Option<u32>,
}

/// Whose password, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Password {
    /// It is asked for before anything is dialled.
    Ask,
    /// The first line of this file.
    File(PathBuf),
    /// A file of pppd's format, with `pap-secrets` beside it.
    Secrets(PathBuf),
}

/// A checked `[ppp]`.
#[derive(Debug)]
pub(crate) struct Ppp {
    pub(crate) name: String,
    pub(crate) password: Password,
    pub(crate) remote_name: Option<String>,
    pub(crate) server_proves: bool,
    pub(crate) pap: bool,
    pub(crate) callback: Option<Callback>,
    pub(crate) wait: Duration,
    pub(crate) interface: String,
    pub(crate) mtu: u16,
    pub(crate) mru: u16,
    pub(crate) ipv4: Option<Ipv4Wishes>,
    pub(crate) ipv6: Option<Ipv6Wishes>,
    pub(crate) routes: Vec<Route>,
    pub(crate) resolv_conf: Option<PathBuf>,
    pub(crate) ip_up: Option<PathBuf>,
    pub(crate) ip_down: Option<PathBuf>,
    pub(crate) capture: Option<PathBuf>,
    pub(crate) idle: Option<Duration>,
    pub(crate) session: Option<Duration>,
    pub(crate) keepalive: Option<Keepalive>,
}

/// Checks a `[ppp]`.
pub(crate) fn check(check: &mut Check<'_>, draft: PppDraft) -> Option<Ppp> {
    if draft.name.is_none() {
        check.missing("ppp: no name: say who we are, ppp.name or --login");
    }
    let name = check.value("ppp.name", draft.name.clone(), line);
    let password = password(check, &draft);
    let callback = callback(check, &draft);
    let routes = routes(check, &draft);
    let address = check.value("ppp.address", draft.address, |text| {
        text.parse::<Ipv4Addr>().map_err(|_| format!("\"{text}\" is no IPv4 address"))
    });
    let (mtu, mru) = (octets(check, "ppp.mtu", draft.mtu), octets(check, "ppp.mru", draft.mru));
    let remote_name = check.value("ppp.remote_name", draft.remote_name, line);
    let wait = check.value("ppp.wait", draft.wait, parse_duration);
    let idle = check.value("ppp.idle", draft.idle, parse_duration);
    let session = check.value("ppp.session", draft.session, parse_duration);
    let echo = check.value("ppp.echo", draft.echo, parse_duration);
    let interface = check.value("ppp.interface", draft.interface, interface);
    for (key, path) in
        [("ip_up", &draft.ip_up), ("ip_down", &draft.ip_down), ("resolv_conf", &draft.resolv_conf)]
    {
        if path.as_ref().is_some_and(|path| !path.is_absolute()) {
            check.missing(&format!("ppp.{key}: not a path from the root: begin it with /"));
        }
    }
    let large = [mtu, mru].iter().all(|octets| octets.is_none_or(|most| most >= LEAST_IPV6_MTU));
    let (ipv4, ipv6) = (draft.ipv4.unwrap_or(true), draft.ipv6.unwrap_or(large));
    if ipv6 && !large {
        check.missing("ppp: IPv6 needs an mtu and an mru of 1280: write so much, or ipv6 = false");
    }
    if !ipv4 && !ipv6 {
        check.missing("ppp: neither ipv4 nor ipv6: nothing could be carried");
    }
    let asks_servers = draft.resolv_conf.is_some() || draft.ip_up.is_some();
    let keepalive = Keepalive {
        interval: echo.unwrap_or(Keepalive::default().interval),
        tolerated: draft.echo_failures.unwrap_or(Keepalive::default().tolerated),
    };
    Some(Ppp {
        name: name?,
        password: password?,
        remote_name,
        server_proves: draft.server_proves.unwrap_or(false),
        pap: draft.pap.unwrap_or(false),
        callback: callback?,
        wait: wait.unwrap_or(Duration::from_secs(120)),
        interface: interface.unwrap_or_else(|| "dialback%d".to_owned()),
        mtu: mtu?,
        mru: mru?,
        ipv4: ipv4.then_some(Ipv4Wishes {
            local: address,
            peer: PeerAddress::Any,
            dns: [None; 2],
            nbns: [None; 2],
            asks_servers,
        }),
        ipv6: ipv6.then_some(Ipv6Wishes { local: None }),
        routes: routes?,
        resolv_conf: draft.resolv_conf,
        ip_up: draft.ip_up,
        ip_down: draft.ip_down,
        capture: draft.capture,
        idle: idle.filter(|time| !time.is_zero()),
        session: session.filter(|time| !time.is_zero()),
        keepalive: Some(keepalive).filter(|watch| !watch.interval.is_zero()),
    })
}

fn password(check: &mut Check<'_>, draft: &PppDraft) -> Option<Password> {
    let ask = draft.ask_password.unwrap_or(false);
    match (&draft.password_file, ask, &draft.secrets) {
        (Some(path), false, None) => Some(Password::File(path.clone())),
        (None, true, None) => Some(Password::Ask),
        (None, false, Some(path)) => Some(Password::Secrets(path.clone())),
        (None, false, None) => {
            check.missing("ppp: no password: password_file, ask_password or secrets");
            None
        }
        (_, _, _) => {
            check.missing("ppp: password_file, ask_password and secrets: choose one");
            None
        }
    }
}

/// `Some(None)`: no callback is wanted; `None`: there are faults.
#[expect(clippy::option_option, reason = "a fault is not the absence of a wish")]
fn callback(check: &mut Check<'_>, draft: &PppDraft) -> Option<Option<Callback>> {
    let by = check.value("ppp.callback_by", draft.callback_by.clone(), |text| match text {
        "cbcp" => Ok(By::Cbcp),
        "option-13" => Ok(By::Option13),
        "either" => Ok(By::Either),
        _ => Err(format!("\"{text}\" is no way to ask: cbcp, option-13 or either")),
    });
    let delay = check.value("ppp.callback_delay", draft.callback_delay.clone(), |text| {
        let delay = parse_duration(text)?;
        u8::try_from(delay.as_secs())
            .map_err(|_| "longer than 255s, which is all that can be said".to_owned())
    });
    if draft.callback.is_none() {
        if draft.callback_by.is_some() || draft.callback_required == Some(true) {
            check.missing("ppp: no callback: give the number, or callback = \"admin\"");
            return None;
        }
        return Some(None);
    }
    let number = check.value("ppp.callback", draft.callback.clone(), |text| match text {
        ADMINISTRATOR => Ok(None),
        text if text.len() > LONGEST => Err(format!("longer than {LONGEST} octets")),
        text if !text.bytes().any(|byte| byte.is_ascii_digit()) => {
            Err(format!("\"{text}\" is no number: write digits, or \"{ADMINISTRATOR}\""))
        }
        text if !text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') => {
            Err("not printable ASCII".to_owned())
        }
        text => Ok(Some(Number::from(text))),
    })?;
    let required = draft.callback_required.unwrap_or(false);
    Some(Some(Callback {
        number,
        by: by.unwrap_or(By::Cbcp),
        delay: delay.unwrap_or(12),
        otherwise: if required { Otherwise::GiveUp } else { Otherwise::GoOn },
    }))
}

fn routes(check: &mut Check<'_>, draft: &PppDraft) -> Option<Vec<Route>> {
    let metric = draft.route_metric;
    let mut routes = Vec::new();
    if draft.default_route.unwrap_or(false) {
        let (ipv4, ipv6) = (draft.ipv4.unwrap_or(true), draft.ipv6.unwrap_or(true));
        routes.extend(ipv4.then_some(Route { metric, ..Route::DEFAULT_IPV4 }));
        routes.extend(ipv6.then_some(Route { metric, ..Route::DEFAULT_IPV6 }));
    }
    let before = check.count();
    for text in &draft.routes {
        routes.extend(check.value("ppp.routes", Some(text.clone()), |text| route(text, metric)));
    }
    (check.count() == before).then_some(routes)
}

/// `192.0.2.0/24`
fn route(text: &str, metric: Option<u32>) -> Result<Route, String> {
    let fault = || format!("\"{text}\" is no network: write it like 192.0.2.0/24");
    let (to, prefix) = text.split_once('/').ok_or_else(fault)?;
    let to: IpAddr = to.parse().map_err(|_| fault())?;
    let prefix: u8 = prefix.parse().map_err(|_| fault())?;
    let (bits, beyond) = match to {
        IpAddr::V4(to) => (32, to.to_bits().checked_shl(u32::from(prefix)).unwrap_or(0) != 0),
        IpAddr::V6(to) => (128, to.to_bits().checked_shl(u32::from(prefix)).unwrap_or(0) != 0),
    };
    if prefix > bits {
        return Err(fault());
    }
    if beyond {
        return Err(format!(
            "\"{text}\" has bits beyond its {prefix}: is the address the network's?"
        ));
    }
    Ok(Route { to, prefix, metric })
}

fn interface(text: &str) -> Result<String, String> {
    let numbered = text.matches('%').count();
    let good = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"/:".contains(&byte));
    let room = if numbered == 0 { 15 } else { 12 };
    if text.is_empty() || text.len() > room || !good || numbered > 1 {
        return Err(format!("\"{text}\" is no name: up to {room} letters and digits, and one %d"));
    }
    if numbered == 1 && !text.contains("%d") {
        return Err(format!("\"{text}\": write %d where the number shall be"));
    }
    Ok(text.to_owned())
}

fn octets(check: &mut Check<'_>, key: &str, value: Option<Spanned<u16>>) -> Option<u16> {
    let Some(value) = value else { return Some(ppp::lcp::DEFAULT_MRU) };
    let octets = *value.get_ref();
    if octets < LEAST_MTU {
        check.fault(key, &value.span(), format!("less than {LEAST_MTU} octets"));
        return None;
    }
    Some(octets)
}

impl Ppp {
    /// How our name may be proved.
    pub(crate) fn methods(&self) -> Vec<Method> {
        let pap = Some(Method::Pap).filter(|_| self.pap);
        [Method::MsChapV2, Method::ChapMd5].into_iter().chain(pap).collect()
    }

    /// How the server has to prove its own.
    pub(crate) fn demand(&self) -> Vec<Method> {
        if self.server_proves { vec![Method::MsChapV2, Method::ChapMd5] } else { Vec::new() }
    }
}

/// Reads a file of secrets and its neighbour.
pub(crate) fn read_secrets(path: &Path) -> Result<Secrets, String> {
    let chap = read_file(path).map_err(|fault| fault.to_string())?;
    let beside = path.with_file_name("pap-secrets");
    let pap = match read_file(&beside) {
        _ if beside == path => None,
        Ok(file) => Some(file),
        // That there is none says nothing; one that may not be looked at does.
        Err(FileFault::Open { source, .. }) if source.kind() == ErrorKind::NotFound => None,
        Err(fault) => return Err(fault.to_string()),
    };
    let uid = rustix::process::geteuid().as_raw();
    let (name, pap_name) = (path.display().to_string(), beside.display().to_string());
    let pap = pap.as_ref().map(|file| (pap_name.as_str(), file));
    Secrets::of_client((&name, &chap), pap, uid)
        .map_err(|faults| faults.first().map_or_else(String::new, ToString::to_string))
}

fn read_file(path: &Path) -> Result<FileText, FileFault> {
    let fault = |source| FileFault::Open { path: path.to_owned(), source };
    let file = open_trusted(path, Trust::Secret)?;
    let seen = file.metadata().map_err(fault)?;
    let mut text = Vec::new();
    // One octet more than may be shows that there are too many.
    file.take(MAX_SECRETS + 1).read_to_end(&mut text).map_err(fault)?;
    Ok(FileText { text, uid: seen.uid(), mode: seen.permissions().mode() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dial::peer;
    use calls::diagnostic::Source;

    /// Checks a peer file with this `[ppp]`; the faults as one text.
    fn read(section: &str) -> Result<Ppp, String> {
        let text = format!("port = \"/dev/ttyS0\"\nnumber = \"5550100\"\n[ppp]\n{section}");
        let source = Source::new("office.toml", text);
        let draft = peer::parse(&source).map_err(|fault| fault.to_string())?;
        match peer::check(draft, &source) {
            Ok(peer) => match peer.then {
                peer::Then::Ppp(ppp) => Ok(*ppp),
                peer::Then::Terminal | peer::Then::Program(_) => Err("no PPP".to_owned()),
            },
            Err(faults) => Err(faults.iter().map(|f| format!("{f}\n")).collect()),
        }
    }

    const WHO: &str = "name = \"alice\"\npassword_file = \"/etc/secret\"\n";

    #[test]
    fn what_is_left_out_is_sound() {
        let ppp = read(WHO).unwrap();
        assert_eq!(ppp.methods(), [Method::MsChapV2, Method::ChapMd5], "no PAP unless allowed");
        assert!(ppp.callback.is_none() && ppp.demand().is_empty() && ppp.routes.is_empty());
        assert_eq!((ppp.mtu, ppp.mru, ppp.interface.as_str()), (1500, 1500, "dialback%d"));
        assert!(ppp.ipv4.is_some() && ppp.ipv6.is_some() && ppp.resolv_conf.is_none());
        assert!(ppp.keepalive.is_some() && ppp.idle.is_none() && ppp.session.is_none());
    }

    #[test]
    fn wishes_are_read() {
        let ppp = read(&format!(
            "{WHO}callback = \"555 0199\"\ncallback_by = \"either\"\ncallback_required = true\n\
             callback_delay = \"5s\"\npap = true\nserver_proves = true\nmtu = 576\necho = \"0s\"\n\
             idle = \"10m\"\ndefault_route = true\nipv6 = false\nroute_metric = 50\nroutes = [\"192.0.2.0/24\"]\n"
        ))
        .unwrap();
        let callback = ppp.callback.as_ref().unwrap();
        assert_eq!(callback.number, Some(Number::from("555 0199")));
        assert_eq!((callback.by, callback.delay), (By::Either, 5));
        assert_eq!(callback.otherwise, Otherwise::GiveUp);
        assert_eq!(ppp.methods().last(), Some(&Method::Pap));
        let routes: Vec<_> = ppp.routes.iter().map(ToString::to_string).collect();
        assert_eq!(routes, ["0.0.0.0/0", "192.0.2.0/24"]);
        assert!(ppp.routes.iter().all(|route| route.metric == Some(50)));
        assert_eq!((ppp.keepalive, ppp.idle), (None, Some(Duration::from_secs(600))));
        assert!(read(&format!("{WHO}mtu = 576\n")).unwrap().ipv6.is_none(), "it would not fit");
        let ppp = read(&format!("{WHO}callback = \"admin\"\n")).unwrap();
        assert_eq!(ppp.callback.unwrap().number, None);
    }

    #[test]
    fn each_fault_is_told_with_its_cure() {
        let rows = [
            ("name = \"alice\"\n", "no password: password_file, ask_password or secrets"),
            ("password_file = \"/x\"\n", "no name: say who we are"),
            ("ask_password = true\nsecrets = \"/x\"\nname = \"a\"\n", "choose one"),
            ("callback = \"home\"\n", "\"home\" is no number: write digits, or \"admin\""),
            ("callback = \"1\\u0007\"\n", "not printable ASCII"),
            ("callback_required = true\n", "no callback: give the number, or callback = \"admin\""),
            ("callback = \"1\"\ncallback_by = \"mail\"\n", "cbcp, option-13 or either"),
            ("callback = \"1\"\ncallback_delay = \"5m\"\n", "longer than 255s"),
            ("address = \"10.9\"\n", "\"10.9\" is no IPv4 address"),
            ("mtu = 68\n", "ppp.mtu: less than 128 octets"),
            ("routes = [\"192.0.2.7/24\"]\n", "has bits beyond its 24"),
            ("routes = [\"192.0.2.0\"]\n", "write it like 192.0.2.0/24"),
            ("routes = [\"192.0.2.0/33\"]\n", "is no network"),
            ("interface = \"a/b\"\n", "is no name"),
            ("interface = \"ppp%s\"\n", "write %d where the number shall be"),
            ("ipv4 = false\nipv6 = false\n", "nothing could be carried"),
            ("mru = 576\nipv6 = true\n", "IPv6 needs an mtu and an mru of 1280"),
            ("ip_up = \"ip-up\"\n", "ppp.ip_up: not a path from the root"),
            ("dns = true\n", "unknown field `dns`"),
        ];
        for (section, words) in rows {
            let who = if section.contains("name =") || section.contains("password_file") {
                ""
            } else {
                WHO
            };
            let told = read(&format!("{who}{section}")).unwrap_err();
            assert!(told.contains(words), "{section}: {told}");
        }
    }
}
