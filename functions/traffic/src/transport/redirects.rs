//! Where a redirect leads, and what of a request goes along, as requests does it; but to another origin go
//! no more of the workload's headers than can do no harm there.

use bytes::Bytes;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION,
    USER_AGENT,
};
use reqwest::{Method, StatusCode, Url};

use super::outgoing::Outgoing;
use crate::trace_context::TRACEPARENT;

/// The headers that may go to another origin.
const HARMLESS: [HeaderName; 5] = [
    ACCEPT,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    USER_AGENT,
    TRACEPARENT,
];

/// A location in a text is cut at so many characters.
const SHOWN: usize = 100;

/// The location that an answer redirects to, if it does.
pub(super) fn location(status: StatusCode, headers: &HeaderMap) -> Option<String> {
    let redirects = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = headers.get(LOCATION).filter(|_| redirects)?;
    let location = String::from_utf8_lossy(location.as_bytes()).into_owned();
    (!location.is_empty()).then_some(location)
}

/// Makes a request the one that follows a redirect; says whether it stays at its origin.
///
/// # Errors
/// A text when the location is no address that a request could be sent to.
pub(super) fn follow(
    request: &mut Outgoing,
    status: StatusCode,
    location: &str,
) -> Result<bool, String> {
    let url = target(&request.url, location).ok_or_else(|| {
        let shown: String = location.chars().take(SHOWN).collect();
        format!("redirected to {shown:?}, which is no http or https URL")
    })?;
    let method = method(&request.method, status);
    if let Some(method) = method {
        request.method = method;
    }
    let keeps_body = matches!(status.as_u16(), 307 | 308);
    if !keeps_body {
        request.body = Bytes::new();
        request.headers.remove(CONTENT_TYPE);
    }
    let stays = url.origin() == request.url.origin();
    if !stays {
        let headers = std::mem::take(&mut request.headers);
        for (name, value) in &headers {
            if HARMLESS.contains(name) || *name == CONTENT_TYPE {
                request.headers.append(name, value.clone());
            }
        }
    }
    request.url = url;
    request.url.set_fragment(None);
    request.forget_credentials();
    Ok(stays)
}

/// The method after a redirect, if it is another one.
fn method(method: &Method, status: StatusCode) -> Option<Method> {
    let becomes_get = match status.as_u16() {
        302 | 303 => *method != Method::HEAD,
        301 => *method == Method::POST,
        _ => false,
    };
    becomes_get.then_some(Method::GET)
}

/// The URL that a location means. Stricter than a browser, which makes a host out of `http:///path`.
fn target(base: &Url, location: &str) -> Option<Url> {
    let location = location.trim();
    let scheme = location.split_once(':').map(|(scheme, _)| scheme);
    let scheme = scheme.filter(|scheme| {
        let mut letters = scheme.chars();
        letters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    });
    let rest = match scheme {
        Some(scheme) => {
            let known = ["http", "https"].iter();
            let is_known = known
                .into_iter()
                .any(|known| known.eq_ignore_ascii_case(scheme));
            let rest = &location[scheme.len() + 1..];
            (is_known && rest.starts_with("//")).then_some(rest)?
        }
        None => location,
    };
    let is_slash = |c| matches!(c, '/' | '\\');
    let authority = rest
        .strip_prefix(is_slash)
        .and_then(|rest| rest.strip_prefix(is_slash));
    if authority.is_some_and(|host| host.is_empty() || host.starts_with(['/', '\\', '?', '#'])) {
        return None;
    }
    let url = base.join(location).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}
