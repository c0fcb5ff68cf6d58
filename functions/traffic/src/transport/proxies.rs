//! Proxies by the variables that curl and requests obey: `http_proxy`, `https_proxy`, `all_proxy` and
//! `no_proxy`, in lower case before upper case.

use std::fmt;

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use reqwest::header::HeaderValue;

use super::error::HttpError;
use crate::environment::Lookup;

/// Which requests go by which proxy; by default none.
#[derive(Default)]
pub struct Proxies {
    matcher: Option<Matcher>,
    /// The entries of `no_proxy` with a port: requests understands those, curl does not.
    without_proxy: Vec<(String, u16)>,
}

/// The proxy that a request goes by.
#[derive(Clone, Debug)]
pub(super) struct Proxy {
    pub(super) is_tls: bool,
    /// Its name or address; an IPv6 address is in brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// The value of `Proxy-Authorization`.
    pub(super) authorization: Option<HeaderValue>,
}

impl Proxies {
    /// Reads the variables.
    ///
    /// # Errors
    /// When one of them names a proxy that cannot be used: anything but `http` and `https`.
    pub fn read(environment: Lookup<'_>) -> Result<Self, HttpError> {
        let all = proxy(environment, "all_proxy")?;
        let http = proxy(environment, "http_proxy")?;
        let https = proxy(environment, "https_proxy")?;
        if [&all, &http, &https].iter().all(|proxy| proxy.is_empty()) {
            return Ok(Self::default());
        }
        let listed = variable(environment, "no_proxy").unwrap_or_default();
        let (mut hosts, mut without_proxy) = (Vec::new(), Vec::new());
        for entry in listed
            .split([',', ' '])
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
        {
            match with_port(entry) {
                Some((host, port)) => {
                    without_proxy.push((host.to_ascii_lowercase(), port));
                }
                None => hosts.push(entry.trim_matches(['[', ']'])),
            }
        }
        let matcher = Matcher::builder()
            .all(all)
            .http(http)
            .https(https)
            .no(hosts.join(","))
            .build();
        Ok(Self {
            matcher: Some(matcher),
            without_proxy,
        })
    }

    /// The proxy for requests to a URL, if they go by one.
    pub(super) fn of(&self, url: &Url) -> Option<Proxy> {
        let matcher = self.matcher.as_ref()?;
        let host = url.host_str()?;
        let port = url.port_or_known_default()?;
        let mut without = self.without_proxy.iter();
        let bare = host.trim_matches(['[', ']']);
        if without.any(|(name, at)| *at == port && covers(name, bare)) {
            return None;
        }
        let origin: Uri = format!("{}://{host}:{port}/", url.scheme()).parse().ok()?;
        let found = matcher.intercept(&origin)?;
        let is_tls = found.uri().scheme_str() == Some("https");
        Some(Proxy {
            is_tls,
            host: found.uri().host()?.to_owned(),
            port: (found.uri().port_u16()).unwrap_or(if is_tls { 443 } else { 80 }),
            authorization: found.basic_auth().cloned(),
        })
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // the proxies' addresses may hold passwords
        f.debug_struct("Proxies").finish_non_exhaustive()
    }
}

/// A variable in lower case, or else in upper case; one that is there and empty says: no proxy.
fn variable(environment: Lookup<'_>, name: &str) -> Option<String> {
    let upper = name.to_ascii_uppercase();
    // a CGI program's caller sets HTTP_PROXY by a header `Proxy`
    let is_cgi = || upper == "HTTP_PROXY" && environment("REQUEST_METHOD").is_some();
    environment(name).or_else(|| environment(&upper).filter(|_| !is_cgi()))
}

/// The proxy of a variable, or an empty text.
fn proxy(environment: Lookup<'_>, name: &'static str) -> Result<String, HttpError> {
    let Some(text) = variable(environment, name) else {
        return Ok(String::new());
    };
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    let complete = match text.contains("://") {
        true => text.to_owned(),
        false => format!("http://{text}"),
    };
    let usable = Url::parse(&complete)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    match usable && complete.parse::<Uri>().is_ok() {
        true => Ok(complete),
        false => Err(HttpError::Proxy { variable: name }),
    }
}

/// An entry's host and port, if it has a port.
fn with_port(entry: &str) -> Option<(&str, u16)> {
    let (host, port) = entry.rsplit_once(':')?;
    let is_one = host.starts_with('[') && host.ends_with(']') || !host.contains(':');
    let host = host.trim_matches(['[', ']']);
    let port = port.parse().ok()?;
    (is_one && !host.is_empty()).then_some((host, port))
}

/// True if an entry is a host or what the host's name ends with.
fn covers(entry: &str, host: &str) -> bool {
    let entry = entry.trim_start_matches('.');
    let before = host.strip_suffix(entry);
    before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

#[cfg(test)]
mod tests;
