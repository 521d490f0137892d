//! The pages of the guide, and the blocks of code on them.

use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A block of code.
#[derive(Debug)]
pub(crate) struct Block {
    /// The page, from the root of the checkout.
    pub(crate) page: String,
    /// The line of the page that it begins on.
    pub(crate) line: usize,
    /// What it says it is: `toml`, `console`; nothing where it is only indented.
    pub(crate) kind: String,
    pub(crate) text: String,
}

impl Block {
    /// Where it is, as compilers say it.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.page, self.line)
    }

    pub(crate) fn first(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }
}

/// A file of the checkout.
pub(crate) fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// README.md and every page of the guide.
pub(crate) fn pages() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned()];
    for entry in std::fs::read_dir(checkout("docs/guide")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            pages.push(format!("docs/guide/{name}"));
        }
    }
    pages.sort();
    assert!(pages.len() > 12, "only these pages were found: {pages:?}");
    pages
}

/// All blocks of code of a page, and the commands of dialback that its sentences have in backquotes.
pub(crate) fn read(page: &str) -> (Vec<Block>, Vec<(usize, String)>) {
    let text = std::fs::read_to_string(checkout(page)).unwrap();
    let line_of = |at: usize| text[..at].matches('\n').count() + 1;
    let (mut blocks, mut inline, mut open) = (Vec::new(), Vec::new(), None::<Block>);
    for (event, at) in Parser::new_ext(&text, Options::ENABLE_TABLES).into_offset_iter() {
        match (event, open.as_mut()) {
            (Event::Start(Tag::CodeBlock(kind)), _) => {
                let kind = match kind {
                    CodeBlockKind::Fenced(kind) => kind.into_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                let (page, line) = (page.to_owned(), line_of(at.start));
                open = Some(Block { page, line, kind, text: String::new() });
            }
            (Event::Text(more), Some(block)) => block.text += &more,
            (Event::End(TagEnd::CodeBlock), Some(_)) => blocks.extend(open.take()),
            (Event::Code(code), None) if code.starts_with("dialback ") => {
                inline.push((line_of(at.start), code.into_string()));
            }
            _ => {}
        }
    }
    (blocks, inline)
}

/// The blocks of all pages.
pub(crate) fn blocks() -> Vec<Block> {
    pages().iter().flat_map(|page| read(page).0).collect()
}
