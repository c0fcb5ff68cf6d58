//! The API beside Locust's own web server: the same requests, the same answers.
//!
//! Locust answers first, in a Python process; then we do, in paused time. Where we differ on purpose,
//! the request's [`Expected`] says so: what is not named there must be equal.

use control::ControlSettings;
use serde_json::{Value, json};
use traffic::workload::Course;

use crate::cicada::{Answer, Cicada, FORM, workload};

mod page;
mod reading;
mod swarming;
mod timespans;
mod users;

/// A request, or a pause until all users are there, or until a run that is over is stopped.
enum Step {
    Ask(Ask),
    Settle,
    End,
}

struct Ask {
    method: &'static str,
    path: &'static str,
    content_type: Option<&'static str>,
    body: Option<String>,
    expected: Expected,
}

/// How our answer compares with Locust's.
enum Expected {
    /// Status and JSON are the same, but for what an error says.
    Same,
    /// The status is the same; what the body says is ours.
    SameStatus,
    /// Ours has all of Locust's fields with the same values, and perhaps more; but what the
    /// percentiles of the last seconds are depends on when that is, and not on who is asked.
    Superset,
    /// Locust breaks with 500, ours is 400 and says this.
    Refused(&'static str),
    /// We do better: the status of each, and what ours must say.
    Better {
        /// Locust's status, and whether it calls that a success.
        locust: (u16, bool),
        /// A part of our message.
        ours: &'static str,
    },
}

fn get(path: &'static str, expected: Expected) -> Step {
    request("GET", path, expected)
}

fn request(method: &'static str, path: &'static str, expected: Expected) -> Step {
    Step::Ask(Ask {
        method,
        path,
        content_type: None,
        body: None,
        expected,
    })
}

fn swarm(form: impl Into<String>, expected: Expected) -> Step {
    Step::Ask(Ask {
        method: "POST",
        path: "/swarm",
        content_type: Some(FORM),
        body: Some(form.into()),
        expected,
    })
}

fn post_json(path: &'static str, body: impl Into<String>, expected: Expected) -> Step {
    Step::Ask(Ask {
        method: "POST",
        path,
        content_type: Some("text/plain;charset=UTF-8"),
        body: Some(body.into()),
        expected,
    })
}

/// Asks both and compares.
async fn compare(picker: bool, steps: &[Step]) {
    let answers = locust(picker, steps);
    let mut answers = answers.iter();
    let cicada = Cicada::with(ControlSettings::new(workload()));
    for step in steps {
        let ask = match step {
            Step::Ask(ask) => ask,
            Step::Settle => {
                cicada.settle().await;
                continue;
            }
            Step::End => {
                cicada.end().await;
                continue;
            }
        };
        let theirs = answers.next().expect("Locust answered every request");
        let body = ask.body.clone().unwrap_or_default();
        let ours = cicada
            .call(ask.method, ask.path, ask.content_type, body)
            .await;
        ask.judge(&ours, theirs);
    }
}

impl Ask {
    fn judge(&self, ours: &Answer, theirs: &Value) {
        let title = format!("{} {} {:?}", self.method, self.path, self.body);
        let status = theirs["status"].as_u64().expect("Locust has a status");
        let text = theirs["body"].as_str().expect("Locust has a body");
        let title = format!(
            "{title}\nLocust: {status} {text}\nCicada: {} {}",
            ours.status, ours.body
        );
        if let Expected::Better {
            locust,
            ours: words,
        } = &self.expected
        {
            assert_eq!(status, u64::from(locust.0), "{title}");
            let success = serde_json::from_str::<Value>(text).ok();
            let success = success.is_some_and(|json| json["success"] == true);
            assert_eq!(success, locust.1, "{title}");
            assert_eq!(ours.status, 200, "{title}");
            let message = ours.json()["message"].to_string();
            assert!(
                ours.json()["success"] == false && message.contains(words),
                "{title}"
            );
            return;
        }
        if let Expected::Refused(words) = &self.expected {
            assert_eq!((status, ours.status.as_u16()), (500, 400), "{title}");
            let message = ours.json()["message"].to_string();
            assert!(
                ours.json()["success"] == false && message.contains(words),
                "{title}"
            );
            return;
        }
        assert_eq!(u64::from(ours.status.as_u16()), status, "{title}");
        let offered = ours.headers.get("content-disposition");
        let offered = offered.map(|name| name.to_str().expect("a name is plain"));
        let their_offer = theirs["disposition"].as_str();
        assert_eq!(offered.map(file), their_offer.map(file), "{title}");
        match self.expected {
            Expected::SameStatus => {}
            _ if !theirs["content_type"].to_string().contains("json") => {
                if offered.is_some() {
                    let kind = ours.headers["content-type"].to_str().ok();
                    assert_eq!(kind, theirs["content_type"].as_str(), "{title}");
                }
                assert_eq!(ours.body, text, "{title}");
            }
            Expected::Superset => is_superset(&ours.json(), &parsed(text), &title),
            _ => {
                let (mut ours, mut theirs) = (ours.json(), parsed(text));
                for answer in [&mut ours, &mut theirs] {
                    if answer["success"] == false {
                        let message = answer["message"].take();
                        assert!(
                            message.as_str().is_some_and(|text| !text.is_empty()),
                            "{title}"
                        );
                    }
                }
                assert_eq!(floats(&ours), floats(&theirs), "{title}");
            }
        }
    }
}

/// The name that a file is offered under, without the time and the name of the workload.
fn file(disposition: &str) -> String {
    let (before, rest) = disposition
        .split_once("Locust_")
        .expect("it has Locust's name");
    let (_time, rest) = rest.split_at("2025-01-01-00h00".len());
    let rest = rest
        .trim_start_matches("_workload.toml")
        .trim_start_matches("_None");
    format!("{before}Locust{rest}")
}

fn is_superset(ours: &Value, theirs: &Value, title: &str) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (name, value) in theirs {
                let own = ours.get(name);
                let own = own.unwrap_or_else(|| panic!("{name} is missing in {title}"));
                if name == "current_response_time_percentiles" {
                    assert!(own.is_object(), "{title}");
                    continue;
                }
                is_superset(own, value, &format!("{title}\nat {name}"));
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            assert_eq!(ours.len(), theirs.len(), "{title}");
            for (own, value) in ours.iter().zip(theirs) {
                is_superset(own, value, title);
            }
        }
        (ours, theirs) => assert_eq!(floats(ours), floats(theirs), "{title}"),
    }
}

/// Python's 0 and 0.0 are the same number to all who read them.
fn floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(values) => values.iter().map(floats).collect(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| (name.clone(), floats(value)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("Locust answers with JSON")
}

/// What Locust answers.
fn locust(picker: bool, steps: &[Step]) -> Vec<Value> {
    let question = json!({
        "classes": classes(),
        "shapes": shapes(),
        "picker": picker,
        "steps": steps.iter().map(question).collect::<Vec<_>>(),
    });
    let answers: Value = testing::tools::ask("web.py", &question);
    answers["answers"]
        .as_array()
        .expect("it prints answers")
        .clone()
}

/// The stages of the built-in workload's shapes.
fn shapes() -> Value {
    let workload = workload();
    let shapes = workload.shapes().iter().filter_map(|shape| {
        let Course::Stages(stages) = shape.course() else {
            return None;
        };
        let stages = stages
            .iter()
            .map(|stage| json!([stage.ends, stage.users, stage.spawn_rate]));
        Some(json!({"name": shape.name(), "stages": stages.collect::<Vec<_>>()}))
    });
    shapes.collect()
}

fn question(step: &Step) -> Value {
    match step {
        Step::Settle | Step::End => json!({"settle": true}),
        Step::Ask(ask) => json!({
            "method": ask.method,
            "path": ask.path,
            "content_type": ask.content_type,
            "body": ask.body,
        }),
    }
}

/// The workload's classes, for Python.
fn classes() -> Vec<Value> {
    let workload = workload();
    let classes = workload.classes().iter().map(|class| {
        let tasks = class
            .tasks()
            .iter()
            .map(|task| json!([&**task.name(), task.weight()]));
        json!({
            "name": &**class.name(),
            "weight": class.weight(),
            "fixed_count": class.fixed_count(),
            "host": class.host().url().as_str(),
            "tasks": tasks.collect::<Vec<_>>(),
        })
    });
    classes.collect()
}
