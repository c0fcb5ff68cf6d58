//! A path that everything is under, for proxies that have other things at `/`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::uri::PathAndQuery;
use axum::http::{StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

use super::headers;

/// A path that everything is under; by default none. Without a slash at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasePath(String);

/// Why a text is no such path: what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a path that begins with a slash, such as /cicada")]
pub struct InvalidBasePath;

impl FromStr for BasePath {
    type Err = InvalidBasePath;

    fn from_str(text: &str) -> Result<Self, InvalidBasePath> {
        let path = text.strip_suffix('/').unwrap_or(text);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let is_segment =
            |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(is_plain);
        match path.strip_prefix('/') {
            None if text.is_empty() || text == "/" => Ok(Self::default()),
            Some(rest) if rest.split('/').all(is_segment) => Ok(Self(path.to_owned())),
            _ => Err(InvalidBasePath),
        }
    }
}

/// The path that a request came under, as its extension.
#[derive(Clone, Debug)]
pub(super) struct Under(pub(super) Arc<str>);

/// As it comes after the port in a URL.
impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl BasePath {
    /// The router with all its routes under the path.
    ///
    /// As in Locust, what is elsewhere is not found, and the path without its last slash leads to the
    /// one with it. `/health` answers at the root as well: whoever looks after a container asks it
    /// directly, past the proxy that has the path.
    pub fn over(&self, router: Router) -> Router {
        if self.0.is_empty() {
            return router;
        }
        let path: Arc<str> = self.0.as_str().into();
        let within = middleware::from_fn_with_state(path, enter);
        Router::new().fallback_service(router).layer(within)
    }
}

async fn enter(State(base): State<Arc<str>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path == "/health" {
        return next.run(request).await;
    }
    let over_tls = headers::stays_with_tls(&request);
    let outside = match path.strip_prefix(&*base) {
        Some("") => to_the_page(&base, request.uri().query()),
        _ => match within(&base, request.uri()) {
            Some(uri) => {
                *request.uri_mut() = uri;
                request.extensions_mut().insert(Under(base));
                return next.run(request).await;
            }
            None => elsewhere(&base),
        },
    };
    headers::added(outside, over_tls)
}

/// The same URI as the router knows it, if it is under the path.
fn within(base: &str, uri: &Uri) -> Option<Uri> {
    let rest = uri.path_and_query()?.as_str().strip_prefix(base)?;
    if !rest.starts_with('/') {
        return None;
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(rest.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

fn to_the_page(base: &str, query: Option<&str>) -> Response {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let location = [(LOCATION, format!("{base}/{query}"))];
    (StatusCode::PERMANENT_REDIRECT, location).into_response()
}

fn elsewhere(base: &str) -> Response {
    let text = format!("there is nothing here: everything is under {base}/\n");
    (StatusCode::NOT_FOUND, text).into_response()
}
