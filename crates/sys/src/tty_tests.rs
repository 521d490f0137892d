//! Real ptys; what only a UART can show is named where it is left out.

use super::*;
use crate::pty::Pty;

/// Settings for a modem, used by other modules' tests as well.
pub(crate) const MODEM: LineSettings = LineSettings {
    speed: 115_200,
    flow: Flow::RtsCts,
    carrier: Carrier::Ignore,
    hang_up_on_close: true,
};

#[test]
fn what_is_no_terminal_is_refused_in_words_with_the_cure() {
    let table = [
        ("/dev/no-such-line", "is the modem plugged in"),
        ("/dev/null", "not a terminal"),
        ("/etc/passwd", "not a terminal"),
        ("/tmp", "not a terminal"),
    ];
    for (path, words) in table {
        let fault = Tty::open(path).unwrap_err().to_string();
        assert!(fault.contains(path) && fault.contains(words), "{fault}");
    }
}

#[test]
fn every_speed_that_is_asked_for_is_set_also_uncommon_ones() {
    let pty = Pty::open().unwrap();
    for speed in [300, 2400, 31_250, 33_600, 115_200, 128_000, 460_800] {
        pty.slave().set(&LineSettings { speed, ..MODEM }).unwrap();
        assert_eq!(pty.slave().speed().unwrap(), speed);
    }
    let fault = pty.slave().set(&LineSettings { speed: 0, ..MODEM }).unwrap_err();
    assert!(matches!(fault, TtyFault::Speed { asked: 0, .. }), "{fault}");
}

#[test]
fn modem_settings_are_raw_and_say_what_carrier_and_flow_mean() {
    let pty = Pty::open().unwrap();
    let tty = pty.slave();
    for (flow, carrier, hang_up_on_close) in [
        (Flow::RtsCts, Carrier::Ignore, true),
        (Flow::None, Carrier::Watch, false),
        (Flow::RtsCts, Carrier::Watch, true),
    ] {
        tty.set(&LineSettings { speed: 9600, flow, carrier, hang_up_on_close }).unwrap();
        let seen = tty.termios().unwrap();
        let control = seen.control_modes;
        assert_eq!(control.contains(ControlModes::CRTSCTS), flow == Flow::RtsCts);
        assert_eq!(control.contains(ControlModes::CLOCAL), carrier == Carrier::Ignore);
        assert_eq!(control.contains(ControlModes::HUPCL), hang_up_on_close);
        assert!(
            !seen.local_modes.intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
        );
        assert!(!seen.output_modes.contains(OutputModes::OPOST));
        assert!(
            !seen.input_modes.intersects(InputModes::ICRNL | InputModes::IXON | InputModes::IXOFF)
        );
    }
    tty.set_carrier(Carrier::Ignore).unwrap();
    assert!(tty.termios().unwrap().control_modes.contains(ControlModes::CLOCAL));
}

#[test]
fn login_mode_is_what_a_program_expects_and_keeps_the_line_itself() {
    let pty = Pty::open().unwrap();
    let tty = pty.slave();
    tty.set(&LineSettings { speed: 33_600, carrier: Carrier::Watch, ..MODEM }).unwrap();
    for carriage_return in [true, false] {
        tty.set_login_mode(carriage_return).unwrap();
        let seen = tty.termios().unwrap();
        assert!(
            seen.local_modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
        );
        assert!(seen.output_modes.contains(OutputModes::OPOST | OutputModes::ONLCR));
        assert_eq!(seen.input_modes.contains(InputModes::ICRNL), carriage_return);
        assert_eq!(seen.output_speed(), 33_600);
        assert!(seen.control_modes.contains(ControlModes::CRTSCTS | ControlModes::HUPCL));
        assert!(!seen.control_modes.contains(ControlModes::CLOCAL));
    }
}

#[test]
fn the_settings_found_come_back_when_it_is_dropped() {
    let pty = Pty::open().unwrap();
    let before = pty.slave().termios().unwrap();
    let line = Tty::open(pty.slave().path()).unwrap();
    line.set(&MODEM).unwrap();
    assert_ne!(pty.slave().termios().unwrap().local_modes, before.local_modes);
    drop(line);
    let after = pty.slave().termios().unwrap();
    assert_eq!(after.local_modes, before.local_modes);
    assert_eq!(after.control_modes, before.control_modes);
    assert_eq!(after.output_speed(), before.output_speed());

    let mut given_away = Tty::open(pty.slave().path()).unwrap();
    given_away.set(&MODEM).unwrap();
    given_away.leave_settings();
    drop(given_away);
    assert_ne!(pty.slave().termios().unwrap().local_modes, before.local_modes);
}

#[test]
fn a_reopened_terminal_blocks_and_the_first_one_still_does_not() {
    let pty = Pty::open().unwrap();
    let again = pty.slave().reopen().unwrap();
    let flags = |fd: &Tty| rustix::fs::fcntl_getfl(fd).unwrap();
    assert!(!flags(&again).contains(OFlags::NONBLOCK));
    assert!(flags(pty.slave()).contains(OFlags::NONBLOCK));
    assert_eq!(again.device(), pty.slave().device());
    assert_eq!(again.path(), pty.slave().path());
}

#[test]
fn a_name_that_leads_elsewhere_by_now_is_noticed() {
    let (one, other) = (Pty::open().unwrap(), Pty::open().unwrap());
    Tty::open_same(one.slave().path(), one.slave().device()).unwrap();
    let fault = Tty::open_same(one.slave().path(), other.slave().device()).unwrap_err();
    assert!(matches!(fault, TtyFault::Exchanged { .. }), "{fault}");
}

#[test]
fn discarded_input_is_not_read_and_a_pty_keeps_nothing_unsent() {
    let pty = Pty::open().unwrap();
    let tty = pty.slave();
    tty.set(&MODEM).unwrap();
    rustix::io::write(pty.master(), b"stale").unwrap();
    tty.discard_input().unwrap();
    let mut buffer = [0; 8];
    assert_eq!(rustix::io::read(tty, &mut buffer), Err(Errno::AGAIN));
    tty.discard_output().unwrap();
    assert_eq!(tty.unsent().unwrap(), Unsent::Nothing);
    tty.send_break().unwrap();
}

#[test]
fn revoking_ends_it_for_everybody_who_has_it_open() {
    let pty = Pty::open().unwrap();
    let other = Tty::open(pty.slave().path()).unwrap();
    match pty.slave().revoke() {
        Ok(()) => {}
        Err(TtyFault::Forbidden { .. }) if !rustix::process::geteuid().is_root() => {
            eprintln!("not root: revoking is refused, as it should be");
            return;
        }
        Err(fault) => panic!("{fault}"),
    }
    let mut buffer = [0; 8];
    assert_eq!(rustix::io::read(&other, &mut buffer), Ok(0));
    assert_eq!(rustix::io::write(&other, b"x"), Err(Errno::IO));
    assert!(matches!(other.set(&MODEM), Err(TtyFault::HungUp { .. })));
}

#[test]
fn owner_and_mode_change_and_come_back() {
    let pty = Pty::open().unwrap();
    let before = pty.slave().access().unwrap();
    pty.slave().set_access(Access { mode: 0o600, ..before }).unwrap();
    assert_eq!(pty.slave().access().unwrap().mode, 0o600);
    pty.slave().set_access(before).unwrap();
    assert_eq!(pty.slave().access().unwrap(), before);
}

#[test]
fn sending_takes_ten_bits_a_byte() {
    let table = [(0, 9600, 0), (960, 9600, 1_000_000), (1, 300, 33_334), (16, 115_200, 1389)];
    for (bytes, speed, micros) in table {
        assert_eq!(time_to_send(bytes, speed), Duration::from_micros(micros), "{bytes} at {speed}");
    }
    assert_eq!(time_to_send(1, 0), Duration::from_secs(10), "a speed of 0 does not divide");
}
