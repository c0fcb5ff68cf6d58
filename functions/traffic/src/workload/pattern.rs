//! The filter `regex`: what a pattern finds in a text, for values in HTML and headers.
//!
//! `body | regex("name=\"csrf\" value=\"([^\"]+)\"")` is the first group of the first match, or the whole match of a
//! pattern without groups; undefined where there is none. The engine is regex-lite, which AWS's SDK brings along
//! anyhow: linear in the text, like regex, a tenth of its size, and without Unicode's classes.

use std::sync::Arc;

use hashlink::LruCache;
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, State};
use parking_lot::Mutex;
use regex_lite::{Regex, RegexBuilder};

/// The filter's name.
pub(super) const REGEX: &str = "regex";

/// The longest pattern in bytes.
const LONGEST: usize = 500;

/// The patterns that stay compiled.
const KEPT: usize = 100;

/// The most memory that a pattern takes, and how many bytes of text cost a unit of fuel with it: time is the text's
/// length by the pattern's size.
const SIZES: [(usize, u64); 3] = [(4 * 1024, 16), (16 * 1024, 4), (64 * 1024, 1)];

/// A compiled pattern.
struct Pattern {
    regex: Regex,
    bytes_for_a_unit: u64,
}

impl Pattern {
    fn compile(pattern: &str) -> Result<Self, String> {
        if pattern.len() > LONGEST {
            return Err(format!(
                "a pattern of more than {LONGEST} bytes: make it shorter"
            ));
        }
        let mut problem = String::new();
        for (size, bytes_for_a_unit) in SIZES {
            match RegexBuilder::new(pattern).size_limit(size).build() {
                Ok(regex) => {
                    return Ok(Self {
                        regex,
                        bytes_for_a_unit,
                    });
                }
                Err(error) => problem = error.to_string(),
            }
        }
        Err(format!("{pattern:?} is no pattern: {problem}"))
    }

    fn find(&self, text: &str) -> Option<Value> {
        let found = self.regex.captures(text)?;
        let group = usize::from(self.regex.captures_len() > 1);
        found.get(group).map(|found| Value::from(found.as_str()))
    }
}

/// Checks a pattern.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    Pattern::compile(pattern).map(|_| ())
}

/// Adds the filter to an environment.
pub(super) fn add_to(environment: &mut Environment<'static>) {
    let kept: Mutex<LruCache<String, Arc<Pattern>>> = Mutex::new(LruCache::new(KEPT));
    environment.add_filter(REGEX, move |state: &State, text: &str, pattern: &str| {
        let known = kept.lock().get(pattern).cloned();
        let compiled = match known {
            Some(compiled) => compiled,
            None => {
                let compiled = Arc::new(Pattern::compile(pattern).map_err(invalid)?);
                kept.lock()
                    .insert(pattern.to_owned(), Arc::clone(&compiled));
                compiled
            }
        };
        state.consume_fuel(text.len() as u64 / compiled.bytes_for_a_unit)?;
        Ok::<_, Error>(compiled.find(text).unwrap_or_default())
    });
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_finds_its_first_group_or_all_of_its_first_match() {
        let find = |pattern: &str, text: &str| {
            let found = Pattern::compile(pattern).unwrap().find(text);
            found.map(|found| found.to_string())
        };
        let page = "<input name=\"csrf\" value=\"a1b2\">\n<a href=\"/o/17\">";
        assert_eq!(find("value=\"([^\"]+)\"", page).as_deref(), Some("a1b2"));
        assert_eq!(find(r"/o/\d+", page).as_deref(), Some("/o/17"));
        assert_eq!(find(r"/o/(\d+)/x", page), None);
        assert_eq!(
            find("(x)|y", "y"),
            None,
            "the group has no part in the match"
        );
    }

    #[test]
    fn a_larger_pattern_costs_more() {
        let cost = |pattern: &str| Pattern::compile(pattern).map(|known| known.bytes_for_a_unit);
        assert_eq!(cost("a+b"), Ok(16));
        assert!(cost("[ab]{200}").is_ok_and(|bytes| bytes < 16));
        assert!(cost("(a{1000}){1000}").is_err());
        assert!(cost(&"a".repeat(501)).is_err());
        assert!(
            check("(a")
                .unwrap_err()
                .starts_with("\"(a\" is no pattern: ")
        );
    }
}
