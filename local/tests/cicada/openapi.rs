//! Schemathesis against the real program: every route of `/openapi.json` is asked, as it is described and as it
//! is not, and what is answered is what is described.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;

use crate::harness::{Cicada, Serving, targets};

/// The run in the document's examples.
const EXAMPLE_RUN: &str = "0660f42633c5d4-80e9a2b6";

/// What is looked at in each answer. Locust answers what it refuses with status 200, so that refusals cannot
/// be told by it.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_schema_conformance";

/// A program on this machine only, with few users, traffic behind it, and something in every list.
async fn program() -> (Serving, stand_ins::Targets) {
    let targets = targets(0.05).await;
    let cicada = Cicada::new().at(&targets);
    let limits = "--max-users 20 --max-spawn-rate 20 --allowed-hosts 127.0.0.1 --seed 1";
    let cicada = cicada.args(limits).serve().await;
    cicada.swarm("user_count=12&spawn_rate=20").await;
    for name in ["weekdays", "nightly"] {
        let form = format!("name={name}&start=0 9 * * 1-5&user_count=1&spawn_rate=1");
        let saved = cicada.post("/schedules", &form).await;
        assert_eq!(saved["success"], true, "{saved}");
    }
    let user = r#"{"user_class_name": "ModelAUser", "fixed_count": 2}"#;
    let (status, changed) = cicada.send("POST", "/user", user).await;
    assert_eq!(status, 201, "{changed}");
    let is_busy = |statistics: &Value| {
        let rows = statistics["stats"].as_array().map_or(0, Vec::len);
        rows > 4
    };
    cicada
        .until("/stats/requests", crate::harness::LIMIT, is_busy)
        .await;
    (cicada, targets)
}

fn schemathesis() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let program = root.join(".tools/http/bin/st");
    assert!(
        program.exists(),
        "{} is missing: run `scripts/tools.sh http`",
        program.display()
    );
    program
}

/// What it reports of its run against the program; the folder has its files.
async fn report(cicada: &Serving, folder: &Path) -> (Value, String) {
    let runs = cicada.get("/runs").await;
    let newest = runs["runs"][0]["id"].as_str().unwrap();
    let document = cicada.get("/openapi.json").await.to_string();
    assert!(document.contains(EXAMPLE_RUN), "an example is there");
    let document = document.replace(EXAMPLE_RUN, newest);
    std::fs::write(folder.join("openapi.json"), document).unwrap();
    let ended = Command::new(schemathesis())
        .current_dir(folder)
        .args(["run", "openapi.json", "--url", cicada.url()])
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            "10",
        ])
        .args(["--seed", "1", "--workers", "2", "--checks", CHECKS])
        .args([
            "--request-timeout",
            "30",
            "--continue-on-failure",
            "--no-color",
        ])
        .args(["--generation-database", "none", "--report", "json"])
        .args(["--report-json-path", "report.json"])
        .kill_on_drop(true)
        .output();
    let ended = tokio::time::timeout(crate::harness::LIMIT, ended).await;
    let ended = ended.expect("it ends in time").unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    let report = std::fs::read(folder.join("report.json"));
    let report = report.unwrap_or_else(|error| panic!("{error}: {said}"));
    (serde_json::from_slice(&report).unwrap(), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_what_it_is_described_to_answer() {
    let (cicada, _targets) = program().await;
    let folder = tempfile::tempdir().unwrap();
    let (report, said) = report(&cicada, folder.path()).await;
    assert_eq!(report["exit_code"], 0, "{said}");
    assert_eq!(report["failures"], Value::Array(Vec::new()), "{said}");
    let document = cicada.get("/openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    let operations: usize = paths
        .values()
        .map(|item| item.as_object().unwrap().len())
        .sum();
    assert_eq!(report["operations"]["tested"], operations, "{said}");
    // each was asked something that it could answer
    let rates = report["valid_rates"].as_object().unwrap();
    assert_eq!(rates.len(), operations, "{rates:?}");
    for (operation, phases) in rates {
        let phases = phases.as_object().unwrap().values();
        let accepted: u64 = phases
            .map(|phase| phase["accepted"].as_u64().unwrap())
            .sum();
        // a file of the web page has a name that nobody guesses, if there is a page at all
        let is_file = operation == "GET /assets/{name}";
        // it has a good answer above; here it needs a class of the workload of that moment, which a PUT changes
        let names_a_class = operation == "POST /user";
        assert!(
            accepted > 0 || is_file || names_a_class,
            "{operation} was never answered: {said}"
        );
    }
    let log = cicada.log();
    for trouble in ["panicked", "could not be answered"] {
        assert!(!log.contains(trouble), "{log}");
    }
    assert_eq!(cicada.status("/health").await.0, 200);
}
