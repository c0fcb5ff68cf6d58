//! What Locust calls template arguments: what its page is made of before it asks for anything.

use std::collections::BTreeMap;

use serde::Serialize;
use traffic::ports::{Heartbeat, Queue, Store};
use traffic::workload::NO_SHAPE;

use super::locust_page;
use control::{Control, FormClass, Refusal, SwarmForm};
use statistics::state::State;

/// The percentiles that Locust's charts draw.
const TO_CHART: [f64; 2] = [0.5, 0.95];

/// The percentiles in Locust's table, beside the median.
const TO_STATISTICS: [f64; 2] = [0.95, 0.99];

/// Locust's own names, and `hosts`, which are shown where no single one is set.
#[derive(Serialize)]
pub(super) struct TemplateArgs {
    state: State,
    version: &'static str,
    locustfile: String,
    host: String,
    hosts: Vec<String>,
    /// What the run that is on grows or shrinks to.
    user_count: u32,
    /// What was asked for last.
    num_users: u32,
    spawn_rate: f64,
    run_time: Option<u64>,
    show_userclass_picker: bool,
    available_user_classes: Vec<String>,
    available_user_tasks: BTreeMap<String, Vec<String>>,
    /// None, and the workload's.
    available_shape_classes: Vec<String>,
    /// What is chosen among them at first, if not none.
    shape_class: Option<String>,
    users: BTreeMap<String, User>,
    hide_common_options: bool,
    shape_use_common_options: bool,
    override_host_warning: bool,
    missing_host_warning: bool,
    is_host_required: bool,
    is_distributed: bool,
    worker_count: u32,
    stats_history_enabled: bool,
    percentiles_to_chart: [f64; 2],
    percentiles_to_statistics: [f64; 2],
    extra_options: BTreeMap<String, String>,
    /// Comes by itself, so that the page need not wait for it.
    history: [u8; 0],
}

/// A user class in the picker.
#[derive(Serialize)]
struct User {
    host: String,
    weight: u32,
    fixed_count: u32,
    tasks: Vec<String>,
}

impl TemplateArgs {
    /// As they are now.
    ///
    /// # Errors
    /// When the run or the workload cannot be read.
    pub(super) async fn now<S: Store, Q: Queue, H: Heartbeat>(
        control: &Control<S, Q, H>,
    ) -> Result<Self, Refusal> {
        Ok(Self::from(control.swarm_form().await?))
    }

    /// The same for Locust's own page, which stops looking at a state of `stopping`.
    pub(super) fn for_locusts_page(self) -> Self {
        let state = locust_page::known(self.state);
        Self { state, ..self }
    }
}

impl From<SwarmForm> for TemplateArgs {
    fn from(offer: SwarmForm) -> Self {
        let last = offer.last.as_ref();
        let asked = last.map_or(0, |last| last.user_count);
        let is_on = !matches!(offer.state, State::Ready | State::Stopped);
        let run_time = last.and_then(|last| Some(last.until?.since(last.from).as_secs()));
        let tasks = |class: &FormClass| (class.name.clone(), class.tasks.clone());
        Self {
            state: offer.state,
            version: env!("CARGO_PKG_VERSION"),
            locustfile: format!("workload {}", offer.workload),
            override_host_warning: offer.hosts.len() > 1,
            hosts: offer.hosts,
            host: offer.host.unwrap_or_default(),
            user_count: if is_on { asked } else { 0 },
            num_users: asked.max(1),
            spawn_rate: last.map_or(1.0, |last| last.spawn_rate),
            run_time,
            show_userclass_picker: true,
            available_user_classes: offer
                .classes
                .iter()
                .map(|class| class.name.clone())
                .collect(),
            available_user_tasks: offer.classes.iter().map(tasks).collect(),
            available_shape_classes: std::iter::once(NO_SHAPE.to_owned())
                .chain(offer.shapes)
                .collect(),
            shape_class: offer.shape,
            users: offer.classes.into_iter().map(user).collect(),
            hide_common_options: offer.is_shaped,
            shape_use_common_options: false,
            missing_host_warning: false,
            is_host_required: false,
            is_distributed: false,
            worker_count: 0,
            stats_history_enabled: true,
            percentiles_to_chart: TO_CHART,
            percentiles_to_statistics: TO_STATISTICS,
            extra_options: BTreeMap::new(),
            history: [],
        }
    }
}

fn user(class: FormClass) -> (String, User) {
    let user = User {
        host: class.host,
        weight: class.weight,
        fixed_count: class.fixed_count,
        tasks: class.tasks,
    };
    (class.name, user)
}
