//! The JSON API held to its own description: every route, and the shape of every answer.

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};

use crate::rig::Rig;

/// Where the description is, for the validator.
const PLACE: &str = "http://dialback.invalid/openapi.json";

/// The description, and its schemas as they are needed.
struct Description {
    document: Value,
    schemas: Schemas,
    compiler: Compiler,
}

impl Description {
    fn of(rig: &Rig) -> Self {
        let document = rig.get("/api/v1/openapi.json").json();
        let mut compiler = Compiler::new();
        compiler.add_resource(PLACE, document.clone()).unwrap();
        Self { document, schemas: Schemas::new(), compiler }
    }

    fn schema(&mut self, pointer: &str) -> SchemaIndex {
        let place = format!("{PLACE}#{pointer}");
        self.compiler
            .compile(&place, &mut self.schemas)
            .unwrap_or_else(|e| panic!("{place}: {e:#}"))
    }

    /// Holds an answer to what the description says of this route.
    fn check(&mut self, method: &str, route: &str, status: u16, answer: &Value) {
        let escaped = route.replace('/', "~1").replace('{', "%7B").replace('}', "%7D");
        let pointer = format!(
            "/paths/{escaped}/{method}/responses/{status}/content/application~1json/schema"
        );
        let index = self.schema(&pointer);
        if let Err(e) = self.schemas.validate(answer, index) {
            panic!("{method} {route} ({status}): {e:#}\n{answer}");
        }
    }

    /// Every operation that it has.
    fn operations(&self) -> Vec<String> {
        let paths = self.document["paths"].as_object().unwrap();
        let of = |(path, item): (&String, &Value)| {
            item.as_object().unwrap().keys().map(|method| format!("{method} {path}")).collect()
        };
        paths.iter().flat_map(|item| -> Vec<String> { of(item) }).collect()
    }
}

#[test]
fn every_route_answers_as_the_description_says_before_during_and_after_a_callback() {
    let rig = Rig::start();
    let mut description = Description::of(&rig);
    let mut asked: Vec<String> = vec!["get /api/v1/events".into()];
    let mut check = |method: &str, route: &str, path: &str, body: &str, status: u16| {
        let answer = match method {
            "get" => rig.get(path),
            _ => rig.order(path, body),
        };
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        description.check(method, route, status, &answer.json());
        asked.push(format!("{method} {route}"));
        answer.json()
    };
    for name in
        ["openapi.json", "status", "lines", "promises", "sessions", "calls", "sums", "audit"]
    {
        let route = format!("/api/v1/{name}");
        check("get", &route, &route, "", 200);
    }
    let mut stream = rig.listen(None);
    let mut caller = rig.caller();
    caller.say("ATDT5550100\r", "ogin: ");
    stream.until("connected");
    let standing = check("get", "/api/v1/status", "/api/v1/status", "", 200);
    assert_eq!(standing["lines"][0]["state"], "online", "{standing}");
    assert_eq!(standing["lines"][0]["call"]["leg"], "request");
    caller.say("fixed\r", "NO CARRIER");
    stream.until("promised");
    let promises = check("get", "/api/v1/promises", "/api/v1/promises", "", 200);
    assert_eq!(promises[0]["user"], "fixed", "{promises}");
    caller.until("RING");
    caller.say("ATA\r", "ogin: ");
    caller.say("hello\r", "hello from a program");
    stream.until("ended");
    stream.until("ended");

    let spent = check("get", "/api/v1/status", "/api/v1/status", "", 200);
    let budget =
        json!({ "of": "all calls of the day", "unit": "hundredths", "spent": 25, "limit": 50 });
    assert_eq!(spent["budgets"], json!([budget]), "{spent}");

    let calls = check("get", "/api/v1/calls", "/api/v1/calls?user=hello", "", 200);
    assert_eq!(calls["calls"].as_array().unwrap().len(), 1);
    let page = check("get", "/api/v1/calls", "/api/v1/calls?limit=1", "", 200);
    assert_eq!((&page["calls"][0]["call"], &page["next"]), (&json!(2), &json!("c2")));
    let rest = check("get", "/api/v1/calls", "/api/v1/calls?limit=1&before=c2", "", 200);
    assert_eq!((&rest["calls"][0]["call"], &rest["next"]), (&json!(1), &json!(null)));
    check("get", "/api/v1/calls", "/api/v1/calls?cause=fun", "", 400);
    check("get", "/api/v1/calls", "/api/v1/calls?colour=red", "", 400);
    let sessions = check("get", "/api/v1/sessions", "/api/v1/sessions?line=main", "", 200);
    assert_eq!(sessions[0]["returns"][0]["line"], "second", "the whole session");
    let story = check("get", "/api/v1/calls/{id}", "/api/v1/calls/c1", "", 200);
    assert_eq!(story["calls"].as_array().unwrap().len(), 2, "both legs");
    for id in ["c2", "s1", "p1"] {
        assert_eq!(
            check("get", "/api/v1/calls/{id}", &format!("/api/v1/calls/{id}"), "", 200),
            story
        );
    }
    check("get", "/api/v1/calls/{id}", "/api/v1/calls/c99", "", 404);
    check("get", "/api/v1/calls/{id}", "/api/v1/calls/x", "", 400);
    let sums = check("get", "/api/v1/sums", "/api/v1/sums?since=1h", "", 200);
    assert_eq!(
        (&sums["calls"], &sums["returns"], &sums["waits"]["count"]),
        (&json!(2), &json!(1), &json!(1))
    );
    assert_eq!(sums["money"]["cost"], 25, "a minute that was begun");
    let route = "/api/v1/policy/explain";
    let yes = check("get", route, "/api/v1/policy/explain?user=fixed&at=2026-11-23T10:00", "", 200);
    assert_eq!(yes["approved"], true);
    let no = check("get", route, "/api/v1/policy/explain?user=nobody", "", 200);
    assert_eq!(no["approved"], false);
    check("get", route, "/api/v1/policy/explain?user=x&at=tomorrow", "", 400);
    let audit = check("get", "/api/v1/audit", "/api/v1/audit", "", 200);
    assert_eq!(audit["whole"], true);

    let line = "/api/v1/lines/{line}/{order}";
    check("post", line, "/api/v1/lines/main/hangup", "", 409);
    check("post", line, "/api/v1/lines/main/busy-out", "", 200);
    stream.until("line-busied-out");
    check("post", line, "/api/v1/lines/main/restore", "", 200);
    check("post", line, "/api/v1/lines/second/reset", "", 200);
    check("post", line, "/api/v1/lines/main/sing", "", 404);
    let callbacks = "/api/v1/callbacks";
    let promised =
        check("post", callbacks, callbacks, r#"{"numbers":["5550199"],"lines":["main"]}"#, 200);
    let path = format!("/api/v1/promises/p{}/cancel", promised["promise"]);
    check("post", "/api/v1/promises/{promise}/{order}", &path, "", 200);
    check("post", "/api/v1/promises/{promise}/{order}", "/api/v1/promises/x/now", "", 400);
    check("post", callbacks, callbacks, r#"{"numbers":5}"#, 400);
    check("post", callbacks, callbacks, r#"{"user":"fixed","lines":["main"]}"#, 400);
    check("post", callbacks, callbacks, r#"{"user":"nobody"}"#, 409);
    let promised = check("post", callbacks, callbacks, r#"{"user":"fixed"}"#, 200);
    let path = format!("/api/v1/promises/p{}/cancel", promised["promise"]);
    check("post", "/api/v1/promises/{promise}/{order}", &path, "", 200);

    asked.sort();
    asked.dedup();
    let mut described = description.operations();
    described.sort();
    assert_eq!(asked, described, "every operation that is described was tried");
}

#[test]
fn a_stream_that_was_cut_goes_on_after_the_last_event_that_was_seen() {
    let rig = Rig::start();
    let (mut stream, mut watching, mut caller) = (rig.listen(None), rig.listen(None), rig.caller());
    caller.is_nobody("nosuch");
    let seen = stream.until("named")["seq"].as_u64().unwrap();
    drop(stream);
    watching.until("ended");
    let mut again = rig.listen(Some(seen));
    let mut seq = seen;
    loop {
        let (event, id, data) = again.next();
        if event != "entry" {
            continue;
        }
        seq += 1;
        assert_eq!(
            (id, &data["seq"]),
            (Some(seq), &json!(seq)),
            "none is missing, none comes twice"
        );
        if data["entry"]["event"] == "ended" {
            break;
        }
    }
}
