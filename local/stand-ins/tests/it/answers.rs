//! The answers of both servers: their shape, what they refuse, and what settings make of them.

use reqwest::Method;
use serde_json::{Value, json};
use stand_ins::{Route, Server, Targets, TargetsConfig};

use crate::harness::{Reply, StandIns, client};

#[tokio::test]
async fn every_route_answers() {
    let stand_ins = StandIns::start().await;
    for path in ["/health", "/orders", "/products", "/products/5"] {
        let reply = stand_ins.get(path).await;
        assert_eq!(
            (reply.status, reply.json().is_object()),
            (200, true),
            "{path}"
        );
    }
    for path in ["/status", "/metrics"] {
        assert_eq!(stand_ins.get(path).await.status, 200, "{path}");
    }
    for path in ["/", "/agent/"] {
        let page = stand_ins.get(path).await;
        assert!(page.kind.starts_with("text/html"), "{}", page.kind);
        for part in [
            "/stand-in/counters",
            "rel=\"icon\"",
            "data-set=\"chaotic\"",
            "</html>",
        ] {
            assert!(page.text.contains(part), "{part}: {}", page.text);
        }
    }
    stand_ins.targets.shutdown().await;
}

#[tokio::test]
async fn an_order_is_kept_and_listed_first() {
    let stand_ins = StandIns::start().await;
    let before = stand_ins.get("/orders").await.json()["total"]
        .as_u64()
        .unwrap();
    let order = json!({"product": "Keyboard", "amount": 89.9});
    let placed = stand_ins.post("/orders", order).await;
    assert_eq!(placed.status, 200, "{}", placed.text);
    let placed = placed.json();
    assert_eq!(
        (&placed["product"], &placed["amount"]),
        (&json!("Keyboard"), &json!(89.9))
    );
    let listed = stand_ins.get("/orders?limit=1").await.json();
    assert_eq!(listed["orders"], json!([placed]));
    assert_eq!(listed["total"], before + 1);
}

#[tokio::test]
async fn a_bad_order_is_refused_with_every_mistake() {
    let stand_ins = StandIns::start().await;
    for (body, mistakes) in [
        (json!({}), vec!["product", "amount"]),
        (json!({"product": " ", "amount": 5}), vec!["product"]),
        (
            json!({"product": 7, "amount": "5"}),
            vec!["product", "amount"],
        ),
        (
            json!({"product": "x".repeat(101), "amount": 5}),
            vec!["product"],
        ),
        (json!({"product": "Mouse", "amount": 0}), vec!["amount"]),
        (json!({"product": "Mouse", "amount": 1e9}), vec!["amount"]),
    ] {
        let reply = stand_ins.post("/orders", body.clone()).await;
        assert_eq!(reply.status, 422, "{body}");
        let detail = reply.json()["detail"].clone();
        let fields: Vec<Value> = detail
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["loc"][1].clone())
            .collect();
        assert_eq!(fields, mistakes, "{body}: {detail}");
    }
    for body in ["", "[1]", "{\"product\": "] {
        let reply = stand_ins.send(Method::POST, "/orders", body).await;
        assert_eq!(reply.status, 422, "{body}");
        assert_eq!(reply.json()["detail"][0]["loc"], json!(["body"]));
    }
    let total = stand_ins.get("/orders").await.json()["total"].clone();
    assert_eq!(total, 12, "nothing was kept");
}

#[tokio::test]
async fn what_is_not_there_is_404_405_or_422() {
    let stand_ins = StandIns::start().await;
    assert_eq!(stand_ins.get("/products/99").await.status, 404);
    assert_eq!(stand_ins.get("/products/first").await.status, 422);
    assert_eq!(stand_ins.get("/orders?limit=0").await.status, 422);
    assert_eq!(
        stand_ins.get("/nowhere").await.json()["detail"],
        "Not Found"
    );
    assert_eq!(
        stand_ins.send(Method::DELETE, "/orders", "").await.status,
        405
    );
    assert_eq!(
        stand_ins.post("/repair?model=c", json!({})).await.status,
        422
    );
    let large = json!({"message": "x".repeat(300_000)});
    assert_eq!(stand_ins.post("/chat", large).await.status, 413);
}

#[tokio::test]
async fn a_chat_names_its_model_and_fits_the_prompt() {
    let stand_ins = StandIns::start().await;
    for (message, model, kind, full_name) in [
        (
            "How many containers are running?",
            "a",
            "containers",
            "mistral:7b-instruct",
        ),
        (
            "Hello",
            "b",
            "greeting",
            "ministral-3:8b-instruct-2512-q8_0",
        ),
        ("", "a", "empty", "mistral:7b-instruct"),
    ] {
        let body = json!({"message": message, "model": model});
        let reply = stand_ins.post("/chat", body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let reply = reply.json();
        assert_eq!(reply["model"], model);
        assert_eq!(reply["model_name"], full_name);
        assert_eq!(reply["kind"], kind);
        assert!(reply["response"].as_str().unwrap().len() > 20, "{reply}");
    }
}

#[tokio::test]
async fn odd_messages_are_answered_and_malformed_ones_refused() {
    let stand_ins = StandIns::start().await;
    let odd = [
        "",
        "   ",
        &"A".repeat(5_000),
        &"🔥".repeat(500),
        "\u{0}\u{1}\u{1b}[2J\u{7f}",
        "\u{202e}abc",
    ];
    for message in odd {
        let reply = stand_ins
            .post("/chat", json!({"message": message, "model": "b"}))
            .await;
        assert_eq!(reply.status, 200, "{message:?}: {}", reply.text);
    }
    for body in [
        json!({}),
        json!({"message": 3}),
        json!({"message": "Hi", "model": "c"}),
        json!("Hi"),
    ] {
        assert_eq!(
            stand_ins.post("/chat", body.clone()).await.status,
            422,
            "{body}"
        );
    }
    let raw = "{\"message\": \"a\u{1}b\"}";
    assert_eq!(stand_ins.send(Method::POST, "/chat", raw).await.status, 422);
}

#[tokio::test]
async fn a_repair_succeeds_unless_it_is_told_to_fail() {
    let stand_ins = StandIns::start().await;
    let mended = stand_ins.post("/repair?model=a", json!({})).await.json();
    assert_eq!(
        (&mended["success"], &mended["final_status"]),
        (&json!(true), &json!("healthy"))
    );
    assert_eq!(mended["model"], "a");
    assert!(mended["steps"].as_array().unwrap().len() >= 3);

    let change = json!({"repair_failure_ratio": {"b": 1}});
    assert_eq!(
        stand_ins.post("/stand-in/settings", change).await.status,
        200
    );
    let reply = stand_ins.post("/repair?model=b", json!({})).await;
    let failed = reply.json();
    assert_eq!((reply.status, &failed["success"]), (200, &json!(false)));
    assert!(!failed["final_status"].as_str().unwrap().is_empty());
    let a = stand_ins.post("/repair?model=a", json!({})).await.json();
    assert_eq!(a["success"], true, "model a is not concerned");
}

#[tokio::test]
async fn the_agents_metrics_come_as_json_and_for_prometheus() {
    let stand_ins = StandIns::start().await;
    stand_ins
        .post("/chat", json!({"message": "Hello", "model": "a"}))
        .await;
    stand_ins.post("/repair?model=a", json!({})).await;
    let metrics = stand_ins.get("/metrics").await.json();
    assert_eq!(metrics["model_a"]["total_requests"], 2);
    assert_eq!(metrics["model_b"]["total_requests"], 0);

    let scrape = stand_ins
        .client
        .get(stand_ins.url("/metrics"))
        .header("accept", "text/plain");
    let reply = Reply::of(scrape.send().await.unwrap()).await;
    assert!(reply.kind.starts_with("text/plain"), "{}", reply.kind);
    let line = "ai_agent_requests_total{model=\"a\",kind=\"repair\",outcome=\"success\"} 1";
    assert!(
        reply.text.lines().any(|have| have == line),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn failures_come_where_they_are_switched_on_and_stop_when_they_are_off() {
    let stand_ins = StandIns::with(json!({
        "failure_ratio": {"GET /orders": 1, "POST /chat?model=b": 1},
        "failure_status": 503,
    }))
    .await;
    let failed = stand_ins.get("/orders").await;
    assert_eq!(failed.status, 503);
    assert!(
        failed.json()["detail"]
            .as_str()
            .unwrap()
            .starts_with("Service Unavailable")
    );
    let chat = |model: &str| json!({"message": "Hello", "model": model});
    assert_eq!(stand_ins.post("/chat", chat("b")).await.status, 503);
    assert_eq!(stand_ins.post("/chat", chat("a")).await.status, 200);
    assert_eq!(stand_ins.get("/products").await.status, 200);

    let off = json!({"failure_ratio": {"GET /orders": null}});
    stand_ins.post("/stand-in/settings", off).await;
    assert_eq!(stand_ins.get("/orders").await.status, 200);
    assert_eq!(
        stand_ins.get("/metrics").await.json()["model_b"]["failed_requests"],
        1
    );
}

#[tokio::test]
async fn a_bad_setting_is_named_and_changes_nothing() {
    let stand_ins = StandIns::start().await;
    let bad = json!({"latency_scale": 1, "failure_ratio": {"GET /orders": 2}});
    let reply = stand_ins.post("/stand-in/settings", bad).await;
    assert_eq!(reply.status, 422);
    assert_eq!(reply.json()["field"], "failure_ratio.GET /orders");
    assert_eq!(
        stand_ins.get("/stand-in/settings").await.json()["latency_scale"],
        0.0
    );
    let reply = stand_ins
        .send(Method::POST, "/stand-in/settings", "{")
        .await;
    assert_eq!(
        (reply.status, reply.json()["field"].clone()),
        (422, json!("(body)"))
    );
    let reply = stand_ins
        .post("/stand-in/settings", json!({"chaos": "yes"}))
        .await;
    assert_eq!(
        (reply.status, reply.json()["field"].clone()),
        (422, json!("chaos"))
    );
}

#[tokio::test]
async fn one_request_changes_how_both_behave_and_another_says_it() {
    let stand_ins = StandIns::start().await;
    let mut told = stand_ins.targets.behaviours();
    for (name, expected) in [
        ("slow", vec!["slow"]),
        ("failing", vec!["slow", "failing"]),
        ("chaotic", vec!["slow", "failing", "chaotic"]),
        ("normal", vec!["normal"]),
    ] {
        let path = format!("/agent/stand-in/{name}");
        let changed = stand_ins.send(Method::POST, &path, "").await;
        assert_eq!(changed.json()["behaviour"], json!(expected), "{name}");
        let shown = stand_ins.get("/stand-in/behaviour").await.json();
        assert_eq!(shown, changed.json());
        assert!(told.has_changed().unwrap());
        assert_eq!(*told.borrow_and_update(), expected.join(", "));
    }
    stand_ins.send(Method::POST, "/stand-in/normal", "").await;
    assert!(!told.has_changed().unwrap(), "nothing is new");
    for (method, path, status) in [
        (Method::POST, "/stand-in/sulking", 404),
        (Method::GET, "/stand-in/slow", 405),
    ] {
        assert_eq!(stand_ins.send(method, path, "").await.status, status);
    }
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let stand_ins = StandIns::start().await;
    let own = stand_ins.targets.target_app_url();
    let own_port = own.replace("127.0.0.1", "[::1]");
    for (origin, status) in [
        (Some("https://elsewhere.example"), 403),
        (Some("null"), 403),
        (Some(&*own_port), 403),
        (Some(&*own), 200),
        (None, 200),
    ] {
        for path in ["/stand-in/slow", "/stand-in/settings", "/stand-in/reset"] {
            let request = stand_ins.client.post(stand_ins.url(path)).body("{}");
            let request = match origin {
                Some(origin) => request.header("origin", origin),
                None => request,
            };
            let reply = Reply::of(request.send().await.unwrap()).await;
            assert_eq!(reply.status, status, "{path} from {origin:?}");
        }
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_answers() {
    let mut answers = Vec::new();
    for seed in [5, 5, 6] {
        let config = TargetsConfig {
            seed,
            ..TargetsConfig::for_tests()
        };
        let targets = Targets::start(config).await.unwrap();
        let stand_ins = StandIns {
            targets,
            client: client(),
        };
        let repair = stand_ins.post("/repair?model=b", json!({})).await.json();
        answers.push((repair["repair_id"].clone(), repair["failure_type"].clone()));
    }
    assert_eq!(answers[0], answers[1]);
    assert_ne!(answers[0].0, answers[2].0);
}

#[test]
fn routes_and_servers_have_the_names_that_counters_show() {
    assert_eq!(Route::Product.pattern(), ("GET", "/products/{id}"));
    assert_eq!(Server::AiAgent.name(), "ai-agent");
}
