//! Texts in TOML, and texts of a recording in templates.

use toml_edit::{InlineTable, Key, Value};

/// A string of TOML.
pub(super) fn string(text: &str) -> String {
    Value::from(text).to_string()
}

/// A key of TOML.
pub(super) fn key(name: &str) -> String {
    Key::new(name).to_string()
}

/// A table of texts in one line.
pub(super) fn inline_table(entries: &[(String, String)]) -> String {
    let entries = entries.iter().map(|(name, value)| (&**name, &**value));
    entries.collect::<InlineTable>().to_string()
}

/// A text that stands as it is in a template.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = ["{{", "{%", "{#"]
        .iter()
        .filter_map(|opening| rest.find(opening))
        .min()
    {
        let (before, after) = rest.split_at(at);
        let (opening, after) = after.split_at(2);
        escaped.extend([before, "{{ '", opening, "' }}"]);
        rest = after;
    }
    escaped + rest
}

/// A text in a comment.
pub(super) fn one_line(text: &str) -> String {
    let shown = text.chars().take(200);
    shown
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
