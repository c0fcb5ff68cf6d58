//! TLS: what is spoken, what is refused, and every mistake in its files as one line.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::time::Instant;
use traffic::clock::Timestamp;
use web::serve::{Limits, Serving, Tls, TlsFiles};

use crate::served::{LONG_ENOUGH, Served, Wire};

/// A certificate for `localhost` of its own, and its key, in a folder.
fn certified(folder: &Path, name: &str) -> TlsFiles {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certified = rcgen::generate_simple_self_signed(names).expect("it can be made");
    let files = TlsFiles {
        certificate: folder.join(format!("{name}.pem")),
        key: folder.join(format!("{name}-key.pem")),
    };
    write(
        &files.certificate,
        &pem("CERTIFICATE", certified.cert.der()),
    );
    let key = certified.signing_key.serialize_der();
    write(&files.key, &pem("PRIVATE KEY", &key));
    files
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("there is room");
}

fn pem(title: &str, bytes: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(bytes);
    let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy);
    let lines = lines.collect::<Vec<_>>().join("\n");
    format!("-----BEGIN {title}-----\n{lines}\n-----END {title}-----\n")
}

async fn served(files: &TlsFiles, limits: Limits) -> Served {
    let serving = Serving {
        router: Router::new().route("/", get(async || "here")),
        tls: Some(Tls::read(files).expect("they are good")),
        limits,
    };
    Served::start(serving).await
}

fn client(certificate: Option<&Path>) -> reqwest::Client {
    // an error only says that another test has installed it already
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder();
    let trusted = certificate.map(|path| {
        let pem = std::fs::read(path).expect("it was written");
        reqwest::Certificate::from_pem(&pem).expect("it is a certificate")
    });
    let client = client.tls_certs_only(trusted).build();
    client.expect("it can be made")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_trusts_the_certificate_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let files = certified(folder.path(), "server");
    let served = served(&files, Limits::default()).await;
    let url = format!("https://localhost:{}/", served.address.port());
    let client = client(Some(&files.certificate));
    for _ in 0..3 {
        let answer = client.get(&url).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "here");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_trust_it_asks_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(&certified(folder.path(), "server"), Limits::default()).await;
    let other = certified(folder.path(), "other");
    let url = format!("https://localhost:{}/", served.address.port());
    let error = client(Some(&other.certificate)).get(&url).send().await;
    assert!(error.unwrap_err().is_connect());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_plain_http_is_told_to_speak_tls() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(&certified(folder.path(), "server"), Limits::default()).await;
    let answer = served.ask("GET / HTTP/1.1\r\nhost: x").await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.body,
        "this port speaks TLS: write https:// in place of http://\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_nothing_or_nonsense_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        handshake: Duration::from_millis(400),
        ..Limits::default()
    };
    let files = certified(folder.path(), "server");
    let served = served(&files, limits).await;
    let began = Instant::now();
    // nothing; the beginning of a handshake; something that is none
    for bytes in [&b""[..], &b"\x16\x03\x01\x02\x00\x01"[..], &[0; 64][..]] {
        let mut wire = Wire::to(served.address).await;
        wire.send(bytes).await;
        wire.rest().await;
    }
    assert!(began.elapsed() < LONG_ENOUGH);
    let url = format!("https://localhost:{}/", served.address.port());
    let answer = client(Some(&files.certificate)).get(url).send().await;
    assert_eq!(answer.unwrap().status(), 200);
}

/// A folder with files that are good, and some that are not.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("there is room"));
        certified(folder.0.path(), "good");
        certified(folder.0.path(), "other");
        let locked = "ENCRYPTED PRIVATE KEY";
        write(&folder.path("locked"), &pem(locked, b"secret"));
        write(&folder.path("hollow"), &pem("CERTIFICATE", b"secret"));
        write(&folder.path("empty"), "");
        write(&folder.path("text"), "it is a secret");
        let key = std::fs::read_to_string(folder.path("good-key")).expect("it was written");
        write(&folder.path("cut"), &key[..key.len() / 2]);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(format!("{name}.pem"))
    }

    /// What is said of two of them, with their paths cut down to their names.
    fn mistake(&self, certificate: &str, key: &str) -> String {
        let files = TlsFiles {
            certificate: self.path(certificate),
            key: self.path(key),
        };
        let error = Tls::read(&files).err().expect("it is a mistake");
        let source = error.source().map(|source| format!(": {source}"));
        let line = format!("{error}{}", source.unwrap_or_default());
        line.replace(&format!("{}/", self.0.path().display()), "")
    }
}

#[test]
fn every_mistake_in_the_files_is_one_line_that_shows_nothing_of_them() {
    let folder = Folder::new();
    for (certificate, key, expected) in [
        (
            "none",
            "good-key",
            "the TLS certificate none.pem cannot be read: No such file or directory (os error 2)",
        ),
        (
            "good",
            "none",
            "the TLS private key none.pem cannot be read: No such file or directory (os error 2)",
        ),
        ("empty", "good-key", "empty.pem holds no certificate"),
        ("text", "good-key", "text.pem holds no certificate"),
        ("good-key", "good-key", "good-key.pem holds no certificate"),
        ("good", "empty", "empty.pem holds no private key"),
        ("good", "cut", "cut.pem holds no private key"),
        ("good", "good", "good.pem holds no private key"),
        (
            "good",
            "locked",
            "the TLS private key locked.pem has a passphrase: take it off with openssl pkey -in \
             locked.pem -out NEW",
        ),
        (
            "good",
            "other-key",
            "the TLS private key other-key.pem is not that of the certificate good.pem: name two \
             that were made together",
        ),
        (
            "hollow",
            "good-key",
            "the TLS certificate hollow.pem is damaged: copy it again, or make another",
        ),
    ] {
        let mut expected = expected.to_owned();
        if let Some((_, what)) = expected.split_once(" holds no ") {
            let title = what.to_uppercase();
            expected += &format!(" in PEM: look for a line -----BEGIN {title}-----");
        }
        let mistake = folder.mistake(certificate, key);
        assert_eq!(mistake, expected);
        let secret = BASE64_STANDARD.encode("secret");
        assert!(!mistake.contains("secret") && !mistake.contains(&secret));
    }
}

/// A certificate that is valid between two days of a year, each as month and day.
fn dated(folder: &Path, from: (i32, u8, u8), until: (i32, u8, u8)) -> TlsFiles {
    let mut parameters =
        rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("it can be made");
    parameters.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
    parameters.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
    let key = rcgen::KeyPair::generate().expect("it can be made");
    let certificate = parameters.self_signed(&key).expect("it can be made");
    let files = TlsFiles {
        certificate: folder.join("dated.pem"),
        key: folder.join("dated-key.pem"),
    };
    write(&files.certificate, &pem("CERTIFICATE", certificate.der()));
    write(&files.key, &pem("PRIVATE KEY", &key.serialize_der()));
    files
}

#[test]
fn a_certificate_of_another_time_is_said_with_its_file_and_date() {
    let folder = tempfile::tempdir().expect("it can be made");
    let files = dated(folder.path(), (2026, 3, 1), (2026, 6, 1));
    let path = files.certificate.display();
    let tls = Tls::read(&files).expect("it can be made");
    let on = |date: &str| {
        let date: jiff::Timestamp = date.parse().expect("it can be made");
        tls.trouble(Timestamp::from_micros(date.as_microsecond() as u64))
    };
    for good in ["2026-03-01T00:00:00Z", "2026-05-17T23:59:59Z"] {
        assert_eq!(on(good), None, "{good}");
    }
    for (date, said) in [
        (
            "2026-02-28T23:59:59Z",
            "is not valid before 2026-03-01 00:00:00 UTC: clients refuse it until then: look at this \
             machine's clock, or make another certificate",
        ),
        (
            "2026-05-18T00:00:01Z",
            "expires on 2026-06-01 00:00:00 UTC: make another certificate before that, and start again",
        ),
        (
            "2026-06-01T00:00:01Z",
            "expired on 2026-06-01 00:00:00 UTC: clients refuse it: make another certificate, and start \
             again",
        ),
    ] {
        let expected = format!("the TLS certificate {path} {said}");
        assert_eq!(on(date), Some(expected), "{date}");
    }
}

#[test]
fn a_chain_is_valid_while_all_of_it_is() {
    let folder = tempfile::tempdir().expect("it can be made");
    let files = dated(folder.path(), (2026, 3, 1), (2036, 6, 1));
    let text = std::fs::read_to_string(&files.certificate).expect("it can be made");
    let between = dated(folder.path(), (2025, 1, 1), (2027, 1, 1));
    let between = std::fs::read_to_string(&between.certificate).expect("it can be made");
    let key = dated(folder.path(), (2026, 3, 1), (2036, 6, 1));
    // the key of the last one is the leaf's
    let leaf = std::fs::read_to_string(&key.certificate).expect("it can be made");
    assert_ne!(text, leaf);
    write(&key.certificate, &format!("{leaf}{between}"));
    let tls = Tls::read(&key).expect("it can be made");
    let date: jiff::Timestamp = "2028-01-01T00:00:00Z".parse().expect("it can be made");
    let said = tls.trouble(Timestamp::from_micros(date.as_microsecond() as u64));
    let said = said.expect("a part of it has expired");
    assert!(
        said.contains("expired on 2027-01-01 00:00:00 UTC"),
        "{said}"
    );
}
