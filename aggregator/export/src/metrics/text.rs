//! Prometheus's text format, version 0.0.4: families with a type and a help text, and their samples.

use std::fmt::Write as _;

/// The content type of the format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only goes up, or begins anew at 0.
    Counter,
    /// Quantiles, told apart by a label `quantile`.
    Summary,
}

/// A text that is being written: each family once, its samples right after it.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: String,
}

impl Exposition {
    /// Begins a family.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Summary => "summary",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // writing to a string cannot fail
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Writes a family of gauges with one sample.
    pub(super) fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.family(name, Kind::Gauge, help);
        self.sample(name, labels, value);
    }

    /// Adds a sample of the family that was begun last.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.text.push_str(name);
        for (number, (label, value)) in labels.iter().enumerate() {
            self.text.push(if number == 0 { '{' } else { ',' });
            self.text.push_str(label);
            self.text.push_str("=\"");
            value.chars().for_each(|c| self.escaped(c));
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        // the shortest text that is the number again; no figure of ours is infinite
        let _ = writeln!(self.text, " {value}");
    }

    /// Adds a character of a label's value.
    ///
    /// A control character becomes its picture: a parser may end at it, and a reader of an alert would not see it.
    fn escaped(&mut self, c: char) {
        match c {
            '\\' => self.text.push_str("\\\\"),
            '"' => self.text.push_str("\\\""),
            '\n' => self.text.push_str("\\n"),
            '\0'..='\x1f' => {
                let picture = char::from_u32(0x2400 + u32::from(c));
                self.text.push(picture.unwrap_or('\u{2426}'));
            }
            '\x7f' => self.text.push('\u{2421}'),
            c => self.text.push(c),
        }
    }

    /// The text so far.
    pub(super) fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_written_as_the_format_has_it() {
        let mut out = Exposition::default();
        out.family("a_total", Kind::Counter, "Back\\slash,\nnext line.");
        out.sample("a_total", &[], 3.0);
        out.sample("a_total", &[("one", "x\"y\\z\n"), ("two", "")], 0.125);
        out.family("b", Kind::Gauge, "Nothing yet.");
        let expected = "# HELP a_total Back\\\\slash,\\nnext line.\n# TYPE a_total counter\n\
             a_total 3\na_total{one=\"x\\\"y\\\\z\\n\",two=\"\"} 0.125\n\
             # HELP b Nothing yet.\n# TYPE b gauge\n";
        assert_eq!(out.into_text(), expected);
    }

    #[test]
    fn control_characters_are_shown_and_stay_distinct() {
        let mut out = Exposition::default();
        out.sample("a", &[("l", "\0\t\r\x1b\x7f\u{85}")], 1e21);
        let expected =
            "a{l=\"\u{2400}\u{2409}\u{240d}\u{241b}\u{2421}\u{85}\"} 1000000000000000000000\n";
        assert_eq!(out.into_text(), expected);
    }
}
