//! TLS settings that cannot be used.

use std::path::PathBuf;

use super::pem::PemError;

/// TLS settings that cannot be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum TlsError {
    #[error(
        "there are no root certificates: install the package ca-certificates, or name a file in SSL_CERT_FILE"
    )]
    NoRoots,
    #[error(
        "{variable} names {path}, which cannot be used: name a file with certificates in PEM, or unset it",
        path = path.display()
    )]
    Bundle {
        variable: &'static str,
        path: PathBuf,
        source: PemError,
    },
    #[error("TLS cannot be used")]
    Tls(#[from] rustls::Error),
}
