//! A process's senders: each class with a host that a run gives it, made ready once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;
use reqwest::Url;

use super::hosts;
use super::report::TickError;
use crate::clock::Timestamp;
use crate::credentials::{Credentials, Keyring};
use crate::iteration::Sender;
use crate::runs::LoadedRun;
use crate::telemetry::Observer;

/// See the [module](self).
#[derive(Default)]
pub(super) struct Senders {
    known: Mutex<HashMap<SenderKey, Arc<Sender>>>,
    /// True if this process has sent anything to a host.
    warm: Mutex<HashMap<Url, Arc<AtomicBool>>>,
    pub(super) observer: Option<Arc<dyn Observer>>,
    pub(super) keyring: Keyring,
}

/// Workload version, class, base URL, and what its host asks for.
type SenderKey = (String, usize, Url, Option<Credentials>);

impl Senders {
    /// None yet; `observer` is told of what they send, and hosts that `keyring` has credentials for are
    /// sent them.
    pub(super) fn new(observer: Option<Arc<dyn Observer>>, keyring: Keyring) -> Self {
        Self {
            observer,
            keyring,
            ..Self::default()
        }
    }

    /// A class with the host that the run gives it at an instant.
    pub(super) fn get(
        &self,
        run: &LoadedRun,
        class: usize,
        at: Timestamp,
    ) -> Result<Arc<Sender>, TickError> {
        let base = hosts::host(run, class, at)?;
        let credentials = hosts::credentials(run, class, at, (&base, &self.keyring));
        let version = run.workload.version().to_owned();
        let key = (version, class, base.clone(), credentials.clone());
        let mut known = self.known.lock();
        if let Some(sender) = known.get(&key) {
            return Ok(Arc::clone(sender));
        }
        let mut warm = self.warm.lock();
        let warm = Arc::clone(warm.entry(base.clone()).or_default());
        let observer = self.observer.clone();
        let host = (base, credentials);
        let sender = Sender::new(Arc::clone(&run.workload), class, host, warm, observer);
        let sender = Arc::new(sender);
        // other versions are not in use any more
        known.retain(|(version, ..), _| *version == key.0);
        known.insert(key, Arc::clone(&sender));
        Ok(sender)
    }
}
