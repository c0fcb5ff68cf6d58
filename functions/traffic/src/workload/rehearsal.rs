//! Rendering every request once before the first one is sent.
//!
//! What only shows when a template runs (a wrong type, a header with a line break in it, a path that makes
//! no URL) is found here, for every value that a task may draw.

use std::sync::Arc;

use minijinja::Value;
use reqwest::header::HeaderValue;

use super::class::{Step, Task, UserClass, request_url};
use super::errors::EvaluationError;
use super::read::Reader;
use super::scope::Scope;
use super::text::Text;
use crate::random::Draws;

/// Iterations of each task that are rehearsed, at least.
const LEAST: usize = 8;

/// Iterations of each task that are rehearsed, at most.
const MOST: usize = 1_000;

/// Renders the requests of every task and reports what goes wrong.
pub(super) fn run(classes: &[Arc<UserClass>], reader: &Reader<'_>) {
    for class in classes {
        for task in class.tasks() {
            rehearse(class, task, reader);
        }
    }
}

fn rehearse(class: &UserClass, task: &Task, reader: &Reader<'_>) {
    let largest = task
        .pools()
        .iter()
        .map(|(_, pool)| pool.values().len())
        .max();
    let turns = largest.unwrap_or(0).clamp(LEAST, MOST);
    let varying = |step: &&Step| !step.is_constant() && step.needs.is_empty();
    let mut steps: Vec<&Step> = task.steps().iter().filter(varying).collect();
    for turn in 0..turns {
        let draws = Draws::new(0, class.name(), 0, turn as u64);
        let mut scope = Scope::with_values(class, 0, turn as u64, draws, drawn(task, turn));
        // a step is reported once
        steps.retain(|step| match render(class, step, &mut scope) {
            Ok(()) => true,
            Err(error) => {
                reader.mistake_on(error.line(), format!("{}: {error}", error.place()));
                false
            }
        });
    }
}

fn render(class: &UserClass, step: &Step, scope: &mut Scope) -> Result<(), EvaluationError> {
    scope.fork(step);
    let path = step.path.render(scope)?;
    if request_url(class.host().url(), &path).is_none() {
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

fn drawn(task: &Task, turn: usize) -> Vec<(Arc<str>, Value)> {
    let pools = task.pools().iter();
    pools
        .map(|(name, pool)| {
            (
                Arc::clone(name),
                pool.values()[turn % pool.values().len()].clone(),
            )
        })
        .collect()
}
