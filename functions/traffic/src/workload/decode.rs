//! From the TOML of a workload file to its classes, with every mistake on the way.
//!
//! The order is hosts, pools, defaults, classes, shapes: each needs what comes before it.

use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::class::{Host, UserClass};
use super::compile::Compiler;
use super::engine::Engine;
use super::pair::Pair;
use super::read::{Fields, Reader};
use super::shape::Shape;

mod classes;
mod defaults;
mod host_tls;
mod hosts;
mod pairs;
mod pools;
mod requests;
mod shapes;
mod tasks;
mod users;

/// Looks up an environment variable.
pub(super) type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// The longest file that is not TOML of which every mistake is said, in bytes.
const RECOVERED: usize = 64 * 1024;

/// What a workload file says.
#[derive(Default)]
pub(super) struct Decoded {
    pub(super) hosts: Vec<Arc<Host>>,
    pub(super) classes: Vec<Arc<UserClass>>,
    pub(super) pairs: Vec<Pair>,
    pub(super) shapes: Vec<Arc<Shape>>,
}

/// Reads everything that a workload file says; the reader has the mistakes.
pub(super) fn workload(reader: &Reader<'_>, source: &str, environment: Environment<'_>) -> Decoded {
    let (document, errors) = match DeTable::parse(source) {
        Ok(document) => (document, Vec::new()),
        // looking for more than the first mistake costs memory for each of them
        Err(_) if source.len() <= RECOVERED => DeTable::parse_recoverable(source),
        Err(first) => (toml::Spanned::new(0..0, DeTable::new()), vec![first]),
    };
    if !errors.is_empty() {
        for error in errors {
            if reader.is_full() {
                break;
            }
            let span = error.span().unwrap_or_default();
            reader.mistake(&span, format!("this is not TOML: {}", error.message()));
        }
        return Decoded::default();
    }
    let fields = Fields::new(reader, "", document.get_ref(), 0..0);
    let hosts = hosts::read(&fields, environment);
    let engine = Engine::new(pools::read(&fields));
    let compiler = Compiler::new(reader, &engine);
    let defaults = defaults::Defaults::read(&fields);
    let equal_weights = fields.read("equal_weights", "true or false", DeValue::as_bool);
    let mut classes = classes::read(
        &fields,
        &compiler,
        &hosts,
        &defaults,
        equal_weights == Some(true),
    );
    let pairs = pairs::read(&fields, &classes);
    users::apply(&fields, &mut classes);
    let shapes = shapes::read(&fields, &classes);
    fields.finish();
    Decoded {
        hosts,
        classes,
        pairs,
        shapes,
    }
}

/// A table under `key`, or nothing; a mistake if it is something else.
fn table<'r, 't, 's>(
    fields: &Fields<'r, 't, 's>,
    key: &'static str,
    place: &str,
) -> Option<Fields<'r, 't, 's>> {
    let field = fields.get(key)?;
    let table = field.convert(fields.reader, "a table", DeValue::as_table)?;
    Some(Fields::new(fields.reader, place, table, field.span))
}

/// Checks a name that people type on command lines: of a class, a shape, a task, a host, a pool.
fn check_name(reader: &Reader<'_>, what: &str, name: &str, span: &Range<usize>) -> Option<()> {
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

/// Checks a name that templates use: of a drawn or a captured value.
fn check_variable(reader: &Reader<'_>, name: &str, span: &Range<usize>) -> Option<()> {
    let reserved = [
        "true", "false", "none", "loop", "self", "not", "and", "or", "in", "is", "if", "else",
    ];
    let own = super::scope::ITERATION_NAMES
        .iter()
        .chain(&super::scope::RESPONSE_NAMES);
    let functions = ["range", "dict"]
        .iter()
        .chain(&super::engine::RANDOM_FUNCTIONS);
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
    if reserved
        .iter()
        .chain(own)
        .chain(functions)
        .any(|known| known.eq_ignore_ascii_case(name))
    {
        reader.mistake(
            span,
            format!("`{name}` has a meaning of its own: choose another name"),
        );
        return None;
    }
    Some(())
}
