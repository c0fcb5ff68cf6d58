//! What holds for all requests that ticks on AWS send.

use aws::environment::Variables;
use traffic::transport::{HttpError, HttpSettings, Proxies};
use traffic::workload::Connections;

/// Connections are shared unless a class says otherwise, for a function pays for the time that it takes to
/// make them; the addresses of the link, where AWS hands out credentials, are refused.
///
/// # Errors
/// When a variable cannot be used.
pub fn http_settings(variables: &Variables) -> Result<HttpSettings, HttpError> {
    Ok(HttpSettings {
        connections: Connections::Shared,
        proxies: Proxies::read(&*variables.lookup())?,
        refuses_link_local: true,
        ..HttpSettings::default()
    })
}
