//! The stand-in targets, asked by a real client over real connections.

mod answers;
mod counters;
mod harness;
mod misbehaving;
mod streams;
