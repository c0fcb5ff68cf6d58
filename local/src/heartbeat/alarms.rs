//! The schedules as they fall due: what EventBridge Scheduler does in the cloud.
//!
//! It goes by the wall clock. What fell due while nobody looked, because the machine slept or the
//! clock was put forward, is late by up to a minute or not at all, as an event that EventBridge may
//! deliver for 60 s.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::watch;
use traffic::clock::{Clock, Timestamp};
use traffic::ports::{HeartbeatError, Schedule};
use traffic::schedule::Cron;

use crate::heartbeat::TokioHeartbeat;

#[cfg(test)]
mod tests;

/// What is later than this is left out.
const GRACE: Duration = Duration::from_secs(60);

/// The wall clock may jump: it is looked at again at least this often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A schedule that is due. At one instant stops come first, so that a start holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// When it was due.
    pub at: Timestamp,
    /// What is to be done.
    pub action: Action,
    /// The schedule's name.
    pub schedule: String,
}

/// What a schedule does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Stops the run that is on.
    Stop,
    /// Starts a run, or changes the one that is on: the body of a `POST /swarm`.
    Start(String),
}

/// Waits for what is due.
#[derive(Debug)]
pub struct Alarms {
    clock: Clock,
    schedules: watch::Receiver<Vec<Schedule>>,
    armed: Vec<Armed>,
    /// What is due up to here has rung.
    looked_at: Timestamp,
    ringing: VecDeque<Alarm>,
}

/// One of a schedule's two times.
#[derive(Debug)]
struct Armed {
    schedule: String,
    action: Action,
    cron: Cron,
    next: Option<Timestamp>,
}

impl Alarms {
    /// The alarms of a heartbeat's schedules, from now on.
    ///
    /// # Errors
    /// When the schedules cannot be read.
    pub async fn new(heartbeat: &TokioHeartbeat, clock: Clock) -> Result<Self, HeartbeatError> {
        let looked_at = clock.now();
        heartbeat.publish().await?;
        let mut alarms = Self {
            clock,
            schedules: heartbeat.schedules.subscribe(),
            armed: Vec::new(),
            looked_at,
            ringing: VecDeque::new(),
        };
        alarms.arm();
        Ok(alarms)
    }

    /// How many schedules there are.
    pub fn len(&self) -> usize {
        self.schedules.borrow().len()
    }

    /// Whether there is no schedule.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next alarm, when it is due; `None` once the heartbeat is gone.
    pub async fn next(&mut self) -> Option<Alarm> {
        loop {
            // by the schedules as they were, for a new one is not due before it was made
            self.look(self.clock.now());
            if let Some(alarm) = self.ringing.pop_front() {
                return Some(alarm);
            }
            if self.schedules.has_changed().ok()? {
                self.arm();
            }
            let next = self.armed.iter().filter_map(|armed| armed.next).min();
            let left = next.map_or(LOOK_AGAIN, |next| next.since(self.clock.now()));
            let changed = self.schedules.changed();
            match tokio::time::timeout(left.min(LOOK_AGAIN), changed).await {
                Ok(Ok(())) => self.schedules.mark_changed(),
                Ok(Err(_)) => return None,
                Err(_) => {}
            }
        }
    }

    fn arm(&mut self) {
        let schedules = self.schedules.borrow_and_update();
        let times = schedules.iter().flat_map(|schedule| {
            let start = Action::Start(schedule.swarm.clone());
            let times = [(&schedule.start, start), (&schedule.stop, Action::Stop)];
            times.map(|(cron, action)| (schedule, cron.as_deref(), action))
        });
        let armed = times.filter_map(|(schedule, cron, action)| {
            let cron = Cron::parse(cron?, &schedule.time_zone).inspect_err(|error| {
                tracing::error!(schedule = schedule.name, %error, "a schedule cannot be followed");
            });
            let cron = cron.ok()?;
            Some(Armed {
                schedule: schedule.name.clone(),
                action,
                next: cron.next_after(self.looked_at),
                cron,
            })
        });
        self.armed = armed.collect();
    }

    /// Rings what is due by now.
    fn look(&mut self, now: Timestamp) {
        if now + GRACE < self.looked_at {
            // the clock was put back: what is due again is due
            for armed in &mut self.armed {
                armed.next = armed.cron.next_after(now);
            }
            self.looked_at = now;
        }
        let earliest = now - GRACE;
        let mut due = Vec::new();
        for armed in &mut self.armed {
            while let Some(at) = armed.next.filter(|at| *at <= now) {
                if at > earliest {
                    due.push(armed.alarm(at));
                } else {
                    tracing::warn!(
                        schedule = armed.schedule,
                        "a schedule was missed while nobody looked, and is not made up for"
                    );
                }
                armed.next = armed.cron.next_after(at.max(earliest));
            }
        }
        due.sort_by_key(|alarm| (alarm.at, alarm.is_start(), alarm.schedule.clone()));
        self.ringing.extend(due);
        self.looked_at = self.looked_at.max(now);
    }
}

impl Alarm {
    fn is_start(&self) -> bool {
        matches!(self.action, Action::Start(_))
    }
}

impl Armed {
    fn alarm(&self, at: Timestamp) -> Alarm {
        Alarm {
            at,
            action: self.action.clone(),
            schedule: self.schedule.clone(),
        }
    }
}
