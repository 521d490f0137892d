//! What we do about a call: lines, sessions, promises, policy, configuration. Pure decisions.
#![forbid(unsafe_code)]
