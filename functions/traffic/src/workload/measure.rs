//! Custom metrics of a request: which responses are measured, and the value that each gives.
//!
//! A value that cannot be evaluated, or is no number, is an error of its own: it is counted, and the request stays what
//! it was judged to be.

use std::cell::RefCell;
use std::sync::Arc;

use minijinja::value::{Value, ValueKind};

use super::engine::Program;
use super::errors::EvaluationError;
use super::json;
use crate::custom_metric::{Amount, CustomMetric, MAX_VALUE, MOST};
use crate::record::Measured;

/// What a request's responses are measured by.
#[derive(Debug)]
pub(super) struct MetricRule {
    pub(super) metric: Arc<CustomMetric>,
    pub(super) value: MetricValue,
    /// Whether a response is measured.
    pub(super) when: Option<Program>,
}

/// The value that a response gives.
#[derive(Debug)]
pub(super) enum MetricValue {
    Constant(Amount),
    Expression(Program),
}

/// What a response was measured by, and what could not be evaluated of it.
#[derive(Debug, Default)]
pub struct Measurements {
    /// The values, those included that could not be evaluated.
    pub values: Vec<Measured>,
    /// Why they could not.
    pub errors: Vec<EvaluationError>,
}

impl Measurements {
    /// Measures a response by a rule.
    pub(super) fn add(
        &mut self,
        rule: &MetricRule,
        context: &Value,
        explain: impl FnOnce(EvaluationError) -> EvaluationError,
    ) {
        let amount = match rule.evaluate(context) {
            Ok(None) => return,
            Ok(amount) => amount,
            Err(error) => {
                let metric = format!("the metric {}", rule.metric.name);
                self.errors.push(explain(error.after(&metric)));
                None
            }
        };
        self.values.push(Measured {
            metric: Arc::clone(&rule.metric),
            amount,
        });
    }
}

impl MetricRule {
    /// The value; nothing if the response is not measured.
    fn evaluate(&self, context: &Value) -> Result<Option<Amount>, EvaluationError> {
        if let Some(when) = &self.when
            && !when.evaluate(context.clone())?.is_true()
        {
            return Ok(None);
        }
        match &self.value {
            MetricValue::Constant(amount) => Ok(Some(*amount)),
            MetricValue::Expression(program) => {
                let value = program.evaluate_defined(context.clone())?;
                let amount = amount(&value);
                let amount = amount.map_err(|reason| EvaluationError::new(&program.origin, reason));
                amount.map(Some)
            }
        }
    }
}

/// A value as a metric has it. The value itself is not in the message: errors are counted by their message, and it may
/// be a secret.
fn amount(value: &Value) -> Result<Amount, String> {
    let is_number = value.kind() == ValueKind::Number || json::digits(value).is_some();
    if !is_number {
        return Err(format!("the value is no number, but {}", value.kind()));
    }
    // an integer of any length has digits that a float reads
    let number: Option<f64> = value.to_string().parse().ok();
    let amount = number.and_then(Amount::of);
    amount.ok_or_else(|| match number {
        Some(number) if number < 0.0 => "the value is below 0".to_owned(),
        Some(number) if number.is_finite() => format!("the value is above {MAX_VALUE}"),
        _ => "the value is not finite".to_owned(),
    })
}

/// The custom metrics of a file by name, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct KnownMetrics(RefCell<Vec<Arc<CustomMetric>>>);

impl KnownMetrics {
    /// The metric, if it may be one beside the others.
    pub(super) fn know(&self, metric: CustomMetric) -> Result<Arc<CustomMetric>, String> {
        let mut known = self.0.borrow_mut();
        let mut others = known.iter();
        let is_named = |other: &&Arc<CustomMetric>| other.name.eq_ignore_ascii_case(&metric.name);
        match others.find(is_named) {
            Some(other) if **other == metric => return Ok(Arc::clone(other)),
            Some(other) => return Err(unlike(&metric, other)),
            None if known.len() >= MOST => {
                return Err(format!(
                    "`{}` is one custom metric too many: a workload has {MOST} at most",
                    metric.name
                ));
            }
            None => {}
        }
        let metric = Arc::new(metric);
        let place = known.partition_point(|other| *other < metric);
        known.insert(place, Arc::clone(&metric));
        Ok(metric)
    }

    /// The metrics by name.
    pub(super) fn by_name(&self) -> Vec<Arc<CustomMetric>> {
        self.0.borrow().clone()
    }
}

/// Says how a metric differs from the one of its name.
fn unlike(metric: &CustomMetric, other: &CustomMetric) -> String {
    let CustomMetric { name, kind, unit } = other;
    let unit = match &**unit {
        "" => "no unit".to_owned(),
        unit => format!("the unit {unit:?}"),
    };
    format!(
        "`{}` is `{name}`, a {} with {unit}, elsewhere in the file: write the same in both places, or another name",
        metric.name,
        kind.as_str()
    )
}
