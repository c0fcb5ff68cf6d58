//! Users that are busy in other processes: their markers in the store, written and read as seldom as is safe.
//!
//! An iteration that is still running a *lead* before its user is next due in another tick says so in
//! the store, and takes it back when it ends. A marker has [`super::marker_rules::ARRIVES`] to get there, so what was read
//! holds for what starts within the rest of the lead. Nearly all iterations are fast and write
//! nothing; a tick with iterations all over its slot reads one to four times, one with a single
//! iteration once. Where an iteration cannot last until its user's next one, nobody writes or reads.
//!
//! The plan says exactly when a user is next due, so a slow response costs its two writes (the marker,
//! and taking it back) only if that is near. All of it is void where the ticks share one process,
//! which knows by itself: [`RunStore::marker_lead`](crate::ports::RunStore::marker_lead) is zero.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::context::TickContext;
use super::marker_rules::{MarkerRules, READING_TAKES, may_start};
use crate::back_off::back_off;
use crate::clock::Timestamp;
use crate::plan::{Due, Next};
use crate::ports::{Marker, StoreError, TickStore, WRITE_DEADLINE};
use crate::record::{Fate, RecordKey};
use crate::run::GRAIN;
use crate::workload::Wait;

/// The longest wait before the second try of a failing write.
const MIN_BACK_OFF: Duration = Duration::from_millis(50);

/// The longest wait before any try: a marker is never later than this when the store is there again.
const MAX_BACK_OFF: Duration = Duration::from_secs(1);

/// A block's markers as they were when they were read.
struct Known {
    read_at: Timestamp,
    markers: Vec<Marker>,
}

/// A marker that an iteration wrote, or may have written.
pub(super) struct WrittenMarker {
    pub(super) marker: Marker,
    /// When the store confirmed it; it may be there without.
    pub(super) confirmed_at: Option<Timestamp>,
}

/// The markers of a tick's block, read and written.
pub(super) struct Markers<S> {
    tick: Arc<TickContext<S>>,
    known: Mutex<Option<Known>>,
}

impl<S: TickStore> Markers<S> {
    pub(super) fn new(tick: Arc<TickContext<S>>) -> Self {
        Self {
            tick,
            known: Mutex::default(),
        }
    }

    /// The rules for the users of the tick's class.
    fn rules(&self) -> MarkerRules {
        MarkerRules {
            wait: self.tick.wait,
            longest_iteration: self.tick.longest_iteration,
            store_lead: self.tick.journal.store.marker_lead(),
        }
    }

    /// Makes sure that it is known who is busy elsewhere when `item` starts, reading as late as can
    /// be. False if it cannot be read.
    pub(super) async fn knows_who_is_busy(&self, item: &Due) -> bool {
        if self.tick.is_alone() {
            return true;
        }
        let tick = &self.tick;
        let is_turn = matches!(tick.wait, Wait::Constant(_));
        if is_turn && !may_start(item, tick.clock().now()) {
            // too late to start anything: it need not be known
            return true;
        }
        let begins = tick.slots().start(tick.slot());
        let Some(reading) = self.rules().reading(item, begins) else {
            return true;
        };
        let is_done = |known: &Known| reading.is_done(item, known.read_at);
        if self.known.lock().as_ref().is_some_and(is_done) {
            return true;
        }
        tick.clock().sleep_until(tick.ends_by(reading.at)).await;
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

    /// True if the user of what is due now is busy in another process: by what was read a moment ago, or is
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

    /// True if an iteration comes so late that its user's next one has begun in another tick, or
    /// would before it could be told.
    pub(super) fn has_gone_on(&self, item: &Due) -> bool {
        let now = self.tick.clock().now();
        if self.tick.is_alone() || now <= item.at + GRAIN {
            return false;
        }
        let rules = self.rules();
        let needs = match rules.may_overlap() {
            true => rules.lead(),
            false => rules.longest_iteration,
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
        iteration: impl Future<Output = Option<Fate>>,
    ) -> (Option<Fate>, Option<WrittenMarker>) {
        if self.tick.is_alone() || !self.rules().may_overlap() {
            return (iteration.await, None);
        }
        let until_it_matters = self.until_due_elsewhere(item);
        self.marked(item.user, until_it_matters, Duration::ZERO, iteration)
            .await
    }

    /// Sleeps until a lead before the user is due in a later slot, each of which is another tick's.
    async fn until_due_elsewhere(&self, item: &Due) {
        let (tick, rules) = (&self.tick, self.rules());
        let (clock, plan) = (tick.clock(), &tick.run.plan);
        let mut slot = tick.slot().plus(1);
        loop {
            // looked up only if it lasts that long
            clock.sleep_until(rules.looks_at(plan, slot)).await;
            if let Some(at) = rules.marked_from(plan, tick.class, item.user, slot) {
                return clock.sleep_until(at).await;
            }
            slot = slot.plus(1);
        }
    }

    /// Runs an iteration, and says that its user is busy if it still is when `it_matters`: until the
    /// iteration must have ended, and `longer`.
    pub(super) async fn marked(
        &self,
        user: u32,
        it_matters: impl Future<Output = ()>,
        longer: Duration,
        iteration: impl Future<Output = Option<Fate>>,
    ) -> (Option<Fate>, Option<WrittenMarker>) {
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
            let said = WrittenMarker {
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
    pub(super) async fn unsay(&self, said: &WrittenMarker) {
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
