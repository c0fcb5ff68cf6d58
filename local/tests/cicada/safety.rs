//! Where traffic may go, for every hop and for runs that are taken up again; and that a host's password is sent,
//! and shown nowhere.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use serde_json::{Value, json};
use testing::Recorder;
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::harness::{Cicada, LIMIT, Serving};

/// Long enough for a run that goes on to send something.
const A_WHILE: Duration = Duration::from_secs(3);

/// Listens at a free port.
async fn listen(router: Router) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    port
}

/// A target that redirects `/STATUS/NUMBER` to the location of that number.
async fn redirecting(locations: Arc<Mutex<Vec<String>>>) -> u16 {
    let answer = async move |request: Request| -> Response {
        let mut parts = request.uri().path().split('/').skip(1);
        let status = parts.next().and_then(|status| status.parse().ok());
        let number = parts.next().and_then(|number| number.parse::<usize>().ok());
        let (Some(status), Some(number)) = (status, number) else {
            return StatusCode::OK.into_response();
        };
        let location = locations.lock()[number].clone();
        let status = StatusCode::from_u16(status).unwrap();
        (status, [("location", location)]).into_response()
    };
    listen(Router::new().fallback(answer)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_redirect_leads_to_a_host_that_is_not_allowed() {
    let elsewhere = Recorder::start().await;
    let other = elsewhere.url().rsplit_once(':').unwrap().1.to_owned();
    let locations = Arc::default();
    let port = redirecting(Arc::clone(&locations)).await;
    let refused = [
        format!("http://localhost:{other}/x"),
        format!("http://127.0.0.1:{other}/x"),
        format!("http://localhost:{port}/x"),
        format!("https://localhost:{port}/x"),
        format!("http://[::1]:{other}/x"),
        format!("http://[::ffff:127.0.0.1]:{other}/x"),
        format!("http://2130706433:{other}/x"),
        format!("http://0177.0.0.1:{other}/x"),
        format!("http://0x7f.1:{other}/x"),
        format!("http://%6cocalhost:{other}/x"),
        format!("http://LOCALHOST.:{other}/x"),
        format!("http://127.0.0.1:{port}@localhost:{other}/x"),
        format!("http://me:word@127.0.0.1:{other}/x"),
        format!("//localhost:{other}/x"),
        format!("\\\\localhost:{other}/x"),
        format!("/\\localhost:{other}/x"),
        "http://127.0.0.1/x".to_owned(),
    ];
    *locations.lock() = refused.to_vec();
    let statuses = [301, 302, 303, 307, 308];
    let requests: Vec<_> = (0..refused.len() * statuses.len())
        .map(|case| {
            let number = case / statuses.len();
            let path = format!("/{}/{number}", statuses[case % statuses.len()]);
            format!("{{ method = 'POST', path = '{path}', body = 'secret', headers = {{ X-Api-Key = 'k' }} }}")
        })
        .collect();
    let workload = format!(
        "[hosts]\nshop = 'http://127.0.0.1:{port}'\n[class.Shopper]\nwait = 'constant(1)'\n\
         [class.Shopper.task.all]\nrequest = [\n{}]\n",
        requests.join(",\n")
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.toml");
    std::fs::write(&file, workload).unwrap();
    let cicada = Cicada::new().file(&file);
    let allowed = format!("--allowed-hosts 127.0.0.1:{port}");
    let cicada = cicada.args(&allowed).serve().await;
    cicada.swarm("user_count=1&spawn_rate=1").await;
    let statistics = (cicada.until("/stats/requests", LIMIT, |answer| {
        answer["errors"].as_array().map_or(0, Vec::len) >= requests.len()
    }))
    .await;
    for error in statistics["errors"].as_array().unwrap() {
        let text = error["error"].as_str().unwrap();
        let says = format!(
            "is not allowed: CICADA_ALLOWED_HOSTS (--allowed-hosts) has only 127.0.0.1:{port}"
        );
        assert!(
            text.starts_with("host \"http") && text.ends_with(&says),
            "{error}"
        );
        assert!(!text.contains("word"), "{error}");
    }
    assert_eq!(elsewhere.seen(), [], "nothing was sent there");
    assert_eq!(cicada.terminate().await, 1);
}

/// A run of ten users at a recorder, whose process was killed.
async fn killed_run(db: &Path, at: &Recorder) {
    let first = at_recorder(db, at).serve().await;
    first.swarm("user_count=10&spawn_rate=10").await;
    (first.until("/stats/requests", LIMIT, |answer| {
        answer["total_rps"].as_f64() > Some(0.0)
    }))
    .await;
    first.kill().await;
}

/// What of a run could still be recorded is `stopping` before.
fn is_stopped(statistics: &Value) -> bool {
    statistics["state"] == "stopped"
}

fn at_recorder(db: &Path, at: &Recorder) -> Cicada {
    let cicada = Cicada::new().db(db).env("TARGET_APP_URL", at.url());
    cicada.env("AI_AGENT_URL", at.url())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_does_not_obey_the_limits_of_now_does_not_go_on() {
    let target = Recorder::start().await;
    let folder = tempfile::tempdir().unwrap();
    for (limits, says) in [
        (
            "--max-users 2",
            "user_count is 10, above the limit of 2 users",
        ),
        (
            "--max-spawn-rate 2",
            "spawn_rate is 10, above the limit of 2 users a second",
        ),
        (
            "--allowed-hosts other.test",
            "(--allowed-hosts) has only other.test",
        ),
    ] {
        let db = folder.path().join(format!("{}.db", limits.len()));
        killed_run(&db, &target).await;
        let sent = target.seen().len();
        let second = at_recorder(&db, &target).args(limits).serve().await;
        second.until_logged("does not obey the limits of now").await;
        assert!(second.log().contains(says), "{}", second.log());
        sleep(A_WHILE).await;
        assert_eq!(target.seen().len(), sent, "{limits}");
        second.until("/stats/requests", LIMIT, is_stopped).await;
        let runs = second.get("/runs").await;
        assert_eq!(runs["runs"].as_array().map(Vec::len), Some(1), "{runs}");
        assert_eq!(second.terminate().await, 0);
        // it has ended for good
        let third = at_recorder(&db, &target).serve().await;
        third.until("/stats/requests", LIMIT, is_stopped).await;
        assert_eq!(target.seen().len(), sent, "{limits}");
        third.kill().await;
    }
    let db = folder.path().join("fits.db");
    killed_run(&db, &target).await;
    let limits = "--max-users 10 --max-spawn-rate 10 --allowed-hosts 127.0.0.1";
    let second = at_recorder(&db, &target).args(limits).serve().await;
    let sent = target.seen().len();
    let state = second.get("/stats/requests").await["state"].clone();
    assert_ne!(state, "stopped", "what fits goes on");
    second
        .until("/stats/requests", LIMIT, |_| target.seen().len() > sent)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_headless_start_ends_what_does_not_fit_and_starts_what_it_says() {
    let target = Recorder::start().await;
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("runs.db");
    killed_run(&db, &target).await;
    let limits = "--headless -u 1 -r 1 -t 2s --max-users 2";
    let output = at_recorder(&db, &target).args(limits).run().await;
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(log.contains("does not obey the limits of now"), "{log}");
    assert_eq!(output.status.code(), Some(0), "{log}");
    let cicada = at_recorder(&db, &target).serve().await;
    let runs = cicada.get("/runs").await;
    assert_eq!(runs["runs"].as_array().map(Vec::len), Some(2), "{runs}");
    assert_eq!(runs["runs"][0]["user_count"], 1, "{runs}");
}

const SECRET: &str = "s3cr3t";

/// The password `s3cr3t@w:rd/x` of the user `m@e`, as it stands in a URL.
const USER: &str = "m%40e:s3cr3t%40w%3Ard%2Fx";

/// The same as it is sent.
const BASIC: &str = "Basic bUBlOnMzY3IzdEB3OnJkL3g=";

/// A target that notes what `Authorization` its requests have.
async fn asking() -> (u16, Arc<Mutex<Vec<String>>>) {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let noting = Arc::clone(&seen);
    let answer = async move |request: Request| {
        let authorization = request.headers().get("authorization");
        let authorization = authorization.map_or("", |value| value.to_str().unwrap());
        noting.lock().push(authorization.to_owned());
        r#"{"success": true}"#
    };
    (listen(Router::new().fallback(answer)).await, seen)
}

fn assert_hides(shown: &[u8], place: &str) {
    let text = String::from_utf8_lossy(shown);
    for secret in [SECRET, BASIC.trim_start_matches("Basic ")] {
        let at = text.find(secret);
        let around = at.map(|at| &shown[at.saturating_sub(100)..(at + 60).min(shown.len())]);
        let around = around.map(String::from_utf8_lossy);
        assert!(at.is_none(), "{place} shows {secret}: {around:?}");
    }
}

/// Every route that is read, with the newest run in place of what stands in braces.
async fn routes(cicada: &Serving) -> Vec<String> {
    let runs = cicada.get("/runs").await;
    let run = runs["runs"][0]["id"].as_str().unwrap_or("none").to_owned();
    let document = cicada.get("/openapi.json").await;
    let paths = document["paths"].as_object().unwrap().clone();
    let read = paths.into_iter().filter(|(path, operations)| {
        operations.get("get").is_some() && !matches!(path.as_str(), "/stop" | "/stats/reset")
    });
    let filled = read.map(|(path, _)| {
        let mut parts = Vec::new();
        for part in path.split('/') {
            parts.push(if part.starts_with('{') { &*run } else { part });
        }
        parts.join("/")
    });
    let mut filled: Vec<String> = filled.collect();
    filled.push(format!("/ab?run={run}&other={run}"));
    filled
}

async fn assert_nothing_shows(cicada: &Serving, folder: &Path) {
    let client = reqwest::Client::new();
    let routes = routes(cicada).await;
    assert!(routes.len() > 20, "{routes:?}");
    for route in routes {
        let url = format!("{}{route}", cicada.url());
        let response = client.get(url).send().await.unwrap();
        assert_hides(format!("{:?}", response.headers()).as_bytes(), &route);
        assert_hides(&response.bytes().await.unwrap(), &route);
    }
    assert_hides(cicada.log().as_bytes(), "the log");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert_hides(&std::fs::read(&path).unwrap(), &path.display().to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_s_user_and_password_are_sent_and_shown_nowhere() {
    for how in ["option", "swarm", "variable", "user", "config"] {
        let (port, seen) = asking().await;
        let host = format!("http://{USER}@127.0.0.1:{port}");
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let cicada = Cicada::new()
            .db(&at("runs.db"))
            .args("-L DEBUG --csv-full-history TargetAppUser")
            .arg("--csv")
            .arg(at("stats"))
            .arg("--html")
            .arg(at("report.html"))
            .arg("--json-file")
            .arg(at("stats"));
        let cicada = match how {
            "option" => cicada.arg("-H").arg(&host),
            "variable" => cicada.env("TARGET_APP_URL", &host),
            "config" => {
                let config = format!(r#"{{"user_class_name": "TargetAppUser", "host": "{host}"}}"#);
                cicada.arg("--config-users").arg(config)
            }
            _ => cicada,
        };
        let cicada = cicada.serve().await;
        let escaped = host.replace('%', "%25");
        let mut form = "user_count=5&spawn_rate=10".to_owned();
        match how {
            "swarm" => form += &format!("&host={escaped}"),
            "user" => {
                let body = json!({"user_class_name": "TargetAppUser", "host": host});
                let request = reqwest::Client::new().post(format!("{}/user", cicada.url()));
                let request = request.header("content-type", "application/json");
                let answer = request.body(body.to_string()).send().await.unwrap();
                assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
            }
            _ => {}
        }
        let answer = cicada.post("/swarm", &form).await;
        assert_eq!(answer["success"], true, "{how}: {answer}");
        assert_hides(answer.to_string().as_bytes(), "/swarm");
        (cicada.until("/stats/requests", LIMIT, |answer| {
            answer["stats"].as_array().map_or(0, Vec::len) > 1
        }))
        .await;
        // a page sends the host again as it sees it
        let shown = cicada.get("/stats/requests").await;
        assert_eq!(shown["errors"], Value::Array(Vec::new()), "{how}");
        let again = format!("user_count=6&spawn_rate=10&host=http://127.0.0.1:{port}");
        let before = seen.lock().len();
        cicada.swarm(&again).await;
        (cicada.until("/stats/requests", LIMIT, |_| seen.lock().len() > before + 1)).await;
        let sent = seen.lock().clone();
        assert!(sent.iter().all(|sent| sent == BASIC), "{how}: {sent:?}");
        assert_nothing_shows(&cicada, folder.path()).await;
        cicada.post("/stop", "").await;
        assert_nothing_shows(&cicada, folder.path()).await;
        assert_eq!(cicada.terminate().await, 0, "{how}");
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            assert_hides(&std::fs::read(&path).unwrap(), &path.display().to_string());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_password_is_not_said_again_does_not_go_on_without_it() {
    let (port, seen) = asking().await;
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("runs.db");
    let first = Cicada::new().db(&db).serve().await;
    let host = format!("http://{USER}@127.0.0.1:{port}");
    let escaped = host.replace('%', "%25");
    first
        .swarm(&format!("user_count=5&spawn_rate=10&host={escaped}"))
        .await;
    (first.until("/stats/requests", LIMIT, |_| !seen.lock().is_empty())).await;
    first.kill().await;
    // who says it again goes on with it
    let second = Cicada::new().db(&db).arg("-H").arg(&host).serve().await;
    let sent = seen.lock().len();
    (second.until("/stats/requests", LIMIT, |_| seen.lock().len() > sent)).await;
    second.kill().await;
    let third = Cicada::new().db(&db).serve().await;
    third
        .until_logged("which are never kept: say them again")
        .await;
    let sent = seen.lock().len();
    sleep(A_WHILE).await;
    assert_eq!(seen.lock().len(), sent);
    assert!(seen.lock().iter().all(|sent| sent == BASIC));
    assert_nothing_shows(&third, folder.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn what_is_refused_or_only_looked_at_shows_no_password_either() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.toml");
    let host = format!("http://me:{SECRET}@shop.test");
    let workload = |url: &str, user: &str| {
        format!(
            "hosts.shop = '{url}'\nclass.A.wait = 'constant(1)'\nclass.A.task.t.request = '/'\n{user}"
        )
    };
    std::fs::write(&file, workload(&host, "")).unwrap();
    let other = folder.path().join("user.toml");
    let user = format!("user.A.host = '{host}'\n");
    std::fs::write(&other, workload("http://shop.test", &user)).unwrap();
    let headless = |cicada: Cicada| cicada.args("--headless -t 1s");
    let variable = |value: String| Cicada::bare().env("TARGET_APP_URL", value);
    for (cicada, code) in [
        (Cicada::bare().arg("--check").file(&file), 2),
        (Cicada::bare().arg("--check").file(&other), 2),
        (variable(host.clone()).arg("--check"), 0),
        (variable(host.clone()).arg("--list"), 0),
        (variable(format!("{host}/?x")).arg("--check"), 2),
        (
            variable(format!("http://me:{SECRET}/x@shop.test")).arg("--check"),
            2,
        ),
        (
            headless(Cicada::bare().arg("-H").arg(format!("{host}?x"))),
            2,
        ),
        (
            headless(Cicada::bare().arg("-H").arg(format!("ftp://me:{SECRET}@a"))),
            2,
        ),
        (
            headless(
                Cicada::bare()
                    .arg("-H")
                    .arg(&host)
                    .args("--allowed-hosts other.test"),
            ),
            2,
        ),
        (Cicada::bare().arg("--allowed-hosts").arg(&host), 2),
        (Cicada::bare().arg("--hots").arg(&host), 2),
        (Cicada::bare().arg(&host), 2),
    ] {
        let output = cicada.run().await;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert_hides(&output.stdout, "stdout");
        assert_hides(&output.stderr, "stderr");
    }
    let cicada = Cicada::new()
        .args("-L DEBUG --allowed-hosts other.test")
        .serve()
        .await;
    let schedule = format!("name=a&start=0+9+*+*+*&user_count=1&spawn_rate=1&host={host}");
    for (path, form) in [
        ("/swarm", format!("user_count=1&spawn_rate=1&host={host}")),
        ("/swarm", format!("user_count=1&spawn_rate=1&host={host}?x")),
        ("/schedules", schedule),
    ] {
        let answer = cicada.post(path, &form).await;
        assert_hides(answer.to_string().as_bytes(), path);
        assert_ne!(answer["success"], true, "{path}: {answer}");
    }
    for host in [
        format!("{host}?x"),
        format!("http://me:{SECRET}/x@shop.test"),
    ] {
        let body = json!({"user_class_name": "TargetAppUser", "host": host});
        let request = reqwest::Client::new().post(format!("{}/user", cicada.url()));
        let request = request.header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_client_error(), "{}", answer.status());
        let text = answer.text().await.unwrap();
        assert!(text.contains("is no base URL"), "{text}");
        assert_hides(text.as_bytes(), "/user");
    }
    let (status, answer) = cicada.send("PUT", "/workload", &workload(&host, "")).await;
    assert_eq!(status, 422, "{answer}");
    assert!(answer.to_string().contains("`env`"), "{answer}");
    let nothing = tempfile::tempdir().unwrap();
    assert_nothing_shows(&cicada, nothing.path()).await;
}
