//! Answers in JSON, in the manner of the services that the stand-ins stand in for.
//!
//! Invalid input is answered with 422 and a `detail` that lists location, message and kind of each
//! mistake; everything else that is refused has a `detail` in words.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};
use traffic::random::Draws;

use crate::data::{self, DATA};
use crate::route::Server;

/// An answer that ends a handler early: a refusal or a failure.
#[derive(Debug)]
pub(crate) struct Refused(Box<Response>);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}

pub(crate) type Answer = Result<Response, Refused>;

pub(crate) fn ok(body: &impl Serialize) -> Response {
    Json(body).into_response()
}

pub(crate) fn with_status(status: StatusCode, body: &Value) -> Refused {
    Refused(Box::new((status, Json(body)).into_response()))
}

/// `status` with `detail` in words.
pub(crate) fn refusal(status: StatusCode, detail: &str) -> Refused {
    with_status(status, &json!({ "detail": detail }))
}

#[derive(Debug, Serialize)]
pub(crate) struct Mistake {
    #[serde(rename = "type")]
    kind: &'static str,
    loc: Vec<&'static str>,
    msg: String,
    input: Value,
}

impl Mistake {
    /// `input` is no good at `loc`, which starts with `body`, `query` or `path`.
    pub(crate) fn new(
        kind: &'static str,
        loc: &[&'static str],
        msg: impl Into<String>,
        input: impl Into<Value>,
    ) -> Self {
        Self {
            kind,
            loc: loc.to_vec(),
            msg: msg.into(),
            input: shortened(input.into()),
        }
    }
}

impl From<Mistake> for Refused {
    /// 422 with this one mistake.
    fn from(mistake: Mistake) -> Self {
        invalid(&[mistake])
    }
}

/// 422 with the list of `mistakes`.
pub(crate) fn invalid(mistakes: &[Mistake]) -> Refused {
    let body = json!({ "detail": mistakes });
    with_status(StatusCode::UNPROCESSABLE_ENTITY, &body)
}

/// The JSON object in `body`.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, Mistake> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => {
            let message = "should be a JSON object";
            Err(Mistake::new("object_type", &["body"], message, other))
        }
        Err(error) => {
            let message = format!("not valid JSON: {error}");
            Err(Mistake::new("json_invalid", &["body"], message, ()))
        }
    }
}

/// The text at `field` of a body.
pub(crate) fn text<'b>(
    body: &'b Map<String, Value>,
    field: &'static str,
) -> Result<&'b str, Mistake> {
    let loc = &["body", field];
    match body.get(field) {
        Some(Value::String(text)) => Ok(text),
        None => Err(Mistake::new("missing", loc, "field required", ())),
        Some(other) => {
            let message = "should be a string";
            Err(Mistake::new("string_type", loc, message, other.clone()))
        }
    }
}

/// The first value of `field` in a query, as it stands there.
pub(crate) fn in_query<'q>(query: Option<&'q str>, field: &str) -> Option<&'q str> {
    let mut pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(name, value)| (name == field).then_some(value))
}

/// A server's answer when it fails: switched on by settings or by chaos mode.
pub(crate) fn failure(server: Server, status: u16, draws: &mut Draws) -> Refused {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let error_id = format!("{:012x}", draws.bits() >> 16);
    let reason = data::pick(&DATA.failures[server.name()], draws);
    let title = status.canonical_reason().unwrap_or("Error");
    let body = json!({
        "detail": format!("{title}: {reason}"),
        "service": server.name(),
        "error_id": error_id,
    });
    let mut refused = with_status(status, &body);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let headers = refused.0.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    refused
}

/// `value` with this number of decimals.
pub(crate) fn rounded(value: f64, decimals: i32) -> f64 {
    let power = 10_f64.powi(decimals);
    (value * power).round() / power
}

/// `input` as it is, unless it is too long to be sent back.
fn shortened(input: Value) -> Value {
    match input {
        Value::String(text) if text.len() > 200 => {
            Value::String(format!("{}…", &text[..text.floor_char_boundary(200)]))
        }
        Value::Array(_) | Value::Object(_) => Value::Null,
        short => short,
    }
}

/// `duration` in milliseconds with one decimal.
pub(crate) fn millis(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}
