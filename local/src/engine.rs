//! The functions on one machine: the ports on SQLite and tokio, and the loops that call the functions, as
//! EventBridge and SQS do on AWS.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use control::{Control, ControlSettings, Stop};
use statistics::reader::Aggregation;
use statistics::state::State;
use statistics::stats::Limits;
use telemetry::Telemetry;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use traffic::clock::Clock;
use traffic::deployment::Deployment;
use traffic::fanout::FanOutReport;
use traffic::log_throttle::LogThrottle;
use traffic::ports::Heartbeat as _;
use traffic::runs::{Environment, LoadedRun};
use traffic::telemetry::Observer;
use traffic::tick::{GRAIN, TickError, Ticker};
use traffic::transport::{Http, HttpSettings, Proxies};
use web::api::Trouble;

use crate::duration::shown;
use crate::ending::WRITES_WITHIN;
use crate::heartbeat::{Alarms, Beats, TokioHeartbeat};
use crate::queue::{Delivery, TokioQueue};
use crate::store::SqliteStore;

mod follow;
mod time_steps;
mod users;

/// The time between two folds of sealed buckets, also when nobody asks for statistics.
const FOLD_EVERY: Duration = Duration::from_secs(60);

/// The time between two looks whether results can be written.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The longest wait between two tries to write a held stop; the waits double up to this.
const MAX_BACK_OFF: Duration = Duration::from_secs(5);

pub type LocalDeployment = Deployment<SqliteStore, TokioQueue, TokioHeartbeat>;

pub type LocalControl = Control<SqliteStore, TokioQueue, TokioHeartbeat>;

/// The functions and their loops; they stop when this is dropped.
pub struct Engine {
    pub clock: Clock,
    pub control: Arc<LocalControl>,
    pub aggregation: Arc<Aggregation<SqliteStore>>,
    /// The failure that keeps results from being written, for `/health`.
    pub trouble: Trouble,
    ticker: Arc<Ticker<SqliteStore, Http>>,
    deployment: Arc<LocalDeployment>,
    /// The number of ticks under way.
    ticks: watch::Receiver<usize>,
    loops: JoinSet<()>,
    resumed: Resumed,
}

/// The run that the database had when it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// There was none, or it was over.
    Nothing,
    /// It was on and goes on.
    GoesOn,
    /// It was on and has been ended, since it does not obey the limits of this process.
    Ended,
}

impl Engine {
    /// Puts the parts together and starts the loops; a run that was not stopped goes on. Requests have at most
    /// `max_connections` open at once.
    pub async fn start(
        store: SqliteStore,
        settings: ControlSettings,
        stop_timeout: Option<Duration>,
        environment: Environment,
        clock: Clock,
        observer: Option<Arc<dyn Observer>>,
        max_connections: Option<usize>,
    ) -> anyhow::Result<Self> {
        let store = Arc::new(store);
        let proxies = Proxies::read(&*environment)?;
        let (queue, delivery) = TokioQueue::new(clock.clone());
        let (heartbeat, beats) = TokioHeartbeat::new(clock.clone(), (*store).clone());
        let deployment = Deployment::new(
            Arc::clone(&store),
            Arc::new(queue),
            Arc::new(heartbeat),
            clock.clone(),
            environment,
        );
        let deployment = Arc::new(deployment);
        let runs = Arc::clone(&deployment.runs);
        // the workload was read in the same environment
        runs.know(&settings.workload);
        let http = Http::new(
            clock.clone(),
            HttpSettings {
                allowed_hosts: settings.rules.allowed_hosts.clone(),
                proxies,
                max_connections,
                ..HttpSettings::default()
            },
        );
        let http = http.context("the HTTP client cannot be made")?;
        let ticker = Ticker::new(Arc::clone(&store), Arc::clone(&runs), http, clock.clone());
        let keyring = settings.rules.keyring.clone().unwrap_or_default();
        let ticker = ticker.observed_by(observer).with_keyring(keyring);
        let ticker = Arc::new(ticker.stopping_within(stop_timeout));
        let control = Arc::new(Control::new(settings, Arc::clone(&deployment))?);
        let aggregation = Arc::new(Aggregation::new(
            store,
            runs,
            clock.clone(),
            Limits::default(),
        ));
        let (count, ticks) = watch::channel(0);
        let trouble = Trouble::default();
        let mut loops = JoinSet::new();
        loops.spawn(execute(delivery, Arc::clone(&ticker), count));
        loops.spawn(fan_out_by(beats, Arc::clone(&deployment)));
        loops.spawn(fold(Arc::clone(&aggregation)));
        loops.spawn(watch_over(Arc::clone(&ticker), trouble.clone()));
        loops.spawn(time_steps::watch());
        loops.spawn(write_stops(Arc::clone(&control)));
        loops.spawn(adapt(Arc::clone(&control)));
        let mut engine = Self {
            clock,
            control,
            aggregation,
            trouble,
            ticker,
            deployment,
            ticks,
            loops,
            resumed: Resumed::Nothing,
        };
        engine.resumed = engine.resume().await?;
        Ok(engine)
    }

    /// Goes on with a run that was not stopped, if it obeys the limits of this process. The wake-ups are sent
    /// again, because those of the last process were in its memory.
    async fn resume(&self) -> anyhow::Result<Resumed> {
        let latest = self.deployment.runs.latest().await;
        let latest = latest.context("the newest run cannot be read")?;
        let Some(run) = latest else {
            return Ok(Resumed::Nothing);
        };
        let now = self.clock.now();
        let last = self.deployment.store.last_at_work().unwrap_or(now);
        if let Some(end) = run.plan.run().ends().filter(|end| *end <= now) {
            if end > last && run.plan.run().stopped_at.is_none() {
                tracing::info!(run = %run.plan.run().id, "a run ended while cicada was away: what was due then is missing");
            }
            return Ok(Resumed::Nothing);
        }
        if self.control.end_what_does_not_fit().await? {
            return Ok(Resumed::Ended);
        }
        tracing::info!(
            run = %run.plan.run().id,
            "a run that was not stopped goes on: cicada was away for at most {}, and what was due then is missing",
            shown(now.since(last))
        );
        if run.workload.version() != self.control.settings().workload.version() {
            tracing::info!(
                "it keeps the workload that it began with: the one of now is for the next run"
            );
        }
        self.deployment.heartbeat.turn_on().await?;
        self.deployment.plan_again().await?;
        self.deployment.plan_ahead().await?;
        Ok(Resumed::GoesOn)
    }

    /// Starts and stops runs by the schedules from now on.
    pub async fn follow_schedules(&mut self) -> anyhow::Result<()> {
        let schedules = self.deployment.heartbeat.subscribe().await;
        let schedules = schedules.context("the schedules cannot be read")?;
        // cron speaks of the time of day, not of a run's
        let alarms = Alarms::new(schedules, Clock::system());
        if !alarms.is_empty() {
            tracing::info!(schedules = alarms.len(), "runs start and stop by schedules");
        }
        self.loops
            .spawn(follow::follow(alarms, Arc::clone(&self.control)));
        Ok(())
    }

    /// Gives `telemetry` the numbers of users from now on.
    pub fn tell_users(&mut self, telemetry: Arc<Telemetry>) {
        let runs = Arc::clone(&self.deployment.runs);
        (self.loops).spawn(users::tell(runs, self.clock.clone(), telemetry));
    }

    /// What has become of the run that was on when the last process ended.
    pub fn resumed(&self) -> Resumed {
        self.resumed
    }

    pub async fn run(&self) -> anyhow::Result<Option<Arc<LoadedRun>>> {
        Ok(self.deployment.runs.latest().await?)
    }

    /// The number of requests that were sent and whose results were given up.
    pub fn lost_requests(&self) -> u64 {
        self.ticker.lost_requests()
    }

    /// True while results wait that cannot be written.
    pub fn is_failing_to_write(&self) -> bool {
        self.ticker.failing_since().is_some()
    }

    pub fn in_flight(&self) -> usize {
        self.ticker.in_flight()
    }

    /// True if there is no run, or the newest one is over and all its results are written.
    pub async fn is_idle(&self) -> anyhow::Result<bool> {
        let run = self.deployment.runs.latest().await?;
        let state = self.control.state(run.as_deref());
        Ok(matches!(state, State::Ready | State::Stopped))
    }

    /// Stops the run that is on, and waits until everything in flight is recorded. An iteration that takes
    /// longer than `patience` is cut off, and recorded as such.
    pub async fn finish(&self, patience: Duration) -> anyhow::Result<()> {
        let cut_off_at = Instant::now() + patience;
        let stop = self.control.stop().await?;
        self.drain(cut_off_at).await?;
        if let Stop::Held(_) = stop {
            self.write_held_stop().await?;
        }
        Ok(())
    }

    /// The same, but the run that is on is only left: it goes on in the next process on the same database.
    pub async fn leave(&self, patience: Duration) -> anyhow::Result<()> {
        let cut_off_at = Instant::now() + patience;
        if self.control.leave().await? {
            tracing::info!("the run is not stopped: it goes on at the next start on the same --db");
        }
        self.drain(cut_off_at).await?;
        if self.control.unwritten_stop().is_some() {
            self.write_held_stop().await?;
        }
        Ok(())
    }

    /// Waits until everything in flight of a run that has ended here is recorded; it is cut off at an instant.
    async fn drain(&self, cut_off_at: Instant) -> anyhow::Result<()> {
        let Some(run) = self.deployment.runs.known_newest().await else {
            return Ok(());
        };
        if let Some(end) = run.plan.run().ends() {
            // an iteration that is due in the last moment may begin a little after it
            self.clock.sleep_until(end + GRAIN).await;
        }
        let mut ticks = self.ticks.clone();
        let all_ended = ticks.wait_for(|ticks| *ticks == 0);
        if tokio::time::timeout_at(cut_off_at, all_ended)
            .await
            .is_err()
        {
            tracing::warn!(
                in_flight = self.in_flight(),
                "the iterations still in flight are cut off"
            );
            self.ticker.cut_off(&run.plan.run().id);
            // the iterations that were cut off are still to be written
            let written = ticks.wait_for(|ticks| *ticks == 0);
            let in_time = tokio::time::timeout(WRITES_WITHIN, written).await;
            in_time.context("the last results could not be written in time")??;
        }
        Ok(())
    }

    /// Tries a last time to write a stop that is held.
    async fn write_held_stop(&self) -> anyhow::Result<()> {
        let written = self.control.write_held_stops().await;
        written.context("its stop could not be written: on the same --db it would go on")
    }

    /// Waits for a panic in one of the loops, and returns it as an error.
    pub async fn broken(&mut self) -> anyhow::Error {
        loop {
            match self.loops.join_next().await {
                Some(Err(error)) => {
                    return anyhow::Error::new(error).context("a loop of cicada has failed");
                }
                Some(Ok(())) => {}
                None => std::future::pending().await,
            }
        }
    }
}

/// Executes wake-ups as they are delivered.
async fn execute(
    mut delivery: Delivery,
    ticker: Arc<Ticker<SqliteStore, Http>>,
    count: watch::Sender<usize>,
) {
    let mut ticks = JoinSet::new();
    let refusals = LogThrottle::default();
    loop {
        tokio::select! {
            wake_up = delivery.next() => {
                let Some(wake_up) = wake_up else { return };
                let ticker = Arc::clone(&ticker);
                ticks.spawn(async move { ticker.run(&wake_up, None).await });
            }
            Some(ended) = ticks.join_next(), if !ticks.is_empty() => match ended {
                Ok(Ok(_)) => {}
                Ok(Err(error @ TickError::NotRecording)) => {
                    if refusals.happened().is_some() {
                        tracing::error!(%error, "iterations are left out, and counted as missing");
                    }
                }
                Ok(Err(error)) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(error, "a tick was not executed: its iterations are missing");
                }
                Err(error) => tracing::error!(%error, "a tick broke off: its iterations are missing"),
            },
        }
        count.send_replace(ticks.len());
    }
}

/// Calls the fan-out once a minute.
async fn fan_out_by(mut beats: Beats, deployment: Arc<LocalDeployment>) {
    while beats.next().await.is_some() {
        match deployment.plan_ahead().await {
            Ok(FanOutReport::Idle | FanOutReport::Ending) => tracing::debug!("no run is on"),
            Ok(FanOutReport::Planned { wake_ups, until }) => {
                tracing::debug!(wake_ups, until = until.0, "planned ahead");
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "the next minute is not planned yet");
            }
        }
    }
}

/// Folds sealed buckets, so that a page opens as fast after a week as after a minute.
async fn fold(aggregation: Arc<Aggregation<SqliteStore>>) {
    loop {
        tokio::time::sleep(FOLD_EVERY).await;
        if let Err(error) = aggregation.fold_sealed().await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "sealed records are not folded yet");
        }
    }
}

/// Keeps the reason at `/health` while results cannot be written.
async fn watch_over(ticker: Arc<Ticker<SqliteStore, Http>>, trouble: Trouble) {
    let mut shown: Option<String> = None;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let reason = ticker.trouble();
        if reason == shown {
            continue;
        }
        match &reason {
            Some(reason) => trouble.set(format!("results cannot be written: {reason}")),
            None => {
                tracing::info!("results are written again");
                trouble.clear();
            }
        }
        shown = reason;
    }
}

/// Decides on the steps of an adaptive load as they end.
async fn adapt(control: Arc<LocalControl>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if let Err(error) = control.adapt().await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "the step of the adaptive load is not decided on yet");
        }
    }
}

/// Writes held stops as soon as the store can be written.
async fn write_stops(control: Arc<LocalControl>) {
    let mut back_off = LOOK_EVERY;
    loop {
        tokio::time::sleep(back_off).await;
        if control.unwritten_stop().is_none() || control.write_held_stops().await.is_ok() {
            back_off = LOOK_EVERY;
        } else {
            back_off = (back_off * 2).min(MAX_BACK_OFF);
        }
    }
}
