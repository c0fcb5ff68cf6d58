//! One turn of one user: picks a task, sends its requests in order and checks the responses.
//!
//! Requests that are the same in every iteration are prepared once per class and host; the rest is rendered with
//! the iteration's own draws, so the same seed gives the same requests wherever it runs. Which trace they
//! belong to, and who is told of them, is `trace`'s.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::{Request, StatusCode, Url};
use tokio::time::Instant;

use crate::clock::{Clock, Timestamp};
use crate::credentials::Credentials;
use crate::journal::Journal;
use crate::log_throttle::LogThrottle;
use crate::ports::{RecordStore, RunStore};
use crate::random::Draws;
use crate::record::{Fate, Measured, Outcome};
use crate::run_end::RunEnd;
use crate::sessions::UserSession;
use crate::stream::{Streamed, TokenRule};
use crate::telemetry::{GenAi, Iteration, Observer, RequestResult};
use crate::tick::TOO_LATE;
use crate::transport::{Reply, RequestContext, RequestPlace, Transport, is_shortage};
use crate::workload::{
    EvaluationError, Model, Response, Scope, SessionRules, Step, Task, UserClass, Verdict, Walk,
    Workload,
};

mod prepared;
mod sent;
mod session;
mod trace;

use prepared::{Prepared, RequestHost, Unsendable};
use sent::{Sent, shortened};
use trace::{Answer, Trace};

/// The error of a request that was given less than its own timeout, and took longer: the target
/// may well have answered in time.
const NO_TIME_LEFT: &str = "cut off by the end of the function's time";

/// A request that waits for a place among those under way looks this often whether its run has ended.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A longer wait for a place is lateness of a request that the plan has no instant for.
const WAITED: Duration = Duration::from_millis(1);

/// A class and the host that its requests go to, made ready to send.
#[derive(Debug)]
pub(crate) struct Sender {
    workload: Arc<Workload>,
    class: usize,
    target: RequestHost,
    /// By task and step.
    prepared: Vec<Vec<Prepared>>,
    /// The requests with which a session begins, and those with which it ends.
    start: Vec<Prepared>,
    stop: Vec<Prepared>,
    /// True if this process has sent anything to the host before.
    warm: Arc<AtomicBool>,
    observer: Option<Arc<dyn Observer>>,
    lacks_files: LogThrottle,
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

impl Turn {
    /// The instant that its templates know: the plan's, or now where the plan has none.
    fn due_at(&self, clock: &Clock) -> Timestamp {
        self.planned_at.unwrap_or_else(|| clock.now())
    }
}

/// An iteration that is under way.
struct Iterating<'i, T, S> {
    sender: &'i Sender,
    transport: &'i T,
    journal: &'i Journal<S>,
    turn: Turn,
    task: &'i Task,
    run_end: &'i RunEnd<S>,
    trace: &'i Trace<'i>,
    /// The user's session, if its class has sessions.
    session: Option<&'i mut UserSession>,
    /// True once something was sent, or was about to be.
    has_begun: bool,
    /// True once a status in the middle has made it begin its session anew.
    has_renewed: bool,
    /// True if the user takes its leave: what it sends then, it sends after the end of its run.
    is_leaving: bool,
}

/// What became of one request of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answered {
    /// It was not to be sent in this iteration.
    NotSent,
    Passed(StatusCode),
    Failed(Option<StatusCode>),
}

/// The early end of an iteration; without a fate if nothing of it was sent.
struct Ended(Option<Fate>);

/// The answer to a request, judged; or the lack of one.
struct Judged {
    status: Option<StatusCode>,
    content_length: u64,
    first_byte: Option<Duration>,
    streamed: Option<Streamed>,
    measured: Vec<Measured>,
    error: Option<String>,
    has_failed: bool,
    fate: Fate,
}

impl Judged {
    fn without_response(error: String, fate: Fate) -> Self {
        Self {
            status: None,
            content_length: 0,
            first_byte: None,
            streamed: None,
            measured: Vec::new(),
            error: Some(error),
            has_failed: true,
            fate,
        }
    }
}

/// What a step says of the language model that it asks.
fn gen_ai(step: &Step) -> Option<GenAi<'_>> {
    let tokens = step.stream.as_ref().and_then(|rules| rules.tokens.as_ref());
    let model = step.model.as_deref().map(Model::name);
    (model.is_some() || tokens.is_some()).then(|| GenAi {
        model,
        provider: tokens.and_then(TokenRule::provider),
    })
}

fn prepared_of(task: &Task) -> Vec<Prepared> {
    task.steps().iter().map(Prepared::new).collect()
}

impl Sender {
    pub(crate) fn new(
        workload: Arc<Workload>,
        class: usize,
        (base, credentials): (Url, Option<Credentials>),
        warm: Arc<AtomicBool>,
        observer: Option<Arc<dyn Observer>>,
    ) -> Self {
        let tasks = workload.classes()[class].tasks().iter();
        let prepared = tasks.map(prepared_of).collect();
        let session = workload.classes()[class].session();
        let start = session.and_then(SessionRules::start).map(prepared_of);
        let stop = session.and_then(SessionRules::stop).map(prepared_of);
        let (start, stop) = (start.unwrap_or_default(), stop.unwrap_or_default());
        Self {
            workload,
            class,
            target: RequestHost { base, credentials },
            prepared,
            start,
            stop,
            warm,
            observer,
            lacks_files: LogThrottle::default(),
        }
    }

    /// The class that it sends for.
    pub(crate) fn class(&self) -> &UserClass {
        &self.workload.classes()[self.class]
    }

    /// Executes one iteration and notes what happened in the journal. It is cut off, after a request
    /// or before one, if its time runs out, and before one if its run has ended. `None` if nothing of it was sent, for
    /// want of a place among the requests under way: it is missing.
    pub(crate) async fn iterate<T: Transport, S: RunStore + RecordStore>(
        &self,
        transport: &T,
        journal: &Journal<S>,
        turn: Turn,
        run_end: &RunEnd<S>,
        session: Option<&mut UserSession>,
    ) -> Option<Fate> {
        let class = self.class();
        let mut draws = Draws::keyed(turn.class_key, turn.user, turn.iteration);
        let number = class.choose_task_number(&mut draws);
        let (task, prepared) = (&class.tasks()[number], &*self.prepared[number]);
        let scope = Scope::new(class, task, turn.user, turn.iteration, draws)
            .due_at(turn.due_at(&journal.clock));
        let observer = self.observer.as_deref();
        let watched = (&journal.clock, &*self.workload);
        let trace = Trace::begin(observer, watched, |context| Iteration {
            context,
            run: &journal.key.run,
            class: class.name(),
            task: task.name(),
            user: turn.user,
            number: turn.iteration,
        });
        let mut iterating = Iterating {
            sender: self,
            transport,
            journal,
            turn,
            task,
            run_end,
            trace: &trace,
            session,
            has_begun: false,
            has_renewed: false,
            is_leaving: false,
        };
        let fate = match iterating.execute(task, prepared, scope).await {
            Ok(()) => Some(Fate::Done),
            Err(Ended(fate)) => fate,
        };
        trace.end(fate.unwrap_or(Fate::CutOff));
        fate
    }

    /// The context of a step's requests.
    fn context(&self, step: &Step, prepared: &Prepared) -> RequestContext {
        let host = step.host(self.class());
        let tls = host.tls(&prepared.target(&self.target).base);
        RequestContext {
            connections: self.class().connections(),
            max_connection_age: self.class().max_connection_age(),
            redirects: step.redirects,
            keep_body: step.needs_body(),
            stream: step.stream.clone(),
            tls: tls.map(|tls| Arc::clone(tls.config())),
            ..RequestContext::default()
        }
    }

    /// Tells the observer that an iteration was left out.
    pub(crate) fn skipped(&self) {
        if let Some(observer) = &self.observer {
            observer.skipped(self.class().name());
        }
    }
}

impl<'i, T: Transport, S: RunStore + RecordStore> Iterating<'i, T, S> {
    async fn execute(
        &mut self,
        task: &Task,
        prepared: &[Prepared],
        mut scope: Scope,
    ) -> Result<(), Ended> {
        self.enter_session(&mut scope).await?;
        let mut walk = scope.walk(task);
        while let Some(index) = self.next(&mut walk, &mut scope)? {
            self.renew_session(&mut scope).await?;
            let (step, prepared) = (&task.steps()[index], &prepared[index]);
            let answered = self.step(step, prepared, &mut scope).await?;
            self.keep_in_session(step, answered, &scope);
        }
        Ok(())
    }

    /// The next request of a task.
    fn next(&self, walk: &mut Walk<'_>, scope: &mut Scope) -> Result<Option<usize>, Ended> {
        walk.next(scope).map_err(|error| self.broken(&error))
    }

    /// Sends a request of a task, if it is to be sent in this iteration.
    async fn step(
        &mut self,
        step: &Step,
        prepared: &Prepared,
        scope: &mut Scope,
    ) -> Result<Answered, Ended> {
        let journal = self.journal;
        match scope.begin(step) {
            Ok(true) => {}
            Ok(false) => return Ok(Answered::NotSent),
            Err(error) => return Err(self.broken(&error)),
        }
        self.pause(scope.pause(step)).await?;
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        if !is_first && !self.may_begin().await {
            return Err(Ended(Some(Fate::CutOff)));
        }
        match prepared.request(step, &self.sender.target, scope) {
            Ok(request) => match self.send(request, step, prepared, scope).await {
                Some(judged) if judged.fate == Fate::CutOff => Err(Ended(Some(Fate::CutOff))),
                Some(judged) => Ok(match judged.status {
                    Some(status) if !judged.has_failed => Answered::Passed(status),
                    status => Answered::Failed(status),
                }),
                None if is_first => Err(Ended(None)),
                None => Err(Ended(Some(Fate::CutOff))),
            },
            Err(Unsendable::Evaluation(error)) => Err(self.broken(&error)),
            Err(Unsendable::Invalid(reason)) => {
                self.trace.failed(&reason);
                let (sent, now) = (Sent::not_at_all(prepared), journal.clock.now());
                let error = Some(shortened(reason));
                let outcome = sent.outcome(now, Duration::ZERO, 0, error, Default::default());
                self.note(&sent, outcome, None, None);
                Ok(Answered::Failed(None))
            }
        }
    }

    /// The end of an iteration one of whose templates cannot be evaluated.
    fn broken(&self, error: &EvaluationError) -> Ended {
        let error = self.sender.workload.masked(error);
        self.trace.failed(error.message());
        self.journal.exception(&error);
        Ended(Some(Fate::Done))
    }

    /// Pauses before a request; the end of the run ends the pause, and the iteration.
    async fn pause(&mut self, pause: Duration) -> Result<(), Ended> {
        if pause.is_zero() {
            return Ok(());
        }
        let clock = &self.journal.clock;
        let until = clock.now() + pause;
        if self.turn.until.is_some_and(|last| last <= until) {
            return Err(Ended(Some(Fate::CutOff)));
        }
        // what the plan wants sent is late from then on
        self.turn.planned_at = self.turn.planned_at.map(|planned_at| planned_at + pause);
        tokio::select! {
            biased;
            () = clock.sleep_until(until) => Ok(()),
            () = self.run_end.may_not_begin(), if !self.is_leaving => {
                Err(Ended(Some(Fate::CutOff)))
            }
        }
    }

    /// True if another request may be sent now.
    async fn may_begin(&self) -> bool {
        self.is_leaving || self.run_end.may_begin().await
    }

    /// Waits for a place among the requests under way; `None` if none comes in time, or the run has ended meanwhile.
    async fn place(&self, asked_at: Timestamp) -> Option<RequestPlace<'i>> {
        let clock = &self.journal.clock;
        let last = asked_at + TOO_LATE;
        let last = self.turn.until.map_or(last, |until| until.min(last));
        let mut place = pin!(self.transport.place());
        loop {
            let found = tokio::select! {
                biased;
                found = &mut place => Some(found),
                () = tokio::time::sleep(LOOK_EVERY) => None,
            };
            let has_waited = clock.now().since(asked_at) > WAITED;
            if has_waited && (clock.now() >= last || !self.may_begin().await) {
                return None;
            }
            if found.is_some() {
                return found;
            }
        }
    }

    /// Sends a request, and notes its outcome; `None` if it was not sent, for want of a place or of files.
    async fn send(
        &mut self,
        mut request: Request,
        step: &Step,
        prepared: &Prepared,
        scope: &mut Scope,
    ) -> Option<Judged> {
        let clock = &self.journal.clock;
        let entered = self.trace.enter(&mut request);
        let asked_at = clock.now();
        let _place = self.place(asked_at).await?;
        let sent_at = clock.now();
        let left = self.turn.until.map(|until| until.since(sent_at));
        let cut = left.filter(|left| *left < step.timeout);
        match cut {
            Some(Duration::ZERO) => {
                let error = NO_TIME_LEFT.to_owned();
                return Some(Judged::without_response(error, Fate::CutOff));
            }
            Some(left) => *request.timeout_mut() = Some(left),
            None => {}
        }
        let warm = prepared.warm(&self.sender.warm);
        // only an iteration's first request has an instant that it was planned for
        let planned_at = self.turn.planned_at.take();
        let has_waited = sent_at.since(asked_at) > WAITED;
        let planned_at = planned_at.or(has_waited.then_some(asked_at));
        let sent = Sent {
            prepared,
            lateness: planned_at.map(|planned_at| sent_at.since(planned_at)),
            cold: !warm.load(Ordering::Relaxed) && !warm.swap(true, Ordering::Relaxed),
            leads_to: entered.leads_to(),
        };
        let name = (&*prepared.name, gen_ai(step));
        let watch = (self.trace).watch(entered, name, &request, sent_at, sent.lateness);
        let began = Instant::now();
        let context = self.context(step, prepared);
        // in memory of its own: whoever waits for a place has none of it yet
        let reply = Box::pin(self.transport.send(request, &context)).await;
        if reply.as_ref().is_err_and(|text| is_shortage(text)) {
            if let Some(requests) = self.sender.lacks_files.happened() {
                tracing::warn!(
                    requests,
                    "requests are not sent: too many open files: raise ulimit -n"
                );
            }
            // others may end meanwhile
            tokio::time::sleep(LOOK_EVERY).await;
            return None;
        }
        let response_time = began.elapsed();
        let completed_at = clock.now();
        let mut judged = self.judge(reply, response_time, cut, step, scope);
        // before it is cut, as a part of a secret is not known for one
        let workload = &self.sender.workload;
        let error = judged.error.take();
        let error = error.map(|error| shortened(workload.mask(&error).into_owned()));
        if let Some(watch) = watch {
            let answer = Answer {
                status: judged.status,
                first_byte: judged.first_byte,
                streamed: judged.streamed.as_ref(),
                measured: &judged.measured,
            };
            watch.end(response_time, answer, error.as_deref());
        }
        let length = judged.content_length;
        let figures = (judged.streamed, std::mem::take(&mut judged.measured));
        let outcome = sent.outcome(completed_at, response_time, length, error, figures);
        self.note(&sent, outcome, judged.status, judged.first_byte);
        Some(judged)
    }

    /// Notes the outcome of a request in the journal, and tells the observer of it.
    fn note(
        &self,
        sent: &Sent<'_>,
        outcome: Outcome,
        status: Option<StatusCode>,
        first_byte: Option<Duration>,
    ) {
        if let Some(observer) = &self.sender.observer {
            observer.result(&RequestResult {
                run: &self.journal.key.run,
                class: self.sender.class().name(),
                task: self.task.name(),
                user: self.turn.user,
                iteration: self.turn.iteration,
                outcome: &outcome,
                status,
                first_byte,
                trace: sent.leads_to,
            });
        }
        self.journal.outcome(outcome);
    }

    /// The context of a step's request of this user.
    fn context(&self, step: &Step, prepared: &Prepared) -> RequestContext {
        let session = self.session.as_ref();
        RequestContext {
            user: (self.turn.class_key, self.turn.user),
            cookies: session.and_then(|session| session.jar.clone()),
            ..self.sender.context(step, prepared)
        }
    }

    /// Judges what a request ended with that was given `cut`, if that is less than its step's timeout.
    fn judge(
        &self,
        reply: Result<Reply, String>,
        response_time: Duration,
        cut: Option<Duration>,
        step: &Step,
        scope: &mut Scope,
    ) -> Judged {
        let reply = match reply {
            Ok(reply) => reply,
            Err(_) if cut.is_some_and(|left| left <= response_time) => {
                return Judged::without_response(NO_TIME_LEFT.into(), Fate::CutOff);
            }
            Err(error) => return Judged::without_response(error, Fate::Done),
        };
        let response = Response {
            status: reply.status,
            headers: reply.headers,
            body: reply.body,
            response_time,
            first_byte: reply.first_byte,
            streamed: reply.streamed,
        };
        let (verdict, measured) = step.judge_and_measure(scope, response);
        for error in &measured.errors {
            self.journal.exception(&self.sender.workload.masked(error));
        }
        let error = match verdict {
            Ok(Verdict::Pass) => None,
            Ok(Verdict::Fail(text)) => Some(text),
            Err(error) => {
                let error = self.sender.workload.masked(&error);
                self.journal.exception(&error);
                let message = error.message();
                Some(format!("expectation could not be evaluated: {message}"))
            }
        };
        Judged {
            status: Some(reply.status),
            content_length: reply.content_length,
            first_byte: Some(reply.first_byte),
            streamed: reply.streamed,
            measured: measured.values,
            has_failed: error.is_some(),
            error,
            fate: Fate::Done,
        }
    }
}

#[cfg(test)]
mod tests;
