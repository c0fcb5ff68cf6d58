//! `/ab`: which rows are compared, and what is said of them.

use std::sync::Arc;

use control::ControlSettings;
use serde_json::{Value, json};
use traffic::random::Draws;
use traffic::workload::Workload;

use crate::cicada::{Cicada, workload};
use crate::records::Request;

const FORM: &str = "user_count=12&spawn_rate=600";

/// So many requests of a name that take about so long; one in `fails` fails, if that is not 0.
fn requests(name: &str, count: u64, milliseconds: f64, fails: u64) -> Vec<Request> {
    let mut draws = Draws::new(3, name, count as u32, 0);
    let request = |number: u64| {
        let request = Request {
            method: if name.contains("Status") {
                "GET"
            } else {
                "POST"
            }
            .into(),
            ..Request::took(name, milliseconds * (0.5 + draws.unit()))
        };
        match fails {
            0 => request,
            fails if number.is_multiple_of(fails) => request.failed("status 500"),
            _ => request,
        }
    };
    (0..count).map(request).collect()
}

async fn compared(cicada: &Cicada, requests: &[Request]) -> Value {
    cicada.completed(requests).await;
    cicada.pass(1.0).await;
    let answer = cicada.get("/ab").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

async fn started(workload: Arc<Workload>) -> Cicada {
    let cicada = Cicada::with(ControlSettings::new(workload));
    cicada.started(FORM).await;
    cicada.settle().await;
    cicada
}

fn pair<'j>(body: &'j Value, name: &str) -> &'j Value {
    let pairs = body["pairs"].as_array().expect("a list");
    let found = pairs.iter().find(|pair| pair["name"] == name);
    found.unwrap_or_else(|| panic!("{name} in {body}"))
}

fn names(body: &Value) -> Vec<[&str; 3]> {
    let pairs = body["pairs"].as_array().expect("a list").iter();
    pairs
        .map(|pair| {
            [&pair["name"], &pair["a"]["name"], &pair["b"]["name"]]
                .map(|name| name.as_str().expect("a text"))
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn the_built_in_workloads_pairs_are_there_before_the_first_run() {
    let cicada = Cicada::new();
    let body = cicada.get("/ab").await.json();
    let expected = [
        ["Chat", "Chat (Model A)", "Chat (Model B)"],
        [
            "Agent Status",
            "Agent Status (Model A)",
            "Agent Status (Model B)",
        ],
        [
            "Repair Workflow",
            "Repair Workflow (Model A)",
            "Repair Workflow (Model B)",
        ],
        [
            "Tool Prompt",
            "Tool Prompt (Model A)",
            "Tool Prompt (Model B)",
        ],
        [
            "Simple Prompt",
            "Simple Prompt (Model A)",
            "Simple Prompt (Model B)",
        ],
        [
            "Error Prompt",
            "Error Prompt (Model A)",
            "Error Prompt (Model B)",
        ],
    ];
    assert_eq!(names(&body), expected);
    assert_eq!(
        (&body["run"], &body["confidence"]),
        (&Value::Null, &json!(0.95))
    );
    let nothing = json!({"difference": null, "low": null, "high": null, "verdict": "too few requests",
        "sure": null});
    let side = |label: &str, name: &str| {
        json!({"label": label, "name": name, "method": "POST", "num_requests": 0, "num_failures": 0, "fail_ratio": null,
            "avg_response_time": null, "median_response_time": null, "response_time_percentile_0.95": null})
    };
    let expected = json!({"name": "Chat", "method": "POST", "a": side("A", "Chat (Model A)"),
        "b": side("B", "Chat (Model B)"), "fail_ratio": nothing, "avg_response_time": nothing,
        "median_response_time": nothing, "response_time_percentile_0.95": nothing,
        "verdict": "too few requests", "sure": null,
        "explanation": "each side needs 30 requests: a has 0, b has 0"});
    assert_eq!(pair(&body, "Chat"), &expected);
    assert_eq!(
        body["summary"],
        "Too early to tell: each side of a pair needs 30 requests."
    );
    let charts = cicada.get("/ab/charts").await.json();
    assert_eq!(charts["pairs"].as_array().map(Vec::len), Some(6));
    assert_eq!(pair(&charts, "Chat")["over_time"]["time"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn sides_have_the_figures_of_their_rows() {
    let cicada = started(workload()).await;
    let mut all = requests("Chat (Model A)", 57, 300.0, 6);
    all.extend(requests("Chat (Model B)", 43, 900.0, 0));
    let body = compared(&cicada, &all).await;
    let statistics = cicada.get("/stats/requests").await.json();
    let rows = statistics["stats"].as_array().expect("a list");
    let chat = pair(&body, "Chat");
    for side in ["a", "b"] {
        let side = &chat[side];
        let row = rows.iter().find(|row| row["name"] == side["name"]);
        let row = row.unwrap_or_else(|| panic!("{side} in {statistics}"));
        for figure in [
            "num_requests",
            "num_failures",
            "avg_response_time",
            "median_response_time",
            "response_time_percentile_0.95",
        ] {
            assert_eq!(side[figure].as_f64(), row[figure].as_f64(), "{figure}");
        }
    }
    for figure in ["fail_ratio", "avg_response_time", "median_response_time"] {
        let of = |side: &str| chat[side][figure].as_f64().expect("a number");
        let difference = &chat[figure];
        let number = |end: &str| difference[end].as_f64().expect("a number");
        assert_eq!(number("difference"), of("b") - of("a"), "{figure}");
        assert!(number("low") < number("difference") && number("difference") < number("high"));
    }
    assert_eq!(body["run"], cicada.run().await.id.0.as_str());
    let again = cicada
        .get(&format!("/runs/{}/ab", cicada.run().await.id))
        .await
        .json();
    assert_eq!(again, body);
}

#[tokio::test(start_paused = true)]
async fn a_difference_is_called_one_when_chance_does_not_explain_it() {
    let cicada = started(workload()).await;
    let mut all = Vec::new();
    for (name, a, b) in [
        // count, milliseconds, fails
        ("Chat", (40, 300.0, 0), (40, 600.0, 0)),
        ("Tool Prompt", (40, 600.0, 0), (40, 300.0, 0)),
        ("Simple Prompt", (200, 300.0, 20), (200, 300.0, 3)),
        ("Error Prompt", (200, 300.0, 3), (200, 700.0, 20)),
        ("Agent Status", (40, 300.0, 0), (40, 302.0, 0)),
        ("Repair Workflow", (29, 300.0, 0), (400, 3_000.0, 1)),
    ] {
        for (side, (count, milliseconds, fails)) in [("A", a), ("B", b)] {
            all.extend(requests(
                &format!("{name} (Model {side})"),
                count,
                milliseconds,
                fails,
            ));
        }
    }
    let body = compared(&cicada, &all).await;
    for (name, verdict, words) in [
        ("Chat", "b is slower", "longer on average, +"),
        ("Tool Prompt", "b is faster", "less long on average, -"),
        (
            "Simple Prompt",
            "b fails more often",
            "of 100 requests b fails 28.5 more",
        ),
        (
            "Error Prompt",
            "b is slower and fails less often",
            "; of 100 requests b fails 28.5 fewer",
        ),
        ("Agent Status", "no difference shown", "which may be chance"),
        (
            "Repair Workflow",
            "too few requests",
            "each side needs 30 requests: a has 29, b has 400",
        ),
    ] {
        let pair = pair(&body, name);
        assert_eq!(pair["verdict"], verdict, "{pair}");
        let explanation = pair["explanation"].as_str().expect("a sentence");
        assert!(explanation.contains(words), "{name}: {explanation}");
    }
    let repair = pair(&body, "Repair Workflow");
    assert_eq!(repair["avg_response_time"]["low"], Value::Null);
    assert_eq!(repair["fail_ratio"]["low"], Value::Null);
    let sure = |name: &str| pair(&body, name)["sure"].as_f64();
    assert!(sure("Error Prompt") >= Some(0.95), "{body}");
    assert_eq!(sure("Agent Status"), None);
    let summary = body["summary"].as_str().expect("a sentence");
    for part in [
        "B is slower in 2 of 6 pairs (Chat by ",
        ", is faster in 1 (Tool Prompt by ",
        ", fails more often in 1 (Simple Prompt by 28.5 percentage points)",
        " and fails less often in 1 (Error Prompt by 28.5 percentage points)",
        "; no difference is shown in 1; 1 has too few requests yet.",
    ] {
        assert!(summary.contains(part), "{part} in {summary}");
    }
}

/// What is drawn is what was counted.
#[tokio::test(start_paused = true)]
async fn pictures_show_both_sides_over_time_and_how_they_are_distributed() {
    let cicada = started(workload()).await;
    let mut all = requests("Chat (Model A)", 60, 300.0, 6);
    all.extend(requests("Chat (Model B)", 40, 900.0, 0));
    let body = compared(&cicada, &all).await;
    cicada.pass(20.0).await;
    let charts = cicada.get("/ab/charts").await.json();
    let chat = pair(&charts, "Chat");
    let total = |counts: &Value| {
        let counts = counts.as_array().expect("a list").iter();
        counts.filter_map(Value::as_u64).sum::<u64>()
    };
    for (side, count) in [("a", 60), ("b", 40)] {
        assert_eq!(total(&chat["distribution"][side]), count);
        assert_eq!(total(&chat["distribution"]["bins"][side]), count);
    }
    let over_time = &chat["over_time"];
    let length = over_time["time"].as_array().expect("a list").len();
    assert!(length > 0, "{charts}");
    for side in ["a", "b"] {
        let found = |figure: &str| {
            let values = over_time[side][figure].as_array().expect("a list");
            assert_eq!(values.len(), length, "{figure}");
            values.iter().find(|value| !value.is_null()).cloned()
        };
        let median = found("median_response_time").expect("there were requests");
        let row = &pair(&body, "Chat")[side];
        assert_eq!(median.as_f64(), row["median_response_time"].as_f64());
        let ratios = [found("fail_ratio"), Some(row["fail_ratio"].clone())];
        let [drawn, counted] = ratios.map(|ratio| ratio.and_then(|ratio| ratio.as_f64()));
        assert!((drawn.expect("there were some") - counted.expect("it was counted")).abs() < 1e-9);
    }
    let run = cicada.run().await.id;
    let again = cicada.get(&format!("/runs/{run}/ab/charts")).await.json();
    assert_eq!(again, charts);
}

#[tokio::test(start_paused = true)]
async fn notes_are_markers_beside_what_happened_to_the_run() {
    let cicada = Cicada::with(ControlSettings::new(workload()));
    let refused = cicada
        .call(
            "POST",
            "/markers",
            Some(crate::cicada::FORM),
            "text=deployed+v2",
        )
        .await;
    assert_eq!(refused.status, 400, "there is no run yet: {}", refused.body);
    cicada.started(FORM).await;
    cicada.pass(5.0).await;
    for (body, status) in [
        ("text=deployed+v2", 201),
        ("text=", 400),
        ("", 400),
        ("text=a%0Ab", 400),
        (&*format!("text={}", "x".repeat(101)), 400),
    ] {
        let answer = cicada
            .call(
                "POST",
                "/markers",
                Some(crate::cicada::FORM),
                body.to_owned(),
            )
            .await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
    }
    cicada.pass(1.0).await;
    let markers = cicada.get("/markers").await.json();
    let names: Vec<&str> = markers["markers"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|marker| marker["name"].as_str())
        .collect();
    assert_eq!(names, ["start", "deployed v2"]);
    let report = cicada.get("/stats/report").await.body;
    assert!(report.contains("deployed v2"), "the report has it");
}

#[tokio::test(start_paused = true)]
async fn a_reset_begins_anew() {
    let cicada = started(workload()).await;
    let mut all = requests("Chat (Model A)", 40, 300.0, 0);
    all.extend(requests("Chat (Model B)", 40, 900.0, 0));
    assert_eq!(
        pair(&compared(&cicada, &all).await, "Chat")["verdict"],
        "b is slower"
    );
    cicada.post("/stats/reset").await;
    cicada.pass(1.0).await;
    let body = cicada.get("/ab").await.json();
    let chat = pair(&body, "Chat");
    assert_eq!(
        (&chat["verdict"], &chat["a"]["num_requests"]),
        (&json!("too few requests"), &json!(0))
    );
    let reset = cicada.run().await.reset_at.expect("it was reset").seconds();
    assert_eq!(body["since"], reset);
}

#[tokio::test(start_paused = true)]
async fn a_workload_may_say_its_pairs_and_classes_may_show_them() {
    let source = r#"
        hosts.h = "http://h"
        [class.ModelAUser]
        wait = "constant(1)"
        task.ask.request = ["GET /old", { name = "answer of mistral", method = "POST", path = "/" }, "GET /model-a"]
        [class.ModelBUser]
        wait = "constant(1)"
        task.ask.request = ["GET /new", { name = "answer of qwen", method = "POST", path = "/" }, "GET /model-b"]
        [class.Shopper]
        wait = "constant(1)"
        task.pay.request = ["POST /card", "POST /invoice", "GET /card"]
        task.else.request = ["GET /old-cart", "GET /new-cart"]
        [pairs.payment]
        a = "POST /card"
        b = "POST /invoice"
        [pairs."the cart"]
        a = "GET /old-cart"
        b = "GET /new-cart"
    "#;
    let workload =
        Workload::parse(source, "w", &|_| None).unwrap_or_else(|error| panic!("{error}"));
    let cicada = started(Arc::new(workload)).await;
    let body = compared(&cicada, &requests("POST /card", 3, 100.0, 0)).await;
    let expected = [
        ["payment", "POST /card", "POST /invoice"],
        ["the cart", "GET /old-cart", "GET /new-cart"],
        ["GET", "GET /model-a", "GET /model-b"],
        ["GET /old / GET /new", "GET /old", "GET /new"],
        [
            "answer of mistral / answer of qwen",
            "answer of mistral",
            "answer of qwen",
        ],
    ];
    assert_eq!(names(&body), expected);
    assert_eq!(pair(&body, "payment")["a"]["num_requests"], 3);
}
