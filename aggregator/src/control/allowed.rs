//! The hosts that traffic may be sent to: a list of hosts or origins, or no list and so all.

use std::fmt;
use std::str::FromStr;

use traffic::workload::base_url;

use super::request::InvalidField;

/// The name of the setting, for messages: a variable and an option.
const SETTING: &str = "CICADA_ALLOWED_HOSTS";

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

impl AllowedHosts {
    /// Refuses the base URL of a class that is not on the list.
    pub(super) fn check(&self, url: &str, class: &str) -> Result<(), InvalidField> {
        if self.allows(url) {
            return Ok(());
        }
        let url: String = url.chars().take(200).collect();
        let problem = format!(
            "{url:?} of {class} is not allowed: {SETTING} (--allowed-hosts) has only {self}"
        );
        Err(InvalidField::new("host", problem))
    }

    /// Whether requests may be sent to a base URL.
    pub fn allows(&self, url: &str) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let Ok(url) = base_url(url) else {
            return false;
        };
        let host = url.host_str().unwrap_or_default().trim_end_matches('.');
        self.0.iter().any(|entry| {
            let scheme = entry.scheme.as_deref();
            let port = entry.port;
            scheme.is_none_or(|scheme| scheme == url.scheme())
                && port.is_none_or(|port| url.port_or_known_default() == Some(port))
                && entry.host.covers(host)
        })
    }
}

/// Reads hosts, hosts with a port, or origins, separated by commas; `*.example.com` is every host below
/// `example.com`, `*` is every host. No text at all is no list.
impl FromStr for AllowedHosts {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let entries = text.split(',').map(str::trim);
        let entries = entries.map(|entry| {
            Entry::parse(entry).ok_or_else(|| {
                let shown: String = entry.chars().take(200).collect();
                let problem = format!(
                    "names {shown:?}, which is no host: write hosts or origins separated by commas, \
                     such as shop.example.com, localhost:8000, *.example.com or https://example.com"
                );
                InvalidField::new(SETTING, problem)
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
