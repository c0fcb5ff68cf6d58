//! What a template sees: one iteration's names and draws, and one response's.
//!
//! A [`Scope`] lasts for one iteration. Each step draws from a generator of its own, so a step that is
//! skipped or fails leaves the requests after it as they were.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use minijinja::value::{Object, Value};
use minijinja::{Error, ErrorKind};
use parking_lot::{Mutex, MutexGuard};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use super::class::{Order, Step, Task, UserClass};
use super::headers::Headers;
use super::json::{self, NotJson};
use super::values::Share;
use crate::random::Draws;

/// The names that every template may use.
pub(super) const ITERATION_NAMES: [&str; 4] = ["user_class", "user", "iteration", "host"];

/// The names that expectations, captures and failure texts may use besides.
pub(super) const RESPONSE_NAMES: [&str; 5] =
    ["status", "body", "json", "headers", "response_time_ms"];

/// The name under which functions find their iteration; no workload file can write it.
pub(super) const SELF_NAME: &str = "__iteration";

/// A text of at most so many bytes may be captured without being counted.
const SMALL: usize = 1_024;

/// Keys the generator that draws the order of steps, among those of the steps, which are keyed by their numbers.
const OF_THE_ORDER: u32 = u32::MAX;

/// One iteration of one user: its names, its drawn and captured values, and its randomness.
#[derive(Debug)]
pub struct Scope(Arc<Iteration>);

#[derive(Debug)]
pub(super) struct Iteration {
    user_class: Arc<str>,
    host: Arc<str>,
    user: u32,
    number: u64,
    /// What each step's generator is keyed by.
    key: u64,
    live: Mutex<Live>,
}

#[derive(Debug)]
struct Live {
    draws: Draws,
    values: Vec<(Arc<str>, Value)>,
    /// What the memory of large ones that were captured was taken from.
    shares: Vec<Arc<Share>>,
}

impl Scope {
    /// Begins an iteration of `task`, and draws what the task draws once per iteration.
    ///
    /// `draws` is the iteration's generator, after it has chosen the task.
    pub fn new(
        class: &UserClass,
        task: &Task,
        user: u32,
        iteration: u64,
        mut draws: Draws,
    ) -> Self {
        let drawn = task.pools().iter();
        let values = drawn
            .map(|(name, pool)| (Arc::clone(name), pool.draw(&mut draws)))
            .collect();
        Self::with_values(class, user, iteration, draws, values)
    }

    /// Begins an iteration with values that are given instead of drawn.
    pub(super) fn with_values(
        class: &UserClass,
        user: u32,
        iteration: u64,
        mut draws: Draws,
        values: Vec<(Arc<str>, Value)>,
    ) -> Self {
        let key = draws.bits();
        Self(Arc::new(Iteration {
            user_class: Arc::clone(class.name()),
            host: Arc::clone(class.host().name()),
            user,
            number: iteration,
            key,
            live: Mutex::new(Live {
                draws,
                values,
                shares: Vec::new(),
            }),
        }))
    }

    /// The steps of `task` in the order of this iteration, by their indices.
    pub fn order(&self, task: &Task) -> impl Iterator<Item = usize> + use<> {
        let count = task.steps().len();
        let drawn = (task.order() == Order::Random).then(|| {
            let mut draws = Draws::keyed(self.0.key, OF_THE_ORDER, 0);
            let mut order: Vec<usize> = (0..count).collect();
            for last in (1..count).rev() {
                order.swap(last, draws.below(last as u64 + 1) as usize);
            }
            order
        });
        (0..count).map(move |turn| drawn.as_ref().map_or(turn, |order| order[turn]))
    }

    /// Begins a step: whether it is to be sent in this iteration.
    ///
    /// It is not when its probability says so, or when a value it needs was not captured because an
    /// earlier request of the iteration failed or was not sent.
    pub fn begin(&mut self, step: &Step) -> bool {
        self.fork(step);
        let mut live = self.0.live();
        let captured = |name: &Arc<str>| live.values.iter().any(|(known, _)| known == name);
        let ready = step.needs.iter().all(captured);
        ready && (step.probability >= 1.0 || live.draws.chance(step.probability))
    }

    /// Gives a step the generator that is its own.
    pub(super) fn fork(&self, step: &Step) {
        self.0.live().draws = Draws::keyed(self.0.key, step.index, 0);
    }

    pub(super) fn context(&self) -> Value {
        Value::from_dyn_object(Arc::clone(&self.0))
    }

    pub(super) fn iteration(&self) -> &Arc<Iteration> {
        &self.0
    }

    /// Keeps a value of a response for the rest of the iteration.
    pub(super) fn capture(&mut self, name: &Arc<str>, value: Value, response: &Value) {
        let mut live = self.0.live();
        let is_large = match value.as_str() {
            Some(text) => text.len() > SMALL,
            None => value.as_object().is_some(),
        };
        if is_large && let Some(answered) = response.downcast_object_ref::<Answered>() {
            live.shares.push(Arc::clone(&answered.share));
        }
        live.values.retain(|(known, _)| known != name);
        live.values.push((Arc::clone(name), value));
    }
}

impl Iteration {
    fn live(&self) -> MutexGuard<'_, Live> {
        // nothing in a guarded section leaves the values half-written
        self.live.lock()
    }

    pub(super) fn draw<T>(&self, draw: impl FnOnce(&mut Draws) -> T) -> T {
        draw(&mut self.live().draws)
    }

    pub(super) fn lookup(&self, name: &str) -> Option<Value> {
        match name {
            "user_class" => Some(Value::from(Arc::clone(&self.user_class))),
            "host" => Some(Value::from(Arc::clone(&self.host))),
            "user" => Some(Value::from(self.user)),
            "iteration" => Some(Value::from(self.number)),
            _ => self.value(name),
        }
    }

    fn value(&self, name: &str) -> Option<Value> {
        let live = self.live();
        let mut values = live.values.iter();
        let (_, value) = values.find(|(known, _)| &**known == name)?;
        Some(value.clone())
    }
}

impl Object for Iteration {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            SELF_NAME => Some(Value::from_dyn_object(Arc::clone(self))),
            name => self.lookup(name),
        }
    }
}

/// A response, as far as expectations look at it.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers. Where [`Step::needs_headers`] is false only the Content-Type matters, for a body in
    /// another encoding than UTF-8.
    pub headers: HeaderMap,
    /// The body; may be left empty where [`Step::needs_body`] is false.
    pub body: Bytes,
    /// The time from sending the request to the end of the body.
    pub response_time: Duration,
}

/// A response and the iteration it belongs to, as templates see them.
#[derive(Debug)]
pub(super) struct Answered {
    iteration: Arc<Iteration>,
    response: Response,
    text: OnceLock<Value>,
    json: OnceLock<Result<Value, NotJson>>,
    /// What the memory of both is taken from.
    share: Arc<Share>,
}

impl Answered {
    pub(super) fn context(scope: &Scope, response: Response) -> Value {
        Value::from_object(Self {
            iteration: Arc::clone(scope.iteration()),
            response,
            text: OnceLock::new(),
            json: OnceLock::new(),
            share: Arc::default(),
        })
    }

    /// Why a body has no JSON, if somebody asked for it.
    pub(super) fn lacks_json(context: &Value) -> Option<NotJson> {
        let answered = context.downcast_object_ref::<Self>()?;
        answered.json.get()?.as_ref().err().copied()
    }

    /// Whether somebody asked for JSON whose values take more memory than there is.
    pub(super) fn is_too_large(context: &Value) -> bool {
        matches!(Self::lacks_json(context), Some(NotJson::TooLarge(_)))
    }

    /// The body's text; an error for whoever looks at it if there is no memory for it.
    fn text(&self) -> Value {
        let text = json::text(&self.response.headers, &self.response.body);
        match self.share.take(text.len() as u64) {
            Ok(()) => Value::from(&*text),
            Err(error) => Error::new(ErrorKind::InvalidOperation, error.to_string()).into(),
        }
    }

    /// The parsed body; none if it is not JSON.
    fn json(&self) -> Value {
        let Response { headers, body, .. } = &self.response;
        let read = || json::read(&json::json_text(headers, body), &self.share);
        let json = self.json.get_or_init(read);
        json.as_ref().map_or_else(|_| Value::from(()), Value::clone)
    }

    fn headers(&self) -> Value {
        Value::from_object(Headers::new(self.response.headers.clone()))
    }
}

impl Object for Answered {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            "status" => Some(Value::from(self.response.status.as_u16())),
            "body" => Some(self.text.get_or_init(|| self.text()).clone()),
            "json" => Some(self.json()),
            "headers" => Some(self.headers()),
            "response_time_ms" => {
                Some(Value::from(self.response.response_time.as_secs_f64() * 1e3))
            }
            name => self.iteration.lookup(name),
        }
    }
}
