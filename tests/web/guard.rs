//! Who is let in: tokens, forms, hosts, sizes; what callers say stays text.

use crate::http::{head, request};
use crate::rig::{Rig, dialback};

#[test]
fn an_order_needs_a_token_and_is_journalled_with_whose_it_is() {
    let rig = Rig::start();
    let order = |headers: &[(&str, &str)]| {
        request(&rig.address, "POST", "/api/v1/lines/main/busy-out", headers, "")
    };
    let wrong = format!("Bearer {}x", rig.token);
    for headers in
        [&[][..], &[("Authorization", wrong.as_str())], &[("Authorization", "Basic b3BzOng=")]]
    {
        let refused = order(headers);
        assert_eq!(refused.status, 401, "{refused:?}");
        assert!(refused.header("www-authenticate").is_some());
    }
    let mut stream = rig.listen(None);
    assert_eq!(rig.order("/api/v1/lines/main/busy-out", "").status, 200);
    let operated = stream.until("operated");
    let who = operated["entry"]["who"].as_str().unwrap();
    assert!(who.starts_with("ops (web, 127.0.0.1) by way of "), "{who}");
}

/// Logs in; gives the cookie and what stands in the forms.
fn log_in(rig: &Rig) -> (String, String) {
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let wrong = request(&rig.address, "POST", "/login", &form, "token=dialback-00");
    assert_eq!(wrong.status, 401);
    for elsewhere in ["same-site", "cross-site"] {
        let form = [form[0], ("Sec-Fetch-Site", elsewhere)];
        let body = format!("token={}", rig.token);
        assert_eq!(
            request(&rig.address, "POST", "/login", &form, &body).status,
            401,
            "{elsewhere}"
        );
    }
    let entered = request(&rig.address, "POST", "/login", &form, &format!("token={}", rig.token));
    assert_eq!(entered.status, 303, "{entered:?}");
    let cookie = entered.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let page = request(&rig.address, "GET", "/", &[("Cookie", &cookie)], "").body;
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap();
    (cookie, csrf.split('"').next().unwrap().to_owned())
}

#[test]
fn a_form_needs_its_session_and_the_word_of_the_session() {
    let rig = Rig::start();
    let (cookie, csrf) = log_in(&rig);
    let post = |path: &str, cookie: &str, csrf: &str, json: bool| {
        let accept = if json { "application/json" } else { "text/html" };
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Cookie", cookie),
            ("Accept", accept),
        ];
        let body = format!("csrf={csrf}&order=reset&line=second");
        request(&rig.address, "POST", path, &headers, &body)
    };
    assert_eq!(post("/orders", "", &csrf, true).status, 401, "without a session");
    assert_eq!(post("/orders", &cookie, "0", true).status, 403, "without its word");
    let (_, other) = log_in(&rig);
    assert_eq!(post("/orders", &cookie, &other, false).status, 403, "with another session's");
    let api = post("/api/v1/lines/second/reset", &cookie, &csrf, true);
    assert_eq!(api.status, 401, "a browser's cookie gives no order by the API");
    assert_eq!(post("/orders", &cookie, &csrf, true).json()["reply"], "done");
    let page = post("/orders", &cookie, &csrf, false);
    assert!(page.status == 200 && page.body.contains("Done."), "{page:?}");
    let leave =
        [("Content-Type", "application/x-www-form-urlencoded"), ("Cookie", cookie.as_str())];
    let left = request(&rig.address, "POST", "/logout", &leave, &format!("csrf={csrf}"));
    assert_eq!(left.status, 303);
    assert_eq!(post("/orders", &cookie, &csrf, true).status, 401, "after the end");
}

#[test]
fn a_name_with_a_script_in_it_is_shown_as_text_on_every_page() {
    let rig = Rig::start();
    let mut stream = rig.listen(None);
    let name = "<script>alert(1)</script>";
    rig.caller().is_nobody(name);
    let told = stream.until("named");
    assert_eq!(told["entry"]["name"], name, "the caller could say it");
    stream.until("ended");
    for path in ["/", "/calls", "/calls/c1", "/parts/calls", "/charts"] {
        let page = rig.get(path);
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.body.contains("<script>alert"), "{path}: {}", page.body);
        assert!(path == "/charts" || page.body.contains("&lt;script&gt;alert(1)"), "{path}");
    }
    let query = "/calls?user=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&cause=%3Cscript%3E";
    for path in [query, "/policy?user=%3Cscript%3Ealert(1)", "/calls/%3Cscript%3Ealert(1)"] {
        let page = rig.get(path);
        assert!(!page.body.contains("<script>alert"), "{path}: {}", page.body);
    }
}

#[test]
fn other_hosts_long_bodies_and_unknown_addresses_are_refused() {
    let rig = Rig::with("hosts = [\"board.example.org\"]", |_| ());
    let status =
        |host: &str| request(&rig.address, "GET", "/api/v1/lines", &[("Host", host)], "").status;
    assert_eq!(status("evil.example.org"), 421, "a page elsewhere that has our address");
    assert_eq!(status(""), 421);
    for host in ["board.example.org", "board.example.org:443", "LOCALHOST", "127.0.0.1:1"] {
        assert_eq!(status(host), 200, "{host}");
    }
    let long = "x".repeat(100_000);
    let body = format!("token={long}");
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(request(&rig.address, "POST", "/login", &form, &body).status, 413);
    // Headers without end: the connection is answered with a fault, or cut.
    let mut endless = crate::http::ask(&rig.address, "GET", "/", &[("X-Long", long.as_str())], "");
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| head(&mut endless).0));
    assert!(matches!(refused, Ok(431) | Err(_)), "{refused:?}");
    assert_eq!(rig.get("/api/v2/lines").status, 404);
    assert_eq!(rig.get("/nothing").status, 404);
    let page = rig.get("/");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    for header in ["x-content-type-options", "x-frame-options", "referrer-policy"] {
        assert!(page.header(header).is_some(), "{header}");
    }
    assert!(!page.body.contains(" style=") && !page.body.contains("onclick"), "nothing inline");
}

#[test]
fn who_has_no_token_sees_nothing_where_readers_need_one() {
    let rig = Rig::with("readers = \"token\"", |_| ());
    assert_eq!(rig.get("/api/v1/calls").status, 401);
    let page = rig.get("/");
    assert_eq!((page.status, page.header("location")), (303, Some("/login")));
    the_page_to_log_in_leads_on(&rig);
    let asked = rig.get("/login");
    assert!(
        asked.status == 200 && asked.body.contains("Only who has one may look"),
        "{}",
        asked.body
    );
    // A script that followed to the page to log in would put it where it wanted calls.
    let scripted = [("Sec-Fetch-Mode", "cors")];
    assert_eq!(request(&rig.address, "GET", "/parts/calls", &scripted, "").status, 401);
    let bearer = format!("Bearer {}", rig.token);
    let seen = request(&rig.address, "GET", "/api/v1/calls", &[("Authorization", &bearer)], "");
    assert_eq!(seen.status, 200);
}

fn the_page_to_log_in_leads_on(rig: &Rig) {
    let way = rig.get("/calls?user=al%20ice&limit=5");
    let to = "/login?to=%2Fcalls%3Fuser%3Dal%2520ice%26limit%3D5";
    assert_eq!((way.status, way.header("location")), (303, Some(to)));
    let form = rig.get(to).body;
    let hidden = r#"name="to" value="/calls?user=al%20ice&amp;limit=5""#;
    assert!(form.contains(hidden), "{form}");
    let onward = [
        ("%2Fcalls%3Fuser%3Dal%2520ice%26limit%3D5", "/calls?user=al%20ice&limit=5"),
        ("%2Faudit", "/audit"),
        // Other hosts, as browsers read them, and what is no address at all.
        ("%2F%2Fevil.example%2F", "/"),
        ("%2F%5Cevil.example%2F", "/"),
        ("%2F%09%2Fevil.example%2F", "/"),
        ("https%3A%2F%2Fevil.example%2F", "/"),
        ("%2Fx%0D%0ASet-Cookie%3A+a%3Db", "/"),
        ("%2Flogin%3Fto%3D%2F", "/"),
        ("", "/"),
    ];
    let kind = [("Content-Type", "application/x-www-form-urlencoded")];
    for (to, wanted) in onward {
        let body = format!("token={}&to={to}", rig.token);
        let entered = request(&rig.address, "POST", "/login", &kind, &body);
        assert_eq!((entered.status, entered.header("location")), (303, Some(wanted)), "{to}");
    }
}

#[test]
fn an_address_that_others_reach_is_refused_without_tls_and_open_tokens_too() {
    let rig = Rig::start();
    let config = rig.folder.join("dialback.toml");
    let web = |args: &[&str]| {
        dialback().arg("web").arg("--config").arg(&config).args(args).output().unwrap()
    };
    let refused = web(&["--listen", "0.0.0.0:0"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(78), "{said}");
    assert!(said.contains("tls_certificate") && said.contains("behind_proxy"), "{said}");
    use std::os::unix::fs::PermissionsExt;
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(rig.folder.join("tokens"), open).unwrap();
    let refused = web(&[]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(78), "{said}");
    assert!(said.contains("chmod 0600"), "{said}");
}

#[test]
fn a_token_goes_into_its_file_once_and_a_bad_name_changes_nothing() {
    use std::os::unix::fs::MetadataExt;
    let folder = std::env::temp_dir().join(format!("dialback-web-token-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("tokens");
    let make =
        |name: &str| dialback().args(["web", "token", name, "--file"]).arg(&file).output().unwrap();
    let made = make("ops");
    assert!(made.status.success() && made.stdout.starts_with(b"dialback-"), "{made:?}");
    assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    assert!(make("night").status.success());
    let text = std::fs::read_to_string(&file).unwrap();
    let names: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["ops", "night"], "{text}");
    for (name, code) in [("o/s", 64), ("ops", 78)] {
        let refused = make(name);
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(code), 0), "{refused:?}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "{name}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
