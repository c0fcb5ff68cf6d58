//! The web side of the aggregator: Locust's control API, the page, the door before them and the server.

pub mod api;
pub mod logs;
pub mod probe;
pub mod serve;
