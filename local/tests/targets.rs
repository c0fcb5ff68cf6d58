//! The stand-in targets, asked by a real client over real connections.

use std::time::Duration;

use local::targets::{
    Misbehaving, Mode, Model, Route, Server, Targets, TargetsConfig, TargetsError, USER_HEADER,
};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

/// Running stand-ins and a client for them.
struct Stage {
    targets: Targets,
    client: Client,
}

impl Stage {
    async fn start() -> Self {
        Self::with(json!({})).await
    }

    async fn with(settings: Value) -> Self {
        let config = TargetsConfig {
            settings,
            ..TargetsConfig::for_tests()
        };
        Self {
            targets: Targets::start(config).await.expect("free ports"),
            client: client(),
        }
    }

    fn url(&self, path: &str) -> String {
        let agent = ["/status", "/repair", "/chat", "/metrics", "/agent"];
        if agent.iter().any(|start| path.starts_with(start)) {
            self.targets.ai_agent_url() + path.trim_start_matches("/agent")
        } else {
            self.targets.target_app_url() + path
        }
    }

    async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, "").await
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, &body.to_string()).await
    }

    async fn send(&self, method: Method, path: &str, body: &str) -> Reply {
        let request = self.client.request(method, self.url(path));
        Reply::of(
            request
                .body(body.to_owned())
                .send()
                .await
                .expect("an answer"),
        )
        .await
    }

    /// Sends a chat message as `user`, and gives up after `patience`.
    async fn chat_as(&self, user: &str, model: &str, patience: Duration) -> reqwest::Result<u16> {
        let body = json!({"message": "Hello", "model": model}).to_string();
        let request = self.client.post(self.url("/chat")).body(body);
        let request = request.header(USER_HEADER, user).timeout(patience);
        let response = request.send().await?;
        let status = response.status().as_u16();
        response.bytes().await?;
        Ok(status)
    }
}

fn client() -> Client {
    // reqwest wants a provider for TLS even where nothing is encrypted; a second one is refused
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().expect("a client")
}

struct Reply {
    status: u16,
    kind: String,
    text: String,
}

impl Reply {
    async fn of(response: Response) -> Self {
        let kind = response.headers().get("content-type");
        Self {
            status: response.status().as_u16(),
            kind: kind.map_or_else(String::new, |kind| kind.to_str().expect("ASCII").to_owned()),
            text: response.text().await.expect("a body"),
        }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }
}

#[tokio::test]
async fn every_route_answers() {
    let stage = Stage::start().await;
    for path in ["/health", "/orders", "/products", "/products/5"] {
        let reply = stage.get(path).await;
        assert_eq!(
            (reply.status, reply.json().is_object()),
            (200, true),
            "{path}"
        );
    }
    for path in ["/status", "/metrics"] {
        assert_eq!(stage.get(path).await.status, 200, "{path}");
    }
    for path in ["/", "/agent/"] {
        let page = stage.get(path).await;
        assert!(page.kind.starts_with("text/html"), "{}", page.kind);
        assert!(page.text.contains("/stand-in/counters"), "{}", page.text);
    }
    stage.targets.shutdown().await;
}

#[tokio::test]
async fn an_order_is_kept_and_listed_first() {
    let stage = Stage::start().await;
    let before = stage.get("/orders").await.json()["total"].as_u64().unwrap();
    let order = json!({"product": "Keyboard", "amount": 89.9});
    let placed = stage.post("/orders", order).await;
    assert_eq!(placed.status, 200, "{}", placed.text);
    let placed = placed.json();
    assert_eq!(
        (&placed["product"], &placed["amount"]),
        (&json!("Keyboard"), &json!(89.9))
    );
    let listed = stage.get("/orders?limit=1").await.json();
    assert_eq!(listed["orders"], json!([placed]));
    assert_eq!(listed["total"], before + 1);
}

#[tokio::test]
async fn a_bad_order_is_refused_with_every_mistake() {
    let stage = Stage::start().await;
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
        let reply = stage.post("/orders", body.clone()).await;
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
        let reply = stage.send(Method::POST, "/orders", body).await;
        assert_eq!(reply.status, 422, "{body}");
        assert_eq!(reply.json()["detail"][0]["loc"], json!(["body"]));
    }
    let total = stage.get("/orders").await.json()["total"].clone();
    assert_eq!(total, 12, "nothing was kept");
}

#[tokio::test]
async fn what_is_not_there_is_404_405_or_422() {
    let stage = Stage::start().await;
    assert_eq!(stage.get("/products/99").await.status, 404);
    assert_eq!(stage.get("/products/first").await.status, 422);
    assert_eq!(stage.get("/orders?limit=0").await.status, 422);
    assert_eq!(stage.get("/nowhere").await.json()["detail"], "Not Found");
    assert_eq!(stage.send(Method::DELETE, "/orders", "").await.status, 405);
    assert_eq!(stage.post("/repair?model=c", json!({})).await.status, 422);
    let large = json!({"message": "x".repeat(300_000)});
    assert_eq!(stage.post("/chat", large).await.status, 413);
}

#[tokio::test]
async fn a_chat_names_its_model_and_fits_the_prompt() {
    let stage = Stage::start().await;
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
        let reply = stage.post("/chat", body).await;
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
    let stage = Stage::start().await;
    let odd = [
        "",
        "   ",
        &"A".repeat(5_000),
        &"🔥".repeat(500),
        "\u{0}\u{1}\u{1b}[2J\u{7f}",
        "\u{202e}abc",
    ];
    for message in odd {
        let reply = stage
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
            stage.post("/chat", body.clone()).await.status,
            422,
            "{body}"
        );
    }
    let raw = "{\"message\": \"a\u{1}b\"}";
    assert_eq!(stage.send(Method::POST, "/chat", raw).await.status, 422);
}

#[tokio::test]
async fn a_repair_succeeds_unless_it_is_told_to_fail() {
    let stage = Stage::start().await;
    let mended = stage.post("/repair?model=a", json!({})).await.json();
    assert_eq!(
        (&mended["success"], &mended["final_status"]),
        (&json!(true), &json!("healthy"))
    );
    assert_eq!(mended["model"], "a");
    assert!(mended["steps"].as_array().unwrap().len() >= 3);

    let change = json!({"repair_failure_ratio": {"b": 1}});
    assert_eq!(stage.post("/stand-in/settings", change).await.status, 200);
    let reply = stage.post("/repair?model=b", json!({})).await;
    let failed = reply.json();
    assert_eq!((reply.status, &failed["success"]), (200, &json!(false)));
    assert!(!failed["final_status"].as_str().unwrap().is_empty());
    let a = stage.post("/repair?model=a", json!({})).await.json();
    assert_eq!(a["success"], true, "model a is not concerned");
}

#[tokio::test]
async fn the_agents_metrics_come_as_json_and_for_prometheus() {
    let stage = Stage::start().await;
    stage
        .post("/chat", json!({"message": "Hello", "model": "a"}))
        .await;
    stage.post("/repair?model=a", json!({})).await;
    let metrics = stage.get("/metrics").await.json();
    assert_eq!(metrics["model_a"]["total_requests"], 2);
    assert_eq!(metrics["model_b"]["total_requests"], 0);

    let scrape = stage
        .client
        .get(stage.url("/metrics"))
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
    let stage = Stage::with(json!({
        "failure_ratio": {"GET /orders": 1, "POST /chat?model=b": 1},
        "failure_status": 503,
    }))
    .await;
    let failed = stage.get("/orders").await;
    assert_eq!(failed.status, 503);
    assert!(
        failed.json()["detail"]
            .as_str()
            .unwrap()
            .starts_with("Service Unavailable")
    );
    let chat = |model: &str| json!({"message": "Hello", "model": model});
    assert_eq!(stage.post("/chat", chat("b")).await.status, 503);
    assert_eq!(stage.post("/chat", chat("a")).await.status, 200);
    assert_eq!(stage.get("/products").await.status, 200);

    let off = json!({"failure_ratio": {"GET /orders": null}});
    stage.post("/stand-in/settings", off).await;
    assert_eq!(stage.get("/orders").await.status, 200);
    assert_eq!(
        stage.get("/metrics").await.json()["model_b"]["failed_requests"],
        1
    );
}

#[tokio::test]
async fn a_bad_setting_is_named_and_changes_nothing() {
    let stage = Stage::start().await;
    let bad = json!({"latency_scale": 1, "failure_ratio": {"GET /orders": 2}});
    let reply = stage.post("/stand-in/settings", bad).await;
    assert_eq!(reply.status, 422);
    assert_eq!(reply.json()["field"], "failure_ratio.GET /orders");
    assert_eq!(
        stage.get("/stand-in/settings").await.json()["latency_scale"],
        0.0
    );
    let reply = stage.send(Method::POST, "/stand-in/settings", "{").await;
    assert_eq!(
        (reply.status, reply.json()["field"].clone()),
        (422, json!("(body)"))
    );
    let reply = stage
        .post("/stand-in/settings", json!({"chaos": true}))
        .await;
    assert_eq!(
        (reply.status, reply.json()["field"].clone()),
        (403, json!("chaos"))
    );
}

#[tokio::test]
async fn counters_are_exact_under_concurrency() {
    let stage = Stage::with(json!({"failure_ratio": {"GET /products": 0.5}})).await;
    let users = (0..20).map(|user| {
        let stage = &stage;
        async move {
            let mut failed = 0;
            for _ in 0..25 {
                let name = format!("TargetAppUser/{user}");
                for path in ["/health", "/products"] {
                    let request = stage.client.get(stage.url(path)).header(USER_HEADER, &name);
                    let reply = Reply::of(request.send().await.unwrap()).await;
                    failed += u64::from(reply.status != 200);
                }
            }
            failed
        }
    });
    let failed: u64 = futures_util::future::join_all(users).await.iter().sum();
    let counters = stage.targets.counters();
    assert_eq!(counters.total.requests, 1_000);
    assert_eq!(counters.total.in_flight, 0);
    assert_eq!(counters.requests("GET /health"), 500);
    let products = counters.route("GET /products").unwrap();
    assert_eq!(products.requests, 500);
    assert_eq!(products.statuses[&200], 500 - failed);
    assert!((150..350).contains(&failed), "{failed}");
    assert_eq!(counters.users_of("TargetAppUser").count(), 20);
    for user in &counters.users {
        assert_eq!(
            (user.gauge.requests, user.gauge.max_concurrent),
            (50, 1),
            "{user:?}"
        );
    }
    // over HTTP they say the same
    let over_http = stage.get("/stand-in/counters").await.json();
    assert_eq!(over_http, serde_json::to_value(&counters).unwrap());
}

#[tokio::test]
async fn a_user_that_overlaps_itself_is_seen() {
    let stage = Stage::with(json!({"fixed_latency_ms": {"POST /chat": 100}})).await;
    let patience = Duration::from_secs(10);
    let chat = |user, model| stage.chat_as(user, model, patience);
    let all = futures_util::future::join_all([
        chat("PassiveLoadUser/1", "a"),
        chat("PassiveLoadUser/1", "b"),
        chat("PassiveLoadUser/2", "b"),
    ]);
    assert!(all.await.iter().all(|status| matches!(status, Ok(200))));
    let counters = stage.targets.counters();
    assert_eq!(counters.total.max_concurrent, 3);
    let user = counters.user("PassiveLoadUser/1").unwrap();
    assert_eq!(user.gauge.max_concurrent, 2);
    assert_eq!(user.models[&Model::A].max_concurrent, 1);
    assert_eq!(counters.models[&Model::B].max_concurrent, 2);
    assert_eq!(counters.route("POST /chat").unwrap().models[&Model::B], 2);
}

#[tokio::test]
async fn a_request_counts_when_its_client_has_gone_away() {
    let stage = Stage::with(json!({"fixed_latency_ms": {"POST /chat": 40_000}})).await;
    let arrived = async {
        let in_flight = || Some(stage.targets.counters().route("POST /chat")?.in_flight);
        while in_flight() != Some(1) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        answer = stage.chat_as("ChatModelAUser/7", "a", Duration::from_secs(30)) => panic!("{answer:?}"),
        () = arrived => {}
    }
    let abandoned = async {
        loop {
            let counters = stage.targets.counters();
            let chat = counters.route("POST /chat").unwrap();
            if chat.abandoned == 1 {
                assert_eq!((chat.requests, chat.in_flight), (1, 0));
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), abandoned)
        .await
        .expect("the server sees that its client has gone");
}

#[tokio::test]
async fn a_reset_clears_counters_and_keeps_settings_and_orders() {
    let stage = Stage::with(json!({"arrival_log": 10})).await;
    let mouse = json!({"product": "Mouse", "amount": 5});
    stage.post("/orders", mouse).await;
    stage
        .chat_as("ChatModelAUser/0", "a", Duration::from_secs(5))
        .await
        .unwrap();
    let with_arrivals = stage.get("/stand-in/counters?arrivals=true").await.json();
    assert_eq!(
        with_arrivals["users"][0]["arrivals_us"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let without_users = stage.get("/stand-in/counters?users=false").await.json();
    assert_eq!(
        (&without_users["users"], &without_users["total"]["requests"]),
        (&json!([]), &json!(2))
    );

    assert_eq!(stage.post("/stand-in/reset", json!({})).await.status, 200);
    let counters = stage.targets.counters();
    assert_eq!((counters.total.requests, counters.routes.len()), (0, 0));
    assert!(counters.users.is_empty());
    assert_eq!(stage.targets.settings().arrival_log, 10);
    assert_eq!(stage.get("/orders").await.json()["total"], 13);
}

#[tokio::test]
async fn arrivals_are_logged_in_order_for_each_user() {
    let stage = Stage::with(json!({"arrival_log": 1_000})).await;
    for _ in 0..5 {
        for user in ["ChatModelBUser/1", "ChatModelBUser/2"] {
            stage
                .chat_as(user, "b", Duration::from_secs(5))
                .await
                .unwrap();
        }
    }
    for user in stage.targets.counters().users {
        assert_eq!(user.arrivals_us.len(), 5);
        assert!(user.arrivals_us.is_sorted_by(|a, b| a < b), "{user:?}");
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
        let stage = Stage {
            targets,
            client: client(),
        };
        let repair = stage.post("/repair?model=b", json!({})).await.json();
        answers.push((repair["repair_id"].clone(), repair["failure_type"].clone()));
    }
    assert_eq!(answers[0], answers[1]);
    assert_ne!(answers[0].0, answers[2].0);
}

#[tokio::test]
async fn a_port_in_use_is_one_clear_error() {
    let first = Targets::start(TargetsConfig::for_tests()).await.unwrap();
    let taken = first.ai_agent_url().replace("http://", "").parse().unwrap();
    let config = TargetsConfig {
        ai_agent: taken,
        ..TargetsConfig::for_tests()
    };
    let error = Targets::start(config).await.unwrap_err();
    assert!(matches!(
        &error,
        TargetsError::Listen {
            server: "ai-agent",
            ..
        }
    ));
    let text = error.to_string();
    assert!(
        text.contains(&taken.to_string()) && !text.contains('\n'),
        "{text}"
    );
}

#[tokio::test]
async fn a_shutdown_lets_quick_requests_end_and_cuts_off_slow_ones() {
    let fixed =
        json!({"fixed_latency_ms": {"POST /chat?model=a": 300, "POST /chat?model=b": 60_000}});
    let stage = Stage::with(fixed).await;
    let (url, client) = (stage.targets.ai_agent_url(), stage.client.clone());
    let send = |model: &str| {
        let body = json!({"message": "Hello", "model": model}).to_string();
        tokio::spawn(client.post(format!("{url}/chat")).body(body).send())
    };
    let (quick, slow) = (send("a"), send("b"));
    while stage.targets.counters().requests("POST /chat") < 2 {
        tokio::task::yield_now().await;
    }
    tokio::time::timeout(Duration::from_secs(10), stage.targets.shutdown())
        .await
        .expect("a slow request does not hold up the shutdown");
    assert_eq!(quick.await.unwrap().unwrap().status(), 200);
    assert!(slow.await.unwrap().is_err());
    assert!(client.get(&url).send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn a_thousand_slow_requests_are_held_at_once() {
    let stage = Stage::with(json!({"fixed_latency_ms": {"POST /chat": 500}})).await;
    let before = tokio::time::Instant::now();
    let users: Vec<String> = (0..1_000).map(|n| format!("ChatModelAUser/{n}")).collect();
    let chats = users
        .iter()
        .map(|user| stage.chat_as(user, "a", Duration::from_secs(30)));
    let statuses = futures_util::future::join_all(chats).await;
    assert!(statuses.iter().all(|status| matches!(status, Ok(200))));
    let counters = stage.targets.counters();
    assert_eq!(counters.route("POST /chat").unwrap().statuses[&200], 1_000);
    // one after the other they would take more than eight minutes
    assert!(
        before.elapsed() < Duration::from_secs(60),
        "{:?}",
        before.elapsed()
    );
    assert!(counters.total.max_concurrent > 100, "{:?}", counters.total);
}

/// However slow the machine is.
const PATIENT: Duration = Duration::from_secs(30);

/// What a client says to a server that misbehaves, once it has tried to read the whole answer.
async fn misbehaved(mode: Mode, patience: Duration) -> (Result<Vec<u8>, reqwest::Error>, u64) {
    let server = Misbehaving::start(mode).await.expect("a free port");
    let request = client().get(server.url()).timeout(patience);
    let answer = match request.send().await {
        Ok(response) => response.bytes().await.map(|body| body.to_vec()),
        Err(error) => Err(error),
    };
    let requests = server.requests();
    server.shutdown().await;
    (answer, requests)
}

#[tokio::test]
async fn servers_that_never_end_leave_the_client_waiting() {
    for mode in [Mode::Hang, Mode::EndlessBody, Mode::Drip] {
        let (answer, requests) = misbehaved(mode, Duration::from_millis(700)).await;
        assert!(answer.unwrap_err().is_timeout(), "{mode}");
        // on a machine that is busy it may not even have arrived
        assert!(requests <= 1, "{mode}");
    }
}

#[tokio::test]
async fn servers_that_break_http_are_errors_to_a_client() {
    for mode in [
        Mode::Reset,
        Mode::Close,
        Mode::Garbage,
        Mode::EndlessHeaders,
        Mode::Truncated,
        Mode::ResetInBody,
        Mode::BadLength,
        Mode::BadChunk,
    ] {
        let (answer, requests) = misbehaved(mode, PATIENT).await;
        let error = answer.expect_err(mode.name());
        assert!(!error.is_timeout(), "{mode}: {error:?}");
        assert!(requests >= 1, "{mode}");
    }
}

#[tokio::test]
async fn a_circle_of_redirects_goes_on_until_the_client_has_had_enough() {
    let (answer, requests) = misbehaved(Mode::RedirectCircle, PATIENT).await;
    assert!(answer.unwrap_err().is_redirect());
    assert_eq!(requests, 11, "the first and ten more");
}

#[tokio::test]
async fn servers_that_lie_about_their_body_send_what_they_say() {
    let (answer, _) = misbehaved(Mode::TooLong, PATIENT).await;
    assert_eq!(
        answer.unwrap(),
        b"xxxxx",
        "the rest is no part of the answer"
    );
    let (answer, _) = misbehaved(Mode::BadJson, PATIENT).await;
    assert!(serde_json::from_slice::<Value>(&answer.unwrap()).is_err());
    let (answer, _) = misbehaved(Mode::BadGzip, PATIENT).await;
    // this client does not decompress, and so sees the lie
    assert_eq!(answer.unwrap(), b"this is plain text, no");
}

#[test]
fn routes_and_servers_have_the_names_that_counters_show() {
    assert_eq!(Route::Product.pattern(), ("GET", "/products/{id}"));
    assert_eq!(Server::AiAgent.name(), "ai-agent");
}
