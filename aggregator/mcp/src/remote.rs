//! A server of ours elsewhere, asked over HTTP.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, StatusCode};
use reqwest::{Client, Url};

/// The status and the text of an answer.
pub(crate) type Answer = (StatusCode, String);

/// An answer that takes longer does not come.
const WITHIN: Duration = Duration::from_secs(30);

/// A server, by its base URL, and the password that it asks for.
#[derive(Clone, Debug)]
pub struct Remote {
    base: Url,
    credentials: Option<(String, String)>,
    client: Client,
}

/// The address is none.
#[derive(Debug, thiserror::Error)]
pub enum InvalidAddress {
    /// It is no URL of a server.
    #[error("{0:?} is no address of a server: write one such as http://127.0.0.1:8089")]
    Url(String),
    /// Nothing can be sent from here.
    #[error("no client can be made")]
    Client(#[from] reqwest::Error),
}

impl Remote {
    /// A server at `address`, such as `http://127.0.0.1:8089` or `https://demo.example/cicada`, and `user:password` if it
    /// asks for one. A certificate of this machine's own server may be anybody's.
    ///
    /// # Errors
    /// When the address is no URL.
    pub fn new(address: &str, password: Option<&str>) -> Result<Self, InvalidAddress> {
        let invalid = || InvalidAddress::Url(address.to_owned());
        let mut base = Url::parse(address).map_err(|_| invalid())?;
        if !base.has_host() || !matches!(base.scheme(), "http" | "https") {
            return Err(invalid());
        }
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        base.set_query(None);
        base.set_fragment(None);
        let split = |text: &str| {
            let (name, word) = text.split_once(':')?;
            Some((name.to_owned(), word.to_owned()))
        };
        // an error only says that somebody has installed one already
        let _ = rustls::crypto::ring::default_provider().install_default();
        let is_here = matches!(base.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        let client = Client::builder()
            .timeout(WITHIN)
            .tls_danger_accept_invalid_certs(is_here)
            .build()?;
        Ok(Self {
            base,
            credentials: password.and_then(split),
            client,
        })
    }

    /// Leaves a marker on the newest run. The error is one line.
    ///
    /// # Errors
    /// When the server does not answer, or does not take the marker.
    pub async fn leave_marker(&self, text: &str) -> Result<(), String> {
        let body = serde_json::json!({ "text": text }).to_string();
        let request = Request::post("/markers")
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(body))
            .map_err(|error| error.to_string())?;
        let (status, said) = self.send(request).await?;
        match status.is_success() {
            true => Ok(()),
            false => Err(format!("it answers {status}: {said}")),
        }
    }

    /// Sends a request of the API. The error is one line.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Answer, String> {
        let base = self.base.as_str().trim_end_matches('/');
        let url = format!("{base}{}", request.uri());
        let (parts, body) = request.into_parts();
        let mut sent = self
            .client
            .request(parts.method, url)
            .headers(parts.headers)
            .body(body);
        if let Some((name, word)) = &self.credentials {
            sent = sent.basic_auth(name, Some(word));
        }
        let silent = |error: reqwest::Error| {
            let error = error.without_url();
            format!("{base} does not answer: {error}")
        };
        let response = sent.send().await.map_err(silent)?;
        let status = response.status();
        let text = response.text().await.map_err(silent)?;
        if status == StatusCode::UNAUTHORIZED {
            return Err(format!(
                "{base} asks for a password: set LOCUST_BASIC_AUTH=user:password"
            ));
        }
        Ok((status, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_url_of_a_server() {
        for (address, base) in [
            ("http://127.0.0.1:8089", "http://127.0.0.1:8089/"),
            (
                "https://demo.example/cicada/?tab=ab",
                "https://demo.example/cicada",
            ),
        ] {
            assert_eq!(Remote::new(address, None).unwrap().base.as_str(), base);
        }
        for address in ["", "nowhere", "file:///etc/passwd", "unix:/run/x"] {
            let refused = Remote::new(address, None).map(|_| ());
            assert!(matches!(refused, Err(InvalidAddress::Url(_))), "{address}");
        }
    }
}
