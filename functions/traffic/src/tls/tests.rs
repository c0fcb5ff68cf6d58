//! Who is trusted, and what is said of whom is not, for certificates of every kind.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType, date_time_ymd,
};
use rustls::pki_types::{ServerName, UnixTime};

use super::*;

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// 2026-06-01.
const NOW: Duration = Duration::from_secs(1_780_272_000);

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).into()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params
}

fn named(common_name: &str, mut params: CertificateParams) -> CertificateParams {
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params
}

fn authority(mut params: CertificateParams) -> CertificateParams {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// What `openssl req -x509` makes: an authority of its own, which serves.
fn own_authority(names: &[&str]) -> CertificateDer<'static> {
    self_signed(authority(params(names)))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "they are made where they are passed"
)]
fn self_signed(params: CertificateParams) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().clone()
}

fn root(name: &str) -> Issuer {
    let params = named(name, authority(params(&[])));
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "they are made where they are passed"
)]
fn issued(params: CertificateParams, by: &Issuer) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    params.signed_by(&key, by).unwrap().der().clone()
}

fn intermediate(name: &str, by: &Issuer) -> Issuer {
    let params = named(name, authority(params(&[])));
    CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), by).unwrap()
}

/// What somebody who trusts `trusted` says of a target that sends `chain`.
fn judge_at(
    now: Duration,
    trusted: &[&CertificateDer<'static>],
    chain: &[&CertificateDer<'static>],
    name: &'static str,
) -> Result<(), String> {
    let trusted = trusted.iter().map(|it| (*it).clone()).collect();
    let verifier = Verifier::new(Arc::new(Roots::new(trusted).unwrap())).unwrap();
    let between: Vec<_> = chain[1..].iter().map(|it| (*it).clone()).collect();
    let name = ServerName::try_from(name).unwrap();
    let now = UnixTime::since_unix_epoch(now);
    let checked = verifier.verify_server_cert(chain[0], &between, &name, &[], now);
    checked.map(|_| ()).map_err(|error| reason(&error))
}

fn judge(
    trusted: &[&CertificateDer<'static>],
    chain: &[&CertificateDer<'static>],
    name: &'static str,
) -> Result<(), String> {
    judge_at(NOW, trusted, chain, name)
}

fn refused(reason: &str) -> Result<(), String> {
    Err(reason.to_owned())
}

const SELF_SIGNED: &str = "self-signed certificate: trust it with `ca`, or set `insecure`";

#[test]
fn a_certificate_that_is_its_own_authority_is_accepted_where_it_is_trusted() {
    let own = own_authority(&["a.test", "*.b.test", "127.0.0.1", "::1"]);
    let other = own_authority(&["a.test"]);
    for name in ["a.test", "x.b.test", "127.0.0.1", "::1"] {
        assert_eq!(judge(&[&other, &own], &[&own], name), Ok(()), "{name}");
        assert_eq!(judge(&[&other], &[&own], name), refused(SELF_SIGNED));
    }
}

#[test]
fn a_trusted_certificate_is_still_checked_for_names_and_dates() {
    let own = own_authority(&["a.test", "127.0.0.1"]);
    let not_for = |name: &str| format!("certificate is for a.test, 127.0.0.1, not for {name}");
    for name in ["b.test", "127.0.0.2", "::1", "x.a.test"] {
        assert_eq!(judge(&[&own], &[&own], name), Err(not_for(name)));
    }
    let day = Duration::from_secs(86_400);
    assert_eq!(
        judge_at(NOW + 215 * day, &[&own], &[&own], "a.test"),
        refused("certificate expired on 2027-01-01")
    );
    assert_eq!(
        judge_at(NOW - 200 * day, &[&own], &[&own], "a.test"),
        refused("certificate is not valid before 2026-01-01: look at this machine's clock")
    );
}

#[test]
fn a_certificate_that_is_nobodys_authority_is_accepted_where_it_is_trusted() {
    let plain = self_signed(params(&["a.test"]));
    assert_eq!(judge(&[&plain], &[&plain], "a.test"), Ok(()));
    // one that somebody else has issued, who is not trusted
    let leaf = issued(params(&["a.test"]), &root("unknown"));
    assert_eq!(judge(&[&leaf], &[&leaf], "a.test"), Ok(()));
    assert_eq!(
        judge(&[&leaf], &[&leaf], "b.test"),
        refused("certificate is for a.test, not for b.test")
    );
    let other = own_authority(&["a.test"]);
    assert_eq!(judge(&[&other], &[&plain], "a.test"), refused(SELF_SIGNED));
}

#[test]
fn a_twin_of_a_trusted_certificate_is_not_trusted() {
    // the same names and dates, another key
    let (own, twin) = (own_authority(&["a.test"]), own_authority(&["a.test"]));
    assert_eq!(judge(&[&own], &[&twin], "a.test"), refused(SELF_SIGNED));
    let leaf = issued(params(&["a.test"]), &root("root"));
    assert_eq!(
        judge(&[&root("root").der().clone()], &[&leaf], "a.test"),
        refused(
            "certificate is not signed by the authority that is trusted under its issuer's name: trust the right one \
             with `ca`, or set `insecure`"
        )
    );
}

#[test]
fn what_an_authority_has_issued_is_accepted_by_whoever_trusts_it() {
    let root = root("root");
    let between = intermediate("between", &root);
    let leaf = issued(params(&["a.test"]), &between);
    let (root, between) = (root.der().clone(), between.der().clone());
    assert_eq!(judge(&[&root], &[&leaf, &between], "a.test"), Ok(()));
    assert_eq!(judge(&[&root], &[&leaf, &between, &root], "a.test"), Ok(()));
    assert_eq!(judge(&[&between], &[&leaf], "a.test"), Ok(()));
    let other = own_authority(&["other.test"]);
    let unknown = "certificate by an unknown issuer, and the target sends no certificate of that: trust the issuer \
         with `ca`, or set `insecure`";
    assert_eq!(judge(&[&root], &[&leaf], "a.test"), refused(unknown));
    assert_eq!(
        judge(&[&other], &[&leaf, &between], "a.test"),
        refused(unknown)
    );
    assert_eq!(
        judge(&[&other], &[&leaf, &between, &root], "a.test"),
        refused(
            "certificate by an authority that is not trusted: trust the authority with `ca`, or set `insecure`"
        )
    );
}

#[test]
fn what_is_wrong_with_a_certificate_is_said() {
    let root = root("root");
    let trusted = root.der().clone();
    let said =
        |params: CertificateParams, name| judge(&[&trusted], &[&issued(params, &root)], name);
    let many: Vec<String> = (0..9).map(|number| format!("n{number}.test")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(
        said(params(&many), "a.test"),
        refused(
            "certificate is for n0.test, n1.test, n2.test, n3.test, n4.test, ..., not for a.test"
        )
    );
    assert_eq!(
        said(named("a.test", params(&[])), "a.test"),
        refused(
            "certificate is not for a.test: it has no names (subjectAltName), only perhaps a common name"
        )
    );
    assert_eq!(
        said(authority(params(&["a.test"])), "a.test"),
        refused(
            "certificate of an authority in place of a server's: trust it with `ca`, or set `insecure`"
        )
    );
    let mut for_clients = params(&["a.test"]);
    for_clients.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    assert_eq!(
        said(for_clients, "a.test"),
        refused("certificate is not one for servers: its extended key usage says so")
    );
    let mut mail = params(&[]);
    mail.subject_alt_names = vec![SanType::Rfc822Name("me@a.test".try_into().unwrap())];
    assert!(said(mail, "a.test").unwrap_err().contains("not for a.test"));
    let garbage = CertificateDer::from(vec![1, 2, 3]);
    assert_eq!(
        judge(&[&trusted], &[&garbage], "a.test"),
        refused("certificate cannot be read")
    );
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(certificate);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}

#[test]
fn the_bundle_of_requests_is_used_and_the_first_one_that_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (own, other) = (own_authority(&["a.test"]), own_authority(&["b.test"]));
    let good = file("good.pem", &format!("# mine\n{}{}", pem(&other), pem(&own)));
    let empty = file("empty.pem", "nothing");
    let found = |set: &[(&str, &std::path::Path)]| {
        bundle(&|name| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.as_os_str().to_owned())
        })
    };
    assert!(found(&[]).unwrap().is_none());
    assert!(
        found(&[("REQUESTS_CA_BUNDLE", "".as_ref())])
            .unwrap()
            .is_none()
    );
    for path in [good.as_path(), folder.path()] {
        let roots = found(&[("REQUESTS_CA_BUNDLE", path), ("CURL_CA_BUNDLE", &empty)]);
        let roots = roots.unwrap().unwrap();
        assert!(roots.contain(&own) && roots.contain(&other));
    }
    assert!(found(&[("CURL_CA_BUNDLE", &good)]).unwrap().is_some());
    let said = |path: &std::path::Path| {
        let error = found(&[("REQUESTS_CA_BUNDLE", path)]).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        (error.to_string(), source)
    };
    let (error, source) = said(&empty);
    assert_eq!(
        error,
        format!(
            "REQUESTS_CA_BUNDLE names {}, which cannot be used: name a file with certificates in PEM, or unset it",
            empty.display()
        )
    );
    assert_eq!(
        source,
        "there is no certificate in PEM in it: look for a line -----BEGIN CERTIFICATE-----"
    );
    let (_, source) = said("/no/such/file".as_ref());
    assert!(
        source.starts_with("it cannot be read: No such file"),
        "{source}"
    );
}

#[test]
fn settings_are_not_shown() {
    let settings = HostSettings {
        insecure: true,
        ..HostSettings::default()
    };
    let tls = HostTls::new(settings).unwrap();
    assert_eq!(format!("{tls:?}"), "HostTls");
    assert!(tls == tls.clone());
}
