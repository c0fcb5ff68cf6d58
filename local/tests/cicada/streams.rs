//! A stream costs no memory that grows with its length, and may be of any length.

use std::fs;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::harness::{Cicada, LIMIT};

/// Of one event: with its head and end a kilobyte.
const DATA: usize = 1_000 - 8;

/// So many events are 100 MB.
const EVENTS: usize = 100_000;

/// What may be taken besides the stream: statistics, the runtime's threads, and what the allocator keeps.
const MOST: u64 = 24 * 1024;

/// A target that streams for every request.
async fn streams() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let event = format!("data: {}\n\n", "x".repeat(DATA));
    let events = event.repeat(100);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4_096]).await;
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            for _ in 0..EVENTS / 100 {
                stream.write_all(events.as_bytes()).await.unwrap();
            }
        }
    });
    url
}

/// A line of what Linux says about a process's memory, in kB.
fn memory(process: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_a_hundred_megabytes_is_read_to_its_end_in_a_few() {
    let folder = tempfile::tempdir().unwrap();
    let workload = folder.path().join("streams.toml");
    let url = streams().await;
    let text = format!(
        r#"
[hosts.t]
url = "{url}"
[class.U]
host = "t"
wait = "constant_pacing(1000)"
[class.U.task.listen.request]
path = "/"
timeout = "180s"
stream = "sse"
tokens = "deltas"
expect = "tokens == {EVENTS} and body|length == {DATA}"
"#
    );
    fs::write(&workload, text).unwrap();
    let cicada = Cicada::new().file(&workload).serve().await;
    let before = memory(cicada.id(), "VmRSS:");
    cicada.swarm("user_count=1&spawn_rate=1").await;
    let statistics = cicada
        .until("/stats/requests", LIMIT, |statistics| {
            statistics["stats"][0]["num_requests"] == 1
        })
        .await;
    let row = &statistics["stats"][0];
    assert_eq!(row["num_failures"], 0, "{statistics:#}");
    assert_eq!(row["avg_content_length"], 100_000_000.0, "{row:#}");
    assert_eq!(row["stream"]["events"], EVENTS, "{row:#}");
    let grown = memory(cicada.id(), "VmHWM:").saturating_sub(before);
    println!("{grown} kB more");
    assert!(grown < MOST, "{grown} kB more");
}
