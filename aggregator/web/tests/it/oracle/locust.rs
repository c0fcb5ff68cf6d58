//! Locust's own statistics, in a Python process.

use serde_json::Value;
use testing::tools::{oracle, said};

use super::log::Log;

/// What Locust answers to the questions in each log.
pub(crate) fn answers(logs: &[Log]) -> Vec<Vec<Value>> {
    let lines: Vec<String> = logs.iter().map(Log::line).collect();
    let answers = said(&mut oracle("request_stats.py"), &(lines.join("\n") + "\n"));
    let list = |line| serde_json::from_str(line).expect("python prints a list of answers");
    let answers: Vec<Vec<Value>> = answers.lines().map(list).collect();
    assert_eq!(answers.len(), logs.len(), "an answer to every log");
    answers
}
