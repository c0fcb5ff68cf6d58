//! The tools that results are checked with: Python scripts beside Locust and other packages, and promtool.
//!
//! `scripts/tools.sh` installs them in `.tools/`; a test whose tool is missing says so and fails.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The repository.
pub fn root() -> &'static Path {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.expect("the crate lies in the repository")
}

/// The Python that Locust is installed for, by `CICADA_PYTHON` another one.
pub fn locusts_python() -> PathBuf {
    let python = std::env::var_os("CICADA_PYTHON").map(PathBuf::from);
    installed(
        "locust",
        python.unwrap_or_else(|| root().join(".tools/venv/bin/python")),
    )
}

/// A script in `tests/oracle` in that Python.
pub fn oracle(script: &str) -> Command {
    let mut command = Command::new(locusts_python());
    command.arg(root().join("tests/oracle").join(script));
    command
}

/// What such a script answers, with JSON in and JSON out.
pub fn ask<T: DeserializeOwned>(script: &str, question: &Value) -> T {
    let answer = said(&mut oracle(script), &question.to_string());
    serde_json::from_str(&answer).expect("python prints JSON")
}

/// The same of a script whose packages `scripts/tools.sh` has installed as `tool` in the folder `place`.
pub fn ask_beside(tool: &str, place: &str, script: &str, question: &Value) -> Value {
    let python = root().join(".tools").join(place).join("bin/python");
    let mut command = Command::new(installed(tool, python));
    command.arg(root().join("tests/oracle").join(script));
    let answer = said(&mut command, &question.to_string());
    serde_json::from_str(&answer).expect("python prints JSON")
}

/// Runs promtool with this on its standard input.
pub fn promtool(arguments: &[&str], input: &str) -> Output {
    let promtool = installed("promtool", root().join(".tools/promtool/promtool"));
    fed(Command::new(promtool).args(arguments), input)
}

/// What a program that reads this prints; it must end well.
pub fn said(command: &mut Command, input: &str) -> String {
    let output = fed(command, input);
    assert!(
        output.status.success(),
        "{command:?} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("it prints text")
}

fn installed(tool: &str, program: PathBuf) -> PathBuf {
    assert!(
        program.exists(),
        "{} is missing: run `scripts/tools.sh {tool}`",
        program.display()
    );
    program
}

/// What a program does that reads this.
fn fed(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_owned();
    // it may answer before it has read everything
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("the program ends");
    // a program that has seen enough may close its input
    let _ = writer.join().expect("writing does not panic");
    output
}
