//! The API over a real connection: the documented calls, and bodies of every kind and length.

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::cicada::{Cicada, FORM};
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
