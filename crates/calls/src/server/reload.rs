//! A new configuration comes into force: at once for whoever has no call, after the call for the others.
//!
//! Lines are recognised by their names. Promises stay; their lines are looked up by name when they are
//! due. It does not know how the configuration was read, only that it is faultless.

use std::collections::BTreeMap;

use super::{Run, Server};
use crate::config::{self, Config};
use crate::vocabulary::{Event, LineId, Output, Reply};

impl Server {
    /// The new configuration is faulty: nothing changes.
    pub(super) fn reload_refused(&mut self, faults: u32, first: String) {
        let reason = match faults {
            0 | 1 => first.clone(),
            more => format!("{first} (and {} more)", more - 1),
        };
        self.desk.journal(Event::ReloadRefused { faults, first });
        self.answer_reloads(&reason);
    }

    fn answer_reloads(&mut self, reason: &str) {
        for request in std::mem::take(&mut self.reloads) {
            let (rule, reason) = ("configuration".to_owned(), reason.to_owned());
            self.desk.output(Output::Reply(request, Reply::Refused { rule, reason }));
        }
    }

    pub(super) fn reload(&mut self, mut config: Config) {
        if self.run != Run::Serving {
            let reason = "the server is stopping".to_owned();
            return self.answer_reloads(&reason);
        }
        self.stop_measuring("a new configuration is in force");
        self.qualifications.complete(&mut config);
        let lines = u32::try_from(config.lines.len()).unwrap_or(u32::MAX);
        self.pool.configure(&config);
        self.config = config;
        self.desk.journal(Event::Reloaded { lines });
        for request in std::mem::take(&mut self.reloads) {
            self.desk.output(Output::Reply(request, Reply::Done));
        }
        let mut wanted: BTreeMap<String, config::Line> =
            self.config.lines.iter().map(|line| (line.name.clone(), line.clone())).collect();
        for (name, id) in self.names.clone() {
            let next = wanted.remove(&name);
            if next.is_none() {
                // It ends its call under its old name; a line that comes back by then is another one.
                self.names.remove(&name);
            }
            self.on_line(id, |line, desk| line.reconfigure(next, desk));
        }
        for line in self.config.lines.clone() {
            if wanted.contains_key(&line.name) {
                self.add_line(line);
            }
        }
        self.budgets_changed();
        // A line may be free for originating now that was not before.
        let idle: Vec<LineId> = self.names.values().copied().collect();
        for line in idle {
            self.take_facts();
            self.offer(line);
        }
    }
}
