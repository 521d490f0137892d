//! Makes `src/policy/numbering/plans.txt` from the two metadata files of Google's libphonenumber:
//!
//! ```text
//! cat PhoneNumberMetadata.xml ShortNumberMetadata.xml |
//!     cargo run -p dialback-calls --example numbering-plans > crates/calls/src/policy/numbering/plans.txt
//! ```
//!
//! libphonenumber describes each kind of number of each country by a pattern for whole numbers. A server
//! that decides what is dialled needs another answer: an exchange listens until it has heard enough and
//! ignores the rest, so `0900 1234567 99` reaches the premium rate service though no pattern has it.
//! So each pattern is made an automaton, and the digits are walked down until all that can still
//! follow is of one kind: that prefix decides, whatever comes behind it.
//!
//! It reads no XML in general, only these two files: elements without attributes inside of `territory`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a generator run by hand: whatever is not as in the two files shall stop it"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::rc::Rc;

use regex_automata::dfa::{Automaton, StartError, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::util::syntax;

/// The kinds of libphonenumber and our names for them, the dearest first: where digits could become either
/// until the very end, the dearer one counts. Mailboxes of mobiles are left out: no modem answers there, and they are known for calling on.
const KINDS: [(&str, &str); 9] = [
    ("premiumRate", "premium"),
    ("sharedCost", "shared-cost"),
    ("personalNumber", "personal"),
    ("pager", "pager"),
    ("uan", "corporate"),
    ("voip", "voip"),
    ("mobile", "mobile"),
    ("fixedLine", "fixed"),
    ("tollFree", "toll-free"),
];

/// Digits that are looked at before the dearer kind is taken.
const DEEPEST: usize = 8;
/// Digits after which fixed and mobile are no longer told apart.
const EITHER_FROM: usize = 4;

/// The worldwide codes are our own table (`numbering::world`): ITU-T E.164's list of assigned codes.
const WORLDWIDE: &str = "001";

struct Territory {
    id: String,
    attributes: String,
    body: String,
}

fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).expect("two metadata files on standard input");
    let text = without_comments(&text);
    let (numbers, shorts) = text.split_at(text.rfind("<phoneNumberMetadata").expect("two files"));
    let shorts: BTreeMap<String, Territory> =
        territories(shorts).into_iter().map(|t| (t.id.clone(), t)).collect();
    let mut codes: BTreeMap<u32, Vec<Territory>> = BTreeMap::new();
    for territory in territories(numbers).into_iter().filter(|t| t.id != WORLDWIDE) {
        let code = attribute(&territory.attributes, "countryCode").and_then(|c| c.parse().ok());
        codes.entry(code.expect("a country code")).or_default().push(territory);
    }
    print_head();
    for (code, mut regions) in codes {
        regions.sort_by_key(|t| attribute(&t.attributes, "mainCountryForCode").is_none());
        let mut prefixes = walk(&regions);
        for region in &regions {
            section(code, region, shorts.get(&region.id), prefixes.remove(&region.id));
        }
    }
}

#[expect(clippy::print_stdout, reason = "its output is the file")]
fn print_head() {
    println!(
        "# Numbering plans of the world, by prefixes of national numbers. Printed by\n\
         # `cargo run -p dialback-calls --example numbering-plans`; not to be edited by hand.\n\
         # From the metadata of libphonenumber 9.0.33 (https://github.com/google/libphonenumber),\n\
         # Copyright (C) The Libphonenumber Authors, Apache License 2.0.\n\
         #\n\
         # = REGION  country code  trunk prefix  international prefix  lengths of national numbers\n\
         # CLASS  prefixes of national numbers, without the trunk prefix; emergency: as dialled"
    );
}

#[expect(clippy::print_stdout, reason = "its output is the file")]
fn section(
    code: u32,
    region: &Territory,
    short: Option<&Territory>,
    classes: Option<BTreeMap<&'static str, BTreeSet<String>>>,
) {
    let attribute = |name| attribute(&region.attributes, name);
    let digits = |text: String| {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        if digits.is_empty() { "-".to_owned() } else { digits }
    };
    let trunk = digits(attribute("nationalPrefix").unwrap_or_default());
    let literal = |text: &String| text.bytes().all(|b| b.is_ascii_digit() || b == b'~');
    let international = attribute("preferredInternationalPrefix")
        .or_else(|| attribute("internationalPrefix"))
        .filter(literal)
        .map_or("-".to_owned(), digits);
    let lengths = lengths(&region.body);
    println!(
        "= {} {code} {trunk} {international} {}",
        region.id,
        lengths.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    );
    let codes = |kind| {
        let pattern = short.and_then(|short| pattern(&short.body, kind))?;
        let prefixes = walk_one(&pattern);
        (!prefixes.is_empty()).then(|| prefixes.into_iter().collect::<Vec<_>>().join(" "))
    };
    if let Some(codes) = codes("emergency") {
        println!("emergency {codes}");
    }
    for (class, prefixes) in classes.unwrap_or_default() {
        println!("{class} {}", prefixes.into_iter().collect::<Vec<_>>().join(" "));
    }
}

// ------------------------------------------------------------------------------------------ the walk

struct Kind {
    /// By its index.
    region: usize,
    class: &'static str,
    rank: usize,
    pattern: String,
    dfa: dense::DFA<Vec<u32>>,
}

type Found = BTreeMap<String, BTreeMap<&'static str, BTreeSet<String>>>;

/// What the digits below a place come to.
#[derive(Clone, PartialEq)]
enum Tree {
    /// One class in one region (by its index), whatever comes.
    Leaf(&'static str, usize),
    Branch(Vec<(u8, Rc<Self>)>),
}

type States = Vec<Option<StateID>>;

struct Walk<'k> {
    kinds: &'k [Kind],
    known: BTreeMap<(usize, States), Option<Rc<Tree>>>,
}

fn walk(regions: &[Territory]) -> Found {
    let mut kinds = Vec::new();
    for (region, territory) in regions.iter().enumerate() {
        for (rank, (name, class)) in KINDS.into_iter().enumerate() {
            if let Some(pattern) = pattern(&territory.body, name) {
                let dfa = automaton(&pattern);
                kinds.push(Kind { region, class, rank, pattern, dfa });
            }
        }
    }
    let states: States = kinds.iter().map(|kind| Some(begin(&kind.dfa))).collect();
    let mut walk = Walk { kinds: &kinds, known: BTreeMap::new() };
    let mut found = Found::new();
    let children = walk.children(&states, 0);
    for (digit, tree) in children {
        collect(&tree, regions, &mut char::from(digit).to_string(), &mut found);
    }
    found
}

impl Walk<'_> {
    fn children(&mut self, states: &States, depth: usize) -> Vec<(u8, Rc<Tree>)> {
        let mut children = Vec::new();
        for digit in b'0'..=b'9' {
            let step = |(kind, state): (&Kind, &Option<StateID>)| step(&kind.dfa, (*state)?, digit);
            let next: States = self.kinds.iter().zip(states).map(step).collect();
            if let Some(tree) = self.tree(next, depth + 1) {
                children.push((digit, tree));
            }
        }
        children
    }

    fn tree(&mut self, states: States, depth: usize) -> Option<Rc<Tree>> {
        let place = (depth, states);
        if let Some(known) = self.known.get(&place) {
            return known.clone();
        }
        let tree = self.grow(&place.1, depth).map(Rc::new);
        self.known.insert(place, tree.clone());
        tree
    }

    fn grow(&mut self, states: &States, depth: usize) -> Option<Tree> {
        let alive = self.kinds.iter().zip(states).filter(|(_, state)| state.is_some());
        let alive: Vec<&Kind> = alive.map(|(kind, _)| kind).collect();
        let first = alive.first()?;
        let either = alive.iter().all(|kind| matches!(kind.class, "fixed" | "mobile"));
        let class = if alive.iter().all(|kind| kind.class == first.class) {
            Some(first.class)
        } else if either && (depth >= EITHER_FROM || same(&alive)) {
            Some("fixed-or-mobile")
        } else if depth >= DEEPEST {
            alive.iter().min_by_key(|kind| kind.rank).map(|kind| kind.class)
        } else {
            None
        };
        let one_region = depth >= DEEPEST || alive.iter().all(|kind| kind.region == first.region);
        if let (Some(class), true) = (class, one_region) {
            return Some(Tree::Leaf(class, first.region));
        }
        let children = self.children(states, depth);
        match children.first().map(|(_, tree)| Rc::clone(tree)) {
            // Overlapping patterns that stay so to the end.
            Some(tree)
                if matches!(*tree, Tree::Leaf(..)) && children.iter().all(|c| c.1 == tree) =>
            {
                Some((*tree).clone())
            }
            Some(_) => Some(Tree::Branch(children)),
            None => Some(Tree::Leaf(first.class, first.region)),
        }
    }
}

fn collect(tree: &Tree, regions: &[Territory], prefix: &mut String, found: &mut Found) {
    match tree {
        Tree::Leaf(class, region) => {
            let of = found.entry(regions[*region].id.clone()).or_default();
            of.entry(class).or_default().insert(prefix.clone());
        }
        Tree::Branch(children) => {
            for (digit, tree) in children {
                prefix.push(char::from(*digit));
                collect(tree, regions, prefix, found);
                prefix.pop();
            }
        }
    }
}

/// A region whose fixed and mobile numbers have one pattern, as in North America.
fn same(alive: &[&Kind]) -> bool {
    match alive {
        [one, other] => one.region == other.region && one.pattern == other.pattern,
        _ => false,
    }
}

/// The shortest prefixes behind which nothing else than this pattern is left to come: all of its numbers.
fn walk_one(pattern: &str) -> BTreeSet<String> {
    fn down(
        dfa: &dense::DFA<Vec<u32>>,
        state: StateID,
        prefix: &mut String,
        found: &mut BTreeSet<String>,
    ) {
        if dfa.is_match_state(dfa.next_eoi_state(state)) || prefix.len() >= DEEPEST {
            found.insert(prefix.clone());
            return;
        }
        for digit in b'0'..=b'9' {
            if let Some(next) = step(dfa, state, digit) {
                prefix.push(char::from(digit));
                down(dfa, next, prefix, found);
                prefix.pop();
            }
        }
    }
    let dfa = automaton(pattern);
    let mut found = BTreeSet::new();
    down(&dfa, begin(&dfa), &mut String::new(), &mut found);
    found
}

fn automaton(pattern: &str) -> dense::DFA<Vec<u32>> {
    dense::Builder::new()
        .configure(dense::Config::new().start_kind(StartKind::Anchored))
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .build(&format!("^(?:{pattern})$"))
        .expect("a pattern")
}

fn begin(dfa: &dense::DFA<Vec<u32>>) -> StateID {
    let config = start::Config::new().anchored(regex_automata::Anchored::Yes);
    let state: Result<StateID, StartError> = dfa.start_state(&config);
    state.expect("an anchored automaton")
}

fn step(dfa: &dense::DFA<Vec<u32>>, state: StateID, digit: u8) -> Option<StateID> {
    let next = dfa.next_state(state, digit);
    (!dfa.is_dead_state(next)).then_some(next)
}

// --------------------------------------------------------------------------------------- the two files

fn without_comments(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::new();
    while let Some((before, after)) = rest.split_once("<!--") {
        kept.push_str(before);
        rest = after.split_once("-->").map_or("", |(_, after)| after);
    }
    kept + rest
}

fn territories(text: &str) -> Vec<Territory> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("<territory ") {
        let (attributes, after) = after.split_once('>').expect("the end of a tag");
        let (body, after) = after.split_once("</territory>").expect("the end of a territory");
        let id = attribute(attributes, "id").expect("a territory's id");
        found.push(Territory { id, attributes: attributes.to_owned(), body: body.to_owned() });
        rest = after;
    }
    found
}

fn attribute(attributes: &str, name: &str) -> Option<String> {
    let begin = format!("{name}=\"");
    let start = attributes
        .match_indices(&begin)
        .find(|(at, _)| *at == 0 || attributes[..*at].ends_with(char::is_whitespace))?
        .0;
    attributes[start + begin.len()..].split('"').next().map(str::to_owned)
}

fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, after) = text.split_once(&format!("<{name}>"))?;
    after.split_once(&format!("</{name}>")).map(|(inside, _)| inside)
}

fn pattern(body: &str, kind: &str) -> Option<String> {
    let pattern = element(element(body, kind)?, "nationalNumberPattern")?;
    Some(pattern.chars().filter(|letter| !letter.is_whitespace()).collect())
}

/// The lengths that national numbers of any kind may have.
fn lengths(body: &str) -> BTreeSet<usize> {
    let mut all = BTreeSet::new();
    for (kind, _) in KINDS {
        let lengths = element(body, kind).and_then(|kind| attribute(kind, "national"));
        for part in lengths.iter().flat_map(|lengths| lengths.split(',')) {
            let part = part.trim_matches(['[', ']']);
            let (low, high) = part.split_once('-').unwrap_or((part, part));
            let number = |text: &str| text.parse::<usize>().expect("a length");
            all.extend(number(low)..=number(high));
        }
    }
    all
}
