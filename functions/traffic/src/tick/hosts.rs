//! Where a run's requests go: the host of each class, as the segment of a slot has it.

use reqwest::Url;

use super::TickError;
use crate::clock::Slot;
use crate::runs::LoadedRun;
use crate::tls::HostTls;
use crate::workload::base_url;

/// The base URL of a class's requests in a slot.
pub(super) fn host(run: &LoadedRun, class: usize, slot: Slot) -> Result<Url, TickError> {
    let name = &run.plan.classes()[class].name;
    let segment = run.plan.segment(slot);
    let mut hosts = segment.iter().flat_map(|segment| &segment.hosts);
    match hosts.find(|(known, _)| **known == **name) {
        Some((_, host)) => base_url(host).map_err(|_| TickError::Host(host.clone())),
        None => Ok(run.workload.classes()[class].host().url().clone()),
    }
}

/// Where a run's requests go in a slot, each once: base URLs, and the TLS settings of their hosts.
pub fn hosts(run: &LoadedRun, slot: Slot) -> Vec<(Url, Option<HostTls>)> {
    let Some(segment) = run.plan.segment(slot) else {
        return Vec::new();
    };
    let mut hosts = Vec::new();
    let numbers = segment
        .shares
        .iter()
        .filter_map(|share| run.plan.class_number(&share.class));
    for class in numbers {
        let tls = run.workload.classes()[class].host().tls().cloned();
        if let Ok(url) = host(run, class, slot)
            && !hosts.contains(&(url.clone(), tls.clone()))
        {
            hosts.push((url, tls));
        }
    }
    hosts
}
