//! Timelines of one line with a scripted modem, state by state and finding by finding.

mod calls;
mod faults;
mod idle;
mod measure;
mod proof;
