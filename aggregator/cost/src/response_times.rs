//! The response times of the targets: an average for a request, for a class or for everything.

use std::collections::BTreeMap;
use std::time::Duration;

use traffic::random::Draws;
use traffic::run_rules::InvalidField;
use traffic::workload::{Step, Workload};

/// The response times of the demo's slow requests, by name.
const BUILT_IN: &str = include_str!("response-times.toml");

/// The response time of any other request, in seconds.
const OTHERWISE: f64 = 0.05;

/// The standard deviation of a response time's logarithm, which real services and the stand-ins have
/// about: half of the answers are there after 0.84 of the average.
const SIGMA: f64 = 0.6;

/// Response times in seconds. A request's own goes before its class's, that before the one of all, and
/// that before what is built in.
#[derive(Clone, Debug, PartialEq)]
pub struct ResponseTimes {
    overall: Option<f64>,
    named: BTreeMap<String, f64>,
    built_in: BTreeMap<String, f64>,
    is_fixed: bool,
}

impl Default for ResponseTimes {
    fn default() -> Self {
        Self {
            overall: None,
            named: BTreeMap::new(),
            built_in: toml::from_str(BUILT_IN).expect("the built-in response times are right"),
            is_fixed: false,
        }
    }
}

impl ResponseTimes {
    /// The same time for every request, to the microsecond: for what must come out the same.
    pub fn fixed(seconds: f64) -> Self {
        Self {
            overall: Some(seconds),
            is_fixed: true,
            ..Self::default()
        }
    }

    /// Takes over `SECONDS`, or `NAME=SECONDS` of a class or a request.
    pub fn set(&mut self, text: &str, workload: &Workload) -> Result<(), InvalidField> {
        const FIELD: &str = "response_time";
        // a request's name may have an equals sign
        let (name, seconds) = match text.rsplit_once('=') {
            Some((name, seconds)) => (Some(name.trim()), seconds),
            None => (None, text),
        };
        let seconds = seconds.trim().parse().ok();
        let seconds = seconds
            .filter(|seconds: &f64| (0.0..=86_400.0).contains(seconds))
            .ok_or_else(|| {
                let problem = format!(
                    "{text:?} is no response time: write seconds such as 0.2, or NAME=SECONDS"
                );
                InvalidField::new(FIELD, problem)
            })?;
        let Some(name) = name else {
            self.overall = Some(seconds);
            return Ok(());
        };
        let known = names(workload);
        if !known.contains(&name) {
            let known = known.join(", ");
            let problem = format!(
                "names {name:?}, which is neither a class nor a request of the workload; it has {known}"
            );
            return Err(InvalidField::new(FIELD, problem));
        }
        self.named.insert(name.into(), seconds);
        Ok(())
    }

    /// The average of a class's request, in seconds.
    pub fn mean(&self, class: &str, request: &str) -> f64 {
        let named = self.named.get(request).or_else(|| self.named.get(class));
        let said = named.copied().or(self.overall);
        said.or_else(|| self.built_in.get(request).copied())
            .unwrap_or(OTHERWISE)
    }

    /// One response time of a class's step, never beyond the step's timeout.
    pub(super) fn draw(&self, class: &str, step: &Step, draws: &mut Draws) -> Duration {
        let mean = self.mean(class, &step.name);
        let seconds = if self.is_fixed {
            mean
        } else {
            mean * (SIGMA * normal(draws) - SIGMA * SIGMA / 2.0).exp()
        };
        Duration::from_secs_f64(seconds).min(step.timeout)
    }
}

/// The classes and requests of a workload, each once.
fn names(workload: &Workload) -> Vec<&str> {
    let classes = workload.classes().iter();
    let mut names: Vec<&str> = classes.clone().map(|class| &**class.name()).collect();
    let steps = classes.flat_map(|class| class.tasks().iter().flat_map(|task| task.steps()));
    for step in steps {
        if !names.contains(&&*step.name) {
            names.push(&step.name);
        }
    }
    names
}

/// A number from the standard normal distribution, by the Box-Muller transform.
fn normal(draws: &mut Draws) -> f64 {
    // 1 - u is in (0, 1], whose logarithm is finite
    let radius = (-2.0 * (1.0 - draws.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * draws.unit()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload() -> Workload {
        Workload::built_in(&|_| None).unwrap()
    }

    #[test]
    fn the_more_is_said_of_a_request_the_more_it_counts() {
        let workload = workload();
        let mut times = ResponseTimes::default();
        assert_eq!(times.mean("ChatModelAUser", "Chat (Model A)"), 1.1);
        assert_eq!(times.mean("TargetAppUser", "GET /health"), OTHERWISE);
        for (text, expected) in [
            ("0.5", 0.5),
            ("ModelAUser = 3", 3.0),
            ("Repair Workflow (Model A)=40", 40.0),
        ] {
            times.set(text, &workload).unwrap();
            assert_eq!(
                times.mean("ModelAUser", "Repair Workflow (Model A)"),
                expected
            );
        }
        assert_eq!(times.mean("ModelAUser", "Agent Status (Model A)"), 3.0);
        assert_eq!(times.mean("ChatModelAUser", "Chat (Model A)"), 0.5);
    }

    #[test]
    fn every_built_in_time_is_of_a_request_that_there_is() {
        let workload = workload();
        let known = names(&workload);
        for name in ResponseTimes::default().built_in.keys() {
            assert!(known.contains(&&**name), "{name}");
        }
    }

    #[test]
    fn what_is_drawn_has_the_average_that_was_asked_for() {
        let workload = workload();
        let step = &workload.class("ChatModelAUser").unwrap().tasks()[0].steps()[0];
        let mut draws = Draws::keyed(1, 2, 3);
        let times = ResponseTimes::default();
        let drawn: f64 = (0..100_000)
            .map(|_| times.draw("ChatModelAUser", step, &mut draws).as_secs_f64())
            .sum();
        let mean = drawn / 100_000.0;
        assert!((mean - 1.1).abs() < 0.02, "{mean}");
    }

    #[test]
    fn a_time_that_is_none_and_a_name_that_is_unknown_are_refused() {
        let workload = workload();
        let mut times = ResponseTimes::default();
        for text in [
            "",
            "fast",
            "ModelAUser=",
            "ModelAUser=-1",
            "nan",
            "inf",
            "ModelAUser=1e9",
        ] {
            let error = times.set(text, &workload).unwrap_err();
            assert!(error.problem.contains("is no response time"), "{text}");
        }
        let error = times
            .set("ModelCUser=1", &workload)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("ModelCUser") && error.contains("ModelBUser"),
            "{error}"
        );
    }
}
