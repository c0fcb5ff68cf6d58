//! Why there can be no TLS.

use std::path::PathBuf;

use super::pem::PemError;

/// Why there can be no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Nothing is trusted.
    #[error(
        "there are no root certificates: install the package ca-certificates, or name a file in SSL_CERT_FILE"
    )]
    NoRoots,
    /// What a variable names cannot be used.
    #[error(
        "{variable} names {path}, which cannot be used: name a file with certificates in PEM, or unset it",
        path = path.display()
    )]
    Bundle {
        /// The variable.
        variable: &'static str,
        /// What it names.
        path: PathBuf,
        /// Why not.
        source: PemError,
    },
    /// rustls does not like something else.
    #[error("TLS cannot be used")]
    Tls(#[from] rustls::Error),
}
