//! What people rely on: the workload's built-in classes, its format and its mistakes, Locust's way of
//! sharing users out, and what many processes do together.
//!
//! A small language for the tests stands here: parse a text, begin an iteration, render its requests, judge a
//! response.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use reqwest::StatusCode;
use traffic::random::Draws;
use traffic::workload::{EvaluationError, Response, Scope, Step, UserClass, Verdict, Workload};

mod bounds;
mod built_in;
mod cloud;
mod dispatch;
mod format;
mod hostile;
mod mistakes;
mod ratios;
mod records;
mod sessions;
mod shapes;
mod tls;
mod values;

/// An environment in which no variable is set.
fn no_variables(_: &str) -> Option<String> {
    None
}

/// Reads a workload that is right.
fn parse(source: &str) -> Workload {
    match Workload::parse(source, "w.toml", &no_variables) {
        Ok(workload) => workload,
        Err(errors) => panic!("{errors}"),
    }
}

/// Reads a workload that is wrong, and says what is wrong with it.
fn mistakes(source: &str) -> String {
    match Workload::parse(source, "w.toml", &no_variables) {
        Ok(_) => panic!("nothing is wrong with {source}"),
        Err(errors) => errors.to_string(),
    }
}

/// A workload of one class `A` with one task `t` that sends what `request` says, after what `before` says.
fn one_request(before: &str, request: &str) -> String {
    format!(
        "hosts.h = 'http://h'\n{before}\n[class.A]\nwait = 'constant(1)'\n[class.A.task.t.request]\n{request}\n"
    )
}

/// A request as it would be sent.
#[derive(Clone, Debug, PartialEq)]
struct Sent {
    name: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

impl Sent {
    fn json(&self) -> serde_json::Value {
        let body = self.body.as_deref().expect("the request has a body");
        serde_json::from_str(body).expect("the body is JSON")
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

fn render(step: &Step, scope: &mut Scope) -> Result<Sent, EvaluationError> {
    let path = step.path.render(scope)?.into_owned();
    let mut headers = Vec::new();
    for (name, value) in &step.headers {
        headers.push((name.to_string(), value.render(scope)?.into_owned()));
    }
    let body = match &step.body {
        Some(body) => Some(String::from_utf8_lossy(&body.render(scope)?).into_owned()),
        None => None,
    };
    Ok(Sent {
        name: step.name.to_string(),
        method: step.method.to_string(),
        path,
        headers,
        body,
    })
}

/// The task's name and the requests of an iteration whose responses are all good and empty.
fn iteration(class: &UserClass, seed: u64, user: u32, number: u64) -> (String, Vec<Sent>) {
    let mut draws = Draws::new(seed, class.name(), user, number);
    let task = class.choose_task(&mut draws);
    let mut scope = Scope::new(class, task, user, number, draws);
    let mut sent = Vec::new();
    let mut walk = scope.walk(task);
    while let Some(index) = walk.next(&mut scope).unwrap() {
        let step = &task.steps()[index];
        if scope.begin(step).unwrap() {
            sent.push(render(step, &mut scope).expect("the request renders"));
        }
    }
    (task.name().to_string(), sent)
}

/// The only request of a workload's first class, in its first iteration.
fn first_request(workload: &Workload) -> Sent {
    let (_, mut sent) = iteration(&workload.classes()[0], 1, 0, 0);
    sent.remove(0)
}

fn response(status: u16, body: &str) -> Response {
    Response {
        status: StatusCode::from_u16(status).expect("a status"),
        body: body.as_bytes().to_vec().into(),
        ..Response::default()
    }
}

/// How the only request of a workload's first class judges a response.
fn judge(workload: &Workload, response: Response) -> Result<Verdict, EvaluationError> {
    let class = &workload.classes()[0];
    judge_step(class, &class.tasks()[0].steps()[0], response)
}

fn judge_step(
    class: &UserClass,
    step: &Step,
    response: Response,
) -> Result<Verdict, EvaluationError> {
    let draws = Draws::new(1, class.name(), 0, 0);
    let mut scope = Scope::new(class, &class.tasks()[0], 0, 0, draws);
    step.judge(&mut scope, response)
}

fn failed(text: &str) -> Verdict {
    Verdict::Fail(text.to_owned())
}

#[test]
fn a_workload_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    fn movable<T: Send>() {}
    shared::<Workload>();
    movable::<Scope>();
}
