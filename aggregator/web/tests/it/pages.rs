//! The API over a real connection: the documented calls, pages, limits and bodies of every kind.

use control::Settings;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use statistics::state::State;

use crate::cicada::{Cicada, FORM, workload};
use crate::served::Served;

/// Serves a Cicada on a port of its own, in real time; ends with the runtime.
async fn served(cicada: &Cicada) -> (Served, String) {
    let served = Served::plain(cicada.router.clone()).await;
    let base = format!("http://{}", served.address);
    (served, base)
}

fn client() -> Client {
    // no TLS is needed, but the client wants to know how it would be done
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new()
}

async fn json_of(response: reqwest::Response) -> Value {
    assert_eq!(response.headers()["content-type"], "application/json");
    let text = response.text().await.expect("the whole answer comes");
    serde_json::from_str(&text).expect("it is JSON")
}

#[tokio::test]
async fn the_documented_calls_answer_as_documented() {
    let cicada = Cicada::new();
    let (_served, base) = served(&cicada).await;
    let client = client();
    let response = client
        .post(format!("{base}/swarm"))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body("user_count=10&spawn_rate=2&host=http://target-app:8000")
        .send()
        .await
        .unwrap();
    let started = json_of(response).await;
    assert_eq!(started["message"], "Swarming started");
    assert_eq!(started["success"], true);
    let run = cicada.run().await;
    assert_eq!(
        run.segments[0].hosts,
        [],
        "chat messages stay with the agent"
    );

    let response = client
        .get(format!("{base}/stats/requests"))
        .send()
        .await
        .unwrap();
    let statistics = json_of(response).await;
    assert_eq!(statistics["state"], "spawning");
    for number in ["total_rps", "fail_ratio", "user_count"] {
        assert!(statistics[number].is_number(), "{number}: {statistics}");
    }
    let row = &statistics["stats"][0];
    assert_eq!(row["name"], "Aggregated");
    for count in ["num_requests", "num_failures"] {
        assert!(row[count].is_u64(), "{count}: {row}");
    }
    for number in [
        "avg_response_time",
        "max_response_time",
        "requests_per_second",
    ] {
        assert!(row[number].is_number(), "{number}: {row}");
    }

    let response = client.get(format!("{base}/stop")).send().await.unwrap();
    let stopped = json_of(response).await;
    assert_eq!(stopped, json!({"message": "Test stopped", "success": true}));

    let response = client
        .get(format!("{base}/stats/reset"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.text().await.unwrap(), "ok");
    assert!(cicada.run().await.reset_at.is_some());
}

#[tokio::test]
async fn a_form_in_parts_and_json_ask_for_the_same() {
    let cicada = Cicada::new();
    let (_served, base) = served(&cicada).await;
    let client = client();
    let parts = concat!(
        "--x\r\ncontent-disposition: form-data; name=\"user_count\"\r\n\r\n10\r\n",
        "--x\r\ncontent-disposition: form-data; name=\"spawn_rate\"\r\n\r\n2.5\r\n",
        "--x\r\ncontent-disposition: form-data; name=\"run_time\"\r\n\r\n20m\r\n",
        "--x\r\ncontent-disposition: form-data; name=\"user_classes\"\r\n\r\nModelAUser\r\n",
        "--x\r\ncontent-disposition: form-data; name=\"user_classes\"\r\n\r\nModelBUser\r\n",
        "--x\r\ncontent-disposition: form-data; name=\"host\"; filename=\"f\"\r\n\r\nnot a field\r\n",
        "--x--\r\n",
    );
    let form =
        "user_count=10&spawn_rate=2.5&run_time=20m&user_classes=ModelAUser&user_classes=ModelBUser";
    let classes = json!(["ModelAUser", "ModelBUser"]);
    let numbers = json!({"user_count": 10, "spawn_rate": 2.5, "run_time": 1200,
        "user_classes": classes, "host": null, "shape_class": null, "profile": "x", "more": {}});
    let texts = json!({"user_count": "10", "spawn_rate": "2.5", "run_time": "20m",
        "user_classes": classes});
    let old_names = json!({"locust_count": 10.0, "hatch_rate": 2.5, "run_time": "20m",
        "user_classes": classes});
    let mut segments = Vec::new();
    for (content_type, body) in [
        (Some("multipart/form-data; boundary=x"), parts.to_owned()),
        (Some(FORM), form.to_owned()),
        (
            Some("application/x-www-form-urlencoded; charset=UTF-8"),
            form.to_owned(),
        ),
        (None, form.to_owned()),
        (Some("application/json"), numbers.to_string()),
        (Some("Application/JSON; charset=utf-8"), texts.to_string()),
        (Some("application/vnd.x+json"), texts.to_string()),
        (None, format!("\n {old_names}")),
        (
            Some(FORM),
            form.replace("user_count", "locust_count")
                .replace("spawn_rate", "hatch_rate"),
        ),
    ] {
        let mut request = client.post(format!("{base}/swarm")).body(body.clone());
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        let answer = json_of(request.send().await.unwrap()).await;
        let expected = json!({"success": true, "message": "Swarming started", "host": null,
            "run_time": 1200, "user_classes": classes});
        assert_eq!(answer, expected, "{content_type:?} {body}");
        let run = cicada.run().await;
        let mut segment = run.segments.last().unwrap().clone();
        let lasts = |until: traffic::clock::Timestamp| run.starts() + until.since(segment.from);
        segment.until = segment.until.map(lasts);
        segment.from = run.starts();
        segments.push(segment);
    }
    assert!(
        segments.windows(2).all(|pair| pair[0] == pair[1]),
        "{segments:?}"
    );
}

/// Bodies that are refused, and what is said about them.
const NONSENSE: [(&str, &str); 23] = [
    ("", "body is not valid JSON"),
    ("[]", "body is not a JSON object"),
    ("{\"user_count\": 1e999}", "body is not valid JSON"),
    (r#"{"spawn_rate": 1}"#, "user_count is missing"),
    (
        r#"{"user_count": null, "spawn_rate": 1}"#,
        "user_count is missing",
    ),
    (r#"{"user_count": 1}"#, "spawn_rate is missing"),
    (
        r#"{"user_count": 1.5, "spawn_rate": 1}"#,
        "user_count is 1.5",
    ),
    (r#"{"user_count": -1, "spawn_rate": 1}"#, "user_count is -1"),
    (
        r#"{"user_count": true, "spawn_rate": 1}"#,
        "user_count is true",
    ),
    (
        r#"{"user_count": [1], "spawn_rate": 1}"#,
        "user_count is a list",
    ),
    (
        r#"{"locust_count": "x", "spawn_rate": 1}"#,
        "locust_count is \"x\"",
    ),
    (
        r#"{"user_count": 1e300, "spawn_rate": 1}"#,
        "user_count is above",
    ),
    (
        r#"{"user_count": 1, "spawn_rate": {}}"#,
        "spawn_rate is an object",
    ),
    (
        r#"{"user_count": 1, "spawn_rate": "NaN"}"#,
        "spawn_rate must be",
    ),
    (
        r#"{"user_count": 1, "hatch_rate": "-"}"#,
        "hatch_rate is \"-\"",
    ),
    (
        r#"{"user_count": 1, "spawn_rate": 1, "host": 1}"#,
        "host is 1",
    ),
    (
        r#"{"user_count": 1, "spawn_rate": 1, "run_time": -1}"#,
        "run_time is -1",
    ),
    (
        r#"{"user_count": 1, "spawn_rate": 1, "run_time": true}"#,
        "run_time is true",
    ),
    (
        r#"{"user_count": 1, "spawn_rate": 1, "user_classes": [1]}"#,
        "user_classes must be",
    ),
    (
        r#"{"user_count": 1, "spawn_rate": 1, "user_classes": 1}"#,
        "user_classes is 1",
    ),
    (
        r#"{"user_count": 1, "spawn_rate": 1, "shape_class": "S"}"#,
        "shape_class names the unknown shape \"S\"",
    ),
    (
        r#"{"spawn_rate": 1, "user_classes_count": 1}"#,
        "user_classes_count must be",
    ),
    (
        r#"{"spawn_rate": 1, "user_classes_count": {"ModelAUser": "x"}}"#,
        "user_classes_count is",
    ),
];

#[tokio::test(start_paused = true)]
async fn json_that_makes_no_sense_is_refused_with_the_fields_name() {
    let cicada = Cicada::new();
    for (body, words) in NONSENSE {
        let answer = cicada
            .call("POST", "/swarm", Some("application/json"), body)
            .await;
        let json = answer.json();
        assert_eq!(
            (answer.status.as_u16(), &json["success"]),
            (200, &json!(false)),
            "{body}"
        );
        let message = json["message"].as_str().unwrap();
        assert!(message.contains(words), "{body}: {message}");
    }
    assert!(cicada.store_is_empty().await);
}

#[tokio::test]
async fn a_body_beyond_a_megabyte_is_not_read() {
    let cicada = Cicada::new();
    let (_served, base) = served(&cicada).await;
    let client = client();
    let filler = "x".repeat(2 * 1024 * 1024);
    for (content_type, body) in [
        (FORM, format!("user_count=1&spawn_rate=1&x={filler}")),
        ("application/json", format!("{{\"x\": \"{filler}\"}}")),
        (
            "multipart/form-data; boundary=x",
            format!(
                "--x\r\ncontent-disposition: form-data; name=\"x\"\r\n\r\n{filler}\r\n--x--\r\n"
            ),
        ),
    ] {
        let request = client
            .post(format!("{base}/swarm"))
            .header("Content-Type", content_type);
        let response = request.body(body).send().await.unwrap();
        assert_eq!(
            response.status(),
            StatusCode::PAYLOAD_TOO_LARGE,
            "{content_type}"
        );
    }
    let almost = format!(
        "user_count=1&spawn_rate=1&x={}",
        "x".repeat(1024 * 1024 - 100)
    );
    let request = client
        .post(format!("{base}/swarm"))
        .header("Content-Type", FORM);
    let answer = json_of(request.body(almost).send().await.unwrap()).await;
    assert_eq!(answer["success"], true);
}

#[tokio::test(start_paused = true)]
async fn the_list_of_routes_names_them_all_and_the_state() {
    let cicada = Cicada::new();
    let page = cicada.get("/api").await.body;
    assert!(
        !page.contains("make build"),
        "that is for those who lack the page"
    );
    let document = cicada.get("/openapi.json").await.json();
    let paths = document["paths"].as_object().expect("paths");
    let named =
        |path: &&String| *path != "/api" && !path.contains("{id}") && !path.starts_with("/assets");
    for route in paths.keys().filter(named) {
        let route = route.replace("{name}", "NAME");
        assert!(page.contains(&route), "{route}");
    }
    assert!(page.contains(r#"<strong id="state">ready</strong>"#));
    assert!(
        !page.contains("http://")
            || page.matches("http://").count() == page.matches("http://localhost:8089").count()
    );
    cicada.started("user_count=6&spawn_rate=600").await;
    cicada.settle().await;
    let page = cicada.get("/api").await.body;
    assert!(page.contains(r#"<strong id="state">running</strong>"#));
    assert!(page.contains(r#"<strong id="user_count">6</strong>"#));
}

#[tokio::test(start_paused = true)]
async fn the_page_holds_what_its_form_offers_or_says_how_to_get_it() {
    let cicada = Cicada::new();
    cicada
        .started("user_count=1&spawn_rate=1&host=http://x/%3C/script%3E")
        .await;
    let page = cicada.get("/").await;
    let Some((_, rest)) = page.body.split_once("type=\"application/json\">") else {
        // built without Node.js
        assert!(
            page.body.contains("<code>make build</code>"),
            "{}",
            page.body
        );
        return;
    };
    let (args, _) = rest.split_once("</script>").expect("the element ends");
    let args: Value = serde_json::from_str(args).expect("it is JSON");
    assert_eq!(args, cicada.get("/template-args").await.json());
    assert_eq!(page.headers["cache-control"], "no-store");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self';"), "{policy}");
}

#[tokio::test(start_paused = true)]
async fn the_form_offers_classes_and_what_was_asked_for_last() {
    let cicada = Cicada::new();
    let args = cicada.get("/template-args").await.json();
    assert_eq!(args["state"], "ready");
    assert_eq!(
        (&args["user_count"], &args["num_users"]),
        (&json!(0), &json!(1))
    );
    let hosts = json!(["http://ai-agent:8001", "http://target-app:8000"]);
    assert_eq!((&args["host"], &args["hosts"]), (&json!(""), &hosts));
    let class = json!({"host": "http://ai-agent:8001", "weight": 1, "fixed_count": 0,
        "tasks": ["check_and_repair"]});
    assert_eq!(args["users"]["ModelAUser"], class);
    assert_eq!(
        args["available_user_classes"].as_array().map(Vec::len),
        Some(6)
    );

    cicada
        .started(
            "user_count=6&spawn_rate=2.5&run_time=10m&user_classes=ModelAUser&host=http://other:1",
        )
        .await;
    let args = cicada.get("/template-args").await.json();
    assert_eq!(args["state"], "spawning");
    assert_eq!(
        (&args["user_count"], &args["num_users"]),
        (&json!(6), &json!(6))
    );
    assert_eq!(
        (&args["spawn_rate"], &args["run_time"]),
        (&json!(2.5), &json!(600))
    );
    let other = json!("http://other:1");
    assert_eq!((&args["host"], &args["hosts"]), (&other, &json!([other])));

    cicada.post("/stop").await;
    cicada.settle().await;
    let args = cicada.get("/template-args").await.json();
    assert_eq!(args["state"], "stopped");
    assert_eq!(
        (&args["user_count"], &args["num_users"]),
        (&json!(0), &json!(6))
    );
}

#[tokio::test(start_paused = true)]
async fn the_form_offers_shapes_and_says_whether_one_is_on() {
    let cicada = Cicada::new();
    let args = cicada.get("/template-args").await.json();
    let shapes = args["available_shape_classes"].clone();
    let first = shapes[1]
        .as_str()
        .expect("the workload has shapes")
        .to_owned();
    assert_eq!(
        (&shapes[0], &args["shape_class"]),
        (&json!("Default"), &Value::Null)
    );
    assert_eq!(args["hide_common_options"], false);
    cicada
        .started(&format!("shape_class={first}&user_count=0&spawn_rate=0"))
        .await;
    let args = cicada.get("/template-args").await.json();
    assert_eq!(args["hide_common_options"], true);
    assert_eq!(
        args["num_users"], 1,
        "a shape's users are not what somebody asked for"
    );
    cicada.post("/stop").await;
    cicada.settle().await;
    let args = cicada.get("/template-args").await.json();
    assert_eq!(args["hide_common_options"], false);
}

#[tokio::test(start_paused = true)]
async fn there_is_no_asset_but_the_pages_own() {
    let cicada = Cicada::new();
    for path in [
        "/assets/nothing.js",
        "/assets/..%2Findex.html",
        "/assets/",
        "/assets",
    ] {
        assert_eq!(cicada.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn health_says_version_and_state_and_what_is_wrong() {
    let cicada = Cicada::new();
    let answer = cicada.get("/health").await;
    let expected = json!({"status": "ok", "version": env!("CARGO_PKG_VERSION"), "state": "ready"});
    assert_eq!((answer.status.as_u16(), answer.json()), (200, expected));
    cicada.trouble.set("results cannot be written");
    let answer = cicada.get("/health").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["message"], "results cannot be written");
    assert_eq!(answer.json()["status"], "unavailable");
    cicada.trouble.clear();
    assert_eq!(cicada.get("/health").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn logs_are_the_newest_lines() {
    let cicada = Cicada::new();
    cicada.logs.push("one");
    cicada.logs.push("two");
    let json = cicada.get("/logs").await.json();
    assert_eq!(json, json!({"master": ["one", "two"], "workers": {}}));
}

#[tokio::test(start_paused = true)]
async fn the_ledger_answers_before_and_in_a_run() {
    let cicada = Cicada::new();
    let json = cicada.get("/ledger").await.json();
    assert_eq!((&json["run"], &json["planned"]), (&json!(null), &json!(0)));
    cicada.started("user_count=6&spawn_rate=600").await;
    cicada.settle().await;
    cicada.pass(60.0).await;
    let json = cicada.get("/ledger").await.json();
    assert_eq!(json["run"], cicada.run().await.id.0.as_str());
    let planned = json["planned"].as_u64().unwrap();
    let missing = json["missing"].as_u64().unwrap() + json["pending"].as_u64().unwrap();
    assert!(
        planned > 0 && planned == missing,
        "nobody executed anything: {json}"
    );
}

#[tokio::test(start_paused = true)]
async fn only_chosen_classes_are_listed_as_tasks_before_a_run() {
    let cicada = Cicada::with(Settings {
        classes: vec!["ModelAUser".into()],
        ..Settings::new(workload())
    });
    let json = cicada.get("/tasks").await.json();
    assert_eq!(
        json["per_class"].as_object().map(|classes| classes.len()),
        Some(1)
    );
    assert_eq!(json["per_class"]["ModelAUser"]["ratio"], 0.0);
    assert_eq!(cicada.state().await, State::Ready);
}

#[tokio::test(start_paused = true)]
async fn looking_at_the_heads_of_pages_changes_nothing() {
    let cicada = Cicada::new();
    cicada.started("user_count=6&spawn_rate=600").await;
    let before = cicada.run().await;
    for (path, status) in [
        ("/stop", 405),
        ("/stats/reset", 405),
        ("/stats/requests", 200),
    ] {
        let answer = cicada.call("HEAD", path, None, "").await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
    }
    assert_eq!(cicada.run().await, before);
}

#[tokio::test(start_paused = true)]
async fn the_document_says_which_methods_there_are() {
    let cicada = Cicada::new();
    let answer = cicada.get("/openapi.json").await;
    assert_eq!(answer.headers["content-type"], "application/json");
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let paths = document["paths"].as_object().expect("paths");
    for (path, item) in paths {
        let path = path.replace("{id}", "x").replace("{name}", "x");
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let described = item.get(method.to_lowercase()).is_some();
            let answer = cicada.call(method, &path, None, "").await;
            assert_eq!(
                answer.status != 405,
                described,
                "{method} {path}: {}",
                answer.body
            );
        }
    }
    let about_runs = paths
        .keys()
        .filter_map(|path| path.strip_prefix("/runs/{id}"));
    let about_runs: Vec<&str> = about_runs.collect();
    assert!(about_runs.len() >= 5, "{about_runs:?}");
    let newest = about_runs.iter().filter(|page| paths.contains_key(**page));
    assert_eq!(
        newest.count(),
        about_runs.len(),
        "each is also of the newest"
    );
}
