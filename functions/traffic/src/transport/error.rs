//! Why there is no HTTP client.

use crate::tls::TlsError;

/// The HTTP client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// A client of reqwest's, for something other than traffic, does not like something else.
    #[error("the HTTP client cannot be made")]
    Client(#[from] reqwest::Error),
    /// There is nothing to check targets with.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A variable names a proxy of another kind, or none.
    #[error(
        "{variable} names no proxy that can be used: write a URL such as http://proxy:3128 \
         (http and https, no socks)"
    )]
    Proxy {
        /// The variable's name in lower case; it may be set in upper case.
        variable: &'static str,
    },
}
