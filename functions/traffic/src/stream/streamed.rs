//! The figures of one streamed response.

use std::time::Duration;

/// The times and counts of a streamed response; times are from the sending of its request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streamed {
    /// When the response began.
    pub first_byte: Duration,
    /// When the first event came, if any did: the time to the first token (TTFT).
    pub first_event: Option<Duration>,
    /// From the first event to the last.
    pub span: Duration,
    /// The events that carry something: with a dialect those with a piece of the answer.
    pub events: u64,
    /// The tokens of the prompt, if the stream says how many.
    pub input_tokens: Option<u64>,
    /// The tokens of the answer, as the stream says or as its deltas were counted.
    pub output_tokens: Option<u64>,
}

impl Streamed {
    /// The inter-token latency (ITL): from the first event to the last, by the tokens of the answer less one, as
    /// GuideLLM and NVIDIA's genai-perf have it. Where no tokens are known, events count in their place; an answer in
    /// one piece has none.
    pub fn inter_token_latency(&self) -> Option<Duration> {
        let tokens = self.output_tokens.unwrap_or(self.events);
        let gaps = tokens.saturating_sub(1);
        if gaps == 0 || self.events < 2 {
            return None;
        }
        let micros = self.span.as_micros() / u128::from(gaps);
        Some(Duration::from_micros(
            u64::try_from(micros).unwrap_or(u64::MAX),
        ))
    }
}
