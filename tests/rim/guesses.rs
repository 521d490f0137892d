//! Two hundred guesses in real time: whoever has no proof learns nothing of any name from the built server, neither from what
//! he is told nor from when. Ten thousand more are played in virtual time (`crates/calls/tests/uniformity.rs`); here the
//! clock, the kernel's scheduler and argon2id are the real ones.
//!
//! Guesses of all kinds are made in a random order on many lines at once, so that whatever the machine does besides falls on
//! all kinds alike. Times are compared by rank (Kruskal and Wallis): how long they are does not matter, and how a busy
//! machine spreads them neither.
#![expect(clippy::print_stdout, reason = "the table is what the test is for")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use crate::folder::Folder;
use crate::modem::Modem;
use crate::server::{Server, configure};

const GUESSES: usize = 200;
/// So many callers at once, each making three guesses a call.
const LINES: usize = 24;
const A_CALL: usize = 3;

/// A real argon2id of 256 KiB and one pass: the program under test is built without optimisation.
const HASH: &str =
    "$argon2id$v=19$m=256,t=1,p=1$c2l4dGVlbiBvY3RldHM$OjW5mXMPPzx8Mc8K7HcVmHRtlZ6yBvxh5LxrVvqJqXY";

/// What kinds of names there are.
const KINDS: [(&str, &str); 6] = [
    ("a user with a number", "alice"),
    ("a disabled user", "gone"),
    ("a user without a number", "nonum"),
    ("a user who is refused", "tardy"),
    ("a name without a password", "hello"),
    ("nobody", "zzyzx"),
];

/// H beyond this comes by chance once in ten thousand times (chi-square, five degrees of freedom).
const BEYOND: f64 = 25.74;

/// A random number below `most`: Knuth's MMIX.
fn below(chance: &mut u64, most: usize) -> usize {
    *chance =
        chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*chance >> 33).unwrap() % most
}

/// One guess: its kind, how long the question and the answer took, its place in its call, and what was said.
struct Guess {
    kind: usize,
    asked: Duration,
    answered: Duration,
    place: usize,
    said: String,
}

fn configured() -> Folder {
    let folder = Folder::new();
    let root = folder.path("");
    let lines: String = (1..LINES)
        .map(|n| {
            format!(
                "[[line]]\nname = \"l{n}\"\nport = \"{}\"\nnumber = \"55502{n:02}\"\nhold_time = \"0s\"\n\
                 modem = {{ init = [\"ATZ\"], guard = \"100ms\", read_back = false }}\n",
                root.join(format!("modem{n}")).display()
            )
        })
        .collect();
    let user = |name: &str, more: &str| {
        format!("[[user]]\nname = \"{name}\"\nsecret = \"{HASH}\"\n{more}\n")
    };
    let stored = "callback = { numbers = [\"5559142\"] }";
    let users = [
        user("alice", stored),
        user("gone", &format!("disabled = true\n{stored}")),
        user("nonum", ""),
        user("tardy", &format!("expires = \"2020-01-01\"\n{stored}")),
    ];
    let more = format!(
        "authenticate = \"password\"\nslow_guesses = false\nanswer_after = \"1s\"\n{lines}{}",
        users.concat()
    );
    configure(&folder, &root.join("modem0").display().to_string(), &more);
    let path = folder.path("dialback.toml");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let callbacks: String = ["alice", "gone", "nonum", "tardy"]
        .iter()
        .map(|name| format!("{name} N - - /usr/sbin/callback\n"))
        .collect();
    folder.write(
        "login.config",
        &format!("!version 2\n{callbacks}hello - - - /bin/echo hello\n* Y - - /bin/false\n"),
    );
    folder
}

/// A caller who makes as many guesses as a call has room for, again and again, until none is left.
fn guesses(modem: &mut Modem, left: &Mutex<Vec<usize>>, made: &Mutex<Vec<Guess>>) {
    loop {
        let kinds: Vec<usize> = {
            let mut left = left.lock().unwrap();
            let rest = left.len().saturating_sub(A_CALL);
            left.split_off(rest)
        };
        if kinds.is_empty() {
            return;
        }
        modem.ring_until_answered();
        modem.result("CONNECT 33600");
        modem.until_text("ogin: ");
        for (place, kind) in kinds.into_iter().enumerate() {
            let name = KINDS[kind].1;
            modem.say(&format!("{name}\r"));
            let sent = Instant::now();
            modem.until_text(&format!("{name}\r\n"));
            modem.until_more();
            let asked = sent.elapsed();
            modem.until_text("Password: ");
            modem.say("guess\r");
            let sent = Instant::now();
            // The end of the line is echoed at once, as a terminal does.
            modem.until_text("\r\n");
            modem.until_more();
            let answered = sent.elapsed();
            let said = match place + 1 == A_CALL {
                true => modem.until_hung_up(),
                false => modem.until_text("ogin: "),
            };
            made.lock().unwrap().push(Guess { kind, asked, answered, place, said });
        }
    }
}

/// How far the ranks of these groups are from being alike: H of Kruskal and Wallis.
fn kruskal_wallis(groups: &[Vec<Duration>]) -> f64 {
    let mut all: Vec<(Duration, usize)> = groups
        .iter()
        .enumerate()
        .flat_map(|(group, times)| times.iter().map(move |time| (*time, group)))
        .collect();
    // Times of a nanosecond's clock are hardly ever equal; what ties there are get neighbouring ranks.
    all.sort_unstable();
    let mut sums = vec![0.0; groups.len()];
    for (rank, (_, group)) in (1_u32..).zip(&all) {
        sums[*group] += f64::from(rank);
    }
    let count = |times: &Vec<Duration>| f64::from(u32::try_from(times.len()).unwrap());
    let n: f64 = groups.iter().map(count).sum();
    let spread: f64 = sums.iter().zip(groups).map(|(sum, of)| sum * sum / count(of)).sum();
    12.0 / (n * (n + 1.0)) * spread - 3.0 * (n + 1.0)
}

/// All guesses on a fresh server; how far the times tell the kinds apart, of the question and of the answer.
fn played(seed: u64) -> [f64; 2] {
    println!("seed {seed}");
    let folder = configured();
    let mut modems: Vec<Modem> =
        (0..LINES).map(|n| Modem::at(&folder.path(&format!("modem{n}")))).collect();
    let _server = Server::start(&folder);
    let mut chance = seed;
    let mut kinds: Vec<usize> = (0..GUESSES).map(|guess| guess % KINDS.len()).collect();
    for at in (1..kinds.len()).rev() {
        kinds.swap(at, below(&mut chance, at + 1));
    }
    let (left, made) = (Mutex::new(kinds), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for modem in &mut modems {
            scope.spawn(|| guesses(modem, &left, &made));
        }
    });
    let made = made.into_inner().unwrap();
    assert_eq!(made.len(), GUESSES);
    let mut said: BTreeMap<usize, &str> = BTreeMap::new();
    for guess in &made {
        let first = said.entry(guess.place).or_insert(&guess.said);
        assert_eq!(*first, guess.said, "told otherwise: {}", KINDS[guess.kind].0);
    }
    let times = |of: fn(&Guess) -> Duration| -> Vec<Vec<Duration>> {
        let kind = |kind| made.iter().filter(move |guess| guess.kind == kind).map(of).collect();
        (0..KINDS.len()).map(kind).collect()
    };
    let (asked, answered) = (times(|guess| guess.asked), times(|guess| guess.answered));
    println!(
        "{:28}{:>8}{:>24}{:>30}",
        "", "guesses", "question (median ms)", "answer (least, median, most)"
    );
    for (kind, (name, _)) in KINDS.iter().enumerate() {
        let ms = |times: &[Duration], part: usize| {
            let mut sorted = times.to_vec();
            sorted.sort_unstable();
            sorted[(sorted.len() - 1) * part / 2].as_secs_f64() * 1000.0
        };
        let (question, answer) = (&asked[kind], &answered[kind]);
        println!(
            "{name:28}{:>8}{:>24.2}{:>10.2}{:>10.2}{:>10.2}",
            answer.len(),
            ms(question, 1),
            ms(answer, 0),
            ms(answer, 1),
            ms(answer, 2)
        );
    }
    let found = [kruskal_wallis(&asked), kruskal_wallis(&answered)];
    println!(
        "H {:.2} of the questions, {:.2} of the answers; {BEYOND} once in 10,000 times",
        found[0], found[1]
    );
    found
}

#[test]
fn two_hundred_guesses_in_real_time_tell_no_name_from_another() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = u64::from(now.subsec_nanos()) | 1;
    let first = played(seed);
    // What is beyond comes by chance too, though not twice.
    for (what, first, at) in [("question", first[0], 0), ("answer", first[1], 1)] {
        if first > BEYOND {
            let second = played(seed + 2)[at];
            assert!(
                second <= BEYOND,
                "the time to the {what} tells names apart: H {first:.2}, {second:.2}"
            );
        }
    }
}

#[test]
fn the_ranks_tell_a_kind_that_takes_a_little_longer() {
    let mut chance = 7;
    let mut spread = |more: u64| -> Vec<Duration> {
        let time = |_| Duration::from_micros(below(&mut chance, 5_000) as u64 + more);
        (0..33).map(time).collect()
    };
    let mut groups: Vec<Vec<Duration>> = (0..6).map(|_| spread(0)).collect();
    assert!(kruskal_wallis(&groups) < BEYOND, "{}", kruskal_wallis(&groups));
    groups[2] = spread(2_500);
    assert!(kruskal_wallis(&groups) > BEYOND, "{}", kruskal_wallis(&groups));
}
