//! The program: command line and rim. It translates between the world and the core, and decides nothing.

fn main() {}
