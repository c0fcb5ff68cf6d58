//! The body of `PUT /workload`: a workload's text, or a form in parts with the workload and the files that it names.
//!
//! `curl -X PUT -F workload=@shop.toml -F file=@users.csv .../workload` makes such a form. A file may be compressed, as
//! `users.csv.gz`. Its files become part of the text, which is what is stored, and what `GET /workload` answers.

use std::io::Read as _;

use axum::body::Bytes;
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use control::{MAX_UPLOAD, MAX_WORKLOAD};
use flate2::read::GzDecoder;
use traffic::workload::{toml_of, with_files};

/// The part that is the workload.
const WORKLOAD: &str = "workload";

/// The status and the text of an answer to a body that cannot be read.
type Unread = (StatusCode, String);

/// The longest body with these headers: only forms in parts and what says that it is text bring files along.
pub(super) fn longest(headers: &HeaderMap) -> usize {
    match is_in_parts(headers) || kind(headers).starts_with("text/plain") {
        true => MAX_UPLOAD,
        false => MAX_WORKLOAD,
    }
}

/// What is wrong with a body that is longer than `most`.
pub(super) fn too_long(most: usize) -> String {
    let kilobytes = most / 1000;
    let files = if most > MAX_WORKLOAD {
        " with its files"
    } else {
        ""
    };
    format!("the workload is longer than {kilobytes} KB{files}: make it shorter")
}

/// The workload's text, with its files.
pub(super) async fn source(request: Request) -> Result<String, Unread> {
    let source = match is_in_parts(request.headers()) {
        true => in_parts(request).await?,
        false => whole(request).await?,
    };
    if toml_of(&source).len() > MAX_WORKLOAD {
        return Err((StatusCode::PAYLOAD_TOO_LARGE, too_long(MAX_WORKLOAD)));
    }
    Ok(source)
}

async fn whole(request: Request) -> Result<String, Unread> {
    let body = Bytes::from_request(request, &()).await;
    let body = body.map_err(|rejection| unread(rejection.status(), &rejection.body_text()))?;
    utf8(WORKLOAD, body)
}

async fn in_parts(request: Request) -> Result<String, Unread> {
    let bad = |error: MultipartError| unread(error.status(), &error.body_text());
    let parts = Multipart::from_request(request, &()).await;
    let mut parts =
        parts.map_err(|rejection| unread(rejection.status(), &rejection.body_text()))?;
    let (mut toml, mut files, mut length) = (None, Vec::new(), 0);
    while let Some(part) = parts.next_field().await.map_err(bad)? {
        let is_workload = part.name() == Some(WORKLOAD);
        let name = part.file_name().or(part.name()).unwrap_or_default();
        let name = name.to_owned();
        let (name, content) = unpacked(name, part.bytes().await.map_err(bad)?)?;
        length += content.len();
        if length > MAX_UPLOAD {
            return Err((StatusCode::PAYLOAD_TOO_LARGE, too_long(MAX_UPLOAD)));
        }
        let content = utf8(&name, content)?;
        match is_workload {
            true => toml = Some(content),
            false => files.push((name, content)),
        }
    }
    let lacking = || {
        let problem =
            "the form has no part `workload`: curl -X PUT -F workload=@FILE -F file=@USERS.csv";
        (StatusCode::UNPROCESSABLE_ENTITY, problem.to_owned())
    };
    let toml = toml.ok_or_else(lacking)?;
    with_files(&toml, &files).map_err(|error| (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))
}

/// A file and its name, as they were before it was compressed.
fn unpacked(name: String, content: Bytes) -> Result<(String, Bytes), Unread> {
    let Some(bare) = name.strip_suffix(".gz") else {
        return Ok((name, content));
    };
    let mut plain = Vec::new();
    // one byte more than there may be
    let most = MAX_UPLOAD as u64 + 1;
    let read = GzDecoder::new(&content[..])
        .take(most)
        .read_to_end(&mut plain);
    match read {
        Ok(_) => Ok((bare.to_owned(), plain.into())),
        Err(_) => {
            let problem = format!("the file {name:?} is no gzip file: send it as it is");
            Err((StatusCode::UNPROCESSABLE_ENTITY, problem))
        }
    }
}

fn unread(status: StatusCode, reason: &str) -> Unread {
    let problem = match status {
        StatusCode::PAYLOAD_TOO_LARGE => too_long(MAX_UPLOAD),
        _ => format!("the workload could not be read: {reason}"),
    };
    (status, problem)
}

fn utf8(name: &str, content: Bytes) -> Result<String, Unread> {
    String::from_utf8(content.into()).map_err(|error| {
        let read = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + read.iter().filter(|byte| **byte == b'\n').count();
        let what = match name {
            WORKLOAD => "the workload".to_owned(),
            name => format!("the file {name:?}"),
        };
        let problem = format!("{what} is not UTF-8 text: look at line {line}");
        (StatusCode::UNPROCESSABLE_ENTITY, problem)
    })
}

fn is_in_parts(headers: &HeaderMap) -> bool {
    kind(headers).starts_with("multipart/form-data")
}

fn kind(headers: &HeaderMap) -> String {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.unwrap_or_default().trim().to_ascii_lowercase()
}
