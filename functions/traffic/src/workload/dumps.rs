//! JSON as Python's `json.dumps` writes it, which is what python-requests sends for `json=`: a space after each comma
//! and colon, `\u` for all that is not ASCII, and floats as Python shows them.

use std::io::{self, Write};

use minijinja::Value;
use serde::Serialize;
use serde_json::ser::Formatter;

/// Between two elements of a list or a table.
pub(super) const SEPARATOR: &str = ", ";

/// Between a key and its value.
pub(super) const COLON: &str = ": ";

/// A value.
pub(super) fn dumps(value: &Value) -> Result<String, serde_json::Error> {
    written(value)
}

/// A string in JSON, as `json.dumps` writes it.
pub fn quoted(text: &str) -> String {
    written(text).expect("every string has a form in JSON")
}

/// A float, unless it is infinite or no number.
pub(super) fn float(number: f64) -> Option<String> {
    number.is_finite().then(|| repr(number))
}

fn written<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let mut json = Vec::with_capacity(64);
    let mut serializer = serde_json::Serializer::with_formatter(&mut json, Python);
    value.serialize(&mut serializer)?;
    Ok(String::from_utf8(json).expect("JSON is text"))
}

/// Python's layout of JSON; what is not said here is serde's.
struct Python;

impl Formatter for Python {
    fn begin_array_value<W: Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        separate(to, first)
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        separate(to, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(COLON.as_bytes())
    }

    fn write_f64<W: Write + ?Sized>(&mut self, to: &mut W, number: f64) -> io::Result<()> {
        to.write_all(repr(number).as_bytes())
    }

    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        to: &mut W,
        mut text: &str,
    ) -> io::Result<()> {
        let is_escaped = |c: char| !(' '..='~').contains(&c);
        while let Some(at) = text.find(is_escaped) {
            let (before, rest) = text.split_at(at);
            to.write_all(before.as_bytes())?;
            let mut chars = rest.chars();
            for unit in chars.next().into_iter().flat_map(utf16) {
                write!(to, "\\u{unit:04x}")?;
            }
            text = chars.as_str();
        }
        to.write_all(text.as_bytes())
    }
}

fn separate<W: Write + ?Sized>(to: &mut W, first: bool) -> io::Result<()> {
    if first {
        return Ok(());
    }
    to.write_all(SEPARATOR.as_bytes())
}

fn utf16(letter: char) -> impl Iterator<Item = u16> {
    let mut units = [0; 2];
    let count = letter.encode_utf16(&mut units).len();
    units.into_iter().take(count)
}

/// The shortest digits that mean this number; with an exponent below 0.0001 and from 10^16 on.
fn repr(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 || (1e-4..1e16).contains(&size) {
        return format!("{number:?}");
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_python_writes_them() {
        let value: Value = serde_json::from_str(
            r#"{"a":[1,-2.50,"\u001f\n\"\\/",{},[]],"b":null,"g\u00fc\ud83e\udd97\u007f":true}"#,
        )
        .unwrap();
        let expected = r#"{"a": [1, -2.5, "\u001f\n\"\\/", {}, []], "b": null, "g\u00fc\ud83e\udd97\u007f": true}"#;
        assert_eq!(dumps(&value).unwrap(), expected);
    }

    #[test]
    fn floats_are_written_as_python_shows_them() {
        for (number, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (3.0, "3.0"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (-1.25e100, "-1.25e+100"),
            (5e-324, "5e-324"),
            (9_007_199_254_740_993.0, "9007199254740992.0"),
        ] {
            assert_eq!(float(number).as_deref(), Some(text));
        }
        assert_eq!([f64::NAN, f64::INFINITY].map(float), [None, None]);
    }
}
