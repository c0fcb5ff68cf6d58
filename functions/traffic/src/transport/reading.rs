//! The body of an answer while it is read: decoded, counted, and kept or looked through for the events of a stream.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::http::response::Parts;
use tokio::time::Instant;

use super::bodies::BodyShare;
use crate::content_coding::Decoder;
use crate::stream::{EventReader, StreamRules, Streamed};

/// When one piece of a body was decoded to more bytes than this, other requests have their turn.
const LONG_DECODING: u64 = 1024 * 1024;

/// A body that is being read.
pub(super) struct Reading {
    decoder: Decoder,
    events: Option<EventReader>,
    share: BodyShare,
    sent_at: Instant,
    first_byte: Duration,
}

/// A body that was read to its end.
pub(super) struct Body {
    /// The body, if it is kept; of a stream the data of its last event.
    pub(super) content: Bytes,
    pub(super) length: u64,
    pub(super) first_byte: Duration,
    pub(super) streamed: Option<Streamed>,
}

impl Reading {
    /// Begins with the body of an answer that has begun now, to a request that was sent at an instant. An answer of
    /// another kind than a success is no stream: its body says what is wrong.
    pub(super) fn new(
        parts: &Parts,
        keep_body: bool,
        stream: Option<&Arc<StreamRules>>,
        share: BodyShare,
        sent_at: Instant,
    ) -> Self {
        let stream = stream.filter(|_| parts.status.is_success());
        let decoder = match stream {
            None => Decoder::new(&parts.headers, keep_body),
            Some(_) => Decoder::new(&parts.headers, false).passing_on(),
        };
        Self {
            decoder,
            events: stream.map(|rules| EventReader::new(rules, keep_body)),
            share,
            sent_at,
            first_byte: sent_at.elapsed(),
        }
    }

    /// Begins with the body of a redirect that is followed: what it says is nobody's affair, as in requests.
    pub(super) fn of_redirect(share: BodyShare, sent_at: Instant) -> Self {
        Self {
            decoder: Decoder::default(),
            events: None,
            share,
            sent_at,
            first_byte: Duration::ZERO,
        }
    }

    /// Takes the next chunk, which has come now.
    ///
    /// # Errors
    /// The text of the request when the body cannot be decoded or kept.
    pub(super) async fn push(&mut self, mut chunk: Bytes) -> Result<(), String> {
        // events of one chunk have come together, however long it takes to decode them
        let at = self.events.is_some().then(|| self.sent_at.elapsed());
        while let Some(piece) = self.decoder.piece_of(&mut chunk) {
            let before = self.decoder.length();
            let pushed = self.decoder.push(piece);
            pushed.map_err(|error| error.to_string())?;
            let more = self.decoder.length() - before;
            if self.decoder.keeps_body() {
                self.share.add(more)?;
            }
            self.look(at);
            // few bytes can stand for many: others have their turn in between
            if more > LONG_DECODING {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    /// Looks for events in what was decoded, which came `at` this time.
    fn look(&mut self, at: Option<Duration>) {
        if let Some((events, at)) = self.events.as_mut().zip(at) {
            events.push(&self.decoder.passed(), at);
        }
    }

    /// Ends the body.
    ///
    /// # Errors
    /// The text of the request when the body is not complete, or cannot be kept.
    pub(super) fn finish(mut self) -> Result<Body, String> {
        let (mut content, length) = (self.decoder.finish()).map_err(|error| error.to_string())?;
        let ended = self.events.map(|events| events.finish(self.first_byte));
        let streamed = match ended {
            None => None,
            Some((streamed, last)) => {
                self.share.add(last.len() as u64)?;
                content = Bytes::from(last);
                Some(streamed)
            }
        };
        Ok(Body {
            content: self.share.hold(content),
            length,
            first_byte: self.first_byte,
            streamed,
        })
    }
}
