//! Rendering every request once before the first one is sent.
//!
//! A mistake that only shows when a template runs (a wrong type, a header with a line break in it, a path that makes
//! no URL) is found here, for every value that a task may draw.

use std::sync::Arc;

use reqwest::header::HeaderValue;

use super::class::{Step, Task, UserClass};
use super::engine::spent;
use super::errors::EvaluationError;
use super::read::Reader;
use super::scope::Scope;
use super::session::NamedValue;
use super::text::Text;
use crate::base_url::request_url;
use crate::random::Draws;

/// Iterations of each task that are rehearsed, at least.
const LEAST: usize = 8;

/// Iterations of each task that are rehearsed, at most.
const MOST: usize = 1_000;

/// The most that rehearsing a file may cost, in the unit of one template's limit.
const BUDGET: u64 = 10_000_000;

/// Renders the requests of every task and reports what goes wrong.
///
/// Each is rendered once, and again with other values as far as the budget goes.
pub(super) fn run(classes: &[Arc<UserClass>], reader: &Reader<'_>) {
    let end = spent().saturating_add(BUDGET);
    let tasks = classes
        .iter()
        .flat_map(|class| class.all_tasks().map(move |task| (class, task)));
    let mut rehearsals: Vec<Rehearsal<'_>> = tasks
        .map(|(class, task)| Rehearsal::new(class, task))
        .collect();
    for rehearsal in &mut rehearsals {
        if let Some(left) = rehearsal.turn(0, end, reader) {
            let origin = left.path.origin();
            let message = "the templates up to here take too long together: make them simpler";
            reader.mistake_on(origin.line, format!("{}: {message}", origin.place));
            return;
        }
    }
    for rehearsal in &mut rehearsals {
        for turn in 1..rehearsal.turns {
            if reader.is_full() || rehearsal.turn(turn, end, reader).is_some() {
                return;
            }
        }
    }
}

/// The requests of a task that are to be rendered.
struct Rehearsal<'w> {
    class: &'w UserClass,
    task: &'w Task,
    steps: Vec<&'w Step>,
    turns: usize,
}

impl<'w> Rehearsal<'w> {
    fn new(class: &'w UserClass, task: &'w Task) -> Self {
        let pools = task.pools().iter();
        let largest = pools.map(|(_, pool)| pool.values().len()).max();
        let varying =
            |step: &&Step| (!step.is_constant() || step.when.is_some()) && step.needs.is_empty();
        Self {
            class,
            task,
            steps: task.steps().iter().filter(varying).collect(),
            turns: largest.unwrap_or(0).clamp(LEAST, MOST),
        }
    }

    /// Renders each request once; one that fails is reported and not rendered again.
    ///
    /// Returns the first for which the budget, which ends at `end`, was not enough.
    fn turn(&mut self, turn: usize, end: u64, reader: &Reader<'_>) -> Option<&'w Step> {
        let Self { class, task, .. } = *self;
        let draws = Draws::new(0, class.name(), 0, turn as u64);
        let names = (class.name(), class.host().name());
        let mut scope = Scope::with_values(names, 0, turn as u64, draws, drawn(task, turn));
        let mut left = None;
        self.steps.retain(|step| {
            if spent() > end {
                left.get_or_insert(*step);
                return true;
            }
            match render(class, step, &mut scope) {
                Ok(()) => true,
                Err(error) => {
                    reader.mistake_on(error.line(), format!("{}: {error}", error.place()));
                    false
                }
            }
        });
        left
    }
}

fn render(class: &UserClass, step: &Step, scope: &mut Scope) -> Result<(), EvaluationError> {
    scope.fork(step.index);
    if let Some(when) = &step.when {
        when.evaluate(scope.context())?;
    }
    let path = step.path.render(scope)?;
    if request_url(step.host(class).url(), &path).is_none() {
        return Err(wrong(
            &step.path,
            format!("{path:?} makes no URL: a path begins with `/`"),
        ));
    }
    for (name, text) in &step.headers {
        let value = text.render(scope)?;
        if HeaderValue::from_str(&value).is_err() {
            let message = format!("header {name} would be {value:?}: it cannot hold that");
            return Err(wrong(text, message));
        }
    }
    if let Some(body) = &step.body {
        body.render(scope)?;
    }
    Ok(())
}

fn wrong(text: &Text, message: String) -> EvaluationError {
    EvaluationError::new(&text.origin(), message)
}

fn drawn(task: &Task, turn: usize) -> Vec<NamedValue> {
    let pools = task.pools().iter();
    pools
        .map(|(name, pool)| {
            let value = pool.values()[turn % pool.values().len()].clone();
            NamedValue::drawn(name, value)
        })
        .collect()
}
