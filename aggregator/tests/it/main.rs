//! The aggregator's integration tests: one binary, a module per subject.

mod allowed;
mod bad_input;
mod cicada;
mod control;
mod door;
mod locust_web;
mod oracle;
mod pages;
mod properties;
mod reader;
mod records;
mod schedules;
mod shapes;
mod unsteady;
mod workload;
