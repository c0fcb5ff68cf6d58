//! The rules of a deployment that a run must obey: to begin, and to go on in a process that has other rules.
//!
//! The control grants a swarm by them; whoever takes a run up, in another process or minute, asks
//! [`Deployment::end_what_does_not_fit`](crate::deployment::Deployment::end_what_does_not_fit).

use reqwest::Url;

use crate::base_url::base_url;
use crate::clock::Timestamp;
use crate::credentials::{Keyring, without_credentials};
use crate::host_allowlist::{AllowedHosts, HostRefused};
use crate::run::{Segment, Share};
use crate::runs::LoadedRun;
use crate::workload::Workload;

/// The longest name that a message repeats, in characters.
const SHOWN: usize = 100;

/// A field of a request or a setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct InvalidField {
    /// The field's name, as the caller knows it.
    pub field: &'static str,
    /// The mistake and the remedy, as the rest of the sentence.
    pub problem: String,
}

impl InvalidField {
    /// A mistake in `field`.
    pub fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self {
            field,
            problem: problem.into(),
        }
    }
}

/// The most that a swarm may ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The most users.
    pub max_users: u32,
    /// The most users started or stopped a second.
    pub max_spawn_rate: f64,
    /// The end of the message about too many users, for a limit that nobody has set: its reason and the remedy.
    pub more_users: Option<&'static str>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_users: 1_000_000,
            max_spawn_rate: 1_000_000.0,
            more_users: None,
        }
    }
}

/// The rules of runs; by default generous limits, all hosts, and no keyring.
#[derive(Clone, Debug, Default)]
pub struct RunRules {
    /// The most that a swarm may ask for.
    pub limits: Limits,
    /// The hosts that traffic may be sent to.
    pub allowed_hosts: AllowedHosts,
    /// The users and passwords of hosts; without a keyring, a host may have none.
    pub keyring: Option<Keyring>,
}

impl RunRules {
    /// Refuses a run if a swarm could not ask `now` for its segment that is on, or for a later one.
    pub(crate) fn check(&self, run: &LoadedRun, now: Timestamp) -> Result<(), InvalidField> {
        let segments = &run.plan.run().segments;
        let begun = segments.partition_point(|segment| segment.from <= now);
        let mut rest = segments[begun.saturating_sub(1)..].iter();
        rest.try_for_each(|segment| self.check_segment(segment, &run.workload))
    }

    fn check_segment(&self, segment: &Segment, workload: &Workload) -> Result<(), InvalidField> {
        let limits = &self.limits;
        if segment.user_count > limits.max_users {
            let problem = format!(
                "is {}, above the limit of {} users",
                segment.user_count, limits.max_users
            );
            return Err(InvalidField::new("user_count", problem));
        }
        // a curve is steeper than the ramp to its first point
        let shape = segment.shape.as_ref();
        let curve = shape.filter(|shape| shape.daily.is_some());
        let curve = curve.and_then(|shape| workload.shape(&shape.name));
        let fastest = curve.map_or(0.0, |shape| shape.fastest());
        let spawn_rate = segment.spawn_rate.max(fastest);
        if spawn_rate > limits.max_spawn_rate {
            let most = limits.max_spawn_rate;
            let problem = format!("is {spawn_rate}, above the limit of {most} users a second");
            return Err(InvalidField::new("spawn_rate", problem));
        }
        for share in &segment.shares {
            known_class(workload, "user_classes", &share.class)?;
        }
        self.check_passwords(segment)?;
        self.check_hosts(&segment.shares, &segment.hosts, workload)
    }

    /// Refuses a segment for whose hosts this process lacks a user and a password.
    fn check_passwords(&self, segment: &Segment) -> Result<(), InvalidField> {
        let noted = segment.hosts.iter().filter(|(class, _)| class.is_empty());
        for (_, host) in noted {
            let keyring = self.keyring.as_ref().zip(base_url(host).ok());
            if !keyring.is_some_and(|(keyring, url)| keyring.knows(&url)) {
                let problem = format!(
                    "{host:?} was said with a user and a password, which are never kept: say them again with \
                     --host, or start a new run"
                );
                return Err(InvalidField::new("host", problem));
            }
        }
        Ok(())
    }

    /// Refuses classes whose requests would go to a host that is not allowed: to that of `hosts`, by class, or else to
    /// the class's own.
    pub fn check_hosts(
        &self,
        shares: &[Share],
        hosts: &[(String, String)],
        workload: &Workload,
    ) -> Result<(), InvalidField> {
        let check = |url: &Url, class: &str| {
            let checked = self.allowed_hosts.check(url);
            checked.map_err(|HostRefused { origin, reason }| {
                InvalidField::new("host", format!("{origin:?} of {class} {reason}"))
            })
        };
        for Share { class, .. } in shares {
            let elsewhere = hosts.iter().find(|(name, _)| name == class);
            match (
                elsewhere.map(|(_, host)| base_url(host)),
                workload.class(class),
            ) {
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
}

/// Refuses a class that the workload does not have; the message names those that it has.
pub fn known_class(
    workload: &Workload,
    field: &'static str,
    name: &str,
) -> Result<(), InvalidField> {
    if workload.class(name).is_some() {
        return Ok(());
    }
    let meant = workload.class_like(name);
    let meant = meant.map_or(String::new(), |meant| {
        format!(", perhaps {meant} was meant")
    });
    let classes = workload.classes().iter();
    let known: Vec<&str> = classes.map(|class| &**class.name()).collect();
    let known = known.join(", ");
    let name: String = without_credentials(name).chars().take(SHOWN).collect();
    let problem = format!("names the unknown class {name:?}{meant}; the workload has {known}");
    Err(InvalidField::new(field, problem))
}
