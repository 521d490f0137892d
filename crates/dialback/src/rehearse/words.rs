//! A rehearsal's facts in words that are short enough for narrow columns.

use calls::vocabulary::Event;
use sim::exchange::event::TownEvent;
use sim::rehearsal::CALLER;
use sim::rehearsal::fact::{Ended, ScriptStep, Told};

use crate::log::sentence;
use crate::out::Ink;

/// What the script does; nothing where the screen shows it.
pub(super) fn of_script(told: &Told) -> Option<(Ink, String)> {
    let place = told.line.map_or_else(|| "dialler".to_owned(), |line| format!("line {line}"));
    let either = |texts: &[String]| texts.join("\" or \"");
    Some(match &told.step {
        ScriptStep::Waits { texts, within_ms, .. } => {
            let within = within_ms
                .map_or_else(|| ", for ever".to_owned(), |ms| format!(", {} s", ms / 1_000));
            (Ink::Dim, format!("{place}: waits for \"{}\"{within}", either(texts)))
        }
        ScriptStep::Heard { .. } => return None,
        ScriptStep::NotHeard => (Ink::Yellow, format!("{place}: its time is over")),
        ScriptStep::Sends { text: Some(text) } => {
            let text = text.strip_suffix("^M").unwrap_or(text);
            match text {
                "" => (Ink::Cyan, format!("{place}: sends a return")),
                text => (Ink::Cyan, format!("{place}: sends {text}")),
            }
        }
        ScriptStep::Sends { text: None } => (Ink::Cyan, format!("{place}: sends a secret")),
        ScriptStep::Pauses { ms } => (Ink::Dim, format!("{place}: waits {ms} ms")),
        ScriptStep::Sets { what } => (Ink::Dim, format!("{place}: {what}")),
        ScriptStep::Ended(how) => {
            let ink = if *how == Ended::Well { Ink::Green } else { Ink::Red };
            (ink, format!("{place}: {}", ended(how)))
        }
    })
}

fn ended(how: &Ended) -> String {
    match how {
        Ended::Well => "the script is through, PPP begins".to_owned(),
        Ended::TimedOut => "gives up".to_owned(),
        Ended::Aborted { text } => format!("gives up at \"{text}\""),
        Ended::Halted => "halts".to_owned(),
        Ended::CarrierLost => "the carrier is lost, Windows ends it".to_owned(),
        Ended::Faulty { message } => message.clone(),
        Ended::Stopped => "was ended".to_owned(),
    }
}

/// Of modems and exchange; the caller's own modem is on his screen.
pub(super) fn of_town(event: &TownEvent) -> Option<(Ink, String)> {
    Some(match event {
        TownEvent::Command { station, line } => {
            if station.as_str() == CALLER || !line.starts_with(['A', 'D']) {
                return None;
            }
            (Ink::Plain, format!("{station}: AT{line}"))
        }
        TownEvent::Result { station, code } => {
            // How the server sets its modem up is no part of the dialogue, what the modem does not know of it least.
            let quiet = ["OK", "ERROR"].contains(&code.as_str()) || code.starts_with("RING");
            if station.as_str() == CALLER || quiet {
                return None;
            }
            (Ink::Plain, format!("{station}: {code}"))
        }
        TownEvent::Dialled { station, digits } => {
            let who = if station.as_str() == CALLER { "caller" } else { station.as_str() };
            (Ink::Dim, format!("{who} dials {digits}"))
        }
        TownEvent::Rings { station, count, .. } => {
            let whose = if station.as_str() == CALLER { "the caller" } else { station.as_str() };
            (Ink::Yellow, format!("{whose}'s bell, ring {count}"))
        }
        TownEvent::Connected { rate, .. } => (Ink::Green, format!("connected, {rate} bit/s")),
        TownEvent::Released { .. } => (Ink::Dim, "the line is free".to_owned()),
        TownEvent::OffHook { .. }
        | TownEvent::OnHook { .. }
        | TownEvent::CallerId { .. }
        | TownEvent::Answered { .. }
        | TownEvent::Trains { .. } => return None,
        TownEvent::NoDialTone { .. }
        | TownEvent::WrongNumber { .. }
        | TownEvent::Engaged { .. }
        | TownEvent::RingsUnheard { .. }
        | TownEvent::Spoken { .. }
        | TownEvent::Glare { .. }
        | TownEvent::RungOut { .. }
        | TownEvent::Dropped { .. }
        | TownEvent::Held { .. }
        | TownEvent::Retaken { .. }
        | TownEvent::Overheard { .. }
        | TownEvent::Overrun { .. }
        | TownEvent::FaultSet { .. } => (Ink::Red, event.to_string()),
    })
}

/// Of the server's journal.
pub(super) fn of_event(event: &Event) -> Option<(Ink, String)> {
    use crate::log::Tone;
    if let Event::LineReady { .. } | Event::Rang { .. } = event {
        return None;
    }
    if let Event::Launched { program, .. } = event {
        return Some((Ink::Cyan, format!("{program} has the line (simulated)")));
    }
    let sentence = sentence(event);
    let ink = match sentence.tone {
        Tone::Plain => Ink::Plain,
        Tone::Good => Ink::Green,
        Tone::Notice => Ink::Yellow,
        Tone::Bad => Ink::Red,
    };
    Some((ink, sentence.text))
}
