//! Streams as they come over a connection: in chunks, compressed, and where a response is no stream.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::stream::{StreamFormat, StreamRules, TokenRule};

const OLLAMA: &str = "{\"message\":{\"content\":\"Hi\"},\"done\":false}\n{\"message\":{\"content\":\"!\"},\"done\":false}\n{\"message\":{\"content\":\"\"},\"done\":true,\"prompt_eval_count\":3,\"eval_count\":2}\n";

pub(super) fn reads(format: StreamFormat, tokens: Option<TokenRule>) -> RequestContext {
    RequestContext {
        stream: Some(Arc::new(StreamRules { format, tokens })),
        ..of_user(0)
    }
}

/// A target that writes these pieces of an answer, each after a pause.
async fn in_pieces(pieces: Vec<Vec<u8>>, pause: Duration) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        request_of(&mut stream).await.unwrap();
        for piece in pieces {
            tokio::time::sleep(pause).await;
            stream.write_all(&piece).await.unwrap();
        }
    });
    url.parse().unwrap()
}

#[tokio::test]
async fn events_are_told_apart_and_the_last_one_is_the_body() {
    let body = "data: one\n\ndata: {\"two\": 2}\n\ndata: [DONE]\n\n";
    let answer = ok(body);
    let target = Target::new(move |_| Answers(answer.clone())).await;
    let http = http();
    let context = reads(StreamFormat::Sse, None);
    let reply = get(&http, target.url("/"), &context).await.unwrap();
    let streamed = reply.streamed.unwrap();
    assert_eq!((streamed.events, &*reply.body), (2, &b"{\"two\": 2}"[..]));
    assert_eq!(streamed.first_byte, reply.first_byte);
    assert!(streamed.first_event >= Some(reply.first_byte));
    assert_eq!(reply.content_length, body.len() as u64);
    // the connection is good for another request
    get(&http, target.url("/"), &context).await.unwrap();
    assert_eq!(target.connections(), 1);
}

#[tokio::test]
async fn times_are_those_of_the_pieces_as_they_come() {
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let pieces = [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
        chunk("data: on"),
        chunk("e\n\n"),
        chunk("data: two\n\n"),
        "0\r\n\r\n".to_owned(),
    ];
    let pause = Duration::from_millis(40);
    let url = in_pieces(pieces.map(String::into_bytes).to_vec(), pause).await;
    let reply = get(&http(), url, &reads(StreamFormat::Sse, None))
        .await
        .unwrap();
    let streamed = reply.streamed.unwrap();
    let first_event = streamed.first_event.unwrap();
    // nothing can be there before it was written
    assert!(reply.first_byte >= pause, "{reply:?}");
    assert!(first_event >= 3 * pause, "{streamed:?}");
    assert!(first_event + streamed.span >= 4 * pause, "{streamed:?}");
    assert_eq!(streamed.events, 2);
}

#[tokio::test]
async fn a_compressed_stream_is_read_as_well() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(OLLAMA.as_bytes()).unwrap();
    let body = encoder.finish().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let pieces = vec![[head.as_bytes(), &body].concat()];
    let url = in_pieces(pieces, Duration::ZERO).await;
    let context = reads(StreamFormat::Ndjson, Some(TokenRule::Ollama));
    let reply = get(&http(), url, &context).await.unwrap();
    let streamed = reply.streamed.unwrap();
    assert_eq!(streamed.events, 2);
    assert_eq!(
        (streamed.input_tokens, streamed.output_tokens),
        (Some(3), Some(2))
    );
    assert_eq!(reply.content_length, OLLAMA.len() as u64);
    assert!(reply.body.ends_with(b"\"eval_count\":2}"));
}

#[tokio::test]
async fn a_failure_is_no_stream_and_its_body_is_the_whole() {
    let body = "{\"error\": \"no such model\"}\n{}";
    let answer = format!(
        "HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let target = Target::new(move |_| Answers(answer.clone())).await;
    let context = reads(StreamFormat::Ndjson, None);
    let reply = get(&http(), target.url("/"), &context).await.unwrap();
    assert_eq!((reply.streamed, &*reply.body), (None, body.as_bytes()));
}

#[tokio::test]
async fn every_response_has_a_first_byte() {
    let target = Target::ok().await;
    let reply = get(&http(), target.url("/"), &of_user(0)).await.unwrap();
    assert!(reply.first_byte > Duration::ZERO && reply.streamed.is_none());
}
