//! Checks a target's certificate as OpenSSL does for requests and curl.
//!
//! It is rustls's own check but for one thing: a certificate that is itself trusted may be the target's
//! own. What `openssl req -x509` makes is its own authority, which webpki takes for nobody's server.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme,
    client::verify_server_name,
};
use webpki::EndEntityCert;

use super::error::TlsError;
use super::provider::provider;
use super::roots::Roots;

/// See above.
#[derive(Debug)]
pub(super) struct Verifier {
    webpki: Arc<WebPkiServerVerifier>,
    roots: Arc<Roots>,
}

/// Reasons that webpki's errors do not tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Untrusted {
    #[error("self-signed certificate: trust it with `ca`, or set `insecure`")]
    SelfSigned,
    #[error(
        "certificate by an authority that is not trusted: trust the authority with `ca`, or set `insecure`"
    )]
    UnknownAuthority,
    #[error(
        "certificate by an unknown issuer, and the target sends no certificate of that: trust the issuer with `ca`, or set `insecure`"
    )]
    UnknownIssuer,
    #[error(
        "certificate is not signed by the authority that is trusted under its issuer's name: trust the right one with `ca`, or set `insecure`"
    )]
    OtherKey,
    #[error(
        "certificate of an authority in place of a server's: trust it with `ca`, or set `insecure`"
    )]
    Authority,
}

impl Verifier {
    pub(super) fn new(roots: Arc<Roots>) -> Result<Self, TlsError> {
        let store = Arc::clone(&roots.store);
        let webpki = WebPkiServerVerifier::builder_with_provider(store, provider()).build();
        // without revocation lists the only thing that can be missing is a root
        let webpki = webpki.map_err(|_| TlsError::NoRoots)?;
        Ok(Self { webpki, roots })
    }

    /// The roots that it trusts.
    pub(super) fn roots(&self) -> &Roots {
        &self.roots
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let checked = self.webpki.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        let error = match checked {
            Err(Error::InvalidCertificate(error)) => error,
            other => return other,
        };
        // webpki looks at the dates before it says either, and at names after it
        let untrusted = match error {
            CertificateError::UnknownIssuer => Untrusted::UnknownIssuer,
            CertificateError::BadSignature => Untrusted::OtherKey,
            _ if is_authority(&error) => Untrusted::Authority,
            _ => return Err(Error::InvalidCertificate(error)),
        };
        if self.roots.contain(end_entity) {
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            return Ok(ServerCertVerified::assertion());
        }
        let told_apart = if is_self_issued(end_entity) {
            Untrusted::SelfSigned
        } else if untrusted == Untrusted::UnknownIssuer && intermediates.iter().any(is_self_issued)
        {
            Untrusted::UnknownAuthority
        } else {
            untrusted
        };
        let error = CertificateError::Other(OtherError(Arc::new(told_apart)));
        Err(Error::InvalidCertificate(error))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

fn is_authority(error: &CertificateError) -> bool {
    let CertificateError::Other(OtherError(error)) = error else {
        return false;
    };
    error.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity)
}

/// True if the certificate's issuer is who it is for.
fn is_self_issued(certificate: &CertificateDer<'_>) -> bool {
    EndEntityCert::try_from(certificate).is_ok_and(|it| it.issuer() == it.subject())
}
