//! TLS: the certificate and its key from PEM files, and what a connection agrees on.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use traffic::clock::Timestamp;

use super::validity::Validity;

/// The answer to plain HTTP where TLS is spoken.
const SPEAK_TLS: &str = "this port speaks TLS: write https:// in place of http://\n";

/// TLS with a certificate; clones share it.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    validity: Option<Validity>,
}

/// The files that TLS needs, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by those between it and its authority's.
    pub certificate: PathBuf,
    /// Its private key, without a passphrase.
    pub key: PathBuf,
}

/// Why there can be no TLS: each is one line, and none shows what is in a file.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("the TLS {what} {path} cannot be read", path = path.display())]
    Unreadable {
        /// `certificate` or `private key`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file has something else in it, or is damaged.
    #[error(
        "{path} holds no {what} in PEM: look for a line -----BEGIN {title}-----",
        path = path.display()
    )]
    Nothing {
        /// `certificate` or `private key`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The title of the PEM block that was looked for.
        title: &'static str,
    },
    /// A certificate is none inside.
    #[error("the TLS certificate {path} is damaged: copy it again, or make another", path = .0.display())]
    Damaged(PathBuf),
    /// Nobody is there to type the passphrase.
    #[error(
        "the TLS private key {path} has a passphrase: take it off with openssl pkey -in {path} -out NEW",
        path = .0.display()
    )]
    Encrypted(PathBuf),
    /// The key is not the certificate's.
    #[error(
        "the TLS private key {key} is not that of the certificate {certificate}: name two that were made together",
        key = .0.key.display(),
        certificate = .0.certificate.display()
    )]
    Mismatched(TlsFiles),
    /// They are of a kind that is not supported.
    #[error(
        "the TLS certificate {certificate} cannot be used with {key}",
        certificate = files.certificate.display(),
        key = files.key.display()
    )]
    Unusable {
        /// The files.
        files: TlsFiles,
        /// The error of rustls.
        source: rustls::Error,
    },
}

impl Tls {
    /// Reads the files, and makes sure that they belong together.
    ///
    /// # Errors
    /// When there is anything that would keep clients from connecting, but for a certificate of another
    /// time or name: those, clients judge. [`Self::trouble`] says what they will say of the time.
    pub fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let chain = chain(&files.certificate)?;
        let validity = Validity::of(&files.certificate, &chain);
        let key = key(&files.key)?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key));
        let mut config = config.map_err(|source| match source {
            rustls::Error::InconsistentKeys(_) => TlsError::Mismatched(files.clone()),
            rustls::Error::InvalidCertificate(_) => TlsError::Damaged(files.certificate.clone()),
            source => TlsError::Unusable {
                files: files.clone(),
                source,
            },
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            validity,
        })
    }

    /// That a certificate has expired, is not valid yet, or expires within two weeks, with its file, the
    /// date and what to do. `now` is the wall clock's.
    pub fn trouble(&self, now: Timestamp) -> Option<String> {
        self.validity.as_ref()?.trouble(now)
    }

    /// Agrees on TLS; whoever speaks plain HTTP is told so.
    pub(super) async fn accept(&self, mut stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first[0].is_ascii_alphabetic() {
            decline(&mut stream).await?;
            return Err(io::Error::other("it spoke plain HTTP"));
        }
        self.acceptor.accept(stream).await
    }
}

/// Tells in plain HTTP that this is not the place for it.
async fn decline(stream: &mut TcpStream) -> io::Result<()> {
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{SPEAK_TLS}",
        SPEAK_TLS.len()
    );
    // what was not read when a connection is closed takes the answer with it
    let mut request = [0; 4096];
    let _length = stream.read(&mut request).await?;
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let what = "certificate";
    let text = read(path, what)?;
    let chain = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    chain.ok_or_else(|| TlsError::Nothing {
        what,
        path: path.to_owned(),
        title: "CERTIFICATE",
    })
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let what = "private key";
    let text = read(path, what)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| {
        let has = |words: &str| {
            text.windows(words.len())
                .any(|part| part == words.as_bytes())
        };
        if has("ENCRYPTED") {
            return TlsError::Encrypted(path.to_owned());
        }
        TlsError::Nothing {
            what,
            path: path.to_owned(),
            title: "PRIVATE KEY",
        }
    })
}

fn read(path: &Path, what: &'static str) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Unreadable {
        what,
        path: path.to_owned(),
        source,
    })
}
