//! Bodies with files: `multipart/form-data`, as requests writes them.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::errors::EvaluationError;
use super::pool::Pool;
use super::scope::Scope;
use super::text::Text;
use crate::random::mix;

/// The fields and files of a body, in their order.
#[derive(Debug)]
pub struct Multipart {
    fields: Vec<(String, Text)>,
    files: Vec<File>,
    boundary: String,
    content_type: String,
}

/// A file that is sent.
#[derive(Debug)]
pub(super) struct File {
    /// The field of the form that it stands in.
    pub(super) field: String,
    pub(super) name: Text,
    pub(super) content_type: Option<String>,
    pub(super) content: Content,
}

/// Where the content of a file comes from.
#[derive(Debug)]
pub(super) enum Content {
    /// A file that was read with the workload.
    Read(Bytes),
    /// A value that is drawn for each request.
    Drawn(Arc<Pool>),
}

impl Multipart {
    /// `seed` tells one boundary from another: nothing that is sent may hold it by chance.
    pub(super) fn new(fields: Vec<(String, Text)>, files: Vec<File>, seed: &str) -> Self {
        let hash = |start: u64| {
            seed.bytes()
                .fold(start, |hash, byte| mix(hash ^ u64::from(byte)))
        };
        let boundary = format!("{:016x}{:016x}", hash(1), hash(2));
        Self {
            fields,
            files,
            content_type: format!("multipart/form-data; boundary={boundary}"),
            boundary,
        }
    }

    /// The `Content-Type` with the boundary.
    pub(super) fn content_type(&self) -> &str {
        &self.content_type
    }

    pub(super) fn render(&self, scope: &mut Scope) -> Result<Bytes, EvaluationError> {
        let mut body = BytesMut::new();
        for (name, value) in &self.fields {
            self.begin(&mut body, name, None);
            body.put_slice(value.render(scope)?.as_bytes());
            body.put_slice(b"\r\n");
        }
        for file in &self.files {
            let name = file.name.render(scope)?;
            self.begin(
                &mut body,
                &file.field,
                Some((&name, file.content_type.as_deref())),
            );
            match &file.content {
                Content::Read(content) => body.put_slice(content),
                Content::Drawn(pool) => {
                    let value = scope.iteration().take(pool);
                    match value.as_str() {
                        Some(text) => body.put_slice(text.as_bytes()),
                        None => body.put_slice(value.to_string().as_bytes()),
                    }
                }
            }
            body.put_slice(b"\r\n");
        }
        body.put_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        Ok(body.freeze())
    }

    /// The head of a part: of a field, or of a file with its name and type.
    fn begin(&self, body: &mut BytesMut, field: &str, file: Option<(&str, Option<&str>)>) {
        let mut head = format!(
            "--{}\r\nContent-Disposition: form-data; name=\"{}\"",
            self.boundary,
            quoted(field)
        );
        if let Some((name, content_type)) = file {
            let _ = write!(head, "; filename=\"{}\"", quoted(name));
            if let Some(content_type) = content_type {
                let _ = write!(head, "\r\nContent-Type: {content_type}");
            }
        }
        head.push_str("\r\n\r\n");
        body.put_slice(head.as_bytes());
    }
}

/// A name as HTML's standard writes it.
fn quoted(name: &str) -> String {
    let escaped = name.replace('"', "%22").replace('\n', "%0A");
    escaped.replace('\r', "%0D")
}
