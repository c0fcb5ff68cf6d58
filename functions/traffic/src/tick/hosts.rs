//! Where a run's requests go: the host of each class, as the segment of an instant has it.

use reqwest::Url;

use super::report::TickError;
use crate::base_url::base_url;
use crate::clock::Timestamp;
use crate::credentials::{Credentials, Keyring, without_credentials};
use crate::runs::LoadedRun;
use crate::tls::HostTls;

/// The base URL of a class's requests at an instant.
pub(super) fn host(run: &LoadedRun, class: usize, at: Timestamp) -> Result<Url, TickError> {
    let name = &run.plan.classes()[class].name;
    let segment = run.plan.segment_at(at);
    let mut hosts = segment.iter().flat_map(|segment| &segment.hosts);
    match hosts.find(|(known, _)| **known == **name) {
        Some((_, host)) => base_url(host)
            .map(|url| Credentials::part(url).0)
            .map_err(|_| TickError::Host(without_credentials(host).into())),
        None => Ok(run.workload.classes()[class].host().url().clone()),
    }
}

/// The credentials of a class's requests to a base URL at an instant: those that this process was told for it,
/// else those of the workload's host.
pub(super) fn credentials(
    run: &LoadedRun,
    class: usize,
    at: Timestamp,
    (base, keyring): (&Url, &Keyring),
) -> Option<Credentials> {
    let name = &run.plan.classes()[class].name;
    let segment = run.plan.segment_at(at);
    let of_run = segment.and_then(|segment| base_url(segment.host.as_deref()?).ok());
    let is_of_run = of_run.is_some_and(|url| url == *base);
    let host = run.workload.classes()[class].host();
    let own = || host.credentials().filter(|_| host.url() == base).cloned();
    keyring.find(name, base, is_of_run).or_else(own)
}

/// Where a run's requests go at an instant, each once: base URLs, and the TLS settings that hold for them.
pub fn hosts(run: &LoadedRun, at: Timestamp) -> Vec<(Url, Option<HostTls>)> {
    let Some(segment) = run.plan.segment_at(at) else {
        return Vec::new();
    };
    let mut hosts = Vec::new();
    let numbers = segment
        .shares
        .iter()
        .filter_map(|share| run.plan.class_number(&share.class));
    for class in numbers {
        let Ok(url) = host(run, class, at) else {
            continue;
        };
        let class = &run.workload.classes()[class];
        let own = class.steps().filter_map(|step| step.host.as_deref());
        let own = own.map(|host| (host.url().clone(), host.tls(host.url()).cloned()));
        let of_class = class.host().tls(&url).cloned();
        for host in std::iter::once((url, of_class)).chain(own) {
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
    }
    hosts
}
