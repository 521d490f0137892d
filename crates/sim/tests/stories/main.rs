//! Stories: the real server in the simulated town, one story a file, each told by its name.
//!
//! Every story runs under the watch of the invariants and fails if one is violated. Numbers in names
//! (`finding_13`) are those of the attacks on mgetty 1.2.1 + callback in `docs/threat-model.md`.

mod setup;

mod a_caller_is_called_back;
