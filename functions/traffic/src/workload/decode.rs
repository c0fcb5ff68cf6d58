//! From the TOML of a workload file to its classes, with every mistake on the way.
//!
//! The order is hosts, models, pools, defaults, classes, shapes: each needs what comes before it.

use std::sync::Arc;

use toml::de::DeTable;

use super::attached::Files;
use super::class::{Host, UserClass};
use super::compile::Compiler;
use super::engine::Engine;
use super::model::Model;
use super::pair::Pair;
use super::read::{Fields, Reader};
use super::shape::Shape;
use super::threshold::Threshold;
use super::variables::Variables;
use crate::custom_metric::CustomMetric;
use crate::environment::Lookup;

pub use defaults::MAX_REDIRECTS;
pub use host_tls::FOLDER;
pub use names::is_reserved;

mod adaptive;
mod beside;
mod classes;
mod context;
mod defaults;
mod files;
mod groups;
mod host_tls;
mod hosts;
mod models;
mod names;
mod pairs;
mod pools;
mod records;
mod requests;
mod sessions;
mod shape_values;
mod shapes;
mod tasks;
mod thresholds;
mod users;

/// The longest file that is not TOML of which every mistake is said, in bytes.
const RECOVERED: usize = 64 * 1024;

/// The content of a workload file.
#[derive(Default)]
pub(super) struct Decoded {
    pub(super) hosts: Vec<Arc<Host>>,
    pub(super) classes: Vec<Arc<UserClass>>,
    pub(super) models: Vec<Arc<Model>>,
    pub(super) pairs: Vec<Pair>,
    pub(super) shapes: Vec<Arc<Shape>>,
    pub(super) thresholds: Vec<Threshold>,
    pub(super) metrics: Vec<Arc<CustomMetric>>,
    pub(super) variables: Arc<Variables>,
}

/// Reads everything that a workload file says in its TOML, and the files that `attached` has; the reader has the
/// mistakes.
pub(super) fn workload<'s>(
    reader: &Reader<'s>,
    source: &'s str,
    attached: &'s str,
    environment: Lookup<'_>,
) -> Decoded {
    let (document, errors) = match DeTable::parse(source) {
        Ok(document) => (document, Vec::new()),
        // looking for more than the first mistake costs memory for each of them
        Err(_) if source.len() <= RECOVERED => DeTable::parse_recoverable(source),
        Err(first) => (toml::Spanned::new(0..0, DeTable::new()), vec![first]),
    };
    if !errors.is_empty() {
        for error in errors {
            if reader.is_full() {
                break;
            }
            let span = error.span().unwrap_or_default();
            reader.mistake(&span, format!("this is not TOML: {}", error.message()));
        }
        return Decoded::default();
    }
    let fields = Fields::new(reader, "", document.get_ref(), 0..0);
    let hosts = hosts::read(&fields, environment);
    let files = Files::new(attached, host_tls::folder(environment));
    let models = models::read(&fields);
    let engine = Engine::new(pools::read(&fields, &files));
    let compiler = Compiler::new(reader, &engine, &files, environment);
    let defaults = defaults::Defaults::read(&fields);
    let mut classes = classes::read(&fields, &compiler, (&hosts, &models), &defaults);
    let pairs = pairs::read(&fields, &classes);
    users::apply(&fields, &mut classes);
    let shapes = shapes::read(&fields, &classes);
    let thresholds = thresholds::read(&fields, &classes);
    fields.finish();
    Decoded {
        hosts,
        classes,
        models,
        pairs,
        shapes,
        thresholds,
        metrics: compiler.metrics.by_name(),
        variables: Arc::clone(&engine.variables),
    }
}
