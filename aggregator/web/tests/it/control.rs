//! What `/swarm`, `/stop` and `/stats/reset` do to the run.

use std::time::Duration;

use control::{ClassSettings, Control, ControlSettings, TickFunctions};
use statistics::state::State;
use testing::{FaultyStore, MemoryHeartbeat, MemoryQueue};
use traffic::clock::Slot;
use traffic::ports::RunStore as _;
use traffic::run::CHANGE_LEAD;

use crate::cicada::{Cicada, epoch, workload};

mod at_once;
mod classes;
mod contended;
mod held_stop;
mod hosts;
mod resized;
mod restarts;
mod sequences;

#[tokio::test(start_paused = true)]
async fn a_swarm_starts_a_run_within_three_seconds() {
    let cicada = Cicada::new();
    assert_eq!(cicada.state().await, State::Ready);
    assert!(!cicada.beats().await);
    let asked = cicada.clock.now();
    cicada.started("user_count=12&spawn_rate=4").await;
    let run = cicada.run().await;
    assert_eq!(run.workload, workload().version());
    assert!(
        cicada
            .store
            .workload(&run.workload)
            .await
            .unwrap()
            .is_some()
    );
    assert!(run.starts() - CHANGE_LEAD >= asked);
    assert!(run.starts().since(asked) < Duration::from_secs(3));
    assert!(cicada.beats().await);
    let wake_ups = cicada.wake_ups();
    assert_eq!(
        wake_ups.first().map(|wake_up| wake_up.slot),
        Some(run.first_slot())
    );
    assert_eq!(cicada.state().await, State::Spawning);
    cicada.pass(6.0).await;
    assert_eq!(cicada.state().await, State::Running);
    let users: u32 = cicada.users().await.iter().map(|(_, count)| count).sum();
    assert_eq!(users, 12);
}

#[tokio::test(start_paused = true)]
async fn a_swarm_while_running_changes_the_users_and_keeps_the_run() {
    let cicada = Cicada::new();
    cicada.started("user_count=12&spawn_rate=100").await;
    cicada.settle().await;
    let first = cicada.run().await;
    let known = cicada.wake_ups();
    cicada.started("user_count=600&spawn_rate=1000").await;
    assert_eq!(cicada.state().await, State::Spawning, "from the answer on");
    let run = cicada.run().await;
    assert_eq!((&run.id, run.segments.len()), (&first.id, 2));
    assert_eq!(run.segments[0], first.segments[0]);
    let new = cicada.wake_ups();
    assert!(!new.is_empty() && new.iter().all(|wake_up| !known.contains(wake_up)));
    assert!(
        new.iter()
            .all(|wake_up| wake_up.slot.full_second() >= run.segments[1].from)
    );
    cicada.settle().await;
    assert_eq!(
        cicada
            .users()
            .await
            .iter()
            .map(|(_, count)| count)
            .sum::<u32>(),
        600
    );
    cicada.started("user_count=6&spawn_rate=1000").await;
    cicada.settle().await;
    assert_eq!(
        cicada
            .users()
            .await
            .iter()
            .map(|(_, count)| count)
            .sum::<u32>(),
        6
    );
    assert_eq!(cicada.run().await.segments.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_change_before_the_one_before_it_holds_takes_its_place() {
    let cicada = Cicada::new();
    cicada.started("user_count=100&spawn_rate=100").await;
    cicada.started("user_count=7&spawn_rate=100").await;
    let run = cicada.run().await;
    assert_eq!(run.segments.len(), 1);
    assert_eq!((run.revision, run.segments[0].user_count), (2, 7));
    cicada.settle().await;
    cicada.started("user_count=100&spawn_rate=100").await;
    cicada.started("user_count=8&spawn_rate=100").await;
    let run = cicada.run().await;
    assert_eq!(run.segments.len(), 2);
    assert!(run.segments.is_sorted_by(|one, next| one.from < next.from));
    cicada.settle().await;
    assert_eq!(
        cicada
            .users()
            .await
            .iter()
            .map(|(_, count)| count)
            .sum::<u32>(),
        8
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_time_counts_from_the_last_swarm_and_none_cancels_it() {
    let cicada = Cicada::new();
    let answer = cicada
        .started("user_count=6&spawn_rate=6&run_time=1m")
        .await;
    assert_eq!(answer["run_time"], 60);
    let run = cicada.run().await;
    assert_eq!(run.ends(), Some(run.starts() + Duration::from_secs(60)));
    cicada.pass(40.0).await;
    cicada
        .started("user_count=6&spawn_rate=6&run_time=30")
        .await;
    let run = cicada.run().await;
    assert_eq!(
        run.ends(),
        Some(run.segments[1].from + Duration::from_secs(30))
    );
    let answer = cicada.started("user_count=6&spawn_rate=6").await;
    assert_eq!(answer.get("run_time"), None);
    assert_eq!(cicada.run().await.ends(), None);
    cicada.wake_ups();
    cicada.pass(3600.0).await;
    assert_eq!(cicada.state().await, State::Running);
    cicada
        .started("user_count=6&spawn_rate=6&run_time=5s")
        .await;
    cicada.pass(10.0).await;
    assert_eq!(cicada.state().await, State::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_longer_run_time_is_planned_beyond_the_old_end() {
    let cicada = Cicada::new();
    cicada
        .started("user_count=600&spawn_rate=600&run_time=10s")
        .await;
    let before = cicada.run().await;
    cicada.wake_ups();
    cicada.pass(5.0).await;
    cicada
        .started("user_count=600&spawn_rate=600&run_time=1h")
        .await;
    let after = cicada.run().await;
    assert_eq!(after.id, before.id);
    let slots: Vec<Slot> = cicada
        .wake_ups()
        .iter()
        .map(|wake_up| wake_up.slot)
        .collect();
    let old_end = before.end_slot().expect("it had a run time");
    // TargetAppUser waits one to three seconds: of a hundred users somebody is always due
    assert!(
        (0..30).all(|second| slots.contains(&old_end.plus(second))),
        "{slots:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_starts_later_than_two_seconds_after_the_answer_to_stop() {
    for millis in (0..1000).step_by(37) {
        let cicada = Cicada::new();
        cicada.started("user_count=60&spawn_rate=60").await;
        cicada.settle().await;
        cicada.pass(f64::from(millis) / 1e3).await;
        let asked = cicada.clock.now();
        cicada.control.stop().await.unwrap();
        let answered = cicada.clock.now();
        assert!(
            answered.since(asked) <= Duration::from_millis(602),
            "{millis}"
        );
        let run = cicada.run().await;
        let end = run.stopped_at.expect("it was stopped");
        assert!(end.since(asked) >= CHANGE_LEAD, "{millis}");
        // a tenth of a second is left to timers that wake late
        assert!(
            end.since(answered) <= Duration::from_millis(1900),
            "{millis}"
        );
        assert_eq!(cicada.state().await, State::Stopping);
        let plan = cicada.loaded().await;
        let ticks = (0..60).flat_map(|slot| plan.plan.ticks(end.full_second().plus(slot)));
        assert_eq!(ticks.count(), 0, "{millis}");
        cicada.pass(2.0).await;
        assert_eq!(cicada.state().await, State::Stopped);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_before_it_begins_never_does() {
    let cicada = Cicada::new();
    cicada.started("user_count=600&spawn_rate=600").await;
    cicada.control.stop().await.unwrap();
    let run = cicada.loaded().await;
    let slots = (0..600).map(|slot| epoch().full_second().plus(slot));
    assert_eq!(slots.flat_map(|slot| run.plan.ticks(slot)).count(), 0);
    cicada.pass(3.0).await;
    assert_eq!(cicada.state().await, State::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_lies_ahead_when_stop_comes_never_begins() {
    let cicada = Cicada::new();
    cicada.started("user_count=6&spawn_rate=600").await;
    cicada.settle().await;
    cicada.started("user_count=600&spawn_rate=600").await;
    cicada.control.stop().await.unwrap();
    let run = cicada.loaded().await;
    let end = run.plan.run().ends().expect("it was stopped");
    let most = (0..10).map(|slot| run.plan.user_count(end - Duration::from_secs(slot)));
    assert_eq!(most.max(), Some(6));
}

#[tokio::test(start_paused = true)]
async fn stopping_twice_or_without_a_run_is_no_error() {
    let cicada = Cicada::new();
    cicada.control.stop().await.unwrap();
    assert_eq!(cicada.state().await, State::Ready);
    cicada.started("user_count=6&spawn_rate=6").await;
    cicada.settle().await;
    cicada.control.stop().await.unwrap();
    let stopped = cicada.run().await;
    cicada.control.stop().await.unwrap();
    assert_eq!(cicada.run().await, stopped);
    cicada.settle().await;
    cicada.control.stop().await.unwrap();
    assert_eq!(cicada.run().await, stopped);
}

#[tokio::test(start_paused = true)]
async fn a_swarm_while_stopping_is_a_new_run_after_the_old_one() {
    let cicada = Cicada::new();
    cicada.started("user_count=6&spawn_rate=6").await;
    cicada.settle().await;
    cicada.control.stop().await.unwrap();
    let old = cicada.run().await;
    assert_eq!(cicada.state().await, State::Stopping);
    cicada.started("user_count=6&spawn_rate=6").await;
    let new = cicada.run().await;
    assert_ne!(new.id, old.id);
    assert_ne!(new.seed, old.seed);
    assert!(new.starts() >= old.ends().expect("it was stopped"));
    assert_eq!(cicada.store.run(&old.id).await.unwrap(), Some(old));
    cicada.settle().await;
    assert_eq!(cicada.state().await, State::Running);
}

#[tokio::test(start_paused = true)]
async fn a_swarm_in_the_last_moment_of_a_run_time_is_a_new_run() {
    let cicada = Cicada::new();
    cicada
        .started("user_count=6&spawn_rate=6&run_time=10s")
        .await;
    let old = cicada.run().await;
    let end = old.ends().expect("it has a run time");
    cicada
        .clock
        .sleep_until(end - Duration::from_millis(700))
        .await;
    assert_eq!(cicada.state().await, State::Running);
    cicada.started("user_count=6&spawn_rate=6").await;
    let new = cicada.run().await;
    assert_ne!(new.id, old.id);
    assert!(new.starts() >= end);
}

#[tokio::test(start_paused = true)]
async fn a_reset_counts_from_now_on_also_when_the_run_is_over() {
    let cicada = Cicada::new();
    assert_eq!(cicada.get("/stats/reset").await.body, "ok");
    cicada.started("user_count=6&spawn_rate=6").await;
    cicada.settle().await;
    let now = cicada.clock.now();
    assert_eq!(cicada.post("/stats/reset").await.body, "ok");
    assert_eq!(cicada.run().await.counts_from(), now);
    cicada.control.stop().await.unwrap();
    cicada.settle().await;
    let now = cicada.clock.now();
    assert_eq!(cicada.post("/stats/reset").await.body, "ok");
    assert_eq!(cicada.run().await.counts_from(), now);
}

#[tokio::test(start_paused = true)]
async fn the_configured_seed_is_every_runs() {
    let cicada = Cicada::with(ControlSettings {
        seed: Some(7),
        ..ControlSettings::new(workload())
    });
    cicada.started("user_count=6&spawn_rate=6").await;
    assert_eq!(cicada.run().await.seed, 7);
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    let class = |json: &str| ClassSettings::parse(json);
    for (json, word) in [
        ("{", "config-users"),
        ("[1]", "config-users"),
        (r#"{"weight": 1}"#, "user_class_name"),
        (r#"{"user_class_name": "ModelAUser", "wait": 1}"#, "wait"),
        (
            r#"{"user_class_name": "ModelAUser", "weight": -1}"#,
            "weight",
        ),
    ] {
        let message = class(json).expect_err(json).to_string();
        assert!(message.contains(word), "{json}: {message}");
        assert!(message.starts_with("config-users"), "{json}: {message}");
    }
    let one = r#"{"user_class_name": "ModelAUser", "weight": 3}"#;
    assert_eq!(class(one).unwrap(), class(&format!("[{one}]")).unwrap());
    let refused = |change: fn(&mut ControlSettings)| {
        let mut settings = ControlSettings::new(workload());
        change(&mut settings);
        settings
            .checked()
            .expect_err("they cannot be used")
            .to_string()
    };
    let typo = refused(|settings| settings.classes = vec!["ModelAUsr".into()]);
    assert!(
        typo.contains("ModelAUsr") && typo.contains("perhaps ModelAUser"),
        "{typo}"
    );
    let host = refused(|settings| settings.host = Some("localhost:8000".into()));
    assert!(host.contains("localhost:8000"), "{host}");
    let unknown = refused(|settings| {
        settings.class_settings = vec![ClassSettings {
            user_class_name: "Nobody".into(),
            ..Default::default()
        }];
    });
    assert!(unknown.contains("Nobody"), "{unknown}");
    let nobody = refused(|settings| {
        settings.classes = vec!["ModelAUser".into()];
        settings.class_settings = vec![ClassSettings {
            user_class_name: "ModelAUser".into(),
            weight: Some(0),
            ..Default::default()
        }];
    });
    assert!(nobody.contains("weight"), "{nobody}");
}

/// The control is shared by tasks on several threads.
#[test]
fn the_control_can_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<Control<FaultyStore, MemoryQueue, MemoryHeartbeat>>();
}

#[tokio::test(start_paused = true)]
async fn a_start_says_how_late_it_will_be_where_too_few_functions_may_run_at_once() {
    for (at_once, is_late) in [(2, true), (100, false)] {
        let cicada = Cicada::with(ControlSettings {
            tick_functions: Some(TickFunctions {
                at_once,
                ticks_per_message: 10,
            }),
            ..ControlSettings::new(workload())
        });
        let answer = cicada.started("user_count=600&spawn_rate=600").await;
        let message = answer["message"].as_str().unwrap();
        let statistics = cicada.get("/stats/requests").await.json();
        if is_late {
            let said = message.strip_prefix("Swarming started; ").unwrap();
            assert!(
                said.starts_with("too few functions at once: this traffic needs "),
                "{said}"
            );
            assert!(
                said.contains(", and 2 are there: iterations will be "),
                "{said}"
            );
            assert_eq!(statistics["late"], said);
        } else {
            assert_eq!(message, "Swarming started");
            assert!(statistics.get("late").is_none(), "{statistics}");
        }
    }
}
