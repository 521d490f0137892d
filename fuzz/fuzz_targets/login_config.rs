//! Any bytes as login.config: a configuration that holds what it promises, or faults that point into the text.
#![cfg_attr(fuzzing, no_main)]

#[expect(dead_code, reason = "each target is about one of the files")]
mod configuration;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|octets: &[u8]| run(octets));

/// The octets are the file; the files beside it are good ones.
pub fn run(octets: &[u8]) {
    drop(configuration::check(configuration::In::Login, octets));
}
