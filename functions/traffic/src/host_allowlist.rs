//! The hosts that traffic may be sent to: a list of hosts or origins, or no list and so all.
//!
//! The transport asks it for every request and for every redirect that a request follows; the control asks it
//! when a run is started, so that a mistake is said at once.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

use crate::base_url::base_url;
use crate::credentials::without_credentials;

/// The variable with the list, for messages and for who reads it.
pub const ALLOWED_HOSTS: &str = "CICADA_ALLOWED_HOSTS";

/// The longest text of others that a message repeats, in characters.
const MAX_SHOWN: usize = 200;

/// Where traffic may be sent; by default anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts(Vec<Entry>);

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// Only this scheme, if it was said.
    scheme: Option<String>,
    /// The host in lower case, or the end of it with its dot.
    host: Host,
    /// Only this port, if it was said.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Exactly(String),
    Below(String),
    Any,
}

/// A text that is no list of hosts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "names {entry:?}, which is no host: write hosts or origins separated by commas, such as \
     shop.example.com, localhost:8000, *.example.com or https://example.com"
)]
pub struct InvalidAllowedHosts {
    /// The entry that is no host, as much of it as a message can hold.
    pub entry: String,
}

/// A URL that nothing may be sent to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("host {origin:?} {reason}")]
pub struct HostRefused {
    /// The URL's scheme, host and port: neither its credentials nor its path.
    pub origin: String,
    /// Which setting refuses it, as the rest of the sentence.
    pub reason: String,
}

impl AllowedHosts {
    /// True if a request may be sent to a URL: by its scheme, host and port, whatever else is in it.
    pub fn allows(&self, url: &Url) -> bool {
        if self.0.is_empty() {
            return true;
        }
        if !matches!(url.scheme(), "http" | "https") {
            return false;
        }
        let host = url.host_str().unwrap_or_default().trim_end_matches('.');
        self.0.iter().any(|entry| {
            let scheme = entry.scheme.as_deref();
            let port = entry.port;
            scheme.is_none_or(|scheme| scheme == url.scheme())
                && port.is_none_or(|port| url.port_or_known_default() == Some(port))
                && entry.host.covers(host)
        })
    }

    /// Refuses a URL that nothing may be sent to.
    ///
    /// # Errors
    /// With a text that names the URL's origin and the setting.
    pub fn check(&self, url: &Url) -> Result<(), HostRefused> {
        if self.allows(url) {
            return Ok(());
        }
        let origin = url.origin().ascii_serialization();
        Err(HostRefused {
            origin: origin.chars().take(MAX_SHOWN).collect(),
            reason: format!("is not allowed: {ALLOWED_HOSTS} (--allowed-hosts) has only {self}"),
        })
    }
}

/// Reads hosts, hosts with a port, or origins, separated by commas; `*.example.com` is every host below
/// `example.com`, `*` is every host. No text at all is no list.
impl FromStr for AllowedHosts {
    type Err = InvalidAllowedHosts;

    fn from_str(text: &str) -> Result<Self, InvalidAllowedHosts> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let entries = text.split(',').map(str::trim);
        let entries = entries.map(|entry| {
            Entry::parse(entry).ok_or_else(|| InvalidAllowedHosts {
                entry: without_credentials(entry).chars().take(MAX_SHOWN).collect(),
            })
        });
        Ok(Self(entries.collect::<Result<_, _>>()?))
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, text),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (below, rest) = match rest.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        if let Some(port) = rest.strip_prefix('*').filter(|_| !below) {
            let port = port.strip_prefix(':').map(str::parse).transpose().ok()?;
            let is_any = rest == "*" || port.is_some();
            return (is_any && scheme.is_none()).then_some(Self {
                scheme,
                host: Host::Any,
                port,
            });
        }
        // read as a URL, so that it is written as those it is compared with
        let url = base_url(&format!("{}://{rest}", scheme.as_deref().unwrap_or("http"))).ok()?;
        let is_plain = url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && !rest.contains(['/', '\\', '@', '*']);
        let host = url.host_str()?.trim_end_matches('.').to_owned();
        let said = rest
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok());
        let port = match &scheme {
            Some(_) => url.port_or_known_default(),
            None => said.filter(|_| !rest.ends_with(']')),
        };
        (is_plain && !host.is_empty()).then(|| Self {
            scheme,
            host: if below {
                Host::Below(format!(".{host}"))
            } else {
                Host::Exactly(host)
            },
            port,
        })
    }
}

impl Host {
    fn covers(&self, host: &str) -> bool {
        match self {
            Self::Exactly(name) => name == host,
            Self::Below(end) => host.ends_with(end.as_str()) && host.len() > end.len(),
            Self::Any => true,
        }
    }
}

/// The list as it could be typed.
impl fmt::Display for AllowedHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{entry}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = &self.scheme {
            write!(f, "{scheme}://")?;
        }
        match &self.host {
            Host::Exactly(name) => f.write_str(name)?,
            Host::Below(end) => write!(f, "*{end}")?,
            Host::Any => f.write_str("*")?,
        }
        match (self.port, self.scheme.as_deref()) {
            (None, _) | (Some(80), Some("http")) | (Some(443), Some("https")) => Ok(()),
            (Some(port), _) => write!(f, ":{port}"),
        }
    }
}

#[cfg(test)]
mod tests;
