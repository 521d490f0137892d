//! `dialback migrate` on whole sets of old files: the new configuration is accepted by `dialback check`, every difference is
//! told, and on the simulated town its callers get what mgetty gave them.
//!
//! ```text
//!   sets/NAME/etc/...       the old files, as below a root
//!   sets/NAME/expect.toml   who calls, and what he gets (from mgetty 1.2.1's rules, or the difference that is told)
//!   sets/NAME/told.txt      every remark, one a line
//! ```
//!
//! With `MIGRATE_SETS=write` told.txt is written anew with what the program says.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test program: a panic is its way to fail"
)]

mod debian;
mod set;
mod town;

use set::Set;

/// Migrates a set, checks what came out, and lets its callers call.
fn check(name: &str) {
    let set = Set::named(name);
    let Some(migrated) = set.migrate() else { return };
    migrated.is_told(&set.told());
    migrated.is_accepted();
    town::play(&migrated, &set.calls());
}

#[test]
fn a_bulletin_board_with_two_modems_and_an_unwanted_caller() {
    check("bbs");
}

#[test]
fn a_utility_calls_its_outstations_back_on_another_line() {
    check("utility");
}

#[test]
fn a_provider_with_pppd_gets_the_built_in_ppp() {
    check("isp");
}

#[test]
fn a_line_for_data_and_fax_keeps_its_data() {
    check("fax");
}

#[test]
fn a_line_with_ringback_lets_people_answer_first() {
    check("ringback");
}

#[test]
fn a_terminal_beside_the_modem_is_left_to_agetty() {
    check("direct");
}

#[test]
fn three_modems_keep_their_speeds_and_manners() {
    check("speeds");
}

#[test]
fn a_null_modem_alone_is_nothing_for_us() {
    check("null-modem");
}

#[test]
fn uucp_and_logins_share_a_line() {
    check("uucp");
}

#[test]
fn fido_mailers_and_their_points_get_their_programs() {
    check("fido");
}

#[test]
fn callbacks_go_to_the_lines_and_numbers_of_their_entries() {
    check("groups");
}

#[test]
fn units_with_links_and_drop_ins_are_followed() {
    check("systemd");
}

#[test]
fn an_inittab_alone_says_enough() {
    check("inittab-only");
}

#[test]
fn the_callback_service_of_old_goes_on() {
    check("callback-service");
}

#[test]
fn what_mgetty_lets_pass_is_made_safe() {
    check("lenient");
}
