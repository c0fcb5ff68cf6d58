//! Ticks without a queue: a process that finds them itself, in the runs as they are in the store.
//!
//! Any number of such processes share the work of a stage and know nothing of each other. Each of them
//! plans every slot half a second before it begins, and tries every tick that it finds; a tick is claimed,
//! so that one of them executes it. In which order they try is drawn for each tick, by a seed of the
//! process, so that each has its share; when one dies, the others try as before and find its ticks free.
//!
//! Nothing of the store is taken for granted: a run that is gone is left, and one that cannot be read keeps no other
//! from being executed. [`Health`] says meanwhile what is wrong.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use traffic::clock::{Clock, Slot};
use traffic::error_chain::one_line;
use traffic::log_throttle::LogThrottle;
use traffic::ports::{StoreError, TickStore, WakeUp};
use traffic::random::{class_key, mix};
use traffic::record::Block;
use traffic::run::RunId;
use traffic::runs::{LoadedRun, RunError, Runs};
use traffic::tick::{PLAN_AHEAD, TOO_LATE, TickError, TickReport, Ticker};
use traffic::transport::Transport;

mod health;

use health::Noted;
pub use health::{Health, answer, ask};

/// Ticks are tried within this long, so that they are claimed before their slot begins.
const SPREAD: Duration = Duration::from_millis(300);

/// A store that does not answer is asked again after this.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// The time for which begun ticks may go on when the process ends; longer ones are cut off.
const PATIENCE: Duration = Duration::from_secs(5);

/// The time in which the results of ticks that were cut off may be written.
const WRITES_WITHIN: Duration = Duration::from_millis(2_500);

/// The time for the threads of the process's runtime at its end, when nothing is left to do.
pub const CLOSES_WITHIN: Duration = Duration::from_millis(500);

/// A process that executes the ticks it finds.
pub struct Server<S, T> {
    ticker: Arc<Ticker<S, T>>,
    runs: Arc<Runs<S>>,
    clock: Clock,
    /// Draws in which order this process tries.
    seed: u64,
    /// The runs that may have ticks: the newest, and one before it that is not over yet.
    followed: Vec<RunId>,
    complaints: LogThrottle,
    noted: Arc<Noted>,
}

impl<S: TickStore, T: Transport> Server<S, T> {
    /// A process that executes by `ticker` what it finds in `runs`; processes have different seeds.
    pub fn new(ticker: Ticker<S, T>, runs: Arc<Runs<S>>, clock: Clock, seed: u64) -> Self {
        Self {
            ticker: Arc::new(ticker),
            noted: Arc::new(Noted::new(clock.now())),
            runs,
            clock,
            seed,
            followed: Vec::new(),
            complaints: LogThrottle::default(),
        }
    }

    /// Whether the process is well, for as long as it runs.
    pub fn health(&self) -> Health {
        let ticker = Arc::clone(&self.ticker);
        let writes = move || ticker.trouble();
        Health::new(Arc::clone(&self.noted), self.clock.clone(), writes)
    }

    /// Executes ticks until `end`, and lets what has begun end.
    pub async fn run(mut self, end: impl Future<Output = ()>) {
        let mut end = std::pin::pin!(end);
        let mut ticks = JoinSet::new();
        // the present slot has begun: whoever had it, has it
        let mut next = self.clock.now().full_second().plus(1);
        loop {
            tokio::select! {
                () = &mut end => break,
                Some(ended) = ticks.join_next(), if !ticks.is_empty() => self.look_at(ended),
                () = self.clock.sleep_until(next.full_second() - PLAN_AHEAD) => {
                    // a store that does not answer must not hold up the end
                    let begun = tokio::select! {
                        begun = self.begin(next, &mut ticks) => begun,
                        () = &mut end => break,
                    };
                    match begun {
                        Ok(()) => {
                            self.noted.began(self.clock.now());
                            next = next.plus(1);
                        }
                        Err(error) => {
                            self.complain(&error, "the runs cannot be read");
                            tokio::time::sleep(ASK_AGAIN).await;
                        }
                    }
                    // as a wake-up that comes later than this
                    next = next.max((self.clock.now() - TOO_LATE).full_second().plus(1));
                }
            }
        }
        self.finish(ticks).await;
    }

    /// Begins all ticks of a slot.
    ///
    /// # Errors
    /// When the store does not answer, or has no table: then nothing was begun.
    async fn begin(
        &mut self,
        slot: Slot,
        ticks: &mut JoinSet<Result<TickReport, TickError>>,
    ) -> Result<(), StoreError> {
        if let Some(newest) = self.readable(self.runs.latest().await)?.flatten() {
            let run = newest.plan.run();
            if !run.is_over(slot.full_second()) && !self.followed.contains(&run.id) {
                tracing::info!(run = %run.id, "following a run");
                self.followed.push(run.id.clone());
            }
        }
        let mut runs = Vec::new();
        for id in &self.followed {
            runs.extend(self.readable(self.runs.get(id).await)?);
        }
        for run in &runs {
            for (class, block) in run.plan.ticks(slot) {
                self.try_tick(run, class, block, slot, ticks);
            }
        }
        self.followed.clear();
        let goes_on = |run: &&Arc<LoadedRun>| !run.plan.run().is_over(slot.plus(1).full_second());
        let followed = runs.iter().filter(goes_on);
        self.followed
            .extend(followed.map(|run| run.plan.run().id.clone()));
        Ok(())
    }

    /// What was read, or nothing of a run that is gone or cannot be executed here.
    fn readable<R>(&self, read: Result<R, RunError>) -> Result<Option<R>, StoreError> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(RunError::Store(error)) => Err(error),
            // its table was deleted, or DynamoDB Local begun anew
            Err(error @ RunError::Unknown(_)) => {
                tracing::warn!(
                    error = one_line(&error),
                    "a run is gone, and followed no more"
                );
                Ok(None)
            }
            Err(error) => {
                self.complain(&error, "a run cannot be executed");
                Ok(None)
            }
        }
    }

    fn try_tick(
        &self,
        run: &LoadedRun,
        class: usize,
        block: Block,
        slot: Slot,
        ticks: &mut JoinSet<Result<TickReport, TickError>>,
    ) {
        let wake_up = WakeUp {
            run: run.plan.run().id.clone(),
            class: run.plan.classes()[class].name.as_ref().into(),
            block,
            slot,
        };
        let at = slot.full_second() - PLAN_AHEAD + self.turn(&wake_up);
        let (ticker, clock) = (Arc::clone(&self.ticker), self.clock.clone());
        ticks.spawn(async move {
            clock.sleep_until(at).await;
            ticker.run(&wake_up, None).await
        });
    }

    /// The time for which this process leaves a tick to the others first.
    fn turn(&self, tick: &WakeUp) -> Duration {
        let place = mix(class_key(self.seed, &tick.class) ^ u64::from(tick.block.0));
        let drawn = mix(place ^ tick.slot.0);
        SPREAD.mul_f64(drawn as f64 / u64::MAX as f64)
    }

    fn look_at(&self, ended: Result<Result<TickReport, TickError>, tokio::task::JoinError>) {
        match ended {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => self.complain(&error, "a tick was not executed"),
            Err(error) => {
                tracing::error!(%error, "a tick broke off: its iterations are missing");
            }
        }
    }

    fn complain(&self, error: &(dyn Error + 'static), what: &'static str) {
        let said = format!("{what}: {}", one_line(error));
        self.noted.failed(self.clock.now(), said);
        if self.complaints.happened().is_some() {
            tracing::error!(
                error,
                "{what}: its iterations are missing, unless another process has them"
            );
        }
    }

    async fn finish(mut self, mut ticks: JoinSet<Result<TickReport, TickError>>) {
        tracing::info!(ticks = ticks.len(), "ending: what has begun may end");
        if self.drain(&mut ticks, PATIENCE).await {
            return;
        }
        let in_flight = self.ticker.in_flight();
        tracing::warn!(in_flight, "cutting off what is still in flight");
        for run in std::mem::take(&mut self.followed) {
            self.ticker.cut_off(&run);
        }
        if !self.drain(&mut ticks, WRITES_WITHIN).await {
            tracing::error!("the last results could not be written in time");
        }
    }

    /// Waits for all ticks; false if they take too long.
    async fn drain(
        &self,
        ticks: &mut JoinSet<Result<TickReport, TickError>>,
        patience: Duration,
    ) -> bool {
        let all = async {
            while let Some(ended) = ticks.join_next().await {
                self.look_at(ended);
            }
        };
        tokio::time::timeout(patience, all).await.is_ok()
    }
}

#[cfg(test)]
mod tests;
