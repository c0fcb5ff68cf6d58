//! The bare loop: as many tasks as there are users, each sending a GET and reading the answer, again and again.
//!
//! It owns nothing but one reqwest client and one counter, so that what it reaches is what the HTTP
//! client costs, and what a load generator falls short of it is what the generator itself costs.
//! Built a second time as `bare-loaded`, it has TLS by default, cookies and compression compiled in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use reqwest::{Client, StatusCode, Url};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// A bare reqwest loop against one URL.
#[derive(Parser)]
struct Options {
    /// The URL to get.
    #[arg(long)]
    url: Url,
    /// How many tasks get it at the same time.
    #[arg(short, long, default_value_t = 50)]
    users: usize,
    /// For how long, in seconds.
    #[arg(short, long, default_value_t = 20.0)]
    seconds: f64,
    /// The tokio runtime: one thread that does everything, or workers (one per core it may run on).
    #[arg(long, value_enum, default_value_t = Flavor::Current)]
    runtime: Flavor,
}

/// Which of tokio's schedulers runs the tasks.
#[derive(Clone, Copy, ValueEnum)]
enum Flavor {
    /// `current_thread`
    Current,
    /// `multi_thread`
    Multi,
}

/// What all tasks add to.
#[derive(Default)]
struct Tally {
    ok: AtomicU64,
    failed: AtomicU64,
}

pub(crate) fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = match options.runtime {
        Flavor::Current => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build(),
        Flavor::Multi => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build(),
    };
    runtime
        .context("could not start the runtime")?
        .block_on(attack(options))
}

/// Runs all tasks until the time is over, then prints the result as one line of JSON.
async fn attack(options: Options) -> anyhow::Result<()> {
    let client = client()?;
    let tally = Arc::new(Tally::default());
    let started = Instant::now();
    let deadline = started + Duration::from_secs_f64(options.seconds);
    let mut users = JoinSet::new();
    for _ in 0..options.users {
        users.spawn(user(
            client.clone(),
            options.url.clone(),
            deadline,
            Arc::clone(&tally),
        ));
    }
    users.join_all().await;
    let seconds = started.elapsed().as_secs_f64();
    let ok = tally.ok.load(Ordering::Relaxed);
    let report = serde_json::json!({
        "requests": ok,
        "failures": tally.failed.load(Ordering::Relaxed),
        "seconds": seconds,
        "requests_per_second": ok as f64 / seconds,
    });
    println!("{report}");
    Ok(())
}

/// A client with what is compiled in switched on.
fn client() -> anyhow::Result<Client> {
    // a second installation is refused, and leaves the first: nothing else installs one here
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder();
    #[cfg(feature = "loaded")]
    let builder = builder.cookie_store(true).gzip(true).brotli(true);
    builder.build().context("could not build the HTTP client")
}

/// One user: gets the URL until the deadline.
async fn user(client: Client, url: Url, deadline: Instant, tally: Arc<Tally>) {
    while Instant::now() < deadline {
        let counter = match get(&client, url.clone()).await {
            Ok(StatusCode::OK) => &tally.ok,
            Ok(_) | Err(_) => &tally.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Sends one request and reads its whole answer.
async fn get(client: &Client, url: Url) -> reqwest::Result<StatusCode> {
    let response = client.get(url).send().await?;
    let status = response.status();
    response.bytes().await?;
    Ok(status)
}
