//! Schedules that are followed, in paused time and on ports in memory.

use std::time::Duration;

use control::ControlSettings;
use testing::{MemoryHeartbeat, MemoryQueue, MemoryStore};
use tokio::task::JoinHandle;
use traffic::clock::{Clock, Slot, Timestamp};
use traffic::ports::{RunStore as _, Schedule};
use traffic::run::Run;
use traffic::workload::Workload;

use super::*;
use crate::heartbeat::TokioHeartbeat;
use crate::store::SqliteStore;

const SECOND: Duration = Duration::from_secs(1);

/// 2026-07-01 at 12:00 UTC.
const NOON: Timestamp = Slot(1_782_907_200).full_second();

type MemoryControl = Control<MemoryStore, MemoryQueue, MemoryHeartbeat>;

/// A control that schedules are followed for.
struct Followed {
    clock: Clock,
    store: Arc<MemoryStore>,
    control: Arc<MemoryControl>,
    heartbeat: TokioHeartbeat,
    following: JoinHandle<()>,
}

impl Followed {
    /// Half a minute before noon.
    fn new() -> Self {
        let clock = Clock::following_tokio(NOON - 30 * SECOND);
        let store = Arc::<MemoryStore>::default();
        let deployment = testing::deployment(&store, &Arc::default(), &Arc::default(), &clock);
        let workload = Workload::built_in(&|_| None).unwrap();
        let control = Control::new(
            ControlSettings::new(Arc::new(workload)),
            Arc::new(deployment),
        );
        let control = Arc::new(control.unwrap());
        let kept = SqliteStore::temporary(clock.clone()).unwrap();
        let (heartbeat, _) = TokioHeartbeat::new(clock.clone(), kept);
        let schedules = without_time_passing(heartbeat.subscribe()).unwrap();
        let alarms = Alarms::new(schedules, clock.clone());
        let following = tokio::spawn(follow(alarms, Arc::clone(&control)));
        Self {
            clock,
            store,
            control,
            heartbeat,
            following,
        }
    }

    fn put(&self, name: &str, start: Option<&str>, stop: Option<&str>, swarm: &str) {
        let schedule = Schedule {
            name: name.into(),
            start: start.map(Into::into),
            stop: stop.map(Into::into),
            time_zone: "UTC".into(),
            swarm: swarm.into(),
        };
        without_time_passing(self.heartbeat.put_schedule(&schedule)).unwrap();
    }

    /// The newest run, so much after noon.
    async fn after_noon(&self, time: Duration) -> Run {
        self.clock.sleep_until(NOON + time).await;
        self.store.latest_run().await.unwrap().unwrap()
    }
}

/// The database answers from a thread of its own: paused time must not pass until it has.
fn without_time_passing<T: Send>(future: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            runtime.unwrap().block_on(future)
        });
        waiting.join().unwrap()
    })
}

#[tokio::test(start_paused = true)]
async fn a_start_starts_a_run_or_changes_the_one_that_is_on_and_a_stop_stops_it() {
    let followed = Followed::new();
    let swarm = r#"{"user_count":6,"spawn_rate":2}"#;
    followed.put("noon", Some("0 12 * * *"), None, swarm);
    let more = r#"{"user_count":12,"spawn_rate":7,"run_time":3600}"#;
    followed.put("later", Some("2 12 * * *"), Some("4,9 12 * * *"), more);

    followed.clock.sleep_until(NOON - SECOND).await;
    assert_eq!(followed.store.latest_run().await.unwrap(), None);
    let run = followed.after_noon(SECOND).await;
    assert!(run.created_at >= NOON && run.created_at.since(NOON) < SECOND);
    assert_eq!((run.segments.len(), run.segments[0].user_count), (1, 6));
    let changed = followed.after_noon(121 * SECOND).await;
    assert_eq!((&changed.id, changed.segments.len()), (&run.id, 2));
    assert_eq!(changed.segments[1].spawn_rate, 7.0);
    assert_eq!(changed.stopped_at, None);
    let stopped = followed.after_noon(241 * SECOND).await;
    assert_eq!(stopped.id, run.id);
    let end = stopped.stopped_at.unwrap();
    assert!(end.since(NOON) <= 243 * SECOND, "{end:?}");
    let marks: Vec<&str> = stopped.noted().map(|(_, text)| text).collect();
    let expected = ["noon: start", "later: start", "later: stop"];
    assert_eq!(marks, expected.map(|mark| format!("schedule {mark}")));
    // there is nothing left to stop
    assert_eq!(followed.after_noon(560 * SECOND).await, stopped);
    // and the next day it starts again
    let next = followed.after_noon(86_401 * SECOND).await;
    assert!(next.id > stopped.id && next.stopped_at.is_none());
    assert!(!followed.following.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_cannot_be_followed_any_more_takes_no_other_down() {
    let followed = Followed::new();
    let gone = r#"{"user_count":6,"spawn_rate":2,"user_classes":["ModelAUser"]}"#;
    followed.put("a-gone", Some("0 12 * * *"), None, gone);
    followed.put("b-broken", Some("0 12 * * *"), None, "{");
    followed.put("c-never", Some("0 12 * * nobody"), None, "{}");
    let good = r#"{"user_count":6,"spawn_rate":5}"#;
    followed.put("d-good", Some("0 12 * * *"), None, good);
    let other = "[hosts]\na = \"http://127.0.0.1:9\"\n[class.Other]\nwait = \"constant(9)\"\n\
                 task.a.request = { path = \"/\" }\n";
    followed.control.choose_workload(other, None).await.unwrap();
    let run = followed.after_noon(SECOND).await;
    assert_eq!((run.segments.len(), run.segments[0].spawn_rate), (1, 5.0));
    assert_eq!(run.segments[0].shares[0].class, "Other");
}
