//! The keys of `[ppp]` that say what network a caller gets: addresses, servers, limits, scripts, and who
//! carries the packets.
//!
//! It does not know which address is given to whom (`pool`), nor when a link ends (`service::network`).

use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use super::decode::{Placed, Table, preset};
use super::keys::{self, Key};
use super::sections::Draft as Whole;
use super::values::Fault;
use crate::diagnostic::Diagnostic;

type Faults = Vec<Diagnostic>;

/// The most addresses in all ranges together: a /16. Each that was ever given out is remembered with its
/// user.
pub const MAX_ADDRESSES: u32 = 65_536;

/// IPv6 does not run over less (RFC 8200 §5).
const LEAST_FOR_IPV6: u16 = 1280;

/// What network a caller gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Our address on every call; `None`: no IPv4.
    pub local: Option<Ipv4Addr>,
    /// Addresses for callers, in the order in which they are first given.
    pub pool: Vec<AddressRange>,
    /// Who carries the packets, where the line does not say otherwise.
    pub backend: Backend,
    /// The interface's name, or a pattern with one `%d`.
    pub interface: String,
    /// DNS servers for a caller that asks, at most two.
    pub dns: Vec<Ipv4Addr>,
    /// NetBIOS name servers for a caller that asks, at most two.
    pub wins: Vec<Ipv4Addr>,
    /// The longest packet to a caller, in octets; less if he takes less.
    pub mtu: u16,
    /// The longest packet from a caller, in octets.
    pub mru: u16,
    /// How long nothing but echo requests may pass; `None`: for ever.
    pub idle_limit: Option<Duration>,
    /// How long a caller may have a network; `None`: for ever.
    pub session_limit: Option<Duration>,
    /// Time from one echo request to the next; `None` sends none.
    pub echo_interval: Option<Duration>,
    /// Echo requests that may stay unanswered before the line counts as dead.
    pub echo_failures: u32,
    /// Whether IPv6 is offered.
    pub ipv6: bool,
    /// Whether we answer ARP for callers.
    pub proxy_arp: bool,
    /// Scripts, each run when a protocol has come up or gone down.
    pub scripts: Scripts,
    /// pppd's path.
    pub pppd: PathBuf,
    /// Further words for pppd.
    pub pppd_options: Vec<String>,
}

/// Who carries the packets of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Our own engine, over a TUN device.
    Tun,
    /// pppd, which gets the line and begins anew.
    Pppd,
}

/// What pppd calls ip-up and its kin. Each may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scripts {
    /// IPv4 is up.
    pub ip_up: Option<PathBuf>,
    /// It no longer is.
    pub ip_down: Option<PathBuf>,
    /// IPv6 is up.
    pub ipv6_up: Option<PathBuf>,
    /// It no longer is.
    pub ipv6_down: Option<PathBuf>,
}

/// Addresses from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddressRange {
    first: u32,
    last: u32,
}

impl AddressRange {
    /// Every address, in ascending order.
    pub fn addresses(self) -> impl Iterator<Item = Ipv4Addr> {
        (self.first..=self.last).map(Ipv4Addr::from)
    }

    /// Whether it is among them.
    #[must_use]
    pub fn contains(self, address: Ipv4Addr) -> bool {
        (self.first..=self.last).contains(&u32::from(address))
    }

    /// How many they are.
    #[must_use]
    pub const fn count(self) -> u32 {
        (self.last - self.first).saturating_add(1)
    }

    const fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (Ipv4Addr::from(self.first), Ipv4Addr::from(self.last));
        if first == last { write!(f, "{first}") } else { write!(f, "{first}-{last}") }
    }
}

/// The network and where its parts were written.
pub(super) struct Draft {
    pub(super) network: Network,
    local_at: Option<std::ops::Range<usize>>,
    pool: Vec<Placed<AddressRange>>,
    mtu_at: Option<std::ops::Range<usize>>,
    mru_at: Option<std::ops::Range<usize>>,
}

/// An address that a host can have.
pub(super) fn address(text: &str) -> Result<Ipv4Addr, Fault> {
    let shown = text.escape_debug();
    let address: Ipv4Addr = text.trim().parse().map_err(|_| {
        Fault::new(format!("\"{shown}\" is not an IPv4 address"), "write one like \"10.9.0.1\"")
    })?;
    let odd = address.is_unspecified()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_loopback();
    if odd {
        return Err(Fault::new(
            format!("no host on a network has the address {address}"),
            "write one like \"10.9.0.1\"",
        ));
    }
    Ok(address)
}

fn range(text: &str) -> Result<AddressRange, Fault> {
    let Some((first, last)) = text.split_once('-') else {
        let one = u32::from(address(text)?);
        return Ok(AddressRange { first: one, last: one });
    };
    let (first, last) = (address(first)?, address(last)?);
    if last < first {
        return Err(Fault::new(
            format!("{first}-{last} ends before it begins"),
            format!("write \"{last}-{first}\""),
        ));
    }
    let range = AddressRange { first: first.into(), last: last.into() };
    if range.count() > MAX_ADDRESSES {
        return Err(Fault::new(
            format!("{range} are {} addresses", range.count()),
            format!("{MAX_ADDRESSES} in all are the most"),
        ));
    }
    Ok(range)
}

pub(super) fn backend(text: &str) -> Result<Backend, Fault> {
    match text {
        "tun" => Ok(Backend::Tun),
        "pppd" => Ok(Backend::Pppd),
        _ => Err(Fault::new(
            format!("\"{}\" is no backend", text.escape_debug()),
            "write \"tun\" or \"pppd\"",
        )),
    }
}

/// The longest name of an interface (IFNAMSIZ with its NUL).
const MAX_INTERFACE: usize = 15;

/// How far a pattern is counted: `dialback` and up to this many digits.
const DIGITS: usize = 4;

fn interface(text: &str) -> Result<String, Fault> {
    let fault = |what: &str| {
        let shown = text.escape_debug();
        Fault::new(format!("\"{shown}\" {what}"), "write a name like \"dialback%d\"")
    };
    let fixed = text.replacen("%d", "", 1);
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if fixed.is_empty() || !fixed.bytes().all(letter) || fixed == "." || fixed == ".." {
        return Err(fault("is not the name of an interface"));
    }
    if fixed.len() == text.len() {
        return Err(fault("has no %d: two callers would get one interface"));
    }
    if fixed.len() + DIGITS > MAX_INTERFACE {
        return Err(fault("leaves no room for a number of four digits in 15 characters"));
    }
    Ok(text.to_owned())
}

fn program(text: &str) -> Result<PathBuf, Fault> {
    if !text.starts_with('/') || text.contains('\0') {
        return Err(Fault::new(
            format!("\"{}\" is not an absolute path", text.escape_debug()),
            "begin it with a slash: the server works in /",
        ));
    }
    Ok(PathBuf::from(text))
}

fn option_word(text: &str) -> Result<String, Fault> {
    if text.is_empty() || text.chars().any(|letter| letter.is_control()) {
        return Err(Fault::new("an empty word, or one with control characters", "leave it out"));
    }
    Ok(text.to_owned())
}

/// Zero means none.
fn limit(table: &Table<'_>, key: &Key<Duration>, faults: &mut Faults) -> Option<Duration> {
    Some(table.duration(key, faults).value).filter(|limit| !limit.is_zero())
}

fn servers(
    table: &Table<'_>,
    key: &Key<&'static [&'static str]>,
    faults: &mut Faults,
) -> Vec<Ipv4Addr> {
    let list = table.list_if(key, faults, address).unwrap_or_default();
    if let Some(third) = list.get(2) {
        let at = third.at.clone().unwrap_or_default();
        let message = format!("{}: a third server", key.name);
        let fault = Diagnostic::error(table.source, at, message);
        faults.push(fault.hint("PPP can name two"));
    }
    list.into_iter().map(|server| server.value).take(2).collect()
}

fn octets(table: &Table<'_>, key: &Key<u32>, faults: &mut Faults) -> Placed<u16> {
    let count = table.count(key, faults);
    Placed { value: u16::try_from(count.value).unwrap_or(u16::MAX), at: count.at }
}

/// The keys of the network in `[ppp]`.
pub(super) fn read(table: &Table<'_>, faults: &mut Faults) -> Draft {
    let local = table.parsed_if(&keys::PPP_LOCAL, faults, address);
    let pool = table.list_if(&keys::PPP_POOL, faults, range).unwrap_or_default();
    let path = |key, faults: &mut Faults| table.parsed_if(key, faults, program).map(|p| p.value);
    let mtu = octets(table, &keys::PPP_MTU, faults);
    let mru = octets(table, &keys::PPP_MRU, faults);
    let network = Network {
        local: local.as_ref().map(|local| local.value),
        pool: pool.iter().map(|range| range.value).collect(),
        backend: table
            .parsed_if(&keys::PPP_BACKEND, faults, backend)
            .map_or(Backend::Tun, |backend| backend.value),
        interface: table.text(&keys::PPP_INTERFACE, faults, interface).value,
        dns: servers(table, &keys::PPP_DNS, faults),
        wins: servers(table, &keys::PPP_WINS, faults),
        mtu: mtu.value,
        mru: mru.value,
        idle_limit: limit(table, &keys::PPP_IDLE_LIMIT, faults),
        session_limit: limit(table, &keys::PPP_SESSION_LIMIT, faults),
        echo_interval: limit(table, &keys::PPP_ECHO_INTERVAL, faults),
        echo_failures: table.count(&keys::PPP_ECHO_FAILURES, faults).value,
        ipv6: table.flag(&keys::PPP_IPV6, faults).value,
        proxy_arp: table.flag(&keys::PPP_PROXY_ARP, faults).value,
        scripts: Scripts {
            ip_up: path(&keys::PPP_IP_UP, faults),
            ip_down: path(&keys::PPP_IP_DOWN, faults),
            ipv6_up: path(&keys::PPP_IPV6_UP, faults),
            ipv6_down: path(&keys::PPP_IPV6_DOWN, faults),
        },
        pppd: path(&keys::PPP_PPPD, faults).unwrap_or_else(|| preset(&keys::PPP_PPPD, "").into()),
        pppd_options: table
            .list_if(&keys::PPP_PPPD_OPTIONS, faults, option_word)
            .unwrap_or_default()
            .into_iter()
            .map(|word| word.value)
            .collect(),
    };
    let local_at = local.and_then(|local| local.at);
    Draft { network, local_at, pool, mtu_at: mtu.at, mru_at: mru.at }
}

/// What must go together.
pub(super) fn check(draft: &Whole, faults: &mut Faults) {
    let Some(ppp) = &draft.ppp else { return check_without(draft, faults) };
    let Draft { network, local_at, pool, mtu_at, mru_at } = &ppp.network;
    let mut fault = |at: Option<&std::ops::Range<usize>>, message: String, hint: &str| {
        let Some(at) = at else { return };
        faults.push(Diagnostic::error(&draft.source, at.clone(), message).hint(hint));
    };
    let written = |name: &str| ppp.written.iter().any(|key| key == name);
    if let (None, Some(first)) = (network.local, pool.first())
        && !written(keys::PPP_LOCAL.name)
    {
        let message = "addresses for callers, and none for ourselves".to_owned();
        fault(first.at.as_ref(), message, "write local = \"10.9.0.1\"");
    }
    let mut all = 0_u32;
    for (index, range) in pool.iter().enumerate() {
        all = all.saturating_add(range.value.count());
        if let Some(twice) = pool.iter().take(index).find(|r| r.value.overlaps(range.value)) {
            let message = format!("{} is in {} already", range.value, twice.value);
            fault(range.at.as_ref(), message, "let each address stand once");
        } else if all > MAX_ADDRESSES {
            let message = format!("{all} addresses with these");
            fault(range.at.as_ref(), message, "65536 in all are the most");
        }
    }
    for (at, octets) in [(mtu_at, network.mtu), (mru_at, network.mru)] {
        if network.ipv6 && octets < LEAST_FOR_IPV6 {
            let message = format!("{octets} octets are too few for IPv6");
            fault(at.as_ref(), message, "write 1280 or more, or ipv6 = false");
        }
    }
    for (index, user) in draft.users.iter().enumerate() {
        let Some(address) = user.user.address else { continue };
        let at = user.address_at.as_ref();
        let mut fault = |at: Option<&std::ops::Range<usize>>, message: String, hint: &str| {
            let Some(at) = at else { return };
            faults.push(Diagnostic::error(&user.source, at.clone(), message).hint(hint));
        };
        let others = draft.users.iter().take(index);
        if let Some(twin) = others.clone().find(|other| other.user.address == Some(address)) {
            let message = format!("{address} is the address of {} already", twin.user.name);
            fault(at, message, "give each user his own");
        }
        if network.local == Some(address) {
            let message = format!("{address} is our own address");
            fault(at, message, "give the user another");
        } else if network.local.is_none() && local_at.is_none() && !written(keys::PPP_LOCAL.name) {
            let message = "an address for a user, and none for ourselves".to_owned();
            fault(at, message, "write local = \"10.9.0.1\" into [ppp]");
        }
    }
}

/// Without `[ppp]` there is no network that a line or a user could have.
fn check_without(draft: &Whole, faults: &mut Faults) {
    let lines = draft.lines.iter().map(|line| (&draft.source, line.backend_at.as_ref()));
    let users = draft.users.iter().map(|user| (&user.source, user.address_at.as_ref()));
    let secrets = draft.users.iter().filter(|user| user.user.credentials.ppp.is_some());
    let secrets = secrets.map(|user| (&user.source, user.ppp_secret_at.as_ref()));
    for (source, at) in lines.chain(users).chain(secrets) {
        let Some(at) = at else { continue };
        let message = "this needs [ppp], and there is none";
        let fault = Diagnostic::error(source, at.clone(), message);
        faults.push(fault.hint("write [ppp] with secrets = \"chap-secrets\""));
    }
}
