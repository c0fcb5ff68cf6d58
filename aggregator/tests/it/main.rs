//! The aggregator's integration tests: one binary, a module per subject.

mod bad_input;
mod cicada;
mod control;
mod locust_web;
mod oracle;
mod pages;
mod properties;
mod reader;
mod records;
mod unsteady;
