//! Recordings as browsers write them, and as nobody should.

use clap::ValueEnum as _;
use serde_json::{Value, json};

use super::kind::ResourceType;
use super::select::Selection;
use super::{HarError, Naming, workload};

fn selection() -> Selection {
    let usual = ["document", "xhr", "fetch", "eventsource", "other"];
    let types = usual.map(|name| ResourceType::from_str(name, false).unwrap());
    Selection {
        types: types.to_vec(),
        hosts: Vec::new(),
        all_hosts: false,
        has_pauses: true,
    }
}

fn import_with(har: &str, selection: &Selection) -> Result<String, HarError> {
    let naming = Naming {
        file: "shop.har",
        class: "Visitor",
    };
    workload(har, &naming, selection)
}

/// The workload of these entries, as TOML, and its text.
fn imported(entries: &Value) -> (toml::Table, String) {
    let har =
        json!({ "log": { "version": "1.2", "creator": { "name": "test" }, "entries": entries } });
    let text = import_with(&har.to_string(), &selection()).unwrap();
    (text.parse().unwrap(), text)
}

fn requests(workload: &toml::Table) -> Vec<toml::Value> {
    let requests = &workload["class"]["Visitor"]["task"]["recording"]["request"];
    requests.as_array().unwrap().clone()
}

/// An entry that begins `at` seconds into the minute and lasts half a second.
fn entry(at: f64, method: &str, url: &str, more: Value) -> Value {
    let mut entry = json!({
        "startedDateTime": format!("2026-11-27T10:00:{at:06.3}+01:00"),
        "time": 500.0,
        "request": { "method": method, "url": url, "httpVersion": "h2", "headers": [], "cookies": [] },
        "response": { "status": 200, "headers": [], "content": { "mimeType": "text/html", "size": 3, "text": "..." } },
    });
    merge(&mut entry, more);
    entry
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

fn posted(media: &str, text: &str) -> Value {
    json!({ "request": { "postData": { "mimeType": media, "text": text } } })
}

#[test]
fn requests_are_sent_in_the_order_and_with_the_pauses_of_the_recording() {
    let search = "http://shop.test:8080/search?q=red+mug&page=2#top";
    let (workload, text) = imported(&json!([
        entry(4.25, "GET", search, json!({})),
        entry(0.0, "GET", "http://shop.test:8080/", json!({})),
        entry(
            4.5,
            "POST",
            "http://shop.test:8080/orders",
            posted("application/json", r#"{"b":1,"a":[true,2.5,"x"]}"#)
        ),
        entry(
            4.6,
            "DELETE",
            "http://shop.test:8080/orders/7",
            json!({ "response": { "status": 404 } })
        ),
    ]));
    assert_eq!(
        workload["hosts"]["shop.test-8080"].as_str(),
        Some("http://shop.test:8080"),
        "{text}"
    );
    let [home, found, order, delete] = requests(&workload).try_into().unwrap();
    assert_eq!(home.to_string(), r#"{ path = "/" }"#);
    assert_eq!(found["path"].as_str(), Some("/search?q=red+mug&page=2"));
    assert_eq!(found["name"].as_str(), Some("GET /search"));
    assert_eq!(found["pause"].as_str(), Some("constant(3.8)"));
    // it was sent while the one before was open
    assert!(order.get("pause").is_none() && order.get("method").is_none());
    assert_eq!(
        order["json"].to_string(),
        r#"{ b = 1, a = [true, 2.5, "x"] }"#
    );
    assert_eq!(delete["method"].as_str(), Some("DELETE"));
    assert_eq!(delete["status"].as_integer(), Some(404));
}

#[test]
fn images_styles_scripts_and_other_hosts_are_left_out_unless_they_are_asked_for() {
    let of = |media: &str| json!({ "response": { "content": { "mimeType": media } } });
    let entries = json!([
        entry(
            0.0,
            "GET",
            "https://cdn.test/first.js",
            json!({ "_resourceType": "script" })
        ),
        entry(
            1.0,
            "GET",
            "https://shop.test/",
            json!({ "_resourceType": "document" })
        ),
        entry(2.0, "GET", "https://shop.test/a.css", of("text/css")),
        entry(2.0, "GET", "https://shop.test/a.svg", of("image/svg+xml")),
        entry(2.0, "GET", "https://shop.test/a.woff2", of("font/woff2")),
        entry(
            2.0,
            "GET",
            "https://shop.test/a.js",
            of("application/javascript; charset=utf-8")
        ),
        entry(2.0, "GET", "https://shop.test/logo.png", of("")),
        entry(3.0, "GET", "https://api.test/v1", of("application/json")),
        entry(
            3.0,
            "OPTIONS",
            "https://shop.test/v1",
            json!({ "_resourceType": "preflight" })
        ),
        entry(3.0, "GET", "wss://shop.test/live", json!({})),
        entry(3.0, "GET", "data:text/plain,x", json!({})),
        entry(
            3.0,
            "GET",
            "https://shop.test/gone",
            json!({ "response": { "status": 0 } })
        ),
        entry(3.0, "PROPFIND", "https://shop.test/dav", json!({})),
    ]);
    let (workload, text) = imported(&entries);
    assert_eq!(requests(&workload).len(), 1, "{text}");
    assert!(
        text.contains("1 to other hosts (api.test)") && text.contains("6 for images"),
        "{text}"
    );
    let har = json!({ "log": { "entries": entries } }).to_string();
    let with = |change: &dyn Fn(&mut Selection)| {
        let mut selection = selection();
        change(&mut selection);
        let text = import_with(&har, &selection).unwrap();
        (requests(&text.parse().unwrap()), text)
    };
    let (all, text) = with(&|selection| selection.all_hosts = true);
    assert_eq!(all.len(), 2, "{text}");
    assert_eq!(all[1]["host"].as_str(), Some("api.test"));
    let (named, _) = with(&|selection| selection.hosts = vec!["API.test".to_owned()]);
    assert_eq!(named[0]["path"].as_str(), Some("/v1"));
    let (styles, _) = with(&|selection| selection.types.push(ResourceType::Stylesheet));
    assert_eq!(styles.len(), 2);
}

#[test]
fn a_redirect_that_is_followed_is_one_request() {
    let leads_to = |to: &str| json!({ "response": { "status": 302, "headers": [{ "name": "Location", "value": to }] } });
    let (workload, text) = imported(&json!([
        entry(0.0, "GET", "https://shop.test/old", leads_to("/new#here")),
        entry(0.5, "GET", "https://shop.test/new", json!({})),
        entry(
            2.0,
            "GET",
            "https://shop.test/login",
            leads_to("https://id.test/authorize")
        ),
        entry(2.5, "GET", "https://id.test/authorize", json!({})),
    ]));
    let [old, login] = requests(&workload)
        .try_into()
        .unwrap_or_else(|_| panic!("{text}"));
    assert_eq!(
        (old["path"].as_str(), old.get("redirects")),
        (Some("/old"), None)
    );
    assert_eq!(login["redirects"].as_integer(), Some(0));
    assert_eq!(login["pause"].as_str(), Some("constant(1)"));
}

#[test]
fn a_site_that_leads_to_https_or_to_its_www_is_one_site() {
    let leads_to = |to: &str| json!({ "response": { "status": 301, "headers": [{ "name": "location", "value": to }] } });
    let (workload, text) = imported(&json!([
        entry(
            0.0,
            "GET",
            "http://shop.test/",
            leads_to("https://shop.test/")
        ),
        entry(
            0.1,
            "GET",
            "https://shop.test/logo.png",
            json!({ "_resourceType": "image" })
        ),
        entry(
            0.2,
            "GET",
            "https://shop.test/first",
            json!({ "_resourceType": "fetch" })
        ),
        entry(0.5, "GET", "https://shop.test/", json!({})),
    ]));
    let paths: Vec<_> = requests(&workload)
        .iter()
        .map(|request| request["path"].to_string())
        .collect();
    assert_eq!(paths, ["\"/\"", "\"/first\""], "{text}");
    let (workload, text) = imported(&json!([
        entry(
            0.0,
            "GET",
            "http://shop.test/",
            leads_to("https://www.shop.test/")
        ),
        entry(0.5, "GET", "https://www.shop.test/", json!({})),
        entry(1.0, "GET", "https://www.shop.test/b", json!({})),
    ]));
    assert_eq!(requests(&workload).len(), 2, "{text}");
    assert_eq!(
        workload["hosts"]["www.shop.test"].as_str(),
        Some("https://www.shop.test")
    );
}

#[test]
fn useful_headers_stay_and_those_of_all_requests_are_the_classs() {
    let headers = |own: Value| {
        let mut headers = json!([
            { "name": ":authority", "value": "shop.test" }, { "name": "Sec-Fetch-Mode", "value": "cors" },
            { "name": "accept", "value": "application/json" }, { "name": "User-Agent", "value": "Mozilla/5.0" },
            { "name": "X-Requested-With", "value": "XMLHttpRequest" }, { "name": "content-length", "value": "2" },
            { "name": "traceparent", "value": "00-1-1-01" }, { "name": "bad name", "value": "x" },
            { "name": "X-Line", "value": "a\r\nb" }, { "name": "content-type", "value": "text/xml" },
        ]);
        headers.as_array_mut().unwrap().push(own);
        json!({ "request": { "headers": headers, "postData": { "mimeType": "text/xml", "text": "<a/>" } } })
    };
    let (workload, text) = imported(&json!([
        entry(
            0.0,
            "POST",
            "https://shop.test/a",
            headers(json!({ "name": "X-Step", "value": "1 {{ of }} 2" }))
        ),
        entry(
            1.0,
            "POST",
            "https://shop.test/b",
            headers(json!({ "name": "X-Step", "value": "2" }))
        ),
    ]));
    let class = &workload["class"]["Visitor"];
    let common = class["headers"].as_table().unwrap();
    let names: Vec<&str> = common.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["accept", "X-Requested-With", "content-type"],
        "{text}"
    );
    let [a, b] = requests(&workload).try_into().unwrap();
    assert_eq!(
        a["headers"].to_string(),
        r#"{ X-Step = "1 {{ '{{' }} of }} 2" }"#
    );
    assert_eq!(b["body"].as_str(), Some("<a/>"));
}

/// A token as servers sign them.
const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzM2NyM3QifQ.c2lnbmF0dXJlLXMzY3IzdA";

/// Requests with a secret each, in another place.
fn secretive() -> Value {
    let headers = json!({ "request": { "headers": [
        { "name": "Cookie", "value": "sid=s3cr3t" }, { "name": "Authorization", "value": "Bearer s3cr3t-s3cr3t-s3cr3t" },
        { "name": "X-Api-Key", "value": "s3cr3t" }, { "name": "X-Csrf-Token", "value": "s3cr3t" }, { "name": "X-User", "value": JWT },
    ] } });
    let multipart = json!({ "request": { "postData": { "mimeType": "multipart/form-data; boundary=x", "params": [
        { "name": "title", "value": "t" }, { "name": "password", "value": "s3cr3t" }, { "name": "photo", "fileName": "s.jpg" },
    ] } } });
    let binary = json!({ "request": { "postData": { "text": "czNjcjN0", "encoding": "base64" } } });
    let first =
        format!("https://u:s3cr3t@shop.test/a/{JWT}?api_key=s3cr3t&q=1&key=s3cr3ts3cr3ts3cr3t");
    let form = "user=anna&password=s3cr3t&tag=a&tag=b%26c";
    let login = r#"{"user":"anna","login":{"Password":"s3cr3t","pin":53637},"n":1}"#;
    let null = r#"{"accessToken":"s3cr3t","none":null,"{{ a }}":"{% b %}"}"#;
    let xml = "<login><password>s3cr3t</password></login>";
    let post = |more: Value| entry(0.0, "POST", "https://shop.test/b", more);
    json!([
        entry(0.0, "GET", &first, headers),
        post(posted("application/x-www-form-urlencoded", form)),
        post(posted("application/json", login)),
        post(posted("application/json", null)),
        post(posted("text/xml", xml)),
        post(multipart),
        post(binary),
    ])
}

#[test]
fn no_secret_of_the_recording_is_in_the_workload() {
    let (workload, text) = imported(&secretive());
    for secret in ["s3cr3t", JWT, "53637", "czNjcjN0"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert_eq!(
        workload["class"]["Visitor"]["cookies"].as_bool(),
        Some(true)
    );
    let [first, form, body, null, xml, files, binary] = requests(&workload).try_into().unwrap();
    let place = |name: &str| format!("{{{{ env('{name}', 'change-me') }}}}");
    let path = format!(
        "/a/{}?api_key={}&q=1&key={}",
        place("TOKEN"),
        place("API_KEY"),
        place("KEY")
    );
    assert_eq!(first["path"].as_str(), Some(&*path));
    assert_eq!(first["name"].as_str(), Some("GET /a/:token"));
    assert!(text.contains("# Authorization was left out: write headers = { Authorization = \"{{ secret('AUTHORIZATION') }}\" }"), "{text}");
    assert_eq!(
        form["form"].to_string(),
        format!(
            "{{ user = \"anna\", password = \"{}\", tag = [\"a\", \"b&c\"] }}",
            place("PASSWORD")
        )
    );
    assert_eq!(
        body["json"]["login"]["Password"].as_str(),
        Some(&*place("PASSWORD"))
    );
    // TOML has no null
    assert_eq!(
        null["headers"]["Content-Type"].as_str(),
        Some("application/json")
    );
    assert!(
        null["body"].as_str().unwrap().contains("{{ '{{' }} a }}"),
        "{text}"
    );
    assert_eq!(files["form"]["title"].as_str(), Some("t"));
    for without in [xml, binary] {
        assert!(without.get("body").is_none() && without["method"].as_str() == Some("POST"));
    }
}

/// A page with a form, scripts that fetch, an upload and another host, by `recordHar` of Playwright.
const CHROMIUM: &str = include_str!("chromium.har");

#[test]
fn a_recording_of_chromium_makes_a_workload() {
    let text = import_with(CHROMIUM, &selection()).unwrap();
    let requests = requests(&text.parse().unwrap());
    let paths: Vec<&str> = requests
        .iter()
        .map(|request| request["path"].as_str().unwrap())
        .collect();
    let items = "/api/items?q=red%20mug&token={{ env('TOKEN', 'change-me') }}";
    let expected = [
        "/",
        "/login",
        items,
        "/api/orders",
        "/api/upload",
        "/missing",
    ];
    assert_eq!(paths, expected, "{text}");
    for secret in ["hunter2", "abcdefg", "abc.def", "verysecret", "Mozilla"] {
        assert!(!text.contains(secret), "{text}");
    }
    let [_, login, _, orders, upload, missing] = requests.try_into().unwrap();
    assert_eq!(login["pause"].as_str(), Some("constant(1.5)"));
    assert_eq!(login["form"]["user"].as_str(), Some("anna"));
    assert!(
        orders["headers"]["x-app"].as_str() == Some("shop"),
        "{text}"
    );
    assert!(upload.get("body").is_none(), "{text}");
    assert_eq!(missing["status"].as_integer(), Some(404));
    for said in [
        "3 for images",
        "1 that follow a redirect",
        "1 that were never answered",
        "# authorization was left out",
        "# its body is not in the recording",
        "cookies = true",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn a_hostile_recording_is_an_error_that_says_what_to_do() {
    let problem = |har: &str| import_with(har, &selection()).unwrap_err().to_string();
    let in_log = |entries: &str| format!(r#"{{"log":{{"entries":{entries}}}}}"#);
    for har in [
        "",
        "{",
        "[]",
        "null",
        r#"{"log":[]}"#,
        r#"{"log":{}}"#,
        &in_log("{}"),
        &in_log("[1]"),
        &in_log("[{}]"),
        &in_log(r#"[{"request":{"method":1,"url":"http://a"}}]"#),
        &"[".repeat(100_000),
        &in_log(&"[".repeat(100_000)),
        &in_log(&format!(
            "[{}1]",
            r#"{"request":{"method":"GET","url":"http://a/"}},"#.repeat(60_000)
        )),
    ] {
        assert!(problem(har).contains("export it anew"), "{}", problem(har));
    }
    assert_eq!(problem(&in_log("[]")), "it has no request");
    let of = |url: &str| format!(r#"{{"request":{{"method":"GET","url":{}}}}}"#, json!(url));
    assert!(
        problem(&in_log(&format!("[{}]", of("chrome://x"))))
            .contains("none of its requests is left, without 1")
    );
    let many = vec![of("http://a/"); 1_001].join(",");
    assert!(problem(&in_log(&format!("[{many}]"))).starts_with("1001 of its requests are left"));
    // deep where it is skipped, deep where it is a body, and long everywhere
    let deep = "[".repeat(5_000) + &"]".repeat(5_000);
    let skipped = format!(r#"[{{"x":{deep},"request":{{"method":"GET","url":"http://a/"}}}}]"#);
    assert!(import_with(&in_log(&skipped), &selection()).is_ok());
    for (text, media) in [
        (&*deep, "application/json"),
        (&deep[4_950..5_050], "application/json"),
        // what TOML's types take for a date
        (
            r#"{"$__toml_private_datetime":"1979-05-27"}"#,
            "application/json",
        ),
        ("{{", "text/plain"),
        ("{% for %}{#", "text/plain"),
        ("\u{0}\u{1b}[2J", "text/plain"),
    ] {
        let entry = entry(
            0.0,
            "POST",
            "http://a/{{ x }}?{{ y }}={% z %}&\u{202e}",
            posted(media, text),
        );
        let (workload, _) = imported(&json!([entry]));
        let has_body = requests(&workload)[0].get("body").is_some();
        assert!(has_body, "{text:.20}");
    }
    let (workload, _) = imported(&json!([entry(
        0.0,
        "GET",
        &format!("http://a/{}", "x".repeat(3_000)),
        json!({})
    )]));
    assert_eq!(requests(&workload)[0]["name"].as_str().unwrap().len(), 200);
}
