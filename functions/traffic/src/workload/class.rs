//! The data of a workload: hosts, user classes, the rules of their sessions, tasks and the steps of a task.
//!
//! Everything here was checked when the file was read, and is immutable from then on.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderName;
use reqwest::{Method, StatusCode, Url};

use super::body::Body;
use super::connections::{ConnectionRules, Connections, MAX_CONNECTION_AGE};
use super::engine::Program;
use super::expect::{Expect, StatusRule};
use super::measure::MetricRule;
use super::model::Model;
use super::pool::{Pool, weighted_index};
use super::text::Text;
use super::wait::Wait;
use crate::base_url::base_url;
use crate::credentials::Credentials;
use crate::random::Draws;
use crate::run::Share;
use crate::stream::StreamRules;
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
    /// Its number among the classes as the file has them.
    pub(super) place: usize,
    pub(super) weight: u32,
    pub(super) fixed_count: u32,
    pub(super) wait: Wait,
    pub(super) host: Arc<Host>,
    pub(super) tasks: Vec<Task>,
    /// The names of all tasks in the file.
    pub(super) task_names: Vec<Arc<str>>,
    pub(super) set: Set,
    pub(super) connections: ConnectionRules,
    pub(super) session: Option<SessionRules>,
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

    /// The rules of its users' sessions, if they have sessions.
    pub fn session(&self) -> Option<&SessionRules> {
        self.session.as_ref()
    }

    /// Its tasks, and the requests with which a session begins and ends.
    pub fn all_tasks(&self) -> impl Iterator<Item = &Task> {
        let session = self.session.as_ref();
        let start = session.and_then(SessionRules::start);
        let stop = session.and_then(SessionRules::stop);
        start.into_iter().chain(&self.tasks).chain(stop)
    }

    /// All of its requests, those included with which a session begins and ends.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.all_tasks().flat_map(|task| task.steps())
    }

    /// The longest that an iteration can take: every request of a task to its timeout, and those that begin its
    /// user's session.
    pub fn longest_iteration(&self) -> Duration {
        let longest = self.tasks.iter().map(Task::longest).max();
        let session = self.session.as_ref().map(SessionRules::longest_start);
        let session = session.unwrap_or_default();
        longest.unwrap_or_default().saturating_add(session)
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

/// The rules of the sessions of a class's users.
#[derive(Debug)]
pub struct SessionRules {
    pub(super) start: Option<Task>,
    pub(super) stop: Option<Task>,
    pub(super) cookies: bool,
    pub(super) lasts: Option<Duration>,
    pub(super) restarts_on: Option<StatusRule>,
    /// The names of the values that `start` draws and captures.
    pub(super) kept: Vec<Arc<str>>,
}

impl SessionRules {
    /// The requests that a user sends before its first iteration, and whenever it has no session.
    pub fn start(&self) -> Option<&Task> {
        self.start.as_ref()
    }

    /// The requests that a user sends after its last iteration, where one process does all.
    pub fn stop(&self) -> Option<&Task> {
        self.stop.as_ref()
    }

    /// True if users keep cookies.
    pub fn cookies(&self) -> bool {
        self.cookies
    }

    /// The age at which a session is begun anew.
    pub fn lasts(&self) -> Option<Duration> {
        self.lasts
    }

    /// True if a session is begun anew after a response with this status.
    pub fn restarts_on(&self, status: StatusCode) -> bool {
        let rule = self.restarts_on.as_ref();
        rule.is_some_and(|rule| rule.allows(status))
    }

    /// The names of the values that stay with a user.
    pub fn kept(&self) -> &[Arc<str>] {
        &self.kept
    }

    /// The longest that beginning sessions can take in one iteration: at its beginning, and once more if a status ends
    /// the session in the middle.
    pub fn longest_start(&self) -> Duration {
        let start = self.start.as_ref().map(Task::longest).unwrap_or_default();
        start.saturating_mul(1 + u32::from(self.restarts_on.is_some()))
    }

    /// The longest that ending a session can take.
    pub fn longest_stop(&self) -> Duration {
        self.stop.as_ref().map(Task::longest).unwrap_or_default()
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
    /// In the order of the requests.
    pub(super) groups: Vec<Group>,
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

    /// The longest that it can take: every request to its timeout, as often as it may be sent, after the longest pauses.
    pub fn longest(&self) -> Duration {
        let longest = self.steps.iter().enumerate().map(|(index, step)| {
            let mut groups = self.groups.iter();
            let group = groups.find(|group| group.steps.contains(&index));
            let once = step.timeout.saturating_add(step.longest_pause());
            once.saturating_mul(group.map_or(1, |group| group.at_most))
        });
        longest.fold(Duration::ZERO, Duration::saturating_add)
    }
}

/// Requests of a task that are sent again and again.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Their indices in the task.
    pub(super) steps: RangeInclusive<usize>,
    pub(super) at_most: u32,
    /// True if it is sent again only if an answer says so.
    pub(super) has_condition: bool,
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
    /// The host that it goes to, if it is another than its class's.
    pub host: Option<Arc<Host>>,
    /// The rules of the stream that its response is, if it is one.
    pub stream: Option<Arc<StreamRules>>,
    /// The model that it is for, if the file says so.
    pub model: Option<Arc<Model>>,
    /// The pause before it: `between` or `constant`.
    pub(super) pause: Option<Wait>,
    /// Whether it is sent, asked after its probability.
    pub(super) when: Option<Program>,
    /// Whether the group that it belongs to is sent again, by its answer.
    pub(super) goes_on: Option<Arc<Program>>,
    pub(super) expect: Expect,
    pub(super) captures: Vec<Capture>,
    pub(super) metrics: Vec<MetricRule>,
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

    /// The longest pause before it.
    fn longest_pause(&self) -> Duration {
        match self.pause {
            Some(Wait::Between { max, .. }) => max,
            Some(Wait::Constant(pause)) => pause,
            _ => Duration::ZERO,
        }
    }

    /// The host that it goes to, of a class's user.
    pub fn host<'s>(&'s self, class: &'s UserClass) -> &'s Host {
        self.host.as_deref().unwrap_or(&class.host)
    }

    /// True if [`Step::judge`] looks at the body; of a stream at the last event.
    pub fn needs_body(&self) -> bool {
        self.reads_body
    }

    /// True if it captures one of these values.
    pub(crate) fn captures_any(&self, names: &[Arc<str>]) -> bool {
        let mut captured = self.captures.iter();
        captured.any(|capture| names.contains(&capture.name))
    }
}
