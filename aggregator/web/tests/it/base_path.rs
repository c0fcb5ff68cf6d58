//! A path that everything is under, as Locust has it.

use axum::body::Body;
use axum::http::Request;
use tower::ServiceExt as _;
use web::api::BasePath;

use crate::cicada::{Cicada, FORM};

fn under(path: &str) -> Cicada {
    let mut cicada = Cicada::new();
    let path: BasePath = path.parse().expect("it is a path");
    cicada.router = path.over(cicada.router.clone());
    cicada
}

#[tokio::test(start_paused = true)]
async fn everything_is_under_it_and_nothing_elsewhere() {
    let cicada = under("/tools/cicada");
    for (path, status) in [
        ("/tools/cicada/", 200),
        ("/tools/cicada/?theme=dark", 200),
        ("/tools/cicada/stats/requests", 200),
        ("/tools/cicada/health", 200),
        ("/tools/cicada/schedules", 200),
        ("/tools/cicada/nothing", 404),
        // whoever looks after a container knows of no path
        ("/health", 200),
        ("/", 404),
        ("/stats/requests", 404),
        ("/stop", 404),
        ("/tools", 404),
        ("/tools/", 404),
        ("/tools/cicadas", 404),
        ("/tools/cicadas/stop", 404),
        ("/TOOLS/CICADA/", 404),
        ("//tools/cicada/", 404),
        ("/tools//cicada/", 404),
        ("/tools/./cicada/", 404),
        ("/tools%2fcicada/", 404),
        ("/tools/cicada//stop", 404),
        ("/tools/cicada/../stop", 404),
        ("/tools/cicada/tools/cicada/", 404),
    ] {
        let answer = cicada.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert_eq!(
            answer.headers["x-content-type-options"], "nosniff",
            "{path}"
        );
    }
    assert!(cicada.store_is_empty().await);
    let nothing = "there is nothing here: everything is under /tools/cicada/\n";
    assert_eq!(cicada.get("/stats/requests").await.body, nothing);
    let swarm = "user_count=1&spawn_rate=1";
    let started = cicada.call("POST", "/tools/cicada/swarm", Some(FORM), swarm);
    assert_eq!(started.await.json()["success"], true);
}

#[tokio::test(start_paused = true)]
async fn without_its_last_slash_it_leads_to_the_page() {
    let cicada = under("/cicada/");
    for (path, location) in [
        ("/cicada", "/cicada/"),
        ("/cicada?theme=dark", "/cicada/?theme=dark"),
    ] {
        let answer = cicada.get(path).await;
        assert_eq!(answer.status, 308, "{path}");
        assert_eq!(answer.headers["location"], location);
    }
}

#[tokio::test(start_paused = true)]
async fn a_get_that_changes_something_is_known_under_it() {
    let cicada = under("/cicada");
    for path in ["/cicada/stop", "/cicada/stats/reset"] {
        let asked = Request::get(path).header("sec-fetch-site", "cross-site");
        let answer = cicada.send(asked.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 403, "{path}");
    }
    // the whole URL in the request line, as proxies are asked
    let asked = Request::get("http://cicada:8089/cicada/worker-count?x");
    let answer = cicada.send(asked.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.body, r#"{"worker_count":0}"#);
}

#[test]
fn only_a_plain_path_is_one() {
    for (text, path) in [
        ("", ""),
        ("/", ""),
        ("/cicada", "/cicada"),
        ("/cicada/", "/cicada"),
        ("/a/b-c_d.e~f/0", "/a/b-c_d.e~f/0"),
    ] {
        assert_eq!(text.parse::<BasePath>().unwrap().to_string(), path);
    }
    for text in [
        "cicada",
        "//",
        "/a//b",
        "/a/../b",
        "/.",
        "/..",
        "/a b",
        "/a?b",
        "/a#b",
        "/a%2fb",
        "/a\\b",
        "/ä",
        "http://x/a",
        " /a",
    ] {
        let error = text.parse::<BasePath>().expect_err(text).to_string();
        assert_eq!(
            error,
            "must be a path that begins with a slash, such as /cicada"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn no_path_at_all_changes_nothing() {
    let cicada = Cicada::new();
    let router = BasePath::default().over(cicada.router.clone());
    let asked = Request::get("/worker-count").body(Body::empty()).unwrap();
    assert_eq!(router.oneshot(asked).await.unwrap().status(), 200);
}
