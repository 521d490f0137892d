//! `ip_up` and `ip_down`: commands that are told of the network, with pppd's arguments and environment (pppd(8),
//! SCRIPTS), so that those which were written for it run unchanged.
//!
//! They run one after the other, beside the session; at the end the last of them is waited for. IPv6 has its
//! addresses in `LLLOCAL` and `LLREMOTE`; `FAMILY`, which pppd has not, tells a command of both what it is about.
//!
//! It does not know what they do.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use calls::vocabulary::Script;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::task::JoinHandle;

use crate::network::script;

/// The commands may take so long after the call's end.
const END_TIME: Duration = Duration::from_secs(10);

/// Where commands find programs: what pppd gives them.
const PATH: &str = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";

/// Which network a command is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Ipv4,
    Ipv6,
}

/// What it is told.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) family: Family,
    /// Our address and the other end's.
    pub(super) ends: (&'a str, &'a str),
    pub(super) dns: &'a [Ipv4Addr],
}

/// The call that the network belongs to.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The modem's port.
    pub(super) device: String,
    /// Between us and it, in bit/s.
    pub(super) speed: u32,
    /// The name that we prove.
    pub(super) name: String,
}

/// How much has passed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Passed {
    pub(super) sent: u64,
    pub(super) received: u64,
}

/// What `ip_up` was told of a network, and when.
#[derive(Debug)]
struct Told {
    family: Family,
    args: Vec<String>,
    env: Vec<(String, String)>,
    since: Instant,
}

/// The commands of a session.
#[derive(Debug)]
pub(super) struct Scripts {
    up: Option<PathBuf>,
    down: Option<PathBuf>,
    interface: String,
    call: Call,
    /// What `up` was told, until `down` is.
    told: Vec<Told>,
    jobs: Option<UnboundedSender<Script>>,
    runner: JoinHandle<Vec<String>>,
}

impl Scripts {
    /// On the current runtime.
    pub(super) fn new(
        up: Option<PathBuf>,
        down: Option<PathBuf>,
        interface: &str,
        call: Call,
    ) -> Self {
        let (jobs, mut queue) = mpsc::unbounded_channel();
        let runner = tokio::spawn(async move {
            let mut faults = Vec::new();
            while let Some(job) = queue.recv().await {
                faults.extend(run(job).await);
            }
            faults
        });
        let interface = interface.to_owned();
        Self { up, down, interface, call, told: Vec::new(), jobs: Some(jobs), runner }
    }

    /// The network is up.
    pub(super) fn up(&mut self, facts: &Facts<'_>) {
        let (local, remote) = facts.ends;
        let speed = self.call.speed.to_string();
        let args = [&self.interface, &self.call.device, &speed, local, remote];
        let args: Vec<String> = args.into_iter().map(ToOwned::to_owned).collect();
        let (family, own, theirs) = match facts.family {
            Family::Ipv4 => ("ipv4", "IPLOCAL", "IPREMOTE"),
            Family::Ipv6 => ("ipv6", "LLLOCAL", "LLREMOTE"),
        };
        let mut env = vec![
            ("PATH", PATH.to_owned()),
            ("IFNAME", self.interface.clone()),
            ("DEVICE", self.call.device.clone()),
            ("SPEED", speed.clone()),
            ("PPPLOGNAME", self.call.name.clone()),
            ("ORIG_UID", rustix::process::getuid().as_raw().to_string()),
            ("FAMILY", family.to_owned()),
            (own, local.to_owned()),
            (theirs, remote.to_owned()),
        ];
        for (name, server) in ["DNS1", "DNS2"].into_iter().zip(facts.dns) {
            env.push((name, server.to_string()));
        }
        if !facts.dns.is_empty() {
            env.push(("USEPEERDNS", "1".to_owned()));
        }
        let env: Vec<_> = env.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        if let Some(program) = &self.up {
            self.start(program, &args, env.clone());
        }
        self.told.push(Told { family: facts.family, args, env, since: Instant::now() });
    }

    /// It is down, if it was up.
    pub(super) fn down(&mut self, family: Family, passed: Passed) {
        let Some(at) = self.told.iter().position(|told| told.family == family) else { return };
        let Told { args, mut env, since, .. } = self.told.swap_remove(at);
        let Some(program) = self.down.clone() else { return };
        env.extend([
            ("CONNECT_TIME".to_owned(), since.elapsed().as_secs().to_string()),
            ("BYTES_SENT".to_owned(), passed.sent.to_string()),
            ("BYTES_RCVD".to_owned(), passed.received.to_string()),
        ]);
        self.start(&program, &args, env);
    }

    /// Waits for what still runs; what went wrong, for people.
    pub(super) async fn finish(&mut self) -> Vec<String> {
        // The runner ends when it has done all that was asked.
        if self.jobs.take().is_none() {
            return Vec::new();
        }
        match tokio::time::timeout(END_TIME, &mut self.runner).await {
            Ok(Ok(faults)) => faults,
            Ok(Err(e)) => vec![e.to_string()],
            Err(_) => {
                self.runner.abort();
                vec![format!(
                    "ip_up or ip_down still runs after {} s: it is left alone",
                    END_TIME.as_secs()
                )]
            }
        }
    }

    fn start(&self, program: &Path, args: &[String], env: Vec<(String, String)>) {
        let name = program.display().to_string();
        let argv = std::iter::once(name).chain(args.iter().cloned()).collect();
        let script = Script { program: program.to_owned(), argv, env };
        if let Some(jobs) = &self.jobs {
            // The runner lives as long as the queue does.
            drop(jobs.send(script));
        }
    }
}

async fn run(script: Script) -> Option<String> {
    let program = script.program.display().to_string();
    let mut running = Some(script::start(&script));
    script::ended(&mut running).await.err().map(|why| format!("{program}: {why}"))
}
