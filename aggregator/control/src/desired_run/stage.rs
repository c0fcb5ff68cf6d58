//! A stage of a run: its users and their classes, from the request for a swarm.

use std::collections::BTreeMap;

use traffic::run::Share;
use traffic::run_rules::{InvalidField, Limits, known_class};
use traffic::workload::{Adaptive, Daily, Workload};

use crate::request::SwarmRequest;
use crate::settings::ControlSettings;

/// The settings and the run that a request is resolved against.
pub(crate) struct Context<'c> {
    pub(crate) settings: &'c ControlSettings,
    /// The workload of the run that is changed, or of the one that is started.
    pub(crate) workload: &'c Workload,
    /// The classes that run already, if a run is changed.
    pub(crate) running: Option<Vec<String>>,
    /// The host of the last request, or the configured one.
    pub(crate) host: Option<String>,
}

impl<'c> Context<'c> {
    /// The context of a run that is started.
    pub(crate) fn of(
        settings: &'c ControlSettings,
        workload: &'c Workload,
        host: Option<String>,
    ) -> Self {
        Self {
            settings,
            workload,
            running: None,
            host,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct TargetStage {
    /// The seconds from the begin of the target to the begin of this stage.
    pub(super) after: u64,
    pub(super) user_count: u32,
    pub(super) spawn_rate: f64,
    pub(super) shares: Vec<Share>,
    pub(super) hosts: Vec<(String, String)>,
    pub(super) daily: Option<Daily>,
    pub(super) adaptive: Option<Adaptive>,
}

/// The one stage of a request without a shape.
pub(super) fn without_shape(
    request: &SwarmRequest,
    context: &Context<'_>,
) -> Result<TargetStage, InvalidField> {
    let limits = &context.settings.rules.limits;
    let (shares, exact) = shares(request, context)?;
    Ok(TargetStage {
        after: 0,
        user_count: user_count(request.user_count, exact, limits)?,
        spawn_rate: spawn_rate(request.spawn_rate, limits.max_spawn_rate)?,
        shares,
        hosts: Vec::new(),
        daily: None,
        adaptive: None,
    })
}

/// The classes that are to run and, if the request has exact numbers of users, their sum.
pub(super) fn shares(
    request: &SwarmRequest,
    context: &Context<'_>,
) -> Result<(Vec<Share>, Option<u64>), InvalidField> {
    let Context {
        settings, workload, ..
    } = context;
    let mut names = request.user_classes.clone();
    names.retain(|name| !name.is_empty());
    for name in &names {
        known_class(workload, "user_classes", name)?;
    }
    if let Some(counts) = &request.user_classes_count {
        if !names.is_empty() {
            let problem = "is given beside user_classes: leave one of them out";
            return Err(InvalidField::new("user_classes_count", problem));
        }
        let (shares, total) = exact_shares(counts, workload)?;
        if !shares.is_empty() {
            return Ok((shares, Some(total)));
        }
    }
    if names.is_empty() {
        names = match &context.running {
            Some(running) => running.clone(),
            None => {
                // the settings may be older than the workload
                settings.fits(workload)?;
                settings.selected(workload)
            }
        };
    }
    names.sort();
    names.dedup();
    let total = request.user_classes_count.as_ref().map(|_| 0);
    Ok((settings.shares(workload, &names)?, total))
}

/// The shares of exact numbers of users, and their sum; a class without users is left out.
fn exact_shares(
    counts: &BTreeMap<String, u64>,
    workload: &Workload,
) -> Result<(Vec<Share>, u64), InvalidField> {
    const FIELD: &str = "user_classes_count";
    let mut shares = Vec::new();
    let mut total = 0_u64;
    for (name, &count) in counts {
        known_class(workload, FIELD, name)?;
        total = total.saturating_add(count);
        let fixed_count = u32::try_from(count).map_err(|_| {
            InvalidField::new(FIELD, format!("asks for too many users of {name}: {count}"))
        })?;
        if fixed_count > 0 {
            shares.push(Share::new(name, 1, fixed_count));
        }
    }
    Ok((shares, total))
}

fn user_count(
    asked: Option<u64>,
    exact: Option<u64>,
    limits: &Limits,
) -> Result<u32, InvalidField> {
    let (field, count) = match (asked, exact) {
        (Some(asked), Some(exact)) if asked != exact => {
            let problem = format!("is {asked}, but user_classes_count adds up to {exact}");
            return Err(InvalidField::new("user_count", problem));
        }
        (_, Some(exact)) => ("user_classes_count", exact),
        (Some(asked), None) => ("user_count", asked),
        (None, None) => {
            let problem = "is missing: say how many users to run, such as 10";
            return Err(InvalidField::new("user_count", problem));
        }
    };
    match u32::try_from(count) {
        Ok(count) if count <= limits.max_users => Ok(count),
        _ => {
            let more = limits.more_users.unwrap_or_default();
            let problem = format!("is above the limit of {} users{more}", limits.max_users);
            Err(InvalidField::new(field, problem))
        }
    }
}

fn spawn_rate(asked: Option<f64>, most: f64) -> Result<f64, InvalidField> {
    let problem = match asked {
        None => "is missing: say how many users to start a second, such as 1".to_owned(),
        Some(rate) if !rate.is_finite() || rate <= 0.0 => {
            "must be a number above 0: say how many users to start a second, such as 1".to_owned()
        }
        Some(rate) if rate > most => format!("is above the limit of {most} users a second"),
        Some(rate) => return Ok(rate),
    };
    Err(InvalidField::new("spawn_rate", problem))
}
