//! The addresses of host names: one look-up for everybody who asks at the same time, on a few threads.
//!
//! Answers are kept for a second and not for their time to live, which the system's resolver does not tell:
//! ten thousand users who connect at once are one look-up, and a name that moves is followed. A failure is
//! told to those who wait for it and not kept. A look-up goes on when nobody waits any more, so requests that time
//! out begin no second one.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

/// An answer is used again for so long.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// Old answers are dropped when there are as many.
const MANY: usize = 256;

/// Names that are looked up at a time; each takes a thread.
const AT_A_TIME: usize = 8;

type Addresses = Result<Arc<[IpAddr]>, Arc<io::Error>>;

/// The names that were looked up lately.
#[derive(Debug)]
pub(super) struct Resolver {
    known: Mutex<HashMap<Box<str>, NameLookup>>,
    turns: Arc<Semaphore>,
    /// Takes the place of the system's resolver.
    #[cfg(test)]
    pub(super) of_test: Mutex<Option<tests::Names>>,
}

impl Default for Resolver {
    fn default() -> Self {
        Self {
            known: Mutex::default(),
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
            #[cfg(test)]
            of_test: Mutex::default(),
        }
    }
}

/// A look-up, and its answer when there is one.
#[derive(Clone, Debug)]
struct NameLookup(watch::Receiver<Option<Answer>>);

#[derive(Clone, Debug)]
struct Answer {
    at: Instant,
    addresses: Addresses,
}

impl NameLookup {
    /// One that is under way is everybody's.
    fn is_good(&self) -> bool {
        match &*self.0.borrow() {
            Some(answer) => answer.addresses.is_ok() && answer.at.elapsed() < KEPT_FOR,
            None => self.0.has_changed().is_ok(),
        }
    }

    async fn answer(mut self) -> Addresses {
        let answer = self.0.wait_for(Option::is_some).await.ok();
        let answer = answer.and_then(|answer| answer.clone());
        // it has no answer if the runtime ended in between
        answer.map_or_else(
            || Err(Arc::new(io::ErrorKind::Interrupted.into())),
            |answer| answer.addresses,
        )
    }
}

impl Resolver {
    /// The addresses of a host, which may be an address itself; IPv6 addresses may be in brackets.
    ///
    /// # Errors
    /// The error of the system's resolver.
    pub(super) async fn addresses(&self, host: &str) -> Addresses {
        match literal(host) {
            Some(address) => Ok([address].into()),
            None => self.lookup(host).answer().await,
        }
    }

    /// The look-up under way or just answered, or a new one.
    fn lookup(&self, host: &str) -> NameLookup {
        // nothing in here leaves the table half-changed
        let mut known = self.known.lock();
        if let Some(lookup) = known.get(host).filter(|lookup| lookup.is_good()) {
            return lookup.clone();
        }
        if known.len() >= MANY {
            known.retain(|_, lookup| lookup.is_good());
        }
        let (answered, answer) = watch::channel(None);
        let lookup = NameLookup(answer);
        known.insert(host.into(), lookup.clone());
        let (turns, host) = (Arc::clone(&self.turns), Box::from(host));
        let ask = self.resolver();
        tokio::spawn(async move {
            let _turn = turns.acquire_owned().await;
            let found = tokio::task::spawn_blocking(move || ask(&host)).await;
            let found = found.unwrap_or_else(|error| Err(io::Error::other(error)));
            answered.send_replace(Some(Answer {
                at: Instant::now(),
                addresses: found.map(Arc::from).map_err(Arc::new),
            }));
        });
        lookup
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "a test has a resolver of its own")]
    fn resolver(&self) -> impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + 'static {
        of_system
    }

    #[cfg(test)]
    fn resolver(&self) -> impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + 'static {
        let of_test = self.of_test.lock().clone();
        move |host: &str| {
            of_test
                .as_ref()
                .map_or_else(|| of_system(host), |names| names.ask(host))
        }
    }
}

/// The address that a host is, if it is one.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

/// Asks the system, which takes as long as it takes.
fn of_system(host: &str) -> io::Result<Vec<IpAddr>> {
    let mut addresses = Vec::new();
    for address in (host, 0).to_socket_addrs()? {
        if !addresses.contains(&address.ip()) {
            addresses.push(address.ip());
        }
    }
    Ok(addresses)
}

#[cfg(test)]
pub(super) mod tests;
