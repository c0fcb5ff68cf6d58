//! The users, classes and hosts of a run, from the request for a swarm; all of them checked.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use traffic::clock::Timestamp;
use traffic::credentials::Credentials;
use traffic::run::{Segment, ShapePart, Share};
use traffic::run_rules::InvalidField;
use traffic::workload::{Course, Workload};

use super::request::SwarmRequest;
use super::said_host::SaidHost;
use super::settings::ControlSettings;

mod shape;
mod stage;

use shape::{chosen_shape, of_shape};
pub(super) use stage::Context;
use stage::{TargetStage, without_shape};

/// The stages and the end of a run from some instant on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    /// One after another; without a shape there is one.
    stages: Vec<TargetStage>,
    /// The time to the end of the run; `None` for one without an end.
    lasts: Option<Duration>,
    /// The load shape whose stages these are.
    pub(super) shape: Option<String>,
    /// The host of this request or of the last one that had any.
    pub(super) host: Option<String>,
    /// The user and password of the host, if it had any, and the base URL that they are for.
    pub(super) secret: Option<(Url, Credentials)>,
}

/// The segments of one of a workload's shapes from an instant on, with all classes and their own hosts. Of an adaptive
/// load they are those of the whole climb, as if its target always held.
pub fn segments_of_shape(
    workload: &Arc<Workload>,
    name: &str,
    from: Timestamp,
) -> Result<Vec<Segment>, InvalidField> {
    let request = SwarmRequest {
        shape_class: Some(name.to_owned()),
        ..SwarmRequest::default()
    };
    let settings = ControlSettings::new(Arc::clone(workload));
    let context = Context::of(&settings, workload, None);
    let mut segments = Target::resolve(&request, &context)?.segments(from);
    if let Some(Course::Adaptive(adaptive)) = workload.shape(name).map(|shape| shape.course()) {
        while let Some(last) = segments.last()
            && let Some(user_count) = adaptive.above(last.user_count)
        {
            let from = last.from + Duration::from_secs(adaptive.every);
            segments.push(Segment {
                from,
                user_count,
                ..last.clone()
            });
        }
    }
    Ok(segments)
}

/// Refuses a workload of which a class would send to a host that is not allowed.
pub(super) fn check_hosts(
    settings: &ControlSettings,
    workload: &Workload,
) -> Result<(), InvalidField> {
    let context = Context::of(settings, workload, settings.host.clone());
    let names = workload.classes().iter().map(|class| class.name());
    let names: Vec<String> = names.map(ToString::to_string).collect();
    let shares = settings.shares(workload, &names)?;
    let hosts = hosts(context.host.as_deref(), &shares, &context);
    settings.rules.check_hosts(&shares, &hosts, workload)
}

impl Target {
    /// The target that `request` asks for.
    pub(super) fn resolve(
        request: &SwarmRequest,
        context: &Context<'_>,
    ) -> Result<Self, InvalidField> {
        let said = request.host.as_deref().map(SaidHost::read).transpose()?;
        let keyring = context.settings.rules.keyring.as_ref();
        let said = said.map(|said| said.for_keyring(keyring)).transpose()?;
        let (host, secret) = match said {
            Some(SaidHost { text, secret }) => (Some(text), secret),
            None => (context.host.clone(), None),
        };
        let shape = chosen_shape(request, context)?;
        let stages = match shape {
            None => vec![without_shape(request, context)?],
            Some(shape) => of_shape(shape, request, context)?,
        };
        let with_hosts = stages.into_iter().map(|stage| {
            let hosts = hosts(host.as_deref(), &stage.shares, context);
            let rules = &context.settings.rules;
            rules.check_hosts(&stage.shares, &hosts, context.workload)?;
            Ok(TargetStage { hosts, ..stage })
        });
        let stages = with_hosts.collect::<Result<_, InvalidField>>()?;
        let run_time = request.run_time.filter(|time| !time.is_zero());
        let shape_lasts = shape.and_then(|shape| shape.lasts());
        let ends = [run_time, shape_lasts];
        Ok(Self {
            stages,
            lasts: ends.into_iter().flatten().min(),
            shape: shape.map(|shape| shape.name().to_string()),
            host,
            secret,
        })
    }

    /// The target as segments of a run that begin at `from`.
    pub(super) fn segments(&self, from: Timestamp) -> Vec<Segment> {
        let until = self.lasts.map(|time| from + time);
        let begin = self
            .stages
            .iter()
            .map(|stage| (from + Duration::from_secs(stage.after), stage));
        // a run time may end a shape early
        let begin = begin.filter(|(begins, _)| until.is_none_or(|until| *begins < until));
        let segments = begin.map(|(begins, stage)| Segment {
            from: begins,
            user_count: stage.user_count,
            spawn_rate: stage.spawn_rate,
            shares: stage.shares.clone(),
            host: self.host.clone(),
            hosts: stage.hosts.clone(),
            until,
            shape: self.shape.as_ref().map(|name| ShapePart {
                name: name.clone(),
                daily: stage
                    .daily
                    .as_ref()
                    .map(|daily| daily.from(begins.full_second())),
                step: (stage.adaptive.as_ref()).map(|adaptive| adaptive.first_step(begins)),
            }),
        });
        segments.collect()
    }

    /// The names of the classes, sorted.
    pub(super) fn classes(&self) -> Vec<String> {
        let shares = self.stages.iter().flat_map(|stage| &stage.shares);
        let mut names: Vec<String> = shares.map(|share| share.class.clone()).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// The classes that do not send to their own host of the workload, each with its host.
///
/// A host equal to one of the workload's hosts is ignored: every class keeps its own.
fn hosts(host: Option<&str>, shares: &[Share], context: &Context<'_>) -> Vec<(String, String)> {
    let own = context.workload.hosts();
    let known = |host: &str| own.iter().any(|own| own.is_at(host));
    let common = host
        .map(str::trim)
        .filter(|host| !host.is_empty() && !known(host));
    let of_class = |share: &Share| {
        let configured = || {
            let class = context.workload.class(&share.class);
            let host = context.settings.class_host(&share.class);
            host.filter(|_| !class.is_some_and(|class| class.set().host))
        };
        let host = common.or_else(configured)?;
        Some((
            share.class.clone(),
            host.trim().trim_end_matches('/').to_owned(),
        ))
    };
    shares.iter().filter_map(of_class).collect()
}
