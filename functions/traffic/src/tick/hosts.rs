//! Where a run's requests go: the host of each class, as the segment of an instant has it.

use std::collections::BTreeSet;

use reqwest::Url;

use super::TickError;
use crate::clock::Timestamp;
use crate::runs::LoadedRun;
use crate::workload::base_url;

/// The base URL of a class's requests at an instant.
pub(super) fn host(run: &LoadedRun, class: usize, at: Timestamp) -> Result<Url, TickError> {
    let name = &run.plan.classes()[class].name;
    let segment = run.plan.segment_at(at);
    let mut hosts = segment.iter().flat_map(|segment| &segment.hosts);
    match hosts.find(|(known, _)| **known == **name) {
        Some((_, host)) => base_url(host).map_err(|_| TickError::Host(host.clone())),
        None => Ok(run.workload.classes()[class].host().url().clone()),
    }
}

/// The base URLs that a run's requests go to at an instant, each once.
pub fn hosts(run: &LoadedRun, at: Timestamp) -> Vec<Url> {
    let Some(segment) = run.plan.segment_at(at) else {
        return Vec::new();
    };
    let classes = segment.shares.iter();
    let numbers = classes.filter_map(|share| run.plan.class_number(&share.class));
    let hosts: BTreeSet<Url> = numbers
        .filter_map(|class| host(run, class, at).ok())
        .collect();
    hosts.into_iter().collect()
}
