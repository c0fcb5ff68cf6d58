//! A streamed response as it is read: its events, when they came, and the tokens that they tell of.
//!
//! An [`EventReader`] takes the decoded body piece by piece and keeps the present event and the last one, no more: a
//! stream of an hour takes the memory of one of a second. `lines` and `sse` find events by the rules of their formats,
//! `tokens` looks into them. The instants are the caller's.

use std::sync::Arc;
use std::time::Duration;

mod json_path;
mod lines;
mod sse;
mod streamed;
mod tokens;

pub use json_path::JsonPath;
use lines::Lines;
pub use lines::MAX_EVENT;
use sse::Sse;
pub use streamed::Streamed;
pub use tokens::TokenRule;

/// The data with which OpenAI's streams say that they are over: no event.
const DONE: &[u8] = b"[DONE]";

/// How a stream's events are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamFormat {
    /// Server-sent events, as the HTML standard has them.
    Sse,
    /// A JSON value in each line.
    Ndjson,
}

/// What is looked for in a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRules {
    /// Its format.
    pub format: StreamFormat,
    /// Where its tokens are found; without a rule every event counts, and no token.
    pub tokens: Option<TokenRule>,
}

/// Reads a stream.
#[derive(Debug)]
pub struct EventReader {
    splitter: Splitter,
    events: Events,
    /// When the latest piece came.
    latest: Duration,
}

#[derive(Debug)]
enum Splitter {
    Sse(Sse),
    Ndjson(Lines),
}

/// What was seen of the events so far.
#[derive(Debug)]
struct Events {
    rules: Arc<StreamRules>,
    /// The data of the last event, if it is kept.
    last: Option<Vec<u8>>,
    count: u64,
    /// When the first and the last event that counts came.
    span: Option<(Duration, Duration)>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

impl EventReader {
    /// A reader of a stream by its rules; the last event is kept if `keep_last`.
    pub fn new(rules: &Arc<StreamRules>, keep_last: bool) -> Self {
        Self {
            splitter: match rules.format {
                StreamFormat::Sse => Splitter::Sse(Sse::default()),
                StreamFormat::Ndjson => Splitter::Ndjson(Lines::ended_by_lf()),
            },
            events: Events {
                rules: Arc::clone(rules),
                last: keep_last.then(Vec::new),
                count: 0,
                span: None,
                input_tokens: None,
                output_tokens: None,
            },
            latest: Duration::ZERO,
        }
    }

    /// Takes the next piece, which came `at` this time after the request was sent.
    pub fn push(&mut self, piece: &[u8], at: Duration) {
        self.latest = at;
        let Self {
            splitter, events, ..
        } = self;
        match splitter {
            Splitter::Sse(sse) => sse.push(piece, |data| events.see(data, at)),
            Splitter::Ndjson(lines) => lines.push(piece, |line| events.see_line(line, at)),
        }
    }

    /// Ends the stream: its figures, and the data of its last event if that was kept. `first_byte` is when the response
    /// began.
    pub fn finish(mut self, first_byte: Duration) -> (Streamed, Vec<u8>) {
        // the end of a body ends a line; an event that its blank line does not end was never sent, by the standard
        if let Splitter::Ndjson(lines) = &self.splitter {
            self.events.see_line(lines.unended(), self.latest);
        }
        let Events {
            rules,
            last,
            count,
            span,
            input_tokens,
            output_tokens,
        } = self.events;
        let counts_deltas = rules.tokens.as_ref().is_some_and(TokenRule::counts_deltas);
        let deltas = (counts_deltas && count > 0).then_some(count);
        let streamed = Streamed {
            first_byte,
            first_event: span.map(|(first, _)| first),
            span: span.map_or(Duration::ZERO, |(first, last)| last.saturating_sub(first)),
            events: count,
            input_tokens,
            output_tokens: output_tokens.or(deltas),
        };
        (streamed, last.unwrap_or_default())
    }
}

impl Events {
    fn see_line(&mut self, line: &[u8], at: Duration) {
        if !line.trim_ascii().is_empty() {
            self.see(line, at);
        }
    }

    fn see(&mut self, data: &[u8], at: Duration) {
        if data.trim_ascii() == DONE {
            return;
        }
        if let Some(last) = &mut self.last {
            last.clear();
            last.extend_from_slice(data);
        }
        if let Some(rule) = &self.rules.tokens {
            let seen = rule.look(data);
            self.input_tokens = seen.input.or(self.input_tokens);
            self.output_tokens = seen.output.or(self.output_tokens);
            if !seen.is_delta {
                return;
            }
        }
        self.count += 1;
        let (first, _) = self.span.unwrap_or((at, at));
        self.span = Some((first, at));
    }
}

#[cfg(test)]
mod tests;
