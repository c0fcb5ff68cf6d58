//! Who is busy in other processes: markers in the store, written and read as seldom as is safe.
//!
//! An iteration that is still running a *lead* before its user is next due in another tick says so in
//! the store, and takes it back when it ends. A marker has [`ARRIVES`] to get there, so what was read
//! holds for what starts within the rest of the lead. Nearly all iterations are fast and write
//! nothing; a tick with iterations all over its slot reads one to four times, one with a single
//! iteration once. Where an iteration cannot last until its user's next one, nobody writes or reads.
//!
//! The plan says exactly when a user is next due, so a slow response costs its two writes (the marker,
//! and taking it back) only if that is near. All of it is void where the ticks share one process,
//! which knows by itself: [`Store::marker_lead`] is zero.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::context::Context;
use crate::back_off::back_off;
use crate::clock::Timestamp;
use crate::plan::{Due, Next};
use crate::ports::{Marker, StoreError, TickStore, WRITE_DEADLINE};
use crate::record::{Fate, RecordKey};
use crate::run::GRAIN;
use crate::workload::Wait;

/// What was written this long ago is found by who reads now. A consistent write and a read take
/// DynamoDB 10 to 20 ms; a small function has a fourteenth of a core to notice, and clocks differ.
pub(super) const ARRIVES: Duration = Duration::from_millis(75);

/// Before the end of a turn nothing starts for so long, where its user's next turn is another
/// process's: half of it for an iteration to end in, half of it for a marker to arrive in.
pub(super) const GAP: Duration = ARRIVES.saturating_mul(2);

/// How long before an iteration the markers are read, so that reading does not make it late.
const READING_TAKES: Duration = Duration::from_millis(20);

/// The longest wait before the second try of a failing write, and
const MIN_BACK_OFF: Duration = Duration::from_millis(50);

/// the longest one before any: a marker is never later than this when the store is there again.
const MAX_BACK_OFF: Duration = Duration::from_secs(1);

/// A block's markers as they were when they were read.
struct Known {
    read_at: Timestamp,
    markers: Vec<Marker>,
}

/// What an iteration said in the store, or may have said.
pub(super) struct Said {
    pub(super) marker: Marker,
    /// When the store confirmed it; it may be there without.
    pub(super) confirmed_at: Option<Timestamp>,
}

/// The markers of a tick's block, read and written.
pub(super) struct Markers<S> {
    tick: Arc<Context<S>>,
    known: Mutex<Option<Known>>,
}

impl<S: TickStore> Markers<S> {
    pub(super) fn new(tick: Arc<Context<S>>) -> Self {
        Self {
            tick,
            known: Mutex::default(),
        }
    }

    /// How long before a user is next due a marker must be written: the store's lead, and less for
    /// those who are due so often that they would always be marked.
    fn lead(&self) -> Duration {
        let spacing = match self.tick.wait {
            Wait::Between { min, .. } => min / 2,
            Wait::ConstantPacing(pacing) => pacing / 2,
            // the next one may come at any time: for one in eight that is within the lead
            Wait::Poisson(mean) => mean / 8,
            Wait::Constant(_) => Duration::ZERO,
        };
        let lead = self.tick.journal.store.marker_lead();
        lead.min(spacing.max(2 * ARRIVES))
    }

    /// Whether an iteration that started in time can last until its user's next one at all.
    fn may_overlap(&self) -> bool {
        let shortest = match self.tick.wait {
            Wait::Between { min, .. } => min,
            Wait::ConstantPacing(pacing) => pacing,
            Wait::Constant(_) | Wait::Poisson(_) => return true,
        };
        self.tick.longest_iteration + self.tick.journal.store.marker_lead() >= shortest
    }

    /// Makes sure that it is known who is busy elsewhere when `item` starts, reading as late as can
    /// be. False if it cannot be read.
    pub(super) async fn knows_who_is_busy(&self, item: &Due) -> bool {
        if self.tick.is_alone() {
            return true;
        }
        let (read_at, fresh_from) = if let Wait::Constant(_) = self.tick.wait {
            if self.tick.clock().now() >= item.until - GAP {
                // too late to start anything: it need not be known
                return true;
            }
            // once, at the beginning: nobody but this tick starts anything in its slot
            let begins = self.tick.slots().start(self.tick.slot());
            (begins, begins)
        } else if self.may_overlap() {
            let holds_for = self.lead().saturating_sub(ARRIVES);
            (item.at - READING_TAKES, item.at - holds_for)
        } else {
            return true;
        };
        let is_known = match &*self.known.lock() {
            // the user's later iterations in this slot only wait for those before them, here
            Some(known) => item.ordinal > 0 || known.read_at >= fresh_from,
            None => false,
        };
        if is_known {
            return true;
        }
        self.tick
            .clock()
            .sleep_until(self.tick.ends_by(read_at))
            .await;
        self.read_markers().await
    }

    async fn read_markers(&self) -> bool {
        let RecordKey {
            run, class, block, ..
        } = &self.tick.journal.key;
        let read_at = self.tick.clock().now();
        let markers = self.tick.journal.store.markers(run, class, *block);
        let known = match self.tick.journal.in_time(markers).await {
            Ok(markers) => Some(Known { read_at, markers }),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(
                    error,
                    class = &**class,
                    "who is busy is not known: nothing starts"
                );
                None
            }
        };
        let is_known = known.is_some();
        *self.known.lock() = known;
        is_known
    }

    /// Until when a user is busy in another process, if it is.
    pub(super) fn busy_until(&self, user: u32) -> Option<Timestamp> {
        let now = self.tick.clock().now();
        let known = self.known.lock();
        let markers = known.iter().flat_map(|known| &known.markers);
        let of_user = markers.filter(|marker| marker.user == user && marker.until > now);
        of_user.map(|marker| marker.until).max()
    }

    /// Whether the user of what is due now is busy in another process: by what was read a moment ago, or is
    /// read again before anything is left out.
    pub(super) async fn is_busy_elsewhere(&self, item: &Due) -> bool {
        if self.busy_until(item.user).is_none() {
            return false;
        }
        let now = self.tick.clock().now();
        let is_fresh = |known: &Known| now.since(known.read_at) <= 2 * READING_TAKES;
        if self.known.lock().as_ref().is_some_and(is_fresh) {
            return true;
        }
        !self.read_markers().await || self.busy_until(item.user).is_some()
    }

    /// Whether an iteration comes so late that its user's next one has begun in another tick, or
    /// would before it could be told.
    pub(super) fn has_gone_on(&self, item: &Due) -> bool {
        let now = self.tick.clock().now();
        if self.tick.is_alone() || now <= item.at + GRAIN {
            return false;
        }
        let needs = match self.may_overlap() {
            true => self.lead(),
            false => self.tick.longest_iteration,
        };
        let plan = &self.tick.run.plan;
        let mut slots = (1..).map(|later| self.tick.slot().plus(later));
        slots
            .find_map(|slot| {
                if self.tick.slots().start(slot) >= now + needs {
                    return Some(false);
                }
                match plan.first_due(self.tick.class, item.user, slot) {
                    Next::Due(next) => Some(next.at < now + needs),
                    Next::Nothing | Next::Gone => None,
                }
            })
            .unwrap_or(false)
    }

    /// Runs an iteration, and says that the user is busy if it still is a lead before the next one.
    pub(super) async fn planned_and_marked(
        &self,
        item: &Due,
        iteration: impl Future<Output = Fate>,
    ) -> (Fate, Option<Said>) {
        if self.tick.is_alone() || !self.may_overlap() {
            return (iteration.await, None);
        }
        let until_it_matters = self.until_due_elsewhere(item);
        self.marked(item.user, until_it_matters, Duration::ZERO, iteration)
            .await
    }

    /// Sleeps until a lead before the user is due in a later slot, each of which is another tick's.
    async fn until_due_elsewhere(&self, item: &Due) {
        let clock = self.tick.clock();
        let lead = self.lead();
        let mut slot = self.tick.slot().plus(1);
        loop {
            // looked up only if it lasts that long
            clock
                .sleep_until(self.tick.slots().start(slot) - lead)
                .await;
            match self
                .tick
                .run
                .plan
                .first_due(self.tick.class, item.user, slot)
            {
                Next::Due(next) => return clock.sleep_until(next.at - lead).await,
                Next::Nothing => slot = slot.plus(1),
                // a change may bring it back at any time
                Next::Gone => return,
            }
        }
    }

    /// Runs an iteration, and says that its user is busy if it still is when `it_matters`: until the
    /// iteration must have ended, and `longer`.
    pub(super) async fn marked(
        &self,
        user: u32,
        it_matters: impl Future<Output = ()>,
        longer: Duration,
        iteration: impl Future<Output = Fate>,
    ) -> (Fate, Option<Said>) {
        let mut iteration = std::pin::pin!(iteration);
        tokio::select! {
            biased;
            fate = &mut iteration => return (fate, None),
            () = it_matters => {}
        }
        let mut waits = back_off(MIN_BACK_OFF, MAX_BACK_OFF);
        loop {
            let lasts = self.tick.longest_iteration + longer;
            let until = self.tick.ends_by(self.tick.clock().now() + lasts);
            let marker = self.marker(user, until);
            let mut put = std::pin::pin!(self.put(&marker));
            // a response that comes meanwhile does not wait for the store
            let (fate, confirmed_at) = tokio::select! {
                biased;
                fate = &mut iteration => (Some(fate), put.await),
                confirmed_at = &mut put => (None, confirmed_at),
            };
            let said = Said {
                marker: marker.clone(),
                confirmed_at,
            };
            match (fate, confirmed_at) {
                (Some(fate), _) => return (fate, Some(said)),
                (None, Some(_)) => return (iteration.await, Some(said)),
                (None, None) => {}
            }
            tokio::select! {
                biased;
                fate = &mut iteration => return (fate, Some(said)),
                () = tokio::time::sleep(waits.next().unwrap_or(MAX_BACK_OFF)) => {}
            }
        }
    }

    /// Writes a marker once; when that was confirmed, if it was.
    async fn put(&self, marker: &Marker) -> Option<Timestamp> {
        let put = self.tick.journal.store.put_marker(marker);
        match self.tick.journal.in_time(put).await {
            Ok(()) => Some(self.tick.clock().now()),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(
                    error,
                    class = marker.class,
                    user = marker.user,
                    "a busy user could not be marked"
                );
                None
            }
        }
    }

    /// Says until when a user rests after an iteration; tried again until `deadline`.
    pub(super) async fn say_rest(&self, user: u32, until: Timestamp, deadline: Timestamp) {
        let marker = self.marker(user, until);
        let put = || self.tick.journal.store.put_marker(&marker);
        if let Err(error) = self.try_until(deadline, put).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(
                error,
                class = marker.class,
                user,
                "a resting user could not be marked"
            );
        }
    }

    /// Takes a marker back; tried again while it holds anybody up.
    pub(super) async fn unsay(&self, said: &Said) {
        let marker = &said.marker;
        let deadline = marker.until.min(self.tick.clock().now() + WRITE_DEADLINE);
        let clear = || self.tick.journal.store.clear_marker(marker);
        if let Err(error) = self.try_until(deadline, clear).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(
                error,
                class = marker.class,
                user = marker.user,
                "a marker stays until its deadline"
            );
        }
    }

    /// Repeats a call while it fails and may succeed, once at least.
    async fn try_until<F: Future<Output = Result<(), StoreError>>>(
        &self,
        deadline: Timestamp,
        call: impl Fn() -> F,
    ) -> Result<(), StoreError> {
        let mut waits = back_off(MIN_BACK_OFF, MAX_BACK_OFF);
        let deadline = self
            .tick
            .journal
            .deadline
            .map_or(deadline, |end| end.min(deadline));
        loop {
            let Err(error) = self.tick.journal.in_time(call()).await else {
                return Ok(());
            };
            let wait = waits.next().unwrap_or(MAX_BACK_OFF);
            if !error.may_pass() || self.tick.clock().now() + wait >= deadline {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
        }
    }

    fn marker(&self, user: u32, until: Timestamp) -> Marker {
        Marker {
            run: self.tick.journal.key.run.clone(),
            class: self.tick.journal.key.class.as_ref().into(),
            block: self.tick.journal.key.block,
            user,
            writer: self.tick.journal.key.writer,
            until,
        }
    }
}
