//! The files that pages refer to, in the program itself. Their addresses have the version and a word of their
//! content in them, so that browsers may keep them for ever.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::http::header;
use axum::routing::get;
use sha2::{Digest, Sha256};

use super::Site;
use super::tokens::hex;

const STYLE: &str = include_str!("assets/style.css");
const THEME: &str = include_str!("assets/theme.js");
const APP: &str = include_str!("assets/app.js");
const ICON: &str = include_str!("assets/icon.svg");

/// What stands in the addresses of assets.
static WORD: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    [STYLE, THEME, APP, ICON].into_iter().for_each(|file| hash.update(file.as_bytes()));
    hex(hash.finalize().get(..6).unwrap_or_default())
});

/// The address of an asset.
pub(super) fn address(name: &str) -> String {
    format!("/assets/{}/{name}", *WORD)
}

/// The routes of all of them.
pub(super) fn routes() -> Router<Arc<Site>> {
    let file = |kind: &'static str, text: &'static str| {
        get(move || async move { ([(header::CONTENT_TYPE, kind)], text) })
    };
    Router::new()
        .route(&address("style.css"), file("text/css; charset=utf-8", STYLE))
        .route(&address("theme.js"), file("text/javascript; charset=utf-8", THEME))
        .route(&address("app.js"), file("text/javascript; charset=utf-8", APP))
        .route(&address("icon.svg"), file("image/svg+xml", ICON))
}
