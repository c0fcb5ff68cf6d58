//! The arguments of functions and of the filters `metric` and `regex`, checked where they are constant.

use minijinja::machinery::ast::{CallArg, Expr, UnaryOpKind};
use minijinja::value::Value;

use crate::workload::functions::{Pools, UUID, check_randint, check_uniform};
use crate::workload::metric::{METRIC, USAGE};
use crate::workload::moment::{NOW, check_format};
use crate::workload::pattern::{self, REGEX};
use crate::workload::read::instead;
use crate::workload::variables::{SECRET, VariableUse};

/// Checks the arguments of a function that only requests have, as far as they are constant.
pub(super) fn check(name: &str, arguments: &[CallArg<'_>], pools: &Pools) -> Result<(), String> {
    let usage = usage(name);
    let positional = |argument: &CallArg<'_>| match argument {
        CallArg::Pos(value) => Ok(literal(value)),
        _ => Err(format!("`{name}` takes no named arguments: write {usage}")),
    };
    let values: Vec<Option<Value>> = arguments.iter().map(positional).collect::<Result<_, _>>()?;
    let wrong = |what: &str| Err(format!("`{name}` {what}: write {usage}"));
    let number = |value: &Option<Value>| match value {
        None => Some(None),
        Some(value) => f64::try_from(value.clone()).ok().map(Some),
    };
    match (name, &*values) {
        ("pick", [Some(pool)]) if pool.as_str().is_some() => check_pool(pool, pools),
        ("pick", _) => wrong("takes the name of a pool, in quotes"),
        ("choice", [Some(list)]) => match list.len() {
            Some(1..) if list.as_str().is_none() => Ok(()),
            _ => wrong("takes a list with at least one value"),
        },
        ("choice", [None]) | (UUID, []) | (NOW, [None]) => Ok(()),
        (NOW, [Some(format)]) => match format.as_str() {
            Some(format) => check_format(format),
            None => wrong("takes a form, in quotes"),
        },
        ("randint", [low, high]) => match (low, high) {
            (Some(low), Some(high)) => match (low.as_i64(), high.as_i64()) {
                (Some(low), Some(high)) => check_randint(low, high),
                _ => wrong("takes whole numbers"),
            },
            _ => Ok(()),
        },
        ("uniform", [low, high, rest @ ..]) if rest.len() <= 1 => {
            let digits = rest.first().and_then(Option::as_ref);
            let digits = match digits.map(|digits| u32::try_from(digits.clone())) {
                Some(Err(_)) => return wrong("takes a number of digits from 0 to 9"),
                Some(Ok(digits)) => Some(digits),
                None => None,
            };
            match (number(low), number(high)) {
                (Some(Some(low)), Some(Some(high))) => check_uniform(low, high, digits),
                (Some(_), Some(_)) => Ok(()),
                _ => wrong("takes numbers"),
            }
        }
        _ => wrong("has too few or too many arguments"),
    }
}

/// Checks the arguments of the filter `metric`: a name, and labels by their names.
pub(super) fn check_metric(arguments: &[CallArg<'_>]) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("`{METRIC}` {what}: write {USAGE}"));
    let positional: Vec<Option<Value>> = arguments
        .iter()
        .filter_map(|argument| match argument {
            CallArg::Pos(value) => Some(literal(value)),
            _ => None,
        })
        .collect();
    match &*positional {
        [Some(name)] if name.as_str().is_some() => Ok(()),
        [None] => Ok(()),
        [Some(_)] => wrong("takes the name of a metric, in quotes"),
        [] => wrong("lacks the name of a metric"),
        _ => wrong("takes labels by their names, after the name of the metric"),
    }
}

/// Checks the arguments of the filter `regex`: a pattern.
pub(super) fn check_regex(arguments: &[CallArg<'_>]) -> Result<(), String> {
    let wrong = |what: &str| {
        let usage = "body | regex(\"id=([0-9]+)\")";
        Err(format!("`{REGEX}` {what}: write {usage}"))
    };
    match arguments {
        [CallArg::Pos(value)] => match literal(value) {
            Some(value) => match value.as_str() {
                Some(text) => pattern::check(text),
                None => wrong("takes a pattern, in quotes"),
            },
            None => Ok(()),
        },
        _ => wrong("takes one pattern"),
    }
}

/// The variable that `env` or `secret` names: a constant, so that it is known before anything runs.
pub(super) fn variable(function: &str, arguments: &[CallArg<'_>]) -> Result<VariableUse, String> {
    let is_secret = function == SECRET;
    let name = match arguments {
        [CallArg::Pos(name)] => Some(name),
        [CallArg::Pos(name), CallArg::Pos(_)] if !is_secret => Some(name),
        _ => None,
    };
    let name = name.and_then(literal);
    let name = name.as_ref().and_then(|name| name.as_str());
    match name.filter(|name| is_variable(name)) {
        Some(name) => Ok(VariableUse {
            name: name.to_owned(),
            is_secret,
            has_default: arguments.len() > 1,
        }),
        None => Err(format!(
            "`{function}` takes the name of an environment variable, in quotes: write {}",
            usage(function)
        )),
    }
}

fn is_variable(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(is_allowed)
}

/// The value of a constant that is written out; one that has to be computed may take long.
fn literal(expression: &Expr<'_>) -> Option<Value> {
    let written = |item: &Expr<'_>| matches!(item, Expr::Const(_));
    match expression {
        Expr::Const(constant) => Some(constant.value.clone()),
        Expr::UnaryOp(negated)
            if matches!(negated.op, UnaryOpKind::Neg) && written(&negated.expr) =>
        {
            expression.as_const()
        }
        Expr::List(list) if list.items.iter().all(written) => expression.as_const(),
        Expr::Tuple(tuple) if tuple.items.iter().all(written) => expression.as_const(),
        _ => None,
    }
}

fn check_pool(pool: &Value, pools: &Pools) -> Result<(), String> {
    let name = pool.as_str().unwrap_or_default();
    if pools.contains_key(name) {
        return Ok(());
    }
    let hint = instead(name, pools.keys().map(String::as_str));
    Err(format!("unknown pool `{name}`: {hint}"))
}

fn usage(name: &str) -> &'static str {
    match name {
        "env" => "env(\"NAME\") or env(\"NAME\", \"a default\")",
        SECRET => "secret(\"NAME\")",
        UUID => "uuid()",
        NOW => "now(\"%F\")",
        "pick" => "pick(\"pool\")",
        "choice" => "choice([\"a\", \"b\"])",
        "randint" => "randint(1, 5)",
        _ => "uniform(0.5, 1.5) or uniform(10, 500, 2)",
    }
}
