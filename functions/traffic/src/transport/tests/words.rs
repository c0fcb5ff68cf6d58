//! Answers of every framing, and the texts of those that break it.

use std::io;

use super::*;

async fn answered(answer: &'static str) -> Result<Reply, String> {
    let target = Target::new(move |_| Closes(answer.to_owned())).await;
    get(&http(), target.url("/"), &of_user(0)).await
}

#[tokio::test]
async fn a_body_is_read_in_each_framing() {
    for (answer, body) in [
        ("HTTP/1.1 200 OK\r\n\r\nto the end", "to the end"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc"),
        ("HTTP/1.1 204 No Content\r\n\r\n", ""),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "ok",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n",
            "abcde",
        ),
    ] {
        let reply = answered(answer).await.unwrap();
        assert_eq!(reply.body, body, "{answer:?}");
        assert_eq!(reply.content_length, body.len() as u64, "{answer:?}");
    }
}

#[tokio::test]
async fn a_body_that_nobody_reads_is_counted_all_the_same() {
    let target = Target::new(|_| {
        Answers(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_owned(),
        )
    })
    .await;
    let http = http();
    for _ in 0..2 {
        let reply = get(&http, target.url("/"), &RequestContext::default()).await;
        let reply = reply.unwrap();
        assert_eq!((reply.content_length, reply.body.len()), (3, 0));
    }
    assert_eq!(target.connections(), 1);
}

#[tokio::test]
async fn an_answer_that_breaks_the_protocol_is_a_text_of_few_words() {
    let cut = "connection closed before the response was complete";
    for (answer, text) in [
        ("", cut),
        ("HTTP/1.1 200 OK\r\nContent-Le", cut),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", cut),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "response is not valid HTTP: invalid content-length",
        ),
        (
            "SSH-2.0-OpenSSH\r\n\r\n",
            "response is not valid HTTP: invalid HTTP version",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "response is not valid HTTP: broken chunk",
        ),
    ] {
        let error = answered(answer).await.unwrap_err();
        assert_eq!(error, text, "{answer:?}");
    }
}

#[tokio::test]
async fn a_head_without_an_end_is_too_long() {
    let long: &'static str = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(1 << 20)).leak();
    let error = answered(long).await.unwrap_err();
    assert_eq!(error, "response headers are too long");
}

#[tokio::test]
async fn nobody_there_is_said_in_plain_words() {
    let (http, user) = (http(), of_user(0));
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", unused.local_addr().unwrap());
    drop(unused);
    let error = get(&http, url.parse().unwrap(), &user).await.unwrap_err();
    assert_eq!(error, "connection refused");
    let nowhere = "http://no-such-host.invalid/".parse().unwrap();
    let error = get(&http, nowhere, &user).await.unwrap_err();
    assert_eq!(error, "cannot connect: host name not found");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tls = format!("https://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(ok("no TLS").as_bytes()).await.unwrap();
        std::future::pending::<()>().await;
    });
    let error = get(&http, tls.parse().unwrap(), &user).await.unwrap_err();
    assert_eq!(error, "cannot connect: the target does not speak TLS");
}

#[tokio::test]
async fn every_address_of_a_name_is_tried() {
    // `localhost` is both, and only one of them listens
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let target = Target::at(address, |_| Answers(ok("here"))).await;
        let url = format!("http://localhost:{}/", target.port);
        let reply = get(&http(), url.parse().unwrap(), &of_user(0)).await;
        let listed = tokio::net::lookup_host("localhost:0").await.unwrap();
        let is_v6 = address.starts_with('[');
        if listed.into_iter().any(|listed| listed.is_ipv6() == is_v6) {
            assert_eq!(reply.unwrap().body, "here", "{address}");
        }
    }
}

#[test]
fn a_connection_that_died_under_way_is_not_called_a_slow_answer() {
    let died = io::Error::from(io::ErrorKind::TimedOut);
    assert_eq!(
        texts::failed(&died),
        "connection lost: no acknowledgement for 30 s"
    );
    assert_eq!(texts::cannot_connect(&died), "connection timed out");
}
