//! The reference of town.toml names every fault that there is, and the example is a town.
#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    reason = "a test program: it reads the files that it is about, and a panic is its way to fail"
)]

use std::path::Path;

use dialback_sim::exchange::fault::Fault;
use dialback_sim::scenario;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn the_reference_names_every_fault_with_what_belongs_to_it() {
    let reference = read("docs/reference/town.md");
    let all = [
        Fault::Busy,
        Fault::NoAnswer,
        Fault::NoDialTone,
        Fault::Noise { per_million: 1 },
        Fault::Lossy { lost: 1, doubled: 1 },
        Fault::DropAfter { ms: 1 },
        Fault::DropAfterBytes { bytes: 1 },
        Fault::Mute,
        Fault::IgnoresDtr,
        Fault::StuckDcd,
        Fault::ThreeWires,
        Fault::Held { ms: 1 },
        Fault::Glare { by: String::new(), reverse: false },
        Fault::HoldsLine { dial_tone: false },
        Fault::Slow { ms: 1 },
        Fault::Split { bytes: 1 },
        Fault::Unplugged,
    ];
    for fault in all {
        // A new fault must be put into the table above, and into the reference.
        match &fault {
            Fault::Busy
            | Fault::NoAnswer
            | Fault::NoDialTone
            | Fault::Noise { .. }
            | Fault::Lossy { .. }
            | Fault::DropAfter { .. }
            | Fault::DropAfterBytes { .. }
            | Fault::Mute
            | Fault::IgnoresDtr
            | Fault::StuckDcd
            | Fault::ThreeWires
            | Fault::Held { .. }
            | Fault::Glare { .. }
            | Fault::HoldsLine { .. }
            | Fault::Slow { .. }
            | Fault::Split { .. }
            | Fault::Unplugged => {}
        }
        let json = serde_json::to_value(&fault).expect("a fault as JSON");
        let object = json.as_object().expect("an object");
        let name = object.get("fault").and_then(|name| name.as_str()).expect("its name");
        let row = reference.lines().find(|line| line.starts_with(&format!("| `{name}`")));
        let row = row.unwrap_or_else(|| panic!("docs/reference/town.md has no row for {name}"));
        for key in object.keys().filter(|key| *key != "fault") {
            assert!(row.contains(&format!("`{key}`")), "the row of {name} does not name {key}");
        }
    }
}

#[test]
fn the_example_town_and_the_one_of_the_reference_are_read_without_a_fault() {
    let reference = read("docs/reference/town.md");
    let block = reference.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let named = block.expect("an example").replace("\"second\"", "\"granny\"");
    for (name, text) in [("examples/town.toml", read("examples/town.toml")), ("town.md", named)] {
        if let Err(faults) = scenario::parse(name, &text) {
            let all: Vec<_> = faults.iter().map(ToString::to_string).collect();
            panic!("{}", all.join("\n"));
        }
    }
}
