//! The aggregator's integration tests: one binary, a module per subject.

mod oracle;
mod properties;
mod records;
