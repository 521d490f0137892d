//! Both halves of every attack, by name: the test in which it succeeds because its defence is off, and the one in which
//! it fails because that is on. Whoever takes one away, or forgets one, hears of it here.

/// What is in the stories' files: those of the town, and those on the built program.
macro_rules! file {
    ($name:literal) => {
        include_str!(concat!($name, ".rs"))
    };
    (program) => {
        include_str!("../../../../../tests/rim/attacks.rs")
    };
}

struct Story {
    number: u8,
    text: &'static str,
    /// The defence is off: by configuration, or by what the story says of itself.
    succeeds: &'static str,
    /// The defence is on.
    fails: &'static str,
}

macro_rules! stories {
    ($($number:literal $file:tt $succeeds:ident / $fails:ident;)*) => {
        const STORIES: &[Story] = &[$(Story {
            number: $number,
            text: file!($file),
            succeeds: stringify!($succeeds),
            fails: stringify!($fails),
        }),*];
    };
}

stories! {
    1 "a01_line_hold"
        who_holds_the_line_gets_the_prompt_where_its_hold_time_is_believed_to_be_short
        / a_line_whose_hold_time_is_not_known_does_not_call_back_where_there_is_another;
    2 "a02_glare"
        who_collides_with_a_blind_dial_gets_the_prompt_of_another
        / a_modem_that_waits_for_dial_tone_is_not_deceived;
    3 "a03_predictable_wait"
        a_wait_without_jitter_is_hit_every_time
        / a_wait_with_jitter_is_hit_as_often_as_by_chance;
    4 "a04_diverted_number"
        who_has_the_number_has_the_callback_where_a_name_is_enough
        / who_has_not_seen_the_first_call_does_not_know_its_code;
    5 "a05_wrong_party"
        whoever_answers_may_log_in_as_anybody_and_is_called_as_often_as_one_likes
        / another_name_than_the_users_is_no_name_there_and_the_number_is_not_called_a_fourth_time;
    6 "a06_toll_fraud"
        a_server_that_knows_nothing_of_numbers_dials_whatever_is_allowed
        / each_dear_kind_is_refused_by_the_rule_that_is_named_after_it;
    7 "a07_reverse_wangiri"
        a_number_that_is_called_because_it_has_called_is_whatever_was_presented
        / a_call_alone_has_nothing_dialled;
    8 "a08_injection"
        behind_a_prefix_each_text_is_the_modems_command
        / no_text_that_a_caller_types_reaches_a_dial_command;
    9 "a09_guessing_names"
        names_that_are_answered_otherwise_are_found_where_no_proof_is_asked
        / every_name_is_answered_the_same_where_a_proof_is_asked;
    10 "a10_spoofed_caller_id"
        who_claims_the_number_is_let_in_where_nothing_else_is_asked
        / who_claims_the_number_is_not_at_it_when_it_is_called;
    11 "a11_hang_up_not_seen"
        whoever_plays_the_modem_gets_the_call_of_another_where_its_word_is_enough
        / he_does_not_know_what_only_the_modem_knows;
    12 "a12_modem_set_anew"
        a_program_that_prints_plus_signs_commands_the_modem_where_the_setup_forgets_s2
        / behind_every_setup_the_escape_is_off;
    13 "a13_open_configuration"
        a_rule_that_was_slipped_in_is_as_good_as_any_other
        / a_file_that_others_can_write_is_no_configuration;
    14 "a14_two_on_one_modem"
        who_does_not_look_for_the_lock_has_the_servers_call_for_himself
        / with_the_lock_nobody_comes_between;
    15 "a15_loops"
        without_a_limit_it_goes_on_as_long_as_the_other_likes
        / a_caller_whom_we_keep_calling_is_not_answered_a_fourth_time_within_the_hour;
    16 "a16_replay"
        a_password_that_was_heard_proves_the_name_again
        / a_code_that_was_heard_proves_nothing_any_more;
    17 program
        a17_an_end_that_was_cut_off_is_not_missed_where_no_anchor_is_kept
        / a17_an_end_that_was_cut_off_is_missed_where_the_chains_head_is_kept_elsewhere;
    18 "a18_busy_lines"
        without_a_reserve_nobody_gets_through
        / one_line_is_kept_for_callers;
    19 program
        a19_who_reads_a_log_with_whole_numbers_knows_whom_the_server_calls
        / a19_log_and_process_list_tell_no_number;
    20 "a20_forged_result_codes"
        result_codes_make_a_call_of_anothers_where_the_modems_words_are_enough
        / result_codes_make_no_call_where_the_modem_proves_that_they_are_its_own;
}

#[test]
fn all_20_attacks_have_a_story_with_both_halves() {
    let numbers: Vec<u8> = STORIES.iter().map(|story| story.number).collect();
    assert_eq!(numbers, (1..=20).collect::<Vec<u8>>());
    for Story { number, text, succeeds, fails } in STORIES {
        for name in [succeeds, fails] {
            let test = format!("#[test]\nfn {name}() {{");
            assert!(text.contains(&test), "A{number} has no test {name}");
        }
        assert_ne!(succeeds, fails, "A{number}");
    }
    // And the suite that `dialback prove` plays has the same numbers.
    let played: Vec<u8> = dialback_sim::prove::ATTACKS.iter().map(|attack| attack.number).collect();
    assert_eq!(played, numbers);
}
