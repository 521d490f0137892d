//! The tables `[[line]]` of dialback.toml, each with the places of what is checked later on. It does not
//! know what lines must have in common, nor what refers to them: that is [`super::check`].

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use proto::dial::PhoneNumber;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::decode::{Placed, Table, preset};
use super::keys::{self, Section};
use super::sections::{SECTIONS, Whole};
use super::values::{self, Fault};
use super::{Callback, Direction, HoldBy, Line, LineService, PortSpec, WORST_HOLD};
use super::{modem, network, site};
use crate::diagnostic::{Diagnostic, Source};

/// A line and where its parts were written.
pub(super) struct LineDraft {
    pub(super) line: Line,
    pub(super) name_at: Range<usize>,
    pub(super) port_at: Range<usize>,
    pub(super) groups: Vec<Placed<String>>,
    pub(super) rings_at: Option<Range<usize>>,
    pub(super) hold_time_at: Option<Range<usize>>,
    pub(super) dtr_hangup_at: Option<Range<usize>>,
    pub(super) blind: Option<Range<usize>>,
    pub(super) service_at: Option<Range<usize>>,
    pub(super) backend_at: Option<Range<usize>>,
    pub(super) dial_plan_at: Option<Range<usize>>,
}

impl LineDraft {
    pub(super) fn answers(&self) -> bool {
        match self.line.direction {
            Direction::Answer | Direction::Both => true,
            Direction::Originate => false,
        }
    }

    pub(super) fn originates(&self) -> bool {
        match self.line.direction {
            Direction::Originate | Direction::Both => true,
            Direction::Answer => false,
        }
    }
}

/// Reads every table; `None` stands for one that could not be read.
pub(super) fn lines(
    source: &Arc<Source>,
    tree: &DeTable<'_>,
    whole: Whole,
    named: (&modem::Profiles, &site::Plans),
    callback: &Callback,
    faults: &mut Vec<Diagnostic>,
) -> Vec<Option<LineDraft>> {
    let Some(value) = tree.get("line") else {
        let misspelt = |(key, _): (&Spanned<_>, _)| {
            let key: &Spanned<std::borrow::Cow<'_, str>> = key;
            values::nearest(key.get_ref(), SECTIONS) == Some("line")
        };
        if whole == Whole::Yes && !tree.iter().any(misspelt) {
            // As a package installs it: the server runs, and says that it waits for one.
            let message = "a configuration without [[line]]: nobody can call";
            let fault = Diagnostic::warning_of_file(source, message);
            let hint = "write [[line]] with name = \"main\" and port = \"/dev/ttyUSB0\"";
            faults.push(fault.hint(hint));
        }
        return Vec::new();
    };
    let DeValue::Array(tables) = value.get_ref() else {
        let fault = Diagnostic::error(source, value.span(), "line must be a list of tables");
        faults.push(fault.hint("begin each line with [[line]], in double brackets"));
        return Vec::new();
    };
    tables
        .iter()
        .map(|table| {
            let table = Table::new(source, Section::Line, table, faults)?;
            if whole == Whole::Yes {
                table.required(&keys::NAME, faults);
                table.required(&keys::PORT, faults);
            }
            line(&table, named, callback, faults)
        })
        .collect()
}

fn direction(text: &str) -> Result<Direction, Fault> {
    match text {
        "answer" => Ok(Direction::Answer),
        "originate" => Ok(Direction::Originate),
        "both" => Ok(Direction::Both),
        _ => Err(Fault::new(
            format!("\"{text}\" is no direction"),
            "write \"answer\", \"originate\" or \"both\"",
        )),
    }
}

fn line_service(text: &str) -> Result<LineService, Fault> {
    match text {
        "login" => Ok(LineService::Login),
        "ppp" => Ok(LineService::Ppp),
        _ => Err(Fault::new(
            format!("\"{}\" is no service", text.escape_debug()),
            "write \"login\" or \"ppp\"",
        )),
    }
}

fn own_number(text: &str) -> Result<PhoneNumber, Fault> {
    PhoneNumber::configured(text).map_err(|fault| {
        Fault::new(
            format!("\"{}\": {fault}", text.escape_debug()),
            "write the line's number, like \"5550100\"",
        )
    })
}

/// The modem of the line's key `modem`, or the one that such a port usually has.
fn modem_of(
    table: &Table<'_>,
    profiles: &modem::Profiles,
    port: Option<&PortSpec>,
    faults: &mut Vec<Diagnostic>,
) -> Option<modem::Draft> {
    let profile = match port {
        Some(PortSpec::Tcp { .. }) => modem::NETWORK,
        Some(PortSpec::Tty(_) | PortSpec::Rfc2217 { .. } | PortSpec::Sim(_)) | None => {
            modem::GENERIC
        }
    };
    table
        .get("modem")
        .and_then(|value| modem::modem(table.source, value, profiles, profile, faults))
        .or_else(|| profiles.get(profile).cloned())
}

fn line(
    table: &Table<'_>,
    named: (&modem::Profiles, &site::Plans),
    callback: &Callback,
    faults: &mut Vec<Diagnostic>,
) -> Option<LineDraft> {
    let (profiles, plans) = named;
    table.unknown_keys(faults);
    let dial_plan = site::line_plan(table, plans, faults);
    let name = table.parsed_if(&keys::NAME, faults, values::name);
    let port = table.parsed_if(&keys::PORT, faults, values::port);
    let speed = table.speed_if(&keys::SPEED, faults);
    let number = table.parsed_if(&keys::NUMBER, faults, own_number);
    let groups = table.list_if(&keys::GROUP, faults, values::name).unwrap_or_default();
    let rings = table.count(&keys::RINGS, faults);
    let hold_time = table.duration_if(&keys::HOLD_TIME, faults);
    let direction = table.parsed_if(&keys::DIRECTION, faults, direction);
    let service = table.parsed_if(&keys::LINE_SERVICE, faults, line_service);
    let backend = table.parsed_if(&keys::LINE_BACKEND, faults, network::backend);
    let hardware_flow = table.flag(&keys::HARDWARE_FLOW, faults).value;
    let modem::Draft { modem, dtr_hangup_at, blind } =
        modem_of(table, profiles, port.as_ref().map(|port| &port.value), faults)?;
    let (name, port) = (name?, port?);
    let soonest_connect = match port.value {
        PortSpec::Tcp { .. } => Duration::ZERO,
        PortSpec::Tty(_) | PortSpec::Rfc2217 { .. } | PortSpec::Sim(_) => callback.soonest_connect,
    };
    let dtr = dtr_hangup_at.is_some() || !matches!(port.value, PortSpec::Tcp { .. });
    Some(LineDraft {
        line: Line {
            name: name.value,
            port: port.value,
            speed: speed.map_or(preset(&keys::SPEED, 0), |speed| speed.value),
            hardware_flow,
            number: number.map(|number| number.value),
            direction: direction.map_or(Direction::Both, |direction| direction.value),
            groups: groups.iter().map(|group| group.value.clone()).collect(),
            rings: rings.value,
            // Bare TCP carries no DTR.
            modem: super::Modem {
                dtr_hangup: modem.dtr_hangup && dtr,
                blind: blind.is_some(),
                ..modem
            },
            hold_by: hold_time.as_ref().map_or(HoldBy::Unknown, |_| HoldBy::Written),
            hold_time: hold_time.as_ref().map_or(WORST_HOLD, |hold_time| hold_time.value),
            hold_jitter: callback.jitter,
            soonest_connect,
            service: service.as_ref().map_or(LineService::Login, |service| service.value),
            backend: backend.as_ref().map(|backend| backend.value),
            dial_plan: dial_plan.as_ref().map(|plan| plan.value.clone()),
        },
        name_at: name.at.unwrap_or_default(),
        port_at: port.at.unwrap_or_default(),
        groups,
        rings_at: rings.at,
        hold_time_at: hold_time.and_then(|hold_time| hold_time.at),
        dtr_hangup_at,
        blind,
        service_at: service.and_then(|service| service.at),
        backend_at: backend.and_then(|backend| backend.at),
        dial_plan_at: dial_plan.and_then(|plan| plan.at),
    })
}
