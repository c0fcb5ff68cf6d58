//! The heartbeat on tokio: while it is on it beats within a minute, and every minute from then on.
//!
//! As with EventBridge Scheduler, the second of a beat is not certain. A beat is due by the wall clock or by the
//! process's time, whichever comes first. So a machine that wakes up from sleep beats at once, and a clock that
//! is set back does not silence the heartbeat. Schedules are kept in the store; [`Alarms`] ring when they are due.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use traffic::clock::{Clock, Timestamp};
use traffic::ports::{Delivery, Heartbeat, HeartbeatError, Schedule, StoreError};

use crate::queue::LOOK_AGAIN;
use crate::store::SqliteStore;

mod alarms;

pub use alarms::{Action, Alarm, Alarms};

/// EventBridge Scheduler's `rate(1 minute)`.
const MINUTE: Duration = Duration::from_secs(60);

/// The switch; clones share it.
#[derive(Clone, Debug)]
pub struct TokioHeartbeat {
    is_on: Arc<watch::Sender<bool>>,
    store: SqliteStore,
    /// The schedules of the store, which no other process writes.
    schedules: Arc<watch::Sender<Vec<Schedule>>>,
}

#[derive(Debug)]
pub struct Beats {
    is_on: watch::Receiver<bool>,
    clock: Clock,
    interval: Duration,
    next: Option<Due>,
}

/// The instant of the next beat by both clocks; the first one counts.
#[derive(Clone, Copy, Debug)]
struct Due {
    elapsed: Instant,
    wall_clock: Timestamp,
}

impl TokioHeartbeat {
    /// A heartbeat that is off, with the schedules in `store`, and the half that receives the beats.
    pub fn new(clock: Clock, store: SqliteStore) -> (Self, Beats) {
        Self::with_interval(clock, store, MINUTE)
    }

    /// A heartbeat as by [`Self::new`] that beats every `interval`.
    pub fn with_interval(clock: Clock, store: SqliteStore, interval: Duration) -> (Self, Beats) {
        let (switch, is_on) = watch::channel(false);
        let beats = Beats {
            is_on,
            clock,
            interval,
            next: None,
        };
        let switch = Self {
            is_on: Arc::new(switch),
            store,
            schedules: Arc::new(watch::channel(Vec::new()).0),
        };
        (switch, beats)
    }

    /// The schedules, and each change of them from now on.
    pub async fn subscribe(&self) -> Result<watch::Receiver<Vec<Schedule>>, HeartbeatError> {
        self.publish().await?;
        Ok(self.schedules.subscribe())
    }

    async fn publish(&self) -> Result<(), HeartbeatError> {
        self.schedules.send_replace(self.schedules().await?);
        Ok(())
    }

    fn switch(&self, on: bool) {
        self.is_on
            .send_if_modified(|is_on| std::mem::replace(is_on, on) != on);
    }
}

impl Heartbeat for TokioHeartbeat {
    fn reach(&self) -> Duration {
        MINUTE
    }

    async fn turn_on(&self) -> Result<Delivery, HeartbeatError> {
        self.switch(true);
        Ok(Delivery::On)
    }

    async fn beat_now(&self) -> Result<(), HeartbeatError> {
        // nobody asks for it, since the queue always delivers
        Ok(())
    }

    async fn turn_off(&self) -> Result<(), HeartbeatError> {
        self.switch(false);
        Ok(())
    }

    async fn is_on(&self) -> Result<bool, HeartbeatError> {
        Ok(*self.is_on.borrow())
    }

    async fn schedules(&self) -> Result<Vec<Schedule>, HeartbeatError> {
        self.store.schedules().await.map_err(unkept)
    }

    async fn put_schedule(&self, schedule: &Schedule) -> Result<(), HeartbeatError> {
        self.store.put_schedule(schedule).await.map_err(unkept)?;
        self.publish().await
    }

    async fn delete_schedule(&self, name: &str) -> Result<bool, HeartbeatError> {
        let deleted = self.store.delete_schedule(name).await.map_err(unkept)?;
        self.publish().await?;
        Ok(deleted)
    }
}

fn unkept(error: StoreError) -> HeartbeatError {
    HeartbeatError(error.into())
}

impl Beats {
    /// The next beat, when it is due; `None` once every switch is dropped. Beats that nobody waited for are one.
    pub async fn next(&mut self) -> Option<()> {
        loop {
            self.is_on.has_changed().ok()?;
            if !*self.is_on.borrow_and_update() {
                self.next = None;
                self.is_on.changed().await.ok()?;
                continue;
            }
            // half an interval after it was turned on, then every interval
            let first = || Due::after(self.interval / 2, &self.clock);
            let due = *self.next.get_or_insert_with(first);
            let left = due.left(&self.clock);
            if left.is_zero() {
                self.next = Some(due.following(self.interval, &self.clock));
                return Some(());
            }
            // after a change and after the time alike the switch is looked at again
            let _ = tokio::time::timeout(left.min(LOOK_AGAIN), self.is_on.changed()).await;
        }
    }
}

impl Due {
    fn after(interval: Duration, clock: &Clock) -> Self {
        Self {
            elapsed: Instant::now() + interval,
            wall_clock: clock.now() + interval,
        }
    }

    /// An interval after this instant, so that the beats do not drift through the minute. An interval from now if
    /// that has passed or a clock has jumped.
    fn following(self, interval: Duration, clock: &Clock) -> Self {
        let left = (self.elapsed + interval).saturating_duration_since(Instant::now());
        let is_in_step = !left.is_zero() && left <= interval;
        Self::after(if is_in_step { left } else { interval }, clock)
    }

    fn left(&self, clock: &Clock) -> Duration {
        let elapsed = self.elapsed.saturating_duration_since(Instant::now());
        elapsed.min(self.wall_clock.since(clock.now()))
    }
}
