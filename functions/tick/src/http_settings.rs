//! The settings of all requests that ticks on AWS send.

use anyhow::Context as _;
use aws::environment::{Variables, allowed_hosts};
use traffic::requests_at_once::REQUESTS_AT_ONCE;
use traffic::transport::{HttpSettings, Proxies, RUNTIME_API};
use traffic::workload::Connections;

/// Connections are shared unless a class says otherwise, for a function pays for the time that it takes to
/// make them; the addresses of the link, where AWS hands out credentials, are refused, and so are the
/// function's own runtime API and every host that `CICADA_ALLOWED_HOSTS` does not have. No more requests are under way
/// than a function has descriptors for.
pub fn http_settings(variables: &Variables) -> anyhow::Result<HttpSettings> {
    Ok(HttpSettings {
        connections: Connections::Shared,
        allowed_hosts: allowed_hosts(variables)?,
        proxies: Proxies::read(&*variables.lookup())?,
        refuses_link_local: true,
        runtime_api: variables
            .text(RUNTIME_API)
            .map(|address| address.parse().context(RUNTIME_API))
            .transpose()?,
        max_connections: Some(REQUESTS_AT_ONCE),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use traffic::host_allowlist::{ALLOWED_HOSTS, AllowedHosts};

    use super::*;

    fn of(allowed: &'static str) -> anyhow::Result<HttpSettings> {
        let lookup = move |name: &str| match name {
            ALLOWED_HOSTS => Some(allowed.to_owned()),
            RUNTIME_API => Some("127.0.0.1:9001".to_owned()),
            _ => None,
        };
        http_settings(&Variables::new(Arc::new(lookup)))
    }

    #[test]
    fn ticks_obey_the_list_of_allowed_hosts_and_refuse_the_link() {
        let settings = of("shop.test:8000, *.internal").unwrap();
        assert_eq!(
            settings.allowed_hosts.to_string(),
            "shop.test:8000, *.internal"
        );
        assert!(settings.refuses_link_local);
        assert_eq!(settings.max_connections, Some(800));
        assert_eq!(settings.runtime_api, "127.0.0.1:9001".parse().ok());
        assert_eq!(of("").unwrap().allowed_hosts, AllowedHosts::default());
        let error = format!("{:#}", of("a b").unwrap_err());
        assert!(
            error.starts_with("CICADA_ALLOWED_HOSTS names \"a b\""),
            "{error}"
        );
    }
}
