//! What is sent is what Locust's HttpUser sends by python-requests, byte for byte but for what is named here.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::installed::{scripts, tool};
use crate::raw::{Raw, Recorded};
use crate::traffic::serving;

/// What Cicada says and Locust does not: which user it is, and which trace.
const OURS_ALONE: [&str; 2] = ["x-cicada-user", "traceparent"];

/// What both say, each of itself.
const OTHER_VALUES: [&str; 2] = ["host", "user-agent"];

/// A coding that Locust asks for where a package or Python 3.14 decodes it, and Cicada always.
const ONE_MORE_CODING: &str = ", zstd";

// A header that a workload sets has its name in lower case here, since Cicada begins each of its words with a capital
// and Locust sends it as it is written (names have no case: RFC 9110, 5.1). And a `Content-Type` that a workload sets
// stands behind `Content-Length`, where Locust has it in front; so such heads are compared in the order of their names.

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Bodies by name, as a workload's request has them.
const BODIES: [(&str, &str); 9] = [
    ("none", ""),
    ("empty", r#"body = """#),
    ("text", r#"body = "a text, für alle 🦗""#),
    ("drawn_text", r#"body = "{{ user_class }} für alle""#),
    (
        "json",
        r#"json = { message = "Grüße 🦗 \u007f \"\\ \n", model = "a" }"#,
    ),
    (
        "json_of_every_kind",
        r#"json = { text = "a/b<c>", whole = 3, big = 9007199254740993, real = 0.1, one = 1.0, small = 1e-7, large = 1e22, yes = true, list = [1, "b", [], {}], none = { } }"#,
    ),
    (
        "drawn_json",
        r#"json = { who = "{{ user_class }} für {{ user }}", number = "{{ user }}", real = "{{ 3.0 }}", list = "{{ [1, 2.5, 'ü', none, true] }}", map = "{{ {'b': 1, 'a': {}} }}" }"#,
    ),
    ("json_list", "json = [1, 2]"),
    (
        "form_text",
        "headers = { Content-Type = 'application/x-www-form-urlencoded' }\nbody = 'a=1&b=2'",
    ),
];

/// Headers of a workload by name: those of another case, and those that replace what is sent anyway.
const HEADERS: [(&str, &str, &str); 5] = [
    ("cased", "X-API-key", "1"),
    ("lower", "x-lower", "1"),
    ("accept", "Accept", "application/json"),
    ("encoding", "Accept-Encoding", "identity"),
    ("agent", "User-Agent", "another/1.0"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_six_classes_send_what_locusts_users_send() {
    let workload = include_str!("../../../functions/traffic/workloads/default.toml");
    // the same requests, only sooner
    let workload = ["30", "45", "18"]
        .iter()
        .fold(workload.to_owned(), |text, seconds| {
            text.replace(&format!("constant_pacing({seconds})"), "constant_pacing(1)")
        });
    let ours = Raw::start().await;
    let cicada = serving(&workload, ours.url()).await;
    cicada.swarm("user_count=60&spawn_rate=60").await;
    let limit = Duration::from_secs(60);
    cicada
        .until("/stats/requests", limit, |statistics| {
            let rows = crate::harness::rows(statistics);
            // five of the shop, six of each model, and the sum
            rows.len() == 18 && rows["Error Prompt (Model B)"].0 > 20
        })
        .await;
    cicada.post("/stop", "").await;
    let ours = ours.seen();
    let questions: Vec<Value> = ours.iter().map(asked_of_locust).collect();
    let theirs = sent_by_locust(&questions).await;
    assert_eq!(ours.len(), theirs.len());
    let mut kinds = BTreeMap::<_, u32>::new();
    for ((ours, theirs), question) in ours.iter().zip(&theirs).zip(&questions) {
        assert_same(ours, theirs, question);
        let kind = format!("{} {}", question["class"], question["request"]);
        *kinds.entry(kind).or_default() += 1;
    }
    println!("the same heads and bodies: {kinds:?}");
    assert_eq!(kinds.len(), 10, "{kinds:?}");
}

/// How Locust's user sends what was seen: the class, the method of heads.py, and what was drawn.
fn asked_of_locust(seen: &Recorded) -> Value {
    let user = seen.header("X-Cicada-User").unwrap();
    let class = user.split('/').next().unwrap();
    let body = || serde_json::from_slice::<Value>(&seen.body).unwrap();
    let (request, values) = match seen.line() {
        "GET /status" => ("status", json!([])),
        "POST /orders" => ("create_order", json!([body()])),
        "POST /chat" => ("chat", json!([body()["message"], body()["model"]])),
        line if line.starts_with("POST /repair") => ("repair", json!([])),
        line => {
            let path = line.strip_prefix("GET ").unwrap();
            let request = match path.strip_prefix("/products/") {
                Some(_) => "get_specific_product",
                None => "get",
            };
            (request, json!([path]))
        }
    };
    json!({ "class": class, "request": request, "values": values })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_sends_every_body_as_locust_does() {
    let mut workload = String::from(
        "[hosts.agent]\nurl = \"http://127.0.0.1:9\"\nenv = \"AI_AGENT_URL\"\n\
         [class.Matrix]\nhost = \"agent\"\nwait = \"constant_pacing(60)\"\n",
    );
    let mut add = |method: &str, kind: &str, rest: &str| {
        workload += &format!(
            "[[class.Matrix.task.all.request]]\nmethod = \"{method}\"\npath = \"/{kind}\"\n{rest}\n"
        );
    };
    let mut questions = Vec::new();
    for method in METHODS {
        for (kind, body) in BODIES {
            add(method, kind, body);
            questions.push(question(method, kind));
        }
    }
    for (kind, name, value) in HEADERS {
        add(
            "POST",
            kind,
            &format!("headers = {{ {name} = \"{value}\" }}"),
        );
        questions.push(json!({
            "method": "POST", "path": format!("/{kind}"), "headers": { name: value },
        }));
    }
    let ours = Raw::start().await;
    let cicada = serving(&workload, ours.url()).await;
    cicada.swarm("user_count=1&spawn_rate=1").await;
    let limit = Duration::from_secs(60);
    cicada
        .until("/stats/requests", limit, |_| {
            ours.count() >= questions.len()
        })
        .await;
    let ours = ours.seen();
    let theirs = sent_by_locust(&questions).await;
    assert_eq!(
        (ours.len(), theirs.len()),
        (questions.len(), questions.len())
    );
    let mut differences = String::new();
    for ((ours, theirs), question) in ours.iter().zip(&theirs).zip(&questions) {
        differences += &difference(ours, theirs, question).unwrap_or_default();
    }
    assert!(differences.is_empty(), "{differences}");
}

/// What Locust's users write for one of the bodies; JSON is a text, which keeps the order of its keys.
fn question(method: &str, kind: &str) -> Value {
    let mut question = json!({ "method": method, "path": format!("/{kind}"), "headers": {} });
    let (how, body) = match kind {
        "none" => return question,
        "empty" => ("data", json!("")),
        "text" => ("data", json!("a text, für alle 🦗")),
        "drawn_text" => ("data", json!("Matrix für alle")),
        "json" => (
            "json_text",
            json!(r#"{"message": "Grüße 🦗 \u007f \"\\ \n", "model": "a"}"#),
        ),
        "json_of_every_kind" => (
            "json_text",
            json!(
                r#"{"text": "a/b<c>", "whole": 3, "big": 9007199254740993, "real": 0.1, "one": 1.0, "small": 1e-7,
                "large": 1e22, "yes": true, "list": [1, "b", [], {}], "none": {}}"#
            ),
        ),
        "drawn_json" => (
            "json_text",
            json!(
                r#"{"who": "Matrix für 0", "number": 0, "real": 3.0, "list": [1, 2.5, "ü", null, true],
                "map": {"a": {}, "b": 1}}"#
            ),
        ),
        "json_list" => ("json_text", json!("[1, 2]")),
        "form_text" => {
            question["headers"] = json!({"Content-Type": "application/x-www-form-urlencoded"});
            ("data", json!("a=1&b=2"))
        }
        _ => unreachable!("{kind} is no body"),
    };
    question[how] = body;
    question
}

/// Lets Locust's users send these, and returns what came.
async fn sent_by_locust(questions: &[Value]) -> Vec<Recorded> {
    let raw = Raw::start().await;
    let mut command = tool("locust", ".tools/venv/bin/python");
    command.arg(scripts().join("heads.py")).arg(raw.url());
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let text = serde_json::to_vec(questions).unwrap();
    stdin.write_all(&text).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    raw.seen()
}

#[track_caller]
fn assert_same(ours: &Recorded, theirs: &Recorded, question: &Value) {
    if let Some(difference) = difference(ours, theirs, question) {
        panic!("{difference}");
    }
}

/// Both requests, if they differ in anything but what may differ.
fn difference(ours: &Recorded, theirs: &Recorded, question: &Value) -> Option<String> {
    let [left, right] = [ours, theirs].map(|request| comparable(request, question));
    (left != right).then(|| {
        format!(
            "{question}\n--- Cicada\n{}\n--- Locust\n{}\n\n",
            ours.text(),
            theirs.text()
        )
    })
}

/// The request line, the headers in their order, and the body, without what may differ.
fn comparable(request: &Recorded, question: &Value) -> (String, Vec<String>, Vec<u8>) {
    let own = question["headers"].as_object();
    let own = own.into_iter().flat_map(serde_json::Map::keys);
    let own: Vec<String> = own.map(|name| name.to_lowercase()).collect();
    let mut lines = request.head.lines();
    let first = lines.next().unwrap().to_owned();
    let mut headers: Vec<String> = lines
        .filter_map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            let lower = name.to_lowercase();
            let is = |names: &[&str]| names.contains(&&*lower);
            match own.contains(&lower) {
                true => Some(format!("{lower}:{value}")),
                false if is(&OURS_ALONE) => None,
                false if is(&OTHER_VALUES) => Some(name.to_owned()),
                false if is(&["accept-encoding"]) => {
                    Some(line.trim_end_matches(ONE_MORE_CODING).to_owned())
                }
                false => Some(line.to_owned()),
            }
        })
        .collect();
    if own.contains(&"content-type".to_owned()) {
        headers.sort();
    }
    (first, headers, request.body.clone())
}
