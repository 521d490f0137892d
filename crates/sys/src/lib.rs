//! The kernel's side: ttys, modem signals, ptys, locks, starting programs. The only room with `unsafe`.
