//! pppd's options on a server: which have a key of ours, which need none, and which only pppd itself can do.
//!
//! It does not know where the options stand: words and their places are handed in.

use std::net::Ipv4Addr;

use super::Place;

/// What becomes of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The built-in PPP does it, or has no use for it.
    Ours,
    /// Only pppd can do it: the entry stays with pppd.
    Pppds(&'static str),
}

/// Options, how many values they take, and what becomes of them.
const OPTIONS: &[(&str, usize, Fate)] = &[
    ("asyncmap", 1, Fate::Ours),
    ("auth", 0, Fate::Ours),
    ("bsdcomp", 1, Fate::Ours),
    ("call", 1, Fate::Pppds("options in a file of their own")),
    ("connect", 1, Fate::Pppds("it dials by itself")),
    ("crtscts", 0, Fate::Ours),
    ("debug", 0, Fate::Ours),
    ("default-asyncmap", 0, Fate::Ours),
    ("-am", 0, Fate::Ours),
    ("defaultroute", 0, Fate::Pppds("it makes the caller our way to the Internet")),
    ("deflate", 1, Fate::Ours),
    ("-detach", 0, Fate::Ours),
    ("nodetach", 0, Fate::Ours),
    ("escape", 1, Fate::Pppds("octets that the line does not pass")),
    ("hide-password", 0, Fate::Ours),
    ("ipparam", 1, Fate::Pppds("a parameter for scripts")),
    ("ipcp-accept-local", 0, Fate::Pppds("the caller decides our address")),
    ("ipcp-accept-remote", 0, Fate::Pppds("the caller decides his address")),
    ("ktune", 0, Fate::Ours),
    ("lcp-max-configure", 1, Fate::Ours),
    ("lcp-restart", 1, Fate::Ours),
    ("local", 0, Fate::Pppds("the carrier is not watched")),
    ("lock", 0, Fate::Ours),
    (
        "login",
        0,
        Fate::Pppds("passwords are those of the system's users (PAM), which only pppd asks"),
    ),
    ("logfile", 1, Fate::Ours),
    ("modem", 0, Fate::Ours),
    ("netmask", 1, Fate::Ours),
    (
        "noauth",
        0,
        Fate::Pppds("everybody is let in without a password, which the built-in PPP does not do"),
    ),
    ("nobsdcomp", 0, Fate::Ours),
    ("nodeflate", 0, Fate::Ours),
    ("nodefaultroute", 0, Fate::Ours),
    ("noipx", 0, Fate::Ours),
    ("noipv6", 0, Fate::Ours),
    ("nopersist", 0, Fate::Ours),
    ("novj", 0, Fate::Ours),
    ("novjccomp", 0, Fate::Ours),
    ("passive", 0, Fate::Ours),
    ("plugin", 1, Fate::Pppds("a plugin of pppd's")),
    ("refuse-chap", 0, Fate::Ours),
    ("refuse-eap", 0, Fate::Ours),
    ("refuse-mschap", 0, Fate::Ours),
    ("refuse-mschap-v2", 0, Fate::Ours),
    ("refuse-pap", 0, Fate::Ours),
    ("-chap", 0, Fate::Ours),
    ("-pap", 0, Fate::Ours),
    ("+chap", 0, Fate::Ours),
    ("+pap", 0, Fate::Ours),
    ("require-chap", 0, Fate::Ours),
    ("require-mschap-v2", 0, Fate::Ours),
    ("require-pap", 0, Fate::Ours),
    ("require-mppe", 0, Fate::Pppds("encryption by MPPE")),
    ("require-mppe-128", 0, Fate::Pppds("encryption by MPPE")),
    ("silent", 0, Fate::Ours),
    ("usehostname", 0, Fate::Ours),
];

/// What all options of a server come to.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) local: Option<Ipv4Addr>,
    pub(super) pool: Vec<Ipv4Addr>,
    pub(super) dns: Vec<Ipv4Addr>,
    pub(super) wins: Vec<Ipv4Addr>,
    pub(super) mtu: Option<u64>,
    pub(super) mru: Option<u64>,
    pub(super) idle_s: Option<u64>,
    pub(super) session_s: Option<u64>,
    pub(super) echo_s: Option<u64>,
    pub(super) echo_failures: Option<u64>,
    pub(super) proxy_arp: bool,
    pub(super) ipv6: bool,
    /// Our name in the secrets files.
    pub(super) name: Option<String>,
    /// What keeps the built-in PPP away: where, what, why.
    pub(super) blockers: Vec<(Place, String, String)>,
}

impl Wanted {
    /// Takes the words of one file or entry.
    pub(super) fn take(&mut self, words: Vec<(Place, String)>) {
        let mut rest = words.into_iter();
        while let Some((place, word)) = rest.next() {
            if self.addresses(&word) {
                continue;
            }
            let known = OPTIONS.iter().find(|(name, ..)| *name == word);
            if let Some((_, values, fate)) = known {
                let values: Vec<String> =
                    rest.by_ref().take(*values).map(|(_, value)| value).collect();
                if let Fate::Pppds(why) = fate {
                    let what = std::iter::once(word).chain(values).collect::<Vec<_>>().join(" ");
                    self.blockers.push((place, what, (*why).to_owned()));
                }
                continue;
            }
            if matches!(word.as_str(), "proxyarp" | "noproxyarp" | "+ipv6") {
                self.proxy_arp = word == "proxyarp" || self.proxy_arp && word != "noproxyarp";
                self.ipv6 |= word == "+ipv6";
                continue;
            }
            if word.starts_with("ipx") || word.starts_with("tty") || word.starts_with("/dev/") {
                continue;
            }
            if word.parse::<u32>().is_ok() {
                // The port's speed.
                continue;
            }
            if !self.valued(&word, &mut rest) {
                self.blockers.push((place, word, "an option without a key here".to_owned()));
            }
        }
    }

    /// `10.0.0.1:10.0.0.2`, with either side left out.
    fn addresses(&mut self, word: &str) -> bool {
        let Some((local, remote)) = word.split_once(':') else { return false };
        let parsed = |text: &str| text.parse::<Ipv4Addr>();
        let right = (local.is_empty() || parsed(local).is_ok())
            && (remote.is_empty() || parsed(remote).is_ok())
            && word != ":";
        if right {
            self.local = self.local.or_else(|| parsed(local).ok());
            self.pool.extend(parsed(remote).ok().filter(|remote| !self.pool.contains(remote)));
        }
        right
    }

    /// Options with a value that has a key; `false`: not one of them.
    fn valued(&mut self, word: &str, rest: &mut impl Iterator<Item = (Place, String)>) -> bool {
        let mut value = || rest.next().map(|(_, value)| value).unwrap_or_default();
        match word {
            "ms-dns" => self.dns.extend(value().parse::<Ipv4Addr>()),
            "ms-wins" => self.wins.extend(value().parse::<Ipv4Addr>()),
            "mtu" => self.mtu = value().parse().ok(),
            "mru" => self.mru = value().parse().ok(),
            "idle" => self.idle_s = value().parse().ok(),
            "maxconnect" => self.session_s = value().parse().ok(),
            "lcp-echo-interval" => self.echo_s = value().parse().ok(),
            "lcp-echo-failure" => self.echo_failures = value().parse().ok(),
            "name" => self.name = Some(value()),
            _ => return false,
        }
        true
    }
}
