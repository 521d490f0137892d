//! The town of a rehearsal: the server's lines on simulated modems, the caller, and nobody else.

use std::collections::BTreeMap;
use std::time::Duration;

use calls::config::{Action, Config, Direction, PortSpec};
use calls::vocabulary::Event;

use super::{Script, Setup};
use crate::modem::registers::Profile;
use crate::town::{Equipment, HuntNumber, ModemSpec, Station, Town};
use crate::world::{Door, Fact, ProgramKind, Scene, World};

/// The caller's station. No line of a configuration can have this name: it has a blank.
pub const CALLER: &str = "the caller";
/// The caller's number as long as nobody says otherwise: the usual fiction.
const CALLER_NUMBER: &str = "5550199";

/// Everything that the world is made of.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) config: Config,
    pub(super) scene: Scene,
    pub(super) caller_number: String,
    /// What the script dials, as far as can be told before.
    pub(super) dials: String,
    /// The number dialled is taken for the server's, though the configuration has others.
    pub(super) taken_for_ours: Option<String>,
}

impl Stage {
    pub(super) fn new(setup: &Setup, caller_number: Option<&str>) -> Self {
        let caller_number = digits(caller_number.unwrap_or(CALLER_NUMBER));
        let config = on_simulated_ports(setup.config.clone());
        let mut stations = vec![Station::modem(CALLER, &caller_number)];
        let mut answering = Vec::new();
        let mut numbers = Vec::new();
        for (index, line) in config.lines.iter().enumerate() {
            let own = line.number.as_ref().map(|number| digits(number.as_str()));
            // A number that nobody has: no line is reached by it, so it only must not be anybody's.
            let number = own.clone().unwrap_or_else(|| format!("{:010}", 1_999_000_000 + index));
            let mut station = Station::modem(&line.name, &number);
            let profile = Profile::that_knows(line.modem.profile.name);
            station.equipment =
                Equipment::Modem(Box::new(ModemSpec { profile, ..ModemSpec::default() }));
            stations.push(station);
            if line.direction != Direction::Originate {
                answering.push(line.name.clone());
                numbers.extend(own);
            }
        }
        let wanted = match &setup.script {
            Script::Chat { script, options, .. } => dialled_by(script, options),
            Script::Scp { .. } => setup.server_number.as_deref().map(digits),
        };
        let dials =
            wanted.or_else(|| numbers.first().cloned()).unwrap_or_else(|| "5550100".to_owned());
        let strange = !numbers.contains(&dials);
        let mut town = Town::of(stations);
        if strange {
            town.hunt_numbers = vec![HuntNumber { number: dials.clone(), stations: answering }];
        }
        let control_lines =
            setup.config.lines.iter().any(|line| !matches!(line.port, PortSpec::Tcp { .. }));
        let scene = Scene {
            town,
            seed: setup.seed,
            control_lines,
            store_delay: Duration::from_millis(5),
            programs: programs(setup),
        };
        let taken_for_ours = (strange && !numbers.is_empty()).then(|| numbers.join(", "));
        Self { config, scene, caller_number, dials, taken_for_ours }
    }
}

fn on_simulated_ports(mut config: Config) -> Config {
    for line in &mut config.lines {
        line.port = PortSpec::Sim(line.name.clone());
    }
    config
}

/// What stands behind each path of login.config.
fn programs(setup: &Setup) -> BTreeMap<std::path::PathBuf, ProgramKind> {
    let mut programs = BTreeMap::new();
    for entry in &setup.config.entries {
        let Action::Program { path, .. } = &entry.action else { continue };
        let base = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let kind = if base == "login" {
            let credentials = setup.login.clone().map(|(user, password)| (user, password.0));
            ProgramKind::Login(Door { credentials, prompt: setup.shell_prompt.clone() })
        } else {
            ProgramKind::Announces(base.into_owned())
        };
        programs.insert(path.clone(), kind);
    }
    programs
}

/// The digits of a number, as an exchange hears them.
pub(super) fn digits(number: &str) -> String {
    number.chars().filter(|c| c.is_ascii_digit() || matches!(c, '*' | '#')).collect()
}

/// What a chat script dials first, if it can be told from its text.
fn dialled_by(script: &proto::chat::Script, options: &proto::chat::Options) -> Option<String> {
    script.tokens().iter().find_map(|token| {
        let text = String::from_utf8_lossy(&token.text).to_ascii_uppercase();
        let command = text.strip_prefix("AT")?;
        // `&D2` is about DTR.
        let (at, _) = command.match_indices('D').find(|(at, _)| {
            let before = at.checked_sub(1).and_then(|before| command.as_bytes().get(before));
            !matches!(before, Some(b'&' | b'+' | b'#' | b'%' | b'*'))
        })?;
        let rest = command.get(at + 1..)?;
        let phone = |number: &Option<Vec<u8>>| {
            String::from_utf8_lossy(number.as_deref().unwrap_or_default()).into_owned()
        };
        let rest = rest
            .replace("\\T", &phone(&options.phone))
            .replace("\\U", &phone(&options.second_phone));
        Some(digits(&rest)).filter(|digits| digits.len() > 1)
    })
}

/// Waits until the server's lines are ready.
pub(super) fn set_up(world: &mut World, most_ms: u64) -> Result<(), String> {
    let mut faults = BTreeMap::new();
    while world.ms() < most_ms {
        let next = world.ms() + 500;
        world.run_until(next);
        let mut ready = 0;
        for taped in world.tape() {
            let Fact::Journal(entry) = &taped.fact else { continue };
            #[expect(clippy::wildcard_enum_match_arm, reason = "the others say nothing of lines")]
            match &entry.event {
                Event::LineReady { line } => {
                    ready += 1;
                    faults.remove(line);
                }
                Event::LineFaulted { line, reason, .. } => {
                    faults.insert(line.clone(), reason.clone());
                }
                _ => {}
            }
        }
        if ready > 0 && faults.is_empty() && next > 10_000 {
            return Ok(());
        }
    }
    let faults: Vec<String> =
        faults.iter().map(|(line, reason)| format!("line {line}: {reason}")).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}
