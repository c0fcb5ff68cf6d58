//! Bodies of requests: a text, a JSON document, or a form, with files or without.

use std::borrow::Cow;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::errors::EvaluationError;
use super::multipart::Multipart;
use super::scope::Scope;
use super::text::{Json, Text};

/// The body of a request.
#[derive(Debug)]
pub enum Body {
    /// A text, as it is.
    Text(Text),
    /// A JSON document; its strings may be templates.
    Json(Json),
    /// The fields of a form.
    Form(Form),
    /// The same with files.
    Multipart(Multipart),
}

impl Body {
    /// The body, if it is the same in every request.
    pub fn constant(&self) -> Option<&str> {
        match self {
            Self::Text(text) => text.constant(),
            Self::Json(json) => json.constant(),
            Self::Form(form) => form.constant.as_deref(),
            Self::Multipart(_) => None,
        }
    }

    /// The `Content-Type` that it has, unless the workload has another.
    pub fn content_type(&self) -> Option<&str> {
        match self {
            Self::Text(_) => None,
            Self::Json(_) => Some("application/json"),
            Self::Form(_) => Some("application/x-www-form-urlencoded"),
            Self::Multipart(parts) => Some(parts.content_type()),
        }
    }

    /// The body for a request of this iteration.
    pub fn render(&self, scope: &mut Scope) -> Result<Bytes, EvaluationError> {
        let text = match self {
            Self::Text(text) => text.render(scope)?,
            Self::Json(json) => json.render(scope)?,
            Self::Form(form) => form.render(scope)?,
            Self::Multipart(parts) => return parts.render(scope),
        };
        Ok(Bytes::from(text.into_owned()))
    }
}

/// The fields of a form, in their order.
#[derive(Debug)]
pub struct Form {
    fields: Vec<(String, Text)>,
    /// The whole of it, if it is the same in every request.
    constant: Option<String>,
}

/// The characters that requests leaves as they are; a space becomes `+`.
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~')
    .remove(b' ');

impl Form {
    pub(super) fn new(fields: Vec<(String, Text)>) -> Self {
        let texts = fields
            .iter()
            .map(|(name, text)| Some((&**name, text.constant()?)));
        let texts: Option<Vec<_>> = texts.collect();
        let constant = texts.map(|texts| encoded(texts.into_iter()));
        Self { fields, constant }
    }

    fn render(&self, scope: &mut Scope) -> Result<Cow<'_, str>, EvaluationError> {
        if let Some(constant) = &self.constant {
            return Ok(Cow::Borrowed(constant));
        }
        let rendered = self
            .fields
            .iter()
            .map(|(name, text)| Ok((&**name, text.render(scope)?)));
        let rendered = rendered.collect::<Result<Vec<_>, EvaluationError>>()?;
        let fields = rendered.iter().map(|(name, value)| (*name, &**value));
        Ok(Cow::Owned(encoded(fields)))
    }
}

fn encoded<'f>(fields: impl Iterator<Item = (&'f str, &'f str)>) -> String {
    let quoted = |text| {
        utf8_percent_encode(text, QUOTED)
            .to_string()
            .replace(' ', "+")
    };
    let pairs = fields.map(|(name, value)| format!("{}={}", quoted(name), quoted(value)));
    pairs.collect::<Vec<_>>().join("&")
}
