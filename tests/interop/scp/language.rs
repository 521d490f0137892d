//! The text of a script: words, names, strings, numbers, expressions, and the faults in them.

use crate::case::Basis::{Decision, Field, Follows, Manual};
use crate::case::End::{Failed, Refused};
use crate::case::{Case, case, whole};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = structure();
    cases.extend(declarations());
    cases.extend(strings());
    cases.extend(arithmetic());
    cases.extend(logic());
    cases
}

fn structure() -> Vec<Case> {
    vec![
        whole("a procedure without statements starts ppp", Manual, "proc main\nendproc"),
        whole("a script may end without a line end", Follows, "proc main transmit \"q\" endproc").sends("q"),
        whole("lines may end in cr lf", Follows, "proc main\r\n transmit \"q\"\r\nendproc\r\n").sends("q"),
        whole("dos editors end a file with a sub", Decision, "proc main\nendproc\n\u{1a}\n"),
        whole("notepad begins a file with a byte order mark", Decision, "\u{feff}proc main\nendproc\n"),
        whole("remarks stand anywhere, and in a string a semicolon is text", Manual,
            ";a\nproc main;b\n;c\ntransmit \"1;2\";d\nendproc;e\n;f").sends("1;2"),
        whole("a statement may be spread over lines", Manual, "proc main transmit\n\n \"x\"\n , \n raw endproc").sends("x"),
        whole("statements may share a line", Decision, "proc main transmit \"a\" transmit \"b\" endproc").sends("ab"),
        whole("words are known in any case", Decision, "PROC Main\nTransmit \"x\"\nEndProc").sends("x"),
        whole("other procedures are never run", Decision,
            "proc first\ntransmit \"1\"\nendproc\nproc main\ntransmit \"2\"\nendproc\nproc last\nhalt\nendproc").sends("2"),
        whole("a procedure that is never run is checked all the same", Decision,
            "proc main\ntransmit \"x\"\nendproc\nproc other\nn = 1\nendproc").ends(Refused(5)),
        whole("two procedures cannot have one name", Follows, "proc main\nendproc\nproc MAIN\nendproc").ends(Refused(3)),
        whole("without main there is nothing to run", Manual, "proc other\ntransmit \"x\"\nendproc").ends(Refused(1)),
        whole("an empty file has no main", Manual, "").ends(Refused(1)),
        whole("a procedure needs its endproc", Manual, "\nproc main\ntransmit \"x\"").ends(Refused(2)),
        whole("a procedure cannot stand in another", Manual, "proc main\nproc other\nendproc\nendproc").ends(Refused(1)),
        whole("nothing stands between procedures", Decision, "proc main\nendproc\nhalt").ends(Refused(3)),
        whole("nothing stands before the first procedure", Decision, "transmit \"x\"\nproc main\nendproc").ends(Refused(1)),
        whole("a procedure has a name", Manual, "proc\nendproc").ends(Refused(2)),
        case("what is no command is refused before anything is sent", Follows, "transmit \"x\"\ndial \"5551234\"").ends(Refused(3)),
        case("there is no else", Manual, "if TRUE then\n else\nendif").ends(Refused(3)),
        case("an endif needs its if", Manual, "endif").ends(Refused(2)),
        case("an endwhile does not end an if", Manual, "if TRUE then\nendwhile").ends(Refused(2)),
        case("an if needs its endif", Manual, "if TRUE then\ntransmit \"x\"").ends(Refused(2)),
        case("a while needs its endwhile", Manual, "transmit \"x\"\nwhile TRUE do").ends(Refused(3)),
        case("an if needs its then", Manual, "if TRUE\ntransmit \"x\"\nendif").ends(Refused(3)),
        case("a while needs its do", Manual, "while TRUE then\nendwhile").ends(Refused(2)),
        case("a character of no meaning is refused", Manual, "transmit \"x\"\n#").ends(Refused(3)),
        case("blocks nest as deep as one likes", Decision, &deep_blocks(400)).sends("x"),
        case("parentheses nest deeper than anybody writes", Decision,
            &format!("integer n = {}7{}\nif n == 7 then transmit \"y\" endif", "(".repeat(150), ")".repeat(150))).sends("y"),
        case("parentheses without end are refused", Decision, &format!("integer n = {}", "(".repeat(5000))).ends(Refused(2)),
        case("a script of more than 64 KiB is refused", Decision, &"; filler\n".repeat(8000)).ends(Refused(1)),
    ]
}

fn deep_blocks(depth: usize) -> String {
    format!("{}transmit \"x\"\n{}", "if TRUE then\n".repeat(depth), "endif\n".repeat(depth))
}

fn declarations() -> Vec<Case> {
    vec![
        case("variables begin with nothing in them", Decision,
            "integer n\nstring s\nboolean b\nif n == 0 and s == \"\" and !b then transmit \"0\" endif").sends("0"),
        case("a first value may use earlier variables", Follows,
            "integer a = 2\ninteger b = a * 3\nif b == 6 then transmit \"6\" endif").sends("6"),
        case("a first value may be read from the line", Follows, "string a = getip\ntransmit a").hears("10.9.8.7 ").sends("10.9.8.7"),
        case("a variable is not there in its own first value", Follows, "integer a = a").ends(Refused(2)),
        case("names are the same in any case", Decision, "string Name = \"n\"\ntransmit NAME").sends("n"),
        case("a name begins with a letter or an underscore", Manual, "string _9z = \"k\"\ntransmit _9z").sends("k"),
        case("main is no word of the language", Manual, "string main = \"m\"\ntransmit main").sends("m"),
        case("a variable may be called like a label", Decision, "string x = \"v\"\ngoto x\nx:\ntransmit x").sends("v"),
        case("a word of the language is no name", Manual, "integer space").ends(Refused(2)),
        case("a name cannot begin with a digit", Manual, "integer 1a").ends(Refused(2)),
        case("a declaration comes before the first statement", Manual, "transmit \"x\"\nstring s").ends(Refused(3)),
        case("a label is a statement", Decision, "Here:\ninteger n\ngoto Here").ends(Refused(3)),
        case("a block cannot declare", Manual, "if TRUE then\ninteger n\nendif").ends(Refused(3)),
        case("a name is declared once", Follows, "integer n\nstring N").ends(Refused(3)),
        case("a first value has the declared type", Manual, "integer n = \"1\"").ends(Refused(2)),
        case("a variable is declared", Manual, "transmit \"a\"\ntransmit s").ends(Refused(3)),
        case("an assignment keeps the type", Manual, "boolean b\nb = 1").ends(Refused(3)),
        case("the values with a dollar are read only", Manual, "$USERID = \"x\"").ends(Refused(2)),
        case("there are four values with a dollar", Manual, "transmit $NAME").ends(Refused(2)),
    ]
}

fn strings() -> Vec<Case> {
    vec![
        case("carets write control characters", Manual, "transmit \"^@^A^M^Z^[^\\^]^^^_^a^m^z\"")
            .sends("\0\u{1}\r\u{1a}\u{1b}\u{1c}\u{1d}\u{1e}\u{1f}\u{1}\r\u{1a}"),
        case("a caret before anything else is a caret", Manual, "transmit \"^1^!^ ^{^\"")
            .sends("^1^!^ ^{^"),
        case("cr and lf have names", Manual, "transmit \"<cr>1<lf>2<tab><\"").sends("\r1\n2<tab><"),
        case("the names of cr and lf are known in any case", Decision, "transmit \"<CR><Lf>\"")
            .sends("\r\n"),
        case("a backslash takes meanings away", Manual, r#"transmit "\"\^M\<cr>\\""#)
            .sends("\"^M<cr>\\"),
        case("a backslash before anything else is a backslash", Decision, r#"transmit "\r\n\0""#)
            .sends("\\r\\n\\0"),
        case("a backslash may hide one that follows", Follows, r#"transmit "\\^M""#).sends("\\\r"),
        case("a caret that is made by joining acts", Follows, "transmit \"^\" + \"M\"").sends("\r"),
        case(
            "strings are compared as they are written",
            Follows,
            "if \"^M\" != \"<cr>\" then transmit \"n\" endif",
        )
        .sends("n"),
        case(
            "comparing strings minds the case",
            Decision,
            "if \"a\" != \"A\" then transmit \"n\" endif",
        )
        .sends("n"),
        case(
            "strings are joined from left to right",
            Manual,
            "string s = \"a\"\ns = s + \"b\" + s\ntransmit s",
        )
        .sends("aba"),
        case("a string ends on its line", Manual, "transmit \"a\ntransmit \"b\"").ends(Refused(2)),
        case("a backslash does not hide a line end", Follows, "transmit \"a\\\n\"")
            .ends(Refused(2)),
        case("bytes beyond ascii are sent as they stand", Decision, "transmit \"gr\u{fc}n\"")
            .sends("gr\u{c3}\u{bc}n"),
        case("an empty string sends nothing", Follows, "transmit \"\"\ntransmit \"x\"").sends("x"),
        case(
            "a string does not grow without end",
            Decision,
            "string s = \"0123456789\"\nwhile TRUE do\n s = s + s\nendwhile",
        )
        .ends(Failed(4)),
    ]
}

fn arithmetic() -> Vec<Case> {
    let yes = |name, basis, condition: &str| {
        case(name, basis, &format!("if {condition} then transmit \"y\" endif")).sends("y")
    };
    vec![
        yes("times binds tighter than plus", Manual, "2 + 3 * 4 == 14"),
        yes("parentheses come first", Manual, "(2 + 3) * 4 == 20"),
        yes("minus goes from left to right", Manual, "9 - 4 - 3 == 2"),
        yes("division goes from left to right", Manual, "100 / 10 * 5 / 2 == 25"),
        yes(
            "division drops the rest towards zero",
            Decision,
            "7 / 2 == 3 and -7 / 2 == -3 and 7 / -2 == -3",
        ),
        yes("a sign binds tighter than times", Manual, "-2 * 3 == -6 and 4 - -4 == 8"),
        yes("signs may pile up", Follows, "--3 == 3 and !!TRUE"),
        yes(
            "an exclamation mark is the complement of an integer",
            Decision,
            "!0 == -1 and !5 == -6",
        ),
        yes("the largest number is there", Decision, "2147483647 > 0 and -2147483647 - 1 < 0"),
        case("a larger number is refused", Decision, "integer n = 2147483648").ends(Refused(2)),
        case("a sum does not wrap", Decision, "integer n = 2147483647\nn = n + 1").ends(Failed(3)),
        case("a product does not wrap", Decision, "integer n = 65536\nn = n * n").ends(Failed(3)),
        case(
            "the smallest number has no opposite",
            Decision,
            "integer n\nn = -2147483647 - 1\nn = -n",
        )
        .ends(Failed(4)),
        case("nothing is divided by zero", Decision, "integer n\ntransmit \"a\"\nn = 1 / n")
            .sends("a")
            .ends(Failed(4)),
        case("strings are not subtracted", Manual, "transmit \"ab\" - \"b\"").ends(Refused(2)),
        case("a string and a number are not joined", Manual, "transmit \"n\" + 1").ends(Refused(2)),
        case("a boolean has no sign", Manual, "boolean b\nb = -TRUE").ends(Refused(3)),
        case("a string has no opposite", Manual, "transmit !\"a\"").ends(Refused(2)),
        case("an operator needs its right side", Manual, "integer n = 3 *\nn = 1").ends(Refused(3)),
        case("a parenthesis is closed", Manual, "integer n = (3 + 1\nn = 2").ends(Refused(3)),
        case("a number and a word without a blank are two", Decision, "delay 0transmit \"x\"")
            .sends("x"),
    ]
}

fn logic() -> Vec<Case> {
    let yes = |name, basis, condition: &str| {
        case(name, basis, &format!("if {condition} then transmit \"y\" endif")).sends("y")
    };
    vec![
        yes("and binds tighter than or", Manual, "TRUE or TRUE and FALSE"),
        yes("comparing binds tighter than equal", Manual, "1 < 2 == 3 < 4"),
        yes("equal binds tighter than and", Manual, "FALSE == FALSE and TRUE != FALSE"),
        yes("all four relations", Manual, "1 < 2 and 2 <= 2 and 3 > 2 and 3 >= 3 and !(2 < 2) and !(3 <= 2)"),
        yes("or does not look at its right side if the left one decides", Decision, "TRUE or 1 / 0 == 1"),
        yes("and does not either", Decision, "!(FALSE and 1 / 0 == 1)"),
        yes("but they look where it matters", Decision, "(FALSE or 4 / 2 == 2) and (TRUE and 6 / 3 == 2)"),
        yes("true and false are known in any case", Decision, "true and False == false"),
        case("a condition is a boolean", Manual, "while 1 do\nendwhile").ends(Refused(2)),
        case("strings are not larger or smaller", Manual, "if \"a\" < \"b\" then\nendif").ends(Refused(2)),
        case("only like is compared with like", Manual, "if 1 == TRUE then\nendif").ends(Refused(2)),
        case("and is for booleans", Manual, "if 1 and 2 then\nendif").ends(Refused(2)),
        case("all four values with a dollar have their types", Manual,
            "string s = $USERID + $PASSWORD\nboolean b = $SUCCESS or $FAILURE\nif b then transmit s endif").sends("marysecret"),
        case("words of the field are found in scripts of any case", Field, "Set Port DataBits 8\nSet Screen Keyboard On")
            .reports("keyboard", true),
    ]
}
