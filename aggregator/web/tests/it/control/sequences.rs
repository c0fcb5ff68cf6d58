//! Whatever is asked in whatever order: runs follow one another, what it is too late to change stays
//! as it was, and every tick of the plan has its wake-up.

use std::collections::HashSet;

use control::{Refusal, SwarmRequest};
use proptest::prelude::*;
use traffic::clock::Slot;
use traffic::ports::{ProgressStore as _, RunStore as _, WakeUp};
use traffic::run::Run;

use crate::bad_input::for_all;
use crate::cicada::{Cicada, users, workload};

#[derive(Clone, Debug)]
enum Step {
    Swarm {
        users: u64,
        spawn_rate: f64,
        run_time: Option<u64>,
        /// By their numbers; none: as it was.
        classes: Vec<usize>,
    },
    /// A shape of the built-in workload, by its name.
    Shape(&'static str),
    Stop,
    Reset,
    /// The heartbeat.
    Beat,
    /// Milliseconds.
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let run_time = prop::option::weighted(0.4, 1_u64..40);
    let classes = prop_oneof![Just(vec![]), prop::collection::vec(0_usize..6, 1..4)];
    let swarm = (0_u64..40, 0.2_f64..50.0, run_time, classes);
    let swarm = swarm.prop_map(|(users, spawn_rate, run_time, classes)| Step::Swarm {
        users,
        spawn_rate,
        run_time,
        classes,
    });
    prop_oneof![
        4 => swarm,
        1 => prop_oneof![Just("StepLoad"), Just("DailyCurve")].prop_map(Step::Shape),
        1 => Just(Step::Stop),
        1 => Just(Step::Reset),
        1 => Just(Step::Beat),
        4 => (0_u64..20_000).prop_map(Step::Pass),
        2 => (0_u64..3_000).prop_map(Step::Pass),
    ]
}

#[test]
fn changes_in_any_order_leave_a_plan_that_can_be_executed() {
    let steps = prop::collection::vec(step(), 1..15);
    for_all(60, steps, &async |cicada, steps| {
        let mut queued = HashSet::new();
        for step in steps {
            let now = cicada.clock.now().full_second();
            let fixed = now.0..Run::change_at(&cicada.clock).full_second().0;
            let before = planned(&cicada, fixed.clone()).await;
            take(&cicada, step).await;
            // a process whose copy is a second old may be at these already
            let after = planned(&cicada, fixed).await;
            prop_assert_eq!(before, after, "{:?} came too late for that", step);
            runs_follow_one_another(&cicada).await?;
            queued.extend(cicada.wake_ups());
            for wake_up in due_to_be_queued(&cicada).await {
                prop_assert!(queued.contains(&wake_up), "{:?} after {:?}", wake_up, step);
            }
        }
        Ok(())
    });
}

async fn take(cicada: &Cicada, step: &Step) {
    match step {
        Step::Swarm {
            users: count,
            spawn_rate,
            run_time,
            classes,
        } => {
            let mut request = users(*count, *spawn_rate);
            request.run_time = run_time.map(std::time::Duration::from_secs);
            let workload = workload();
            let names = classes
                .iter()
                .map(|&class| workload.classes()[class].name().to_string());
            request.user_classes = names.collect();
            granted_unless_a_shape_is_on(cicada, request).await;
        }
        Step::Shape(name) => {
            let request = SwarmRequest {
                shape_class: Some((*name).to_owned()),
                ..SwarmRequest::default()
            };
            granted_unless_a_shape_is_on(cicada, request).await;
        }
        Step::Stop => {
            cicada.control.stop().await.expect("the store works");
        }
        Step::Reset => cicada.control.reset().await.expect("the store works"),
        Step::Beat => {
            cicada
                .deployment
                .plan_ahead()
                .await
                .expect("the store works");
        }
        Step::Pass(millis) => cicada.pass(*millis as f64 / 1e3).await,
    }
}

async fn granted_unless_a_shape_is_on(cicada: &Cicada, request: SwarmRequest) {
    match cicada.control.swarm(request).await {
        Ok(_) => {}
        Err(Refusal::Field(problem)) if problem.field == "shape_class" => {
            assert!(cicada.run().await.shape().is_some(), "{problem}");
        }
        Err(refusal) => panic!("{refusal}"),
    }
}

async fn runs(cicada: &Cicada) -> Vec<Run> {
    let mut runs = Vec::new();
    for id in cicada
        .store
        .run_ids(None, 100)
        .await
        .expect("the store works")
    {
        let run = cicada.store.run(&id).await.expect("the store works");
        runs.push(run.expect("it was listed"));
    }
    runs.reverse();
    runs
}

/// The wake-ups that the plans of all runs want for these slots.
async fn planned(cicada: &Cicada, slots: std::ops::Range<u64>) -> Vec<WakeUp> {
    let mut wake_ups = Vec::new();
    for run in runs(cicada).await {
        let id = run.id.clone();
        let run = cicada.load(run).await;
        for slot in slots.clone().map(Slot) {
            for (class, block) in run.plan.ticks(slot) {
                let class = run.plan.classes()[class].name.to_string();
                let run = id.clone();
                wake_ups.push(WakeUp {
                    run,
                    class,
                    block,
                    slot,
                });
            }
        }
    }
    wake_ups
}

/// What the newest run wants from the next slot on, as far as it was planned.
async fn due_to_be_queued(cicada: &Cicada) -> Vec<WakeUp> {
    let Some(run) = runs(cicada).await.pop() else {
        return Vec::new();
    };
    let until = cicada
        .store
        .planned_until(&run.id)
        .await
        .expect("the store works");
    let next = cicada.clock.now().full_second().plus(1);
    let wanted = planned(cicada, next.0..until.map_or(0, |until| until.0)).await;
    wanted
        .into_iter()
        .filter(|wake_up| wake_up.run == run.id)
        .collect()
}

async fn runs_follow_one_another(cicada: &Cicada) -> Result<(), TestCaseError> {
    let runs = runs(cicada).await;
    for pair in runs.windows(2) {
        let end = pair[0].ends();
        prop_assert!(end.is_some_and(|end| end <= pair[1].starts()), "{:?}", pair);
    }
    for run in &runs {
        let in_order = run.segments.is_sorted_by(|one, next| one.from < next.from);
        prop_assert!(in_order && !run.segments.is_empty(), "{:?}", run);
    }
    Ok(())
}
