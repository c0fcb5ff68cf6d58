//! The aggregator's integration tests: one binary, a module per subject.

mod ab;
mod allowed;
mod bad_input;
mod cicada;
mod control;
mod cost;
mod door;
mod exports;
mod locust_web;
mod metrics;
mod oracle;
mod pages;
mod properties;
mod reader;
mod records;
mod runs;
mod schedules;
mod tools;
mod unsteady;
mod user;
mod workload;
