//! The addresses of host names, looked up once for everybody who connects at the same time.
//!
//! Answers are kept for a second and not for their time to live, which the system's resolver does not tell:
//! ten thousand users who connect at once are one look-up, and a name that moves is followed.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// An answer is used again for so long.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// Old answers are dropped when there are as many.
const MANY: usize = 256;

type Addresses = Result<Arc<[IpAddr]>, Arc<io::Error>>;

/// The names that were looked up lately.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    known: Mutex<HashMap<Box<str>, NameLookup>>,
    /// Names that only a test knows; the others are looked up.
    #[cfg(test)]
    pub(super) of_test: Mutex<HashMap<Box<str>, IpAddr>>,
}

#[derive(Clone, Debug)]
struct NameLookup {
    asked: Instant,
    answer: Arc<OnceCell<Addresses>>,
}

impl NameLookup {
    /// One that is under way is everybody's.
    fn is_good(&self) -> bool {
        !self.answer.initialized() || self.asked.elapsed() < KEPT_FOR
    }
}

impl Resolver {
    /// The addresses of a host, which may be an address itself; IPv6 addresses may be in brackets.
    ///
    /// # Errors
    /// The error of the system's resolver.
    pub(super) async fn addresses(&self, host: &str) -> Addresses {
        if let Some(address) = literal(host) {
            return Ok([address].into());
        }
        let answer = self.lookup(host).answer;
        answer.get_or_init(|| self.ask(host)).await.clone()
    }

    fn lookup(&self, host: &str) -> NameLookup {
        // nothing in here leaves the table half-changed
        let mut known = self.known.lock();
        if let Some(lookup) = known.get(host).filter(|lookup| lookup.is_good()) {
            return lookup.clone();
        }
        if known.len() >= MANY {
            known.retain(|_, lookup| lookup.is_good());
        }
        let lookup = NameLookup {
            asked: Instant::now(),
            answer: Arc::default(),
        };
        known.insert(host.into(), lookup.clone());
        lookup
    }

    async fn ask(&self, host: &str) -> Addresses {
        #[cfg(test)]
        if let Some(address) = self.of_test.lock().get(host) {
            return Ok([*address].into());
        }
        ask(host).await
    }
}

/// The address that a host is, if it is one.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

async fn ask(host: &str) -> Addresses {
    let found = tokio::net::lookup_host((host, 0)).await.map_err(Arc::new)?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found.map(|address| address.ip()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses.into())
}
