//! `--results` and `cicada results`: a row for every request that counts, and nothing else.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use testing::Recorder;

use crate::harness::Cicada;

mod database;

/// Users that begin with a request and end with one, one of whose requests fails and shows a secret.
const WORKLOAD: &str = r#"
[hosts.shop]
url = "http://127.0.0.1:9"
env = "SHOP_URL"
[class.Shopper]
wait = "constant_pacing(0.5)"
start.request = "POST /login"
stop.request = "POST /logout"
task.look.request = [
    { path = "/look" },
    { path = "/broken", failure = "not {{ secret('SHOP_CODE') }}, \"but\"\nthat" },
]
"#;

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A headless run of three users for four seconds.
fn shopping(folder: &Path, recorder: &Recorder) -> Cicada {
    let file = folder.join("shop.toml");
    std::fs::write(&file, WORKLOAD).unwrap();
    let cicada = Cicada::bare().file(file);
    cicada
        .args("--headless -u 3 -r 3 -t 4s --json")
        .env("SHOP_URL", recorder.url())
        .env("SHOP_CODE", "open-sesame")
}

/// Requests and failures of the printed statistics.
fn counted(output: &Output) -> (u64, u64) {
    let statistics: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = statistics.as_array().unwrap();
    let sum = |field: &str| rows.iter().map(|row| row[field].as_u64().unwrap()).sum();
    (sum("num_requests"), sum("num_failures"))
}

fn rows(text: &str) -> Vec<Value> {
    let rows = text.lines().map(serde_json::from_str);
    rows.map(Result::unwrap).collect()
}

#[tokio::test]
async fn every_request_is_a_row_and_its_secrets_are_masked() {
    let (folder, recorder) = (tempfile::tempdir().unwrap(), Recorder::start().await);
    let (path, db) = (
        folder.path().join("new/all.jsonl"),
        folder.path().join("a.db"),
    );
    let cicada = shopping(folder.path(), &recorder).db(&db);
    let output = cicada.arg("--results").arg(&path).run().await;
    let (requests, failures) = counted(&output);
    assert!(failures > 10, "{}", stderr(&output));
    let text = std::fs::read_to_string(&path).unwrap();
    let written = rows(&text);
    assert_eq!(written.len() as u64, requests);
    assert_eq!(requests, recorder.seen().len() as u64);
    let failed: Vec<_> = written
        .iter()
        .filter(|row| !row["error"].is_null())
        .collect();
    assert_eq!(failed.len() as u64, failures);
    assert!(
        failed
            .iter()
            .all(|row| row["status"] == 500 && row["task"] == "look")
    );
    let error = failed[0]["error"].as_str().unwrap();
    assert!(
        error.contains("***") && !text.contains("open-sesame"),
        "{error}"
    );
    for (name, task, times) in [("POST /login", "start", 3), ("POST /logout", "stop", 3)] {
        let sent = written
            .iter()
            .filter(|row| row["name"] == name && row["task"] == task);
        let users: BTreeSet<u64> = sent
            .map(|row| row["user_index"].as_u64().unwrap())
            .collect();
        assert_eq!(users.len(), times, "{text}");
    }
    let line = format!("{requests} results are in {}", path.display());
    assert!(stderr(&output).contains(&line), "{}", stderr(&output));

    // the records have the same requests, and less of each
    let command = Cicada::bare().arg("results").db(&db);
    let printed = command.run().await;
    let recorded = rows(&stdout(&printed));
    assert_eq!((recorded.len() as u64, &*stderr(&printed)), (requests, ""));
    let known = [
        "run_id",
        "started_at",
        "user_class",
        "name",
        "response_time_ms",
        "error",
    ];
    let key = |row: &Value| known.map(|column| row[column].to_string());
    let [one, other] =
        [&written, &recorded].map(|rows| rows.iter().map(key).collect::<BTreeSet<_>>());
    assert_eq!(one, other);
    assert!(
        recorded
            .iter()
            .all(|row| row["status"].is_null() && row["user_index"].is_null())
    );
    let run = written[0]["run_id"].as_str().unwrap();
    let command = Cicada::bare()
        .arg("results")
        .db(&db)
        .args("--format csv --run");
    let csv = stdout(&command.arg(run).run().await);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    assert_eq!(
        reader.records().map(Result::unwrap).count() as u64,
        requests
    );
    let command = Cicada::bare().arg("results").db(&db).args("--run");
    let output = command.arg("06599ee3c3a0c8-0000002a").run().await;
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains(run), "{}", stderr(&output));
}

#[tokio::test]
async fn a_packed_file_has_the_rows_of_a_run_that_is_told_to_end() {
    let (folder, recorder) = (tempfile::tempdir().unwrap(), Recorder::start().await);
    let path = folder.path().join("all.csv.gz");
    let cicada = shopping(folder.path(), &recorder).args("--run-time 1h --results");
    let (_code, log) = cicada
        .arg(&path)
        .until_logged_and_ended("All users spawned")
        .await;
    let mut reader = csv::Reader::from_reader(flate2::read::MultiGzDecoder::new(
        std::fs::File::open(&path).unwrap(),
    ));
    assert_eq!(reader.headers().unwrap(), &local::results::row::COLUMNS[..]);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert!(rows.len() >= 3, "{log}");
    assert!(
        log.contains(&format!("{} results are in ", rows.len())),
        "{log}"
    );
    assert!(rows.iter().any(|row| &row[7] == "POST /logout"), "{rows:?}");
}

#[tokio::test]
async fn what_cannot_be_written_to_is_said_before_anything_runs_and_without_a_password() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let cicada = || {
        Cicada::bare()
            .args("--headless -t 1s")
            .within(folder.path())
    };
    for (value, said) in [
        (
            "results.txt",
            "--results is \"results.txt\": write a file that ends with .jsonl or .csv",
        ),
        (
            "file/a.csv",
            "--results file/a.csv cannot be written: name a file in a folder that may be",
        ),
        (
            "mysql://me:hidden@db/x",
            "--results has the scheme mysql://: write a file",
        ),
        (
            "postgres://me:hid@den@db/x",
            "--results has more than one @: write %40 for that of",
        ),
        (
            "postgres://db/x?password=hidden&sslmode=no",
            "--results is a URL that cannot be read: ",
        ),
    ] {
        for cicada in [
            cicada().arg("--results").arg(value),
            cicada().env("CICADA_RESULTS", value),
        ] {
            let output = tokio::time::timeout(Duration::from_secs(60), cicada.run()).await;
            let output = output.unwrap();
            let text = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{text}");
            assert!(text.contains(said) && !text.contains("den"), "{text}");
        }
    }
    for (line, said) in [
        ("results", "cicada: --db or --table is missing: "),
        (
            "results --db missing.db",
            "cicada: --db missing.db is not there: ",
        ),
        (
            "results --table no/table",
            "cicada: CICADA_TABLE is \"no/table\": ",
        ),
        (
            "--results a.csv --results-max-size 0",
            "must be a size such as 500k, 100m or 1g",
        ),
        ("--results a.csv --results-max-files 0", "0 is not in 1.."),
    ] {
        let output = Cicada::bare().args(line).within(folder.path()).run().await;
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
    assert!(!folder.path().join("missing.db").exists());
}
