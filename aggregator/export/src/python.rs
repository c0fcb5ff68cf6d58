//! Numbers and texts as Python writes them.

use statistics::visible::escaped;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// A float as `repr` has it: the fewest digits that mean it, the even one of two that are equally near,
/// and an exponent of two digits.
pub(super) fn float(value: f64) -> String {
    let text = if value != 0.0 && value.abs() < 1e-4 {
        format!("{value:e}")
    } else {
        ryu::Buffer::new().format(value).to_owned()
    };
    match text.split_once('e') {
        None => text,
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{exponent:0>2}")
        }
    }
}

/// A text as `repr` has it, in quotes.
pub(super) fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(quote);
    for c in text.chars() {
        match c {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\\' => quoted.push_str("\\\\"),
            c if c == quote => quoted.extend(['\\', c]),
            c if is_shown(c) => quoted.push(c),
            c => quoted.push_str(&escaped(c)),
        }
    }
    quoted.push(quote);
    quoted
}

/// True for a character that `str.isprintable` is true for.
fn is_shown(c: char) -> bool {
    use GeneralCategory as Is;

    c == ' '
        || !matches!(
            c.general_category(),
            Is::Control
                | Is::Format
                | Is::Surrogate
                | Is::PrivateUse
                | Is::Unassigned
                | Is::LineSeparator
                | Is::ParagraphSeparator
                | Is::SpaceSeparator
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_pythons() {
        for (value, text) in [
            (0.0, "0.0"),
            (5.0, "5.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.25e-7, "1.25e-07"),
            (22_649_024_469_089.0 / 32.0, "707782014659.0312"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
        ] {
            assert_eq!(float(value), text);
        }
    }

    #[test]
    fn quoted_texts_are_pythons() {
        for (text, expected) in [
            ("", "''"),
            ("it's", "\"it's\""),
            ("it's \"it\"", "'it\\'s \"it\"'"),
            ("a\\b\n\r\t", "'a\\\\b\\n\\r\\t'"),
            ("\u{1}\u{7f}\u{a0}\u{ad}", "'\\x01\\x7f\\xa0\\xad'"),
            ("ß注🚀\u{2028}\u{e000}", "'ß注🚀\\u2028\\ue000'"),
            ("\u{e0001}", "'\\U000e0001'"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
