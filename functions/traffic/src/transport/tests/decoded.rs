//! Compressed answers: asked for, decoded, counted decoded, and refused where they cannot be.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::stream::StreamFormat;

/// A target whose every answer on a connection is these bytes.
async fn target(answer: Vec<u8>) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            tokio::spawn(async move {
                while request_of(&mut stream).await.is_some() {
                    // a client that has had enough leaves
                    let _ = stream.write_all(&answer).await;
                }
            });
        }
    });
    url.parse().unwrap()
}

fn answer(status: &str, encoding: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Encoding: {encoding}\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// The same in chunks of a few bytes.
fn chunked(encoding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let mut answer = head.into_bytes();
    for chunk in body.chunks(7) {
        answer.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        answer.extend_from_slice(chunk);
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"0\r\n\r\n");
    answer
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

const TEXT: &[u8] =
    b"{\"success\": true, \"padding\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}";

#[tokio::test]
async fn a_compressed_answer_is_decoded_and_counted_decoded() {
    let zstandard = ::zstd::encode_all(TEXT, 3).unwrap();
    let both = gzipped(&zstandard);
    for (encoding, body) in [
        ("gzip", gzipped(TEXT)),
        ("zstd", zstandard),
        ("zstd, gzip", both),
    ] {
        for whole in [answer("200 OK", encoding, &body), chunked(encoding, &body)] {
            let (http, url) = (http(), target(whole).await);
            // twice, by the same connection
            for _ in 0..2 {
                let reply = get(&http, url.clone(), &of_user(0)).await.unwrap();
                assert_eq!(reply.body, TEXT, "{encoding}");
                assert_eq!(reply.content_length, TEXT.len() as u64);
            }
            let unread = RequestContext {
                keep_body: false,
                ..of_user(1)
            };
            let reply = get(&http, url, &unread).await.unwrap();
            assert_eq!(reply.body, "");
            assert_eq!(reply.content_length, TEXT.len() as u64);
        }
    }
}

#[tokio::test]
async fn every_request_asks_for_the_codings_that_are_decoded_unless_the_workload_says_otherwise() {
    let target = Target::ok().await;
    let (http, url) = (http(), target.url("/"));
    get(&http, url.clone(), &of_user(0)).await.unwrap();
    let own = [("accept-encoding", "identity")];
    let request = full("GET", url.clone(), &own, None);
    http.send(request, &of_user(0)).await.unwrap();
    let stream = super::streamed::reads(StreamFormat::Sse, None);
    get(&http, url, &stream).await.unwrap();
    let asked: Vec<_> = target
        .got()
        .iter()
        .map(|got| got.header("Accept-Encoding").map(str::to_owned))
        .collect();
    assert_eq!(
        asked,
        [
            Some("gzip, deflate, br, zstd".to_owned()),
            Some("identity".to_owned()),
            Some("gzip, deflate, br".to_owned())
        ]
    );
}

#[tokio::test]
async fn a_coding_that_cannot_be_decoded_is_a_failure_that_says_so() {
    let url = target(answer("200 OK", "foo", TEXT)).await;
    for keep_body in [true, false] {
        let context = RequestContext {
            keep_body,
            ..of_user(0)
        };
        let error = get(&http(), url.clone(), &context).await.unwrap_err();
        assert_eq!(
            error,
            "response is compressed by \"foo\", which cannot be decoded"
        );
    }
    let broken = gzipped(TEXT);
    let url = target(answer("200 OK", "gzip", &broken[..broken.len() / 2])).await;
    assert_eq!(
        get(&http(), url, &of_user(0)).await.unwrap_err(),
        "response is compressed by \"gzip\", and incomplete or damaged"
    );
}

#[tokio::test]
async fn an_answer_without_a_body_needs_no_decoding() {
    for status in ["200 OK", "204 No Content", "304 Not Modified"] {
        let url = target(answer(status, "foo, gzip", b"")).await;
        let reply = get(&http(), url, &of_user(0)).await.unwrap();
        assert_eq!((reply.content_length, reply.body.len()), (0, 0), "{status}");
    }
    // a HEAD's answer says how long the body would be
    let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 500\r\n\r\n".to_vec();
    let (http, url) = (http(), target(head).await);
    let request = request(Method::HEAD, url);
    assert_eq!(
        http.send(request, &of_user(0))
            .await
            .unwrap()
            .content_length,
        0
    );
}

#[tokio::test]
async fn a_bomb_ends_at_64_mib_decoded() {
    let bomb = gzipped(&vec![0; 70 << 20]);
    assert!(bomb.len() < 100_000);
    let url = target(answer("200 OK", "gzip", &bomb)).await;
    assert_eq!(
        get(&http(), url, &of_user(0)).await.unwrap_err(),
        "response body is longer than 64 MiB"
    );
}

#[tokio::test]
async fn the_body_of_a_redirect_is_not_decoded() {
    let goal = target(answer("200 OK", "gzip", &gzipped(TEXT))).await;
    let head = format!(
        "HTTP/1.1 302 Found\r\nLocation: {goal}\r\nContent-Encoding: foo\r\nContent-Length: 4\r\n\r\nelse"
    );
    let url = target(head.into_bytes()).await;
    let reply = get(&http(), url, &of_user(0)).await.unwrap();
    assert_eq!(reply.body, TEXT);
}
