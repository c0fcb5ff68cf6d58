//! A response as a template sees it, beside the names of its iteration.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use minijinja::value::{Object, Value};
use minijinja::{Error, ErrorKind};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use super::headers::Headers;
use super::json::{self, NotJson};
use super::scope::IterationValues;
use super::values::MemoryShare;
use crate::stream::Streamed;

/// The names that expectations, captures and failure texts may use besides.
pub(super) const RESPONSE_NAMES: [&str; 9] = [
    "status",
    "body",
    "json",
    "headers",
    "response_time_ms",
    "first_byte_ms",
    "first_event_ms",
    "events",
    "tokens",
];

/// Those among them that only a stream has.
pub(super) const STREAM_NAMES: [&str; 3] = ["first_event_ms", "events", "tokens"];

/// A response, as far as expectations look at it.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; may be left empty where [`Step::needs_body`](super::Step::needs_body) is false.
    pub body: Bytes,
    /// The time from sending the request to the end of the body.
    pub response_time: Duration,
    /// The time from sending the request until the response had begun.
    pub first_byte: Duration,
    /// The figures of a response that was read as a stream.
    pub streamed: Option<Streamed>,
}

/// A response and the iteration it belongs to, as templates see them.
#[derive(Debug)]
pub(super) struct Answered {
    iteration: Arc<IterationValues>,
    response: Response,
    text: OnceLock<Value>,
    json: OnceLock<Result<Value, NotJson>>,
    /// The memory that both were taken from.
    share: Arc<MemoryShare>,
}

impl Answered {
    pub(super) fn context(iteration: &Arc<IterationValues>, response: Response) -> Value {
        Value::from_object(Self {
            iteration: Arc::clone(iteration),
            response,
            text: OnceLock::new(),
            json: OnceLock::new(),
            share: Arc::default(),
        })
    }

    /// Why a body has no JSON, if somebody asked for it.
    pub(super) fn lacks_json(context: &Value) -> Option<NotJson> {
        let answered = context.downcast_object_ref::<Self>()?;
        answered.json.get()?.as_ref().err().copied()
    }

    /// The memory that a response's values were taken from.
    pub(super) fn share(context: &Value) -> Option<&Arc<MemoryShare>> {
        let answered = context.downcast_object_ref::<Self>()?;
        Some(&answered.share)
    }

    /// True if somebody asked for JSON whose values take more memory than there is.
    pub(super) fn is_too_large(context: &Value) -> bool {
        matches!(Self::lacks_json(context), Some(NotJson::TooLarge(_)))
    }

    /// The body's text; an error for whoever looks at it if there is no memory for it.
    fn text(&self) -> Value {
        let text = json::text(&self.response.headers, &self.response.body);
        match self.share.take(text.len() as u64) {
            Ok(()) => Value::from(&*text),
            Err(error) => Error::new(ErrorKind::InvalidOperation, error.to_string()).into(),
        }
    }

    /// The parsed body; none if it is not JSON.
    fn json(&self) -> Value {
        let Response { headers, body, .. } = &self.response;
        let read = || json::read(&json::json_text(headers, body), &self.share);
        let json = self.json.get_or_init(read);
        json.as_ref().map_or_else(|_| Value::from(()), Value::clone)
    }

    /// A figure of a stream, by its name: counts are 0 where there is no stream, and a time is none.
    fn of_stream(&self, name: &str) -> Value {
        let streamed = self.response.streamed.unwrap_or_default();
        match name {
            "events" => Value::from(streamed.events),
            "tokens" => Value::from(streamed.output_tokens.unwrap_or(0)),
            _ => {
                let first = streamed.first_event.map(milliseconds);
                first.map_or_else(|| Value::from(()), Value::from)
            }
        }
    }

    fn headers(&self) -> Value {
        Value::from_object(Headers::new(self.response.headers.clone()))
    }
}

impl Object for Answered {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            "status" => Some(Value::from(self.response.status.as_u16())),
            "body" => Some(self.text.get_or_init(|| self.text()).clone()),
            "json" => Some(self.json()),
            "headers" => Some(self.headers()),
            "response_time_ms" => Some(Value::from(milliseconds(self.response.response_time))),
            "first_byte_ms" => Some(Value::from(milliseconds(self.response.first_byte))),
            name if STREAM_NAMES.contains(&name) => Some(self.of_stream(name)),
            name => self.iteration.lookup(name),
        }
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
