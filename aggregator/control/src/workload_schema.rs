//! The JSON schema of workload files, which editors complete and mark by, and which the reference is made of.
//!
//! The schema is written by hand in `workload.schema.json`, a sentence for each key. Tests hold it against
//! the decoder, which lies in `traffic`: functions read workloads too, and have no use for sentences.

/// The schema as JSON, of draft 7: the latest that taplo, and with it VS Code's "Even Better TOML", takes.
pub const WORKLOAD_SCHEMA: &str = include_str!("workload.schema.json");

#[cfg(test)]
mod tests;
