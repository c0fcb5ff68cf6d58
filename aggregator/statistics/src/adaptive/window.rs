//! The results of one step: read anew from its records, so that whoever looks finds the same.

use std::time::Duration;

use traffic::clock::Timestamp;
use traffic::deployment::Deployment;
use traffic::ports::{RecordStore, RunStore, StoreError};
use traffic::record::Bucket;
use traffic::record::wire::Decoded;
use traffic::runs::LoadedRun;

use crate::stats::Stats;

/// A record whose write failed for a while lies in a bucket of its writing, which is so long after at most.
const WRITTEN_LATE: Duration = Duration::from_secs(60);

/// What a run's requests that were completed from one instant on and before another one came to.
pub(super) async fn read<S: RunStore + RecordStore, Q, H>(
    deployment: &Deployment<S, Q, H>,
    run: &LoadedRun,
    from: Timestamp,
    until: Timestamp,
) -> Result<Stats, StoreError> {
    let mut stats = Stats::new(from);
    let written = deployment.clock.now().min(until + WRITTEN_LATE);
    let (id, shards) = (&run.plan.run().id, run.plan.shards());
    for bucket in (Bucket::of(from).0..=Bucket::of(written).0).map(Bucket) {
        let page = deployment.store.records(id, shards, bucket, None).await?;
        for record in &page.records {
            // the reader says of one that cannot be read that it is so
            let Ok(mut decoded) = Decoded::read(&record.payload, record.key.slot) else {
                continue;
            };
            let outcomes = &mut decoded.outcomes;
            let within = outcomes.partition_point(|outcome| outcome.completed_at < until);
            outcomes.truncate(within);
            decoded
                .streams
                .retain(|one| (one.outcome as usize) < within);
            stats.fold(bucket, &decoded);
            tokio::task::yield_now().await;
        }
    }
    Ok(stats)
}
