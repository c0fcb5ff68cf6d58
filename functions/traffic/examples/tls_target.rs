//! A target by TLS whose own time is known, for `bench/quota.py`.
//!
//! `tls_target CA.PEM MILLISECONDS` writes down the authority that it is to be trusted by, prints its URL, and answers
//! each request so long after its head has come, until it is ended.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use traffic::clock::Clock;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{\"success\":true}";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let authority = arguments.next().context("which file for the authority?")?;
    let takes = arguments.next().context("how many milliseconds?")?;
    let takes = Duration::from_millis(takes.parse()?);
    let acceptor = acceptor(&authority)?;
    let clock = Clock::system();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("https://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (acceptor, clock) = (acceptor.clone(), clock.clone());
        tokio::spawn(async move {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            let mut head = [0; 8_192];
            // a request without a body comes in one piece
            while matches!(stream.read(&mut head).await, Ok(1..)) {
                clock.sleep_until(clock.now() + takes).await;
                if stream.write_all(ANSWER).await.is_err() || stream.flush().await.is_err() {
                    break;
                }
            }
        });
    }
}

/// A TLS server's side for 127.0.0.1; its authority is written to a file.
fn acceptor(authority: &str) -> anyhow::Result<TlsAcceptor> {
    let mut ca = CertificateParams::new(Vec::new())?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate()?;
    let der = STANDARD.encode(ca.self_signed(&ca_key)?.der());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n");
    std::fs::write(authority, pem)?;
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate()?;
    let own = CertificateParams::new(vec!["127.0.0.1".into()])?.signed_by(&key, &issuer)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![own.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
