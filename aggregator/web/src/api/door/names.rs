//! The names that a server is called by.
//!
//! A page on the internet can give its own name the address of a machine behind a firewall, and its
//! scripts are then of the same site as what answers there (DNS rebinding). What gives it away is the
//! name. Names that nobody can register are good: addresses, names without a dot such as Docker's,
//! and those below domains that are kept for private use.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use axum::extract::Request;
use axum::http::uri::Authority;
use traffic::run_rules::InvalidField;

use super::site::called;

/// The environment variable that holds the user's name and password.
pub const BASIC_AUTH: &str = "LOCUST_BASIC_AUTH";

/// The name of the setting, for messages: a variable and an option.
const SETTING: &str = "CICADA_WEB_NAMES";

/// Domains that no name on the internet is in.
const PRIVATE: [&str; 6] = ["localhost", "local", "internal", "home.arpa", "lan", "test"];

/// Names of a server beside those that can only be its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// In lower case.
    names: Vec<String>,
    /// True if every name will do.
    any: bool,
}

/// The machine's own name.
impl Default for Names {
    fn default() -> Self {
        let own = gethostname::gethostname().to_string_lossy().to_lowercase();
        Self {
            names: vec![own],
            any: false,
        }
    }
}

/// Reads names separated by commas; `*` is every name.
impl FromStr for Names {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let mut read = Self::default();
        let names = text.split(',').map(str::trim);
        for name in names.filter(|name| !name.is_empty()) {
            if name == "*" {
                read.any = true;
            } else if is_name(name) {
                read.names.push(name.to_lowercase());
            } else {
                let shown: String = name.chars().take(200).collect();
                let problem = format!(
                    "has {shown:?}, which is no name: write names without port, separated by commas, \
                     such as cicada.example.com"
                );
                return Err(InvalidField::new(SETTING, problem));
            }
        }
        Ok(read)
    }
}

impl Names {
    /// Fails for a request, which changes something or reads it, that calls the server by a name that
    /// may be somebody else's.
    pub(super) fn include_that_of(&self, request: &Request, changes: bool) -> Result<(), String> {
        // browsers always say a name
        let Some(name) = called(request) else {
            return Ok(());
        };
        if self.include(name) {
            return Ok(());
        }
        let shown: String = name.chars().take(100).collect();
        let what = if changes {
            "changes are not taken"
        } else {
            "nothing is shown"
        };
        Err(format!(
            "{what} under the name {shown}, which may be anybody's: use an address of \
             this machine, name it in {SETTING} (--web-names), or set {BASIC_AUTH}"
        ))
    }

    fn include(&self, name: &str) -> bool {
        if self.any {
            return true;
        }
        let Ok(authority) = name.parse::<Authority>() else {
            return false;
        };
        if authority.as_str().contains('@') {
            return false;
        }
        let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        !host.contains('.')
            || address.parse::<Ipv4Addr>().is_ok()
            || address.parse::<Ipv6Addr>().is_ok()
            || PRIVATE.iter().any(|domain| is_below(&host, domain))
            || self.names.contains(&host)
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.ends_with('.'))
}

fn is_name(text: &str) -> bool {
    let labels = text.split('.');
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    text.len() <= 253 && labels.into_iter().all(is_label)
}
