//! No template kills the process, hangs it or fills its memory: not when it is read, nor while traffic runs.
//!
//! A stack that overflows ends the process, so the templates are tried in a process of its own. It says
//! what it tries next, and what it did with it; how much memory it had at most is asked from Linux. What a
//! machine that is busy does to the time is left to a generous end: what never ends is found by it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use reqwest::StatusCode;
use traffic::random::Draws;
use traffic::workload::{Response, Scope, Workload};

use super::{no_variables, one_request};

mod cases;
mod grammar;

use cases::{cases, times};

/// How long one template may take on a busy machine, without optimization.
const PATIENCE: Duration = Duration::from_secs(120);

/// What one file may make the process grow by, in kB.
const MEMORY: u64 = 64 * 1024;

/// Set in the process that tries the templates.
const CHILD: &str = "CICADA_TEST_TEMPLATES";

/// What is before the kind of a large body, in place of a file's text.
const LARGE: &str = "large: ";

/// Reads a file and, if it is right, does what its traffic would.
fn attempt(source: &str) -> String {
    let workload = match Workload::parse(source, "w.toml", &no_variables) {
        Ok(workload) => workload,
        Err(errors) => {
            let mut mistakes = errors.mistakes().iter();
            let lines = source.split('\n').count();
            assert!(mistakes.all(|mistake| (1..=lines).contains(&mistake.line)));
            return errors.to_string().lines().next().unwrap().to_owned();
        }
    };
    let mut said = "runs".to_owned();
    for class in workload.classes() {
        for task in class.tasks() {
            let draws = Draws::new(1, class.name(), 0, 0);
            let mut scope = Scope::new(class, task, 0, 0, draws);
            for step in task.steps() {
                scope.begin(step).unwrap();
                let body = step
                    .body
                    .as_ref()
                    .map(|body| body.render(&mut scope).map(drop));
                if let Some(Err(error)) = body {
                    said = format!("runs: {error}");
                }
                if let Err(error) = step.judge(&mut scope, hostile_response()) {
                    said = format!("runs: {error}");
                }
            }
        }
    }
    said
}

fn hostile_response() -> Response {
    Response {
        status: StatusCode::OK,
        body: times("[", 100).into_bytes().into(),
        ..Response::default()
    }
}

/// What a check of a response's JSON may make the process grow by, in kB: the budget of all values, and half
/// as much for what is only estimated.
const VALUES: u64 = 384 * 1024;

/// A body of 64 MB that takes many times its length as values, unless it is one long text.
fn large(kind: &str) -> String {
    let of = |piece: &str| {
        let mut body = times(piece, 64_000_000 / piece.len());
        body.pop();
        format!("[{body}]")
    };
    match kind {
        "numbers" => of("0,"),
        "floats" => of("1.5,"),
        "large numbers" => of(&format!("{},", times("9", 40))),
        "lists" => of("[],"),
        "lists of one" => of("[0],"),
        "deep lists" => of(&format!("{}{},", times("[", 900), times("]", 900))),
        "objects" => of("{},"),
        "small objects" => of(r#"{"":0},"#),
        "one object" => {
            let fields: String = (0..4_000_000).map(|it| format!(r#""{it}":0,"#)).collect();
            format!("{{{}}}", fields.trim_end_matches(','))
        }
        "strings" => of(r#""","#),
        "longer strings" => of(r#""a text of more than 22 bytes","#),
        "one string" => format!(r#""{}""#, times("a", 64_000_000)),
        "one escaped string" => format!(r#""{}""#, times("\\n", 32_000_000)),
        kind => unreachable!("{kind}"),
    }
}

/// Checks the JSON of a large body, as one request of the traffic would.
fn check_large(kind: &str) -> (u64, String) {
    let body = bytes::Bytes::from(large(kind));
    let source = one_request(
        "",
        "path='/'\nexpect='json is not none'\ncapture.all='json'",
    );
    let workload = Workload::parse(&source, "w.toml", &no_variables).unwrap();
    let class = &workload.classes()[0];
    let task = &class.tasks()[0];
    let mut scope = Scope::new(class, task, 0, 0, Draws::new(1, class.name(), 0, 0));
    let mut said = String::new();
    let grown = growth(|| {
        let response = Response {
            status: StatusCode::OK,
            body,
            ..Response::default()
        };
        said = format!("{:?}", task.steps()[0].judge(&mut scope, response));
    });
    (grown, said)
}

/// The memory of this process in kB: as it is (`VmRSS`), or at most (`VmHWM`).
fn memory(kind: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(kind));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// By how many kB `work` has grown this process at most.
fn growth(work: impl FnOnce()) -> u64 {
    // the most is what it is now
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = memory("VmRSS:");
    work();
    memory("VmHWM:").saturating_sub(before)
}

/// The other process: tries each file that it reads, a JSON string in each line.
#[test]
#[ignore = "the other tests start it"]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let mut out = std::io::stdout();
    writeln!(out, "\nready 0").unwrap();
    for line in std::io::stdin().lines() {
        let source: String = serde_json::from_str(&line.unwrap()).unwrap();
        let mut said = String::new();
        let grown = match source.strip_prefix(LARGE) {
            Some(kind) => {
                let (grown, verdict) = check_large(kind);
                said = verdict;
                grown
            }
            None => growth(|| said = attempt(&source)),
        };
        writeln!(out, "done {grown} {said:?}").unwrap();
        out.flush().unwrap();
    }
}

/// Tries files in another process, and panics with the one that it did not survive.
fn try_all(sources: impl Iterator<Item = String>) -> Vec<String> {
    try_within(MEMORY, sources)
}

/// The same with another bound of the memory, in kB.
fn try_within(most: u64, sources: impl Iterator<Item = String>) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "bounds::child", "--ignored", "--nocapture"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            let _ = tell.send(line);
        }
    });
    let next = |prefix: &str| loop {
        match told.recv_timeout(PATIENCE) {
            Ok(line) => {
                if let Some(rest) = line.strip_prefix(prefix) {
                    let (memory, said) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
                    return Ok((memory.parse::<u64>().unwrap(), said.to_owned()));
                }
            }
            Err(error) => return Err(error),
        }
    };
    next("ready").unwrap();
    let mut said = Vec::new();
    for source in sources {
        let line = serde_json::Value::from(&*source).to_string();
        let sent = writeln!(input, "{line}");
        let answer = sent.ok().map(|()| next("done"));
        let Some(Ok((memory, verdict))) = answer else {
            let _ = child.kill();
            let head: String = source.chars().take(2_000).collect();
            panic!("{answer:?}: this was not survived:\n{head}");
        };
        // what it had at most stays, so the first that needs more is the one that is named
        let head: String = source.chars().take(600).collect();
        assert!(memory < most, "{memory} kB more:\n{head}");
        if source.starts_with(LARGE) {
            println!("{source}: {memory} kB more: {verdict}");
        }
        said.push(verdict);
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    said
}

#[test]
fn no_template_of_a_known_kind_kills_or_hangs() {
    let cases = cases();
    try_all(cases.into_iter());
}

#[test]
fn the_values_of_a_large_body_have_a_bound_and_it_is_said_when_it_is_met() {
    have_a_bound(
        &["numbers", "objects", "deep lists"],
        &["one escaped string"],
    );
}

mod soak {
    #[test]
    #[ignore = "a minute: make soak"]
    fn the_values_of_large_bodies_of_every_kind_have_a_bound() {
        let too_large = [
            "numbers",
            "floats",
            "lists",
            "lists of one",
            "objects",
            "small objects",
            "one object",
            "strings",
            "deep lists",
        ];
        let read = [
            "one string",
            "one escaped string",
            "longer strings",
            "large numbers",
        ];
        super::have_a_bound(&too_large, &read);
    }
}

/// Bodies whose values are too large, and others that can be read.
fn have_a_bound(too_large: &[&str], read: &[&str]) {
    let said = try_within(
        VALUES,
        too_large.iter().map(|kind| format!("{LARGE}{kind}")),
    );
    for (kind, said) in too_large.iter().zip(said) {
        assert!(
            said.contains("the body's values take too much memory"),
            "{kind}: {said}"
        );
    }
    let said = try_within(VALUES, read.iter().map(|kind| format!("{LARGE}{kind}")));
    for (kind, said) in read.iter().zip(said) {
        // they pass the check, and are too large to be captured
        assert!(said.contains("makes too much text"), "{kind}: {said}");
    }
}
