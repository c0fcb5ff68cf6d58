//! The schedules as they fall due, as EventBridge Scheduler does it on AWS.
//!
//! Alarms go by the wall clock. An alarm that fell due while the machine slept, or when the clock was put forward,
//! rings up to 60 s late, or not at all, as an event that EventBridge may deliver for 60 s.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::watch;
use traffic::clock::{Clock, Timestamp};
use traffic::ports::Schedule;
use traffic::schedule::Cron;

use crate::queue::LOOK_AGAIN;

#[cfg(test)]
mod tests;

/// A later alarm is left out.
const GRACE: Duration = Duration::from_secs(60);

/// A schedule that is due. At one instant stops come first, so that a start holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// The instant at which it was due.
    pub at: Timestamp,
    pub action: Action,
    pub schedule: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Stop,
    /// Starts a run, or changes the one that is on: the body of a `POST /swarm`.
    Start(String),
}

#[derive(Debug)]
pub struct Alarms {
    clock: Clock,
    schedules: watch::Receiver<Vec<Schedule>>,
    armed: Vec<Armed>,
    /// The alarms up to this instant have rung.
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
    /// The alarms of the schedules from now on.
    pub fn new(schedules: watch::Receiver<Vec<Schedule>>, clock: Clock) -> Self {
        let mut alarms = Self {
            looked_at: clock.now(),
            clock,
            schedules,
            armed: Vec::new(),
            ringing: VecDeque::new(),
        };
        alarms.arm();
        alarms
    }

    pub fn len(&self) -> usize {
        self.schedules.borrow().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next alarm, when it is due; `None` once the heartbeat is dropped.
    pub async fn next(&mut self) -> Option<Alarm> {
        loop {
            // first the old schedules, because a new one is not due before it was made
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

    /// Rings the alarms that are due by now.
    fn look(&mut self, now: Timestamp) {
        if now + GRACE < self.looked_at {
            // the clock was put back: an alarm that is due again rings again
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
                    due.push(Alarm {
                        at,
                        action: armed.action.clone(),
                        schedule: armed.schedule.clone(),
                    });
                } else {
                    tracing::warn!(
                        schedule = armed.schedule,
                        "a schedule was due more than 60 s ago, while this process slept: it is left out"
                    );
                }
                armed.next = armed.cron.next_after(at.max(earliest));
            }
        }
        due.sort_by_key(|alarm| {
            let is_start = matches!(alarm.action, Action::Start(_));
            (alarm.at, is_start, alarm.schedule.clone())
        });
        self.ringing.extend(due);
        self.looked_at = self.looked_at.max(now);
    }
}
