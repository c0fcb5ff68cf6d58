//! Locust's template arguments: its page is made of them before it asks for anything.

use std::collections::BTreeMap;

use control::{FormClass, SwarmForm};
use serde::Serialize;
use statistics::state::State;
use traffic::workload::NO_SHAPE;
use utoipa::ToSchema;

use super::door::Session;
use super::locust_page;
use super::trace_url::TraceUrl;

/// The percentiles that Locust's charts draw.
const TO_CHART: [f64; 2] = [0.5, 0.95];

/// The percentiles in Locust's table, beside the median.
const TO_STATISTICS: [f64; 2] = [0.95, 0.99];

/// Locust's own names; `hosts`, which are shown where no single one is set; and `can_log_out`.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplateArgs {
    state: State,
    version: &'static str,
    locustfile: String,
    host: String,
    hosts: Vec<String>,
    /// The users that the run that is on grows or shrinks to.
    user_count: u32,
    /// The users that were asked for last.
    num_users: u32,
    spawn_rate: f64,
    #[schema(required)]
    run_time: Option<u64>,
    show_userclass_picker: bool,
    available_user_classes: Vec<String>,
    available_user_tasks: BTreeMap<String, Vec<String>>,
    /// None, and the workload's.
    available_shape_classes: Vec<String>,
    /// The one that is chosen at first, if any is.
    #[schema(required)]
    shape_class: Option<String>,
    users: BTreeMap<String, UserClass>,
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
    /// Where to look at a trace: a URL with `{trace_id}` in it.
    #[schema(required)]
    trace_url: Option<String>,
    /// True if whoever asks has logged in by the form, and not by HTTP Basic.
    can_log_out: bool,
    /// Comes by itself, so that the page need not wait for it.
    #[schema(value_type = Vec<Value>)]
    history: [u8; 0],
}

/// A user class in the picker.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UserClass {
    host: String,
    weight: u32,
    fixed_count: u32,
    tasks: Vec<String>,
}

impl TemplateArgs {
    /// The same with a place where traces are.
    pub(super) fn with_traces_at(self, url: Option<&TraceUrl>) -> Self {
        let trace_url = url.and_then(TraceUrl::text);
        Self { trace_url, ..self }
    }

    /// The same for whoever has this session.
    pub(super) fn within(self, session: Option<Session>) -> Self {
        let can_log_out = session.is_some();
        Self {
            can_log_out,
            ..self
        }
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
            trace_url: None,
            can_log_out: false,
            history: [],
        }
    }
}

fn user(class: FormClass) -> (String, UserClass) {
    let user = UserClass {
        host: class.host,
        weight: class.weight,
        fixed_count: class.fixed_count,
        tasks: class.tasks,
    };
    (class.name, user)
}
