//! Any octets as a dial-up script: reading and looking through them ends, faults lie inside of them and say how to mend
//! what is wrong, and there is a program exactly if none of them is an error.
#![cfg_attr(fuzzing, no_main)]

use dialback_proto::scp::{Fault, MAX_FAULTS, Severity, lint, read};

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|octets: &[u8]| run(octets));

pub fn run(octets: &[u8]) {
    let reading = read(octets);
    let is_error = |fault: &Fault| fault.severity == Severity::Error;
    // A list that is full may have left the error out.
    let full = reading.faults.len() == MAX_FAULTS;
    assert!(full || reading.program.is_none() == reading.faults.iter().any(is_error));
    let linted = lint(octets);
    assert!(linted.len() <= MAX_FAULTS);
    for fault in reading.faults.iter().chain(&linted) {
        let span = fault.span;
        assert!(span.start <= span.end && span.end <= octets.len(), "{fault:?}");
        assert!(!fault.message.is_empty() && !fault.cure.is_empty(), "{fault:?}");
    }
    // Looking for what is likely to go wrong finds no errors of its own, and forgets none.
    let errors = |faults: &[Fault]| faults.iter().filter(|fault| is_error(fault)).count();
    assert_eq!(errors(&linted), errors(&reading.faults));
}
