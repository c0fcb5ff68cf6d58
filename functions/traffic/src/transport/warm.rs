//! Connections that are made before there is a request for them, while a function's environment starts.
//!
//! A [`Warmer`] connects as the client would, through TLS, and puts the connection where the requests of
//! all users find it. Nothing is sent on it.

use std::sync::Arc;

use reqwest::Url;

use super::connection::Origin;
use super::{Http, MAX_CONNECTION_AGE};
use crate::tls::HostTls;

/// Makes connections that an [`Http`] takes for its first requests.
#[derive(Clone)]
pub struct Warmer(Http);

impl Warmer {
    pub(super) fn new(http: Http) -> Self {
        Self(http)
    }

    /// Connects to a URL's origin, with TLS if it is https, and keeps the connection for the first
    /// request by shared connections. Nothing is sent on it. `tls` are the settings of the URL's host.
    ///
    /// # Errors
    /// Why there is no connection, in the words that a request to the URL would end with.
    pub async fn connect(&self, url: &Url, tls: Option<&HostTls>) -> Result<(), String> {
        let client = &self.0.0;
        let allowed = client.settings.allowed_hosts.check(url);
        allowed.map_err(|refused| refused.to_string())?;
        let proxy = client.settings.proxies.of(url);
        let origin = Arc::new(Origin::new(url, tls.map(HostTls::config)));
        let connection = client.dialer.dial(origin, proxy.as_ref()).await?;
        client.pool.put(None, connection, MAX_CONNECTION_AGE);
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests;
