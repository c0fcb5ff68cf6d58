//! The template engine as workloads see it: minijinja with strict names, a budget, and the functions of `functions`.
//!
//! A [`Program`] is one compiled template or expression. Whether its names exist is `syntax`'s business.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Captured, Environment, Error, ErrorKind, UndefinedBehavior};

use super::errors::{EvaluationError, TextOrigin};
use super::functions::{self, Pools};
use super::metric::{METRIC, metric};
use super::variables::Variables;
use super::{bounds, digest, embedded_json, pattern, variables};

/// The most that one evaluation may cost: instructions, and 64 bytes of text for each (minijinja's unit).
const FUEL: u64 = 200_000;

thread_local! {
    static SPENT: Cell<u64> = const { Cell::new(0) };
}

/// The cost of all evaluations of this thread so far; one that failed counts as the most.
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
    pub(super) variables: Arc<Variables>,
    /// By their source: many tasks expect the same.
    kept: RefCell<HashMap<Arc<str>, Arc<Environment<'static>>>>,
}

impl Engine {
    pub(super) fn new(pools: Pools) -> Self {
        let pools = Arc::new(pools);
        let variables = Arc::<Variables>::default();
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        environment.set_syntax(syntax());
        // an error names the value that is undefined
        environment.set_debug(true);
        environment.remove_global("debug");
        functions::add_to(&mut environment, &pools);
        environment.add_filter(METRIC, metric);
        variables::add_to(&mut environment, &variables);
        digest::add_to(&mut environment);
        embedded_json::add_to(&mut environment);
        pattern::add_to(&mut environment);
        bounds::add_to(&mut environment);
        Self {
            environment: Arc::new(environment),
            pools,
            variables,
            kept: RefCell::default(),
        }
    }

    pub(super) fn environment(&self) -> &Environment<'static> {
        &self.environment
    }

    /// Compiles a template: the one that stands at `origin`, with its guards.
    pub(super) fn template(
        &self,
        origin: Arc<TextOrigin>,
        guarded: String,
    ) -> Result<Program, Error> {
        self.program(origin, guarded)
    }

    /// Compiles an expression, which `source` is known to be, with its guards.
    pub(super) fn expression(
        &self,
        origin: Arc<TextOrigin>,
        source: &str,
    ) -> Result<Program, Error> {
        self.program(origin, format!("{{% set {RESULT} = ({source}) %}}"))
    }

    fn program(&self, origin: Arc<TextOrigin>, source: String) -> Result<Program, Error> {
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
    pub(super) origin: Arc<TextOrigin>,
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
