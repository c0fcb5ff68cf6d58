//! A chat's answer as it is written, token by token: server-sent events in the manner of OpenAI's chat completions, or
//! lines in the manner of Ollama's `/api/chat`.
//!
//! The head is sent at once, the first token at the latency of its route, each further one at a time of its own.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::time::Instant;
use traffic::random::Draws;

use crate::latency::LatencyProfile;
use crate::levels::Levels;
use crate::route::Model;

/// How an answer is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    OpenAi,
    Ollama,
}

/// An answer that is being written.
pub(super) struct Written {
    pub(super) format: Format,
    pub(super) model: Model,
    pub(super) levels: Arc<Levels>,
    pub(super) id: String,
    /// A token each.
    pub(super) pieces: Vec<String>,
    pub(super) prompt_tokens: u64,
    /// The time until the first token.
    pub(super) first: Duration,
    pub(super) draws: Draws,
    /// Is told when all of it was written.
    pub(super) ended: Box<dyn FnOnce() + Send>,
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Written").finish_non_exhaustive()
    }
}

impl IntoResponse for Written {
    fn into_response(self) -> Response {
        let content_type = match self.format {
            Format::OpenAi => "text/event-stream",
            Format::Ollama => "application/x-ndjson",
        };
        let began = Instant::now();
        let pieces = stream::unfold(Some((self, 0)), move |state| async move {
            let (written, number) = state?;
            let (text, state) = written.write(number, began).await;
            Some((Ok::<_, Infallible>(Bytes::from(text)), state))
        });
        let headers = [
            (header::CONTENT_TYPE, content_type),
            (header::CACHE_CONTROL, "no-cache"),
        ];
        (headers, Body::from_stream(pieces)).into_response()
    }
}

impl Written {
    /// Writes the token with a number, when its time has come, or the end after the last one; and what is next.
    async fn write(mut self, number: usize, began: Instant) -> (String, Option<(Self, usize)>) {
        if number >= self.pieces.len() {
            let end = self.last(began.elapsed());
            (self.ended)();
            return (end, None);
        }
        let pause = match number {
            0 => self.first,
            _ => self.between(),
        };
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let piece = self.piece(&self.pieces[number]);
        (piece, Some((self, number + 1)))
    }

    /// The time until the next token.
    fn between(&mut self) -> Duration {
        let scale = self.levels.settings().latency_scale;
        let drawn = LatencyProfile::between_tokens(self.model).draw(&mut self.draws);
        drawn.mul_f64(scale)
    }

    fn piece(&self, text: &str) -> String {
        match self.format {
            Format::OpenAi => {
                let delta = json!({ "role": "assistant", "content": text });
                let choice = json!({ "index": 0, "delta": delta, "finish_reason": null });
                self.event(&json!([choice]), &Value::Null)
            }
            Format::Ollama => self.line(text, json!({ "done": false })),
        }
    }

    /// The end of the answer, with its counts.
    fn last(&self, took: Duration) -> String {
        let completion_tokens = self.pieces.len() as u64;
        let prompt_tokens = self.prompt_tokens;
        match self.format {
            Format::OpenAi => {
                let end = json!([{ "index": 0, "delta": {}, "finish_reason": "stop" }]);
                let usage = json!({
                    "prompt_tokens": prompt_tokens,
                    "completion_tokens": completion_tokens,
                    "total_tokens": prompt_tokens + completion_tokens,
                });
                let end = self.event(&end, &Value::Null);
                format!("{end}{}data: [DONE]\n\n", self.event(&json!([]), &usage))
            }
            Format::Ollama => {
                let counts = json!({
                    "done": true,
                    "done_reason": "stop",
                    "total_duration": took.as_nanos() as u64,
                    "prompt_eval_count": prompt_tokens,
                    "eval_count": completion_tokens,
                });
                self.line("", counts)
            }
        }
    }

    fn event(&self, choices: &Value, usage: &Value) -> String {
        let chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "model": self.model.full_name(),
            "choices": choices,
            "usage": usage,
        });
        format!("data: {chunk}\n\n")
    }

    fn line(&self, text: &str, mut line: Value) -> String {
        line["model"] = json!(self.model.full_name());
        line["created_at"] = json!(self.levels.now());
        line["message"] = json!({ "role": "assistant", "content": text });
        format!("{line}\n")
    }
}
