//! What a script does on the line.

use serde_json::json;

use crate::case::Basis::{Decision, Field, Follows, Manual};
use crate::case::End::{Failed, Halt, HangUp, Limit, Refused};
use crate::case::Peer::{HangsUp, Hears, Pauses, Says};
use crate::case::{Case, case, whole};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = sending();
    cases.extend(waiting());
    cases.extend(several());
    cases.extend(control());
    cases.extend(addresses());
    cases.extend(settings());
    cases.extend(whole_calls());
    cases
}

fn sending() -> Vec<Case> {
    vec![
        case("nothing is added to what is sent", Manual, "transmit \"ppp\"").sends("ppp"),
        case("sequences in a user name act", Manual, "transmit $USERID").login("a^Mb<lf>\\^", "").sends("a\rb\n^"),
        case("raw sends a name as it is", Manual, "transmit $USERID, raw\ntransmit $PASSWORD, RAW")
            .login("a^Mb<lf>", "\\^\"").sends("a^Mb<lf>\\^\""),
        case("raw sends a text as it is written", Manual, "transmit \"^M<cr>\\\"\", raw").sends("^M<cr>\\\""),
        case("an empty password sends nothing", Follows, "transmit $PASSWORD\ntransmit \"^M\"").login("", "").sends("\r"),
        case("a transmit takes one text", Manual, "transmit \"a\", \"b\"").ends(Refused(2)),
        case("a transmit takes a string", Manual, "transmit 5").ends(Refused(2)),
        case("a long text is sent whole", Follows, "string s = \"0123456789\"\ninteger n = 0\nwhile n < 200 do\n transmit s\n n = n + 1\nendwhile\ntransmit \"!\"")
            .sends(LONG),
    ]
}

/// Two hundred times ten digits, and the mark at their end.
const LONG: &str = {
    const BYTES: [u8; 2001] = {
        let mut bytes = [b'!'; 2001];
        let mut at = 0;
        #[expect(clippy::cast_possible_truncation, reason = "below ten")]
        while at < 2000 {
            bytes[at] = b'0' + (at % 10) as u8;
            at += 1;
        }
        bytes
    };
    match std::str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => "",
    }
};

fn waiting() -> Vec<Case> {
    vec![
        case("a text is found in any case", Decision, "waitfor \"LogIn:\"\ntransmit \"u\"").hears("Host lOGIN: ").sends("u"),
        case("with matchcase only in this one", Manual,
            "waitfor \"Login:\", matchcase until 1\nif $FAILURE then transmit \"n\" endif").hears("login: LOGIN: ").sends("n").takes(950, 9000),
        case("with matchcase it is found as written", Manual, "waitfor \"Login:\", matchcase\ntransmit \"u\"").hears("login: Login:").sends("u"),
        case("letters beyond ascii are not folded", Decision,
            "waitfor \"\u{e4}\" until 1\nif $FAILURE then transmit \"n\" endif").hears("\u{c3}\u{84}").sends("n"),
        case("a text comes in pieces", Follows, "waitfor \"ogin:\"\ntransmit \"u\"")
            .peer([Says("lo"), Pauses(60), Says("gi"), Pauses(60), Says("n:")]).sends("u"),
        case("a text begins in the middle of a false beginning", Follows, "waitfor \"aab\"\ntransmit \"y\"").hears("aaab").sends("y"),
        case("success is there before the first wait", Decision, "if $SUCCESS and !$FAILURE then transmit \"s\" endif").sends("s"),
        case("after a wait in vain it is failure", Manual,
            "waitfor \"x\" until 1\nif $FAILURE and !$SUCCESS then transmit \"f\" endif").sends("f").takes(950, 9000),
        case("after the next success it is gone", Manual,
            "waitfor \"x\" until 1\nwaitfor \"y\" until 9\nif $SUCCESS then transmit \"s\" endif").hears("y").sends("s"),
        case("a wait in vain takes nothing away", Decision,
            "waitfor \"b\", matchcase until 1\nwaitfor \"B\"\ntransmit \"y\"").hears("B").sends("y"),
        case("what was found is used up", Follows,
            "waitfor \"a\"\nwaitfor \"a\" until 1\nif $FAILURE then transmit \"n\" endif").hears("xa").sends("n"),
        case("and everything before it", Follows,
            "waitfor \"b\"\nwaitfor \"a\" until 1\nif $FAILURE then transmit \"n\" endif").hears("ab").sends("n"),
        case("what follows it stays", Follows, "waitfor \"a\"\nwaitfor \"b\"\nwaitfor \"c\"\ntransmit \"y\"").hears("abc").sends("y"),
        case("overlapping texts are found once", Follows,
            "waitfor \"aa\"\nwaitfor \"aa\" until 1\nif $FAILURE then transmit \"n\" endif").hears("aaa").sends("n"),
        case("what comes during a delay counts", Decision, "transmit \"g\"\ndelay 1\nwaitfor \"now\" until 1\nif $SUCCESS then transmit \"y\" endif")
            .peer([Hears("g"), Says("now")]).sends("gy"),
        case("until nought looks at what is there", Decision, "transmit \"g\"\ndelay 1\nwaitfor \"now\" until 0\nif $SUCCESS then transmit \"y\" endif")
            .peer([Hears("g"), Says("well, now")]).sends("gy"),
        case("until nought does not wait", Decision, "waitfor \"x\" until 0\nif $FAILURE then transmit \"f\" endif").sends("f").takes(0, 900),
        case("until less than nought does not wait either", Decision, "waitfor \"x\" until -5\ntransmit \"f\"").sends("f").takes(0, 900),
        case("the time is for the whole wait", Decision, "waitfor \"x\" until 1\ntransmit \"f\"")
            .peer([Says("a"), Pauses(300), Says("b"), Pauses(300), Says("c")])
            .sends("f").takes(950, 1900),
        case("until takes an expression", Manual, "integer n = 2\nwaitfor \"x\" until n - 1\ntransmit \"f\"").sends("f").takes(950, 1900),
        case("until takes an integer", Manual, "waitfor \"x\" until \"5\"").ends(Refused(2)),
        case("an empty text is there at once", Decision, "waitfor \"\"\ntransmit \"y\"").sends("y").takes(0, 900),
        case("sequences act in what is waited for", Manual, "waitfor \"<lf>> ^G\"\ntransmit \"y\"").hears("> \u{7}\n> \u{7}").sends("y"),
        case("a nul can be waited for", Follows, "waitfor \"a^@b\"\ntransmit \"y\"").hears("a\0b").sends("y"),
        case("a text is put together", Follows, "string p = \"word\"\nwaitfor \"Pass\" + p + \":\"\ntransmit \"y\"").hears("password:").sends("y"),
        case("a wait without until does not end", Manual, "waitfor \"never\"\ntransmit \"x\"").hears("neve").ends(Limit),
        case("a lost line ends a wait", Follows, "waitfor \"never\"\ntransmit \"x\"").peer([Pauses(100), HangsUp]).ends(HangUp),
        case("a lost line ends a wait with until", Follows, "waitfor \"never\" until 9\ntransmit \"x\"").peer([Pauses(100), HangsUp]).ends(HangUp).takes(0, 5000),
        case("matchcase stands behind the text", Manual, "waitfor matchcase \"x\"").ends(Refused(2)),
        case("eight bits are eight bits", Follows, "waitfor \"a\" until 1\nif $FAILURE then transmit \"n\" endif").hears("\u{e1}").sends("n"),
        case("with seven data bits the eighth is not looked at", Decision,
            "set port databits 7\nwaitfor \"login:\"\nset port databits 8\ntransmit \"u\"").hears("\u{ec}\u{ef}\u{e7}\u{e9}\u{ee}\u{ba}").sends("u"),
    ]
}

fn several() -> Vec<Case> {
    const TAIL: &str =
        "\ntransmit \"0\"\ngoto Out\nA:\ntransmit \"A\"\ngoto Out\nB:\ntransmit \"B\"\nOut:";
    let several = |name, basis, wait: &str| case(name, basis, &format!("{wait}{TAIL}"));
    vec![
        several(
            "the label of the text that came is gone to",
            Manual,
            "waitfor \"one\" then A,\n \"two\" then B\n until 9",
        )
        .hears("two")
        .sends("B"),
        several(
            "the one that is complete first wins",
            Decision,
            "waitfor \"one\" then A, \"two\" then B",
        )
        .hears("one two")
        .sends("A"),
        several("also if it is listed last", Decision, "waitfor \"login:\" then A, \"log\" then B")
            .hears("login:")
            .sends("B"),
        several(
            "of two that end together the one listed first",
            Decision,
            "waitfor \"gin:\" then B, \"login:\" then A",
        )
        .hears("login:")
        .sends("B"),
        several(
            "also if one of them minds the case",
            Decision,
            "waitfor \"LOGIN:\", matchcase then A, \"gin:\" then B",
        )
        .hears("LOGIN:")
        .sends("A"),
        several(
            "and the other way round",
            Decision,
            "waitfor \"gin:\" then B, \"LOGIN:\", matchcase then A",
        )
        .hears("LOGIN:")
        .sends("B"),
        several(
            "matchcase is for its own text only",
            Manual,
            "waitfor \"YES\", matchcase then A, \"NO\" then B",
        )
        .hears("yes no")
        .sends("B"),
        several(
            "if none comes the next statement follows",
            Manual,
            "waitfor \"one\" then A, \"two\" then B until 1",
        )
        .sends("0"),
        several("a single text may have a label", Manual, "waitfor \"one\" then B")
            .hears("one")
            .sends("B"),
        several(
            "a label may lie behind",
            Manual,
            "goto Past\nPast: waitfor \"one\" then A until 9",
        )
        .hears("one")
        .sends("A"),
        case("several texts need their labels", Manual, "waitfor \"a\" then X, \"b\"\nX:")
            .ends(Refused(2)),
        case("also the first of them", Manual, "waitfor \"a\", \"b\" then X\nX:").ends(Refused(2)),
        case(
            "a label that is not there is refused before anything is sent",
            Follows,
            "transmit \"x\"\nwaitfor \"a\" then Y",
        )
        .ends(Refused(3)),
        case(
            "a label of another procedure is not there",
            Follows,
            "goto X\nendproc\nproc other\nX:",
        )
        .ends(Refused(2)),
    ]
}

fn control() -> Vec<Case> {
    vec![
        case("goto goes forward and back", Manual, "integer n = 3\nBack:\ntransmit \"x\"\nn = n - 1\nif n > 0 then goto back endif\ngoto End\ntransmit \"!\"\nEnd:").sends("xxx"),
        case("goto leaves blocks", Manual, "while TRUE do\n if TRUE then\n goto Out\n endif\nendwhile\nOut:\ntransmit \"o\"").sends("o"),
        case("goto enters blocks", Field, "integer n = 2\ngoto In\nwhile n > 0 do\n transmit \"w\"\n In:\n n = n - 1\nendwhile\ntransmit \"e\"").sends("we"),
        case("goto enters an if whose condition is false", Field, "goto In\nif FALSE then\n transmit \"a\"\n In:\n transmit \"b\"\nendif").sends("b"),
        case("while tests first", Manual, "while FALSE do\n transmit \"x\"\nendwhile").sends(""),
        case("a false if is passed over", Manual, "if FALSE then\n transmit \"x\"\nendif\ntransmit \"y\"").sends("y"),
        case("a wait may be in a loop", Follows, "integer n = 3\nwhile n > 0 do\n waitfor \"?\"\n transmit \"!\"\n n = n - 1\nendwhile")
            .peer([Says("?"), Hears("!"), Says("?"), Hears("!"), Says("?")]).sends("!!!"),
        case("a label stands before a statement on its line", Decision, "goto L transmit \"a\" L: transmit \"b\"").sends("b"),
        case("a label may be the last thing", Follows, "goto L\ntransmit \"a\"\nL:").sends(""),
        case("a label is there once", Follows, "L:\nl:").ends(Refused(3)),
        case("a goto needs a label", Manual, "goto").ends(Refused(3)),
        case("halt ends without ppp", Manual, "transmit \"a\"\nhalt\ntransmit \"b\"").sends("a").ends(Halt),
        case("a delay takes its time", Manual, "delay 1\ntransmit \"x\"").sends("x").takes(950, 5000),
        case("a delay below nought is none", Decision, "delay -1\ntransmit \"x\"").sends("x").takes(0, 900),
        case("a delay takes an integer", Manual, "delay \"1\"").ends(Refused(2)),
        case("a loop without end meets the limit", Decision, "while TRUE do\nendwhile").ends(Limit).takes(950, 5000),
        case("a long loop comes to its end", Decision, "integer n\nwhile n < 100000 do\n n = n + 1\nendwhile\ntransmit \"x\"").sends("x"),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn addresses() -> Vec<Case> {
    let own = |name, basis, body: &str, heard| case(name, basis, body).hears(heard);
    vec![
        own(
            "getip reads the first address",
            Manual,
            "set ipaddr getip",
            "your address is 192.168.7.41.\r\n",
        )
        .reports("ipaddr", "192.168.7.41"),
        own(
            "getip reads a later one",
            Manual,
            "set ipaddr getip 3",
            "10.0.0.1 10.0.0.2, 10.0.0.3;",
        )
        .reports("ipaddr", "10.0.0.3"),
        own(
            "its number may be computed",
            Manual,
            "integer n = 1\nset ipaddr getip (n + 1)",
            "10.0.0.1 10.0.0.2 ",
        )
        .reports("ipaddr", "10.0.0.2"),
        own(
            "its number stands on its line",
            Decision,
            "string a\na = getip\na = a\nset ipaddr a",
            "10.0.0.1 ",
        )
        .reports("ipaddr", "10.0.0.1"),
        own(
            "it can stand in a longer expression",
            Follows,
            "transmit \"<\" + getip + \"-\" + getip + \">\"",
            "1.2.3.4 5.6.7.8 ",
        )
        .sends("<1.2.3.4-5.6.7.8>"),
        own(
            "it can stand in a condition",
            Follows,
            "if getip == \"1.2.3.4\" then transmit \"y\" endif",
            "1.2.3.4 ",
        )
        .sends("y"),
        own(
            "an and that is decided does not read",
            Decision,
            "boolean b\nb = FALSE and getip == \"\"\nset ipaddr getip",
            "1.2.3.4 ",
        )
        .reports("ipaddr", "1.2.3.4"),
        own("alone it only waits", Decision, "getip\ntransmit \"y\"", "1.2.3.4 ").sends("y"),
        case("an address is complete when something follows it", Follows, "set ipaddr getip")
            .peer([Says("10.0.0.1"), Pauses(200), Says("23 ")])
            .reports("ipaddr", "10.0.0.123"),
        own(
            "it begins behind what a wait used up",
            Follows,
            "waitfor \"is \"\nset ipaddr getip",
            "1.1.1.1 it is 2.2.2.2 ",
        )
        .reports("ipaddr", "2.2.2.2"),
        own(
            "and leaves what follows the address",
            Follows,
            "set ipaddr getip\nwaitfor \", ok\"\ntransmit \"y\"",
            "2.2.2.2, ok",
        )
        .reports("ipaddr", "2.2.2.2")
        .sends("y"),
        own(
            "what is no address is passed over",
            Decision,
            "set ipaddr getip",
            "256.1.1.1 1.2.3 1.2.3.4.5 1..2.3.4 1234.1.1.1 222222222222222 1.1.1.99999999999 .7.7.7.7. ",
        )
        .reports("ipaddr", "7.7.7.7"),
        own(
            "a wait in vain before does not eat it",
            Decision,
            "waitfor \"no\" until 1\nset ipaddr getip",
            "3.3.3.3 ",
        )
        .reports("ipaddr", "3.3.3.3"),
        own(
            "getip is a success",
            Decision,
            "waitfor \"no\" until 1\nset ipaddr getip\nif $SUCCESS then transmit \"s\" endif",
            "3.3.3.3 ",
        )
        .sends("s"),
        case("there is no address number nought", Decision, "set ipaddr getip 0").ends(Failed(2)),
        case("its number is an integer", Manual, "set ipaddr getip (TRUE)").ends(Refused(2)),
        case("getip waits for ever", Manual, "set ipaddr getip")
            .hears("1.2.3.4")
            .ends(Limit)
            .reports("ipaddr", json!(null)),
        case("a lost line ends it", Follows, "set ipaddr getip")
            .peer([Says("1.2."), Pauses(100), HangsUp])
            .ends(HangUp),
        case("an address may be written down", Manual, "set ipaddr \"10.1.2.3\"")
            .reports("ipaddr", "10.1.2.3"),
        case("the last one counts", Follows, "set ipaddr \"10.1.2.3\"\nset ipaddr \"10.1.2.4\"")
            .reports("ipaddr", "10.1.2.4"),
        case(
            "an impossible address is a fault when it is used",
            Decision,
            "transmit \"a\"\nset ipaddr \"10.1.2.300\"",
        )
        .sends("a")
        .ends(Failed(3)),
        case("a number of any length is none of an address", Decision, "set ipaddr \"10.1.2.99999999999999999999\"").ends(Failed(2)),
        case("so is one with something around it", Decision, "set ipaddr \" 10.1.2.3\"")
            .ends(Failed(2)),
        case("an address is a string", Manual, "set ipaddr 10").ends(Refused(2)),
    ]
}

fn settings() -> Vec<Case> {
    vec![
        case("all port settings are told", Manual, "set port databits 7\nset port stopbits 2\nset port parity even")
            .reports("port", json!({"databits": 7, "stopbits": 2, "parity": "even"})),
        case("the last of each counts", Follows, "set port parity odd\nset port parity mark\nset port parity space\nset port databits 5\nset port databits 8")
            .reports("port", json!({"databits": 8, "parity": "space"})),
        case("what is not set is not told", Decision, "transmit \"\"").reports("port", json!({})).reports("keyboard", json!(null)),
        case("settings of the port may come between texts", Follows, "transmit \"a\"\nset port databits 7\ntransmit \"b\"\nset port databits 8\ntransmit \"c\"").sends("abc"),
        case("four data bits are none", Manual, "set port databits 4").ends(Refused(2)),
        case("three stop bits are none", Manual, "set port stopbits 3").ends(Refused(2)),
        case("parity is a word", Manual, "set port parity 1").ends(Refused(2)),
        case("a setting is written, not computed", Manual, "integer n = 8\nset port databits n").ends(Refused(3)),
        case("the speed is not a script's business", Manual, "set port baud 9600").ends(Refused(2)),
        case("only what can be set is set", Manual, "set modem off").ends(Refused(2)),
        case("the keyboard is turned on", Manual, "set screen keyboard on").reports("keyboard", true),
        case("and off", Manual, "set screen keyboard on\nset screen keyboard off").reports("keyboard", false),
        case("the keyboard is on or off", Manual, "set screen keyboard TRUE").ends(Refused(2)),
        case("the keyboard is on when the user takes over", Field, "set screen keyboard on\nhalt").ends(Halt).reports("keyboard", true),
    ]
}

fn whole_calls() -> Vec<Case> {
    let trap = [
        Says("\r\norion!login: "),
        Hears("cback\r"),
        Says("Telephone number for callback: "),
        Hears("5550123\r"),
        Says("\r\nPreparing to call you back\r\n"),
        Pauses(100),
        Says("\r\nNO CARRIER\r\n"),
        Pauses(200),
        Says("\r\nRING\r\n"),
        Hears("ATA\r"),
        Says("\r\nCONNECT 33600\r\n\r\norion!login: "),
        Hears("mary\r"),
        Says("Password: "),
        Hears("secret\r"),
        Says("\r\norion> "),
    ];
    let dialogue = |ring: &str| {
        format!(
            "waitfor \"ogin: \"\ntransmit \"cback^M\"\nwaitfor \"callback: \"\ntransmit \"5550123^M\"\n{ring}\ntransmit \"ATA^M\"\n\
         waitfor \"ogin: \"\ntransmit $USERID, raw\ntransmit \"^M\"\nwaitfor \"word: \"\ntransmit $PASSWORD, raw\ntransmit \"^M\"\nwaitfor \"> \"\ntransmit \"ppp^M\""
        )
    };
    let callback = "cback\r5550123\rATA\rmary\rsecret\rppp\r";
    let example = include_str!("../../../examples/scripts/callback.scp");
    let hardened = include_str!("../../../examples/scripts/callback-hardened.scp");
    vec![
        whole("the shortest script is called back", Field, example).peer([
            Says("\r\norion!login: "), Hears("cback\r"), Says("Telephone number for callback: "), Hears("5550123\r"),
            Says("\r\nCalling back.\r\n\r\nNO CARRIER\r\n"), Pauses(100), Says("\r\nRING\r\n"), Hears("ATA\r"),
            Says("\r\nCONNECT 33600\r\n\r\norion!login: "), Hears("mary\r"), Says("Password: "), Hears("secret\r"), Says("\r\norion> "),
        ]).sends(callback),
        whole("the hardened script is called back in spite of a trap", Field, hardened).peer(trap).sends(callback),
        whole("the hardened script gives up when it is refused", Field, hardened)
            .peer([Says("login: "), Hears("cback\r"), Says("Login incorrect\r\nlogin: ")]).sends("cback\r").ends(Halt).reports("keyboard", true),
        whole("a callback with the whole line of the modem waited for", Follows,
            &format!("proc main\n{}\nendproc", dialogue("waitfor \"<cr><lf>RING<cr>\", matchcase"))).peer(trap).sends(callback),
        case("ring without matchcase answers a text that has it", Field, "waitfor \"RING\"\ntransmit \"ATA^M\"").hears("Preparing").sends("ATA\r"),
        case("a menu is answered by what it asks", Field,
            "integer tries = 3\nAgain:\nwaitfor \"user\" then User, \"pass\" then Pass, \"%\" then Shell until 5\ntries = tries - 1\nif tries > 0 then goto Again endif\nhalt\n\
             User:\ntransmit \"mary^M\"\ngoto Again\nPass:\ntransmit \"secret^M\"\ngoto Again\nShell:\ntransmit \"ppp^M\"")
            .peer([Says("User? "), Hears("mary\r"), Says("Pass? "), Hears("secret\r"), Says("ok % ")]).sends("mary\rsecret\rppp\r"),
        case("a slip login reads its two addresses", Manual,
            "string mine\nwaitfor \"are \"\nmine = getip\nset ipaddr mine\nwaitfor \"MTU\"").hears("addresses are 10.8.0.9, 10.8.0.1, MTU is 1500\r\n").reports("ipaddr", "10.8.0.9"),
        case("what comes after the last wait stays on the line", Follows, "waitfor \"go\"").hears("go~\u{7f}}#").reports("outcome", "ppp"),
    ]
}
