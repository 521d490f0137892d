//! What is typed at a terminal: the built program on a pty of its own.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr,
};
use sys::pty::Pty;
use sys::tty::Tty;

use crate::server::stderr;

/// No step of a test takes as long on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A terminal with a program on it, as a login shell has them.
struct Terminal {
    keys: File,
    slave: Tty,
    program: Child,
}

const CTRL_C: u8 = 3;
const CTRL_BACKSLASH: u8 = 28;

impl Terminal {
    fn with(args: &[&str]) -> Self {
        let (master, slave) = Pty::open().unwrap().into_halves();
        let mut cooked = tcgetattr(slave.as_fd()).unwrap();
        cooked
            .local_modes
            .insert(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN);
        cooked.input_modes.insert(InputModes::ICRNL);
        cooked.special_codes[SpecialCodeIndex::VINTR] = CTRL_C;
        cooked.special_codes[SpecialCodeIndex::VQUIT] = CTRL_BACKSLASH;
        tcsetattr(slave.as_fd(), OptionalActions::Now, &cooked).unwrap();
        // Opened anew: our own end does not block, and whoever shares it does not either.
        let mut opening = OpenOptions::new();
        opening.read(true).write(true).custom_flags(OFlags::NOCTTY.bits().cast_signed());
        let keyboard = opening.open(slave.path()).unwrap();
        // A session of its own, with this terminal: the keys that interrupt are signals there.
        let program = Command::new("setsid")
            .args(["--ctty", "--wait", env!("CARGO_BIN_EXE_dialback")])
            .args(args)
            .stdin(keyboard)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { keys: File::from(master.as_fd().try_clone_to_owned().unwrap()), slave, program }
    }

    fn echoes(&self) -> bool {
        tcgetattr(self.slave.as_fd()).unwrap().local_modes.contains(LocalModes::ECHO)
    }
}

#[test]
fn whoever_gives_up_at_a_password_has_his_terminal_back_as_it_was() {
    for (keys, told) in [
        (&b"secret\r"[..], "Once more"),
        (&[b's', CTRL_C], "given up"),
        (&[b's', b'\r', CTRL_C], "given up"),
        (&[CTRL_BACKSLASH], "given up"),
    ] {
        let mut terminal = Terminal::with(&["user", "passwd"]);
        let mut asked = [0; 10];
        let mut errors = terminal.program.stderr.take().unwrap();
        errors.read_exact(&mut asked).unwrap();
        assert_eq!(&asked, b"Password: ");
        assert!(!terminal.echoes(), "{keys:?}: the password would be seen");
        terminal.keys.write_all(keys).unwrap();
        if told == "Once more" {
            terminal.keys.write_all(b"secret\r").unwrap();
        }
        let (tell, told_all) = channel();
        std::thread::spawn(move || {
            let mut said = String::new();
            errors.read_to_string(&mut said).unwrap();
            tell.send(said).unwrap();
        });
        let said = told_all.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            terminal.program.kill().unwrap();
            panic!("{keys:?}: it does not end")
        });
        let before = terminal.echoes();
        let ended = terminal.program.wait_with_output().unwrap();
        assert!(said.contains(told), "{keys:?}: {said} {}", stderr(&ended));
        assert_eq!(ended.status.success(), told == "Once more", "{keys:?}: {said}");
        assert!(before, "{keys:?}: nothing that is typed is shown any more");
        let now = tcgetattr(terminal.slave.as_fd()).unwrap();
        assert!(now.local_modes.contains(LocalModes::ECHO | LocalModes::ISIG), "{keys:?}");
        assert_eq!(now.special_codes[SpecialCodeIndex::VEOL], 0, "{keys:?}");
    }
}
