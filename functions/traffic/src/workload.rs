//! The workload: what the traffic is, read from one TOML file and immutable from then on.
//!
//! A [`Workload`] holds hosts, user classes and load shapes; a class chooses a [`Task`], a task sends its
//! [`Step`]s, and a step judges its response. When iterations are due is left to the plan, sending to whoever
//! executes them. Nothing here reads a clock, a variable or a random source that was not passed in.

use std::borrow::Cow;
use std::sync::Arc;

use reqwest::Url;

pub use crate::base_url::{base_url, request_url};
use crate::custom_metric::CustomMetric;
use crate::environment::Environment;
use crate::random::mix;

mod adaptive;
mod attached;
mod body;
mod bounds;
mod class;
mod compile;
mod connections;
mod decode;
mod digest;
mod dumps;
mod embedded_json;
mod engine;
mod errors;
mod expect;
mod functions;
mod headers;
mod json;
mod mask;
mod measure;
mod metric;
mod model;
mod moment;
mod multipart;
mod pair;
mod pattern;
mod pool;
mod ratio;
mod read;
mod record;
mod rehearsal;
mod response;
mod row;
mod scope;
mod session;
mod shape;
mod steps;
mod syntax;
mod text;
mod thread;
mod threshold;
mod values;
mod variables;
mod wait;

pub use adaptive::Adaptive;
pub use attached::{NotAttached, toml_of, with_files};
pub use body::{Body, Form};
pub use class::{Host, Order, SessionRules, Set, Step, Task, UserClass};
pub use connections::{Connections, MAX_CONNECTION_AGE};
pub use decode::{FOLDER, MAX_REDIRECTS, is_reserved};
pub use dumps::quoted as json_quoted;
pub use errors::{EvaluationError, Mistake, WorkloadErrors};
pub use expect::{StatusRule, Verdict};
pub use measure::Measurements;
pub use model::Model;
pub use multipart::Multipart;
pub use pair::Pair;
pub use pool::Pool;
pub use ratio::{ClassRatio, TaskRatio, TaskRatios, calc_distribution};
pub use response::Response;
pub use scope::Scope;
pub use session::SessionValues;
pub use shape::{Course, Daily, NO_SHAPE, Shape, Stage};
pub use steps::Walk;
pub use text::{Json, Text};
use thread::GivenUp;
pub use threshold::{Threshold, ThresholdMetric};
use variables::Variables;
pub use variables::WORKLOAD_ENV;
pub use wait::{MAX_DURATION, MIN_PACING, Wait};

/// The built-in workload file, the best example of the format.
pub const BUILT_IN: &str = include_str!("../workloads/default.toml");

/// The name that the built-in workload has in messages.
pub const BUILT_IN_FILE: &str = "default.toml";

/// The longest workload file in bytes, without the files that follow its TOML.
pub const MAX_SOURCE: usize = 4 * 1024 * 1024;

/// A workload file, read and checked.
#[derive(Debug)]
pub struct Workload {
    source: Arc<str>,
    version: String,
    hosts: Vec<Arc<Host>>,
    classes: Vec<Arc<UserClass>>,
    models: Vec<Arc<Model>>,
    pairs: Vec<Pair>,
    shapes: Vec<Arc<Shape>>,
    thresholds: Vec<Threshold>,
    metrics: Vec<Arc<CustomMetric>>,
    variables: Arc<Variables>,
    has_equal_weights: bool,
}

impl Workload {
    /// Reads a workload file's text; `file` is what messages call it, `env` looks up the environment
    /// variables that override hosts.
    ///
    /// # Errors
    ///
    /// Every mistake in the file, each with its line.
    ///
    /// The caller waits up to two seconds, so on a runtime it is a thread for what blocks.
    pub fn parse(
        source: &str,
        file: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, WorkloadErrors> {
        let (text, name) = (source.to_owned(), file.to_owned());
        let read = thread::run(move |env| Self::read(&text, &name, env), env);
        read.unwrap_or_else(|given_up| Err(unreadable(file, given_up)))
    }

    /// As [`parse`](Self::parse), on a thread that may block.
    pub async fn parse_aside(
        source: &str,
        file: &str,
        env: &Environment,
    ) -> Result<Self, WorkloadErrors> {
        let (text, name, env) = (source.to_owned(), file.to_owned(), Arc::clone(env));
        let read = tokio::task::spawn_blocking(move || {
            Self::parse(&text, &name, &|variable: &str| env(variable))
        });
        read.await
            .unwrap_or_else(|_| Err(unreadable(file, GivenUp::Failed)))
    }

    fn read(
        source: &str,
        file: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, WorkloadErrors> {
        let (toml, attached) = source.split_at(attached::toml_length(source));
        let reader = read::Reader::new(file, toml);
        let decode::Decoded {
            hosts,
            classes,
            models,
            pairs,
            shapes,
            thresholds,
            metrics,
            variables,
        } = if toml.len() > MAX_SOURCE {
            reader.mistake(&(0..0), "the file is longer than 4 MiB: make it shorter");
            decode::Decoded::default()
        } else {
            decode::workload(&reader, toml, attached, env)
        };
        if !reader.has_mistakes() {
            rehearsal::run(&classes, &reader);
        }
        if reader.has_mistakes() {
            let mut mistakes = reader.into_mistakes();
            for mistake in &mut mistakes {
                // a request that was rendered may have one in it
                mistake.message = variables.mask(&mistake.message).into_owned();
            }
            return Err(WorkloadErrors::new(file.into(), mistakes));
        }
        Ok(Self {
            source: Arc::from(source),
            version: version(source),
            hosts,
            classes,
            models,
            pairs,
            shapes,
            thresholds,
            metrics,
            variables,
            has_equal_weights: false,
        })
    }

    /// The workload, with one weight for all classes and for all tasks of a class if `are_equal`: Locust's
    /// `--equal-weights`. A weight that a `[user]` table sets stays.
    #[must_use]
    pub fn with_equal_weights(mut self, are_equal: bool) -> Self {
        if are_equal {
            // nobody has a class of a workload that was just read
            let classes = self.classes.iter_mut().filter_map(Arc::get_mut);
            classes.for_each(UserClass::level_weights);
            self.has_equal_weights = true;
        }
        self
    }

    /// True if it was read [`with_equal_weights`](Self::with_equal_weights).
    pub fn has_equal_weights(&self) -> bool {
        self.has_equal_weights
    }

    /// The workload that ships in the binary: six classes for a shop and an AI agent.
    pub fn built_in(env: &dyn Fn(&str) -> Option<String>) -> Result<Self, WorkloadErrors> {
        Self::parse(BUILT_IN, BUILT_IN_FILE, env)
    }

    /// The file's text, and the files that it brings along.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// Its TOML alone.
    pub fn toml(&self) -> &str {
        toml_of(&self.source)
    }

    /// The text with other TOML and the same files.
    pub fn with_toml(&self, toml: &str) -> String {
        let files = &self.source[attached::toml_length(&self.source)..];
        let is_apart = files.is_empty() || toml.is_empty() || toml.ends_with('\n');
        let separator = if is_apart { "" } else { "\n" };
        [toml, separator, files].concat()
    }

    /// A digest of the text, 16 hexadecimal digits: what a run pins.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The hosts, in the order of the file.
    pub fn hosts(&self) -> &[Arc<Host>] {
        &self.hosts
    }

    /// The user classes, sorted by name; at least one.
    pub fn classes(&self) -> &[Arc<UserClass>] {
        &self.classes
    }

    /// The user classes in the order of the file.
    pub fn classes_as_written(&self) -> Vec<&UserClass> {
        let mut classes: Vec<&UserClass> = self.classes.iter().map(|class| &**class).collect();
        classes.sort_by_key(|class| class.place);
        classes
    }

    /// The requests that the file compares with one another.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// The models that requests are for, in the order of the file.
    pub fn models(&self) -> &[Arc<Model>] {
        &self.models
    }

    /// The model that the requests of a name and method are for; nothing if they are for several.
    pub fn model_of(&self, name: &str, method: &str) -> Option<&Model> {
        let steps = self.classes.iter().flat_map(|class| class.steps());
        let mut of_name = steps.filter(|step| *step.name == *name && step.method == method);
        let model = of_name.next()?.model.as_deref()?;
        of_name
            .all(|step| step.model.as_deref() == Some(model))
            .then_some(model)
    }

    /// The model of a side of a pair: that of its requests or, where none of them names one, the model whose key is the
    /// side's, such as `a`.
    pub fn model_of_side(&self, name: &str, method: &str, side: &str) -> Option<&Model> {
        let steps = self.classes.iter().flat_map(|class| class.steps());
        let mut of_name = steps.filter(|step| *step.name == *name && step.method == method);
        if of_name.any(|step| step.model.is_some()) {
            return self.model_of(name, method);
        }
        let mut models = self.models.iter().map(|model| &**model);
        models.find(|model| model.key().eq_ignore_ascii_case(side))
    }

    /// True if the responses to the requests of a name and method are streams.
    pub fn has_streams(&self, name: &str, method: &str) -> bool {
        let steps = self.classes.iter().flat_map(|class| class.steps());
        let mut of_name = steps.filter(|step| *step.name == *name && step.method == method);
        of_name.any(|step| step.stream.is_some())
    }

    /// The class with a name.
    pub fn class(&self, name: &str) -> Option<&Arc<UserClass>> {
        let index = self
            .classes
            .binary_search_by(|class| (**class.name()).cmp(name))
            .ok()?;
        Some(&self.classes[index])
    }

    /// The name of the class that somebody who wrote `name` may have meant.
    pub fn class_like(&self, name: &str) -> Option<&str> {
        like(name, self.classes.iter().map(|class| &**class.name()))
    }

    /// The shares of the classes in `user_counts` and of their tasks; with `total` a task's share is one of
    /// all iterations, else one of its class's. Unknown classes are left out.
    pub fn task_ratio(&self, user_counts: &[(&str, u64)], total: bool) -> TaskRatios {
        let known = user_counts
            .iter()
            .filter_map(|(name, count)| Some((&**self.class(name)?, *count)));
        let users = user_counts.iter().map(|(_, count)| count).sum();
        TaskRatios::of(known, users, total)
    }

    /// What the figures of a run must stay below, in the order of the file.
    pub fn thresholds(&self) -> &[Threshold] {
        &self.thresholds
    }

    /// The custom metrics that its requests have, by name.
    pub fn metrics(&self) -> &[Arc<CustomMetric>] {
        &self.metrics
    }

    /// The environment variables that its templates name, and whether each is a secret.
    pub fn variables(&self) -> Vec<(String, bool)> {
        self.variables.names()
    }

    /// A text that somebody will see, without the workload's secrets in it.
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.variables.mask(text)
    }

    /// A URL that somebody will see, without the workload's secrets in it.
    pub fn mask_url<'u>(&self, url: &'u Url) -> Cow<'u, Url> {
        self.variables.mask_url(url)
    }

    /// An error that somebody will see, without the workload's secrets in it.
    pub(crate) fn masked(&self, error: &EvaluationError) -> EvaluationError {
        error.saying(&self.mask(error.message()))
    }

    /// True if a request has this name.
    pub fn has_request(&self, name: &str) -> bool {
        let mut steps = self.classes.iter().flat_map(|class| class.steps());
        steps.any(|step| *step.name == *name)
    }

    /// The load shapes, sorted by name.
    pub fn shapes(&self) -> &[Arc<Shape>] {
        &self.shapes
    }

    /// The shape with a name.
    pub fn shape(&self, name: &str) -> Option<&Arc<Shape>> {
        self.shapes.iter().find(|shape| &**shape.name() == name)
    }

    /// The name of the shape that somebody who wrote `name` may have meant.
    pub fn shape_like(&self, name: &str) -> Option<&str> {
        like(name, self.shapes.iter().map(|shape| &**shape.name()))
    }
}

fn unreadable(file: &str, given_up: GivenUp) -> WorkloadErrors {
    let message = match given_up {
        GivenUp::TooLong => "reading the file takes too long: make it simpler",
        GivenUp::Failed => "the file cannot be read: there is no thread for it, or it has failed",
    };
    let mistake = Mistake {
        line: 1,
        message: message.to_owned(),
    };
    WorkloadErrors::new(Arc::from(file), vec![mistake])
}

/// The one of the known names that is nearest to `name`, if one is near.
fn like<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let name = name.to_lowercase();
    let distance = |known: &str| strsim::damerau_levenshtein(&known.to_lowercase(), &name);
    known
        .map(|known| (distance(known), known))
        .min()
        .filter(|(distance, known)| *distance <= 2 + known.len() / 4)
        .map(|(_, known)| known)
}

/// The 64 bits of FNV-1a over the text, mixed by the finalizer of SplitMix64.
fn version(source: &str) -> String {
    let hash = source
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    format!("{:016x}", mix(hash))
}
