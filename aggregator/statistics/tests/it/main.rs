//! The reader and the ledger: whoever reads which records when, in whatever order and how often,
//! says the same, and planned = recorded + skipped + missing + pending at every instant.

#![expect(clippy::unwrap_used, reason = "tests and their helpers")]

mod adaptive;
mod checkpoints;
mod custom_metrics;
mod folded;
mod gaps;
mod guidellm;
mod ledger;
mod listed;
mod properties;
mod reference;
mod scene;
mod statistics;
mod streams;
mod ticks;
