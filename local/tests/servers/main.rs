//! The `cicada` binary at servers that nobody here wrote (uWSGI, gunicorn, nginx, Node.js, Python's own), beside
//! Locust: what it sends, byte for byte; that no connection which a server closes fails a request; that it makes up
//! no difference between two models; and how many connections it has, and where to.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod ab;
mod closing;
mod connections;
#[path = "../cicada/harness.rs"]
#[allow(dead_code, reason = "the tests of the binary use all of it")]
mod harness;
mod heads;
mod installed;
mod raw;
mod traffic;
