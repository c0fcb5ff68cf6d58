//! The counters under concurrency, and both servers from their start to their stop.

use std::time::Duration;

use serde_json::json;
use stand_ins::{Model, Targets, TargetsConfig, TargetsError, USER_HEADER};

use crate::harness::{Reply, StandIns};

/// However slow the machine is.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test]
async fn counters_are_exact_under_concurrency() {
    let stand_ins = StandIns::with(json!({"failure_ratio": {"GET /products": 0.5}})).await;
    let users = (0..20).map(|user| {
        let stand_ins = &stand_ins;
        async move {
            let mut failed = 0;
            for _ in 0..25 {
                let name = format!("TargetAppUser/{user}");
                for path in ["/health", "/products"] {
                    let request = stand_ins
                        .client
                        .get(stand_ins.url(path))
                        .header(USER_HEADER, &name);
                    let reply = Reply::of(request.send().await.unwrap()).await;
                    failed += u64::from(reply.status != 200);
                }
            }
            failed
        }
    });
    let failed: u64 = futures_util::future::join_all(users).await.iter().sum();
    let counters = stand_ins.targets.counters();
    assert_eq!(counters.total.requests, 1_000);
    assert_eq!(counters.total.in_flight, 0);
    assert_eq!(counters.requests("GET /health"), 500);
    let products = counters.route("GET /products").unwrap();
    assert_eq!(products.gauge.requests, 500);
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
    let over_http = stand_ins.get("/stand-in/counters").await.json();
    assert_eq!(over_http, serde_json::to_value(&counters).unwrap());
}

#[tokio::test]
async fn a_user_that_overlaps_itself_is_seen() {
    let stand_ins = StandIns::with(json!({"fixed_latency_ms": {"POST /chat": 3_000}})).await;
    let chat = |user, model| stand_ins.chat_as(user, model, PATIENCE);
    let all = futures_util::future::join_all([
        chat("PassiveLoadUser/1", "a"),
        chat("PassiveLoadUser/1", "b"),
        chat("PassiveLoadUser/2", "b"),
    ]);
    assert!(all.await.iter().all(|status| matches!(status, Ok(200))));
    let counters = stand_ins.targets.counters();
    assert_eq!(counters.total.max_concurrent, 3);
    let user = counters.user("PassiveLoadUser/1").unwrap();
    assert_eq!(user.gauge.max_concurrent, 2);
    assert_eq!(user.models[&Model::A].max_concurrent, 1);
    assert_eq!(counters.models[&Model::B].max_concurrent, 2);
    assert_eq!(counters.route("POST /chat").unwrap().models[&Model::B], 2);
}

#[tokio::test]
async fn a_request_counts_when_its_client_has_gone_away() {
    let stand_ins = StandIns::with(json!({"fixed_latency_ms": {"POST /chat": 3_600_000}})).await;
    let arrived = async {
        let in_flight = || {
            Some(
                stand_ins
                    .targets
                    .counters()
                    .route("POST /chat")?
                    .gauge
                    .in_flight,
            )
        };
        while in_flight() != Some(1) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        answer = stand_ins.chat_as("ChatModelAUser/7", "a", PATIENCE) => panic!("{answer:?}"),
        () = arrived => {}
    }
    let abandoned = async {
        loop {
            let counters = stand_ins.targets.counters();
            let chat = counters.route("POST /chat").unwrap();
            if chat.abandoned == 1 {
                assert_eq!((chat.gauge.requests, chat.gauge.in_flight), (1, 0));
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, abandoned)
        .await
        .expect("the server sees that its client has gone");
}

#[tokio::test]
async fn a_reset_clears_counters_and_keeps_settings_and_orders() {
    let stand_ins = StandIns::with(json!({"arrival_log": 10})).await;
    let mouse = json!({"product": "Mouse", "amount": 5});
    stand_ins.post("/orders", mouse).await;
    stand_ins
        .chat_as("ChatModelAUser/0", "a", PATIENCE)
        .await
        .unwrap();
    let with_arrivals = stand_ins
        .get("/stand-in/counters?arrivals=true")
        .await
        .json();
    assert_eq!(
        with_arrivals["users"][0]["arrivals_us"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let without_users = stand_ins.get("/stand-in/counters?users=false").await.json();
    assert_eq!(
        (&without_users["users"], &without_users["total"]["requests"]),
        (&json!([]), &json!(2))
    );

    assert_eq!(
        stand_ins.post("/stand-in/reset", json!({})).await.status,
        200
    );
    let counters = stand_ins.targets.counters();
    assert_eq!((counters.total.requests, counters.routes.len()), (0, 0));
    assert!(counters.users.is_empty());
    assert_eq!(stand_ins.targets.settings().arrival_log, 10);
    assert_eq!(stand_ins.get("/orders").await.json()["total"], 13);
}

#[tokio::test]
async fn arrivals_are_logged_in_order_for_each_user() {
    let stand_ins = StandIns::with(json!({"arrival_log": 1_000})).await;
    for _ in 0..5 {
        for user in ["ChatModelBUser/1", "ChatModelBUser/2"] {
            stand_ins.chat_as(user, "b", PATIENCE).await.unwrap();
        }
    }
    for user in stand_ins.targets.counters().users {
        assert_eq!(user.arrivals_us.len(), 5);
        assert!(user.arrivals_us.is_sorted_by(|a, b| a < b), "{user:?}");
    }
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
    let stand_ins = StandIns::with(fixed).await;
    let (url, client) = (stand_ins.targets.ai_agent_url(), stand_ins.client.clone());
    let send = |model: &str| {
        let body = json!({"message": "Hello", "model": model}).to_string();
        tokio::spawn(client.post(format!("{url}/chat")).body(body).send())
    };
    let (quick, slow) = (send("a"), send("b"));
    while stand_ins.targets.counters().requests("POST /chat") < 2 {
        tokio::task::yield_now().await;
    }
    tokio::time::timeout(PATIENCE, stand_ins.targets.shutdown())
        .await
        .expect("a slow request does not hold up the shutdown");
    assert_eq!(quick.await.unwrap().unwrap().status(), 200);
    assert!(slow.await.unwrap().is_err());
    assert!(client.get(&url).send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn a_thousand_slow_requests_are_held_at_once() {
    let stand_ins = StandIns::with(json!({"fixed_latency_ms": {"POST /chat": 500}})).await;
    let before = tokio::time::Instant::now();
    let users: Vec<String> = (0..1_000).map(|n| format!("ChatModelAUser/{n}")).collect();
    let chats = users
        .iter()
        .map(|user| stand_ins.chat_as(user, "a", PATIENCE));
    let statuses = futures_util::future::join_all(chats).await;
    assert!(statuses.iter().all(|status| matches!(status, Ok(200))));
    let counters = stand_ins.targets.counters();
    assert_eq!(counters.route("POST /chat").unwrap().statuses[&200], 1_000);
    // one after the other they would take more than eight minutes
    assert!(before.elapsed() < 2 * PATIENCE, "{:?}", before.elapsed());
    assert!(counters.total.max_concurrent > 100, "{:?}", counters.total);
}
