//! The limits of now, which a run that is on has to obey: those that the aggregator grants swarms by.

use std::sync::Arc;

use anyhow::Context as _;
use aws::environment::{RunLimits, Variables};
use control::{Limits, Settings};
use traffic::host_allowlist::{ALLOWED_HOSTS, AllowedHosts};
use traffic::workload::Workload;

/// Reads them.
///
/// # Errors
/// The first mistake there is.
pub fn control_settings(variables: &Variables) -> anyhow::Result<Settings> {
    let lookup = variables.lookup();
    // a run has its own; this one is never started
    let workload = Workload::built_in(&|name: &str| lookup(name))?;
    let allowed_hosts = variables.text(ALLOWED_HOSTS).unwrap_or_default();
    let limits = RunLimits::read(variables)?;
    let default = Limits::default();
    Ok(Settings {
        limits: Limits {
            max_users: limits.max_users.unwrap_or(default.max_users),
            max_spawn_rate: limits.max_spawn_rate.unwrap_or(default.max_spawn_rate),
            ..default
        },
        allowed_hosts: allowed_hosts
            .parse::<AllowedHosts>()
            .context(ALLOWED_HOSTS)?,
        ..Settings::new(Arc::new(workload))
    })
}
