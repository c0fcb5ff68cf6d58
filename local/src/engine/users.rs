//! The numbers of users, for metrics.

use std::sync::Arc;
use std::time::Duration;

use telemetry::Telemetry;
use traffic::clock::Clock;
use traffic::runs::Runs;

use crate::store::SqliteStore;

/// The time between two reports.
const TOLD_EVERY: Duration = Duration::from_secs(5);

/// Reports the number of active users of each class of the newest run, again and again.
pub(super) async fn tell(runs: Arc<Runs<SqliteStore>>, clock: Clock, telemetry: Arc<Telemetry>) {
    loop {
        tokio::time::sleep(TOLD_EVERY).await;
        // a run that cannot be read is logged by the fan-out
        let Ok(Some(run)) = runs.latest().await else {
            continue;
        };
        let now = clock.now();
        let is_over = run.plan.run().is_over(now);
        let counts = run.plan.class_counts(now);
        for (class, count) in run.plan.classes().iter().zip(counts) {
            let count = if is_over { 0 } else { u64::from(count) };
            telemetry.users(&class.name, count);
        }
    }
}
