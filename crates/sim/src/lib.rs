//! A town with telephones: exchange, modems, people and faults, in virtual time.
#![forbid(unsafe_code)]
