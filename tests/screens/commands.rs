//! Every command of dialback that the guide gives is one that the program takes: its subcommand, its flags and their
//! values. It is asked for its help instead of being run.

use crate::page;
use crate::server::{run, stderr};

/// Each command of dialback in a line as a shell has it: without comments, prompts, what its output goes to, and what
/// stands in front of it.
fn commands(line: &str) -> Vec<Vec<String>> {
    let line = line.trim_start_matches("$ ").trim_start_matches("# ");
    let line = line.split("  #").next().unwrap_or_default();
    line.split("&&")
        .flat_map(|part| part.split(" | "))
        .filter_map(|part| part.trim().strip_prefix("dialback "))
        .map(|rest| {
            let words = rest.split_whitespace().take_while(|word| *word != ">");
            words.map(str::to_owned).collect()
        })
        .collect()
}

/// Commands with their places.
fn given() -> Vec<(String, Vec<String>)> {
    let mut given = Vec::new();
    for page in page::pages() {
        let (blocks, inline) = page::read(&page);
        for block in blocks.iter().filter(|block| ["sh", "console"].contains(&block.kind.as_str()))
        {
            let shown = block.kind == "console";
            for line in block.text.lines() {
                if !shown || line.starts_with("$ ") || line.starts_with("# ") {
                    given.extend(commands(line).into_iter().map(|words| (block.place(), words)));
                }
            }
        }
        for (line, code) in inline {
            // What is hashed, and no command.
            if code == "dialback journal 1" {
                continue;
            }
            // `dialback status | lines` stands for several.
            let alone = code.split(" | ").next().unwrap_or_default();
            given
                .extend(commands(alone).into_iter().map(|words| (format!("{page}:{line}"), words)));
        }
    }
    given
}

/// What the program has against a command line.
fn refused(words: &[String]) -> Option<String> {
    // It is chat(8), whose command line has no help; tests/interop/chat has its flags.
    if words.first().is_some_and(|command| command == "chat") {
        return None;
    }
    let words: Vec<&str> =
        words.iter().map(|word| word.trim_matches(['\'', '"'])).chain(["--help"]).collect();
    let output = run(&words);
    (!output.status.success()).then(|| stderr(&output))
}

#[test]
fn every_command_of_the_guide_is_one_that_the_program_takes() {
    let given = given();
    assert!(given.len() > 80, "only {} commands were found", given.len());
    let faults: Vec<String> = given
        .iter()
        .filter_map(|(place, words)| {
            Some(format!("{place}: dialback {}: {}", words.join(" "), refused(words)?))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // And it can tell.
    for wrong in ["status --bogus", "prove --strictly", "qualify main --with", "promises cancel"] {
        let words: Vec<String> = wrong.split(' ').map(str::to_owned).collect();
        assert!(refused(&words).is_some(), "{wrong}");
    }
}
