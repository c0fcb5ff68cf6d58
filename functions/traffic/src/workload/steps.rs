//! Going through the steps of a task: which of them an iteration sends, in which order, and how a response is
//! judged.

use minijinja::Value;
use reqwest::StatusCode;

use super::class::{Capture, Order, Step, Task, UserClass};
use super::errors::EvaluationError;
use super::expect::Verdict;
use super::response::{Answered, Response};
use super::scope::{NamedValue, Scope};
use crate::random::Draws;

/// Keys the generator that draws the order of steps, among those of the steps, which are keyed by their numbers.
const OF_THE_ORDER: u32 = u32::MAX;

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
            .map(|(name, pool)| NamedValue::drawn(name, pool.draw(&mut draws)))
            .collect();
        let names = (class.name(), class.host().name());
        Self::with_values(names, user, iteration, draws, values)
    }

    /// The steps of `task` in the order of this iteration, by their indices.
    pub fn order(&self, task: &Task) -> impl Iterator<Item = usize> + use<> {
        let count = task.steps().len();
        let drawn = (task.order() == Order::Random).then(|| {
            let mut draws = self.draws_of(OF_THE_ORDER);
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
        self.fork(step.index);
        let ready = step.needs.iter().all(|name| self.has(name));
        let chance = |draws: &mut Draws| draws.chance(step.probability);
        ready && (step.probability >= 1.0 || self.iteration().draw(chance))
    }
}

impl Step {
    /// Judges a response, and keeps what later requests of the iteration need from a good one.
    ///
    /// # Errors
    ///
    /// If an expectation, a failure text or a captured value cannot be evaluated: the request counts
    /// as failed, and the error is an exception.
    pub fn judge(&self, scope: &mut Scope, response: Response) -> Result<Verdict, EvaluationError> {
        let status = response.status;
        match self.expect.by_status(status) {
            Some(Verdict::Pass) if !self.captures.is_empty() => {}
            Some(verdict) => return Ok(verdict),
            None => {}
        }
        let context = Answered::context(scope.iteration(), response);
        self.judge_in(scope, status, &context).map_err(|error| {
            match Answered::lacks_json(&context) {
                Some(reason) => error.because(&reason.to_string()),
                None => error,
            }
        })
    }

    fn judge_in(
        &self,
        scope: &mut Scope,
        status: StatusCode,
        context: &Value,
    ) -> Result<Verdict, EvaluationError> {
        let verdict = self.expect.judge(status, context)?;
        if verdict == Verdict::Pass {
            self.capture(scope, context)?;
        }
        Ok(verdict)
    }

    fn capture(&self, scope: &mut Scope, context: &Value) -> Result<(), EvaluationError> {
        for Capture { name, value } in &self.captures {
            let captured = value.evaluate_defined(context.clone())?;
            // what there was no memory for is not kept as nothing
            if captured.is_none() && Answered::is_too_large(context) {
                return Err(EvaluationError::new(&value.origin, "there is no value"));
            }
            scope.capture(name, captured, Answered::share(context));
        }
        Ok(())
    }
}
