//! The client of a connection, and what it has shown of the password.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// The client of a connection, as a request's extension that the server sets.
#[derive(Clone, Copy, Debug)]
pub struct Visitor {
    /// Its address, which may be a proxy's.
    pub address: IpAddr,
    /// True if the connection is TLS.
    pub over_tls: bool,
}

/// What a connection has shown of the password, as an extension that whoever accepts it sets on each
/// of its requests; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Acquaintance(Arc<Shown>);

#[derive(Debug, Default)]
struct Shown {
    guesses: AtomicU32,
    password: AtomicBool,
    session: AtomicBool,
    is_put_off: AtomicBool,
}

/// A connection whose guess is not answered yet.
pub(super) struct PutOff<'c>(&'c Shown);

impl Acquaintance {
    /// Whether what it asks for waits on purpose, for its guess at the password: no work is lost when it
    /// is closed.
    pub fn is_put_off(&self) -> bool {
        self.0.is_put_off.load(Ordering::Relaxed)
    }

    /// True once it has shown the password, or a session.
    pub fn is_known(&self) -> bool {
        self.has_shown_password() || self.0.session.load(Ordering::Relaxed)
    }

    /// True once it has shown the password itself: the next one on it is compared at once. A session is not
    /// enough for that, or whoever has found a cookie could try passwords as fast as they can be sent.
    pub(super) fn has_shown_password(&self) -> bool {
        self.0.password.load(Ordering::Relaxed)
    }

    pub(super) fn shows_password(&self, is_right: bool) {
        self.0.password.store(is_right, Ordering::Relaxed);
    }

    pub(super) fn shows_session(&self) {
        self.0.session.store(true, Ordering::Relaxed);
    }

    /// Counts a guess; returns how many there were before.
    pub(super) fn guesses(&self) -> u32 {
        self.0.guesses.fetch_add(1, Ordering::Relaxed)
    }

    /// Until what is returned is dropped, its answer waits on purpose.
    pub(super) fn put_off(&self) -> PutOff<'_> {
        self.0.is_put_off.store(true, Ordering::Relaxed);
        PutOff(&self.0)
    }
}

impl Drop for PutOff<'_> {
    fn drop(&mut self) {
        self.0.is_put_off.store(false, Ordering::Relaxed);
    }
}
