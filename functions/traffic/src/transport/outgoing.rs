//! A request as it goes out: the head that python-requests would send for it, and its body as bytes.
//!
//! The workload's headers come before those that requests adds by itself; only the framing of the message
//! (`Content-Length`, `Transfer-Encoding`) is ours, so that a head copied from a HAR file does no harm.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Uri;
use percent_encoding::percent_decode_str;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST,
    HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION, TRANSFER_ENCODING, USER_AGENT,
};
use reqwest::{Method, Request, Url};

use super::proxies::Proxy;
use crate::content_coding;

/// The headers that requests sends in front of everything that a program gives it, in its order.
const FIRST: [(HeaderName, Option<HeaderValue>); 4] = [
    (USER_AGENT, None),
    (
        ACCEPT_ENCODING,
        Some(HeaderValue::from_static(content_coding::ACCEPT_ENCODING)),
    ),
    (ACCEPT, Some(HeaderValue::from_static("*/*"))),
    (CONNECTION, Some(HeaderValue::from_static("keep-alive"))),
];

/// A request that can be sent more than once.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) url: Url,
    /// The workload's headers.
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Outgoing {
    pub(super) fn new(mut request: Request) -> Self {
        let body = request.body().and_then(|body| body.as_bytes());
        let body = body.map(Bytes::copy_from_slice).unwrap_or_default();
        let mut url = request.url().clone();
        let headers = std::mem::take(request.headers_mut());
        let mut outgoing = Self {
            method: request.method().clone(),
            headers,
            body,
            url: {
                url.set_fragment(None);
                url
            },
        };
        outgoing.headers.remove(CONTENT_LENGTH);
        outgoing.headers.remove(TRANSFER_ENCODING);
        outgoing.put_credentials();
        outgoing
    }

    /// Asks for codings that pass on events as they come, unless the workload asks for others.
    pub(super) fn ask_for_stream(&mut self) {
        let codings = HeaderValue::from_static(content_coding::ACCEPT_ENCODING_OF_STREAMS);
        self.headers.entry(ACCEPT_ENCODING).or_insert(codings);
    }

    /// Moves the user and password of the URL into a header, unless the workload has one of its own.
    fn put_credentials(&mut self) {
        let (user, password) = (self.url.username(), self.url.password());
        if user.is_empty() && password.is_none() {
            return;
        }
        let decoded = |text| percent_decode_str(text).decode_utf8_lossy();
        let both = format!(
            "{}:{}",
            decoded(user),
            decoded(password.unwrap_or_default())
        );
        let value = format!("Basic {}", BASE64_STANDARD.encode(both));
        if let Ok(mut value) = HeaderValue::from_str(&value) {
            value.set_sensitive(true);
            self.headers.entry(AUTHORIZATION).or_insert(value);
        }
        self.forget_credentials();
    }

    /// Removes the user and password from the URL.
    pub(super) fn forget_credentials(&mut self) {
        // neither fails for a URL that has a host
        let _ = self.url.set_username("");
        let _ = self.url.set_password(None);
    }

    /// True if the workload asks for a connection of its own.
    pub(super) fn closes(&self) -> bool {
        let mut values = self.headers.get_all(CONNECTION).iter();
        values.any(|value| {
            let tokens = value.as_bytes().split(|byte| *byte == b',');
            let mut tokens = tokens.map(<[u8]>::trim_ascii);
            tokens.any(|token| token.eq_ignore_ascii_case(b"close"))
        })
    }

    /// The request for hyper. A proxy that is spoken to without TLS gets the whole URL.
    ///
    /// # Errors
    /// When the URL cannot stand in a request.
    pub(super) fn head(
        &self,
        proxy: Option<&Proxy>,
    ) -> Result<hyper::Request<Full<Bytes>>, String> {
        let proxy = proxy.filter(|_| self.url.scheme() == "http");
        let target = match (proxy, self.url.query()) {
            (Some(_), _) => Cow::Borrowed(self.url.as_str()),
            (None, None) => Cow::Borrowed(self.url.path()),
            (None, Some(query)) => format!("{}?{query}", self.url.path()).into(),
        };
        let mut request = hyper::Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() =
            Uri::try_from(&*target).map_err(|_| "the path cannot stand in a request")?;
        *request.headers_mut() = self.headers_for(proxy);
        Ok(request)
    }

    fn headers_for(&self, proxy: Option<&Proxy>) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(self.headers.len() + 6);
        let host = self.headers.get(HOST).cloned();
        headers.extend(host.or_else(|| self.host()).map(|host| (HOST, host)));
        for (name, usual) in FIRST {
            match self.headers.get_all(&name).iter().next() {
                None => headers.extend(usual.map(|value| (name, value))),
                Some(_) => self.copy(&name, &mut headers),
            }
        }
        for name in self.headers.keys() {
            if !headers.contains_key(name) && *name != CONTENT_TYPE {
                self.copy(name, &mut headers);
            }
        }
        if let Some(length) = self.content_length() {
            headers.insert(CONTENT_LENGTH, length);
        }
        self.copy(&CONTENT_TYPE, &mut headers);
        if let Some(proxy) = proxy
            && let Some(authorization) = &proxy.authorization
        {
            headers.insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        headers
    }

    fn copy(&self, name: &HeaderName, headers: &mut HeaderMap) {
        for value in self.headers.get_all(name) {
            headers.append(name, value.clone());
        }
    }

    /// The host as requests writes it: with the port, unless it is the scheme's own.
    fn host(&self) -> Option<HeaderValue> {
        let host = self.url.host_str()?;
        match self.url.port() {
            None => HeaderValue::from_str(host),
            Some(port) => HeaderValue::try_from(format!("{host}:{port}")),
        }
        .ok()
    }

    /// RFC 9110, 8.6: a method that has a meaning for a body says that there is none.
    fn content_length(&self) -> Option<HeaderValue> {
        let says_none = self.method != Method::GET && self.method != Method::HEAD;
        match self.body.len() {
            0 if says_none => Some(HeaderValue::from_static("0")),
            0 => None,
            length => Some(HeaderValue::from(length)),
        }
    }
}
