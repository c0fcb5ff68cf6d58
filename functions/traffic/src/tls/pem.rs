//! Certificates and keys from PEM texts. No error shows what is in one.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The longest file in bytes that is read.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// The reason why a text or a file has no certificate or key.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum PemError {
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("it is no file of up to {} MiB", MAX_FILE >> 20)]
    NoFile,
    #[error("there is no {0} in PEM in it: look for a line -----BEGIN {1}-----")]
    Nothing(&'static str, &'static str),
    #[error("certificate number {0} in it is damaged: copy it again")]
    Damaged(usize),
    #[error(
        "the private key in it has a passphrase: take it off with openssl pkey -in OLD -out NEW"
    )]
    Encrypted,
}

/// The certificates of a text: at least one.
pub(crate) fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let mut certificates = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(text) {
        let number = certificates.len() + 1;
        certificates.push(certificate.map_err(|_| PemError::Damaged(number))?);
    }
    match certificates.is_empty() {
        true => Err(PemError::Nothing("certificate", "CERTIFICATE")),
        false => Ok(certificates),
    }
}

/// The certificates of a file, or of the files of a folder.
pub(crate) fn certificates_at(path: &Path) -> Result<Vec<CertificateDer<'static>>, PemError> {
    if !path.is_dir() {
        return certificates(&read(path)?);
    }
    let found = rustls_native_certs::load_certs_from_paths(None, Some(path));
    match found.certs.is_empty() {
        true => Err(PemError::Nothing("certificate", "CERTIFICATE")),
        false => Ok(found.certs),
    }
}

/// The content of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, PemError> {
    // what is no regular file may have no end, or never a beginning
    if !std::fs::metadata(path)?.is_file() {
        return Err(PemError::NoFile);
    }
    let mut text = Vec::new();
    File::open(path)?
        .take(MAX_FILE + 1)
        .read_to_end(&mut text)?;
    match text.len() as u64 {
        0..=MAX_FILE => Ok(text),
        _ => Err(PemError::NoFile),
    }
}

/// The private key of a text.
pub(crate) fn private_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, PemError> {
    PrivateKeyDer::from_pem_slice(text).map_err(|_| {
        let word = b"ENCRYPTED";
        match text.windows(word.len()).any(|part| part == word) {
            true => PemError::Encrypted,
            false => PemError::Nothing("private key", "PRIVATE KEY"),
        }
    })
}
