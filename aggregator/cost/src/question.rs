//! What somebody asks to be estimated, whether on a command line or in a request: users or class counts, hours,
//! and what else differs from a usual deployment.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use traffic::clock::Timestamp;
use traffic::plan::peak_users;
use traffic::record::{BLOCK_USERS, BlockSize};
use traffic::run::Share;
use traffic::runs::LoadedRun;
use traffic::workload::Workload;

use super::{
    Architecture, Assumptions, Estimate, Hours, Prices, ResponseTimes, Schedule, run_of,
    run_of_shape,
};
use control::{InvalidField, Limits, known_class};

/// How long somebody watches unless it is said.
const WATCHED: Hours = Hours::a_day(1.0);

/// The tick function's memory in MB.
pub const MEMORY: RangeInclusive<u32> = 128..=10_240;

/// Ticks that one message carries at most.
pub const TICKS_PER_MESSAGE: RangeInclusive<u32> = 1..=100;

/// Users that a tick executes at most.
pub const BLOCK_SIZE: RangeInclusive<u32> = 1..=BLOCK_USERS;

/// Days that records are kept.
pub const RETENTION_DAYS: RangeInclusive<u32> = 1..=3_650;

/// Alarms of a deployment.
pub const ALARMS: RangeInclusive<u32> = 0..=10_000;

/// What somebody asks to be estimated; each field is one thing that may be said.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Users, shared among the classes by their weights; not together with `class_counts`.
    pub users: Option<u64>,
    /// Users of single classes.
    pub class_counts: BTreeMap<String, u64>,
    /// A load shape of the workload: as many users as it has on average; not together with the two above.
    pub shape: Option<String>,
    /// When traffic is on.
    pub hours: Hours,
    /// When somebody watches; an hour a day if not said, or all of less.
    pub watch_hours: Option<Hours>,
    /// What requests take: `SECONDS`, or `NAME=SECONDS` of a class or a request.
    pub response_times: Vec<String>,
    /// The tick function's memory in MB.
    pub memory: u32,
    /// What the functions run on.
    pub architecture: Architecture,
    /// How many ticks of a slot one message carries at most.
    pub ticks_per_message: u32,
    /// How many users a tick executes at most.
    pub block_size: u32,
    /// How long records are kept.
    pub retention_days: u32,
    /// How many alarms the deployment has.
    pub alarms: u32,
    /// The region that is shown.
    pub region: Option<String>,
    /// The most users that may be asked about.
    pub most_users: u32,
}

impl Default for Question {
    /// A deployment as `make deploy` makes it, with traffic all the time and nobody in it.
    fn default() -> Self {
        let usual = Assumptions::default();
        Self {
            users: None,
            class_counts: BTreeMap::new(),
            shape: None,
            hours: Hours::ALWAYS,
            watch_hours: None,
            response_times: Vec::new(),
            memory: usual.tick_memory_mb,
            architecture: usual.architecture,
            ticks_per_message: usual.ticks_per_message as u32,
            block_size: BLOCK_USERS,
            retention_days: usual.retention_days as u32,
            alarms: usual.alarms,
            region: None,
            most_users: Limits::default().max_users,
        }
    }
}

impl Question {
    /// Adds users of classes: from JSON such as `{"ModelAUser": 2}`, or from `CLASS=N`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn add_class_counts(&mut self, text: &str) -> Result<(), InvalidField> {
        const FIELD: &str = "class_counts";
        if text.trim_start().starts_with('{') {
            let counts = serde_json::from_str::<BTreeMap<String, u64>>(text);
            let counts = counts.map_err(|error| {
                let problem = format!("is not JSON such as {{\"ModelAUser\": 2}}: {error}");
                InvalidField::new(FIELD, problem)
            })?;
            self.class_counts.extend(counts);
            return Ok(());
        }
        let (name, count) = text
            .split_once('=')
            .and_then(|(name, count)| Some((name.trim(), count.trim().parse().ok()?)))
            .ok_or_else(|| {
                let shown: String = text.chars().take(100).collect();
                let problem = format!("{shown:?} is neither JSON nor CLASS=N: write ModelAUser=2");
                InvalidField::new(FIELD, problem)
            })?;
        self.class_counts.insert(name.to_owned(), count);
        Ok(())
    }

    /// What is asked for, for a workload; plays some minutes of it.
    ///
    /// # Errors
    /// When it cannot be had: the field is called as here.
    pub fn estimate(
        &self,
        workload: &Arc<Workload>,
        prices: &Prices,
    ) -> Result<Estimate, InvalidField> {
        let schedule = self.schedule()?;
        let assumptions = self.assumptions(workload)?;
        within("block_size", self.block_size, &BLOCK_SIZE)?;
        let block_size = BlockSize::new(self.block_size).unwrap_or_default();
        let run = match &self.shape {
            Some(shape) => self.run_of_shape(workload, shape, block_size)?,
            None => {
                let (shares, users) = self.shares(workload)?;
                run_of(Arc::clone(workload), shares, users, block_size)
            }
        };
        let mut prices = prices.clone();
        if let Some(region) = &self.region {
            let region: String = region.chars().take(60).collect();
            prices.region = format!("{region} (prices of {})", prices.region);
        }
        Ok(Estimate::of(&run, schedule, &assumptions, &prices))
    }

    fn run_of_shape(
        &self,
        workload: &Arc<Workload>,
        shape: &str,
        block_size: BlockSize,
    ) -> Result<LoadedRun, InvalidField> {
        const FIELD: &str = "shape";
        if self.users.is_some() || !self.class_counts.is_empty() {
            let problem = "is given beside users or class_counts: leave one of them out";
            return Err(InvalidField::new(FIELD, problem));
        }
        let run = run_of_shape(Arc::clone(workload), shape, block_size);
        let run = run.map_err(|unknown| InvalidField::new(FIELD, unknown.problem))?;
        let most = u64::from(self.most_users);
        if peak_users(run.plan.run(), Timestamp::from_micros(u64::MAX)) > most {
            let problem = format!("has more than {most} users: choose another");
            return Err(InvalidField::new(FIELD, problem));
        }
        Ok(run)
    }

    /// Whose users how many are, and how many it is in all.
    fn shares(&self, workload: &Workload) -> Result<(Vec<Share>, u32), InvalidField> {
        let most = self.most_users;
        let total = |users: u64| {
            let users = u32::try_from(users).ok();
            users.filter(|users| (1..=most).contains(users))
        };
        match (self.users, self.class_counts.is_empty()) {
            (Some(_), false) => Err(InvalidField::new(
                "class_counts",
                "is given beside users: leave one of them out",
            )),
            (None, true) => Err(InvalidField::new(
                "users",
                "is missing: say how many users there are, such as 50",
            )),
            (Some(users), true) => {
                let users = total(users).ok_or_else(|| {
                    let problem = format!("must be a whole number from 1 to {most}");
                    InvalidField::new("users", problem)
                })?;
                let shares = workload.classes().iter().map(|class| class.share());
                Ok((shares.collect(), users))
            }
            (None, false) => {
                for name in self.class_counts.keys() {
                    known_class(workload, "class_counts", name)?;
                }
                let counts = self.class_counts.values();
                let users = counts.fold(0_u64, |sum, count| sum.saturating_add(*count));
                let users = total(users).ok_or_else(|| {
                    let problem = format!("must come to 1 to {most} users in all");
                    InvalidField::new("class_counts", problem)
                })?;
                let counts = self.class_counts.iter().filter(|(_, count)| **count > 0);
                let shares = counts.map(|(name, count)| Share {
                    class: name.clone(),
                    weight: 1,
                    // no more than all of them are
                    fixed_count: *count as u32,
                });
                Ok((shares.collect(), users))
            }
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
        for text in &self.response_times {
            let set = response_times.set(text, workload);
            set.map_err(|error| InvalidField::new("response_time", error.to_string()))?;
        }
        within("memory", self.memory, &MEMORY)?;
        within(
            "ticks_per_message",
            self.ticks_per_message,
            &TICKS_PER_MESSAGE,
        )?;
        within("retention_days", self.retention_days, &RETENTION_DAYS)?;
        within("alarms", self.alarms, &ALARMS)?;
        Ok(Assumptions {
            response_times,
            architecture: self.architecture,
            tick_memory_mb: self.memory,
            ticks_per_message: self.ticks_per_message as usize,
            retention_days: f64::from(self.retention_days),
            alarms: self.alarms,
            ..Assumptions::default()
        })
    }
}

fn within(
    field: &'static str,
    value: u32,
    range: &RangeInclusive<u32>,
) -> Result<(), InvalidField> {
    if range.contains(&value) {
        return Ok(());
    }
    let problem = format!(
        "must be a whole number from {} to {}",
        range.start(),
        range.end()
    );
    Err(InvalidField::new(field, problem))
}
