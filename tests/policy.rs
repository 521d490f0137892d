//! The guide of the policy, docs/guide/policy.md, run: its files are written, its commands are given, and what they
//! print has to be what the page says.
//!
//! A block of the page whose first line is `# NAME` is that file; those before the first example are there in all of
//! them, and a dialback.toml of an example goes on where theirs ends. In a block `console` a line with `$` is a
//! command, and what follows is its output.
//!
//! With `POLICY_GUIDE=write` the page is written anew with what the commands print.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test program: a panic is its way to fail"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/policy.md");

/// A fenced block: what it is, and its lines.
struct Block<'p> {
    kind: &'p str,
    lines: Vec<&'p str>,
    /// The lines of the page that it begins and ends on, fences included.
    at: (usize, usize),
}

/// A part of the page under one heading.
struct Part<'p> {
    title: &'p str,
    blocks: Vec<Block<'p>>,
}

fn parts(page: &str) -> Vec<Part<'_>> {
    let mut parts = vec![Part { title: "the beginning", blocks: Vec::new() }];
    let mut open: Option<Block<'_>> = None;
    for (at, line) in page.lines().enumerate() {
        match (open.as_mut(), line.strip_prefix("```")) {
            (None, Some(kind)) => open = Some(Block { kind, lines: Vec::new(), at: (at, at) }),
            (None, None) => {
                if let Some(title) = line.strip_prefix("## ") {
                    parts.push(Part { title, blocks: Vec::new() });
                }
            }
            (Some(block), None) => block.lines.push(line),
            (Some(block), Some(_)) => {
                block.at.1 = at;
                parts.last_mut().unwrap().blocks.extend(open.take());
            }
        }
    }
    parts
}

/// The file that a block is, and its text.
fn file(block: &Block<'_>) -> Option<(String, String)> {
    let name = block.lines.first()?.strip_prefix("# ")?;
    let text = block.lines.iter().skip(1).fold(String::new(), |text, line| text + line + "\n");
    Some((name.to_owned(), text))
}

/// A directory with the files of an example.
fn write_files(part: &Part<'_>, base: &BTreeMap<String, String>, number: usize) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("policy-{number}"));
    drop(std::fs::remove_dir_all(&directory));
    let mut files = base.clone();
    files.insert("chap-secrets".to_owned(), String::new());
    for (name, text) in part.blocks.iter().filter_map(file) {
        if name == "dialback.toml" {
            *files.entry(name).or_default() += &text;
        } else {
            files.insert(name, text);
        }
    }
    // What is to become of the configuration is as it is, but for what is shown.
    if files.keys().any(|name| name.starts_with("new/")) {
        for (name, text) in files.clone() {
            let new = format!("new/{name}");
            if !name.starts_with("new/") && !files.contains_key(&new) {
                files.insert(new, text);
            }
        }
    }
    for (name, text) in &files {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    directory
}

/// What a command of the page prints, and how it ends.
fn run(directory: &Path, command: &str) -> (String, i32) {
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("dialback"), "{command}");
    let mut program = Command::new(env!("CARGO_BIN_EXE_dialback"));
    program.current_dir(directory).args(words);
    if !command.contains(" diff ") {
        program.args(["--config", "dialback.toml"]);
    }
    let output = program.output().expect("the program runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(errors, "", "{command}");
    let printed = String::from_utf8(output.stdout).expect("text");
    (printed, output.status.code().expect("an exit"))
}

/// The blocks `console` of an example, with what its commands really print.
fn consoles(part: &Part<'_>, directory: &Path) -> Vec<((usize, usize), String)> {
    let consoles = part.blocks.iter().filter(|block| block.kind == "console");
    consoles
        .map(|block| {
            let mut text = String::new();
            for command in block.lines.iter().filter_map(|line| line.strip_prefix("$ ")) {
                let (printed, code) = run(directory, command);
                let said_yes = !printed.contains("refused by")
                    && !printed.contains("FAILED")
                    && !printed.contains("->");
                assert_eq!(
                    code,
                    i32::from(!said_yes),
                    "{command}: its exit and its words differ\n{printed}"
                );
                // One answer from the next.
                let gap = if text.is_empty() { "" } else { "\n" };
                let _ = write!(text, "{gap}$ {command}\n{printed}");
            }
            (block.at, text)
        })
        .collect()
}

#[test]
fn the_examples_of_the_guide_are_what_the_rules_say() {
    let page = std::fs::read_to_string(PAGE).expect("the page");
    let parts = parts(&page);
    let (beginning, examples) = parts.split_first().expect("a beginning");
    let base: BTreeMap<String, String> = beginning.blocks.iter().filter_map(file).collect();
    assert_eq!(examples.len(), 12, "examples");
    let mut real = Vec::new();
    for (number, part) in examples.iter().enumerate() {
        let directory = write_files(part, &base, number + 1);
        let printed = consoles(part, &directory);
        assert!(!printed.is_empty(), "{}: nothing is asked", part.title);
        real.extend(printed);
    }
    let lines: Vec<&str> = page.lines().collect();
    let mut written = String::new();
    let mut next = 0;
    for ((start, end), text) in real {
        for line in lines.iter().take(start + 1).skip(next) {
            let _ = writeln!(written, "{line}");
        }
        written.push_str(&text);
        next = end;
    }
    for line in lines.iter().skip(next) {
        let _ = writeln!(written, "{line}");
    }
    if std::env::var_os("POLICY_GUIDE").is_some_and(|what| what == "write") {
        std::fs::write(PAGE, &written).expect("the page is written");
        return;
    }
    for (at, (is, should)) in page.lines().zip(written.lines()).enumerate() {
        assert_eq!(is, should, "docs/guide/policy.md:{}: the program says otherwise", at + 1);
    }
    assert!(
        page == written,
        "docs/guide/policy.md: run this test with POLICY_GUIDE=write, and read what it wrote"
    );
}
