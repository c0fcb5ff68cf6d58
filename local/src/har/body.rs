//! The body of a recorded request: JSON, the fields of a form, or a text.

use toml::Value;

use super::archive::{Pair, PostData};
use super::secrets::{is_secret, may_hold_one, placeholder};
use super::texts::{escaped, key, string};

/// The deepest JSON that is written as TOML, whose readers refuse what is deeper.
const DEEPEST: usize = 40;

/// A body as it is written.
#[derive(Default)]
pub(super) struct Body {
    /// The line with its key, if there is a body.
    pub(super) line: Option<String>,
    /// True if its media type does not follow from the key.
    pub(super) needs_type: bool,
    /// Whether a secret was replaced.
    pub(super) has_placeholder: bool,
    pub(super) comment: Option<String>,
}

impl Body {
    fn left_out(why: &str) -> Self {
        let comment = Some(format!("# its body was left out: {why}"));
        Self {
            comment,
            ..Self::default()
        }
    }

    fn line(line: String, needs_type: bool) -> Self {
        let has_placeholder = line.contains("'change-me')");
        Self {
            line: Some(line),
            needs_type,
            has_placeholder,
            comment: None,
        }
    }
}

/// The body of a request.
pub(super) fn of(data: &PostData) -> Body {
    let media = data
        .mime_type
        .as_deref()
        .unwrap_or_default()
        .to_ascii_lowercase();
    if data.encoding.as_deref() == Some("base64") {
        return Body::left_out("it is no text");
    }
    let text = data.text.as_deref().unwrap_or_default();
    let none = Vec::new();
    let params = data.params.as_ref().unwrap_or(&none);
    if media.starts_with("application/x-www-form-urlencoded") {
        let parsed: Vec<(String, String)> = match text {
            "" => params.iter().map(pair).collect(),
            text => form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect(),
        };
        return match &*parsed {
            [] => Body::default(),
            fields => Body::line(format!("form = {}", form(fields)), false),
        };
    }
    if media.starts_with("multipart/") {
        let has_files = params.iter().any(|param| param.file_name.is_some());
        let fields: Vec<_> = params
            .iter()
            .filter(|param| param.file_name.is_none())
            .map(pair)
            .collect();
        let comment = match (has_files, &*fields) {
            (_, []) => {
                return Body::left_out(
                    "a recording has no files, write files = [{ field = \"...\", path = \"...\" }]",
                );
            }
            (true, _) => {
                "# its files were left out: add files = [{ field = \"...\", path = \"...\" }]"
            }
            (false, _) => "# it was sent as multipart/form-data",
        };
        return Body {
            comment: Some(comment.to_owned()),
            ..Body::line(format!("form = {}", form(&fields)), false)
        };
    }
    if text.is_empty() {
        return Body::default();
    }
    json(text, &media).unwrap_or_else(|| match may_hold_one(text) {
        true => Body::left_out("it may hold a password or a token"),
        false => Body::line(format!("body = {}", string(&escaped(text))), true),
    })
}

fn pair(param: &Pair) -> (String, String) {
    (param.name.clone(), param.value.clone().unwrap_or_default())
}

/// The fields of a form; several of one name make an array.
fn form(fields: &[(String, String)]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in fields {
        if !names.contains(&&**name) {
            names.push(name);
        }
    }
    let values = |name: &str| {
        let of_name = fields.iter().filter(|(known, _)| known == name);
        let values = of_name.map(|(_, value)| string(&value_of(name, value)));
        values.collect::<Vec<_>>()
    };
    let fields = names.into_iter().map(|name| match &*values(name) {
        [value] => format!("{} = {value}", key(name)),
        several => format!("{} = [{}]", key(name), several.join(", ")),
    });
    format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
}

fn value_of(name: &str, value: &str) -> String {
    match is_secret(name, value) {
        true => placeholder(name),
        false => escaped(value),
    }
}

/// JSON, whatever media type it is said to have; nothing if the text is none.
fn json(text: &str, media: &str) -> Option<Body> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let is_usual = media.split(';').next() == Some("application/json");
    // TOML has no null, and no number beyond 64 bits
    let value = serde_json::from_str::<Value>(text).ok();
    if let Some(mut value) = value.filter(|value| fits(value, DEEPEST)) {
        redact(&mut value, "");
        return Some(Body::line(format!("json = {value}"), !is_usual));
    }
    let mut value: serde_json::Value = serde_json::from_str(text).ok()?;
    redact_json(&mut value, "");
    let line = format!("body = {}", string(&value.to_string()));
    Some(Body::line(line, true))
}

/// True if a value is as deep at most, and may be written as TOML.
fn fits(value: &Value, depth: usize) -> bool {
    match value {
        // JSON has none: an object had the key that TOML's types have for one
        Value::Datetime(_) => false,
        Value::Array(values) => depth > 0 && values.iter().all(|value| fits(value, depth - 1)),
        Value::Table(table) => depth > 0 && table.values().all(|value| fits(value, depth - 1)),
        _ => true,
    }
}

fn redact(value: &mut Value, name: &str) {
    match value {
        Value::String(text) => *text = value_of(name, text),
        Value::Integer(_) | Value::Float(_) if is_secret(name, "") => {
            *value = placeholder(name).into()
        }
        Value::Array(values) => values.iter_mut().for_each(|value| redact(value, name)),
        Value::Table(table) => table
            .iter_mut()
            .for_each(|(name, value)| redact(value, name)),
        _ => {}
    }
}

fn redact_json(value: &mut serde_json::Value, name: &str) {
    use serde_json::Value;
    match value {
        Value::String(text) => *text = value_of(name, text),
        Value::Number(_) if is_secret(name, "") => *value = placeholder(name).into(),
        Value::Array(values) => values.iter_mut().for_each(|value| redact_json(value, name)),
        Value::Object(table) => {
            let entries = std::mem::take(table).into_iter();
            *table = entries
                .map(|(name, mut value)| {
                    redact_json(&mut value, &name);
                    (escaped(&name), value)
                })
                .collect();
        }
        _ => {}
    }
}
