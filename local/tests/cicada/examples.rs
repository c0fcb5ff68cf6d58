//! The workloads of `examples/` as people run them: each against a server that has what it asks for, and nothing fails.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use serde_json::Value;
use tokio::net::TcpListener;
use traffic::workload::{FOLDER, Workload};

use crate::harness::{Cicada, targets};

mod services;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// The workloads, sorted by name.
fn examples() -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder()).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let is_toml = |path: &PathBuf| path.extension().is_some_and(|end| end == "toml");
    let mut files: Vec<PathBuf> = files.filter(is_toml).collect();
    files.sort();
    files
}

/// The variables that the workload's hosts are named by, and the names of its requests.
fn read(path: &Path) -> (Vec<String>, BTreeSet<String>) {
    let text = std::fs::read_to_string(path).unwrap();
    let folder = folder().display().to_string();
    let lookup = |name: &str| (name == FOLDER).then(|| folder.clone());
    let workload = Workload::parse(&text, "example", &lookup)
        .unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let hosts = workload.hosts().iter();
    let variables = hosts.map(|host| host.variable().expect("a variable").to_owned());
    let classes = workload.classes().iter();
    let names = classes
        .flat_map(|class| class.steps())
        .map(|step| step.name.to_string());
    (variables.collect(), names.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_runs_and_nothing_fails() {
    let files = examples();
    assert!(files.len() >= 10, "{files:?}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server =
        tokio::spawn(async move { axum::serve(listener, services::router()).await.unwrap() });
    let agent = targets(0.0).await;
    let runs = files.iter().map(|path| {
        let (variables, names) = read(path);
        // --exit-code-on-error is 1: a failure, or an expectation that does not hold, ends with it
        let line = "--headless -u 40 -r 200 -t 9s --seed 5 --json --stop-timeout 5";
        let cicada = Cicada::bare().file(path).args(line);
        let cicada = variables
            .iter()
            .fold(cicada, |cicada, name| cicada.env(name, &*url));
        let cicada = cicada.env("AI_AGENT_URL", agent.ai_agent_url());
        async move { (path, names, cicada.run().await) }
    });
    for (path, names, output) in join_all(runs).await {
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{path:?}: {said}");
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        // with thresholds, the rows are one of its fields
        let rows = answer
            .get("statistics")
            .unwrap_or(&answer)
            .as_array()
            .unwrap();
        let is_sent = |row: &&Value| row["num_requests"].as_u64() > Some(0);
        let sent = rows.iter().filter(is_sent);
        let sent: BTreeSet<String> = sent
            .map(|row| row["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(sent, names, "{path:?}: {said}");
        let failures: u64 = rows
            .iter()
            .map(|row| row["num_failures"].as_u64().unwrap())
            .sum();
        assert_eq!(failures, 0, "{path:?}: {said}");
    }
    server.abort();
}
