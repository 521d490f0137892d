//! The reference page of dialback.toml, printed from the one table of keys.
//!
//! `cargo run -p dialback-calls --example configuration-reference > docs/reference/configuration.md` writes
//! it; a test holds the page in the repository against it.

use std::fmt::Write as _;

use proto::at::profile::PROFILES;

use super::keys::{self, Row, Section};

#[cfg(test)]
mod tests;

/// `docs/reference/configuration.md`.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(OPENING);
    let rows = keys::all();
    for section in Section::ALL {
        // Writing to a String can't fail.
        let _ = write!(page, "\n## `{}`\n\n{}\n", section.title(), section.sentence());
        for row in rows.iter().filter(|row| row.section == section) {
            write_row(&mut page, row);
        }
    }
    page.push_str(PROFILES_OPENING);
    for profile in PROFILES {
        let code = |text: &str| format!("`{text}`");
        let init: Vec<String> = profile.init.iter().map(|line| code(line)).collect();
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} |",
            profile.name,
            profile.modems,
            init.join(", "),
            profile.caller_id.map_or("-".to_owned(), code),
            code(profile.dial_prefix),
        );
    }
    page
}

/// `docs/reference/relay.md`.
#[must_use]
pub fn relay_page() -> String {
    let mut page = String::from(RELAY_OPENING);
    let rows = keys::relay::rows();
    for section in Section::RELAY {
        // Writing to a String can't fail.
        let _ = write!(page, "\n## `{}`\n\n{}\n", section.title(), section.sentence());
        for row in rows.iter().filter(|row| row.section == section) {
            write_row(&mut page, row);
        }
    }
    page.push_str(
        "\n## Events\n\n`events` and `severity` of syslog, hooks and mail choose from these:\n\n",
    );
    for name in crate::vocabulary::event_names() {
        let _ = writeln!(page, "- `{name}`");
    }
    page.push_str("\nAn alert may also be named by its kind:\n\n");
    for alert in crate::alert::Alert::ALL {
        let _ = writeln!(page, "- `alert:{}`", alert.name());
    }
    page
}

/// What there is to say before the keys of relay.toml.
const RELAY_OPENING: &str = "\
<!-- Printed from crates/calls/src/config/keys/relay.rs; see config/reference.rs. Do not edit by hand. -->

# relay.toml

What `dialback relay` passes on, and to whom ([connect.md](../guide/connect.md)). It is one TOML file, \
`/etc/dialback/relay.toml` unless `--config` names another, written as [dialback.toml](configuration.md) is. \
`dialback relay --check` reads it and shows every fault. All sections may be left out.
";

/// What there is to say before the table of profiles.
const PROFILES_OPENING: &str = "
## Profiles

| profile | modems | init | caller_id | dial_prefix |
|---|---|---|---|---|
";

fn write_row(page: &mut String, row: &Row) {
    let Row { name, form, default, range, sentence, example, .. } = row;
    let _ = write!(page, "\n### `{name}`\n\n{sentence}\n\n");
    let _ = writeln!(page, "- Value: {form}");
    if let Some(range) = range {
        let _ = writeln!(page, "- Range: {range}");
    }
    let _ = writeln!(page, "- Default: {default}");
    let _ = writeln!(page, "- Example: `{name} = {example}`");
}

/// What there is to say before the keys.
const OPENING: &str = "\
<!-- Printed from crates/calls/src/config/keys.rs; see config/reference.rs. Do not edit by hand. -->

# dialback.toml

The configuration is one [TOML](https://toml.io/) file, `/etc/dialback/dialback.toml` unless `--config` names another. It \
points to two more: `login.config` says which program is started for which login name, and `dialin.config` which callers are \
answered; both are in mgetty's format. `examples/` has complete configurations, and
[from-mgetty.md](from-mgetty.md) the counterpart of each of mgetty's settings.

`dialback check` reads all of them and shows every fault at once, with its place and its cure. A server does not start \
with a faulty configuration, and keeps the old one if a reload finds a fault.

How values are written:

- A **duration** is a text of whole numbers with units: `\"500ms\"`, `\"10s\"`, `\"5m\"`, `\"1h30m\"`, `\"2d\"`. A number without \
unit is a fault.
- A **path** is a text. A path that is not absolute starts at the directory of dialback.toml, where it is allowed.
- A **port** is `\"/dev/ttyUSB0\"`, `\"rfc2217://host:port\"`, `\"tcp://host:port\"` or `\"sim:name\"`. IPv6 addresses stand in \
brackets.
- A **telephone number** is a text of digits, with `+` in front if it begins with a country code. Blanks, `-`, `.`, `/`, `(`, `)` \
between the digits are dropped. A number in a configuration file may also contain `*`, `#` and the dial modifiers `,` `W` `@` \
`!` `P` `T` of V.250.
- A **name** is up to 32 letters, digits, `-`, `_` and `.`. Lines and groups have different names; `same` and `other` are \
taken.
- Letter case counts everywhere. A key that is not known is a fault, so that a misspelt one is not overlooked.
";
