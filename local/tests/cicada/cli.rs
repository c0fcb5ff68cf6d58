//! The command line: every flag and its variable do what they say, a mistake is one line that names
//! it, and what is printed is laid out as Locust does it.

use std::path::{Path, PathBuf};
use std::process::Output;

use testing::Recorder;

use crate::harness::Cicada;

mod arbitrary;
mod authors;
mod configuration;
mod cost;
mod demo;
mod documented;
mod env;
mod exports;
mod flags;
mod health;
mod inspect;
mod iterations;
mod locust;
mod locustfiles;
mod misuse;
mod printed;
mod seed;
mod shapes;
mod tags;
mod thresholds;
mod web;

/// Two classes whose users are due twice a second, two that have trouble, and one with tasks.
const WORKLOAD: &str = r#"
[hosts.shop]
url = "http://127.0.0.1:9"
env = "SHOP_URL"
[headers]
X-Cicada-User = "{{ user_class }}/{{ user }}"
[class.Many]
fixed_count = 2
wait = "constant_pacing(0.5)"
task.first = { weight = 3, request = "GET /first" }
task.second = { request = "GET /second" }
task.third = { weight = 2, request = "GET /third" }
[class.Broken]
wait = "constant_pacing(0.5)"
task.look.request = "GET /broken"
[class.Other]
weight = 3
wait = "constant_pacing(0.5)"
task.look.request = "GET /other"
[class.Paced]
wait = "constant_pacing(0.5)"
task.look.request = "GET /paced"
[class.Slow]
wait = "constant_pacing(0.5)"
task.look.request = "GET /slow"
"#;

/// A folder with the workload in it.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("workload.toml");
    std::fs::write(&file, WORKLOAD).unwrap();
    (folder, file)
}

/// A headless run of the workload against a recorder.
fn headless(workload: &Path, recorder: &Recorder) -> Cicada {
    let cicada = Cicada::bare().file(workload);
    cicada.args("--headless").env("SHOP_URL", recorder.url())
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The line that says what was planned and what became of it.
fn ledger(output: &Output) -> String {
    let text = stderr(output);
    let line = text.lines().find(|line| line.starts_with("Ledger: "));
    let line = line.unwrap_or_else(|| panic!("no ledger: {text}"));
    line.trim_start_matches("Ledger: ").to_owned()
}

/// What the ledger says when everything went as planned.
fn all_recorded(planned: u64) -> String {
    format!("{planned} planned = {planned} recorded + 0 skipped + 0 missing")
}
