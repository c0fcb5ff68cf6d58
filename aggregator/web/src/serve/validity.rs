//! When the server's certificate is valid: clients judge that, and its owner is told before they do.

use std::path::{Path, PathBuf};

use jiff::Timestamp as Date;
use rustls::pki_types::CertificateDer;
use traffic::clock::Timestamp;
use x509_parser::parse_x509_certificate;

/// Seconds before a certificate expires at which its owner is told: two weeks.
const SOON: i64 = 14 * 24 * 60 * 60;

/// From when until when a file's certificates are all valid, in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    path: PathBuf,
    from: i64,
    until: i64,
}

impl Validity {
    /// That of a chain from a file; nothing if a certificate does not say.
    pub(super) fn of(path: &Path, chain: &[CertificateDer<'_>]) -> Option<Self> {
        let mut all: Option<(i64, i64)> = None;
        for certificate in chain {
            let (_, certificate) = parse_x509_certificate(certificate).ok()?;
            let validity = certificate.validity();
            let from = validity.not_before.timestamp();
            let until = validity.not_after.timestamp();
            all = Some(match all {
                Some((latest, earliest)) => (latest.max(from), earliest.min(until)),
                None => (from, until),
            });
        }
        let (from, until) = all?;
        Some(Self {
            path: path.to_owned(),
            from,
            until,
        })
    }

    /// The line for its owner, if there is anything to do.
    pub(super) fn trouble(&self, now: Timestamp) -> Option<String> {
        let path = self.path.display();
        let now = i64::try_from(now.micros() / 1_000_000).unwrap_or(i64::MAX);
        let (problem, instant) = match self {
            _ if now > self.until => ("expired on", self.until),
            _ if now < self.from => ("is not valid before", self.from),
            _ if now + SOON > self.until => ("expires on", self.until),
            _ => return None,
        };
        let date = Date::from_second(instant).map_or_else(
            |_| format!("second {instant} since 1970"),
            |date| date.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        );
        let remedy = if problem == "is not valid before" {
            "clients refuse it until then: look at this machine's clock, or make another certificate"
        } else if problem == "expired on" {
            "clients refuse it: make another certificate, and start again"
        } else {
            "make another certificate before that, and start again"
        };
        Some(format!(
            "the TLS certificate {path} {problem} {date}: {remedy}"
        ))
    }
}
