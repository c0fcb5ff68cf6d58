//! The certificates that are trusted.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::error::TlsError;
use super::pem::PemError;

/// Certificates that are trusted, as rustls has them and byte for byte.
#[derive(Debug)]
pub(super) struct Roots {
    pub(super) store: Arc<RootCertStore>,
    certificates: Vec<CertificateDer<'static>>,
}

impl Roots {
    /// Those that somebody has named; each must be one.
    pub(super) fn new(certificates: Vec<CertificateDer<'static>>) -> Result<Self, PemError> {
        let mut store = RootCertStore::empty();
        for (index, certificate) in certificates.iter().enumerate() {
            store
                .add(certificate.clone())
                .map_err(|_| PemError::Damaged(index + 1))?;
        }
        let store = Arc::new(store);
        Ok(Self {
            store,
            certificates,
        })
    }

    /// Those of the system, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`. Old ones that cannot be read are
    /// left out, as every client does.
    pub(super) fn of_system() -> Result<Self, TlsError> {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "root certificates cannot be read");
        }
        let mut store = RootCertStore::empty();
        let certificates = found.certs;
        store.add_parsable_certificates(certificates.iter().cloned());
        if store.is_empty() {
            return Err(TlsError::NoRoots);
        }
        let store = Arc::new(store);
        Ok(Self {
            store,
            certificates,
        })
    }

    /// These and others.
    pub(super) fn and(self, others: &Self) -> Self {
        let mut store = RootCertStore::empty();
        for roots in [&self, others] {
            store.roots.extend(roots.store.roots.iter().cloned());
        }
        let mut certificates = self.certificates;
        certificates.extend(others.certificates.iter().cloned());
        let store = Arc::new(store);
        Self {
            store,
            certificates,
        }
    }

    /// True if this very certificate is trusted.
    pub(super) fn contain(&self, certificate: &CertificateDer<'_>) -> bool {
        self.certificates.contains(certificate)
    }
}
