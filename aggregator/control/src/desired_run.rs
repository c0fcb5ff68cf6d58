//! From what a swarm asks for to what a run is to do: users, classes and hosts, all checked.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Url;
use traffic::clock::Timestamp;
use traffic::credentials::Credentials;
use traffic::host_allowlist::HostRefused;
use traffic::run::{Segment, ShapePart, Share};
use traffic::workload::{Daily, Workload, base_url};

use super::request::{InvalidField, SwarmRequest};
use super::said_host::SaidHost;
use super::settings::{Limits, Settings, known_class};

mod shape;

pub use shape::segments_of_shape;
use shape::{chosen_shape, of_shape};

/// What a run is to do from some instant on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    /// One after another; without a shape there is one.
    stages: Vec<TargetStage>,
    /// How long until it ends by itself, if it does.
    lasts: Option<Duration>,
    /// The load shape that says what the stages are.
    pub(super) shape: Option<String>,
    /// The host as it was last said.
    pub(super) host: Option<String>,
    /// The user and password that were said with it, if any were, and the base URL that they are for.
    pub(super) secret: Option<(Url, Credentials)>,
}

#[derive(Clone, Debug, PartialEq)]
struct TargetStage {
    /// Seconds until it begins.
    after: u64,
    user_count: u32,
    spawn_rate: f64,
    shares: Vec<Share>,
    hosts: Vec<(String, String)>,
    daily: Option<Daily>,
}

/// Refuses a workload of which a class would send to a host that is not allowed.
pub(super) fn check_hosts(settings: &Settings, workload: &Workload) -> Result<(), InvalidField> {
    let context = Context {
        settings,
        workload,
        running: None,
        host: settings.host.clone(),
    };
    let names = workload.classes().iter().map(|class| class.name());
    let names: Vec<String> = names.map(ToString::to_string).collect();
    let shares = settings.shares(workload, &names)?;
    let hosts = hosts(context.host.as_deref(), &shares, &context);
    allowed(&shares, &hosts, &context)
}

/// What a request is resolved against.
pub(super) struct Context<'c> {
    pub(super) settings: &'c Settings,
    /// The workload of the run that is changed, or of the one that is started.
    pub(super) workload: &'c Workload,
    /// The classes that run already, if a run is changed.
    pub(super) running: Option<Vec<String>>,
    /// The host as it was last said.
    pub(super) host: Option<String>,
}

impl Target {
    /// What `request` asks for.
    pub(super) fn resolve(
        request: &SwarmRequest,
        context: &Context<'_>,
    ) -> Result<Self, InvalidField> {
        let said = request.host.as_deref().map(SaidHost::read).transpose()?;
        let keyring = context.settings.keyring.as_ref();
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
            allowed(&stage.shares, &hosts, context)?;
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

    /// The same as segments of a run; what it lasts counts from the first one's instant.
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
            }),
        });
        segments.collect()
    }

    /// The names of its classes, sorted.
    pub(super) fn classes(&self) -> Vec<String> {
        let shares = self.stages.iter().flat_map(|stage| &stage.shares);
        let mut names: Vec<String> = shares.map(|share| share.class.clone()).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// What a request says of users itself.
fn without_shape(
    request: &SwarmRequest,
    context: &Context<'_>,
) -> Result<TargetStage, InvalidField> {
    let limits = &context.settings.limits;
    let (shares, exact) = shares(request, context)?;
    Ok(TargetStage {
        after: 0,
        user_count: user_count(request.user_count, exact, limits)?,
        spawn_rate: spawn_rate(request.spawn_rate, limits.max_spawn_rate)?,
        shares,
        hosts: Vec::new(),
        daily: None,
    })
}

/// The classes that are to run and, if the request says so, how many users they have together.
fn shares(
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
                // what is configured may be older than the workload
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

/// Exactly these users of these classes; a class with none is left out.
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
        _ => Err(InvalidField::new(field, limits.too_many_users())),
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

/// Refuses classes whose requests would go to a host that is not allowed.
pub(super) fn allowed(
    shares: &[Share],
    hosts: &[(String, String)],
    context: &Context<'_>,
) -> Result<(), InvalidField> {
    let check = |url: &Url, class: &str| {
        let checked = context.settings.allowed_hosts.check(url);
        checked.map_err(|HostRefused { origin, reason }| {
            InvalidField::new("host", format!("{origin:?} of {class} {reason}"))
        })
    };
    for Share { class, .. } in shares {
        let elsewhere = hosts.iter().find(|(name, _)| name == class);
        let own = context.workload.class(class);
        match (elsewhere.map(|(_, host)| base_url(host)), own) {
            (Some(Ok(host)), _) => check(&host, class)?,
            (Some(Err(instead)), _) => {
                let problem = format!("of {class} is no base URL: {instead}");
                return Err(InvalidField::new("host", problem));
            }
            (None, Some(own)) => check(own.host().url(), class)?,
            (None, None) => {}
        }
    }
    Ok(())
}

/// Which classes send their requests elsewhere than the workload says.
///
/// A host that already is one of the workload's only says what is so: it must not draw the traffic
/// of classes that belong to another.
fn hosts(host: Option<&str>, shares: &[Share], context: &Context<'_>) -> Vec<(String, String)> {
    let known = |host: &str| {
        context
            .workload
            .hosts()
            .iter()
            .any(|known| known.is_at(host))
    };
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
