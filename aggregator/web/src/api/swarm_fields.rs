//! A swarm as fields: those of a body of `POST /swarm`, and those that a schedule keeps.
//!
//! Numbers are read as Locust reads them, with Python's `int` and `float`. Whether the numbers, classes
//! and host can be used is for the control to say.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::fields::Fields;
use control::{SwarmRequest, parse_timespan};
use traffic::run_rules::InvalidField;

/// The names of all fields, those that are only there for Locust's scripts included.
pub(super) const SWARM_FIELDS: [&str; 11] = [
    "user_count",
    "spawn_rate",
    "host",
    "run_time",
    "iterations",
    "user_classes",
    "user_classes_count",
    "shape_class",
    "profile",
    "locust_count",
    "hatch_rate",
];

/// The swarm that a JSON object asks for, such as a schedule's.
pub fn swarm_from_json(body: &str) -> Result<SwarmRequest, InvalidField> {
    swarm_from_fields(&Fields::parse(body.as_bytes())?)
}

/// The fields of a swarm as JSON, without those that are absent.
pub(super) fn swarm_to_fields(swarm: &SwarmRequest) -> Map<String, Value> {
    let run_time = swarm.run_time.map(|time| time.as_secs());
    let classes = Some(&swarm.user_classes).filter(|classes| !classes.is_empty());
    let fields = [
        ("user_count", json!(swarm.user_count)),
        ("spawn_rate", json!(swarm.spawn_rate)),
        ("host", json!(swarm.host)),
        ("run_time", json!(run_time)),
        ("iterations", json!(swarm.iterations)),
        ("user_classes", json!(classes)),
        ("user_classes_count", json!(swarm.user_classes_count)),
        ("shape_class", json!(swarm.shape_class)),
    ];
    let said = fields.into_iter().filter(|(_, value)| !value.is_null());
    said.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The swarm that the fields of a body ask for.
pub(super) fn swarm_from_fields(fields: &Fields) -> Result<SwarmRequest, InvalidField> {
    // names from before Locust 1.0, for scripts that still use them
    let user_count = present(fields, ["user_count", "locust_count"]);
    let spawn_rate = present(fields, ["spawn_rate", "hatch_rate"]);
    let optional_text = |name| fields.get(name).map(|value| text(name, value)).transpose();
    Ok(SwarmRequest {
        user_count: user_count
            .map(|(name, value)| count(name, value))
            .transpose()?,
        spawn_rate: spawn_rate
            .map(|(name, value)| number(name, value))
            .transpose()?,
        host: optional_text("host")?,
        run_time: run_time(fields.get("run_time"))?,
        iterations: iterations(fields.get("iterations"))?,
        user_classes: names("user_classes", fields.get("user_classes"))?,
        user_classes_count: counts("user_classes_count", fields.get("user_classes_count"))?,
        shape_class: optional_text("shape_class")?,
    })
}

/// The first of the names that is there, with its value.
fn present<'f>(fields: &'f Fields, names: [&'static str; 2]) -> Option<(&'static str, &'f Value)> {
    names
        .into_iter()
        .find_map(|name| Some((name, fields.get(name)?)))
}

pub(super) fn count(field: &'static str, value: &Value) -> Result<u64, InvalidField> {
    let count = match value {
        Value::String(text) => python_int(text),
        Value::Number(number) => number.as_u64().or_else(|| {
            let float = number.as_f64()?;
            // beyond what a u64 holds it saturates, and is above every limit
            (float >= 0.0 && float.fract() == 0.0).then_some(float as u64)
        }),
        _ => None,
    };
    count.ok_or_else(|| is_not(field, value, "a whole number from 0 up, such as 10"))
}

fn number(field: &'static str, value: &Value) -> Result<f64, InvalidField> {
    let number = match value {
        Value::String(text) => python_float(text),
        Value::Number(number) => number.as_f64(),
        _ => None,
    };
    number.ok_or_else(|| is_not(field, value, "a number above 0, such as 2 or 0.5"))
}

pub(super) fn text(field: &'static str, value: &Value) -> Result<String, InvalidField> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| is_not(field, value, "a text"))
}

fn run_time(value: Option<&Value>) -> Result<Option<Duration>, InvalidField> {
    let Some(value) = value else { return Ok(None) };
    let time = match value {
        Value::String(text) if text.is_empty() => return Ok(None),
        Value::String(text) => parse_timespan(text).ok(),
        other => count("run_time", other).ok().map(Duration::from_secs),
    };
    let expected = "a time such as 20, 20s, 3m, 2h, 1h20m or 3h30m10s";
    time.map(Some)
        .ok_or_else(|| is_not("run_time", value, expected))
}

fn iterations(value: Option<&Value>) -> Result<Option<u64>, InvalidField> {
    let is_given = value.filter(|value| value.as_str() != Some(""));
    is_given.map(|value| count("iterations", value)).transpose()
}

fn names(field: &'static str, value: Option<&Value>) -> Result<Vec<String>, InvalidField> {
    let expected = "a list of class names";
    match value {
        None => Ok(Vec::new()),
        Some(Value::String(name)) => Ok(vec![name.clone()]),
        Some(Value::Array(values)) => {
            let names = values.iter().map(|value| value.as_str().map(str::to_owned));
            let names: Option<Vec<String>> = names.collect();
            names.ok_or_else(|| InvalidField::new(field, format!("must be {expected}")))
        }
        Some(other) => Err(is_not(field, other, expected)),
    }
}

fn counts(
    field: &'static str,
    value: Option<&Value>,
) -> Result<Option<BTreeMap<String, u64>>, InvalidField> {
    let expected = "a JSON object of users by class, such as {\"ModelAUser\": 5}";
    let parsed;
    let object = match value {
        None => return Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        Some(Value::String(text)) => {
            parsed = serde_json::from_str::<Value>(text).unwrap_or_default();
            parsed.as_object()
        }
        Some(other) => other.as_object(),
    };
    let object = object.ok_or_else(|| InvalidField::new(field, format!("must be {expected}")))?;
    let counts = object
        .iter()
        .map(|(name, value)| Ok((name.clone(), count(field, value)?)));
    Ok(Some(counts.collect::<Result<_, _>>()?))
}

pub(super) fn is_not(field: &'static str, value: &Value, expected: &str) -> InvalidField {
    InvalidField::new(field, format!("is {}: write {expected}", shown(value)))
}

/// A value in few characters, for a message.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => format!("{text:?}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        other => other.to_string(),
    };
    if text.chars().count() > 60 {
        text.chars().take(60).chain("...".chars()).collect()
    } else {
        text
    }
}

/// A text as Python's `int` reads it, if it is not negative; the largest number if it is larger.
fn python_int(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = without_underscores(digits)?;
    let number = digits
        .bytes()
        .try_fold(0_u64, |number, byte| {
            let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
            Some(number.saturating_mul(10).saturating_add(digit))
        })
        .filter(|_| !digits.is_empty())?;
    (number == 0 || !text.starts_with('-')).then_some(number)
}

/// A text as Python's `float` reads it.
fn python_float(text: &str) -> Option<f64> {
    without_underscores(text.trim())?.parse().ok()
}

/// Python allows single underscores between digits, and nowhere else.
fn without_underscores(text: &str) -> Option<String> {
    let digit = |at: Option<usize>| {
        let byte = at.and_then(|at| text.as_bytes().get(at));
        byte.is_some_and(u8::is_ascii_digit)
    };
    let mut underscores = text.match_indices('_').map(|(at, _)| at);
    let allowed = underscores.all(|at| digit(at.checked_sub(1)) && digit(Some(at + 1)));
    allowed.then(|| text.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_as_python_reads_them() {
        for (text, expected) in [
            ("10", Some(10)),
            (" 10\n", Some(10)),
            ("+10", Some(10)),
            ("-0", Some(0)),
            ("0010", Some(10)),
            ("1_000", Some(1_000)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("", None),
            ("-1", None),
            ("1.0", None),
            ("1e3", None),
            ("_1", None),
            ("1__0", None),
            ("1_", None),
            ("+", None),
            ("++1", None),
            ("+ 1", None),
            ("0x10", None),
            ("ten", None),
        ] {
            assert_eq!(python_int(text), expected, "{text:?}");
        }
    }

    #[test]
    fn numbers_are_read_as_python_reads_them() {
        for (text, expected) in [
            ("2", Some(2.0)),
            (" .5 ", Some(0.5)),
            ("5.", Some(5.0)),
            ("1_0.5", Some(10.5)),
            ("1e3", Some(1_000.0)),
            ("-2", Some(-2.0)),
            ("Infinity", Some(f64::INFINITY)),
            ("1e400", Some(f64::INFINITY)),
            ("", None),
            (".", None),
            ("1_.5", None),
            ("1,5", None),
            ("0x1", None),
            ("two", None),
        ] {
            assert_eq!(python_float(text), expected, "{text:?}");
        }
        assert!(python_float("nan").is_some_and(f64::is_nan));
    }
}
