//! Far more to begin than a machine can: everything else still has its turn.

use super::*;

const USERS: u32 = 20_000;

#[tokio::test(start_paused = true)]
async fn who_asks_has_a_turn_while_thousands_of_iterations_are_to_begin() {
    let mut stage = Stage::new("constant_pacing(100)", USERS, ms(5)).await;
    // all at the very same instant
    stage.change(|run| run.segments[0].spawn_rate = 1e12).await;
    let (clock, seen) = (stage.clock.clone(), Arc::clone(&stage.seen));
    let asking = tokio::spawn(async move {
        clock.sleep_until(START.full_second()).await;
        let (mut known, mut most) = (0, 0);
        while known < USERS as usize {
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
                let now = seen.lock().len();
                most = most.max(now - known);
                known = now;
            }
            // time stands still while anything is to be done
            tokio::time::sleep(ms(1)).await;
        }
        most
    });
    stage.live(0..2).await;
    let most = asking.await.unwrap();
    assert!(most <= 1_100, "{most} were begun between two turns");
    let end = stage.clock.now();
    stage.change(|run| run.stopped_at = Some(end)).await;
    let report = stage.settle().await;
    assert_eq!((report.executed, report.left), (USERS, 0));
}
