//! An iteration as a template sees it: its names and draws.
//!
//! A [`Scope`] lasts for one iteration. Each step draws from a generator of its own, so a step that is
//! skipped or fails leaves the requests after it as they were.

use std::sync::Arc;

use minijinja::value::{Object, Value};
use parking_lot::Mutex;

use super::errors::EvaluationError;
use super::pool::Pool;
use super::row::Taker;
use super::session::{NamedValue, SessionValues};
use super::values::MemoryShare;
use crate::clock::Timestamp;
use crate::random::Draws;

/// The names that every template may use.
pub(super) const ITERATION_NAMES: [&str; 4] = ["user_class", "user", "iteration", "host"];

/// The name under which functions find their iteration; no workload file can write it.
pub(super) const SELF_NAME: &str = "__iteration";

/// A text of at most so many bytes may be captured without being counted.
const SMALL: usize = 1_024;

/// One iteration of one user: its names, its drawn and captured values, and its randomness.
#[derive(Debug)]
pub struct Scope(Arc<IterationValues>);

#[derive(Debug)]
pub(super) struct IterationValues {
    user_class: Arc<str>,
    host: Arc<str>,
    user: u32,
    number: u64,
    /// See [`Draws::user_key`].
    user_key: u64,
    /// The instant that it is due.
    due_at: Timestamp,
    /// The key of each step's generator.
    key: u64,
    live: Mutex<Live>,
}

#[derive(Debug)]
struct Live {
    draws: Draws,
    /// The round of the present group of steps.
    round: u32,
    /// Whether the group is sent again, by the last answer of this round, if that was good.
    goes_on: Option<Result<bool, EvaluationError>>,
    values: Vec<NamedValue>,
}

impl Scope {
    /// The scope of an iteration of a class and its host, by their names. `draws` is the iteration's generator.
    pub(super) fn with_values(
        (user_class, host): (&Arc<str>, &Arc<str>),
        user: u32,
        iteration: u64,
        mut draws: Draws,
        values: Vec<NamedValue>,
    ) -> Self {
        let (user_key, key) = (draws.user_key(), draws.bits());
        Self(Arc::new(IterationValues {
            user_class: Arc::clone(user_class),
            host: Arc::clone(host),
            user,
            number: iteration,
            user_key,
            due_at: Timestamp::default(),
            key,
            live: Mutex::new(Live {
                draws,
                round: 0,
                goes_on: None,
                values,
            }),
        }))
    }

    /// The same iteration, due at this instant; without it, its templates' `now` is 1970.
    #[must_use]
    pub fn due_at(mut self, instant: Timestamp) -> Self {
        // nobody has the values of a scope that was just made
        if let Some(values) = Arc::get_mut(&mut self.0) {
            values.due_at = instant;
        }
        self
    }

    /// The generator of the step with an index in its task, for this round of its group; `stream` tells several apart.
    pub(super) fn draws_of(&self, index: u32, stream: u64) -> Draws {
        let round = self.0.live.lock().round;
        Draws::keyed(self.0.key, index, stream + u64::from(round))
    }

    /// Begins a round of a group of steps; the first is 0.
    pub(super) fn begin_round(&mut self, round: u32) {
        self.0.live.lock().round = round;
    }

    /// Notes whether the group of the present step goes on, by its answer.
    pub(super) fn go_on(&mut self, goes_on: Option<Result<bool, EvaluationError>>) {
        self.0.live.lock().goes_on = goes_on;
    }

    /// Whether the group goes on, by the last answer of the round.
    pub(super) fn goes_on(&mut self) -> Result<bool, EvaluationError> {
        let goes_on = self.0.live.lock().goes_on.take();
        goes_on.unwrap_or(Ok(false))
    }

    /// Gives the step with an index in its task the generator that is its own.
    pub(super) fn fork(&self, index: u32) {
        let draws = self.draws_of(index, 0);
        self.0.live.lock().draws = draws;
    }

    /// True if a value has been drawn or captured.
    pub(super) fn has(&self, name: &Arc<str>) -> bool {
        self.0
            .live
            .lock()
            .values
            .iter()
            .any(|known| known.name == *name)
    }

    pub(super) fn context(&self) -> Value {
        Value::from_dyn_object(Arc::clone(&self.0))
    }

    pub(super) fn iteration(&self) -> &Arc<IterationValues> {
        &self.0
    }

    /// Keeps a value of a response for the rest of the iteration; `share` is the memory that it was taken from.
    pub(super) fn capture(
        &mut self,
        name: &Arc<str>,
        value: Value,
        share: Option<&Arc<MemoryShare>>,
    ) {
        let mut live = self.0.live.lock();
        let is_large = match value.as_str() {
            Some(text) => text.len() > SMALL,
            None => value.as_object().is_some(),
        };
        live.values.retain(|known| known.name != *name);
        let share = share.filter(|_| is_large).cloned();
        live.values.push(NamedValue::captured(name, value, share));
    }

    /// Brings the values of the user's session into the iteration.
    pub fn enter(&mut self, session: &SessionValues) {
        let mut live = self.0.live.lock();
        let of_session = |known: &NamedValue| session.0.iter().any(|kept| kept.name == known.name);
        live.values.retain(|known| !of_session(known));
        live.values.extend(session.0.iter().cloned());
    }

    /// Keeps the iteration's values of these names in the user's session.
    pub fn keep(&self, names: &[Arc<str>], session: &mut SessionValues) {
        let live = self.0.live.lock();
        let kept = live
            .values
            .iter()
            .filter(|value| names.contains(&value.name));
        session.0 = kept.cloned().collect();
    }
}

impl IterationValues {
    pub(super) fn draw<T>(&self, draw: impl FnOnce(&mut Draws) -> T) -> T {
        draw(&mut self.live.lock().draws)
    }

    /// A value of a pool: drawn, or the record that is the iteration's.
    pub(super) fn take(&self, pool: &Pool) -> Value {
        let taker = Taker {
            user: self.user,
            iteration: self.number,
            key: self.user_key,
        };
        self.draw(|draws| pool.take(&taker, draws))
    }

    pub(super) fn due_at(&self) -> Timestamp {
        self.due_at
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
        let live = self.live.lock();
        let mut values = live.values.iter();
        let known = values.find(|known| &*known.name == name)?;
        Some(known.value.clone())
    }
}

impl Object for IterationValues {
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
