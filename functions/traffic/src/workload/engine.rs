//! The template engine as workloads see it: minijinja with strict names, a budget, and random functions.
//!
//! A [`Program`] is one compiled template or expression. Whether its names exist is `syntax`'s business.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Captured, Environment, Error, ErrorKind, State, UndefinedBehavior};

use super::bounds;
use super::errors::{EvaluationError, Origin};
use super::metric::{METRIC, metric};
use super::pool::Pool;
use super::scope::{Iteration, SELF_NAME};
use crate::random::Draws;

/// The pools of a workload by name.
pub(super) type Pools = BTreeMap<String, Arc<Pool>>;

/// What one evaluation may cost: instructions, and 64 bytes of text for each (minijinja's unit).
const FUEL: u64 = 200_000;

thread_local! {
    static SPENT: Cell<u64> = const { Cell::new(0) };
}

/// What all evaluations of this thread have cost so far; one that failed counts as the most.
pub(super) fn spent() -> u64 {
    SPENT.get()
}

/// The only template of each program's environment.
const TEMPLATE: &str = "template";

/// The variable that an expression's value is left in.
const RESULT: &str = "__result";

/// Programs of a workload that stay compiled. Each takes 12 KB, since minijinja reserves room for 256
/// instructions, so that those of ten thousand tasks would take more than all else. Others are compiled
/// for each evaluation, in some 20 microseconds.
const KEPT: usize = 2_000;

/// The environment that programs are compiled in.
#[derive(Debug)]
pub(super) struct Engine {
    environment: Arc<Environment<'static>>,
    pub(super) pools: Arc<Pools>,
    /// By their source: many tasks expect the same.
    kept: RefCell<HashMap<Arc<str>, Arc<Environment<'static>>>>,
}

impl Engine {
    pub(super) fn new(pools: Pools) -> Self {
        let pools = Arc::new(pools);
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        environment.set_syntax(syntax());
        // an error names the value that is undefined
        environment.set_debug(true);
        environment.remove_global("debug");
        add_random_functions(&mut environment, &pools);
        environment.add_filter(METRIC, metric);
        bounds::add_to(&mut environment);
        Self {
            environment: Arc::new(environment),
            pools,
            kept: RefCell::default(),
        }
    }

    pub(super) fn environment(&self) -> &Environment<'static> {
        &self.environment
    }

    /// Compiles a template: the one that stands at `origin`, with its guards.
    pub(super) fn template(&self, origin: Arc<Origin>, guarded: String) -> Result<Program, Error> {
        self.program(origin, guarded)
    }

    /// Compiles an expression, which `source` is known to be, with its guards.
    pub(super) fn expression(&self, origin: Arc<Origin>, source: &str) -> Result<Program, Error> {
        self.program(origin, format!("{{% set {RESULT} = ({source}) %}}"))
    }

    fn program(&self, origin: Arc<Origin>, source: String) -> Result<Program, Error> {
        let mut kept = self.kept.borrow_mut();
        let known = kept.get_key_value(&*source);
        let (source, compiled) = match known {
            Some((source, compiled)) => (Arc::clone(source), Some(Arc::clone(compiled))),
            None => {
                let compiled = compiled(&self.environment, source.clone())?;
                let source = Arc::<str>::from(source);
                let compiled = (kept.len() < KEPT).then(|| Arc::new(compiled));
                if let Some(compiled) = &compiled {
                    kept.insert(Arc::clone(&source), Arc::clone(compiled));
                }
                (source, compiled)
            }
        };
        Ok(Program {
            source,
            compiled,
            environment: Arc::clone(&self.environment),
            origin,
        })
    }
}

/// An environment with a program in it.
fn compiled(
    environment: &Environment<'static>,
    source: String,
) -> Result<Environment<'static>, Error> {
    let mut environment = environment.clone();
    environment.add_template_owned(TEMPLATE, source)?;
    Ok(environment)
}

/// As Jinja's, but a template ends as it is written: a body may need its last newline.
pub(super) fn syntax() -> SyntaxConfig {
    let mut builder = SyntaxConfig::builder();
    builder.keep_trailing_newline(true);
    builder.build().expect("the default delimiters are valid")
}

/// A template or expression that can be evaluated.
#[derive(Debug)]
pub(super) struct Program {
    source: Arc<str>,
    /// The environment that has it, if it stays compiled.
    compiled: Option<Arc<Environment<'static>>>,
    /// The one to compile it in.
    environment: Arc<Environment<'static>>,
    pub(super) origin: Arc<Origin>,
}

impl Program {
    /// The template's text in `context`.
    pub(super) fn render(&self, context: Value) -> Result<String, EvaluationError> {
        self.run(context, |captured| captured.into_output())
    }

    /// The expression's value in `context`; it may be undefined.
    pub(super) fn evaluate(&self, context: Value) -> Result<Value, EvaluationError> {
        self.run(context, |captured| {
            captured.state().lookup(RESULT).unwrap_or_default()
        })
    }

    /// Evaluates it, and takes what is wanted of the result.
    fn run<T>(
        &self,
        context: Value,
        take: impl FnOnce(Captured<'_>) -> T,
    ) -> Result<T, EvaluationError> {
        let environment = match &self.compiled {
            Some(compiled) => Ok(Cow::Borrowed(&**compiled)),
            None => compiled(&self.environment, self.source.to_string()).map(Cow::Owned),
        };
        let environment = environment.map_err(|error| self.failed(&error))?;
        let template = environment.get_template(TEMPLATE);
        let captured = template.and_then(|template| template.render_captured(context));
        let fuel = captured.as_ref().map_or(FUEL, |captured| {
            captured.state().fuel_levels().map_or(0, |(spent, _)| spent)
        });
        SPENT.set(SPENT.get().saturating_add(fuel));
        captured.map(take).map_err(|error| self.failed(&error))
    }

    /// The expression's value in `context`; an error if it is undefined.
    pub(super) fn evaluate_defined(&self, context: Value) -> Result<Value, EvaluationError> {
        let value = self.evaluate(context)?;
        if value.is_undefined() {
            return Err(EvaluationError::new(&self.origin, "the value is undefined"));
        }
        Ok(value)
    }

    fn failed(&self, error: &Error) -> EvaluationError {
        let message = match error.kind() {
            ErrorKind::OutOfFuel => "it takes too long or makes too much text".to_owned(),
            kind => error
                .detail()
                .map_or(kind.to_string(), |detail| format!("{kind}: {detail}")),
        };
        EvaluationError::new(&self.origin, message)
    }
}

/// The functions that draw, and nothing else in a template does.
pub(super) const RANDOM_FUNCTIONS: [&str; 4] = ["pick", "randint", "uniform", "choice"];

fn add_random_functions(environment: &mut Environment<'static>, pools: &Arc<Pools>) {
    let pools = Arc::clone(pools);
    environment.add_function("pick", move |state: &State, name: &str| {
        let pool = pools
            .get(name)
            .ok_or_else(|| invalid(format!("there is no pool {name:?}")))?;
        draw(state, |draws| pool.draw(draws))
    });
    environment.add_function("randint", |state: &State, low: i64, high: i64| {
        check_randint(low, high).map_err(invalid)?;
        draw(state, |draws| Value::from(whole_between(draws, low, high)))
    });
    environment.add_function(
        "uniform",
        |state: &State, low: f64, high: f64, digits: Option<u32>| {
            check_uniform(low, high, digits).map_err(invalid)?;
            draw(state, |draws| {
                Value::from(real_between(draws, low, high, digits))
            })
        },
    );
    environment.add_function("choice", |state: &State, values: Vec<Value>| {
        if values.is_empty() {
            return Err(invalid("choice needs a list with at least one value"));
        }
        draw(state, |draws| {
            values[draws.below(values.len() as u64) as usize].clone()
        })
    });
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

fn draw<T>(state: &State, draw: impl FnOnce(&mut Draws) -> T) -> Result<T, Error> {
    let iteration = state.lookup(SELF_NAME);
    let iteration = iteration
        .as_ref()
        .and_then(|value| value.downcast_object_ref::<Iteration>());
    let iteration = iteration.ok_or_else(|| invalid("there is nothing random in a response"))?;
    Ok(iteration.draw(draw))
}

pub(super) fn check_randint(low: i64, high: i64) -> Result<(), String> {
    if low > high {
        return Err(format!(
            "randint({low}, {high}) has its bounds the wrong way round: swap them"
        ));
    }
    Ok(())
}

/// Up to 9 digits, and bounds that leave each of their multiples exact.
pub(super) fn check_uniform(low: f64, high: f64, digits: Option<u32>) -> Result<(), String> {
    const LARGEST: f64 = 1e15;
    let scaled = |bound: f64| bound * 10_f64.powi(digits.unwrap_or(0).min(9) as i32);
    if low > high {
        return Err(format!(
            "uniform({low}, {high}) has its bounds the wrong way round: swap them"
        ));
    }
    if !(scaled(low) >= -LARGEST && scaled(high) <= LARGEST) {
        return Err(format!(
            "uniform({low}, {high}) has bounds that are too large"
        ));
    }
    match digits {
        Some(10..) => Err("uniform has at most 9 digits after the point".to_owned()),
        _ => Ok(()),
    }
}

/// A whole number from `low` to `high`, both included.
fn whole_between(draws: &mut Draws, low: i64, high: i64) -> i64 {
    let span = high.wrapping_sub(low) as u64;
    let drawn = match span.checked_add(1) {
        Some(count) => draws.below(count),
        None => draws.bits(),
    };
    low.wrapping_add(drawn as i64)
}

/// A number from `low` to `high`; with `digits`, a multiple of their last place, both included.
fn real_between(draws: &mut Draws, low: f64, high: f64, digits: Option<u32>) -> f64 {
    let Some(digits) = digits else {
        return draws.uniform(low, high);
    };
    let scale = 10_i64.pow(digits) as f64;
    let (first, last) = ((low * scale).round() as i64, (high * scale).round() as i64);
    whole_between(draws, first, last) as f64 / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_bounds_of_randint_are_drawn() {
        let mut draws = Draws::new(1, "A", 0, 0);
        let drawn: std::collections::BTreeSet<_> =
            (0..200).map(|_| whole_between(&mut draws, -1, 2)).collect();
        assert_eq!(Vec::from_iter(drawn), [-1, 0, 1, 2]);
        whole_between(&mut draws, i64::MIN, i64::MAX);
    }

    #[test]
    fn an_amount_has_two_digits_and_stays_within_its_bounds() {
        let mut draws = Draws::new(1, "A", 0, 0);
        for _ in 0..10_000 {
            let amount = real_between(&mut draws, 10.0, 500.0, Some(2));
            assert!((10.0..=500.0).contains(&amount));
            assert_eq!(format!("{amount:.2}").parse(), Ok(amount));
        }
    }

    #[test]
    fn bounds_that_make_no_sense_are_refused() {
        assert!(check_randint(2, 1).is_err());
        assert!(check_uniform(2.0, 1.0, None).is_err());
        assert!(check_uniform(0.0, f64::INFINITY, None).is_err());
        assert!(check_uniform(f64::NAN, 1.0, Some(2)).is_err());
        assert!(check_uniform(0.0, 1.0, Some(10)).is_err());
        assert!(check_uniform(0.0, 1e12, Some(9)).is_err());
        assert!(check_uniform(-5.0, 5.0, Some(9)).is_ok());
    }
}
