//! The aggregator's integration tests: one binary, a module per subject.

mod allowed;
mod bad_input;
mod base_path;
mod besieged;
mod cicada;
mod control;
mod door;
mod forged;
mod headers;
mod locust_web;
mod oracle;
mod pages;
mod properties;
mod reader;
mod records;
mod schedules;
mod serve;
mod served;
mod tls;
mod unsteady;
mod workload;
