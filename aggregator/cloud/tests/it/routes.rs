//! Every route behind a Function URL answers as it does anywhere.

use axum::http::StatusCode;
use axum::http::header::WWW_AUTHENTICATE;

use crate::scene::{Event, FORM, Stage};

const MULTIPART: &str = "multipart/form-data; boundary=----x";

/// Requests in the order in which somebody might send them.
fn requests() -> Vec<Event> {
    let get = |uri| Event::new("GET", uri);
    let post = |uri| Event::new("POST", uri);
    let multipart = "------x\r\nContent-Disposition: form-data; name=\"user_count\"\r\n\r\n9\r\n\
                     ------x\r\nContent-Disposition: form-data; name=\"spawn_rate\"\r\n\r\n3\r\n\
                     ------x--\r\n";
    let schedule = r#"{"name":"weekdays","start":"0 9 * * 1-5","stop":"0 17 * * 1-5",
                       "time_zone":"Europe/Berlin","user_count":5,"spawn_rate":1}"#;
    vec![
        get("/"),
        get("/health"),
        get("/stats/requests"),
        post("/swarm").with_body(FORM, "user_count=ten&spawn_rate=2"),
        post("/swarm").with_body(FORM, "user_count=10&spawn_rate=2&host=http%3A%2F%2Fx%3A1"),
        post("/swarm").with_encoded_body(FORM, "user_count=12&spawn_rate=2&run_time=1h"),
        post("/swarm").with_body("application/json", r#"{"user_count":6,"spawn_rate":2.5}"#),
        post("/swarm").with_encoded_body(MULTIPART, multipart),
        get("/stats/requests"),
        get("/stats/requests?x=1&x=2&empty=&path=%2F%20%C3%A4"),
        get("/tasks"),
        get("/exceptions"),
        get("/ledger"),
        get("/logs"),
        get("/worker-count"),
        get("/stats/reset"),
        post("/stats/reset"),
        get("/workload"),
        Event::new("PUT", "/workload").with_body("text/plain", "[hosts]\nshop = 1\n"),
        Event::new("PUT", "/workload").with_encoded_body("application/octet-stream", "= no"),
        get("/schedules"),
        post("/schedules").with_body("application/json", schedule),
        get("/schedules"),
        Event::new("DELETE", "/schedules?name=nights%20and%20days"),
        Event::new("DELETE", "/schedules/nights%2Fdays"),
        get("/nowhere"),
        Event::new("DELETE", "/swarm"),
        Event::new("HEAD", "/stop"),
        Event::new("HEAD", "/stats/requests"),
        Event::new("OPTIONS", "/swarm"),
        post("/swarm")
            .with_body(FORM, "user_count=1&spawn_rate=1")
            .header("sec-fetch-site", "cross-site"),
        post("/swarm")
            .with_body(FORM, "user_count=1&spawn_rate=1")
            .header("origin", "https://abc.lambda-url.eu-central-1.on.aws"),
        get("/stop"),
        post("/stop"),
        get("/stats/requests"),
    ]
}

#[tokio::test(start_paused = true)]
async fn an_event_is_answered_as_the_same_request_to_a_server() {
    let instance = Stage::new().instance();
    for event in requests() {
        let called = instance.call(&event).await.unwrap();
        let served = instance.serve(&event).await;
        let request = &event.0["requestContext"]["http"];
        assert_eq!(called.status, served.status, "{request}");
        assert_eq!(called.headers, served.headers, "{request}");
        assert_eq!(called.body, served.body, "{request}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_run_can_be_driven_through_the_url() {
    let instance = Stage::new().instance();
    let call = async |event: Event| instance.call(&event).await.unwrap();
    let swarm = Event::new("POST", "/swarm").with_encoded_body(FORM, "user_count=12&spawn_rate=6");
    assert_eq!(call(swarm).await.json()["success"], true);
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    let statistics = call(Event::new("GET", "/stats/requests")).await.json();
    assert_eq!(statistics["state"], "running");
    assert_eq!(statistics["user_count"], 12);
    assert_eq!(
        call(Event::new("POST", "/stop")).await.json()["success"],
        true
    );
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    instance.stopped().await;
    let statistics = call(Event::new("GET", "/stats/requests")).await.json();
    assert_eq!(statistics["state"], "stopped");
    assert_eq!(statistics["user_count"], 0);
    let current = statistics["current_response_time_percentiles"].as_object();
    assert!(current.unwrap().values().all(serde_json::Value::is_null));
}

#[tokio::test(start_paused = true)]
async fn without_the_password_only_the_health_is_told() {
    let instance = Stage::new().instance();
    for (method, uri) in [
        ("GET", "/"),
        ("POST", "/swarm"),
        ("GET", "/stop"),
        ("POST", "/stop"),
        ("GET", "/stats/requests"),
        ("GET", "/stats/reset"),
        ("GET", "/ledger"),
        ("GET", "/logs"),
        ("PUT", "/workload"),
        ("POST", "/schedules"),
        ("GET", "/nowhere"),
    ] {
        let answer = instance.call(&Event::anonymous(method, uri)).await.unwrap();
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {uri}");
        assert!(answer.headers.contains_key(WWW_AUTHENTICATE));
        assert_eq!(
            answer.json()["message"],
            "a user name and a password are needed: LOCUST_BASIC_AUTH holds them"
        );
    }
    let health = instance.call(&Event::anonymous("GET", "/health")).await;
    assert_eq!(health.unwrap().status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_one_environment_begins_holds_in_all_of_them() {
    let stage = Stage::new();
    let (one, other) = (stage.instance(), stage.instance());
    let form = "name=demo&password=a+pass%3Aword&next=%2Fstats%2Freport";
    let log_in = Event::anonymous("POST", "/login").with_encoded_body(FORM, form);
    let answer = one.call(&log_in).await.unwrap();
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.headers["location"], "./stats/report");
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.ends_with("; Path=/; Max-Age=86400; HttpOnly; SameSite=Strict; Secure"));
    let (cookie, _) = cookie.split_once(';').unwrap();
    let asked = Event::anonymous("GET", "/stats/requests");
    let without = other.call(&asked).await.unwrap();
    assert_eq!(without.status, StatusCode::UNAUTHORIZED);
    let with = other.call(&asked.with_cookie(cookie)).await.unwrap();
    assert_eq!(with.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_network_that_has_guessed_wrong_five_times_is_refused_for_a_while_and_others_are_not() {
    let instance = Stage::new().instance();
    let guess = async |password: &str, address: &str| {
        let form = format!("name=demo&password={password}");
        let asked = Event::anonymous("POST", "/login").of(address);
        // whatever it says of itself
        let asked = asked.header("x-forwarded-for", password);
        let answer = instance.call(&asked.with_body(FORM, &form)).await;
        answer.unwrap().status.as_u16()
    };
    let right = "a+pass%3Aword";
    let began = tokio::time::Instant::now();
    for number in 0..5 {
        assert_eq!(guess(&number.to_string(), "198.51.100.1").await, 401);
    }
    for number in 5..200 {
        assert_eq!(guess(&number.to_string(), "198.51.100.1").await, 429);
    }
    // no answer was held: that would be paid for, and keep others waiting
    assert!(began.elapsed() < std::time::Duration::from_secs(1));
    // it is not told whether it would have been right
    assert_eq!(guess(right, "198.51.100.1").await, 429);
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    let mut judged = 0;
    for number in 200..300 {
        judged += i32::from(guess(&number.to_string(), "198.51.100.1").await == 401);
    }
    assert_eq!(judged, 3);
    // a script that has an old password does not keep its network out: what it repeats is no guess
    for _ in 0..50 {
        assert_eq!(guess("old", "198.51.100.2").await, 401);
    }
    assert_eq!(guess(right, "198.51.100.2").await, 303);
    // and many networks together are compared ten a second
    let began = tokio::time::Instant::now();
    for number in 0..100 {
        let address = format!("203.0.113.{number}");
        assert_eq!(guess(&address, &address).await, 401);
    }
    let took = began.elapsed().as_secs_f64();
    assert!((8.5..10.5).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_host_or_a_number_of_users_that_is_not_allowed_is_refused_with_what_is() {
    let instance = Stage::new().instance_with(|settings| {
        settings.rules.allowed_hosts = "shop.example.com".parse().unwrap();
        settings.rules.limits.max_users = 20;
    });
    let swarm = async |form: &str| {
        let event = Event::new("POST", "/swarm").with_body(FORM, form);
        let answer = instance.call(&event).await.unwrap().json();
        assert_eq!(answer["success"], false);
        answer["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        swarm("user_count=2&spawn_rate=2&host=http://elsewhere.example&user_classes=TargetAppUser")
            .await,
        "host \"http://elsewhere.example\" of TargetAppUser is not allowed: CICADA_ALLOWED_HOSTS \
         (--allowed-hosts) has only shop.example.com"
    );
    assert_eq!(
        swarm("user_count=21&spawn_rate=2").await,
        "user_count is above the limit of 20 users"
    );
}

#[tokio::test(start_paused = true)]
async fn texts_are_texts_and_the_page_is_too() {
    let instance = Stage::new().instance();
    for uri in [
        "/",
        "/stats/requests",
        "/workload",
        "/stats/reset",
        "/nowhere",
    ] {
        let answer = instance.call(&Event::new("GET", uri)).await.unwrap();
        // a body that was taken for binary would be shown as base64
        let is_text = answer.body.contains([' ', '{']) || answer.body == "ok";
        assert!(is_text, "{uri}: {}", answer.body);
    }
}

#[tokio::test(start_paused = true)]
async fn odd_paths_and_queries_are_answered_and_nothing_breaks() {
    let instance = Stage::new().instance();
    for uri in [
        "",
        "//",
        "/%",
        "/%zz",
        "/ a b",
        "/ä",
        "/a?b=%zz&&=",
        "/\u{1f41d}?x",
        "/stats/../nowhere",
    ] {
        let answer = instance.call(&Event::new("GET", uri)).await.unwrap();
        let expected = if matches!(uri, "") {
            StatusCode::OK
        } else {
            StatusCode::NOT_FOUND
        };
        assert_eq!(answer.status, expected, "{uri:?}: {}", answer.body);
    }
}
