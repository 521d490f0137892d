//! Every engine against streams that no modem would send: it ends once, in bounded time, and says the
//! same however the reads cut.

use std::time::Duration;

use proptest::prelude::*;

use super::carrier_watch::{CarrierProbe, Probe};
use super::commands::{self, Command, Commands};
use super::escape::Escape;
use super::hang_up::{self, HangUp, Proof};
use super::reader::Form;
use super::result::NumericCodes;
use crate::time::{Deadline, Instant};

/// What the engines have in common.
trait Engine {
    fn receive(&mut self, now: Instant, bytes: &[u8]);
    fn tick(&mut self, now: Instant);
    /// The next step as text, and whether it is a last one.
    fn step(&mut self) -> Option<(String, bool)>;
    fn deadline(&self) -> Option<Deadline>;
}

impl Engine for Commands {
    fn receive(&mut self, now: Instant, bytes: &[u8]) {
        self.receive(now, bytes);
    }
    fn tick(&mut self, now: Instant) {
        self.tick(now);
    }
    fn step(&mut self) -> Option<(String, bool)> {
        use commands::Step;
        let step = self.poll()?;
        let last = matches!(step, Step::Done | Step::Failed(_));
        Some((format!("{step:?}"), last))
    }
    fn deadline(&self) -> Option<Deadline> {
        self.deadline()
    }
}

impl Engine for HangUp {
    fn receive(&mut self, now: Instant, bytes: &[u8]) {
        self.receive(now, bytes);
    }
    fn tick(&mut self, now: Instant) {
        self.tick(now);
    }
    fn step(&mut self) -> Option<(String, bool)> {
        use hang_up::Step;
        let step = self.poll()?;
        let last = matches!(step, Step::Done | Step::Failed(_));
        Some((format!("{step:?}"), last))
    }
    fn deadline(&self) -> Option<Deadline> {
        self.deadline()
    }
}

impl Engine for CarrierProbe {
    fn receive(&mut self, now: Instant, bytes: &[u8]) {
        self.receive(now, bytes);
    }
    fn tick(&mut self, now: Instant) {
        self.tick(now);
    }
    fn step(&mut self) -> Option<(String, bool)> {
        let step = self.poll()?;
        let last = matches!(step, Probe::Online | Probe::Gone | Probe::Unclear);
        Some((format!("{step:?}"), last))
    }
    fn deadline(&self) -> Option<Deadline> {
        self.deadline()
    }
}

/// What arrives: after so many milliseconds, these bytes.
type Arrivals = Vec<(u64, Vec<u8>)>;

/// Runs an engine to its end; the reads are cut into pieces of `size` bytes.
fn run(engine: &mut dyn Engine, arrivals: &Arrivals, size: usize) -> Vec<String> {
    /// More time than any of them can take.
    const LONGEST: Instant = Instant::from_millis(1_000_000);
    let mut log = Vec::new();
    let mut ended = false;
    let mut drain = |engine: &mut dyn Engine, now: Instant| {
        while let Some((step, last)) = engine.step() {
            assert!(!ended, "{step} after the end");
            ended = last;
            log.push(format!("{now} {step}"));
        }
        ended
    };
    let mut now = Instant::ZERO;
    let mut ended = drain(engine, now);
    for (gap, bytes) in arrivals {
        let arrival = now + Duration::from_millis(*gap);
        while let Some(due) = engine.deadline().filter(|due| due.at < arrival) {
            now = due.at.max(now);
            engine.tick(now);
            ended = drain(engine, now);
        }
        now = arrival;
        for piece in bytes.chunks(size) {
            engine.receive(now, piece);
            ended = drain(engine, now);
        }
    }
    while let Some(due) = engine.deadline() {
        now = due.at.max(now);
        assert!(now < LONGEST, "it never ends: {log:?}");
        engine.tick(now);
        ended = drain(engine, now);
    }
    assert!(ended, "nothing is due and no end was told: {log:?}");
    log
}

/// Starts one engine by number.
fn start(which: u8, form: Form) -> Box<dyn Engine> {
    let now = Instant::ZERO;
    let escape = Escape::default();
    let limit = Duration::from_secs(3);
    let proof = Proof { question: Command::new("ATS30?").unwrap(), answer: "137".to_owned() };
    match which {
        0 => {
            let commands = ["ATZ", "ATE0", "AT+CLIP=1"].map(|text| Command::new(text).unwrap());
            let force = Some(escape);
            Box::new(Commands::start(
                now,
                commands::Plan { commands: commands.to_vec(), form, force },
            ))
        }
        1 => {
            let plan = hang_up::Plan { escape, form, limit, tries: 3, proof: None };
            Box::new(HangUp::start(now, plan))
        }
        2 => {
            let plan = hang_up::Plan { escape, form, limit, tries: 3, proof: Some(proof) };
            Box::new(HangUp::start(now, plan))
        }
        _ => Box::new(CarrierProbe::start(now, escape, form, limit)),
    }
}

fn arrivals() -> impl Strategy<Value = Arrivals> {
    let piece = prop_oneof![
        6 => prop::sample::select(vec![
            &b"\r\nOK\r\n"[..], b"\r\nERROR\r\n", b"\r\nNO CARRIER\r\n", b"\r\nCONNECT 9600\r\n", b"\r\nRING\r\n",
            b"NMBR = 1\r\n", b"137\r\n", b"+++", b"ATH\r", b"0\r", b"3\r", b"O", b"K\r", b"\n",
        ]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ];
    let bytes = prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat());
    let gap = prop_oneof![0_u64..50, 0_u64..1_500, 0_u64..12_000];
    prop::collection::vec((gap, bytes), 0..16)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_engine_ends_once_however_it_is_cut(
        which in 0_u8..4,
        numeric in any::<bool>(),
        arrivals in arrivals(),
        size in 1_usize..8,
    ) {
        let form = if numeric { Form::Numeric(NumericCodes::Hayes) } else { Form::Verbose };
        let whole = run(&mut *start(which, form), &arrivals, usize::MAX);
        let cut = run(&mut *start(which, form), &arrivals, size);
        prop_assert_eq!(whole, cut);
    }
}
