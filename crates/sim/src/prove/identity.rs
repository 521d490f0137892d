//! Attacks on who it is: A4, A5, A9, A10, A16.

use std::collections::BTreeSet;

use calls::alert::Alert;
use calls::config::{Action, Authenticate, NamePattern, When};
use calls::policy::totp::code_at;
use calls::vocabulary::{Event, Leg};

use super::ground::{
    ATTACKER, ATTACKER_NUMBER, CALLER, Cast, Ground, PROMPT, VICTIM, Way, asks_itself, at, events,
    rest, told,
};
use super::line::starts_programs;
use super::{Finding, Verdict};
use crate::people::Step;
use crate::people::scripts::{dial, expect, pause, send};
use crate::town::Station;
use crate::world::World;

/// Names that somebody with an old list of the users knows.
fn known_names(ground: &Ground, way: &Way) -> Vec<String> {
    let mut names = BTreeSet::from([way.name.clone(), "root".to_owned()]);
    for user in &ground.config.users {
        names.insert(user.name.clone());
        names.extend(user.return_names.iter().cloned());
    }
    for entry in &ground.config.entries {
        let on_return = entry.when != When::OnRequest;
        if let (NamePattern::Exact(name), Action::Program { .. }, true) =
            (&entry.pattern, &entry.action, on_return)
        {
            names.insert(name.clone());
        }
    }
    names.into_iter().filter(|name| !name.starts_with('/')).take(12).collect()
}

/// The program that somebody got who should have got none, if he did.
fn launched(world: &World) -> Option<String> {
    world.journal().iter().find_map(|entry| match &entry.event {
        Event::Launched { program, .. } => Some(program.clone()),
        Event::NetworkUp { .. } => Some("the network".to_owned()),
        _ => None,
    })
}

/// A4.
pub(super) fn diverted(ground: &Ground) -> Finding {
    if ground.ways.is_empty() {
        return Finding::nothing_to_call(ground);
    }
    let mut weak = None;
    for way in &ground.ways {
        for name in known_names(ground, way) {
            // The attacker has the number now; the user asks from wherever he is.
            let stations = vec![
                Station::modem(CALLER, "1999000001"),
                Station::modem(ATTACKER, &way.dials).with_settings("S0=1"),
            ];
            let mut world = ground.world(Cast::of(&ground.config, stations));
            let steps = [expect(PROMPT, 3_600), send(&format!("{name}\r")), pause(20_000)];
            world.begin(
                ATTACKER,
                [vec![Step::Dtr(true)], steps.to_vec(), vec![Step::Dtr(false)]].concat(),
            );
            world.begin(CALLER, way.asks());
            rest(&mut world);
            let Some(program) = launched(&world) else { continue };
            let evidence = told(
                &world,
                &["kept", "named", "dispatched", "launched", "recognised", "network-up"],
            );
            let because = format!(
                "who has the number of \"{}\" and gives the name \"{name}\" gets {program}",
                way.name
            );
            let cure = "ask for a code on the return call: callback.return_proof = \"code\", or return_proof of the \
                        user; let a user log in under his own name only (return_names)";
            if !asks_itself(std::path::Path::new(&program)) {
                let at_once = [name.as_str(), NOBODY].map(|name| called_in(ground, way, name));
                if at_once.contains(&Some(program.clone())) {
                    let because = format!("{because}; so does whoever calls in, at once");
                    weak.get_or_insert((because, cure, evidence));
                    continue;
                }
                return Finding::new(Verdict::Open, because).cured_by(cure).shown_by(evidence);
            }
            let because = format!("{because}, which asks for a password of its own");
            weak.get_or_insert((because, cure, evidence));
        }
    }
    match weak {
        Some((because, cure, evidence)) => {
            Finding::new(Verdict::Weak, because).cured_by(cure).shown_by(evidence)
        }
        None => {
            Finding::new(Verdict::Withstood, "the number alone gets nobody in on a return call")
        }
    }
}

/// What whoever calls in gets by this name, without being called back.
fn called_in(ground: &Ground, way: &Way, name: &str) -> Option<String> {
    let stranger = Station::modem(ATTACKER, ATTACKER_NUMBER);
    let mut world = ground.world(Cast::of(&ground.config, vec![stranger]));
    let mut steps = dial(&way.at);
    steps.extend([expect(PROMPT, 60), send(&format!("{name}\r")), pause(20_000)]);
    steps.push(Step::Dtr(false));
    world.begin(ATTACKER, steps);
    rest(&mut world);
    launched(&world)
}

/// So often somebody asks for a callback to a number where a stranger answers.
const ASKED: usize = 6;

/// A5.
pub(super) fn wrong_party(ground: &Ground) -> Finding {
    let Some(way) = ground.ways.first() else { return Finding::nothing_to_call(ground) };
    // Strangers are counted here: that is what is tried.
    let mut config = ground.config.clone();
    config.callback.quarantine_after = ground.actual.callback.quarantine_after;
    let stations = vec![
        Station::modem(CALLER, "1999000001"),
        Station::modem(VICTIM, &way.dials).with_settings("S0=1"),
    ];
    let mut world = ground.world(Cast::of(&config, stations));
    for _ in 0..ASKED {
        world.begin(
            VICTIM,
            vec![
                Step::Dtr(true),
                expect(PROMPT, 3_600),
                send("what?\r"),
                pause(30_000),
                Step::Dtr(false),
            ],
        );
        world.begin(CALLER, way.asks());
        rest(&mut world);
    }
    // Other numbers of the user are tried as well, and nobody is there.
    let answered = |event: &Event| matches!(event, Event::Connected { direction: Leg::Return, .. });
    let answered = events(&world, answered);
    let evidence = told(&world, &["stranger", "quarantin", "refused"]);
    if answered >= ASKED {
        return Finding::new(
            Verdict::Open,
            format!("a number at which a stranger answers was called {answered} times for {ASKED} requests"),
        )
        .cured_by(
            "say who may log in on whose return call ([[user]] with return_names), and set callback.quarantine_after \
             to a few (3): then whoever is not is a stranger, and is counted",
        )
        .shown_by(evidence);
    }
    let quarantined =
        |event: &Event| matches!(event, Event::Alert { alert: Alert::NumberQuarantined, .. });
    if answered == 0 {
        return Finding::new(
            Verdict::NotApplicable,
            "nobody was reached: the stranger at the number never answered a return call",
        )
        .shown_by(evidence);
    }
    if events(&world, quarantined) == 0 {
        return Finding::new(
            Verdict::Weak,
            format!(
                "{answered} of {ASKED} return calls reached a stranger, and no alert was raised"
            ),
        )
        .cured_by("set callback.quarantine_after to a few (3)")
        .shown_by(evidence);
    }
    let because =
        format!("after {answered} calls the number is not called any more, and an alert is raised");
    Finding::new(Verdict::Withstood, because).shown_by(evidence)
}

/// A name that nobody has.
const NOBODY: &str = "zaphod";
/// How long a guesser waits for each answer.
const ANSWER_MS: u64 = 12_000;
const GUESSES: usize = 12;

/// What a name is answered with, with the name itself taken out.
fn answer(ground: &Ground, number: &str, name: &str) -> (String, bool) {
    let mut world =
        ground.world(Cast::of(&ground.actual, vec![Station::modem(ATTACKER, ATTACKER_NUMBER)]));
    let mut steps = dial(number);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    steps.extend([expect(PROMPT, 60), Step::Forget, send(&format!("{name}\r")), pause(ANSWER_MS)]);
    steps.extend([send("wrong\r"), pause(ANSWER_MS), Step::Dtr(false)]);
    world.begin(ATTACKER, steps);
    rest(&mut world);
    let screen = world.screen(ATTACKER);
    let after = screen.split_once(PROMPT).map_or("", |(_, after)| after);
    let over = after.split("\r\nNO CARRIER").next().unwrap_or_default();
    (
        on_screen(over).replace(name, "NAME"),
        events(&world, |event| matches!(event, Event::Alert { .. })) > 0,
    )
}

/// What is to be seen on a terminal: a name with `at` in it is echoed with backspaces, whoever has it.
fn on_screen(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let (mut line, mut column): (Vec<char>, usize) = (Vec::new(), 0);
    for letter in text.chars() {
        match letter {
            '\r' => column = 0,
            '\u{8}' => column = column.saturating_sub(1),
            '\n' => lines.push(std::mem::take(&mut line).into_iter().collect()),
            shown => {
                match line.get_mut(column) {
                    Some(place) => *place = shown,
                    None => line.push(shown),
                }
                column += 1;
            }
        }
    }
    lines.push(line.into_iter().collect());
    lines.join("\n")
}

/// A9.
pub(super) fn guessing(ground: &Ground) -> Finding {
    let Some(door) = ground.door() else {
        return Finding::new(Verdict::NotApplicable, "no line answers callers with a prompt");
    };
    let mut names: Vec<String> = ground.ways.iter().map(|way| way.name.clone()).collect();
    names
        .extend(ground.actual.users.iter().filter(|user| !user.trap).map(|user| user.name.clone()));
    names.dedup();
    names.truncate(6);
    let (unknown, _) = answer(ground, &door.number, NOBODY);
    for name in &names {
        let (known, _) = answer(ground, &door.number, name);
        if known != unknown {
            let short =
                |text: &str| text.escape_debug().to_string().chars().take(160).collect::<String>();
            return Finding::new(Verdict::Open, format!("the name \"{name}\" is answered differently from one that nobody has"))
                .cured_by(
                    "give users a secret or a code generator ([[user]] secret, totp), so that callback.authenticate asks \
                     every name the same, and keep programs to return calls (`Y` in login.config, version 2)",
                )
                .shown_by(vec![format!("{name}: {}", short(&known)), format!("{NOBODY}: {}", short(&unknown))]);
        }
    }
    // The answers are the same; how many can be had?
    let mut world =
        ground.world(Cast::of(&ground.actual, vec![Station::modem(ATTACKER, ATTACKER_NUMBER)]));
    for guess in 0..GUESSES {
        let mut steps = dial(&door.number);
        steps.push(Step::NoAbort("NO CARRIER".to_owned()));
        steps.extend([expect(PROMPT, 60), send(&format!("guess{guess}\r")), pause(8_000)]);
        steps.extend([send("wrong\r"), pause(8_000), Step::Dtr(false), pause(2_000)]);
        world.begin(ATTACKER, steps);
        rest(&mut world);
    }
    let alerted = events(&world, |event| matches!(event, Event::Alert { .. }));
    let evidence = told(&world, &["alert"]);
    if alerted == 0 && !starts_programs(ground) {
        return Finding::new(
            Verdict::Weak,
            format!("{GUESSES} wrong names in a row raised no alert"),
        )
        .shown_by(evidence);
    }
    if alerted == 0 {
        let because =
            "names look alike; wrong ones are left to the program that asks for the password";
        return Finding::new(Verdict::Weak, because).shown_by(evidence);
    }
    let because =
        format!("{} names look like one that nobody has, and guessing raises alerts", names.len());
    Finding::new(Verdict::Withstood, because).shown_by(evidence)
}

/// A10.
pub(super) fn spoofing(ground: &Ground) -> Finding {
    let Some(door) = ground.door() else {
        return Finding::new(Verdict::NotApplicable, "no line answers callers with a prompt");
    };
    // Everything that a caller may get, from a number that means nothing and from those that mean most.
    let config = ground.screened();
    let got = |from: &str| {
        let mut world = ground.world(Cast::of(&config, vec![Station::modem(ATTACKER, from)]));
        let mut steps = dial(&door.number);
        steps.push(Step::NoAbort("NO CARRIER".to_owned()));
        steps.extend([expect(PROMPT, 60), send("zaphod\r"), pause(20_000), Step::Dtr(false)]);
        world.begin(ATTACKER, steps);
        rest(&mut world);
        let answered = events(&world, |event| matches!(event, Event::Connected { .. }));
        let granted = events(&world, |event| {
            matches!(event, Event::Promised(_) | Event::Launched { .. } | Event::Proved { .. })
        });
        (answered > 0, granted)
    };
    let plain = got(ATTACKER_NUMBER);
    let mut numbers: BTreeSet<String> = ground.ways.iter().map(|way| way.dials.clone()).collect();
    numbers.extend(
        ground.spots.iter().map(|spot| spot.number.clone()).filter(|own| *own != door.number),
    );
    for number in numbers.into_iter().take(8) {
        let spoofed = got(&number);
        if plain.0 && spoofed != plain {
            let because = format!("a caller who presents {number} gets more than another");
            return Finding::new(Verdict::Open, because)
                .cured_by("caller ID may close doors (dialin.config), it must not open any");
        }
        if !plain.0 && spoofed.0 {
            let because = "caller ID decides who is answered: whoever presents the right one gets the prompt, and no more";
            return Finding::new(Verdict::Weak, because)
                .cured_by("count it as a fence against wrong numbers, not as a proof");
        }
    }
    Finding::new(Verdict::Withstood, "a caller gets the same whatever number he presents")
}

/// A way's words on a call: name, proofs, number; the same on another call is a replay.
fn says(way: &Way, callback: Authenticate, code: &str) -> Vec<Step> {
    let mut steps = dial(&way.at);
    steps.push(Step::NoAbort("NO CARRIER".to_owned()));
    steps.extend([expect(PROMPT, 60), send(&format!("{}\r", way.name))]);
    if matches!(callback, Authenticate::Password | Authenticate::PasswordAndCode) {
        steps.extend([expect("assword: ", 60), send(&format!("{KNOWN}\r"))]);
    }
    if matches!(callback, Authenticate::Code | Authenticate::PasswordAndCode) {
        steps.extend([expect("ode: ", 60), send(&format!("{code}\r"))]);
    }
    if let Some(number) = &way.types {
        steps.extend([expect("callback: ", 60), send(&format!("{number}\r"))]);
    }
    steps.extend([pause(ANSWER_MS), Step::Dtr(false)]);
    steps
}

/// The password of everybody in the worlds of A16: theirs are not known here.
const KNOWN: &str = "correct horse";

/// How many callers were answered.
fn connected(world: &World) -> usize {
    let answered =
        |event: &Event| matches!(event, Event::Connected { direction: Leg::Request, .. });
    events(world, answered)
}

/// How many callbacks these calls were promised, one after the other, each beginning when the one before is over.
///
/// A code is good for a moment only, so then the second does not wait until the first one's callback is over; else it
/// does, because nobody is owed two at the same number.
fn promised(ground: &Ground, way: &Way, codes: [&dyn Fn(i64) -> String; 2]) -> Option<[usize; 2]> {
    let by_code = ground.actual.callback.authenticate.wants_code();
    let mut config = ground.actual.clone();
    // What limits a user's callbacks is A15's and A18's business.
    config.callback.per_user = 10;
    config.callback.slow_guesses = false;
    let known = ppp::secret::Secret::from(KNOWN);
    let hash = calls::policy::password::cheap_hash(&known, b"sixteen octets..").ok()?;
    for user in &mut config.users {
        user.windows.clear();
        user.expires = None;
        if user.credentials.password.is_some() {
            user.credentials.password = Some(hash.as_str().into());
        }
    }
    let stations =
        vec![Station::modem(CALLER, "1999000001"), Station::modem(ATTACKER, ATTACKER_NUMBER)];
    let mut world = ground.world(Cast::of(&config, stations));
    let mut all = [0; 2];
    let mut before = 0;
    for ((station, code), count) in [CALLER, ATTACKER].into_iter().zip(codes).zip(&mut all) {
        // The line may be dialling for the one before: then once more, when all is at rest.
        let calls = connected(&world);
        for _ in 0..2 {
            let now = world.journal().first().map_or(0, at) + i64::try_from(world.ms()).ok()?;
            world.begin(station, says(way, config.callback.authenticate, &code(now)));
            world.run_until(world.ms() + 60_000);
            if connected(&world) > calls {
                break;
            }
            rest(&mut world);
        }
        if connected(&world) == calls {
            return None;
        }
        let promises = events(&world, |event| matches!(event, Event::Promised(_)));
        *count = promises - before;
        before = promises;
        if !by_code {
            rest(&mut world);
        }
    }
    Some(all)
}

/// A16.
pub(super) fn replay(ground: &Ground) -> Finding {
    if ground.ways.is_empty() {
        return Finding::nothing_to_call(ground);
    }
    let tell =
        vec![format!("callback.authenticate = \"{}\"", ground.actual.callback.authenticate.word())];
    let cure = "give users a code generator ([[user]] totp): a code works once";
    let mut refused = 0;
    let mut weak = None;
    for way in &ground.ways {
        let user = ground.actual.users.iter().find(|user| user.name == way.name);
        let key = user.and_then(|user| user.credentials.totp.clone());
        let proper = |now: i64| key.as_ref().map_or_else(String::new, |key| code_at(key, now));
        let wrong =
            |now: i64| key.as_ref().map_or_else(String::new, |key| code_at(key, now - 3_600_000));
        // Heard, and said again while it is fresh.
        let heard = std::cell::RefCell::new(String::new());
        let first = |now: i64| {
            let code = proper(now);
            heard.borrow_mut().clone_from(&code);
            code
        };
        let again = |_: i64| heard.borrow().clone();
        let Some([honest, replayed]) = promised(ground, way, [&first, &again]) else { continue };
        let guessed = promised(ground, way, [&wrong, &wrong]).map_or(0, |[one, two]| one + two);
        if key.is_some() && guessed > 0 {
            return Finding::new(
                Verdict::Open,
                format!("\"{}\" is called back with a code of an hour ago", way.name),
            )
            .cured_by(cure)
            .shown_by(tell);
        }
        match (honest, replayed, &way.types) {
            // Not even the user is, by this name at this hour.
            (0, 0, _) => {}
            (_, 0, _) => refused += 1,
            (_, _, Some(_)) => {
                return Finding::new(
                    Verdict::Open,
                    format!(
                        "who has heard \"{}\" call can say the same and type a number of his own",
                        way.name
                    ),
                )
                .cured_by(cure)
                .shown_by(tell);
            }
            (_, _, None) => weak = Some(way.name.clone()),
        }
    }
    if let Some(name) = weak {
        return Finding::new(
            Verdict::Weak,
            format!("who has heard \"{name}\" call can have him called, at the stored number and nowhere else"),
        )
        .cured_by(cure)
        .shown_by(tell);
    }
    if refused == 0 {
        return Finding::new(
            Verdict::Weak,
            "nobody could be called back by saying what a user says",
        )
        .shown_by(tell);
    }
    Finding::new(
        Verdict::Withstood,
        "what was said on a call was said again on the next, and refused; so was a wrong code",
    )
    .shown_by(tell)
}

#[cfg(test)]
mod tests {
    use super::on_screen;

    #[test]
    fn a_screen_shows_what_was_written_last() {
        let typed = "sta \u{8}tion1\u{8}\u{8}\u{8}\r\nCode: x\u{8} \u{8}y\r\n";
        assert_eq!(on_screen(typed), "station1\nCode: y\n");
    }
}
