//! The filter `metric`: a value out of Prometheus' text format, for checks that read a `/metrics`.
//!
//! `body | metric("requests_total", kind="repair")` is the sum of all samples of that name that have these
//! labels, whatever others they have. Where there is none it is an error, lest a mistyped name passes for a
//! small number; `default` says what a counter is worth that nothing has counted yet.

use std::borrow::Cow;

use minijinja::value::{Kwargs, Value};
use minijinja::{Error, ErrorKind};

/// The filter's name.
pub(super) const METRIC: &str = "metric";

/// The remedy, for messages.
pub(super) const USAGE: &str = "body | metric(\"requests_total\", kind=\"repair\")";

/// The argument that is no label.
pub(super) const DEFAULT: &str = "default";

/// The longest text of labels in a message, in characters.
const SHOWN: usize = 100;

/// The filter itself.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the engine hands named arguments over by value"
)]
pub(super) fn metric(body: &str, name: &str, arguments: Kwargs) -> Result<Value, Error> {
    let default: Option<Value> = arguments.get(DEFAULT)?;
    let labels = arguments.args().filter(|label| *label != DEFAULT);
    let wanted = labels.map(|label| Ok((label, arguments.get::<Value>(label)?.to_string())));
    let wanted: Vec<(&str, String)> = wanted.collect::<Result<_, Error>>()?;
    let mut found = None;
    for sample in body.lines().filter_map(Sample::read) {
        if sample.name == name && wanted.iter().all(|(label, value)| sample.has(label, value)) {
            *found.get_or_insert(0.0) += sample.value;
        }
    }
    match (found, default) {
        (Some(sum), _) => Ok(number(sum)),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(absent(body, name, &wanted)),
    }
}

/// Whole numbers without a point, so that a text shows a count as one.
fn number(value: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        Value::from(value as i64)
    } else {
        Value::from(value)
    }
}

fn absent(body: &str, name: &str, wanted: &[(&str, String)]) -> Error {
    let mut samples = body.lines().filter_map(Sample::read);
    let problem = if samples.any(|sample| sample.name == name) {
        let labels: Vec<String> = wanted
            .iter()
            .map(|(label, value)| format!("{label}={value:?}"))
            .collect();
        let labels: String = labels.join(", ").chars().take(SHOWN).collect();
        format!("no metric {name:?} has {labels}")
    } else {
        format!("there is no metric {name:?} in it")
    };
    Error::new(ErrorKind::InvalidOperation, problem)
}

/// One line of the format that has a value.
#[derive(Clone, Debug, PartialEq)]
struct Sample<'l> {
    name: &'l str,
    labels: Vec<(&'l str, Cow<'l, str>)>,
    value: f64,
}

impl<'l> Sample<'l> {
    /// Reads a line; comments and what is broken are nothing.
    fn read(line: &'l str) -> Option<Self> {
        let line = line.trim();
        let end = line.find(|c: char| c == '{' || c.is_whitespace())?;
        let (name, mut rest) = line.split_at(end);
        if name.is_empty() || name.starts_with('#') {
            return None;
        }
        let mut labels = Vec::new();
        if let Some(after) = rest.strip_prefix('{') {
            rest = read_labels(after, &mut labels)?;
        }
        // what may follow is a time, or an example of what was counted
        let value = rest.split_whitespace().next()?;
        let value = value.parse().ok()?;
        Some(Self {
            name,
            labels,
            value,
        })
    }

    fn has(&self, label: &str, value: &str) -> bool {
        self.labels
            .iter()
            .any(|(name, own)| *name == label && own == value)
    }
}

/// Reads labels up to their closing brace, and returns what follows it.
fn read_labels<'l>(
    mut rest: &'l str,
    labels: &mut Vec<(&'l str, Cow<'l, str>)>,
) -> Option<&'l str> {
    loop {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        if let Some(after) = rest.strip_prefix('}') {
            return Some(after);
        }
        let (name, after) = rest.split_once('=')?;
        let text = after.trim_start().strip_prefix('"')?;
        let end = end_of_text(text)?;
        labels.push((name.trim(), unescaped(&text[..end])));
        rest = &text[end + 1..];
    }
}

/// Where the quote is that ends a text.
fn end_of_text(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => plain.push('\n'),
            Some(other) => plain.push(other),
            None => plain.push('\\'),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# HELP requests_total Finished \"requests\" {all=\"of them\"} 7
# TYPE requests_total counter
requests_total{model=\"a\",kind=\"chat\",} 3
requests_total{ model=\"a\" , kind=\"repair\" } 4 1395066363000
requests_total{model=\"b\",kind=\"repair\"} 2.5 # {trace_id=\"1\"} 0.5
requests_total_created{model=\"a\"} 1.7e9
odd{text=\"a \\\"quoted\\\" \\\\ } brace,\\nand more\"} +Inf
plain 12
broken{model=\"a\" 3
nothing
worse{a=\"b\"} three
";

    fn value(name: &str, labels: &[(&str, &str)]) -> Result<Value, Error> {
        let labels = labels
            .iter()
            .map(|&(name, value)| (name, Value::from(value)));
        metric(TEXT, name, labels.collect())
    }

    #[test]
    fn samples_that_have_the_labels_are_added_up() {
        for (labels, expected) in [
            (&[][..], 9.5),
            (&[("kind", "repair")], 6.5),
            (&[("model", "a")], 7.0),
            (&[("kind", "repair"), ("model", "a")], 4.0),
        ] {
            let sum = value("requests_total", labels).unwrap();
            assert_eq!(f64::try_from(sum).unwrap(), expected, "{labels:?}");
        }
        assert_eq!(value("plain", &[]).unwrap().to_string(), "12");
        let odd = [("text", "a \"quoted\" \\ } brace,\nand more")];
        let odd = f64::try_from(value("odd", &odd).unwrap()).unwrap();
        assert_eq!(odd, f64::INFINITY);
    }

    #[test]
    fn what_there_is_not_is_an_error_unless_there_is_a_default() {
        let said = |name, labels: &[_]| value(name, labels).unwrap_err().to_string();
        assert!(said("request_total", &[]).ends_with("there is no metric \"request_total\" in it"));
        let labels = [("model", "c"), ("kind", "chat")];
        let said_of_labels = said("requests_total", &labels);
        assert!(
            said_of_labels.contains("no metric \"requests_total\" has")
                && said_of_labels.contains("model=\"c\""),
            "{said_of_labels}"
        );
        for name in ["broken", "nothing", "worse", "#"] {
            assert!(value(name, &[]).is_err(), "{name}");
        }
        assert_eq!(
            value("broken", &[("default", "0")]).unwrap().to_string(),
            "0"
        );
        assert_eq!(
            value("plain", &[("default", "0")]).unwrap().to_string(),
            "12"
        );
    }
}
