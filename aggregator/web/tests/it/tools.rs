//! The tools that answers are checked with: Python scripts beside their packages, and promtool.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The repository.
pub(crate) fn root() -> &'static Path {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("the crate lies in the repository")
}

/// Runs one of the scripts in `tests/oracle` with JSON in and JSON out; `tool` is what `scripts/tools.sh`
/// has installed its packages as, in the folder `place`.
pub(crate) fn python(tool: &str, place: &str, script: &str, question: &Value) -> Value {
    let python = root().join(".tools").join(place).join("bin/python");
    let script = root().join("tests/oracle").join(script);
    let mut command = Command::new(installed(tool, python));
    let output = fed(command.arg(script), &question.to_string());
    assert!(
        output.status.success(),
        "python ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("python prints JSON")
}

/// Runs promtool with this on its standard input.
pub(crate) fn promtool(arguments: &[&str], input: &str) -> Output {
    let promtool = installed("promtool", root().join(".tools/promtool/promtool"));
    fed(Command::new(promtool).args(arguments), input)
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
