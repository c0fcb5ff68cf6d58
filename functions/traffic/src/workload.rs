//! The workload: what the traffic is, read from one TOML file and immutable from then on.
//!
//! A [`Workload`] holds hosts, user classes and load shapes; a class chooses a [`Task`], a task sends its
//! [`Step`]s, and a step judges its response. When iterations are due is left to the plan, sending to whoever
//! executes them. Nothing here reads a clock, a variable or a random source that was not passed in.

use std::sync::Arc;

pub use crate::base_url::{base_url, request_url};
use crate::environment::Environment;
use crate::random::mix;

mod body;
mod bounds;
mod class;
mod compile;
mod connections;
mod decode;
mod dumps;
mod engine;
mod errors;
mod expect;
mod functions;
mod headers;
mod json;
mod metric;
mod model;
mod multipart;
mod pair;
mod pool;
mod ratio;
mod read;
mod rehearsal;
mod response;
mod scope;
mod session;
mod shape;
mod steps;
mod syntax;
mod text;
mod thread;
mod threshold;
mod values;
mod wait;

pub use body::{Body, Form};
pub use class::{Host, Order, SessionRules, Set, Step, Task, UserClass};
pub use connections::{Connections, MAX_CONNECTION_AGE};
pub use decode::{FOLDER, MAX_REDIRECTS};
pub use errors::{EvaluationError, Mistake, WorkloadErrors};
pub use expect::{StatusRule, Verdict};
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
pub use wait::{MAX_DURATION, MIN_PACING, Wait};

/// The built-in workload file, the best example of the format.
pub const BUILT_IN: &str = include_str!("../workloads/default.toml");

/// The name that the built-in workload has in messages.
pub const BUILT_IN_FILE: &str = "default.toml";

/// The longest workload file in bytes.
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
        let reader = read::Reader::new(file, source);
        let decode::Decoded {
            hosts,
            classes,
            models,
            pairs,
            shapes,
            thresholds,
        } = if source.len() > MAX_SOURCE {
            reader.mistake(&(0..0), "the file is longer than 4 MiB: make it shorter");
            decode::Decoded::default()
        } else {
            decode::workload(&reader, source, env)
        };
        if !reader.has_mistakes() {
            rehearsal::run(&classes, &reader);
        }
        if reader.has_mistakes() {
            return Err(WorkloadErrors::new(
                reader.file.clone(),
                reader.into_mistakes(),
            ));
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

    /// The file's text.
    pub fn source(&self) -> &Arc<str> {
        &self.source
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
