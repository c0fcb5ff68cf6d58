//! What a process takes of its machine: file descriptors, memory, and the rights of its files.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use local::store::SqliteStore;
use serde_json::{Value, json};
use testing::assert_adds_up;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use traffic::clock::Clock;
use traffic::ports::RunStore as _;

use crate::harness::{Cicada, LIMIT, Serving, targets};

/// Users of a host that is given by a variable.
const WORKLOAD: &str = r#"
[hosts.t]
url = "http://127.0.0.1:9"
env = "TARGET_APP_URL"
[class.U]
host = "t"
wait = "constant_pacing(1)"
task.ask.request = "GET /"
"#;

/// A target that answers each request half a second after it has come, over as many connections as there are.
async fn slow() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4_096];
                // a request without a body comes in one piece
                while matches!(stream.read(&mut request).await, Ok(1..)) {
                    sleep(Duration::from_millis(500)).await;
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                    if stream.write_all(answer).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    port
}

/// Asks on a connection of its own, as `curl` does; what was answered within some time.
async fn asked(cicada: &Serving, method: &str, path: &str) -> (u16, Value) {
    let client = reqwest::Client::new();
    let request = client.request(method.parse().unwrap(), format!("{}{path}", cicada.url()));
    let began = Instant::now();
    let answer = request.timeout(LIMIT).send().await;
    let answer =
        answer.unwrap_or_else(|error| panic!("{path} after {:?}: {error}", began.elapsed()));
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn few_file_descriptors_make_requests_late_and_are_no_failures_of_the_target() {
    for files in [64, 256, 1_024] {
        let folder = tempfile::tempdir().unwrap();
        let workload = folder.path().join("slow.toml");
        fs::write(&workload, WORKLOAD).unwrap();
        let limit = format!("ulimit -n {files}; exec \"$0\" \"$@\"");
        let cicada = Cicada::new()
            .wrapped(["sh", "-ec", &limit])
            // by name, for looking it up takes descriptors as well
            .env(
                "TARGET_APP_URL",
                format!("http://localhost:{}", slow().await),
            )
            .db(&folder.path().join("runs.db"))
            .file(&workload)
            .serve()
            .await;
        cicada.swarm("user_count=3000&spawn_rate=3000").await;
        // places are scarce: requests wait for one, before they are sent
        cicada
            .until("/ledger", LIMIT, |ledger| {
                ledger["starved"]["lateness_p95_ms"].as_f64() > Some(1_000.0)
            })
            .await;
        for _ in 0..10 {
            for path in ["/health", "/stats/requests", "/ledger", "/runs"] {
                let (status, _) = asked(&cicada, "GET", path).await;
                assert_eq!(status, 200, "{path} with {files} files");
            }
            sleep(Duration::from_millis(200)).await;
        }
        let (_, statistics) = asked(&cicada, "GET", "/stats/requests").await;
        assert_eq!(statistics["errors"], json!([]), "with {files} files");
        assert!(statistics["starved"]["message"].is_string(), "{statistics}");
        let row = statistics["stats"].as_array().unwrap().last().unwrap();
        assert!(row["num_requests"].as_u64() > Some(20), "{row}");
        let average = row["avg_response_time"].as_f64().unwrap();
        assert!((500.0..2_500.0).contains(&average), "{row}");
        let (_, stopped) = asked(&cicada, "POST", "/stop").await;
        assert_eq!(stopped["success"], true, "{stopped}");
        assert_adds_up(&asked(&cicada, "GET", "/ledger").await.1);
        let log = cicada.log();
        assert!(
            log.contains("response times include our own waiting"),
            "{log}"
        );
        assert!(!log.contains("cannot be accepted"), "{log}");
        assert!(!log.contains("cannot be written"), "{log}");
        assert!(!log.contains("not sent: too many open files"), "{log}");
    }
}

/// What a process has in memory that no file has, in MB.
fn anonymous_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB").trim();
    kilobytes.parse::<u64>().unwrap() / 1_000
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_of_ten_thousand_tasks_takes_less_than_150_megabytes() {
    let mut tasks = WORKLOAD.replace("task.ask.request = \"GET /\"", "");
    for task in 0..10_000 {
        let _ = write!(
            tasks,
            "[class.U.task.t{task}]\nrequest = {{ method = 'POST', path = '/items/{task}', \
             json = {{ user = '{{{{ user }}}}', number = {task} }}, \
             expect = 'status == 200 and json.number == {task}' }}\n"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let workload = folder.path().join("many.toml");
    fs::write(&workload, tasks).unwrap();
    let cicada = Cicada::new().file(&workload).serve().await;
    cicada.swarm("user_count=50&spawn_rate=50").await;
    cicada
        .until("/stats/requests", LIMIT, |statistics| {
            let rows = statistics["stats"].as_array().unwrap();
            rows.last().unwrap()["num_requests"].as_u64() > Some(200)
        })
        .await;
    let megabytes = anonymous_memory(cicada.id());
    println!("{megabytes} MB");
    assert!(megabytes < 150, "{megabytes} MB");
}

fn rights(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_its_owners_alone_and_what_is_exported_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let database = folder.join("runs.db");
    let open = || {
        Cicada::new()
            .wrapped(["sh", "-ec", "umask 022; exec \"$0\" \"$@\""])
            .db(&database)
            .args("--autostart -u 1 --csv")
            .arg(folder.join("stats"))
            .args("--html")
            .arg(folder.join("report.html"))
            .args("--json-file")
            .arg(folder.join("stats"))
            .args("--logfile")
            .arg(folder.join("cicada.log"))
    };
    for before in [None, Some(0o644), Some(0o666), Some(0o640), Some(0o600)] {
        if let Some(before) = before {
            fs::set_permissions(&database, fs::Permissions::from_mode(before)).unwrap();
        }
        let limit = Instant::now() + LIMIT;
        let child = open().args("--web-base-path /x").start();
        let is_open =
            || folder.join("stats_stats.csv").exists() && folder.join("runs.db-wal").exists();
        while !is_open() || rights(&database) != 0o600 {
            assert!(
                Instant::now() < limit,
                "{before:?}: {:o}",
                rights(&database)
            );
            sleep(Duration::from_millis(50)).await;
        }
        for beside in ["runs.db-wal", "runs.db-shm", "runs.db-journal"] {
            let beside = folder.join(beside);
            if beside.exists() {
                assert_eq!(rights(&beside), 0o600, "{before:?}: {}", beside.display());
            }
        }
        child.end().await;
        let log = fs::read_to_string(folder.join("cicada.log")).unwrap();
        let said = log
            .matches("runs.db was open to other users of this machine")
            .count();
        let wide = [Some(0o644), Some(0o666), Some(0o640)];
        let expected = wide.iter().take_while(|known| **known != before).count();
        let expected = match before {
            None => 0,
            _ => (expected + 1).min(wide.len()),
        };
        assert_eq!(said, expected, "{before:?}: {log}");
    }
    for exported in ["stats_stats.csv", "report.html", "stats.json", "cicada.log"] {
        assert_eq!(rights(&folder.join(exported)), 0o644, "{exported}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_database_of_ours_keeps_its_rights() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    fs::write(&file, "x".repeat(2_000)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let output = Cicada::new().db(&file).run().await;
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(rights(&file), 0o644);
}

mod soak {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "minutes: make soak"]
    async fn a_run_that_is_resized_again_and_again_keeps_what_is_not_settled() {
        const BURST: u32 = 300;
        let targets = targets(0.0).await;
        let folder = tempfile::tempdir().unwrap();
        let workload = folder.path().join("quick.toml");
        let quick = WORKLOAD.replace(
            "task.ask.request = \"GET /\"",
            "task.ask.request = { path = \"/health\", timeout = \"1s\" }",
        );
        fs::write(&workload, quick).unwrap();
        let database = folder.path().join("runs.db");
        let cicada = Cicada::new().at(&targets).db(&database).file(&workload);
        let cicada = cicada.args("--loglevel DEBUG").serve().await;
        let began = Instant::now();
        let mut resizes = 0;
        let is_folded = || {
            cicada
                .log()
                .contains("what is settled of the run is folded")
        };
        // it is settled about two minutes later
        while !is_folded() || resizes < BURST {
            assert!(began.elapsed() < 3 * LIMIT, "{}", cicada.log());
            let users = 10 + resizes % 7;
            cicada
                .swarm(&format!("user_count={users}&spawn_rate=100"))
                .await;
            resizes += 1;
            if resizes > BURST {
                sleep(Duration::from_secs(2)).await;
            }
        }
        let ledger = cicada.settle(LIMIT).await;
        assert_adds_up(&ledger);
        assert_eq!(ledger["missing"], 0, "{ledger:#}");
        assert_eq!(cicada.total().await, targets.counters().total.requests);
        assert_eq!(cicada.terminate().await, 0);

        let store = SqliteStore::open(&database, Clock::system()).unwrap();
        let run = store.latest_run().await.unwrap().unwrap();
        let past = run.past.as_ref().map_or(0, |past| past.segments);
        assert_eq!(past + run.segments.len() as u32, resizes);
        assert!(past >= BURST / 2, "{past} of {resizes} are folded");
        let spawners = run.past.as_ref().map_or(0, |past| past.spawners.len());
        assert!(spawners <= 16, "one for each user at most: {:?}", run.past);
    }
}
