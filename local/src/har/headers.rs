//! The headers of a recorded request that a workload sends.

use reqwest::header::{HeaderName, HeaderValue};

use super::archive::Pair;
use super::secrets::{is_secret, variable};
use super::texts::{escaped, one_line};

/// Headers that are the connection's, the client's or the cache's own, that tell of one browser, or that name one request.
const OWN: [&str; 33] = [
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "alt-used",
    "baggage",
    "cache-control",
    "connection",
    "content-length",
    "cookie",
    "dnt",
    "expect",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "origin",
    "pragma",
    "priority",
    "proxy-connection",
    "range",
    "referer",
    "save-data",
    "te",
    "trailer",
    "transfer-encoding",
    "traceparent",
    "tracestate",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
];

/// The beginnings of such names.
const OWN_PREFIXES: [&str; 6] = [
    ":",
    "sec-",
    "proxy-",
    "x-b3-",
    "x-forwarded-",
    "x-client-data",
];

/// The headers that are sent, as templates, and a comment for each that is a secret.
pub(super) fn of(headers: &[Pair], content_type: bool) -> (Vec<(String, String)>, Vec<String>) {
    let (mut sent, mut left_out) = (Vec::<(String, String)>::new(), Vec::new());
    for Pair { name, value, .. } in headers {
        let lower = name.to_ascii_lowercase();
        let value = value.as_deref().unwrap_or_default();
        let is_own = OWN.contains(&&*lower)
            || OWN_PREFIXES.iter().any(|prefix| lower.starts_with(prefix))
            || lower == "content-type" && !content_type
            || lower == "accept" && value == "*/*";
        let is_valid = HeaderName::from_bytes(lower.as_bytes()).is_ok()
            && HeaderValue::from_str(value).is_ok();
        let is_known = sent
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(name));
        if is_own || !is_valid || is_known {
            continue;
        }
        if is_secret(name, value) {
            let name = one_line(name);
            let variable = variable(&name);
            left_out.push(format!(
                "# {name} was left out: write headers = {{ {name} = \"{{{{ secret('{variable}') }}}}\" }}"
            ));
            continue;
        }
        sent.push((name.clone(), escaped(value)));
    }
    (sent, left_out)
}

/// Adds the media type of a body, where no header says it.
pub(super) fn add_type(headers: &mut Vec<(String, String)>, media: &str) {
    const NAME: &str = "Content-Type";
    let is_there = headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case(NAME));
    if !is_there && !media.is_empty() && HeaderValue::from_str(media).is_ok() {
        headers.push((NAME.to_owned(), escaped(media)));
    }
}

/// The headers that all requests have, which the class sends.
pub(super) fn common(requests: &[&[(String, String)]]) -> Vec<(String, String)> {
    let Some((first, others)) = requests
        .split_first()
        .filter(|(_, others)| !others.is_empty())
    else {
        return Vec::new();
    };
    let is_common = |header: &&(String, String)| others.iter().all(|other| other.contains(header));
    first.iter().filter(is_common).cloned().collect()
}
