//! Reasons why there is no TLS, in words that say what to do. No text has an address or the time in it, so that
//! statistics can group by it.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustls::AlertDescription as Alert;
use rustls::pki_types::UnixTime;
use rustls::{CertificateError, Error, InvalidMessage, OtherError};

use super::verifier::Untrusted;

/// As many of a certificate's names are listed.
const MOST_NAMES: usize = 5;

/// The reason why there is no TLS with a target.
pub fn reason(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => certificate(error),
        Error::AlertReceived(alert) => alerted(*alert),
        Error::PeerIncompatible(_) => {
            "the target has no version or cipher of TLS 1.2 or 1.3 in common with this client"
                .into()
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the target does not speak TLS".into()
        }
        Error::NoCertificatesPresented => "the target has no certificate".into(),
        error => format!("TLS failed: {error}"),
    }
}

fn certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::Other(OtherError(error)) => match error.downcast_ref::<Untrusted>() {
            Some(untrusted) => untrusted.to_string(),
            None if error.downcast_ref() == Some(&webpki::Error::UnsupportedCertVersion) => {
                "certificate is of version 1, which names no hosts: make one with a subjectAltName, or set `insecure`"
                    .into()
            }
            None => format!("certificate cannot be used: {error:?}"),
        },
        CertificateError::UnknownIssuer => Untrusted::UnknownIssuer.to_string(),
        CertificateError::Expired => "certificate has expired".into(),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("certificate expired on {}", day(*not_after))
        }
        CertificateError::NotValidYet => "certificate is not valid yet".into(),
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "certificate is not valid before {}: look at this machine's clock",
            day(*not_before)
        ),
        CertificateError::NotValidForName => "certificate is for another name".into(),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => other_name(&expected.to_str(), presented),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "certificate is not one for servers: its extended key usage says so".into()
        }
        CertificateError::BadSignature => "certificate or handshake has a wrong signature".into(),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "certificate is signed in a way that is no longer trusted, such as SHA-1".into()
        }
        CertificateError::BadEncoding | CertificateError::UnhandledCriticalExtension => {
            "certificate cannot be read".into()
        }
        CertificateError::Revoked => "certificate was revoked".into(),
        error => format!("certificate cannot be used: {error}"),
    }
}

fn other_name(expected: &str, presented: &[String]) -> String {
    if presented.is_empty() {
        return format!(
            "certificate is not for {expected}: it has no names (subjectAltName), only perhaps a common name"
        );
    }
    let mut names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
    if names.len() > MOST_NAMES {
        names.truncate(MOST_NAMES);
        names.push("...");
    }
    format!(
        "certificate is for {}, not for {expected}",
        names.join(", ")
    )
}

/// The name in webpki's `DnsName("a.test")` or `IpAddress(10.0.0.1)`.
fn bare(name: &str) -> &str {
    let inner = name
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.map_or(name, |inner| inner.trim_matches('"'))
}

fn alerted(alert: Alert) -> String {
    let reason = match alert {
        Alert::CertificateRequired | Alert::NoCertificate => {
            return "the target wants a client certificate: set `client_cert` and `client_key`"
                .into();
        }
        Alert::HandshakeFailure => {
            return "the target refuses the TLS handshake: it wants a client certificate (`client_cert`), or \
                another cipher"
                .into();
        }
        Alert::ProtocolVersion => return "the target speaks neither TLS 1.2 nor 1.3".into(),
        Alert::UnrecognisedName => return "the target has no certificate for this name".into(),
        Alert::UnknownCA => "it does not trust its issuer",
        Alert::CertificateExpired => "it has expired",
        Alert::CertificateRevoked => "it was revoked",
        Alert::UnsupportedCertificate => "it is of a kind that is not supported",
        Alert::BadCertificate => "it is missing or wrong",
        Alert::CertificateUnknown | Alert::AccessDenied | Alert::DecryptError => {
            "it is not accepted"
        }
        other => return format!("the target ended TLS with the alert {other:?}"),
    };
    format!("the target refuses the client certificate: {reason}")
}

fn day(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    match Timestamp::from_second(seconds) {
        Ok(instant) => instant.to_zoned(TimeZone::UTC).date().to_string(),
        Err(_) => "a day far away".into(),
    }
}
