//! Going through the steps of a task: which of them an iteration sends, in which order, and how a response is
//! judged.

use std::sync::Arc;
use std::time::Duration;

use minijinja::Value;
use reqwest::StatusCode;

use super::class::{Capture, Order, SessionRules, Step, Task, UserClass};
use super::errors::EvaluationError;
use super::expect::Verdict;
use super::measure::Measurements;
use super::response::{Answered, Response};
use super::row::Taker;
use super::scope::Scope;
use super::session::NamedValue;
use super::wait::Wait;
use crate::custom_metric::Amount;
use crate::random::Draws;
use crate::record::Measured;

/// Keys the generator that draws the order of steps, among those of the steps, which are keyed by their numbers.
const OF_THE_ORDER: u32 = u32::MAX;

/// Keeps the draws of pauses apart from those of requests.
const PAUSES: u64 = 1 << 32;

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
        let taker = Taker {
            user,
            iteration,
            key: draws.user_key(),
        };
        let drawn = task.pools().iter();
        let values = drawn
            .map(|(name, pool)| NamedValue::drawn(name, pool.take(&taker, &mut draws)))
            .collect();
        let names = (class.name(), class.host().name());
        Self::with_values(names, user, iteration, draws, values)
    }

    /// Goes through the steps of `task` in the order of this iteration.
    pub fn walk<'t>(&self, task: &'t Task) -> Walk<'t> {
        let count = task.steps().len();
        let drawn = (task.order() == Order::Random).then(|| {
            let mut draws = self.draws_of(OF_THE_ORDER, 0);
            let mut order: Vec<usize> = (0..count).collect();
            for last in (1..count).rev() {
                order.swap(last, draws.below(last as u64 + 1) as usize);
            }
            order
        });
        Walk {
            task,
            drawn,
            next: 0,
            round: 0,
        }
    }

    /// Begins a step: whether it is to be sent in this iteration.
    ///
    /// It is not when its probability or its `when` says so, or when a value it needs was not captured because an
    /// earlier request of the iteration failed or was not sent.
    ///
    /// # Errors
    ///
    /// If its `when` cannot be evaluated.
    pub fn begin(&mut self, step: &Step) -> Result<bool, EvaluationError> {
        self.fork(step.index);
        let ready = step.needs.iter().all(|name| self.has(name));
        let chance = |draws: &mut Draws| draws.chance(step.probability);
        let is_drawn = ready && (step.probability >= 1.0 || self.iteration().draw(chance));
        let is_sent = match &step.when {
            Some(when) if is_drawn => when.evaluate(self.context())?.is_true(),
            _ => is_drawn,
        };
        if is_sent && step.goes_on.is_some() {
            // what an earlier answer has said holds no more
            self.go_on(None);
        }
        Ok(is_sent)
    }

    /// The pause before a step that is sent. It has draws of its own, so it leaves the request as it is.
    pub fn pause(&self, step: &Step) -> Duration {
        match step.pause {
            Some(Wait::Constant(pause)) => pause,
            Some(Wait::Between { min, max }) => {
                let mut draws = self.draws_of(step.index, PAUSES);
                let span = (max - min).as_micros() as u64 + 1;
                min + Duration::from_micros(draws.below(span))
            }
            _ => Duration::ZERO,
        }
    }

    /// Takes for granted that a step was answered well: what it captures is there, and its group goes on.
    pub fn assume(&mut self, step: &Step) {
        for Capture { name, .. } in &step.captures {
            self.capture(name, Value::from(""), None);
        }
        self.go_on(Some(Ok(true)));
    }

    /// Takes for granted that the user has a session.
    pub fn assume_session(&mut self, rules: &SessionRules) {
        for name in rules.kept() {
            self.capture(name, Value::from(""), None);
        }
    }
}

/// The way through a task's steps in one iteration.
#[derive(Debug)]
pub struct Walk<'t> {
    task: &'t Task,
    drawn: Option<Vec<usize>>,
    next: usize,
    round: u32,
}

impl Walk<'_> {
    /// The index of the next step. After the last one of a group it is the first of it again, if the answers said so
    /// and it was not sent too often.
    ///
    /// # Errors
    ///
    /// If the group's condition cannot be evaluated.
    pub fn next(&mut self, scope: &mut Scope) -> Result<Option<usize>, EvaluationError> {
        let mut groups = self.task.groups.iter();
        let before = self.next.checked_sub(1);
        if let Some(group) = groups.find(|group| Some(*group.steps.end()) == before) {
            let goes_on = scope.goes_on()? || !group.has_condition;
            if goes_on && self.round + 1 < group.at_most {
                self.next = *group.steps.start();
                self.round += 1;
            } else {
                self.round = 0;
            }
        }
        let turn = self.next;
        if turn >= self.task.steps().len() {
            return Ok(None);
        }
        self.next += 1;
        scope.begin_round(self.round);
        Ok(Some(self.drawn.as_ref().map_or(turn, |order| order[turn])))
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
        self.judge_and_measure(scope, response).0
    }

    /// The same, and what custom metrics the response gives, whether it is a good one or not.
    pub fn judge_and_measure(
        &self,
        scope: &mut Scope,
        response: Response,
    ) -> (Result<Verdict, EvaluationError>, Measurements) {
        let status = response.status;
        let mut measured = Measurements::default();
        match self.expect.by_status(status) {
            _ if !self.metrics.is_empty() => {}
            Some(Verdict::Pass) if !self.captures.is_empty() || self.goes_on.is_some() => {}
            Some(verdict) => return (Ok(verdict), measured),
            None => {}
        }
        let context = Answered::context(scope.iteration(), response);
        let explain = |error: EvaluationError| match Answered::lacks_json(&context) {
            Some(reason) => error.because(&reason.to_string()),
            None => error,
        };
        let judged = self.judge_in(scope, status, &context).map_err(explain);
        for rule in &self.metrics {
            measured.add(rule, &context, explain);
        }
        (judged, measured)
    }

    /// One value of each of its custom metrics, for whoever reckons with them.
    pub fn assumed_measured(&self) -> Vec<Measured> {
        let rules = self.metrics.iter();
        let measured = rules.map(|rule| Measured {
            metric: Arc::clone(&rule.metric),
            amount: Amount::of(1.0),
        });
        measured.collect()
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
            if let Some(goes_on) = &self.goes_on {
                let goes_on = goes_on.evaluate(context.clone());
                scope.go_on(Some(goes_on.map(|value| value.is_true())));
            }
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
