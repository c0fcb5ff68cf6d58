//! Locust's own statistics, in a Python process.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::log::Log;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the repository")
}

fn python() -> PathBuf {
    let python = match std::env::var_os("CICADA_PYTHON") {
        Some(python) => PathBuf::from(python),
        None => root().join(".tools/venv/bin/python"),
    };
    assert!(
        python.exists(),
        "{} is missing, and Locust with it: run `scripts/tools.sh locust`",
        python.display()
    );
    python
}

/// What Locust answers to the questions in each log.
pub(crate) fn answers(logs: &[Log]) -> Vec<Vec<Value>> {
    let mut locust = Command::new(python())
        .arg(root().join("tests/oracle/request_stats.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut input = locust.stdin.take().expect("it is piped");
    let lines: Vec<String> = logs.iter().map(Log::line).collect();
    let writer = std::thread::spawn(move || {
        for line in lines {
            // when python ends early its answers are missing, which is told below
            if writeln!(input, "{line}").is_err() {
                return;
            }
        }
    });
    let output = BufReader::new(locust.stdout.take().expect("it is piped"));
    let answers: Vec<Vec<Value>> = output
        .lines()
        .map(|line| {
            let line = line.expect("python prints text");
            serde_json::from_str(&line).expect("python prints a list of answers")
        })
        .collect();
    writer.join().expect("the writer does not panic");
    let status = locust.wait().expect("python ends");
    assert!(
        status.success(),
        "python ended with {status}; its message is above"
    );
    assert_eq!(answers.len(), logs.len(), "an answer to every log");
    answers
}
