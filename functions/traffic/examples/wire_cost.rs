//! What a request costs by the client that traffic is sent by, beside a bare reqwest loop, and what a
//! connection costs that waits for its user's next request.
//!
//! A second process answers, so that only our side is counted. Prints one JSON line: microseconds of
//! processor time per request (`reqwest_us`, `own_us`, `shared_us`) and bytes of resident memory per
//! idle connection (`idle_bytes`), for `cargo run --release -p traffic --example wire_cost [CONNECTIONS]`.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::Context as _;
use reqwest::{Client, Method, Request, Url};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use traffic::clock::Clock;
use traffic::transport::{Http, HttpSettings, RequestContext, Transport as _};
use traffic::workload::Connections;

const USERS: u32 = 50;
const REQUESTS: u32 = 1_000;
const ROUNDS: usize = 5;
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}";
/// One address has too few ports for all connections.
const ADDRESSES: u32 = 4;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let first = std::env::args().nth(1);
    if first.as_deref() == Some("answer") {
        return answer().await;
    }
    let idle = first.map_or(Ok(10_000), |count| count.parse())?;
    let mut server = Command::new(std::env::current_exe()?)
        .arg("answer")
        .stdout(Stdio::piped())
        .spawn()?;
    let said = server.stdout.take().context("it says nothing")?;
    let mut line = String::new();
    BufReader::new(said).read_line(&mut line)?;
    let measured = measure(line.trim().parse()?, idle).await;
    server.kill()?;
    server.wait()?;
    println!("{}", measured?);
    Ok(())
}

/// Answers every request alike; says its port.
async fn answer() -> anyhow::Result<()> {
    let listener = TcpListener::bind("0.0.0.0:0").await?;
    println!("{}", listener.local_addr()?.port());
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let mut buffer = [0; 2048];
            while let Ok(1..) = stream.read(&mut buffer).await {
                if stream.write_all(ANSWER).await.is_err() {
                    break;
                }
            }
        });
    }
}

async fn measure(port: u16, idle: u32) -> anyhow::Result<String> {
    let url: Url = format!("http://127.0.0.1:{port}/status").parse()?;
    // reqwest takes the process's TLS provider; an error says that there is one already
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().build()?;
    let own = http(Connections::Own)?;
    let shared = http(Connections::Shared)?;
    let mut figures = [Vec::new(), Vec::new(), Vec::new()];
    // taken in turns, so that a slow moment of the machine meets all
    for _ in 0..ROUNDS {
        figures[0].push(by_reqwest(&client, &url).await?);
        figures[1].push(by_transport(&own, &url).await?);
        figures[2].push(by_transport(&shared, &url).await?);
    }
    let [reqwest, own, shared] = figures.map(|mut figures| {
        figures.sort_by(f64::total_cmp);
        figures[ROUNDS / 2]
    });
    let bytes = waiting(port, idle).await?;
    Ok(format!(
        "{{\"reqwest_us\": {reqwest:.2}, \"own_us\": {own:.2}, \"shared_us\": {shared:.2}, \
         \"idle_connections\": {idle}, \"idle_bytes\": {bytes}}}"
    ))
}

fn http(connections: Connections) -> anyhow::Result<Arc<Http>> {
    let settings = HttpSettings {
        connections,
        ..HttpSettings::default()
    };
    Ok(Arc::new(Http::new(Clock::system(), settings)?))
}

async fn by_reqwest(client: &Client, url: &Url) -> anyhow::Result<f64> {
    let before = processor_time()?;
    let mut users = JoinSet::new();
    for _ in 0..USERS {
        let (client, url) = (client.clone(), url.clone());
        users.spawn(async move {
            for _ in 0..REQUESTS {
                let mut answer = client
                    .execute(Request::new(Method::GET, url.clone()))
                    .await?;
                while answer.chunk().await?.is_some() {}
            }
            anyhow::Ok(())
        });
    }
    users
        .join_all()
        .await
        .into_iter()
        .collect::<Result<(), _>>()?;
    Ok((processor_time()? - before) / f64::from(USERS * REQUESTS))
}

async fn by_transport(http: &Arc<Http>, url: &Url) -> anyhow::Result<f64> {
    let before = processor_time()?;
    let mut users = JoinSet::new();
    for user in 0..USERS {
        let (http, url) = (Arc::clone(http), url.clone());
        users.spawn(async move {
            let context = of_user(user);
            for _ in 0..REQUESTS {
                let request = Request::new(Method::GET, url.clone());
                let sent = http.send(request, &context).await;
                sent.map_err(anyhow::Error::msg)?;
            }
            anyhow::Ok(())
        });
    }
    users
        .join_all()
        .await
        .into_iter()
        .collect::<Result<(), _>>()?;
    Ok((processor_time()? - before) / f64::from(USERS * REQUESTS))
}

/// Bytes of memory for each connection that waits, after all users have sent a request in turn.
async fn waiting(port: u16, idle: u32) -> anyhow::Result<u64> {
    let http = http(Connections::Own)?;
    let before = resident()?;
    for user in 0..idle {
        let url = format!("http://127.0.0.{}:{port}/status", 1 + user % ADDRESSES);
        let request = Request::new(Method::GET, url.parse()?);
        let sent = http.send(request, &of_user(user)).await;
        sent.map_err(anyhow::Error::msg)?;
    }
    Ok((resident()?.saturating_sub(before)) / u64::from(idle.max(1)))
}

fn of_user(user: u32) -> RequestContext {
    RequestContext {
        user: (1, user),
        ..RequestContext::default()
    }
}

/// Microseconds that this process has kept processors busy for.
fn processor_time() -> anyhow::Result<f64> {
    let spent = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds: f64 = spent.split(' ').next().context("empty")?.parse()?;
    Ok(nanoseconds / 1e3)
}

/// Bytes of memory that this process has.
fn resident() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kilobytes.context("no VmRSS")?.parse::<u64>()? * 1024)
}
