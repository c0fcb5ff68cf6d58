//! The container's server: it serves the same router, folds by a timer, and ends when it is told to.

use std::time::Duration;

use aggregator_cloud::server::serve;
use axum::http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use traffic::ports::{Checkpoint, CheckpointStore as _, RunStore as _};
use web::serve::Serving;

use crate::scene::{Event, FORM, Stage};

/// Sends a request and reads all that is answered.
async fn ask(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{request}\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn it_serves_until_it_is_told_to_end() {
    let instance = Stage::new().instance();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ended) = oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        let serving = Serving::plain(instance.cloud.router());
        serve(&instance.cloud, listener, serving, async {
            let _ = ended.await;
        })
        .await
    });
    let health = ask(address, "GET /health HTTP/1.1").await;
    assert!(health.starts_with("HTTP/1.1 200 OK\r\n"), "{health}");
    assert!(health.contains("\"status\":\"ok\""), "{health}");
    let closed = ask(address, "GET /stats/requests HTTP/1.1").await;
    assert!(closed.starts_with("HTTP/1.1 401 "), "{closed}");
    end.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(120), server).await;
    ended.expect("it ends at once").unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn it_folds_by_the_minute_and_says_at_the_health_when_it_cannot() {
    let stage = Stage::new();
    let instance = stage.instance();
    let swarm = Event::new("POST", "/swarm").with_body(FORM, "user_count=6&spawn_rate=6");
    instance.call(&swarm).await.unwrap();
    let run = stage.store.latest_run().await.unwrap().unwrap().id;
    let folding = stage.instance();
    let minutes = async |instance: &crate::scene::Instance, minutes: u64| {
        let time = Duration::from_secs(60 * minutes + 5);
        let _ = tokio::time::timeout(time, instance.cloud.fold_by_the_minute()).await;
    };
    minutes(&folding, 3).await;
    let checkpoint = stage.store.checkpoint(&run).await.unwrap().expect("folded");
    assert_eq!(folding.get("/health").await.status, StatusCode::OK);

    let damaged = Checkpoint {
        revision: checkpoint.revision + 1,
        body: vec![255; 9].into(),
    };
    stage.store.put_checkpoint(&run, &damaged).await.unwrap();
    let cold = stage.instance();
    minutes(&cold, 1).await;
    let health = cold.get("/health").await;
    assert_eq!(health.status, StatusCode::SERVICE_UNAVAILABLE);
    let message = health.json()["message"].as_str().unwrap().to_owned();
    let expected = format!(
        "sealed records are not folded: the statistics folded so far of run {run} cannot be read: "
    );
    assert!(message.starts_with(&expected), "{message}");
}
