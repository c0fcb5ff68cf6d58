//! Where somebody can look at a trace: an address with a place for its id, to which the page makes links.

use std::str::FromStr;
use std::sync::Arc;

use axum::http::Uri;
use axum::{Extension, Router};

/// The variable that has it.
pub const TRACE_URL: &str = "CICADA_TRACE_URL";

/// The place for the id.
const PLACE: &str = "{trace_id}";

/// A trace's id as it may stand there.
const EXAMPLE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// An address with a place for a trace's id; by default none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceUrl(Option<Arc<str>>);

/// A text that is no such address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a URL with {{trace_id}} in it, such as https://jaeger.example.com/trace/{{trace_id}}"
)]
pub struct InvalidTraceUrl;

impl FromStr for TraceUrl {
    type Err = InvalidTraceUrl;

    fn from_str(text: &str) -> Result<Self, InvalidTraceUrl> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let uri: Uri = text
            .replace(PLACE, EXAMPLE)
            .parse()
            .map_err(|_| InvalidTraceUrl)?;
        let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
        // a password in it would be shown to everybody who may look at the page
        let host = uri
            .authority()
            .filter(|authority| !authority.as_str().contains('@'));
        match host {
            Some(host) if is_web && !host.host().is_empty() && text.contains(PLACE) => {
                Ok(Self(Some(text.into())))
            }
            _ => Err(InvalidTraceUrl),
        }
    }
}

impl TraceUrl {
    /// The router with a page that knows of it.
    pub fn over(&self, router: Router) -> Router {
        router.layer(Extension(self.clone()))
    }

    pub(super) fn text(&self) -> Option<String> {
        self.0.as_deref().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_an_address_of_the_web_with_a_place_for_the_id() {
        for right in [
            "https://jaeger.example.com/trace/{trace_id}",
            "http://localhost:16686/trace/{trace_id}",
            "https://one.newrelic.com/redirect?filter=traceId='{trace_id}'&x=1",
            "http://[::1]:3200/api/traces/{trace_id}?raw#{trace_id}",
        ] {
            let text = right.parse::<TraceUrl>().unwrap().text();
            assert_eq!(text.as_deref(), Some(right));
        }
        assert_eq!("".parse(), Ok(TraceUrl::default()));
        for wrong in [
            "https://jaeger.example.com/trace/",
            "https://jaeger.example.com/trace/{traceid}",
            "javascript:alert('{trace_id}')",
            "ftp://example.com/{trace_id}",
            "file:///{trace_id}",
            "/trace/{trace_id}",
            "jaeger.example.com/{trace_id}",
            "https:///{trace_id}",
            "https://me:secret@example.com/{trace_id}",
            "https://example.com/a b/{trace_id}",
        ] {
            assert_eq!(wrong.parse::<TraceUrl>(), Err(InvalidTraceUrl), "{wrong}");
        }
    }
}
