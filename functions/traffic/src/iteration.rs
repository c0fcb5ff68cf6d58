//! One turn of one user: picks a task, sends its requests in order and checks the responses.
//!
//! What every iteration sends alike is prepared once per class and host; the rest is rendered with
//! the iteration's own draws, so the same seed gives the same requests wherever it runs. Which trace they
//! belong to, and who is told of them, is `trace`'s.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{self, CONTENT_TYPE, HeaderValue};
use reqwest::{Body as RequestBody, Request, Url};
use tokio::time::Instant;

use crate::clock::Timestamp;
use crate::credentials::Credentials;
use crate::journal::Journal;
use crate::ports::{RecordStore, RunStore};
use crate::random::Draws;
use crate::record::{Fate, Outcome, RequestName};
use crate::run_end::RunEnd;
use crate::telemetry::{Iteration, Observer, TraceId, USER_AGENT};
use crate::transport::{Reply, RequestContext, Transport};
use crate::workload::{
    Body, EvaluationError, Response, Scope, Step, Task, UserClass, Verdict, Workload, request_url,
};

mod trace;

use trace::Trace;

/// Error texts are cut at this many characters, so that a target cannot fill the store with them.
const MAX_ERROR: usize = 500;

/// What a request ends with that was given less than its own timeout, and took longer: the target
/// may well have answered in time.
const NO_TIME_LEFT: &str = "cut off by the end of the function's time";

/// A class and the host that its requests go to, made ready to send.
#[derive(Debug)]
pub(crate) struct Sender {
    workload: Arc<Workload>,
    class: usize,
    base: Url,
    /// What the host asks for, unless the workload sets the header itself.
    credentials: Option<Credentials>,
    /// By task and step.
    prepared: Vec<Vec<Prepared>>,
    /// Whether this process has sent anything to the host before.
    warm: Arc<AtomicBool>,
    observer: Option<Arc<dyn Observer>>,
}

/// What all requests of a step have in common.
#[derive(Debug)]
struct Prepared {
    name: Arc<RequestName>,
    /// The whole request, if it is the same each time. It is made when it is sent first: of many tasks
    /// a run may need few.
    request: OnceLock<Option<Request>>,
}

/// Which iteration it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// See [`crate::random::class_key`].
    pub(crate) class_key: u64,
    /// The user's index in its class.
    pub(crate) user: u32,
    /// The iteration's number.
    pub(crate) iteration: u64,
    /// The instant it was planned for, unless its wait began with a response.
    pub(crate) planned_at: Option<Timestamp>,
    /// When the last response must be there.
    pub(crate) until: Option<Timestamp>,
}

/// Why a request could not even be put together.
enum Unsendable {
    Evaluation(EvaluationError),
    Invalid(String),
}

impl From<EvaluationError> for Unsendable {
    fn from(error: EvaluationError) -> Self {
        Self::Evaluation(error)
    }
}

impl Sender {
    pub(crate) fn new(
        workload: Arc<Workload>,
        class: usize,
        (base, credentials): (Url, Option<Credentials>),
        warm: Arc<AtomicBool>,
        observer: Option<Arc<dyn Observer>>,
    ) -> Self {
        let tasks = workload.classes()[class].tasks();
        let prepare = |step: &Step| Prepared {
            name: Arc::new(RequestName {
                method: step.method.as_str().into(),
                name: step.name.as_ref().into(),
            }),
            request: OnceLock::new(),
        };
        let prepared = tasks
            .iter()
            .map(|task| task.steps().iter().map(prepare).collect())
            .collect();
        Self {
            workload,
            class,
            base,
            credentials,
            prepared,
            warm,
            observer,
        }
    }

    /// The class that it sends for.
    pub(crate) fn class(&self) -> &UserClass {
        &self.workload.classes()[self.class]
    }

    /// Executes one iteration and notes what happened in the journal. It is cut off, after a request
    /// or before one, if its time runs out, and before one if its run has ended.
    pub(crate) async fn iterate<T: Transport, S: RunStore + RecordStore>(
        &self,
        transport: &T,
        journal: &Journal<S>,
        turn: Turn,
        run_end: &RunEnd<S>,
    ) -> Fate {
        let class = self.class();
        let mut draws = Draws::keyed(turn.class_key, turn.user, turn.iteration);
        let number = class.choose_task_number(&mut draws);
        let (task, prepared) = (&class.tasks()[number], &*self.prepared[number]);
        let scope = Scope::new(class, task, turn.user, turn.iteration, draws);
        let observer = self.observer.as_deref();
        let trace = Trace::begin(observer, &journal.clock, |context| Iteration {
            context,
            run: &journal.key.run,
            class: class.name(),
            task: task.name(),
            user: turn.user,
            number: turn.iteration,
        });
        let fate = self
            .execute(
                transport,
                journal,
                turn,
                (task, prepared, scope),
                (&trace, run_end),
            )
            .await;
        trace.end(fate)
    }

    async fn execute<T: Transport, S: RunStore + RecordStore>(
        &self,
        transport: &T,
        journal: &Journal<S>,
        turn: Turn,
        (task, all_prepared, mut scope): (&Task, &[Prepared], Scope),
        (trace, run_end): (&Trace<'_>, &RunEnd<S>),
    ) -> Fate {
        let mut has_begun = false;
        let mut planned_at = turn.planned_at;
        for index in scope.order(task) {
            let (step, prepared) = (&task.steps()[index], &all_prepared[index]);
            if !scope.begin(step) {
                continue;
            }
            if std::mem::replace(&mut has_begun, true) && !run_end.may_begin().await {
                return Fate::CutOff;
            }
            let mut request = match self.request(step, prepared, &mut scope) {
                Ok(request) => request,
                Err(Unsendable::Evaluation(error)) => {
                    trace.failed(error.message());
                    journal.exception(&error);
                    return Fate::Done;
                }
                Err(Unsendable::Invalid(reason)) => {
                    trace.failed(&reason);
                    let sent = Sent::not_at_all(prepared);
                    let now = journal.clock.now();
                    journal.outcome(sent.outcome(now, Duration::ZERO, 0, Some(shortened(reason))));
                    continue;
                }
            };
            let entered = trace.enter(&mut request);
            let sent_at = journal.clock.now();
            let left = turn.until.map(|until| until.since(sent_at));
            let cut = left.filter(|left| *left < step.timeout);
            match cut {
                Some(Duration::ZERO) => return Fate::CutOff,
                Some(left) => *request.timeout_mut() = Some(left),
                None => {}
            }
            let sent = Sent {
                prepared,
                lateness: planned_at
                    .take()
                    .map(|planned_at| sent_at.since(planned_at)),
                cold: !self.warm.load(Ordering::Relaxed)
                    && !self.warm.swap(true, Ordering::Relaxed),
                leads_to: entered.leads_to(),
            };
            let watch = trace.watch(entered, &prepared.name, &request, sent_at, sent.lateness);
            let began = Instant::now();
            let context = RequestContext {
                user: (turn.class_key, turn.user),
                ..self.context(step)
            };
            let answer = transport.send(request, &context).await;
            let response_time = began.elapsed();
            let completed_at = journal.clock.now();
            let mut fate = Fate::Done;
            let (status, content_length, error) = match answer {
                Ok(reply) => (
                    Some(reply.status),
                    reply.content_length,
                    judge(step, &mut scope, reply, response_time, journal),
                ),
                Err(_) if cut.is_some_and(|left| left <= response_time) => {
                    fate = Fate::CutOff;
                    (None, 0, Some(NO_TIME_LEFT.into()))
                }
                Err(error) => (None, 0, Some(error)),
            };
            let error = error.map(shortened);
            if let Some(watch) = watch {
                watch.end(response_time, status, error.as_deref());
            }
            journal.outcome(sent.outcome(completed_at, response_time, content_length, error));
            if fate == Fate::CutOff {
                return fate;
            }
        }
        Fate::Done
    }

    /// What a step's requests are sent with.
    fn context(&self, step: &Step) -> RequestContext {
        RequestContext {
            connections: self.class().connections(),
            max_connection_age: self.class().max_connection_age(),
            redirects: step.redirects,
            keep_body: step.needs_body(),
            tls: self
                .class()
                .host()
                .tls(&self.base)
                .map(|tls| Arc::clone(tls.config())),
            ..RequestContext::default()
        }
    }

    /// Tells the observer that an iteration was left out.
    pub(crate) fn skipped(&self) {
        if let Some(observer) = &self.observer {
            observer.skipped(self.class().name());
        }
    }

    fn request(
        &self,
        step: &Step,
        prepared: &Prepared,
        scope: &mut Scope,
    ) -> Result<Request, Unsendable> {
        let constant = (prepared.request)
            .get_or_init(|| constant_request(step, &self.base, self.credentials.as_ref()));
        if let Some(request) = constant.as_ref().and_then(Request::try_clone) {
            return Ok(request);
        }
        let path = step.path.render(scope)?;
        let mut request = bare_request(step, &self.base, self.credentials.as_ref(), &path)?;
        for (name, value) in &step.headers {
            let value = value.render(scope)?;
            request
                .headers_mut()
                .insert(name, header_value(name.as_str(), &value)?);
        }
        if let Some(body) = &step.body {
            let content = body.render(scope)?.into_owned();
            put_body(&mut request, body, content);
        }
        Ok(request)
    }
}

/// What an outcome says of a request besides the response.
struct Sent<'a> {
    prepared: &'a Prepared,
    lateness: Option<Duration>,
    cold: bool,
    /// The trace that its failure leads to.
    leads_to: Option<TraceId>,
}

impl<'a> Sent<'a> {
    /// What could not even be put together.
    fn not_at_all(prepared: &'a Prepared) -> Self {
        Self {
            prepared,
            lateness: None,
            cold: false,
            leads_to: None,
        }
    }

    fn outcome(
        &self,
        completed_at: Timestamp,
        response_time: Duration,
        content_length: u64,
        error: Option<String>,
    ) -> Outcome {
        Outcome {
            request: Arc::clone(&self.prepared.name),
            completed_at,
            response_time,
            content_length,
            trace: self.leads_to.filter(|_| error.is_some()),
            error: error.map(Into::into),
            lateness: self.lateness,
            cold: self.cold,
        }
    }
}

/// Why a complete response is a failure, if it is one.
fn judge<S: RunStore + RecordStore>(
    step: &Step,
    scope: &mut Scope,
    reply: Reply,
    response_time: Duration,
    journal: &Journal<S>,
) -> Option<String> {
    let Reply {
        status,
        headers,
        body,
        ..
    } = reply;
    match step.judge(
        scope,
        Response {
            status,
            headers,
            body,
            response_time,
        },
    ) {
        Ok(Verdict::Pass) => None,
        Ok(Verdict::Fail(text)) => Some(text),
        Err(error) => {
            journal.exception(&error);
            Some(format!(
                "expectation could not be evaluated: {}",
                error.message()
            ))
        }
    }
}

fn constant_request(step: &Step, base: &Url, credentials: Option<&Credentials>) -> Option<Request> {
    if !step.is_constant() {
        return None;
    }
    let mut request = bare_request(step, base, credentials, step.path.constant()?).ok()?;
    for (name, value) in &step.headers {
        let value = header_value(name.as_str(), value.constant()?).ok()?;
        request.headers_mut().insert(name, value);
    }
    if let Some(body) = &step.body {
        put_body(&mut request, body, body.constant()?.to_owned());
    }
    Some(request)
}

fn bare_request(
    step: &Step,
    base: &Url,
    credentials: Option<&Credentials>,
    path: &str,
) -> Result<Request, Unsendable> {
    let url = request_url(base, path)
        .ok_or_else(|| Unsendable::Invalid("the path does not make a URL".into()))?;
    let mut request = Request::new(step.method.clone(), url);
    *request.timeout_mut() = Some(step.timeout);
    // before the step's own headers, which may say something else
    request.headers_mut().insert(header::USER_AGENT, USER_AGENT);
    if let Some(credentials) = credentials {
        let authorization = credentials.authorization().clone();
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, authorization);
    }
    Ok(request)
}

fn put_body(request: &mut Request, body: &Body, content: String) {
    if matches!(body, Body::Json(_)) {
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().entry(CONTENT_TYPE).or_insert(json);
    }
    *request.body_mut() = Some(RequestBody::from(content));
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, Unsendable> {
    HeaderValue::from_str(value).map_err(|_| {
        Unsendable::Invalid(format!("header {name} has characters that cannot be sent"))
    })
}

fn shortened(mut text: String) -> String {
    if let Some((cut, _)) = text.char_indices().nth(MAX_ERROR) {
        text.truncate(cut);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests;
