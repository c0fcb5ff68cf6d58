//! The door of the binary: TLS, a path that everything is under, names, warnings, and no descriptors.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::net::TcpStream;

use crate::harness::{Cicada, LIMIT, Serving};

/// What is said of a server that everybody can reach.
const OPEN: &str = "controls the traffic: set LOCUST_BASIC_AUTH=user:password, or serve this \
                    machine only with --web-host 127.0.0.1";

/// A certificate for this machine and its key, in two files of a folder.
pub(crate) fn certified(folder: &Path) -> (PathBuf, PathBuf) {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certified = rcgen::generate_simple_self_signed(names).unwrap();
    let key = certified.signing_key.serialize_der();
    let certificate = pem(folder, "cert.pem", "CERTIFICATE", certified.cert.der());
    (certificate, pem(folder, "key.pem", "PRIVATE KEY", &key))
}

/// Writes a file in PEM.
fn pem(folder: &Path, name: &str, title: &str, bytes: &[u8]) -> PathBuf {
    let text = BASE64_STANDARD.encode(bytes);
    let text = format!("-----BEGIN {title}-----\n{text}\n-----END {title}-----\n");
    std::fs::write(folder.join(name), text).unwrap();
    folder.join(name)
}

/// A client that trusts nobody else.
fn trusting(certificate: &Path) -> reqwest::Client {
    let pem = std::fs::read(certificate).unwrap();
    let certificate = reqwest::Certificate::from_pem(&pem).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([certificate]);
    client.build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_certificate_it_speaks_tls() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = certified(folder.path());
    let by_flag = Cicada::new()
        .arg("--tls-cert")
        .arg(&certificate)
        .arg("--tls-key")
        .arg(&key)
        .args("--web-base-path /cicada");
    let by_variable = Cicada::new()
        .env("LOCUST_TLS_CERT", certificate.display().to_string())
        .env("LOCUST_TLS_KEY", key.display().to_string())
        .env("LOCUST_WEB_BASE_PATH", "/cicada/");
    for cicada in [by_flag, by_variable] {
        let cicada = cicada.serve().await;
        let url = cicada.url().to_owned();
        assert!(url.starts_with("https://127.0.0.1:"), "{url}");
        assert!(url.ends_with("/cicada"), "{url}");
        let client = trusting(&certificate);
        for path in ["/", "/health", "/stats/requests"] {
            let answer = client.get(format!("{url}{path}")).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            let headers = answer.headers();
            assert_eq!(headers["strict-transport-security"], "max-age=2592000");
        }
        let swarm = client.post(format!("{url}/swarm"));
        let swarm = swarm.header("content-type", "application/x-www-form-urlencoded");
        // nobody is there to send requests to
        let swarm = swarm.body("user_count=0&spawn_rate=1").send().await;
        let answer = swarm.unwrap().text().await.unwrap();
        assert!(answer.contains("Swarming started"), "{answer}");
        let plain = url.replace("https:", "http:");
        let answer = reqwest::Client::new().get(plain).send().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert!(answer.text().await.unwrap().contains("write https://"));
        assert_eq!(cicada.terminate().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_clients_refuse_or_soon_will_is_said_at_the_start() {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap();
    let folder = tempfile::tempdir().unwrap();
    // days from now
    for (from, until, said) in [
        (-100, -1, Some("expired on")),
        (1, 100, Some("is not valid before")),
        (-100, 13, Some("expires on")),
        (-100, 15, None),
    ] {
        let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let after = |days: i64| {
            let seconds = now.as_secs() as i64 + days * 24 * 60 * 60;
            rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds as u64)
        };
        (parameters.not_before, parameters.not_after) = (after(from), after(until));
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let certificate = pem(folder.path(), "cert.pem", "CERTIFICATE", certificate.der());
        let key = pem(
            folder.path(),
            "key.pem",
            "PRIVATE KEY",
            &key.serialize_der(),
        );
        let cicada = Cicada::new().arg("--tls-cert").arg(&certificate);
        let cicada = cicada.arg("--tls-key").arg(&key).serve().await;
        let log = cicada.log();
        let begin = format!("the TLS certificate {} ", certificate.display());
        match said {
            Some(said) => assert!(log.contains(&format!("{begin}{said} 20")), "{log}"),
            None => assert!(!log.contains(&begin), "{log}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_certificate_ends_it() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (certificate, _) = certified(one.path());
    let (_, key) = certified(other.path());
    let cicada = Cicada::new().arg("--tls-cert").arg(&certificate);
    let output = cicada.arg("--tls-key").arg(&key).run().await;
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("is not that of the certificate"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_variable_is_none() {
    let cicada = Cicada::new()
        .env("LOCUST_TLS_CERT", "")
        .env("LOCUST_TLS_KEY", "")
        .env("LOCUST_WEB_BASE_PATH", "")
        .env("CICADA_WEB_NAMES", "")
        .serve()
        .await;
    assert!(cicada.url().starts_with("http://"));
    assert_eq!(cicada.status("/health").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_open_to_everybody_is_told_so_once() {
    let everywhere = || Cicada::bare().args("--web-port 0");
    for (cicada, warnings) in [
        (everywhere(), 1),
        (everywhere().args("--web-host 0.0.0.0"), 1),
        (everywhere().env("LOCUST_BASIC_AUTH", "demo:secret"), 0),
        (Cicada::new(), 0),
    ] {
        let cicada = cicada.serve().await;
        let log = cicada.log();
        assert_eq!(log.matches(OPEN).count(), warnings, "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_container_the_advice_is_what_can_be_done_there() {
    let everywhere = || Cicada::bare().args("--web-port 0");
    for (cicada, said) in [
        (
            everywhere().env("CICADA_CONTAINER", "true"),
            "or publish the port on this machine only, as docker run -p 127.0.0.1:0:0 does",
        ),
        (
            everywhere().env("CICADA_BIND", "127.0.0.1"),
            "whoever is in a network of this container reaches port 0",
        ),
    ] {
        let log = cicada.serve().await.log();
        assert!(log.contains(said), "{log}");
        assert!(!log.contains("--web-host"), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn published_beyond_this_machine_it_does_not_start_without_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let bound = |bind: &str| {
        let cicada = Cicada::bare().args("--web-port 0 --db runs.db --csv runs");
        cicada.within(folder.path()).env("CICADA_BIND", bind)
    };
    for bind in ["0.0.0.0", "::", "[::]", "192.0.2.1", "all"] {
        let output = bound(bind).env("LOCUST_BASIC_AUTH", "").run().await;
        assert_eq!(output.status.code(), Some(2), "{bind}");
        let said = String::from_utf8_lossy(&output.stderr);
        let expected = format!(
            "cicada: CICADA_BIND is {bind:?}, so the port is published beyond this machine: set \
             LOCUST_BASIC_AUTH=user:password, or CICADA_BIND=127.0.0.1\n"
        );
        assert_eq!(said, expected);
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "nothing is begun");
    for cicada in [
        bound("0.0.0.0").env("LOCUST_BASIC_AUTH", "demo:secret"),
        bound("0.0.0.0").args("--web-host [::1]"),
        bound("127.0.0.2"),
        bound("[::1]"),
        bound(""),
    ] {
        let cicada = cicada.serve().await;
        assert_eq!(cicada.terminate().await, 0);
    }
    // what serves nothing is not published
    let output = bound("0.0.0.0").args("--check").run().await;
    assert_eq!(output.status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_an_origin_that_is_named_may_read() {
    let dashboard = "https://dashboard.example.com";
    let by_flag = Cicada::new().args("--allowed-origins https://dashboard.example.com");
    let by_variable = Cicada::new().env(
        "CICADA_ALLOWED_ORIGINS",
        "http://a.test, https://dashboard.example.com/",
    );
    for (cicada, status) in [(by_flag, 200), (by_variable, 200), (Cicada::new(), 403)] {
        let cicada = cicada.serve().await;
        let asked = reqwest::Client::new().get(format!("{}/stats/requests", cicada.url()));
        let answer = asked.header("origin", dashboard).send().await.unwrap();
        assert_eq!(answer.status(), status);
        let named = answer.headers().get("access-control-allow-origin");
        assert_eq!(named.is_some_and(|named| named == dashboard), status == 200);
    }
}

/// What `POST /stop` answers to a page of this name.
async fn stop_under(cicada: &Serving, name: &str) -> u16 {
    let stop = reqwest::Client::new().post(format!("{}/stop", cicada.url()));
    let stop = stop
        .header("host", name)
        .header("origin", format!("http://{name}"));
    stop.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_told_which_names_are_its_own() {
    let unnamed = Cicada::new().serve().await;
    assert_eq!(stop_under(&unnamed, "cicada.example.com").await, 403);
    assert_eq!(stop_under(&unnamed, "cicada:8089").await, 200);
    let by_flag = Cicada::new().args("--web-names cicada.example.com");
    let by_variable = Cicada::new().env("CICADA_WEB_NAMES", "a.example, cicada.example.com");
    for cicada in [by_flag, by_variable] {
        let cicada = cicada.serve().await;
        assert_eq!(stop_under(&cicada, "cicada.example.com").await, 200);
        assert_eq!(stop_under(&cicada, "evil.example").await, 403);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn without_file_descriptors_it_goes_on_with_those_it_has() {
    let cicada = Cicada::new().serve().await;
    let id = cicada.id();
    let open = std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().count();
    let few = u64::try_from(open).unwrap() + 4;
    let id = i32::try_from(id).unwrap();
    rlimit::prlimit(id, rlimit::Resource::NOFILE, Some((few, few)), None).unwrap();
    let address = cicada.url().trim_start_matches("http://").to_owned();
    let mut idle = Vec::new();
    for _ in 0..30 {
        idle.push(TcpStream::connect(&address).await.unwrap());
    }
    cicada.until_logged("connections cannot be accepted").await;
    for _ in 0..10 {
        // each on a connection of its own
        let answer = reqwest::Client::new()
            .get(format!("{}/worker-count", cicada.url()))
            .timeout(LIMIT);
        assert_eq!(answer.send().await.unwrap().status(), 200);
    }
    let said = cicada
        .log()
        .matches("connections cannot be accepted")
        .count();
    assert!(said <= 3, "{said} lines");
}
