//! The names that a workload file gives: of classes, hosts and the like, of values, and of environment variables.

use std::ops::Range;

use toml::de::DeValue;

use crate::workload::read::Reader;
use crate::workload::response::RESPONSE_NAMES;
use crate::workload::scope::ITERATION_NAMES;

/// Checks a name that people type on command lines: of a class, a shape, a task, a host, a pool.
pub(super) fn check_name(
    reader: &Reader<'_>,
    what: &str,
    name: &str,
    span: &Range<usize>,
) -> Option<()> {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let good = (1..=100).contains(&name.chars().count()) && name.chars().all(allowed);
    if !good {
        let message = format!(
            "{name:?} is no name for a {what}: write up to 100 letters, digits, `_`, `-` and `.`"
        );
        reader.mistake(span, message);
    }
    good.then_some(())
}

/// True for a name that has a meaning of its own in templates, so that no drawn or captured value may have it.
pub fn is_reserved(name: &str) -> bool {
    let words = [
        "true", "false", "none", "loop", "self", "not", "and", "or", "in", "is", "if", "else",
    ];
    let functions = [
        "range", "dict", "pick", "randint", "uniform", "choice", "uuid", "now", "env", "secret",
    ];
    let own = ITERATION_NAMES.iter().chain(&RESPONSE_NAMES);
    let mut known = words.iter().chain(own).chain(&functions);
    known.any(|known| known.eq_ignore_ascii_case(name))
}

/// Checks a name that templates use: of a drawn or a captured value.
pub(super) fn check_variable(reader: &Reader<'_>, name: &str, span: &Range<usize>) -> Option<()> {
    let identifier = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= 100;
    if !identifier {
        reader.mistake(
            span,
            format!(
                "{name:?} is no name for a value: write a letter, then letters, digits and `_`"
            ),
        );
        return None;
    }
    if is_reserved(name) {
        reader.mistake(
            span,
            format!("`{name}` has a meaning of its own: choose another name"),
        );
        return None;
    }
    Some(())
}

/// An environment variable's name, if it is one.
pub(super) fn variable_name<'v>(value: &'v DeValue<'_>) -> Option<&'v str> {
    let name = value.as_str()?;
    let good = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    good.then_some(name)
}
