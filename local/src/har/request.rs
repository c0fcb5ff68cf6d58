//! A recorded request in the words of a workload.

use std::fmt::Write as _;

use reqwest::Url;

use super::archive::header;
use super::body::{self, Body};
use super::headers;
use super::secrets::{is_secret, is_token, placeholder};
use super::select::Taken;
use super::texts::{escaped, inline_table, string};

/// The shortest pause that is written, in seconds.
const SHORTEST_PAUSE: f64 = 0.1;

/// The longest one: somebody went for lunch.
const LONGEST_PAUSE: f64 = 3_600.0;

/// The longest name of a request, in characters.
const LONGEST_NAME: usize = 200;

/// A request, ready to be written.
pub(super) struct Written {
    /// The lines before its headers.
    head: String,
    pub(super) headers: Vec<(String, String)>,
    /// The lines after them.
    tail: String,
    /// Whether a secret was replaced.
    pub(super) has_placeholder: bool,
}

impl Written {
    /// Writes the request without the headers that its class sends.
    pub(super) fn write(&self, common: &[(String, String)], text: &mut String) {
        text.push_str(&self.head);
        let own = self
            .headers
            .iter()
            .filter(|header| !common.contains(header));
        let own: Vec<(String, String)> = own.cloned().collect();
        if !own.is_empty() {
            let _ = writeln!(text, "headers = {}", inline_table(&own));
        }
        text.push_str(&self.tail);
    }
}

/// The request of a recording.
pub(super) fn written(taken: &Taken<'_>) -> Written {
    let request = &taken.entry.request;
    let body = request
        .post_data
        .as_ref()
        .map_or_else(Body::default, body::of);
    let (mut headers, mut comments) = headers::of(&request.headers, body.needs_type);
    let media = request
        .post_data
        .as_ref()
        .and_then(|data| data.mime_type.as_deref());
    if let Some(media) = media.filter(|_| body.needs_type) {
        headers::add_type(&mut headers, media);
    }
    comments.extend(body.comment);
    if request.post_data.is_none() && header(&request.headers, "content-type").is_some() {
        comments.push("# its body is not in the recording".to_owned());
    }
    let (path, name, has_placeholder) = path(&taken.url);
    let default = if body.line.is_some() { "POST" } else { "GET" };
    let mut head = String::new();
    for comment in comments {
        let _ = writeln!(head, "{comment}");
    }
    let is_name = path == name;
    let name = format!("{} {name}", request.method);
    if !is_name || name.chars().count() > LONGEST_NAME {
        let name: String = name.chars().take(LONGEST_NAME).collect();
        let _ = writeln!(head, "name = {}", string(&name));
    }
    if request.method != default {
        let _ = writeln!(head, "method = {}", string(&request.method));
    }
    let _ = writeln!(head, "path = {}", string(&path));
    let mut tail = String::new();
    if let Some(line) = body.line {
        let _ = writeln!(tail, "{line}");
    }
    let pause = taken.pause.filter(|pause| *pause >= SHORTEST_PAUSE);
    if let Some(pause) = pause.map(|pause| pause.min(LONGEST_PAUSE)) {
        let _ = writeln!(
            tail,
            "pause = \"constant({})\"",
            (pause * 10.0).round() / 10.0
        );
    }
    if taken.leads_away {
        tail.push_str("redirects = 0                         # it leads to another host\n");
    }
    let response = taken.entry.response.as_ref();
    let status = response.and_then(|response| response.status);
    if let Some(status) = status.filter(|status| (400..600).contains(status)) {
        let _ = writeln!(
            tail,
            "status = {status}                          # as it was recorded"
        );
    }
    Written {
        head,
        headers,
        tail,
        has_placeholder: has_placeholder || body.has_placeholder,
    }
}

/// The path and the query as a template, the path alone as a name, and whether a secret in them was replaced.
fn path(url: &Url) -> (String, String, bool) {
    let (mut segments, mut name) = (Vec::new(), Vec::new());
    for segment in url.path().split('/') {
        let is_secret = is_token(segment);
        segments.push(if is_secret {
            placeholder("token")
        } else {
            escaped(segment)
        });
        name.push(if is_secret { ":token" } else { segment });
    }
    let (mut path, name) = (segments.join("/"), name.join("/"));
    let mut has_placeholder = name.contains("/:token");
    let parts = url.query().into_iter().flat_map(|query| query.split('&'));
    for (index, part) in parts.enumerate() {
        path.push(if index == 0 { '?' } else { '&' });
        let decoded = form_urlencoded::parse(part.as_bytes()).next();
        let (key, value) = decoded.unwrap_or_default();
        if is_secret(&key, &value) && !value.is_empty() {
            has_placeholder = true;
            let written = part.split_once('=').map_or(part, |(key, _)| key);
            path += &format!("{}={}", escaped(written), placeholder(&key));
        } else {
            path += &escaped(part);
        }
    }
    (path, name, has_placeholder)
}
