//! What a run came to, for programs: one line of JSON, the last one on stderr.

use proto::scp::{Parity, PortSetting};
use serde::Serialize;

use crate::out;

/// What became of a script.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    outcome: String,
    line: Option<usize>,
    phase: Option<&'static str>,
    message: Option<String>,
    ipaddr: Option<String>,
    port: Port,
    keyboard: Option<bool>,
}

/// The settings that the script made; what it left alone is left out.
#[derive(Debug, Default, Serialize)]
struct Port {
    #[serde(skip_serializing_if = "Option::is_none")]
    databits: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopbits: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parity: Option<&'static str>,
}

impl Report {
    pub(super) fn new() -> Self {
        Self {
            outcome: "error".to_owned(),
            line: None,
            phase: None,
            message: None,
            ipaddr: None,
            port: Port::default(),
            keyboard: None,
        }
    }

    pub(super) fn address(&mut self, address: String) {
        self.ipaddr = Some(address);
    }

    pub(super) fn port(&mut self, setting: PortSetting) {
        match setting {
            PortSetting::DataBits(bits) => self.port.databits = Some(bits),
            PortSetting::StopBits(bits) => self.port.stopbits = Some(bits),
            PortSetting::Parity(parity) => self.port.parity = Some(Parity::word(parity)),
        }
    }

    pub(super) fn keyboard(&mut self, on: bool) {
        self.keyboard = Some(on);
    }

    pub(super) fn ended(&mut self, outcome: &str, line: usize) {
        outcome.clone_into(&mut self.outcome);
        self.line = Some(line);
    }

    pub(super) fn failed(&mut self, phase: Option<&'static str>, message: &str) {
        "error".clone_into(&mut self.outcome);
        self.phase = phase;
        self.message = Some(message.to_owned());
    }

    /// Writes it.
    pub(super) fn write(&self) {
        match serde_json::to_string(self) {
            Ok(json) => out::error(json),
            Err(e) => out::error(format_args!("dialback: writing JSON: {e}")),
        }
    }
}
