//! Every PPP caller of the field against every policy, on the whole server. `examples/matrix.rs` runs as many
//! seeds as one likes.

#![expect(
    clippy::panic,
    reason = "a test fails by a panic, also in the function that makes its table"
)]

use dialback_sim::matrix::{Line, Outcome, Policy, Summary, callers, round, run};

/// Called back at the (s)tored number or at her (o)wn, stays (-), is sent away (x), or leaves by herself (q).
/// Columns: no such user; none; fixed, fixed and required, none or fixed; list, list and required, none or list;
/// caller, caller and required, none or caller; fixed or caller, and required; none, fixed or caller.
const TABLE: &str = "
    Standard       -- sss sss ooo oo o
    Pppd           -- sss xx- ooo oo o
    OldPppd        -- sss xx- ooo oo o
    Ipppd          -- sss xx- ooo oo o
    FreeBsd        xx qqx ssx ooo qq o
    Windows        -- sss sss ooo oo o
    WindowsEscape  -- ss- ss- oo- oo -
    Windows95      xx ssx ssx ooo oo o
    nothing        -- -x- -x- -x- -x -
";

fn table() -> Vec<(String, Vec<char>)> {
    let rows = TABLE.lines().filter(|line| !line.trim().is_empty());
    rows.map(|line| {
        let (name, letters) = line.trim().split_once(' ').unwrap_or_else(|| panic!("{line}"));
        (name.to_owned(), letters.chars().filter(|letter| *letter != ' ').collect())
    })
    .collect()
}

#[test]
fn over_a_good_line_every_caller_gets_what_the_table_says() {
    let got: Vec<(String, Vec<char>)> = callers()
        .into_iter()
        .map(|caller| {
            let letters = Policy::ALL.map(|policy| {
                let run = run(policy, caller, Line::Good, 1).unwrap_or_else(|why| panic!("{why}"));
                let called = matches!(run.outcome, Outcome::Stored | Outcome::Own);
                assert_eq!(
                    (run.reached, run.proved_again),
                    (called, called),
                    "{policy:?} {caller:?}"
                );
                run.outcome.letter()
            });
            let name = caller.map_or("nothing".to_owned(), |caller| format!("{caller:?}"));
            (name, letters.to_vec())
        })
        .collect();
    assert_eq!(got, table());
}

#[test]
fn over_a_line_that_loses_doubles_damages_and_delays_it_is_that_or_a_refusal_in_time() {
    let Summary { runs, as_wanted, called_back } =
        round(1).unwrap_or_else(|failure| panic!("{failure}"));
    // Most of them get what they want all the same: that is what the timers are for.
    assert!(as_wanted * 2 > runs && called_back * 4 > runs, "{as_wanted}, {called_back} of {runs}");
}
