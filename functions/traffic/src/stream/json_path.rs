//! A path into the JSON of an event, such as `json.usage.completion_tokens` or `json.choices[0].index`.
//!
//! It is no expression: most events of a stream do not have what it leads to, and that is no mistake.

use serde_json::Value;

/// The longest path, in characters.
const MAX_LENGTH: usize = 200;

/// The most steps of a path.
const MAX_STEPS: usize = 20;

/// A path, from an event's JSON to a value in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPath(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Key(Box<str>),
    Index(usize),
}

impl JsonPath {
    /// Reads `json`, then keys after a dot and numbers in brackets; at least one of them.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim().strip_prefix("json")?;
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let (part, after) = if let Some(index) = rest.strip_prefix('[') {
                let (index, after) = index.split_once(']')?;
                (Part::Index(index.parse().ok()?), after)
            } else {
                let key = rest.strip_prefix('.')?;
                let end = key.find(['.', '[']).unwrap_or(key.len());
                let (key, after) = key.split_at(end);
                let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
                let is_good = !key.is_empty() && key.chars().all(is_name);
                (Part::Key(is_good.then_some(key)?.into()), after)
            };
            parts.push(part);
            rest = after;
        }
        let fits = (1..=MAX_STEPS).contains(&parts.len()) && text.len() <= MAX_LENGTH;
        fits.then_some(Self(parts))
    }

    /// False if a text without this path's last key cannot have a value there; that is cheaper than reading its JSON.
    pub(super) fn may_be_in(&self, text: &str) -> bool {
        let mut keys = self.0.iter().rev().filter_map(|part| match part {
            Part::Key(key) => Some(&**key),
            Part::Index(_) => None,
        });
        keys.next().is_none_or(|key| text.contains(key))
    }

    /// The count that it leads to, if it leads to one.
    pub(super) fn count(&self, json: &Value) -> Option<u64> {
        let value = self.0.iter().try_fold(json, |value, part| match part {
            Part::Key(key) => value.get(&**key),
            Part::Index(index) => value.get(*index),
        });
        value?.as_u64()
    }
}
