//! The guide as a book: every page has its place in docs/SUMMARY.md, every link leads somewhere, down to the heading, and to
//! nothing that the book does not have, and the pictures of states are those that their .dot files describe.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test program: a panic is its way to fail"
)]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "of Markdown only what links and headings are made of"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the checkout")
}

/// Every Markdown page below `folder`, as a path from the root of the checkout.
fn pages(folder: &str, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(root().join(folder)).expect("a folder") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        let path = format!("{folder}/{name}");
        if root().join(&path).is_dir() {
            pages(&path, found);
        } else if path.ends_with(".md") {
            found.insert(PathBuf::from(path));
        }
    }
}

/// What a page points to, and the names of its headings as a browser's address has them.
#[derive(Default)]
struct Page {
    links: Vec<String>,
    anchors: BTreeSet<String>,
}

/// As mdBook and the usual web views name a heading: small letters, hyphens for spaces, nothing else but `_`.
fn anchor(heading: &str) -> String {
    let small = heading.trim().to_lowercase();
    small
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        })
        .collect()
}

fn read(path: &Path) -> Page {
    let text =
        fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut page = Page::default();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                page.links.push(dest_url.into_string());
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let name = anchor(&heading.take().unwrap_or_default());
                // The second of one name gets a number.
                let mut unique = name.clone();
                for n in 1.. {
                    if page.anchors.insert(unique.clone()) {
                        break;
                    }
                    unique = format!("{name}-{n}");
                }
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            _ => {}
        }
    }
    page
}

/// `link` as seen from the folder of `page`, without `..`.
fn target(page: &Path, link: &str) -> PathBuf {
    let mut path = page.parent().expect("a folder").to_path_buf();
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::Normal(name) => path.push(name),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
        }
    }
    path
}

/// Follows every link of these pages; `exists` says which files of the checkout are there. How many links, and which are dead.
fn follow(names: &BTreeSet<PathBuf>, exists: impl Fn(&Path) -> bool) -> (usize, Vec<String>) {
    let read: BTreeMap<&PathBuf, Page> = names.iter().map(|name| (name, read(name))).collect();
    let mut links = 0;
    let mut dead = Vec::new();
    for (name, page) in &read {
        for link in page.links.iter().filter(|link| !link.contains("://")) {
            links += 1;
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let to = if path.is_empty() { (*name).clone() } else { target(name, path) };
            let known = read.get(&to);
            if !exists(&to) {
                dead.push(format!("{}: {link}: no such file", name.display()));
            } else if !fragment.is_empty()
                && known.is_some_and(|page| !page.anchors.contains(fragment))
            {
                dead.push(format!("{}: {link}: no such heading", name.display()));
            }
        }
    }
    (links, dead)
}

#[test]
fn every_link_leads_somewhere() {
    let mut names = BTreeSet::new();
    pages("docs", &mut names);
    names.extend(
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "GLOSSARY.md"].map(PathBuf::from),
    );
    let (links, dead) = follow(&names, |path| root().join(path).exists());
    assert!(links > 60, "only {links} links were found");
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

/// Every file below `folder`.
fn files(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(root().join(folder)).expect("a folder") {
        let path = folder.join(entry.expect("an entry").file_name());
        match root().join(&path).is_dir() {
            true => files(&path, found),
            false => drop(found.insert(path)),
        }
    }
}

/// The files of the checkout that the Debian package installs as documents, by its list of assets.
fn installed() -> BTreeSet<PathBuf> {
    const DOCUMENTS: &str = "usr/share/doc/dialback/";
    let manifest =
        fs::read_to_string(root().join("crates/dialback/Cargo.toml")).expect("a manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let mut found = BTreeSet::new();
    let deb = ["package", "metadata", "deb", "assets"]
        .iter()
        .try_fold(&toml::Value::Table(manifest), |at, key| at.get(key))
        .and_then(toml::Value::as_array)
        .expect("assets")
        .clone();
    for asset in deb {
        let [from, to] =
            [0, 1].map(|n| asset.get(n).and_then(toml::Value::as_str).expect("a path").to_owned());
        let Some(place) = to.strip_prefix(DOCUMENTS) else { continue };
        let from = Path::new(from.strip_prefix("../../").expect("a file of the checkout"));
        let pattern = from.file_name().expect("a name").to_string_lossy().into_owned();
        let folder = from.parent().expect("a folder");
        let (folder, is_deep) = match folder.file_name() {
            Some(name) if name == "**" => (folder.parent().expect("a folder"), true),
            Some(_) | None => (folder, false),
        };
        assert_eq!(folder, Path::new(place.trim_end_matches('/')), "a page that changes its place");
        match pattern.split_once('*') {
            None => drop(found.insert(from.to_path_buf())),
            Some((_, end)) => {
                let mut all = BTreeSet::new();
                files(folder, &mut all);
                found.extend(all.into_iter().filter(|path| {
                    path.to_string_lossy().ends_with(end)
                        && (is_deep || path.parent() == Some(folder))
                }));
            }
        }
    }
    found
}

#[test]
fn every_link_leads_somewhere_in_the_installed_pages_too() {
    let installed = installed();
    let pages = installed.iter().filter(|path| path.extension().is_some_and(|end| end == "md"));
    let (links, dead) = follow(&pages.cloned().collect(), |path| {
        installed.iter().any(|file| file.starts_with(path))
    });
    assert!(links > 60, "only {links} links were found");
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn every_page_has_its_place_in_the_book() {
    let mut names = BTreeSet::new();
    pages("docs", &mut names);
    names.remove(Path::new("docs/SUMMARY.md"));
    let summary = Path::new("docs/SUMMARY.md");
    let listed: Vec<PathBuf> =
        read(summary).links.iter().map(|link| target(summary, link)).collect();
    let unique: BTreeSet<PathBuf> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), unique.len(), "a page stands twice in docs/SUMMARY.md");
    let missing: Vec<_> = names.difference(&unique).collect();
    assert!(missing.is_empty(), "not in docs/SUMMARY.md: {missing:?}");
    let gone: Vec<_> = unique.difference(&names).collect();
    assert!(gone.is_empty(), "in docs/SUMMARY.md, and not there: {gone:?}");
}

/// Files of the checkout outside of docs/ that the book shows: pages made of them, as they have to be.
fn gathered() -> [(&'static str, String); 2] {
    let read = |path: &Path| fs::read_to_string(root().join(path)).expect("a file");
    let made = |from: &str| {
        format!("<!-- Made of {from} by `BOOK_WRITE=1 cargo test -p dialback --test book`. -->\n")
    };
    let glossary = made("GLOSSARY.md") + &read(Path::new("GLOSSARY.md"));
    let mut examples = made("examples/")
        + "# Examples\n\nThe files of `examples/` in the source, \
        which the package installs in `/usr/share/doc/dialback/examples`.\n";
    let mut all = BTreeSet::new();
    files(Path::new("examples"), &mut all);
    let folders: BTreeSet<&Path> = all.iter().filter_map(|path| path.parent()).collect();
    for folder in folders {
        let name = match folder.strip_prefix("examples") {
            Ok(inner) if inner != Path::new("") => inner.display().to_string(),
            Ok(_) | Err(_) => "Servers, a town, a relay".to_owned(),
        };
        examples += &format!("\n## {name}\n");
        for path in all.iter().filter(|path| path.parent() == Some(folder)) {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let kind = if name.ends_with(".toml") { "toml" } else { "text" };
            let text = read(path);
            assert!(!text.contains("```"), "{name} would end its block");
            examples += &format!("\n### {name}\n\n```{kind}\n{}\n```\n", text.trim_end());
        }
    }
    [("docs/reference/glossary.md", glossary), ("docs/reference/examples.md", examples)]
}

#[test]
fn no_link_of_the_book_leads_out_of_it() {
    let mut names = BTreeSet::new();
    pages("docs", &mut names);
    let outside: Vec<String> = names
        .iter()
        .flat_map(|name| read(name).links.into_iter().map(move |link| (name, link)))
        .filter(|(_, link)| !link.contains("://") && !link.starts_with('#'))
        .filter(|(name, link)| {
            !target(name, link.split('#').next().unwrap_or_default()).starts_with("docs")
        })
        .map(|(name, link)| format!("{}: {link} is not there in what mdBook makes", name.display()))
        .collect();
    assert!(outside.is_empty(), "{}", outside.join("\n"));
}

#[test]
fn the_book_shows_the_examples_and_the_glossary_of_today() {
    for (name, text) in gathered() {
        let path = root().join(name);
        if std::env::var_os("BOOK_WRITE").is_some() {
            fs::write(&path, text).expect("the page is written");
        } else {
            let there = fs::read_to_string(&path).unwrap_or_default();
            assert!(there == text, "{name} is out of date: run this test with BOOK_WRITE=1");
        }
    }
}

/// The arrows of a .dot file: its statements without comments and labels.
fn arrows(dot: &str) -> BTreeSet<String> {
    let mut bare = String::new();
    let mut label = false;
    for c in dot.lines().filter(|l| !l.trim_start().starts_with("//")).flat_map(str::chars) {
        match c {
            '[' => label = true,
            ']' => label = false,
            c if !label => bare.push(c),
            _ => {}
        }
    }
    let plain = |text: &str| text.trim().trim_matches('"').to_owned();
    bare.split(';')
        .filter_map(|arrow| arrow.split_once("->"))
        .map(|(from, to)| format!("{}->{}", plain(from), plain(to)))
        .collect()
}

/// The arrows of a picture, by the titles that graphviz gives them.
fn drawn(svg: &str) -> BTreeSet<String> {
    svg.split("<title>")
        .skip(1)
        .filter_map(|rest| rest.split("</title>").next())
        .map(|title| title.replace("&#45;", "-").replace("&gt;", ">"))
        .filter(|title| title.contains("->"))
        .collect()
}

#[test]
fn the_pictures_show_the_state_machines_of_today() {
    let read = |name: String| {
        fs::read_to_string(root().join("docs/states").join(&name))
            .unwrap_or_else(|e| panic!("{name}: {e}"))
    };
    for name in ["line", "promise", "session"] {
        let (said, shown) =
            (arrows(&read(format!("{name}.dot"))), drawn(&read(format!("{name}.svg"))));
        assert!(said.len() > 10, "{name}.dot: only {} arrows", said.len());
        assert_eq!(said, shown, "docs/states/{name}.svg is out of date: run docs/states/draw");
    }
    let all = arrows(&read("line.dot".to_owned()));
    let some = drawn(&read("line-calls.svg".to_owned()));
    assert!(
        some.len() > 10 && some.is_subset(&all),
        "line-calls.svg is out of date: run docs/states/draw"
    );
}
