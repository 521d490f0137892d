//! The one ordered queue of a link's outputs.
//!
//! Octets for the line that follow each other are one output. The queue is bounded: an owner that feeds
//! without draining loses packets, as on any line, and the protocols recover by their timers.

use std::collections::VecDeque;

use super::output::Output;
use crate::framing::Framing;
use crate::protocol::Protocol;

/// Octets that may wait: far more than one `receive` of a sensible size can cause.
const MAX_WAITING: usize = 1 << 20;

/// What an output costs besides its octets.
const OVERHEAD: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: VecDeque<Output>,
    waiting: usize,
}

impl Outbox {
    pub(super) fn is_full(&self) -> bool {
        self.waiting >= MAX_WAITING
    }

    /// Frames a packet for the line, unless too much is waiting.
    pub(super) fn send(&mut self, framing: Framing, protocol: Protocol, information: &[u8]) {
        if self.is_full() {
            return;
        }
        let framing = framing.for_packet(protocol, information);
        if let Some(Output::Send(octets)) = self.queue.back_mut() {
            let before = octets.len();
            framing.encode(protocol, information, octets);
            self.waiting += octets.len() - before;
        } else {
            let mut octets = Vec::new();
            framing.encode(protocol, information, &mut octets);
            self.push(Output::Send(octets));
        }
    }

    /// Queues what a peer can cause at will, unless too much is waiting.
    pub(super) fn push_droppable(&mut self, output: Output) {
        if !self.is_full() {
            self.push(output);
        }
    }

    pub(super) fn push(&mut self, output: Output) {
        self.waiting += cost(&output);
        self.queue.push_back(output);
    }

    pub(super) fn pop(&mut self) -> Option<Output> {
        let output = self.queue.pop_front()?;
        self.waiting = self.waiting.saturating_sub(cost(&output));
        Some(output)
    }
}

fn cost(output: &Output) -> usize {
    let octets = match output {
        Output::Send(octets) | Output::Packet(octets) | Output::Identified(octets) => octets.len(),
        Output::Phase(_)
        | Output::Verify { .. }
        | Output::AskSecret { .. }
        | Output::AskCallback { .. }
        | Output::ApproveCallback { .. }
        | Output::CallbackAgreed(_)
        | Output::CallbackWithdrawn(_)
        | Output::Ipv4Up(_)
        | Output::Ipv4Down
        | Output::Ipv6Up(_)
        | Output::Ipv6Down
        | Output::TimeRemaining(_)
        | Output::Down(_) => 0,
    };
    octets + OVERHEAD
}
