//! Modems: asked where no server has them, and told by the server where it runs.

use calls::config::{Config, Line, PortSpec};
use calls::status::Status;

use super::Findings;
use crate::setup::{self, Found, Told};

/// What a running server says.
pub(super) fn server(status: &Status, findings: &mut Findings) {
    if let Some(fault) = &status.store_fault {
        findings.error(
            "server.storage",
            "the server",
            [fault, "no callback is promised until it is mended", "look at the disk of state_dir"],
        );
    }
    for line in &status.lines {
        let place = format!("line {}", line.line);
        let detail = line.detail.clone().unwrap_or_default();
        match line.state.as_str() {
            "faulted" => findings.error(
                "line.faulted",
                place,
                [
                    &format!("out of order: {detail}"),
                    "it answers nobody",
                    &format!("mend it, then: dialback reset {}", line.line),
                ],
            ),
            "lent" => findings.warning(
                "line.lent",
                place,
                [
                    &format!("another program has it: {detail}"),
                    "it answers nobody meanwhile",
                    "end that program",
                ],
            ),
            "busied-out" | "busying-out" => findings.note(
                "line.busied-out",
                place,
                [
                    "an operator has taken it out of service",
                    "callers find it busy",
                    &format!("dialback restore {}", line.line),
                ],
            ),
            "idle" if line.carrier == Some(true) => carrier_up(place, findings),
            _ => {}
        }
    }
    for raised in &status.alerts {
        let what = format!("{} raised {} times since the start", raised.alert.name(), raised.count);
        findings.warning(
            "server.alert",
            "the server",
            [&what, "somebody should look at it", "dialback log --since 1d"],
        );
    }
}

fn carrier_up(place: String, findings: &mut Findings) {
    findings.error(
        "modem.carrier-stuck",
        place,
        [
            "DCD is up without a call",
            "a lost carrier is not noticed, and a session is left to the next caller",
            "the modem needs AT&C1 (in init); look at the cable if it has it",
        ],
    );
}

/// Asks the modems of all lines at once; not while a server has them.
pub(crate) fn ask(
    config: &Config,
    findings: &mut Findings,
    told: impl Fn(&str, Told<'_>) + Copy + 'static,
) -> Result<(), String> {
    let real = |line: &&Line| !matches!(line.port, PortSpec::Sim(_));
    let lines: Vec<&Line> = config.lines.iter().filter(real).collect();
    let ports = lines.iter().map(|line| (line.name.clone(), line.port.clone())).collect();
    let asked = setup::ask_all(ports, &config.server.lock_dir, told)
        .map_err(|e| format!("the modems can't be asked: {e}"))?;
    for (line, found) in lines.into_iter().zip(asked) {
        one(line, found, findings);
    }
    Ok(())
}

fn one(line: &Line, asked: Found, findings: &mut Findings) {
    let place = format!("line {} ({})", line.name, port_text(&line.port));
    match asked {
        Found::Closed(why) => {
            let told = [why.as_str(), "the line is faulted", "mend that first"];
            findings.error("modem.port", place, told);
        }
        Found::InUse(why) => {
            let told =
                [why.as_str(), "the modem could not be asked", "end that program, and ask again"];
            findings.warning("modem.in-use", place, told);
        }
        Found::Mute => {
            let cure = "is the modem on, the cable right? a terminal program on the port shows whether AT is answered";
            findings.error(
                "modem.mute",
                place,
                ["nothing answers AT, at any speed", "the line is faulted", cure],
            );
        }
        Found::Modem { identity, carrier, lines, .. } => {
            if carrier {
                carrier_up(place.clone(), findings);
            }
            if !lines && matches!(line.port, PortSpec::Tty(_)) {
                let why = "hang-ups are told from the modem's words alone";
                let cure = "a real serial port, or rfc2217://, has them";
                findings.note(
                    "modem.no-signals",
                    place.clone(),
                    ["the port has no control lines", why, cure],
                );
            }
            if let Some(rings) = identity.answers_by_itself {
                let what = format!("S0={rings}: the modem answers by itself");
                let why = "callers are connected with nobody while no server runs; somebody may have stored it";
                let cure = "ATS0=0&W once, with any terminal program; the server sets S0=0 at each use in any case";
                findings.warning("modem.auto-answer", place, [&what, why, cure]);
            }
        }
    }
}

fn port_text(port: &PortSpec) -> String {
    match port {
        PortSpec::Tty(path) => path.display().to_string(),
        PortSpec::Rfc2217 { host, tcp_port } => format!("rfc2217://{host}:{tcp_port}"),
        PortSpec::Tcp { host, tcp_port } => format!("tcp://{host}:{tcp_port}"),
        PortSpec::Sim(name) => format!("sim:{name}"),
    }
}
