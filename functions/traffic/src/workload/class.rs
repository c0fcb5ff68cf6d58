//! The data of a workload: hosts, user classes, tasks and the steps of a task.
//!
//! Everything here was checked when the file was read, and is immutable from then on.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderName;
use reqwest::{Method, Url};

use super::connections::{ConnectionRules, Connections, MAX_CONNECTION_AGE};
use super::engine::Program;
use super::expect::Expect;
use super::pool::{Pool, weighted_index};
use super::text::{Body, Text};
use super::wait::Wait;
use crate::base_url::base_url;
use crate::credentials::Credentials;
use crate::random::Draws;
use crate::run::Share;
use crate::tls::HostTls;

/// A service that user classes send requests to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub(super) name: Arc<str>,
    pub(super) url: Url,
    pub(super) variable: Option<String>,
    pub(super) credentials: Option<Credentials>,
    pub(super) tls: Option<HostTls>,
    pub(super) tls_elsewhere: Option<HostTls>,
}

impl Host {
    /// The name that classes refer to it by.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The base URL in force: its environment variable's value without user and password, or the file's.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The environment variable that overrides the URL.
    pub fn variable(&self) -> Option<&str> {
        self.variable.as_deref()
    }

    /// The user and password that its environment variable has, if it has any.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The TLS settings for a target at a base URL, if the file has any. Where a run
    /// sends its traffic to another origin than the host's, no more holds than the trust in an authority: a
    /// client certificate goes to nobody whom the workload does not name.
    pub fn tls(&self, base: &Url) -> Option<&HostTls> {
        match base.origin() == self.url.origin() {
            true => self.tls.as_ref(),
            false => self.tls_elsewhere.as_ref(),
        }
    }

    /// True if `url` is this host's URL in force, whatever the case of its name, a last slash, and a user and
    /// password.
    pub fn is_at(&self, url: &str) -> bool {
        base_url(url).is_ok_and(|url| Credentials::part(url).0 == self.url)
    }
}

/// A kind of simulated user: Locust's `User` subclass.
#[derive(Debug)]
pub struct UserClass {
    pub(super) name: Arc<str>,
    pub(super) weight: u32,
    pub(super) fixed_count: u32,
    pub(super) wait: Wait,
    pub(super) host: Arc<Host>,
    pub(super) tasks: Vec<Task>,
    /// The names of all tasks in the file.
    pub(super) task_names: Vec<Arc<str>>,
    pub(super) set: Set,
    pub(super) connections: ConnectionRules,
    /// The sum of the tasks' weights up to and including each task.
    pub(super) cumulative: Vec<u64>,
}

/// Which of a class's values its `[user]` table has set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// The weight.
    pub weight: bool,
    /// The fixed count.
    pub fixed_count: bool,
    /// The host.
    pub host: bool,
}

impl UserClass {
    /// The class's name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Its share of the users that no fixed count takes; 0 only where its `[user]` table says so.
    pub fn weight(&self) -> u32 {
        self.weight
    }

    /// Which of its values hold whatever else is configured for the class.
    pub fn set(&self) -> Set {
        self.set
    }

    /// The number of users it always has; 0 leaves it to the weight.
    pub fn fixed_count(&self) -> u32 {
        self.fixed_count
    }

    /// Its share of the users of a run, as the workload has it.
    pub fn share(&self) -> Share {
        Share::new(&self.name, self.weight, self.fixed_count)
    }

    /// Its users' wait between iterations.
    pub fn wait(&self) -> Wait {
        self.wait
    }

    /// Where its requests go, unless a run says otherwise.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Whose connections its requests go by, if the file says it.
    pub fn connections(&self) -> Option<Connections> {
        self.connections.connections
    }

    /// The age up to which a connection is used for its requests.
    pub fn max_connection_age(&self) -> Duration {
        self.connections.max_age.unwrap_or(MAX_CONNECTION_AGE)
    }

    /// Its tasks, in the order of the file; at least one.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// The names of all of its tasks, those included that its `[user]` table leaves out.
    pub fn task_names(&self) -> &[Arc<str>] {
        &self.task_names
    }

    /// The longest that an iteration can take: every request of a task to its timeout.
    pub fn longest_iteration(&self) -> Duration {
        let of_steps = self.tasks.iter().map(|task| {
            let timeouts = task.steps.iter().map(|step| step.timeout);
            timeouts.fold(Duration::ZERO, Duration::saturating_add)
        });
        of_steps.max().unwrap_or_default()
    }

    /// Gives the class, unless its weight was set, and each of its tasks weight 1.
    pub(super) fn level_weights(&mut self) {
        if !self.set.weight {
            self.weight = 1;
        }
        self.tasks.iter_mut().for_each(|task| task.weight = 1);
        self.cumulative = (1..=self.tasks.len() as u64).collect();
    }

    /// The task of an iteration, by weight.
    pub fn choose_task(&self, draws: &mut Draws) -> &Task {
        &self.tasks[self.choose_task_number(draws)]
    }

    /// The same as its number among [`UserClass::tasks`].
    pub fn choose_task_number(&self, draws: &mut Draws) -> usize {
        let total = self.cumulative.last().copied().unwrap_or(0);
        weighted_index(&self.cumulative, draws.below(total))
    }
}

/// The work of a user in one iteration.
#[derive(Debug)]
pub struct Task {
    pub(super) name: Arc<str>,
    pub(super) weight: u32,
    pub(super) tags: Vec<Arc<str>>,
    pub(super) pools: Vec<(Arc<str>, Arc<Pool>)>,
    pub(super) steps: Vec<Step>,
    pub(super) order: Order,
}

/// In which order an iteration sends the requests of its task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As they are written.
    #[default]
    Given,
    /// Drawn anew in each iteration, so that no request is always the first: that one makes the connection, and
    /// what it asks for is in no cache yet.
    Random,
}

impl Task {
    /// The task's name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Its share of the class's iterations; at least 1.
    pub fn weight(&self) -> u32 {
        self.weight
    }

    /// The tags that `--tags` and `--exclude-tags` choose it by.
    pub fn tags(&self) -> &[Arc<str>] {
        &self.tags
    }

    /// The values that are drawn once per iteration: the value's name and the pool it comes from.
    pub fn pools(&self) -> &[(Arc<str>, Arc<Pool>)] {
        &self.pools
    }

    /// Its requests, in the order they are written; at least one.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The order in which they are sent.
    pub fn order(&self) -> Order {
        self.order
    }
}

/// One request of a task.
#[derive(Debug)]
pub struct Step {
    /// The name that statistics group by; the same in every iteration.
    pub name: Arc<str>,
    /// The HTTP method.
    pub method: Method,
    /// Path and query, with the leading slash; it follows the host's base URL.
    pub path: Text,
    /// The headers of workload, class and request, merged; lower case, each name once.
    pub headers: Vec<(HeaderName, Text)>,
    /// The body, if there is one.
    pub body: Option<Body>,
    /// The longest that the response may take, body included.
    pub timeout: Duration,
    /// The most redirects it follows, up to 30; with 0 the answer that redirects is the one that is judged.
    pub redirects: u32,
    /// The probability that it is sent at all, above 0 and up to 1. [`Scope::begin`](super::Scope::begin) draws by it.
    pub probability: f64,
    pub(super) expect: Expect,
    pub(super) captures: Vec<Capture>,
    /// Its number within the task.
    pub(super) index: u32,
    /// The captured values that it cannot do without.
    pub(super) needs: Vec<Arc<str>>,
    pub(super) reads_body: bool,
}

/// A value to keep from a response.
#[derive(Debug)]
pub(super) struct Capture {
    pub(super) name: Arc<str>,
    pub(super) value: Program,
}

impl Step {
    /// True if every iteration sends the same bytes, so that the request can be prepared once.
    pub fn is_constant(&self) -> bool {
        let body = self.body.as_ref();
        self.path.constant().is_some()
            && body.is_none_or(|body| body.constant().is_some())
            && self
                .headers
                .iter()
                .all(|(_, text)| text.constant().is_some())
    }

    /// True if [`Step::judge`] looks at the body.
    pub fn needs_body(&self) -> bool {
        self.reads_body
    }
}
