//! A question about the cost of some traffic: the options of `cicada cost` and the parameters of `GET /cost`.
//!
//! Each field is both; its comment is the option's help and the parameter's description.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::{Map, Value};
use traffic::clock::Timestamp;
use traffic::plan::peak_users;
use traffic::record::{BLOCK_USERS, BlockSize};
use traffic::run::Share;
use traffic::run_rules::{InvalidField, known_class};
use traffic::runs::LoadedRun;
use traffic::workload::Workload;
use utoipa::IntoParams;

use super::assumptions::{Architecture, Assumptions};
use super::average::run_of_shape;
use super::estimate::{Estimate, Schedule};
use super::hours::Hours;
use super::prices::Prices;
use super::response_times::ResponseTimes;
use super::sampled_window::run_of;

/// The time that somebody watches, where the question does not say it.
const WATCHED: Hours = Hours::a_day(1.0);

/// A question about the cost of some traffic.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, IntoParams)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Question {
    /// Number of users, shared among the classes by their weights.
    #[cfg_attr(feature = "clap", arg(
        short = 'u', long, value_name = "N",
        required_unless_present_any = ["class_counts", "shape"]
    ))]
    #[serde(deserialize_with = "some_number")]
    #[param(minimum = 1, maximum = 10_000, example = 50)]
    pub users: Option<u64>,

    /// Users of single classes: JSON such as {"ModelAUser": 2}, or CLASS=N for each; may be repeated.
    #[cfg_attr(feature = "clap", arg(long, value_name = "JSON|CLASS=N", num_args = 1.., conflicts_with = "users"))]
    #[param(required = false, value_type = Option<String>)]
    pub class_counts: Vec<String>,

    /// A load shape of the workload: as many users as it has on average, in place of users and class counts.
    #[cfg_attr(feature = "clap", arg(
        long, value_name = "NAME", conflicts_with_all = ["users", "class_counts"]
    ))]
    pub shape: Option<String>,

    /// Users started in a second when a run begins; without it all are there after a minute, which is not counted.
    #[cfg_attr(
        feature = "clap",
        arg(short = 'r', long, value_name = "N", conflicts_with = "shape")
    )]
    #[serde(deserialize_with = "some_number")]
    #[param(minimum = 0.001, maximum = 10_000, example = 1)]
    pub spawn_rate: Option<f64>,

    /// When traffic is on: 8/day, 40/week or 100/month.
    #[cfg_attr(feature = "clap", arg(long, value_name = "HOURS", default_value_t = Question::default().hours))]
    #[param(required = false, value_type = Option<String>, example = "8/day")]
    pub hours: Hours,

    /// When somebody watches the statistics, within those hours; 1/day, or all of less, if it is not said.
    #[cfg_attr(feature = "clap", arg(long, value_name = "HOURS"))]
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, example = "1/day")]
    pub watch_hours: Option<Hours>,

    /// How long requests take on average, in seconds: SECONDS of all, or CLASS=SECONDS or REQUEST=SECONDS; may be
    /// repeated. Without it they take what the stand-in targets take.
    #[cfg_attr(feature = "clap", arg(long, value_name = "SECONDS"))]
    #[param(required = false, value_type = Option<String>, example = "0.2")]
    pub response_time: Vec<String>,

    /// Memory of the tick function in MB; without it, the least that the traffic needs.
    #[cfg_attr(feature = "clap", arg(long, value_name = "MB"))]
    #[serde(deserialize_with = "some_number")]
    #[param(minimum = 128, maximum = 10_240)]
    pub memory: Option<u32>,

    /// What the functions run on.
    #[cfg_attr(feature = "clap", arg(long, value_enum, default_value_t = Question::default().architecture))]
    #[param(required = false, inline)]
    pub architecture: Architecture,

    /// How many ticks of a second one message carries at most.
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", default_value_t = Question::default().ticks_per_message))]
    #[serde(deserialize_with = "number")]
    #[param(required = false, minimum = 1, maximum = 100)]
    pub ticks_per_message: u32,

    /// How many tick functions may run at once.
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", default_value_t = Question::default().max_concurrency))]
    #[serde(deserialize_with = "number")]
    #[param(required = false, minimum = 2, maximum = 1_000)]
    pub max_concurrency: u32,

    /// How many users one tick executes at most.
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", default_value_t = Question::default().block_size))]
    #[serde(deserialize_with = "number")]
    #[param(required = false, minimum = 1, maximum = 100)]
    pub block_size: u32,

    /// How long records are kept.
    #[cfg_attr(feature = "clap", arg(long, value_name = "DAYS", default_value_t = Question::default().retention_days))]
    #[serde(deserialize_with = "number")]
    #[param(required = false, minimum = 1, maximum = 3_650)]
    pub retention_days: u32,

    /// How many alarms the deployment has.
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", default_value_t = Question::default().alarms))]
    #[serde(deserialize_with = "number")]
    #[param(required = false, minimum = 0, maximum = 10_000)]
    pub alarms: u32,

    /// The region whose prices hold; without it, the first of the prices.
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME"))]
    #[param(example = "eu-central-1")]
    pub region: Option<String>,
}

impl Default for Question {
    /// A deployment as `infra/deploy` makes it, with traffic all the time and nobody in it.
    fn default() -> Self {
        let usual = Assumptions::default();
        Self {
            users: None,
            class_counts: Vec::new(),
            shape: None,
            spawn_rate: None,
            hours: Hours::ALWAYS,
            watch_hours: None,
            response_time: Vec::new(),
            memory: None,
            architecture: usual.architecture,
            ticks_per_message: usual.ticks_per_message as u32,
            max_concurrency: usual.tick_concurrency,
            block_size: BLOCK_USERS,
            retention_days: usual.retention_days as u32,
            alarms: usual.alarms,
            region: None,
        }
    }
}

impl Question {
    /// The question of a query's parameters. Of one that can be given once the first counts, and an empty one is none.
    pub fn of_parameters<'a>(
        parameters: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
    ) -> Result<Self, String> {
        let parameters_known = Self::into_params(|| None).into_iter();
        let known: Vec<String> = parameters_known.map(|parameter| parameter.name).collect();
        let mut fields = Map::new();
        for (name, value) in parameters {
            if !known.iter().any(|known| *known == name) {
                let (shown, known) = (shortened(&name), known.join(", "));
                return Err(format!(
                    "query has the unknown parameter {shown:?}: write one of {known}"
                ));
            }
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            if matches!(&*name, "class_counts" | "response_time") {
                let values = fields
                    .entry(name)
                    .or_insert_with(|| Value::Array(Vec::new()));
                if let Some(values) = values.as_array_mut() {
                    values.push(value.into());
                }
            } else {
                fields.entry(name).or_insert_with(|| value.into());
            }
        }
        serde_path_to_error::deserialize(Value::Object(fields))
            .map_err(|error| format!("{} {}", error.path(), error.inner()))
    }

    /// The users of single classes, by name.
    pub fn class_counts(&self) -> Result<BTreeMap<String, u64>, InvalidField> {
        let refused = |problem| InvalidField::new("class_counts", problem);
        let mut all = BTreeMap::new();
        for text in &self.class_counts {
            if text.trim_start().starts_with('{') {
                let counts: BTreeMap<String, u64> =
                    serde_json::from_str(text).map_err(|error| {
                        refused(format!(
                            "is not JSON such as {{\"ModelAUser\": 2}}: {error}"
                        ))
                    })?;
                all.extend(counts);
                continue;
            }
            let counted = text.split_once('=');
            let counted =
                counted.and_then(|(name, count)| Some((name, count.trim().parse().ok()?)));
            let (name, count) = counted.ok_or_else(|| {
                let shown: String = text.chars().take(100).collect();
                refused(format!(
                    "{shown:?} is neither JSON nor CLASS=N: write ModelAUser=2"
                ))
            })?;
            all.insert(name.trim().to_owned(), count);
        }
        Ok(all)
    }

    /// The estimate for a workload and at most `most_users`; plays some minutes of the traffic.
    pub fn estimate(
        &self,
        workload: &Arc<Workload>,
        prices: &Prices,
        most_users: u32,
    ) -> Result<Estimate, InvalidField> {
        let schedule = self.schedule()?;
        let assumptions = self.assumptions(workload)?;
        within("block_size", self.block_size, &(1..=BLOCK_USERS))?;
        let block_size = BlockSize::new(self.block_size).unwrap_or_default();
        let run = match &self.shape {
            Some(shape) => self.run_of_shape(workload, shape, block_size, most_users)?,
            None => {
                let (shares, users) = self.shares(workload, most_users)?;
                let workload = Arc::clone(workload);
                run_of(workload, shares, users, block_size, self.spawn_rate)
            }
        };
        let prices = match &self.region {
            Some(region) => Cow::Owned(prices.of_region(region)?),
            None => Cow::Borrowed(prices),
        };
        let mut estimate = Estimate::of(&run, schedule, &assumptions, &prices);
        estimate.assumed.extend(self.assumed(&prices));
        Ok(estimate)
    }

    /// The answers that the question leaves to us.
    fn assumed(&self, prices: &Prices) -> Vec<String> {
        let mut assumed = Vec::new();
        if self.response_time.is_empty() {
            let times = "those of the stand-in targets, 0.05 s for any other request";
            assumed.push(format!("response times: {times} (--response-time)"));
        }
        if self.spawn_rate.is_none() && self.shape.is_none() {
            assumed.push("ramp: all users are there after the first minute (--spawn-rate)".into());
        }
        if self.region.is_none() {
            assumed.push(format!("region: {} (--region)", prices.region));
        }
        if !prices.unverified.is_empty() {
            let services = prices.unverified.join(", ");
            assumed.push(format!(
                "prices: those of {services} in {} were not found, another region's stand for them",
                prices.region
            ));
        }
        assumed
    }

    fn run_of_shape(
        &self,
        workload: &Arc<Workload>,
        shape: &str,
        block_size: BlockSize,
        most_users: u32,
    ) -> Result<LoadedRun, InvalidField> {
        const FIELD: &str = "shape";
        if self.users.is_some() || !self.class_counts.is_empty() {
            let problem = "is given beside users or class_counts: leave one of them out";
            return Err(InvalidField::new(FIELD, problem));
        }
        if self.spawn_rate.is_some() {
            let problem = "is given beside spawn_rate: a shape has its own, leave one of them out";
            return Err(InvalidField::new(FIELD, problem));
        }
        let run = run_of_shape(Arc::clone(workload), shape, block_size);
        let run = run.map_err(|unknown| InvalidField::new(FIELD, unknown.problem))?;
        if peak_users(run.plan.run(), Timestamp::from_micros(u64::MAX)) > u64::from(most_users) {
            let problem = format!("has more than {most_users} users: choose another");
            return Err(InvalidField::new(FIELD, problem));
        }
        Ok(run)
    }

    /// Each class's share of the users, and the number of users.
    fn shares(&self, workload: &Workload, most: u32) -> Result<(Vec<Share>, u32), InvalidField> {
        let refused = |field, problem: String| Err(InvalidField::new(field, problem));
        let (field, problem, shares, users): (_, _, Vec<Share>, u64) = match self.users {
            Some(_) if !self.class_counts.is_empty() => {
                let problem = "is given beside users: leave one of them out";
                return refused("class_counts", problem.into());
            }
            None if self.class_counts.is_empty() => {
                let problem = "is missing: say how many users there are, such as 50";
                return refused("users", problem.into());
            }
            Some(users) => {
                let shares = workload.classes().iter().map(|class| class.share());
                let problem = format!("must be a whole number from 1 to {most}");
                ("users", problem, shares.collect(), users)
            }
            None => {
                let counts = self.class_counts()?;
                for name in counts.keys() {
                    known_class(workload, "class_counts", name)?;
                }
                let users = counts.values();
                let users = users.fold(0_u64, |sum, count| sum.saturating_add(*count));
                let counts = counts.into_iter().filter(|(_, count)| *count > 0);
                let shares = counts.map(|(class, count)| Share {
                    class,
                    weight: 1,
                    // no more than all of them are, which is looked at below
                    fixed_count: count as u32,
                });
                let problem = format!("must come to 1 to {most} users in all");
                ("class_counts", problem, shares.collect(), users)
            }
        };
        match u32::try_from(users) {
            Ok(users) if (1..=most).contains(&users) => Ok((shares, users)),
            _ => refused(field, problem),
        }
    }

    fn schedule(&self) -> Result<Schedule, InvalidField> {
        let hours = self.hours;
        let watch_hours = match self.watch_hours {
            Some(watched) if watched.in_month() > hours.in_month() => {
                let problem = format!(
                    "{watched} is more than traffic is on for, {hours}: count only hours with traffic"
                );
                return Err(InvalidField::new("watch_hours", problem));
            }
            Some(watched) => watched,
            None if hours.in_month() < WATCHED.in_month() => hours,
            None => WATCHED,
        };
        Ok(Schedule { hours, watch_hours })
    }

    fn assumptions(&self, workload: &Workload) -> Result<Assumptions, InvalidField> {
        let mut response_times = ResponseTimes::default();
        for text in &self.response_time {
            response_times.set(text, workload)?;
        }
        if let Some(spawn_rate) = self.spawn_rate {
            within("spawn_rate", spawn_rate, &(0.001..=10_000.0))?;
        }
        if let Some(memory) = self.memory {
            within("memory", memory, &(128..=10_240))?;
        }
        within("ticks_per_message", self.ticks_per_message, &(1..=100))?;
        within("max_concurrency", self.max_concurrency, &(2..=1_000))?;
        within("retention_days", self.retention_days, &(1..=3_650))?;
        within("alarms", self.alarms, &(0..=10_000))?;
        Ok(Assumptions {
            response_times,
            has_ramp: self.spawn_rate.is_some(),
            architecture: self.architecture,
            tick_memory_mb: self.memory,
            ticks_per_message: self.ticks_per_message as usize,
            tick_concurrency: self.max_concurrency,
            retention_days: f64::from(self.retention_days),
            alarms: self.alarms,
            ..Assumptions::default()
        })
    }
}

fn within<N: Copy + PartialOrd + Display + FromStr>(
    field: &'static str,
    value: N,
    range: &RangeInclusive<N>,
) -> Result<(), InvalidField> {
    if range.contains(&value) {
        return Ok(());
    }
    let (kind, from, to) = (kind::<N>(), range.start(), range.end());
    let problem = format!("must be a {kind} from {from} to {to}");
    Err(InvalidField::new(field, problem))
}

/// A number that is written as text.
fn number<'de, D: Deserializer<'de>, N: FromStr>(deserializer: D) -> Result<N, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        let (shown, kind) = (shortened(&text), kind::<N>());
        D::Error::custom(format!("is {shown:?}: write a {kind}"))
    })
}

/// The kind of numbers that a type has, in words.
fn kind<N: FromStr>() -> &'static str {
    if N::from_str("0.5").is_ok() {
        "number"
    } else {
        "whole number"
    }
}

fn some_number<'de, D: Deserializer<'de>, N: FromStr>(from: D) -> Result<Option<N>, D::Error> {
    number(from).map(Some)
}

fn some<'de, D: Deserializer<'de>, V: Deserialize<'de>>(from: D) -> Result<Option<V>, D::Error> {
    V::deserialize(from).map(Some)
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let hours = text.parse::<Self>();
        hours.map_err(|error| D::Error::custom(format!("is {:?}: {error}", shortened(&text))))
    }
}

/// A text from elsewhere, as much of it as a message shows.
fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}
