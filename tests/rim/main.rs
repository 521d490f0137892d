//! The built program from outside: exit codes, control socket, locks, restarts, a whole call on a pty modem.
