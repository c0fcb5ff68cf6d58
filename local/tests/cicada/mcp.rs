//! Agents drive it by the Model Context Protocol, asked by the protocol's own client: over HTTP and by `cicada mcp`.

use std::time::Duration;

use serde_json::{Value, json};
use testing::Recorder;
use testing::tools::ask_beside;
use tokio::time::{Instant, sleep};

use crate::harness::{Cicada, LIMIT, Serving};

const WORKLOAD: &str = r#"
[hosts.shop]
url = "http://127.0.0.1:9"
env = "SHOP_URL"
[class.Shopper]
wait = "constant_pacing(0.2)"
task.look.request = "GET /a"
[class.Buyer]
wait = "constant_pacing(0.2)"
task.buy.request = "POST /b"
"#;

async fn serving(recorder: &Recorder, password: Option<&str>) -> (tempfile::TempDir, Serving) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("workload.toml");
    std::fs::write(&file, WORKLOAD).unwrap();
    let mut cicada = Cicada::new().file(&file).env("SHOP_URL", recorder.url());
    if let Some(password) = password {
        cicada = cicada.env("LOCUST_BASIC_AUTH", password);
    }
    (folder, cicada.serve().await)
}

/// What the client is answered.
async fn ask(mut question: Value, calls: Value) -> Value {
    question["calls"] = calls;
    let asked = move || ask_beside("mcp", "mcp", "mcp_client.py", &question);
    tokio::task::spawn_blocking(asked).await.unwrap()
}

/// The questions to a server: over HTTP in the protocol's newest version and in older ones, and by `cicada mcp`.
fn ways(url: &str) -> [Value; 3] {
    let binary = env!("CARGO_BIN_EXE_cicada");
    [
        json!({"server": format!("{url}/mcp")}),
        json!({"server": format!("{url}/mcp"), "mode": "legacy"}),
        json!({"command": [binary, "mcp", url]}),
    ]
}

fn text(result: &Value) -> &str {
    result["text"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_starts_resizes_reads_and_stops_a_run() {
    let recorder = Recorder::start().await;
    let (_folder, cicada) = serving(&recorder, None).await;
    for way in ways(cicada.url()) {
        let start = json!({"user_count": 4, "spawn_rate": 100, "user_classes": ["Shopper"]});
        let answer = ask(way.clone(), json!([["start", start]])).await;
        assert_eq!(answer["name"], "cicada", "{answer}");
        assert_eq!(answer["results"][0]["is_error"], false, "{answer}");
        assert_eq!(answer["tools"]["stop"]["only_reads"], false);
        assert_eq!(answer["tools"]["ledger"]["only_reads"], true);
        assert_eq!(answer["tools"]["check_workload"]["only_reads"], true);
        let required = &answer["tools"]["resize"]["schema"]["required"];
        assert_eq!(*required, json!(["user_count"]));

        let began = Instant::now();
        loop {
            let calls = json!([["statistics", {}], ["ledger", {}], ["list_runs", {"limit": 1}]]);
            let answer = ask(way.clone(), calls).await;
            let results = answer["results"].as_array().unwrap();
            assert!(
                results.iter().all(|result| result["is_error"] == false),
                "{answer}"
            );
            let statistics = &results[0]["structured"];
            let recorded = &results[1]["structured"]["recorded"];
            if statistics["state"] == "running"
                && statistics["total_rps"].as_f64() > Some(0.0)
                && recorded.as_u64() > Some(0)
            {
                assert_eq!(statistics["user_count"], 4);
                assert_eq!(statistics["stats"][0]["name"], "GET /a");
                let run = &results[2]["structured"]["runs"][0]["id"];
                let of_run = ask(way.clone(), json!([["statistics", {"run": run}]])).await;
                assert_eq!(of_run["results"][0]["structured"]["user_count"], 4);
                break;
            }
            assert!(began.elapsed() < LIMIT, "{answer}");
            sleep(Duration::from_millis(100)).await;
        }
        let resize = json!({"user_count": 2, "spawn_rate": 100});
        let calls = json!([["resize", resize], ["compare_models", {}], ["stop", {}]]);
        let answer = ask(way.clone(), calls).await;
        let results = answer["results"].as_array().unwrap();
        assert!(
            results.iter().all(|result| result["is_error"] == false),
            "{answer}"
        );
        cicada.until_stopped(LIMIT).await;
    }
    assert!(
        recorder
            .seen()
            .iter()
            .all(|request| request.line == "GET /a")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_reads_checks_and_replaces_workloads_and_schedules() {
    let recorder = Recorder::start().await;
    let (_folder, cicada) = serving(&recorder, None).await;
    let other = WORKLOAD.replace("Buyer", "Payer");
    for way in ways(cicada.url()) {
        let schedule =
            json!({"name": "a-b", "start": "0 8 * * *", "user_count": 3, "spawn_rate": 1});
        let calls = json!([
            ["read_workload", {}],
            ["check_workload", {"workload": "[class.A]\nwat = 1\n"}],
            ["check_workload", {"workload": other}],
            ["replace_workload", {"workload": other, "version": "0"}],
            ["replace_workload", {"workload": other}],
            ["read_workload", {}],
            ["replace_workload", {"workload": WORKLOAD}],
            ["put_schedule", schedule],
            ["list_schedules", {}],
            ["delete_schedule", {"name": "a-b"}],
            ["delete_schedule", {"name": "a-b"}],
            ["start", {"user_count": "many"}],
            ["stop", {"now": true}],
        ]);
        let answer = ask(way, calls).await;
        let results = answer["results"].as_array().unwrap();
        let failed = results.iter().map(|result| result["is_error"] == true);
        let failed: Vec<bool> = failed.collect();
        let expected = [1, 3, 10, 11, 12];
        let expected: Vec<bool> = (0..results.len())
            .map(|at| expected.contains(&at))
            .collect();
        assert_eq!(failed, expected, "{results:#?}");
        assert_eq!(text(&results[0]), WORKLOAD);
        assert!(
            text(&results[1]).contains("unknown key `wat`"),
            "{}",
            results[1]
        );
        assert_eq!(text(&results[5]), other);
        assert_eq!(results[8]["structured"]["schedules"][0]["name"], "a-b");
        assert!(text(&results[11]).contains("user_count"), "{}", results[11]);
        let said = "\"now\" is no argument of stop: it takes no arguments";
        assert_eq!(text(&results[12]), said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_come_in_by_the_same_door() {
    let recorder = Recorder::start().await;
    let (_folder, cicada) = serving(&recorder, Some("agent:smith")).await;
    let client = reqwest::Client::new();
    let asked = |origin: Option<&str>, password: bool| {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
        let mut request = client
            .post(format!("{}/mcp", cicada.url()))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(body);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        if password {
            request = request.basic_auth("agent", Some("smith"));
        }
        async move { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(asked(None, true).await, 200);
    assert_eq!(asked(None, false).await, 401);
    assert_eq!(asked(Some("https://evil.example"), true).await, 403);
    let way = json!({"server": format!("{}/mcp", cicada.url()), "auth": ["agent", "smith"]});
    let answer = ask(way, json!([["list_runs", {}]])).await;
    assert_eq!(answer["results"][0]["is_error"], false, "{answer}");
    // without the password the program says what to set
    let command = json!({"command": [env!("CARGO_BIN_EXE_cicada"), "mcp", cicada.url()]});
    let answer = ask(command, json!([["stop", {}]])).await;
    let said = text(&answer["results"][0]);
    assert!(
        said.ends_with("asks for a password: set LOCUST_BASIC_AUTH=user:password"),
        "{said}"
    );
}
