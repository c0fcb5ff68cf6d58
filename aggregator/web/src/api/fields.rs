//! The fields of a request's body, whether it is a form, a form in parts, or JSON.
//!
//! All three become JSON values by name, a form's being texts. Of a repeated field the first counts,
//! as in Locust, except where several are wanted.

use axum::body::Bytes;
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use traffic::run_rules::InvalidField;

use super::answers::Refused;

/// The longest body in bytes.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// The longest body of a call by an agent, in bytes: a workload, each character of which may be written as six.
pub(super) const MAX_MCP_BODY: usize = 6 * control::MAX_WORKLOAD + MAX_BODY;

/// Fields of which a form may have several.
const REPEATED: [&str; 1] = ["user_classes"];

/// A request's fields by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields(Map<String, Value>);

/// Why a body has no fields.
#[derive(Debug)]
pub(super) enum BadBody {
    /// It could not be read whole: the status and text to answer.
    Unread(StatusCode, String),
    /// It is not what its content type says.
    Invalid(InvalidField),
}

impl From<BadBody> for Refused {
    fn from(bad: BadBody) -> Self {
        match bad {
            BadBody::Unread(status, text) => Self::new(status, text),
            BadBody::Invalid(problem) => problem.into(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Json,
    Parts,
    UrlEncoded,
    Unsaid,
}

impl Fields {
    /// Reads a request's body.
    pub(super) async fn read(request: Request) -> Result<Self, BadBody> {
        let form = Form::of(request.headers());
        if form == Form::Parts {
            return Self::from_parts(request).await;
        }
        let body = Bytes::from_request(request, &()).await;
        let body = body.map_err(|error| BadBody::Unread(error.status(), error.body_text()))?;
        let looks_like_json = body.trim_ascii_start().starts_with(b"{");
        if form == Form::Json || form == Form::Unsaid && looks_like_json {
            Self::from_json(&body)
        } else {
            let pairs = form_urlencoded::parse(&body).into_owned();
            Ok(Self::from_pairs(pairs))
        }
    }

    /// The value of a field, unless it is not there or null.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// The names of all fields.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn from_json(body: &[u8]) -> Result<Self, BadBody> {
        Self::parse(body).map_err(BadBody::Invalid)
    }

    /// The fields of a JSON object.
    pub(super) fn parse(body: &[u8]) -> Result<Self, InvalidField> {
        let problem = match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => return Ok(Self(fields)),
            Ok(_) => "is not a JSON object: write {\"field\": value, ...}".to_owned(),
            Err(error) => format!("is not valid JSON: {error}"),
        };
        Err(InvalidField::new("body", problem))
    }

    fn from_pairs(pairs: impl Iterator<Item = (String, String)>) -> Self {
        let mut fields = Map::new();
        for (name, value) in pairs {
            let value = Value::String(value);
            match fields.get_mut(&name) {
                Some(Value::Array(values)) => values.push(value),
                Some(_) => {}
                None if REPEATED.contains(&name.as_str()) => {
                    fields.insert(name, Value::Array(vec![value]));
                }
                None => {
                    fields.insert(name, value);
                }
            }
        }
        Self(fields)
    }

    async fn from_parts(request: Request) -> Result<Self, BadBody> {
        let parts = Multipart::from_request(request, &()).await;
        let mut parts = parts.map_err(|rejection| invalid_parts(&rejection.body_text()))?;
        let mut pairs = Vec::new();
        while let Some(part) = parts.next_field().await.map_err(|error| bad_part(&error))? {
            let Some(name) = part.name().map(str::to_owned) else {
                continue;
            };
            if part.file_name().is_some() {
                // a file is no field, as in Locust; it is still read, and so limited
                part.bytes().await.map_err(|error| bad_part(&error))?;
                continue;
            }
            let value = part.bytes().await.map_err(|error| bad_part(&error))?;
            pairs.push((name, String::from_utf8_lossy(&value).into_owned()));
        }
        Ok(Self::from_pairs(pairs.into_iter()))
    }
}

impl Form {
    fn of(headers: &HeaderMap) -> Self {
        let header = headers
            .get(CONTENT_TYPE)
            .and_then(|header| header.to_str().ok());
        let kind = header.and_then(|header| header.split(';').next());
        let kind = kind.unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "application/x-www-form-urlencoded" => Self::UrlEncoded,
            "multipart/form-data" => Self::Parts,
            json if json == "application/json" || json.ends_with("+json") => Self::Json,
            _ => Self::Unsaid,
        }
    }
}

fn bad_part(error: &MultipartError) -> BadBody {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        BadBody::Unread(error.status(), error.body_text())
    } else {
        invalid_parts(&error.body_text())
    }
}

fn invalid_parts(reason: &str) -> BadBody {
    let reason: String = reason.chars().take(200).collect();
    let problem = format!("is not a complete form in parts: {reason}");
    BadBody::Invalid(InvalidField::new("body", problem))
}
