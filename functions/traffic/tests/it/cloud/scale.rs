//! The fan-out for a hundred thousand users of the built-in classes.
//!
//! CPU time of the planning thread, not the time that passes: other tests may run beside it. What it costs in
//! a release build stands in `docs/scale.md`.
#![cfg(target_os = "linux")]

use std::time::Duration;

use traffic::record::BlockSize;

#[path = "../../../examples/fan_out_scale/simulation.rs"]
mod simulation;

use simulation::{Figures, Parameters, plan_a_minute};

async fn figures(users: u32) -> Figures {
    let parameters = Parameters {
        users,
        spawn_rate: 100,
        block_size: BlockSize::default(),
        ticks_per_message: 10,
    };
    let figures = plan_a_minute(parameters).await.unwrap();
    println!("{users} users, a minute: {figures:?}");
    figures
}

#[tokio::test]
async fn a_hundred_thousand_users_are_planned_in_a_fraction_of_the_time() {
    let few = figures(10_000).await;
    let many = figures(100_000).await;
    // 167 blocks of each of six classes; of one that waits for a second or two each slot has something due
    assert!(many.wake_ups >= 60 * 167 && many.wake_ups <= 60 * 6 * 167);
    assert!(many.iterations_per_tick >= 10.0);
    // ten ticks in a message, or as many as have 300 users: the next one of up to 100 did not fit
    let ticks = (200.0 / many.iterations_per_tick).min(10.0);
    assert!((many.messages as f64) < many.wake_ups as f64 / ticks + 60.0);
    assert!(many.messages_in_a_second <= 101);
    assert!(many.requests <= many.messages / 10 + 60 / 10);
    // ten times the users take about ten times as long, on whatever machine this is
    let ratio = many.cpu.as_secs_f64() / few.cpu.as_secs_f64();
    assert!(ratio < 20.0, "{ratio}");
    assert!(many.cpu < Duration::from_secs(60), "{:?}", many.cpu);
}
