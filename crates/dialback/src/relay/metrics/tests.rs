//! The page is what Prometheus' own tools take, and what the dashboard and the alert rules ask for is on it.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use calls::vocabulary::{CallId, Cause, Entry, Event, PromiseId, Seq, SessionId, Wall};

use super::super::tally;
use super::*;

fn budget(of: &str, user: Option<&str>, spent: u32, limit: u32) -> Budget {
    let (of, user) = (of.to_owned(), user.map(str::to_owned));
    Budget { of, user, unit: calls::status::BudgetUnit::Minutes, spent, limit }
}

#[test]
fn budgets_of_the_day_have_names_and_users_are_counted_alone() {
    let page = render(full(), Form::Text);
    for line in [
        r#"dialback_budget_spent{budget="all mobile calls of the day",unit="minutes"} 30"#,
        r#"dialback_budget_limit{budget="all mobile calls of the day",unit="minutes"} 40"#,
        "dialback_users_near_budget 1",
    ] {
        assert!(page.lines().any(|other| other == line), "{line}: {page}");
    }
    assert!(!page.contains("user bob"), "{page}");
}

/// A snapshot in which nothing is missing.
fn full() -> Snapshot {
    let mut counted = Tally::default();
    let (call, session) = (CallId(2), SessionId(1));
    let text = str::to_owned;
    let mut of_return = tally::tests::ended(2, calls::vocabulary::Leg::Return, Cause::UserRequest);
    if let Event::Ended(ended) = &mut of_return {
        let (user, class) = (text("alice"), text("mobile"));
        ended.charge = Some(calls::money::Charge { user, class, minutes: 3, cost: Some(90) });
    }
    let connected = Event::Connected {
        line: text("main"),
        call,
        session,
        direction: calls::vocabulary::Leg::Return,
        connect: text("33600"),
        speed: Some(33_600),
    };
    let bad = Event::NotProved {
        call,
        session,
        name: text("x"),
        method: text("password"),
        why: text("y"),
        step: None,
    };
    let refused = Event::Refused {
        call,
        session,
        user: text("x"),
        number: None,
        rule: text("user.window"),
        reason: text("y"),
    };
    let network = Event::NetworkRefused {
        call,
        session,
        user: text("x"),
        rule: text("pool"),
        reason: text("y"),
    };
    let failed = Event::TryFailed {
        promise: PromiseId(1),
        call: None,
        line: None,
        cause: Cause::Busy,
        next_ms: None,
    };
    let events = [
        Event::ServerStarted { version: text("1") },
        Event::LineFaulted { line: text("a \"b\"\n"), reason: text("x"), retry_ms: 1 },
        tally::tests::promised(1, 7),
        tally::tests::ended(7, calls::vocabulary::Leg::Request, Cause::Callback),
        connected,
        of_return,
        bad,
        refused,
        network,
        failed,
        Event::Screened { line: text("main"), call, rule: text("dialin.config:1") },
        Event::Kept { promise: PromiseId(1), call },
    ];
    for event in events {
        let name = crate::relay::name_of(&event);
        counted.apply(&name, &Entry { seq: Seq(1), at: Wall::default(), event });
    }
    let words = |to: &str| Words::from([(to.to_owned(), 1)]);
    let pool = calls::status::Pool { addresses: 9, free: 8, leases: Vec::new() };
    let line = calls::status::Line {
        id: calls::vocabulary::LineId(1),
        line: text("main"),
        number: None,
        state: text("idle"),
        for_ms: 0,
        detail: None,
        carrier: None,
        call: None,
        hold: None,
    };
    let budgets = vec![
        budget("all mobile calls of the day", None, 30, 40),
        budget("user alice", Some("alice"), 4, 5),
        budget("user bob", Some("bob"), 3, 5),
    ];
    let status = Status { lines: vec![line], pool: Some(pool), budgets, ..Status::default() };
    Snapshot {
        tally: counted,
        status: Some(status),
        journal_entries: 12,
        journal_octets: 40_960,
        behind: words("syslog:loghost"),
        deliveries: BTreeMap::from([(text("hook:pager"), words("arrived"))]),
        queue: Some(Counts { waiting: words("hook:pager"), dead: words("hook:pager") }),
    }
}

/// The names of all samples on the full page.
fn names() -> BTreeSet<String> {
    let page = render(full(), Form::Text);
    let sample = |line: &str| line.split(['{', ' ']).next().unwrap_or_default().to_owned();
    page.lines().filter(|line| !line.starts_with('#')).map(sample).collect()
}

/// `promtool`, or `None` with a reason printed. With CI=true it must be there.
fn promtool(arguments: &[&str], at: &Path, input: &str) -> Option<String> {
    let program = "/usr/bin/promtool";
    if !Path::new(program).exists() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{program} is missing");
        eprintln!("not run: {program} is missing (Debian package prometheus)");
        return None;
    }
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(at)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "promtool {arguments:?}: {said}\n{input}");
    Some(said)
}

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/prometheus")
}

#[test]
fn promtool_takes_the_page_without_a_complaint() {
    let page = render(full(), Form::Text);
    if let Some(said) = promtool(&["check", "metrics"], Path::new("/"), &page) {
        assert_eq!(said, "", "{page}");
    }
    // Nor is anything missing where the server has just gone and nothing was counted yet.
    let page = render(Snapshot::default(), Form::Text);
    promtool(&["check", "metrics"], Path::new("/"), &page);
    assert!(page.contains("\ndialback_up 0\n"), "{page}");
}

#[test]
fn a_line_tells_when_it_last_connected_a_call_if_it_is_still_one() {
    let mut snapshot = full();
    snapshot.tally.line_connected =
        BTreeMap::from([("main".to_owned(), 1_790_000_000_999), ("sold".to_owned(), 1)]);
    let page = render(snapshot, Form::Text);
    let name = "dialback_line_connected_timestamp_seconds";
    let shown: Vec<&str> = page.lines().filter(|line| line.starts_with(name)).collect();
    assert_eq!(shown, [format!("{name}{{line=\"main\"}} 1790000000")]);
}

#[test]
fn a_ledger_that_cannot_be_read_is_no_queue_without_dead_letters() {
    let shown = |queue: Option<Counts>| -> Vec<String> {
        let page = render(Snapshot { queue, ..full() }, Form::Text);
        let of_queue =
            ["dialback_deliveries_waiting", "dialback_dead_letters", "dialback_relay_ledger"];
        let is_of_queue = |line: &&str| of_queue.iter().any(|name| line.starts_with(name));
        page.lines().filter(is_of_queue).map(str::to_owned).collect()
    };
    assert_eq!(shown(None), ["dialback_relay_ledger_readable 0"]);
    assert_eq!(shown(Some(Counts::default())), ["dialback_relay_ledger_readable 1"]);
    let one = Words::from([("mail".to_owned(), 1)]);
    assert_eq!(
        shown(Some(Counts { waiting: Words::new(), dead: one })),
        ["dialback_dead_letters{to=\"mail\"} 1", "dialback_relay_ledger_readable 1"]
    );
}

#[test]
fn the_two_forms_differ_in_the_names_of_counters_families_only() {
    let open = render(full(), Form::OpenMetrics);
    assert!(open.ends_with("# EOF\n"), "{open}");
    assert!(open.contains("# TYPE dialback_calls counter\n"), "{open}");
    assert!(
        open.contains("\ndialback_calls_total{leg=\"request\",cause=\"callback\"} 1\n"),
        "{open}"
    );
    let text = render(full(), Form::Text);
    assert!(text.contains("# TYPE dialback_calls_total counter\n"), "{text}");
    let samples = |page: &str| {
        page.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(samples(&open), samples(&text));
    assert_eq!(
        Form::accepted("application/openmetrics-text;version=1.0.0,*/*;q=0.1"),
        Form::OpenMetrics
    );
    assert_eq!(Form::accepted("*/*"), Form::Text);
}

#[test]
fn a_histogram_counts_up_and_a_label_is_escaped() {
    let text = render(full(), Form::Text);
    assert!(text.contains("dialback_called_back_seconds_bucket{le=\"5.0\"} 1\n"), "{text}");
    assert!(text.contains("dialback_called_back_seconds_bucket{le=\"+Inf\"} 1\n"), "{text}");
    assert!(text.contains(r#"dialback_line_faults_total{line="a \"b\"\n"} 1"#), "{text}");
}

#[test]
fn every_state_of_a_line_is_one_that_the_page_shows() {
    // As `calls::status::Line::state` lists them in its documentation.
    let text = include_str!("../../../../calls/src/status.rs");
    let listed = text.split("    /// `closed`").nth(1).unwrap().split("pub state").next().unwrap();
    let listed: BTreeSet<&str> = listed.split('`').skip(1).step_by(2).chain(["closed"]).collect();
    assert_eq!(listed, LINE_STATES.into_iter().collect());
}

/// Names of our metrics in an expression.
fn asked(expression: &str) -> Vec<String> {
    let begins = |word: &&str| word.starts_with("dialback_");
    let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(begins).map(str::to_owned).collect()
}

#[test]
fn the_alert_rules_are_right_and_ask_for_what_there_is() {
    let rules = std::fs::read_to_string(packaging().join("dialback.rules.yml")).unwrap();
    let names = names();
    for line in rules
        .lines()
        .filter(|line| !line.contains("description:") && !line.trim_start().starts_with('#'))
    {
        for name in asked(line) {
            assert!(names.contains(&name), "{name} is not on the page: {line}");
        }
    }
    promtool(&["check", "rules", "dialback.rules.yml"], &packaging(), "");
    promtool(&["test", "rules", "dialback.rules.test.yml"], &packaging(), "");
    // Each rule is tested.
    let tests = std::fs::read_to_string(packaging().join("dialback.rules.test.yml")).unwrap();
    for rule in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        let fires = tests.lines().any(|line| line.trim() == format!("alertname: {rule}"));
        assert!(fires, "no test lets {rule} fire");
    }
}

#[test]
fn every_expression_of_the_dashboard_is_right_and_asks_for_what_there_is() {
    let text = std::fs::read_to_string(packaging().join("dialback-dashboard.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut expressions = Vec::new();
    let targets = dashboard["panels"].as_array().unwrap().iter();
    for target in targets.flat_map(|panel| panel["targets"].as_array().unwrap()) {
        expressions.push(target["expr"].as_str().unwrap());
    }
    for note in dashboard["annotations"]["list"].as_array().unwrap() {
        expressions.push(note["expr"].as_str().unwrap());
    }
    assert!(expressions.len() > 20, "{}", expressions.len());
    let names = names();
    // As recording rules, so that Prometheus' own parser reads them.
    let mut rules = "groups:\n- name: dashboard\n  rules:\n".to_owned();
    for (number, expression) in expressions.iter().enumerate() {
        let asked = asked(expression);
        assert!(!asked.is_empty(), "{expression}");
        for name in asked {
            assert!(names.contains(&name), "{name} is not on the page: {expression}");
        }
        let expression = expression.replace("$instance", ".*");
        rules.push_str(&format!(
            "  - record: dashboard:{number}\n    expr: '{}'\n",
            expression.replace('\'', "''")
        ));
    }
    let path = std::env::temp_dir().join(format!("dialback-dashboard-{}.yml", std::process::id()));
    std::fs::write(&path, rules).unwrap();
    promtool(&["check", "rules", &path.display().to_string()], Path::new("/"), "");
    std::fs::remove_file(path).unwrap();
}
