//! The choices of a form that starts a run, or changes the one that is on.

use statistics::state::State;
use traffic::ports::{Heartbeat, Queue, Store};
use traffic::run::Segment;
use traffic::runs::LoadedRun;
use traffic::workload::{UserClass, Workload};

use super::{Control, Refusal};

/// The choices, and the last request.
#[derive(Clone, Debug, PartialEq)]
pub struct SwarmForm {
    /// The state of the newest run.
    pub state: State,
    /// The version of the workload that a new run would have.
    pub workload: String,
    /// The classes that a new run may have, sorted by name.
    pub classes: Vec<FormClass>,
    /// The names of the shapes that a new run may have, sorted.
    pub shapes: Vec<String>,
    /// The shape of a new run whose request names none.
    pub shape: Option<String>,
    /// True if the run that is on has a shape, so that its users cannot be changed.
    pub is_shaped: bool,
    /// The base URLs that the run that is on sends to, or a new one would.
    pub hosts: Vec<String>,
    /// The host of the last request, or the configured one.
    pub host: Option<String>,
    /// The last segment of the newest run, if it is not a shape's.
    pub last: Option<Segment>,
}

/// A user class as a new run would have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormClass {
    /// The name, as the workload has it.
    pub name: String,
    /// The weight among the classes without a fixed count.
    pub weight: u32,
    /// The exact number of users, or 0 to go by weight.
    pub fixed_count: u32,
    /// The base URL of its requests.
    pub host: String,
    /// The names of its tasks, in the order of the file.
    pub tasks: Vec<String>,
}

impl<S: Store, Q: Queue, H: Heartbeat> Control<S, Q, H> {
    /// The form as of now.
    pub async fn swarm_form(&self) -> Result<SwarmForm, Refusal> {
        let chosen = self.workload().await?;
        let run = self.run().await?;
        let run = run.as_deref();
        let state = self.state(run);
        let last = run.and_then(|run| run.plan.run().segments.last());
        let on = run.filter(|run| !run.plan.run().is_over(self.now()));
        let classes = self.offered_classes(&chosen);
        let hosts = match (on, last) {
            (Some(run), Some(last)) => hosts_of(run, last),
            _ => distinct(classes.iter().map(|class| class.host.clone())),
        };
        let host = match (on, last) {
            (Some(_), Some(last)) => last.host.clone(),
            _ => self.host(),
        };
        let shapes = chosen.shapes().iter().map(|shape| shape.name().to_string());
        Ok(SwarmForm {
            state,
            workload: chosen.version().to_owned(),
            classes,
            shapes: shapes.collect(),
            shape: self.settings.shape.clone(),
            is_shaped: on.is_some_and(|run| run.plan.run().shape().is_some()),
            hosts,
            host,
            last: last.filter(|last| last.shape.is_none()).cloned(),
        })
    }

    fn offered_classes(&self, workload: &Workload) -> Vec<FormClass> {
        let names = self.settings.selected(workload);
        let classes = names.iter().filter_map(|name| workload.class(name));
        classes.map(|class| self.offered(class)).collect()
    }

    fn offered(&self, class: &UserClass) -> FormClass {
        let share = self.settings.share(class);
        let host = self.settings.class_host(class.name()).map(str::to_owned);
        FormClass {
            name: share.class,
            weight: share.weight,
            fixed_count: share.fixed_count,
            host: host.unwrap_or_else(|| own_host(class)),
            tasks: class
                .tasks()
                .iter()
                .map(|task| task.name().to_string())
                .collect(),
        }
    }
}

/// The base URLs of a run's classes.
fn hosts_of(run: &LoadedRun, segment: &Segment) -> Vec<String> {
    let host = |class: &str| {
        let elsewhere = segment.hosts.iter().find(|(name, _)| name == class);
        elsewhere
            .map(|(_, host)| host.clone())
            .or_else(|| run.workload.class(class).map(|class| own_host(class)))
    };
    distinct(segment.shares.iter().filter_map(|share| host(&share.class)))
}

fn own_host(class: &UserClass) -> String {
    class.host().url().as_str().trim_end_matches('/').to_owned()
}

fn distinct(hosts: impl Iterator<Item = String>) -> Vec<String> {
    let mut hosts: Vec<String> = hosts.collect();
    hosts.sort();
    hosts.dedup();
    hosts
}
