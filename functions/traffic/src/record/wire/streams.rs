//! The figures of a stream as numbers, and back.

use std::time::Duration;

use crate::clock::micros;
use crate::stream::Streamed;

/// The numbers of a stream, in their order; `put` writes one.
pub(super) fn write(streamed: &Streamed, mut put: impl FnMut(u64)) {
    put(micros(streamed.first_byte));
    put(streamed.events);
    if streamed.events > 0 {
        let first = streamed.first_event.unwrap_or(streamed.first_byte);
        put(micros(first.saturating_sub(streamed.first_byte)));
        put(micros(streamed.span));
    }
    for tokens in [streamed.input_tokens, streamed.output_tokens] {
        put(tokens.map_or(0, |tokens| tokens.saturating_add(1)));
    }
}

/// A stream of numbers that `next` reads.
pub(super) fn read<E>(mut next: impl FnMut() -> Result<u64, E>) -> Result<Streamed, E> {
    let first_byte = Duration::from_micros(next()?);
    let events = next()?;
    let mut streamed = Streamed {
        first_byte,
        events,
        ..Streamed::default()
    };
    if events > 0 {
        let after = Duration::from_micros(next()?);
        streamed.first_event = Some(first_byte.saturating_add(after));
        streamed.span = Duration::from_micros(next()?);
    }
    streamed.input_tokens = next()?.checked_sub(1);
    streamed.output_tokens = next()?.checked_sub(1);
    Ok(streamed)
}
