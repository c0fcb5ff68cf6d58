//! What `bench/quota.py` measures with: a target by TLS whose own time is known, a run that is sent to it, and
//! what was recorded of that.
//!
//! `quota target CA.PEM MILLISECONDS` serves until it is ended, and prints its URL; `quota stage URL USERS MESSAGES`
//! prints the run and an event for every other second; `quota read RUN` prints each response time and lateness.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use aws::DynamoStore;
use aws::environment::{StoreSettings, Variables};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use traffic::clock::Clock;
use traffic::ports::{PlannedWakeUp, RecordStore as _, RunStore as _, WakeUp};
use traffic::record::wire::Decoded;
use traffic::record::{Block, Bucket, Shard};
use traffic::run::{Run, RunId, Segment, Share};
use traffic::workload::Workload;

/// Users that start in a second, evenly over it: their requests are so too.
const SPAWN_RATE: f64 = 1_000.0;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["target", ca, takes] => target(ca, Duration::from_millis(takes.parse()?)).await,
        ["stage", host, users, messages] => stage(host, users.parse()?, messages.parse()?).await,
        ["read", run] => read(&RunId(run.into())).await,
        _ => anyhow::bail!("see the first lines of this example"),
    }
}

/// A TLS server for 127.0.0.1 whose authority is written to a file.
fn tls(ca_file: &str) -> anyhow::Result<TlsAcceptor> {
    let mut ca = CertificateParams::new(Vec::new())?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate()?;
    let der = STANDARD.encode(ca.self_signed(&ca_key)?.der());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n");
    std::fs::write(ca_file, pem)?;
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

/// Answers each request so long after its head has come.
async fn target(ca_file: &str, takes: Duration) -> anyhow::Result<()> {
    let acceptor = tls(ca_file)?;
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
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{\"success\":true}";
                if stream.write_all(answer).await.is_err() || stream.flush().await.is_err() {
                    break;
                }
            }
        });
    }
}

async fn store() -> anyhow::Result<DynamoStore> {
    let settings = StoreSettings::read(&Variables::of_process())?;
    let config = aws::config::load().await;
    let clock = Clock::system();
    Ok(DynamoStore::new(
        &config,
        settings.table,
        settings.retention,
        clock,
    ))
}

/// Writes a run down; prints it, and one message for every other second, so that an environment is free for each.
async fn stage(host: &str, users: u32, messages: u64) -> anyhow::Result<()> {
    let (store, clock) = (store().await?, Clock::system());
    let source = format!(
        "[hosts.target]\nurl = \"{host}\"\n\
         [class.Visitor]\nhost = \"target\"\nwait = \"constant_pacing(1)\"\n\
         [[class.Visitor.task]]\nname = \"look\"\nrequest = \"GET /\"\n"
    );
    let workload = Workload::parse(&source, "stage", &|_| None)?;
    store.put_workload(workload.version(), &source).await?;
    let shares = vec![Share::new("Visitor", 1, 0)];
    let run = Run::new(
        RunId::new(clock.now(), 0),
        1,
        workload.version(),
        clock.now(),
        vec![Segment::new(
            Run::change_at(&clock),
            users,
            SPAWN_RATE,
            shares,
        )],
    );
    store.put_run(&run).await?;
    // the ramp is over by then, and the function has started
    let first = run.first_slot().plus(4);
    let events = (0..messages).map(|message| {
        let slot = first.plus(2 * message);
        let wake_ups = (0..run.block_size.blocks(users)).map(|block| PlannedWakeUp {
            wake_up: WakeUp {
                run: run.id.clone(),
                class: "Visitor".into(),
                block: Block(block),
                slot,
            },
            // all of them are to go into one message
            users: 1,
        });
        let records = aws::message::pack(wake_ups.collect(), 100);
        let records = records.iter();
        let records = records.map(|message| json!({ "messageId": "1", "body": message.body }));
        json!({ "second": slot.0, "event": { "Records": records.collect::<Vec<_>>() } })
    });
    let events: Vec<_> = events.collect();
    println!("{}", json!({ "run": run.id.0, "events": events }));
    Ok(())
}

/// Prints slot, response time and lateness in microseconds of each request of a run.
async fn read(id: &RunId) -> anyhow::Result<()> {
    let store = store().await?;
    let run = store.run(id).await?.context("there is no such run")?;
    let now = Bucket::of(Clock::system().now());
    let mut requests = Vec::new();
    for bucket in Bucket::of(run.created_at).0..=now.0 {
        let page = store
            .records(id, Shard::count(10), Bucket(bucket), None)
            .await?;
        for record in page.records {
            let decoded = Decoded::read(&record.payload, record.key.slot)?;
            for outcome in &decoded.outcomes {
                let failed = outcome.error.is_some();
                let slot = record.key.slot.0;
                requests.push(json!([
                    slot,
                    outcome.response_time_us,
                    outcome.lateness_us,
                    failed
                ]));
            }
        }
    }
    println!("{}", json!(requests));
    Ok(())
}
