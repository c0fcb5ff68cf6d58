//! A response's headers as templates see them: requests' `headers`, and urllib3's `getlist` for lines that
//! come twice.

use std::sync::Arc;

use minijinja::value::{Enumerator, Object, Value, from_args};
use minijinja::{Error, ErrorKind, State};
use reqwest::header::HeaderMap;

/// The methods of `headers`.
pub(super) const HEADER_METHODS: [&str; 2] = ["get", "getlist"];

/// Response headers by name, in any case; lines of one name are joined by commas.
#[derive(Debug)]
pub(super) struct Headers(HeaderMap);

impl Headers {
    pub(super) fn new(headers: HeaderMap) -> Self {
        Self(headers)
    }

    /// The lines of a name, each by itself, in the order in which they came.
    fn lines(&self, name: &str) -> Vec<String> {
        let lines = self.0.get_all(name).iter();
        lines
            .map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned())
            .collect()
    }

    fn joined(&self, name: &str) -> Option<Value> {
        let lines = self.lines(name);
        (!lines.is_empty()).then(|| Value::from(lines.join(", ")))
    }
}

impl Object for Headers {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.joined(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.joined(key)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names = self.0.keys().map(|name| Value::from(name.as_str()));
        Enumerator::Values(names.collect())
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        let (name, default): (&str, Option<Value>) = from_args(arguments)?;
        match method {
            "get" => Ok(self
                .joined(name)
                .or(default)
                .unwrap_or_else(|| Value::from(()))),
            "getlist" => {
                let lines = self.lines(name);
                let given = default.filter(|_| lines.is_empty());
                Ok(given.unwrap_or_else(|| Value::from(lines)))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}
