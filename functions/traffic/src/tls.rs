//! TLS of what is called: whom it is trusted by, and who it is told that we are.
//!
//! Certificates are checked with the system's roots, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name in
//! their place. For targets `REQUESTS_CA_BUNDLE` and `CURL_CA_BUNDLE` come before those, as in requests,
//! and a host's own settings before everything.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, InconsistentKeys};

mod error;
mod insecure;
pub(crate) mod pem;
mod provider;
mod reasons;
mod roots;
mod verifier;

pub use error::TlsError;
use insecure::Anybody;
use provider::provider;
pub use reasons::reason;
use roots::Roots;
use verifier::Verifier;

/// The variables that name what targets are trusted by, the first that is set, as in requests.
const BUNDLES: [&str; 2] = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"];

/// The settings for AWS's services and for collectors.
pub fn for_services() -> Result<ClientConfig, TlsError> {
    let verifier = Arc::new(Verifier::new(system()?)?);
    Ok(plain(verifier))
}

/// The settings for targets whose host has none of its own.
///
/// # Errors
/// When nothing is trusted, or what a variable names cannot be used.
pub fn for_targets() -> Result<ClientConfig, TlsError> {
    Ok(plain(by_default()?))
}

/// The verifier of targets whose host has no settings; read once.
fn by_default() -> Result<Arc<Verifier>, TlsError> {
    static DEFAULT: OnceLock<Arc<Verifier>> = OnceLock::new();
    if let Some(verifier) = DEFAULT.get() {
        return Ok(Arc::clone(verifier));
    }
    let roots = match bundle(&|name| std::env::var_os(name))? {
        Some(roots) => Arc::new(roots),
        None => system()?,
    };
    let verifier = Arc::new(Verifier::new(roots)?);
    Ok(Arc::clone(DEFAULT.get_or_init(|| verifier)))
}

/// The system's roots; read once.
fn system() -> Result<Arc<Roots>, TlsError> {
    static SYSTEM: OnceLock<Arc<Roots>> = OnceLock::new();
    if let Some(roots) = SYSTEM.get() {
        return Ok(Arc::clone(roots));
    }
    let roots = Arc::new(Roots::of_system()?);
    Ok(Arc::clone(SYSTEM.get_or_init(|| roots)))
}

/// The roots that a variable names, if one is set and not empty.
fn bundle(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Option<Roots>, TlsError> {
    let set = BUNDLES.into_iter().find_map(|name| {
        let value = variable(name).filter(|value| !value.is_empty())?;
        Some((name, PathBuf::from(value)))
    });
    let Some((variable, path)) = set else {
        return Ok(None);
    };
    let roots = pem::certificates_at(&path).and_then(Roots::new);
    roots.map(Some).map_err(|source| TlsError::Bundle {
        variable,
        path,
        source,
    })
}

/// TLS with no certificate of our own.
fn plain(verifier: Arc<dyn ServerCertVerifier>) -> ClientConfig {
    with_http(builder(verifier).with_no_client_auth())
}

fn builder(
    verifier: Arc<dyn ServerCertVerifier>,
) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
}

fn with_http(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

/// The parts of a host's own settings.
#[derive(Debug, Default)]
pub(crate) struct HostSettings {
    /// The certificates that are trusted in place of all others.
    pub(crate) ca: Option<Vec<CertificateDer<'static>>>,
    /// True if any certificate will do.
    pub(crate) insecure: bool,
    /// Our own certificate, those between it and its authority's, and its key.
    pub(crate) client: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

/// The reason why a host's settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostError {
    /// The certificates to trust are none.
    #[error(transparent)]
    Ca(pem::PemError),
    /// Certificate and key do not belong together, or are of a kind that is not supported.
    #[error(transparent)]
    Client(rustls::Error),
    /// The system's roots, which hold beside a certificate of our own, cannot be used.
    #[error(transparent)]
    Roots(TlsError),
}

/// A certificate with its key. One of X.509's first version, which `openssl x509 -req` makes by default, is
/// as good for a client; but rustls cannot read it, so whether the key is its own is looked up in its bytes.
fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, rustls::Error> {
    let key = provider().key_provider.load_private_key(key)?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(rustls::Error::InvalidCertificate(error)) => {
            let public = certified.key.public_key();
            let has = |certificate: &CertificateDer<'_>| {
                let public = public.as_deref().unwrap_or_default();
                !public.is_empty() && certificate.windows(public.len()).any(|part| part == public)
            };
            match certified.cert.first().is_some_and(has) {
                true => Ok(certified),
                false => Err(rustls::Error::InvalidCertificate(error)),
            }
        }
        Err(error) => Err(error),
    }
}

/// TLS as a host of the workload wants it, at one origin.
#[derive(Clone)]
pub struct HostTls(Arc<ClientConfig>);

impl HostTls {
    pub(crate) fn new(settings: HostSettings) -> Result<Self, HostError> {
        let verifier: Arc<dyn ServerCertVerifier> = match (settings.insecure, settings.ca) {
            (true, _) => Arc::new(Anybody),
            (false, Some(ca)) => {
                let roots = Roots::new(ca).map_err(HostError::Ca)?;
                let verifier = Verifier::new(Arc::new(roots));
                Arc::new(verifier.map_err(HostError::Roots)?)
            }
            (false, None) => by_default().map_err(HostError::Roots)?,
        };
        let config = match settings.client {
            None => builder(verifier).with_no_client_auth(),
            Some((chain, key)) => {
                let certified = certified(chain, key).map_err(HostError::Client)?;
                let resolver = SingleCertAndKey::from(certified);
                builder(verifier).with_client_cert_resolver(Arc::new(resolver))
            }
        };
        Ok(Self(Arc::new(with_http(config))))
    }

    /// The part of a host's settings that holds for another origin that a run sends its traffic to: the certificates
    /// that it trusts, beside those that are trusted by default. Nothing else: our own certificate is for
    /// whom the workload names, and that anybody will do was said of that one alone.
    pub(crate) fn elsewhere(settings: &HostSettings) -> Result<Option<Self>, HostError> {
        let Some(ca) = settings.ca.clone() else {
            return Ok(None);
        };
        let mut roots = Roots::new(ca).map_err(HostError::Ca)?;
        if let Ok(default) = by_default() {
            roots = roots.and(default.roots());
        }
        let verifier = Verifier::new(Arc::new(roots)).map_err(HostError::Roots)?;
        Ok(Some(Self(Arc::new(plain(Arc::new(verifier))))))
    }

    /// The settings in rustls's form.
    pub fn config(&self) -> &Arc<ClientConfig> {
        &self.0
    }
}

/// Two are equal if they are one: what is in them is not to be shown or compared.
impl PartialEq for HostTls {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for HostTls {}

impl fmt::Debug for HostTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostTls")
    }
}

#[cfg(test)]
mod tests;
