//! Each file that converts does what it does in Locust: the mix of requests, their names, headers and shapes of
//! bodies, the waits, and which responses are failures.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use traffic::random::Draws;
use traffic::workload::{
    Response, Scope, SessionRules, SessionValues, Step, Task, UserClass, Verdict, Wait, Workload,
};

/// The files that are compared.
fn files() -> Vec<PathBuf> {
    let folder = super::folder().join("files");
    let entries = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|kind| kind == "py"))
        .collect();
    files.push(folder.join("several/main.py"));
    files.sort();
    files
}

#[test]
fn what_converts_does_what_it_does_in_locust() {
    let files = files();
    assert!(files.len() >= 20, "{}", files.len());
    let python = super::folder().join("../../../../.tools/venv/bin/python");
    let output = Command::new(python)
        .arg(super::folder().join("harness.py"))
        .args(&files)
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    for file in &files {
        let name = file.file_name().unwrap().to_str().unwrap();
        compare(name, file, &told[name]);
    }
}

fn compare(name: &str, file: &std::path::Path, locust: &Value) {
    let reading = super::read(file);
    let conversion = reading
        .conversion
        .unwrap_or_else(|problems| panic!("{problems}"));
    let workload = Workload::parse(&conversion.toml, name, &|_| None).unwrap();
    let classes = locust["classes"].as_object().unwrap();
    let names: BTreeSet<&str> = classes.keys().map(String::as_str).collect();
    let own: BTreeSet<&str> = workload
        .classes()
        .iter()
        .map(|class| &**class.name())
        .collect();
    assert_eq!(own, names, "{name}");
    for class in workload.classes() {
        let place = format!("{name}, {}", class.name());
        let locust = &classes[&**class.name()];
        assert_eq!(json!(class.weight()), locust["weight"], "{place}");
        assert_eq!(json!(class.fixed_count()), locust["fixed_count"], "{place}");
        let tags: BTreeMap<&str, Vec<&str>> = class
            .tasks()
            .iter()
            .filter(|task| !task.tags().is_empty())
            .map(|task| {
                (
                    &**task.name(),
                    task.tags().iter().map(|tag| &**tag).collect(),
                )
            })
            .collect();
        assert_eq!(json!(tags), locust["tags"], "{place}");
        compare_waits(&place, class.wait(), &locust["waits"]);
        compare_rows(&place, class, locust);
        let session = compare_session(&place, class, locust);
        compare_requests(&place, class, &session, &locust["requests"]);
    }
    for shape in workload.shapes() {
        let ticks = locust["shapes"][&**shape.name()].as_array().unwrap();
        let traffic::workload::Course::Stages(stages) = shape.course() else {
            panic!("{name}")
        };
        for (second, tick) in ticks.iter().enumerate() {
            let stage = stages.iter().find(|stage| (second as u64) < stage.ends);
            let own = stage.map_or(Value::Null, |stage| {
                json!([stage.users, stage.spawn_rate as u64])
            });
            assert_eq!(&own, tick, "{name} at {second} s");
        }
    }
}

fn compare_waits(place: &str, wait: Wait, locust: &Value) {
    let (low, high) = (locust[0].as_f64().unwrap(), locust[1].as_f64().unwrap());
    let (min, max) = match wait {
        Wait::Between { min, max } => (min.as_secs_f64(), max.as_secs_f64()),
        // Locust's first waits of a pace are what is left of it
        Wait::ConstantPacing(pace) => (0.0, pace.as_secs_f64()),
        Wait::Constant(wait) => (wait.as_secs_f64(), wait.as_secs_f64()),
        Wait::Poisson(_) => panic!("{place}: no file has it"),
    };
    assert!(
        min <= low + 0.001 && high <= max + 1e-6,
        "{place}: {wait} and {low} to {high}"
    );
    assert!(high >= max * 0.8, "{place}: {wait} and {low} to {high}");
}

/// How often a row comes in an iteration, within what chance allows.
fn compare_rows(place: &str, class: &UserClass, locust: &Value) {
    let total: u32 = class.tasks().iter().map(Task::weight).sum();
    let mut expected: BTreeMap<String, f64> = BTreeMap::new();
    for task in class.tasks() {
        for step in task.steps() {
            let share = f64::from(task.weight()) / f64::from(total) * step.probability;
            *expected
                .entry(format!("{} {}", step.method, step.name))
                .or_default() += share;
        }
    }
    let iterations = locust["iterations"].as_f64().unwrap();
    let mut seen: BTreeMap<String, f64> = BTreeMap::new();
    for (row, count) in locust["rows"].as_object().unwrap() {
        let row = row.trim_end_matches(" failed").to_owned();
        *seen.entry(row).or_default() += count.as_f64().unwrap() / iterations;
    }
    for (row, share) in &expected {
        let seen = seen.get(row).copied().unwrap_or(0.0);
        let deviation = (share.max(0.02) / iterations).sqrt();
        // a request that needs a good response before it is sent less often than it is planned
        let is_gated = row.ends_with("/never");
        assert!(!is_gated || seen == 0.0, "{place}: {row}");
        assert!(
            is_gated || (seen - share).abs() < 5.0 * deviation,
            "{place}: {row} {share} and {seen}"
        );
    }
    let unknown: Vec<_> = seen
        .keys()
        .filter(|row| !expected.contains_key(*row))
        .collect();
    assert!(unknown.is_empty(), "{place}: {unknown:?}");
}

/// What a user sends before its first iteration and after its last one, and what it keeps between them.
fn compare_session(place: &str, class: &UserClass, locust: &Value) -> SessionValues {
    let mut session = SessionValues::default();
    let rules = class.session();
    let of = |task: Option<&Task>, session: &SessionValues| {
        let Some(task) = task else {
            return (None, json!([]));
        };
        let draws = Draws::new(7, class.name(), 0, 0);
        let mut scope = Scope::new(class, task, 0, 0, draws);
        scope.enter(session);
        let mut told = Vec::new();
        for step in task.steps() {
            if scope.begin(step).unwrap() {
                let (row, one) = sent(&mut scope, step);
                told.push(json!([row, serde_json::from_str::<Value>(&one).unwrap()]));
            }
        }
        (Some(scope), json!(told))
    };
    let (scope, start) = of(rules.and_then(SessionRules::start), &session);
    if let (Some(scope), Some(rules)) = (scope, rules) {
        scope.keep(rules.kept(), &mut session);
    }
    let (_, stop) = of(rules.and_then(SessionRules::stop), &session);
    for (own, key) in [(start, "start"), (stop, "stop")] {
        let theirs = locust[key].as_array().unwrap().iter().map(|one| {
            let told: Value = serde_json::from_str(one[1].as_str().unwrap()).unwrap();
            json!([one[0], told])
        });
        assert_eq!(own, json!(theirs.collect::<Vec<_>>()), "{place}, {key}");
    }
    let has_cookies = rules.is_some_and(SessionRules::cookies);
    assert_eq!(json!(has_cookies), locust["cookies"], "{place}");
    session
}

/// Path, headers, shape of the body and judgement of each request.
fn compare_requests(place: &str, class: &UserClass, session: &SessionValues, locust: &Value) {
    let mut own: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for task in class.tasks() {
        for iteration in 0..60 {
            let mut scope = Scope::new(
                class,
                task,
                0,
                iteration,
                Draws::new(7, class.name(), 0, iteration),
            );
            scope.enter(session);
            for step in task.steps() {
                if scope.begin(step).unwrap() {
                    let (row, told) = sent(&mut scope, step);
                    own.entry(row).or_default().insert(told);
                }
            }
        }
    }
    let mut theirs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (row, told) in locust.as_object().unwrap() {
        let told = told.as_array().unwrap().iter().map(|one| {
            let one: Value = serde_json::from_str(one.as_str().unwrap()).unwrap();
            one.to_string()
        });
        theirs.insert(row.clone(), told.collect());
    }
    assert_eq!(own, theirs, "{place}");
}

fn sent(scope: &mut Scope, step: &Step) -> (String, String) {
    let path = step.path.render(scope).unwrap().into_owned();
    let mut headers = BTreeMap::new();
    for (name, value) in &step.headers {
        headers.insert(name.to_string(), json!(value.render(scope).unwrap()));
    }
    let body = step
        .body
        .as_ref()
        .map(|body| String::from_utf8(body.render(scope).unwrap().to_vec()).unwrap())
        .unwrap_or_default();
    let without_query = path.split('?').next().unwrap().to_owned();
    let parts: Vec<&str> = without_query.split('/').collect();
    let (status, text) = match parts[1] {
        "status" => (parts[2].parse().unwrap(), "nothing"),
        "json" => (200, r#"{"state": "waiting", "token": "t0k"}"#),
        _ => (200, "nothing"),
    };
    let response = Response {
        status: reqwest::StatusCode::from_u16(status).unwrap(),
        body: bytes::Bytes::from(text),
        ..Response::default()
    };
    let failure = match step.judge(scope, response).unwrap() {
        Verdict::Pass => json!(false),
        Verdict::Fail(text) if text.starts_with("expected status <400") => json!(true),
        Verdict::Fail(text) => json!(text),
    };
    let shown = if *step.name == *without_query {
        without_query
    } else {
        String::new()
    };
    let row = format!("{} {}", step.method, step.name);
    (
        row,
        json!([shown, headers, shape(&body), failure]).to_string(),
    )
}

/// The shape of a body, as the harness tells it.
fn shape(body: &str) -> Value {
    let Ok(value) = serde_json::from_str::<Value>(body) else {
        return json!(if body.chars().count() < 200 {
            body
        } else {
            "long"
        });
    };
    json!(python_text(&of(&value)))
}

fn of(value: &Value) -> Value {
    match value {
        Value::Object(items) => items
            .iter()
            .map(|(key, value)| (key.clone(), of(value)))
            .collect(),
        Value::Array(items) => items.iter().map(of).collect(),
        Value::String(_) => json!("str"),
        Value::Bool(_) => json!("bool"),
        Value::Null => json!("NoneType"),
        Value::Number(number) if number.is_f64() => json!("float"),
        Value::Number(_) => json!("int"),
    }
}

/// As `json.dumps` with sorted keys writes it.
fn python_text(value: &Value) -> String {
    match value {
        Value::Object(items) => {
            let sorted: BTreeMap<_, _> = items.iter().collect();
            let items: Vec<String> = sorted
                .iter()
                .map(|(key, value)| format!("\"{key}\": {}", python_text(value)))
                .collect();
            format!("{{{}}}", items.join(", "))
        }
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(python_text).collect::<Vec<_>>().join(", ")
        ),
        other => other.to_string(),
    }
}
