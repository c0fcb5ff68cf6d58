//! Locust's own page, which some put in front of this API: it asks for statistics only while it reads
//! `spawning` or `running`, and would never learn that a run which is `stopping` has stopped.
//!
//! So a browser that does not show our page reads `spawning` until the run is `stopped`: Locust itself
//! calls it that while users are stopped one by one.

use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;

use statistics::state::State;

/// The header that our own page sends with each request; see `aggregator/ui/src/server.ts`.
const REQUESTED_WITH: (&str, &[u8]) = ("x-requested-with", b"Cicada");

/// The state in the words that whoever asks understands.
pub(super) fn understood(state: State, headers: &HeaderMap) -> State {
    let agent = headers.get(USER_AGENT);
    let is_browser = agent.is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/"));
    match is_browser && !is_ours(headers) {
        true => known(state),
        false => state,
    }
}

/// The state in the words that Locust's page knows.
pub(super) fn known(state: State) -> State {
    match state {
        State::Stopping => State::Spawning,
        state => state,
    }
}

/// True for a request of our own page.
pub(super) fn is_ours(headers: &HeaderMap) -> bool {
    let (name, value) = REQUESTED_WITH;
    headers
        .get(name)
        .is_some_and(|said| said.as_bytes() == value)
}
