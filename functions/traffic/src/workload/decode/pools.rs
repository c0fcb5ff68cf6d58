//! The `[pools]` of a workload file: plain, weighted and generated values, and records of files.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;
use toml::de::DeValue;

use super::names::check_name;
use super::records;
use crate::workload::attached::Files;
use crate::workload::functions::Pools;
use crate::workload::pool::Pool;
use crate::workload::read::{Field, Fields, Reader, integer, number};

/// The largest weight of a pool's value, a task or a class.
pub(super) const MAX_WEIGHT: i64 = 10_000;

/// The largest generated value in bytes.
const MAX_GENERATED: usize = 1_000_000;

/// Reads the pools by name.
pub(super) fn read(fields: &Fields<'_, '_, '_>, files: &Files<'_>) -> Pools {
    let expected = "a table of pools, such as `[pools]` with `names = [\"a\", \"b\"]`";
    let entries = match fields.get("pools") {
        Some(pools) => pools.entries(fields.reader, expected),
        None => Vec::new(),
    };
    let mut pools = Pools::new();
    for (name, span, mut field) in entries {
        field.place = format!("pool `{name}`");
        check_name(fields.reader, "pool", name, &span);
        // a pool with mistakes in it is still known, so that its uses are no mistakes as well
        let pool = match field.value {
            DeValue::Table(table) => records::read(fields.reader, name, &field, table, files),
            _ => pool(fields.reader, name, &field),
        };
        let pool = pool.unwrap_or_else(|| Pool::new(name, vec![(Value::from(""), 1)]));
        pools.insert(name.to_owned(), Arc::new(pool));
    }
    pools
}

fn pool(reader: &Reader<'_>, name: &str, field: &Field<'_, '_>) -> Option<Pool> {
    let expected = "an array with at least one value, or a file, such as { csv = \"users.csv\" }";
    let filled = |value: &DeValue<'_>| {
        value
            .as_array()
            .filter(|array| !array.is_empty())
            .map(|_| ())
    };
    field.convert(reader, expected, filled)?;
    let entries: Option<Vec<_>> = field
        .elements()
        .iter()
        // every element is read, so that every mistake is found
        .map(|element| entry(reader, element))
        .collect::<Vec<_>>()
        .into_iter()
        .collect();
    Some(Pool::new(name, entries?))
}

fn entry(reader: &Reader<'_>, field: &Field<'_, '_>) -> Option<(Value, u32)> {
    let DeValue::Table(table) = field.value else {
        return Some((plain(reader, field)?, 1));
    };
    let fields = Fields::new(reader, &*field.place, table, field.span.clone());
    let weight = weight(&fields);
    let value = fields.get("value");
    let repeat = fields.read("repeat", "the string to repeat", DeValue::as_str);
    let characters = fields.read(
        "characters",
        "\"control\", \"space\" or \"emoji\"",
        characters,
    );
    let times = fields.read("times", "how often, from 1 to 1000000", |times| {
        integer(times)
            .and_then(|times| usize::try_from(times).ok())
            .filter(|times| *times > 0)
    });
    fields.finish();
    let value = match (value, repeat.map(str::to_owned), characters) {
        (Some(value), None, None) => plain(reader, &value)?,
        (None, Some(text), None) | (None, None, Some(text)) => {
            repeated(&fields, &text, times.unwrap_or(1))?
        }
        _ => {
            fields.mistake("write one of `value`, `repeat` (with `times`) and `characters`");
            return None;
        }
    };
    Some((value, weight?))
}

/// The `weight` of something, 1 if it has none.
pub(super) fn weight(fields: &Fields<'_, '_, '_>) -> Option<u32> {
    let Some(field) = fields.get("weight") else {
        return Some(1);
    };
    let expected = "a whole number from 1 to 10000";
    field.convert(fields.reader, expected, |value| {
        let weight = integer(value).filter(|weight| (1..=MAX_WEIGHT).contains(weight))?;
        u32::try_from(weight).ok()
    })
}

fn repeated(fields: &Fields<'_, '_, '_>, text: &str, times: usize) -> Option<Value> {
    if text.len().saturating_mul(times) > MAX_GENERATED {
        fields.mistake("the value is longer than a million bytes: make it shorter");
        return None;
    }
    Some(Value::from(text.repeat(times)))
}

/// The named sets of characters that no keyboard has.
fn characters(value: &DeValue<'_>) -> Option<String> {
    match value.as_str()? {
        "control" => Some(
            ('\u{0}'..='\u{1f}')
                .chain(std::iter::once('\u{7f}'))
                .collect(),
        ),
        "space" => Some(" \t\r\n\u{b}\u{c}\u{a0}\u{2003}\u{200b}\u{3000}".to_owned()),
        "emoji" => Some("😀🚀🔥💥🎉🤖👩‍💻🇳🇿👍🏽🧨".to_owned()),
        _ => None,
    }
}

/// A TOML value as templates see it.
fn plain(reader: &Reader<'_>, field: &Field<'_, '_>) -> Option<Value> {
    let value = match field.value {
        DeValue::String(text) => Value::from(&**text),
        DeValue::Boolean(yes) => Value::from(*yes),
        DeValue::Datetime(date) => Value::from(date.to_string()),
        DeValue::Integer(_) => field
            .convert(reader, "a smaller number", integer)
            .map(Value::from)?,
        DeValue::Float(_) => field
            .convert(reader, "a finite number", number)
            .map(Value::from)?,
        DeValue::Array(_) => {
            let elements = field.elements();
            let values = elements.iter().map(|element| plain(reader, element));
            Value::from(values.collect::<Option<Vec<_>>>()?)
        }
        DeValue::Table(_) => {
            let entries = field.entries(reader, "a table");
            let value = |(key, _, entry): &(&str, _, Field<'_, '_>)| {
                Some(((*key).to_owned(), plain(reader, entry)?))
            };
            let values: Option<BTreeMap<String, Value>> = entries.iter().map(value).collect();
            Value::from(values?)
        }
    };
    Some(value)
}
