//! Stories: the real server in the simulated town, one subject a file, one story a test, each told by its name.
//!
//! Every story runs under the watch of the invariants and fails if one is violated. `finding_13` is the number of
//! an attack on mgetty 1.2.1 and its callback program that works there and must not work here.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers are tests too: whatever is not as it must be fails the story"
)]

mod a_call_comes_in_while_we_dial;
mod a_callback_costs_money;
mod a_caller_is_called_back;
mod a_caller_misbehaves;
mod a_line_is_measured;
mod a_modem_misbehaves;
mod a_ppp_call_is_captured;
mod a_ppp_caller;
mod a_ppp_callers_network;
mod a_program_on_the_line;
mod an_operator;
mod attacks;
mod conformance;
mod setup;
mod the_carrier_is_lost;
mod the_line_he_is_called_on;
mod the_power_fails;
