//! The agent's streamed answers are those of its other route, and are written as OpenAI and Ollama write them.

use serde_json::{Value, json};

use crate::harness::StandIns;

/// The JSON of each event of a stream, and whether it says that it is over.
fn events(text: &str) -> (Vec<Value>, bool) {
    let data = text.split_terminator("\n\n");
    let data: Vec<&str> = data
        .map(|event| event.strip_prefix("data: ").expect("an event of data"))
        .collect();
    let is_over = data.last() == Some(&"[DONE]");
    let json = data.iter().filter(|data| **data != "[DONE]");
    (
        json.map(|data| serde_json::from_str(data).expect("JSON"))
            .collect(),
        is_over,
    )
}

#[tokio::test]
async fn a_chat_is_streamed_as_chunks_of_a_completion() {
    let stand_ins = StandIns::with(json!({"latency_scale": 0})).await;
    let body = json!({"message": "Hello", "model": "b"});
    let reply = stand_ins.post("/chat/stream", body).await;
    assert_eq!((reply.status, &*reply.kind), (200, "text/event-stream"));
    let (events, is_over) = events(&reply.text);
    assert!(is_over, "{}", reply.text);
    let said = events
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str());
    let said: Vec<&str> = said.collect();
    assert!(said.concat().len() > 20, "{said:?}");
    let last = events.last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["completion_tokens"], said.len());
    assert_eq!(last["model"], "ministral-3:8b-instruct-2512-q8_0");
}

#[tokio::test]
async fn a_chat_is_streamed_as_lines_of_ollamas() {
    let stand_ins = StandIns::with(json!({"latency_scale": 0})).await;
    let body = json!({
        "model": "mistral:7b-instruct",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
    });
    let reply = stand_ins.post("/api/chat", body).await;
    assert_eq!((reply.status, &*reply.kind), (200, "application/x-ndjson"));
    let lines = reply
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    let (last, before) = lines.split_last().unwrap();
    assert!(before.iter().all(|line| line["done"] == false));
    assert_eq!(last["done"], true);
    assert_eq!(last["eval_count"], before.len());
    assert_eq!(last["prompt_eval_count"], 2);
    assert_eq!(last["model"], "mistral:7b-instruct");
    assert_eq!(
        stand_ins
            .post("/api/chat", json!({"messages": "Hello"}))
            .await
            .status,
        422
    );
}

#[tokio::test]
async fn the_first_token_takes_its_time_and_the_head_does_not() {
    let settings = json!({"latency_scale": 0, "fixed_latency_ms": {"POST /chat/stream": 600_000}});
    let stand_ins = StandIns::with(settings).await;
    let request = stand_ins.client.post(stand_ins.url("/chat/stream"));
    let request = request.body(json!({"message": "Hello"}).to_string());
    let mut response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let first = tokio::time::timeout(std::time::Duration::from_millis(200), response.chunk()).await;
    assert!(first.is_err(), "there is no token yet");
}

#[tokio::test]
async fn a_stream_that_fails_says_so_in_its_status() {
    let settings = json!({"latency_scale": 0, "failure_ratio": {"POST /chat/stream": 1}});
    let stand_ins = StandIns::with(settings).await;
    let reply = stand_ins
        .post("/chat/stream", json!({"message": "Hello"}))
        .await;
    assert!([500, 503].contains(&reply.status), "{}", reply.status);
}
