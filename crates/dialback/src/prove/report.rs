//! The report for auditors: one page without anything from elsewhere, readable on paper, and what each finding says to
//! which text.

use sim::prove::Verdict;

use super::{Played, Proof};

/// What a guideline asks of dial-back, and the attacks whose findings answer it.
struct Demand {
    text: &'static str,
    asks: &'static str,
    attacks: &'static [u8],
}

const DEMANDS: &[Demand] = &[
    Demand {
        text: "ISO/IEC 27002:2005 11.4.2",
        asks: "dial-back ensures that a real disconnection takes place on the organization's side, is not used with call \
               forwarding, and is tested for the line being held open",
        attacks: &[1, 2, 3, 4, 11],
    },
    Demand {
        text: "NERC CIP-003 section 3.2",
        asks: "dial-up connectivity is authenticated; dial-back modems are among the ways",
        attacks: &[4, 5, 6, 9, 16],
    },
    Demand {
        text: "NERC CIP-005 R1.4",
        asks: "authentication is performed when dial-up connectivity is established",
        attacks: &[9, 10, 16],
    },
    Demand {
        text: "NERC CIP-007 R4",
        asks: "successful and failed accesses are logged, and the log can be relied upon",
        attacks: &[13, 17],
    },
    Demand {
        text: "DISA STIG NET1617 (V-17842)",
        asks: "communications servers accept callback in a secured mode: the number is held by the server, and the client \
               never supplies it",
        attacks: &[6, 7, 8, 10],
    },
    Demand {
        text: "RFC 2196 §4.5",
        asks: "modem lines are managed and logged, and the return call does not rest on callback alone",
        attacks: &[2, 4, 12, 17],
    },
];

const STYLE: &str = "\
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --weak: #9a6700; --bad: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --weak: #d29922; --bad: #f85149; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .4rem .5rem; border-bottom: 1px solid var(--line); }
.withstood { color: var(--good); } .weak { color: var(--weak); } .open { color: var(--bad); font-weight: bold; }
pre { overflow-x: auto; font-size: .8rem; margin: .4rem 0; } code { overflow-wrap: anywhere; }
details summary { cursor: pointer; } .how { opacity: .75; }
@media print { details { display: none; } body { margin: 0; } }
";

/// The page.
pub(super) fn html(proof: &Proof) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>dialback: proof by attack</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>Proof by attack</h1>\n<p>Twenty attacks on servers that call back, played against this server's own configuration \
         in a simulated telephone network whose exchange is the worst that is known.</p>\n<table>\n"
    );
    for (name, value) in [
        ("Configuration", proof.configuration.clone()),
        ("SHA-256 of its files", proof.sha256.clone()),
        ("Version", format!("dialback {}", proof.version)),
        ("Played", format!("{}, seed {}{}", proof.at, proof.seed, left_out(proof))),
        (
            "Outcome",
            format!(
                "{} withstood, {} weak, {} open, {} do not apply",
                proof.withstood, proof.weak, proof.open, proof.not_applicable
            ),
        ),
    ] {
        page.push_str(&format!(
            "<tr><th scope=\"row\">{name}</th><td><code>{}</code></td></tr>\n",
            escaped(&value)
        ));
    }
    page.push_str("</table>\n<h2>What it says to whom</h2>\n<table>\n<tr><th scope=\"col\">Text</th><th scope=\"col\">asks</th><th scope=\"col\">Findings</th></tr>\n");
    for demand in DEMANDS {
        let findings: Vec<String> = demand
            .attacks
            .iter()
            .filter_map(|number| proof.attacks.iter().find(|played| played.number == *number))
            .map(|played| format!("<a href=\"#{id}\">{id}</a> {}", verdict(played), id = played.id))
            .collect();
        page.push_str(&format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>\n",
            demand.text,
            demand.asks,
            findings.join("<br>")
        ));
    }
    page.push_str("</table>\n<h2>The attacks</h2>\n<table>\n<tr><th scope=\"col\">Attack</th><th scope=\"col\">Outcome</th><th scope=\"col\">Why</th></tr>\n");
    for played in &proof.attacks {
        page.push_str(&row(played));
    }
    page.push_str(
        "</table>\n<p>An attack that succeeds shows that the configuration leaves it open. One that fails shows no more than \
         that: the simulated exchange is no telephone company. Lines are measured with <code>dialback qualify</code>.</p>\n\
         </main>\n</body>\n</html>\n",
    );
    page
}

fn row(played: &Played) -> String {
    let finding = &played.finding;
    let mut why = escaped(&finding.because);
    if let Some(cure) = &finding.cure {
        why.push_str(&format!("<br><strong>Cure:</strong> {}", escaped(cure)));
    }
    if let Some(remark) = &played.remark {
        why.push_str(&format!("<br><strong>The configuration says:</strong> {}", escaped(remark)));
    }
    if !finding.evidence.is_empty() {
        why.push_str(&format!(
            "<details><summary>Evidence</summary><pre>{}</pre></details>",
            escaped(&finding.evidence.join("\n"))
        ));
    }
    format!(
        "<tr id=\"{id}\"><th scope=\"row\">{id} {}<br><span class=\"how\">{}</span></th><td>{}</td><td>{why}</td></tr>\n",
        played.name,
        escaped(played.how),
        verdict(played),
        id = played.id,
    )
}

fn verdict(played: &Played) -> String {
    let verdict = played.finding.verdict;
    let class = match verdict {
        Verdict::NotApplicable => "none",
        Verdict::Withstood => "withstood",
        Verdict::Weak => "weak",
        Verdict::Open => "open",
    };
    format!("<span class=\"{class}\">{}</span>", verdict.words())
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            control if control.is_control() && control != '\n' => safe.push('?'),
            plain => safe.push(plain),
        }
    }
    safe
}

/// What stands behind the seed where not every line was played on.
fn left_out(proof: &Proof) -> String {
    match proof.lines_left_out {
        0 => String::new(),
        more => format!("; {more} more lines are like one of those on which this was played"),
    }
}

#[cfg(test)]
mod tests {
    use sim::prove::Finding;

    use super::*;

    #[test]
    fn the_page_has_every_finding_its_cure_and_its_evidence_and_nothing_that_a_caller_could_write_into_it()
     {
        let finding = Finding::new(Verdict::Open, "the name \"<script>\" is answered")
            .cured_by("do & mend")
            .shown_by(vec!["named <b>\u{1b}[2J".to_owned()]);
        let played = Played {
            id: "A9".to_owned(),
            name: "guessing",
            how: "Names are tried.",
            finding,
            remark: Some("names are <i>public".to_owned()),
            took_ms: 1,
            number: 9,
        };
        let proof = Proof {
            version: "0.1.0",
            at: "2001-09-09".to_owned(),
            configuration: "/etc/dialback/dialback.toml".to_owned(),
            sha256: "00ff".to_owned(),
            seed: 1,
            lines_left_out: 0,
            attacks: vec![played],
            withstood: 0,
            weak: 0,
            open: 1,
            not_applicable: 0,
        };
        let page = html(&proof);
        for wanted in [
            "A9",
            "&lt;script&gt;",
            "do &amp; mend",
            "names are &lt;i&gt;public",
            "named &lt;b&gt;?[2J",
            "NET1617",
            "11.4.2",
            "CIP-003",
        ] {
            assert!(page.contains(wanted), "{wanted}: {page}");
        }
        assert!(!page.contains("<script"), "{page}");
        assert!(!page.contains("http"), "nothing from elsewhere: {page}");
    }
}
