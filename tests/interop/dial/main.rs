//! `dialback dial` on virtual modems: called back by `dialback serve` and by real mgetty with its callback, to a shell
//! prompt; and each way to fail, with its exit code and its sentence.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::string_slice,
    reason = "a test program: a panic is its way to fail, printing its way to say what was skipped"
)]

mod caller;
mod failures;
#[path = "../rig/mod.rs"]
mod rig;

use caller::Caller;
use rig::folder::Folder;
use rig::mgetty::{self, Mgetty};
use rig::programs;
use rig::server::{Server, configure};
use rig::town::Town;

/// Whom login.config lets do what.
const LOGIN: &str = "cback - - /usr/sbin/callback -S\n\
                     fixed - - /usr/sbin/callback -S 5550199\n\
                     shell - - /bin/sh\n\
                     * - - /bin/login @\n";

/// A server on one line of a town, and a caller's modem in it.
pub(crate) fn office(folder: &Folder, port: &str) -> (Town, Server) {
    let town = Town::of(folder, &[("office", "5550100", "pty"), ("alice", "5550199", port)]);
    let section = "line = \"same\"\ncaller_numbers = { allow = [\"5550199\", \"5550198\"] }";
    configure(folder, &[("office", town.port("office"), "")], section, LOGIN);
    let server = Server::ready(folder, 1);
    (town, server)
}

/// From the shell's prompt to its end.
fn at_the_shell(caller: &mut Caller) {
    caller.until_screen("# ");
    caller.say("echo $((6 * 7)) is it\r");
    caller.until_screen("42 is it\r\n");
    caller.say("exit\r");
    caller.until_ended(0);
}

#[test]
fn a_caller_is_called_back_to_a_shell_whatever_his_port() {
    if !programs::there("a caller is called back to a shell", &[]) {
        return;
    }
    for port in ["pty", "rfc2217", "tcp"] {
        let folder = Folder::new();
        let (town, mut server) = office(&folder, port);
        let mut caller = Caller::start(
            &folder,
            &town,
            &["--number", "5550100", "--callback", "cback", "--callback-number", "5550199"],
            &["--login", "shell"],
        );
        at_the_shell(&mut caller);
        assert_eq!(
            caller.stages(),
            [
                "setting-up",
                "dialling",
                "connected",
                "logging-in",
                "leaving",
                "waiting",
                "ringing",
                "answering",
                "connected",
                "logging-in",
            ],
            "{port}"
        );
        let promised = server.until("promised");
        assert_eq!(promised["numbers"], serde_json::json!(["5550199"]));
        server.until("kept");
        assert_eq!(server.until("launched")["program"], "/bin/sh");
        server.stop();
    }
}

#[test]
fn a_program_has_the_line_of_the_call_back() {
    if !programs::there("a program has the line", &[]) {
        return;
    }
    let folder = Folder::new();
    let (town, server) = office(&folder, "pty");
    let mut caller = Caller::start(
        &folder,
        &town,
        &["--number", "5550100", "--callback", "fixed", "--login", "shell"],
        &[
            "--",
            "/bin/sh",
            "-c",
            "printf 'echo $((6*7)) > %s\\r' \"$1\"; printf 'exit\\r'; cat >/dev/null; exit 7",
            "-",
            &folder.path("proof").display().to_string(),
        ],
    );
    caller.until_ended(51);
    assert!(caller.told().contains("status 7"), "{}", caller.told());
    assert_eq!(std::fs::read_to_string(folder.path("proof")).unwrap(), "42\n");
    server.stop();
}

#[test]
fn a_chat_script_does_the_whole_talk() {
    if !programs::there("a chat script does the whole talk", &[]) {
        return;
    }
    let folder = Folder::new();
    let (town, server) = office(&folder, "pty");
    let script = folder.write(
        "script",
        "ABORT BUSY\n'' ATZ\nOK AT&C\nOK ATDT5550100\nCONNECT ''\nogin: cback\ncallback: 5550199\n\
         TIMEOUT 90\nRING AT&C1A\nogin: shell\n",
    );
    let script = script.display().to_string();
    let mut caller = Caller::start(&folder, &town, &["--chat", &script], &[]);
    at_the_shell(&mut caller);
    server.stop();
}

#[test]
fn mgetty_and_its_callback_call_a_caller_back_to_a_shell() {
    let test = "mgetty calls a caller back";
    if !programs::there(test, mgetty::PROGRAMS) || !programs::there(test, &["/usr/sbin/callback"]) {
        return;
    }
    let folder = Folder::new();
    let town = Town::of(&folder, &[("mgetty", "5550100", "pty"), ("alice", "5550199", "pty")]);
    let mgetty = Mgetty::start(
        &folder,
        &town.terminal("mgetty"),
        [
            ("mgetty.config", "debug 5\nspeed 38400\nfido-send-emsi n\n"),
            (
                "login.config",
                "cback - - /usr/sbin/callback -S\nshell - - /bin/sh\n* - - /bin/login @\n",
            ),
            ("callback.config", "debug 5\nspeed 38400\ndelay 4\ndelay-randomize 1\n"),
        ],
    );
    mgetty.until_logged("waiting...");
    let mut caller = Caller::start(
        &folder,
        &town,
        &["--number", "5550100", "--callback", "cback", "--callback-number", "5550199"],
        &["--login", "shell"],
    );
    at_the_shell(&mut caller);
}

#[test]
fn a_dial_up_script_does_the_talk() {
    if !programs::there("a dial-up script does the talk", &[]) {
        return;
    }
    let folder = Folder::new();
    let (town, server) = office(&folder, "pty");
    let script = folder.write(
        "callback.scp",
        "proc main\n waitfor \"ogin: \"\n delay 1\n transmit \"cback^M\"\n waitfor \"callback: \"\n delay 1\n\
         transmit \"5550199^M\"\n waitfor \"<cr><lf>RING\"\n transmit \"ATA^M\"\n waitfor \"ogin: \"\n delay 1\n\
         transmit $USERID\n transmit \"^M\"\nendproc\n",
    );
    let script = script.display().to_string();
    let args = ["--number", "5550100", "--scp", &script];
    let mut caller = Caller::start(&folder, &town, &args, &["--login", "shell"]);
    at_the_shell(&mut caller);
    server.stop();
}
