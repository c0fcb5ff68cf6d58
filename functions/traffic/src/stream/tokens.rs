//! Tokens of a stream: as it says them itself, or as the pieces of its answer are counted.

use serde_json::Value;

use super::json_path::JsonPath;

/// Where a stream's tokens are found, and which of its events are pieces of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRule {
    /// Each event is a token.
    Deltas,
    /// Chunks of OpenAI's chat completions and events of its responses, and of the many servers that talk like it.
    OpenAi,
    /// Lines of Ollama's `/api/chat` and `/api/generate`.
    Ollama,
    /// At paths into the events; the last value counts.
    Paths {
        /// The tokens of the prompt.
        input: Option<JsonPath>,
        /// The tokens of the answer.
        output: Option<JsonPath>,
    },
}

/// What an event tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// True if it is a piece of the answer.
    pub(super) is_delta: bool,
    /// The tokens of the prompt.
    pub(super) input: Option<u64>,
    /// The tokens of the answer so far.
    pub(super) output: Option<u64>,
}

impl TokenRule {
    /// Whose dialect the stream is in, by the name of OpenTelemetry's conventions or its own.
    pub fn provider(&self) -> Option<&'static str> {
        match self {
            Self::OpenAi => Some("openai"),
            Self::Ollama => Some("ollama"),
            Self::Deltas | Self::Paths { .. } => None,
        }
    }

    /// True if a stream that does not say its tokens has one in each piece of its answer.
    pub(super) fn counts_deltas(&self) -> bool {
        !matches!(self, Self::Paths { .. })
    }

    /// Looks into an event.
    pub(super) fn look(&self, data: &[u8]) -> Seen {
        match self {
            Self::Deltas => Seen {
                is_delta: true,
                ..Seen::default()
            },
            Self::OpenAi => json(data).map(|json| openai(&json)).unwrap_or_default(),
            Self::Ollama => json(data).map(|json| ollama(&json)).unwrap_or_default(),
            Self::Paths { input, output } => {
                let paths = || input.iter().chain(output);
                let text = std::str::from_utf8(data).unwrap_or_default();
                let json = (paths().any(|path| path.may_be_in(text)))
                    .then(|| json(data))
                    .flatten();
                let count = |path: &Option<JsonPath>| path.as_ref()?.count(json.as_ref()?);
                Seen {
                    is_delta: true,
                    input: count(input),
                    output: count(output),
                }
            }
        }
    }
}

fn json(data: &[u8]) -> Option<Value> {
    serde_json::from_slice(data).ok()
}

/// Chat completions have `choices` with a `delta` each, completions a `text`; responses have an event of a type that
/// ends with `.delta`. Usage comes in a chunk of its own, or with the response that is complete.
fn openai(json: &Value) -> Seen {
    let choices = json.get("choices").and_then(Value::as_array);
    let mut choices = choices.into_iter().flatten();
    let kind = json.get("type").and_then(Value::as_str);
    let is_delta = choices.any(|choice| {
        let delta = choice.get("delta").unwrap_or(&Value::Null);
        let pieces = [
            "content",
            "reasoning_content",
            "reasoning",
            "refusal",
            "tool_calls",
        ];
        pieces.iter().any(|piece| says(delta.get(piece))) || says(choice.get("text"))
    }) || kind.is_some_and(|kind| kind.ends_with(".delta"))
        && says(json.get("delta"));
    let nested = || json.get("response")?.get("usage");
    let usage = json.get("usage").filter(|usage| !usage.is_null());
    let usage = usage.or_else(nested).unwrap_or(&Value::Null);
    let count = |names: [&str; 2]| names.iter().find_map(|name| usage.get(name)?.as_u64());
    Seen {
        is_delta,
        input: count(["prompt_tokens", "input_tokens"]),
        output: count(["completion_tokens", "output_tokens"]),
    }
}

/// `/api/chat` has a `message`, `/api/generate` a `response`; the last line has the counts.
fn ollama(json: &Value) -> Seen {
    let message = json.get("message").unwrap_or(&Value::Null);
    let pieces = ["content", "thinking", "tool_calls"];
    let count = |name: &str| json.get(name).and_then(Value::as_u64);
    Seen {
        is_delta: pieces.iter().any(|piece| says(message.get(piece)))
            || says(json.get("response"))
            || says(json.get("thinking")),
        input: count("prompt_eval_count"),
        output: count("eval_count"),
    }
}

/// True if a value has something in it.
fn says(value: Option<&Value>) -> bool {
    match value {
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(parts)) => !parts.is_empty(),
        _ => false,
    }
}
