//! The workload that somebody puts: checked as `--check` does, for the next run, for all processes.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use control::{ClassSettings, ControlSettings, MAX_WORKLOAD};
use serde_json::{Value, json};
use testing::MemoryStore;
use traffic::ports::RunStore as _;
use traffic::run_rules::RunRules;
use traffic::workload::Workload;

use crate::cicada::{Answer, Cicada, FORM, equal_workload, workload};

const SHOP: &str = r#"
[hosts]
shop = "http://shop.test:8000"
[class.Buyer]
wait = "constant_pacing(1)"
task.buy.request = { path = "/buy" }
[class.Looker]
weight = 3
wait = "constant_pacing(1)"
task.look = { weight = 9, request = { path = "/look" } }
task.leave.request = { path = "/leave" }
"#;

fn version(source: &str) -> String {
    let workload = Workload::parse(source, "workload", &|_| None);
    workload
        .expect("the test's workload is valid")
        .version()
        .to_owned()
}

async fn put(cicada: &Cicada, body: impl Into<Body>) -> Answer {
    cicada.call("PUT", "/workload", None, body).await
}

async fn put_with(cicada: &Cicada, header: (&str, &str), body: &str) -> Answer {
    let request = Request::put("/workload").header(header.0, header.1);
    let request = request.body(Body::from(body.to_owned()));
    cicada.send(request.expect("it is a request")).await
}

/// The version that the newest run is pinned to.
async fn pinned(cicada: &Cicada) -> String {
    cicada.run().await.workload
}

async fn classes(cicada: &Cicada) -> Vec<String> {
    let tasks = cicada.get("/tasks").await.json();
    let classes = tasks["per_class"].as_object().expect("it has classes");
    classes.keys().cloned().collect()
}

/// Refused with this status, and nothing is other than before.
#[track_caller]
fn refused(answer: &Answer, status: u16) -> (String, Vec<Value>) {
    let json = answer.json();
    assert_eq!(
        (answer.status.as_u16(), &json["success"]),
        (status, &json!(false)),
        "{json}"
    );
    let errors = json["errors"].as_array().expect("there is a list").clone();
    (
        json["message"].as_str().expect("it is a text").to_owned(),
        errors,
    )
}

#[tokio::test(start_paused = true)]
async fn the_schema_of_workloads_is_answered_to_editors() {
    let answer = Cicada::new().get("/workload/schema").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/schema+json");
    let schema = answer.json();
    assert_eq!(schema["title"], "Workload of Cicada");
    assert!(schema["properties"]["class"].is_object(), "{schema}");
}

#[tokio::test(start_paused = true)]
async fn the_built_in_workload_is_answered_until_another_one_is_put() {
    let cicada = Cicada::new();
    let answer = cicada.get("/workload").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, **workload().source());
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(
        answer.headers["etag"],
        format!("\"{}\"", workload().version())
    );

    let answer = put(&cicada, SHOP).await;
    let expected = json!({
        "success": true,
        "message": "The next run has this workload",
        "version": version(SHOP),
        "user_classes": ["Buyer", "Looker"],
        "shape_classes": [],
    });
    assert_eq!((answer.status.as_u16(), answer.json()), (200, expected));
    assert_eq!(answer.headers["etag"], format!("\"{}\"", version(SHOP)));
    assert_eq!(cicada.get("/workload").await.body, SHOP);
    assert_eq!(classes(&cicada).await, ["Buyer", "Looker"]);
    cicada.started("user_count=8&spawn_rate=100").await;
    assert_eq!(pinned(&cicada).await, version(SHOP));
    cicada.settle().await;
    let users = [("Buyer".to_owned(), 2), ("Looker".to_owned(), 6)];
    assert_eq!(cicada.users().await, users);
}

#[tokio::test(start_paused = true)]
async fn a_run_goes_on_with_the_workload_that_it_was_started_with() {
    let cicada = Cicada::new();
    cicada.started("user_count=6&spawn_rate=100").await;
    cicada.settle().await;
    let answer = put(&cicada, SHOP).await.json();
    let message = answer["message"].as_str().unwrap_or_default();
    assert!(message.ends_with(workload().version()), "{message}");
    // resized, it still has its own classes
    cicada.started("user_count=12&spawn_rate=100").await;
    cicada.settle().await;
    assert_eq!(pinned(&cicada).await, workload().version());
    assert_eq!(cicada.users().await.len(), 6);
    assert_eq!(classes(&cicada).await.len(), 6);
    let other = cicada
        .form("user_count=1&spawn_rate=1&user_classes=Buyer")
        .await;
    assert_eq!(other.json()["success"], false);
    cicada.post("/stop").await;
    cicada.settle().await;
    assert_eq!(classes(&cicada).await, ["Buyer", "Looker"]);
    cicada.started("user_count=4&spawn_rate=100").await;
    assert_eq!(pinned(&cicada).await, version(SHOP));
}

#[tokio::test(start_paused = true)]
async fn a_mistake_changes_nothing_and_every_one_is_named_with_its_line() {
    let cicada = Cicada::new();
    put(&cicada, SHOP).await;
    let mistaken = SHOP
        .replace("weight = 3", "wieght = 3")
        .replace("/buy", "buy")
        .replace("shop.test:8000", "shop.test:x");
    let (message, errors) = refused(&put(&cicada, mistaken.clone()).await, 422);
    let expected = Workload::parse(&mistaken, "workload", &|_| None).expect_err("it has mistakes");
    let expected = expected.mistakes().iter();
    let expected: Vec<Value> = expected
        .map(|mistake| json!({"line": mistake.line, "message": mistake.message}))
        .collect();
    assert_eq!(errors, expected, "as --check says it");
    let lines: Vec<_> = errors
        .iter()
        .filter_map(|error| error["line"].as_u64())
        .collect();
    assert_eq!(lines, [3, 6, 8]);
    assert!(
        errors[2]["message"]
            .as_str()
            .is_some_and(|said| said.contains("`wieght`"))
    );
    let start = "the workload has 3 mistakes, nothing was changed: line 3: host `shop`";
    assert!(message.starts_with(start), "{message}");
    assert_eq!(cicada.get("/workload").await.body, SHOP);
    cicada.started("user_count=4&spawn_rate=100").await;
    assert_eq!(pinned(&cicada).await, version(SHOP));
}

#[tokio::test(start_paused = true)]
async fn a_check_says_what_is_wrong_and_never_changes_anything() {
    let cicada = Cicada::new();
    let before = cicada.get("/workload").await;
    let check = async |source: &str| {
        let source = source.to_owned();
        cicada
            .call("PUT", "/workload?check=true", None, source)
            .await
    };
    let answer = check(SHOP).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    assert_eq!(
        json["message"],
        "The workload is valid, nothing was changed"
    );
    assert_eq!(json["version"], version(SHOP));
    assert!(
        !answer.headers.contains_key("etag"),
        "that would be the one that is chosen"
    );
    let (message, mistakes) = refused(&check("hosts = 1").await, 422);
    assert!(message.contains("nothing was changed") && !mistakes.is_empty());
    let nonsense = cicada
        .call("PUT", "/workload?check=perhaps", None, SHOP)
        .await;
    let (message, _) = refused(&nonsense, 400);
    assert_eq!(message, "check is neither true nor false");
    let after = cicada.get("/workload").await;
    assert_eq!(
        (after.body, &after.headers["etag"]),
        (before.body, &before.headers["etag"])
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_no_workload_at_all_is_refused() {
    let cicada = Cicada::new();
    for (body, status, words) in [
        (&b""[..], 422, "the workload has a mistake"),
        (b"{\"user_count\": 1}", 422, "line 1"),
        (
            b"[hosts]\nshop = \"\xff\"",
            422,
            "not UTF-8 text: look at line 2",
        ),
        (b"\0", 422, "line 1"),
    ] {
        let (message, _) = refused(&put(&cicada, body).await, status);
        assert!(message.contains(words), "{message}");
    }
    let many = "x = 1\n".repeat(3_000);
    let many: String = many
        .lines()
        .enumerate()
        .map(|(n, line)| format!("{n}{line}\n"))
        .collect();
    let answer = put(&cicada, many).await;
    let (_, errors) = refused(&answer, 422);
    assert!(errors.len() <= 100 && answer.body.len() < 100_000);
    assert_eq!(cicada.get("/workload").await.body, **workload().source());
    assert_eq!(
        cicada.store.chosen_workload().await.expect("it answers"),
        None
    );
}

#[tokio::test(start_paused = true)]
async fn line_breaks_that_curl_has_dropped_are_said() {
    let cicada = Cicada::new();
    let answer = put_with(&cicada, ("content-type", FORM), &SHOP.replace('\n', "")).await;
    let (message, _) = refused(&answer, 422);
    assert!(
        message.ends_with("(curl -d drops line breaks: use curl -T FILE)"),
        "{message}"
    );
    // a form with line breaks is what curl --data-binary sends
    let answer = put_with(&cicada, ("content-type", FORM), SHOP).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_workload_of_more_than_400_kilobytes_is_not_taken() {
    let cicada = Cicada::new();
    let padded = |length: usize| format!("{SHOP}{}", "#".repeat(length - SHOP.len()));
    let (message, _) = refused(&put(&cicada, padded(MAX_WORKLOAD + 1)).await, 413);
    assert_eq!(
        message,
        "the workload is longer than 400 KB: make it shorter"
    );
    refused(&put(&cicada, padded(3_000_000)).await, 413);
    let whole = padded(MAX_WORKLOAD);
    assert_eq!(put(&cicada, whole.clone()).await.status, 200);
    assert_eq!(cicada.get("/workload").await.body, whole);
}

/// A form with the shop's workload and a file; `name` is the file's.
fn with_file(toml: &str, name: &str, content: &str) -> String {
    let part = |of: &str, content: &str| {
        format!("--cut\r\nContent-Disposition: form-data; {of}\r\n\r\n{content}\r\n")
    };
    let workload = part("name=\"workload\"; filename=\"shop.toml\"", toml);
    let file = part(&format!("name=\"file\"; filename=\"{name}\""), content);
    format!("{workload}{file}--cut--\r\n")
}

#[tokio::test(start_paused = true)]
async fn a_workload_brings_the_files_along_that_it_names() {
    let cicada = Cicada::new();
    let parts = ("content-type", "multipart/form-data; boundary=cut");
    let greet = "[class.Buyer.task.greet]\ndraw = { account = \"users\" }\nrequest = \"/{{ account.name }}\"\n";
    let toml = format!("pools.users = {{ csv = \"users.csv\" }}\n{SHOP}{greet}");
    // more than five megabytes
    let rows: Vec<String> = (0..500_000).map(|row| format!("user-{row:06}")).collect();
    let users = format!("name\n{}\n", rows.join("\n"));
    let answer = put_with(&cicada, parts, &with_file(&toml, "users.csv", &users)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let whole = cicada.get("/workload").await.body;
    assert!(whole.starts_with(&toml) && whole.contains("user-499999"));
    // what is answered can be put again, and is the same version
    let again = put_with(&cicada, ("content-type", "text/plain"), &whole).await;
    assert_eq!(again.json()["version"], answer.json()["version"]);
    let other = put_with(
        &cicada,
        parts,
        &with_file(&toml, "users.csv", "name\nann\n"),
    )
    .await;
    assert_ne!(other.json()["version"], answer.json()["version"]);

    let (message, _) = refused(
        &put_with(&cicada, parts, &with_file(&toml, "others.csv", "")).await,
        422,
    );
    assert!(
        message.contains("`csv` \"users.csv\": it cannot be read"),
        "{message}"
    );
    let (message, _) = refused(
        &put_with(&cicada, parts, &with_file(&toml, "a", "x\n#:file b\n")).await,
        422,
    );
    assert!(
        message.contains("has a line that begins with `#:file `"),
        "{message}"
    );
    let (message, _) = refused(&put_with(&cicada, parts, "--cut--\r\n").await, 422);
    assert!(message.contains("has no part `workload`"), "{message}");
}

/// `name\nann\n`, compressed by gzip.
const PACKED: [u8; 29] = [
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 203, 75, 204, 77, 229, 74, 204, 203, 227, 2, 0, 171, 156, 121,
    76, 9, 0, 0, 0,
];

#[tokio::test(start_paused = true)]
async fn a_file_may_come_compressed() {
    let cicada = Cicada::new();
    let greet = "[class.Buyer.task.greet]\ndraw = { account = \"users\" }\nrequest = \"/{{ account.name }}\"\n";
    let toml = format!("pools.users = {{ csv = \"users.csv\" }}\n{SHOP}{greet}");
    for (packed, status) in [(&PACKED[..], 200), (&b"no gzip"[..], 422)] {
        let form = with_file(&toml, "users.csv.gz", "CONTENT");
        let (before, after) = form.split_once("CONTENT").unwrap();
        let body = [before.as_bytes(), packed, after.as_bytes()].concat();
        let request =
            Request::put("/workload").header("content-type", "multipart/form-data; boundary=cut");
        let answer = cicada.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    let whole = cicada.get("/workload").await.body;
    assert!(
        whole.ends_with("#:file users.csv\nname\nann\n\n"),
        "{whole}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_version_that_somebody_else_has_replaced_is_not_overwritten() {
    let cicada = Cicada::new();
    let tag = format!("\"{}\"", workload().version());
    assert_eq!(
        put_with(&cicada, ("if-match", &tag), SHOP).await.status,
        200
    );
    let other = SHOP.replace("/buy", "/bought");
    let (message, _) = refused(&put_with(&cicada, ("if-match", &tag), &other).await, 412);
    assert!(message.contains(&version(SHOP)), "{message}");
    assert_eq!(cicada.get("/workload").await.body, SHOP);
    for tag in [format!("W/\"{}\"", version(SHOP)), "*".to_owned()] {
        assert_eq!(
            put_with(&cicada, ("if-match", &tag), SHOP).await.status,
            200,
            "{tag}"
        );
    }
    let known = Request::get("/workload").header("if-none-match", format!("\"{}\"", version(SHOP)));
    let known = cicada
        .send(known.body(Body::empty()).expect("it is a request"))
        .await;
    assert_eq!((known.status.as_u16(), known.body.as_str()), (304, ""));
}

#[tokio::test(start_paused = true)]
async fn processes_on_one_store_agree_within_a_second() {
    let one = Cicada::new();
    let other = Cicada::on(
        Arc::clone(&one.store),
        ControlSettings::new(workload()),
        one.clock.clone(),
    );
    assert_eq!(classes(&other).await.len(), 6);
    put(&one, SHOP).await;
    // a swarm asks the store itself
    other.started("user_count=4&spawn_rate=100").await;
    assert_eq!(pinned(&other).await, version(SHOP));
    let third = Cicada::on(
        Arc::clone(&one.store),
        ControlSettings::new(workload()),
        one.clock.clone(),
    );
    assert_eq!(third.get("/workload").await.body, SHOP);
    put(&one, SHOP.replace("/buy", "/bought")).await;
    third.pass(1.0).await;
    assert!(third.get("/workload").await.body.contains("/bought"));
}

#[tokio::test(start_paused = true)]
async fn a_workload_without_the_classes_that_are_configured_is_refused() {
    let class_settings = ClassSettings::parse(r#"{"user_class_name": "ModelAUser", "weight": 3}"#);
    for (settings, words) in [
        (
            ControlSettings {
                classes: vec!["ModelAUser".into()],
                ..ControlSettings::new(workload())
            },
            "user_classes names the unknown class \"ModelAUser\"",
        ),
        (
            ControlSettings {
                class_settings: class_settings.expect("it is valid"),
                ..ControlSettings::new(workload())
            },
            "config-users names the unknown class \"ModelAUser\"",
        ),
        (
            ControlSettings {
                rules: RunRules {
                    allowed_hosts: "target-app,ai-agent".parse().expect("it is a list"),
                    ..RunRules::default()
                },
                ..ControlSettings::new(workload())
            },
            "host \"http://shop.test:8000\" of Buyer is not allowed",
        ),
    ] {
        let cicada = Cicada::with(settings.clone());
        let (message, _) = refused(&put(&cicada, SHOP).await, 422);
        assert!(message.contains(words), "{message}");
        assert_eq!(
            cicada.store.chosen_workload().await.expect("it answers"),
            None
        );
        // somebody else, who is configured otherwise, may have put it: then a swarm says so
        let free = Cicada::on(
            Arc::clone(&cicada.store),
            ControlSettings::new(workload()),
            cicada.clock.clone(),
        );
        assert_eq!(put(&free, SHOP).await.status, 200);
        let json = cicada.form("user_count=1&spawn_rate=1").await.json();
        assert_eq!(json["success"], false);
        let said = json["message"].as_str().unwrap_or_default();
        assert!(said.contains(words), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn equal_weights_hold_for_what_is_put_too() {
    let cicada = Cicada::with(ControlSettings::new(equal_workload()));
    put(&cicada, SHOP).await;
    assert_eq!(
        cicada.get("/workload").await.body,
        SHOP,
        "it is read as it was put"
    );
    cicada.started("user_count=8&spawn_rate=100").await;
    cicada.settle().await;
    let users = [("Buyer".to_owned(), 4), ("Looker".to_owned(), 4)];
    assert_eq!(cicada.users().await, users);
    let tasks = cicada.get("/tasks").await.json();
    assert_eq!(tasks["per_class"]["Looker"]["tasks"]["look"]["ratio"], 0.5);
    // who chooses what is configured chooses what was typed
    cicada
        .control
        .choose_configured_workload()
        .await
        .expect("it is stored");
    assert_eq!(cicada.get("/workload").await.body, **workload().source());
}

#[tokio::test(start_paused = true)]
async fn a_chosen_workload_that_the_store_has_lost_is_said_and_not_replaced_in_silence() {
    let cicada = Cicada::<MemoryStore>::new();
    cicada
        .store
        .choose_workload("0123456789abcdef")
        .await
        .expect("it answers");
    for path in ["/workload", "/tasks"] {
        let answer = cicada.get(path).await;
        assert_eq!(answer.status, 503, "{path}");
        let said = answer.json()["message"].to_string();
        assert!(said.contains("0123456789abcdef"), "{said}");
    }
    let answer = cicada.form("user_count=1&spawn_rate=1").await;
    assert_eq!(answer.status, 503);
    assert!(cicada.store_is_empty().await);
    assert_eq!(put(&cicada, SHOP).await.status, 200);
    cicada.started("user_count=1&spawn_rate=1").await;
}
