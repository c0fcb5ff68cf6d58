//! Origins of other pages, such as a dashboard's, that may read and change what this server's own page may.
//!
//! A browser lets such a page read an answer if the answer names its origin, and asks before it sends a change
//! or a password (CORS). That is answered before the door, since a browser sends no password with it.

use std::str::FromStr;
use std::time::Duration;

use axum::http::header::{CONTENT_DISPOSITION, ETAG, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Uri};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};
use traffic::run_rules::InvalidField;

/// The name of the setting, for messages: a variable and an option.
const SETTING: &str = "CICADA_ALLOWED_ORIGINS";

/// A browser asks again after this.
const ASKS_EVERY: Duration = Duration::from_secs(10 * 60);

/// Origins of other sites' pages, as browsers write them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(Vec<HeaderValue>);

/// Reads origins separated by commas.
impl FromStr for Origins {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let origins = text.split(',').map(str::trim);
        let origins = origins.filter(|origin| !origin.is_empty()).map(|origin| {
            written(origin).ok_or_else(|| {
                let shown: String = origin.chars().take(200).collect();
                let problem = format!(
                    "has {shown:?}, which is no origin: write scheme, name and port only, separated by \
                     commas, such as https://dashboard.example.com"
                );
                InvalidField::new(SETTING, problem)
            })
        });
        origins.collect::<Result<_, _>>().map(Self)
    }
}

impl Origins {
    /// True for a request of a page of one of them.
    pub(super) fn include_that_of(&self, headers: &HeaderMap) -> bool {
        let mut said = headers.get_all(ORIGIN).iter();
        match (said.next(), said.next()) {
            (Some(origin), None) => self.0.contains(origin),
            _ => false,
        }
    }

    /// What tells browsers so; `None` without any origin.
    pub(super) fn layer(&self) -> Option<CorsLayer> {
        if self.0.is_empty() {
            return None;
        }
        let layer = CorsLayer::new()
            .allow_origin(AllowOrigin::list(self.0.iter().cloned()))
            .allow_credentials(true)
            .allow_methods(AllowMethods::mirror_request())
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([CONTENT_DISPOSITION, ETAG, RETRY_AFTER, WWW_AUTHENTICATE])
            .max_age(ASKS_EVERY);
        Some(layer)
    }
}

/// The origin as browsers write it: in lower case, without a port that its scheme implies.
fn written(origin: &str) -> Option<HeaderValue> {
    let (scheme, rest) = origin.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let implied = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest).to_ascii_lowercase();
    let authority = authority.strip_suffix(implied).unwrap_or(&authority);
    let uri: Uri = format!("{scheme}://{authority}").parse().ok()?;
    let read = uri.authority()?;
    let named = match read.port_u16() {
        Some(port) => format!("{}:{port}", read.host()),
        None => read.host().to_owned(),
    };
    if named.is_empty() || named != authority || named.contains('*') {
        return None;
    }
    format!("{scheme}://{named}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_as_browsers_write_them() {
        let read = |text: &str| text.parse::<Origins>().map(|origins| origins.0);
        for (text, origins) in [
            ("", &[][..]),
            (" , ", &[]),
            ("https://Dash.Example.com", &["https://dash.example.com"]),
            (
                "HTTPS://dash.test:443/, http://localhost:3000",
                &["https://dash.test", "http://localhost:3000"],
            ),
            (
                "http://[::1]:80,http://10.0.0.7:8080",
                &["http://[::1]", "http://10.0.0.7:8080"],
            ),
        ] {
            assert_eq!(read(text).unwrap(), origins, "{text}");
        }
        for text in [
            "*",
            "null",
            "dash.example.com",
            "https://",
            "ftp://dash.test",
            "https://*.test",
            "https://a.test/x",
            "https://me@a.test",
            "https://a.test:",
            "https://a.test:port",
            "https://a.test?x",
            "https://a.test b",
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(
                error.starts_with("CICADA_ALLOWED_ORIGINS has "),
                "{text}: {error}"
            );
        }
    }
}
