//! How pppd and chat are called in the guest, and how a caller proves his name.

/// What every pppd is told: no control lines, as the guest's serial lines have none; everything on standard output.
const ALWAYS: &str = "115200 nodetach debug local nocrtscts noccp noipdefault maxfail 1";

/// Three seconds of silence around `+++`, which is 60 ms of a fast modem: the usual second is hardly more than chat's
/// pause after each character. And as much patience with the far end as a modem has: a busy machine may take its time
/// to answer.
const REGISTERS: &str = "ATS12=150S7=255";

/// Ways to prove a name, as our server calls them, and what the caller's pppd refuses to do for it.
pub(crate) const METHODS: [(&str, &str); 3] = [
    ("pap", "refuse-chap refuse-mschap refuse-mschap-v2 refuse-eap"),
    ("chap-md5", "refuse-pap refuse-mschap refuse-mschap-v2 refuse-eap"),
    ("ms-chap-v2", "refuse-pap refuse-chap refuse-mschap refuse-eap"),
];

/// A caller's name and password as options, and where his pppd's number is found.
pub(crate) const ALICE: &str = r#"noauth user alice password "secret word" linkname alice"#;

/// Tells alice's pppd to end.
pub(crate) const END: &str = "kill $(head -n 1 /run/ppp-alice.pid)";

/// pppd's exit status: the peer will call back.
pub(crate) const CALLED_BACK: i32 = 14;
/// pppd's exit status: it was told to end.
pub(crate) const BY_A_SIGNAL: i32 = 5;

/// pppd dials `number` on a line, `/dev/ttyS1` or a pty.
pub(crate) fn dials(line: &str, number: &str, options: &str) -> String {
    let dial = format!(
        "TIMEOUT 30 ABORT 'NO CARRIER' '' ATZ OK {REGISTERS} OK ATDT{number} CONNECT '\\c'"
    );
    pppd(line, &dial, options)
}

/// pppd waits for a call on a line and answers it.
pub(crate) fn answers(line: &str, options: &str) -> String {
    let answer = format!("TIMEOUT 45 '' ATZ OK {REGISTERS} OK '\\c' RING ATA CONNECT '\\c'");
    pppd(line, &answer, options)
}

fn pppd(line: &str, script: &str, options: &str) -> String {
    let chat = "chat -v -s -S";
    let connect = format!(r#"connect "{chat} ABORT BUSY ABORT 'NO DIALTONE' {script}""#);
    // The modem sees no DTR fall, so it is told to hang up, also where it has done so already. chat's \p is a hundredth
    // of a second, whatever its manual says.
    let pause = r"\p".repeat(15);
    let hang_up = format!(r"'' '{pause}+++{pause}\c' '' '\rATH' OK '\c'");
    let disconnect = format!(r#"disconnect "{chat} TIMEOUT 5 {hang_up}""#);
    format!("pppd {line} {ALWAYS} {connect} {disconnect} {options}")
}
