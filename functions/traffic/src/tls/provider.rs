//! The cryptography of all TLS in a process: ring's, unless somebody has installed another.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};

pub(super) fn provider() -> Arc<CryptoProvider> {
    // an error only says that somebody has installed one already
    let _ = ring::default_provider().install_default();
    CryptoProvider::get_default().map_or_else(|| Arc::new(ring::default_provider()), Arc::clone)
}
