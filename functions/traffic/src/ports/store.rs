//! The store: runs, workloads, records, in-flight markers and checkpoints.

use std::future::Future;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;

use super::queue::WakeUp;
use crate::block::Block;
use crate::clock::{Slot, Timestamp};
use crate::record::{Bucket, Record};
use crate::run::{Run, RunId};

/// A write is given up when it has not succeeded this long after what it holds was completed, or was given
/// the bucket of its writing, so that a bucket older than that can be sealed.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(45);

/// All that Cicada keeps; functions ask for the parts that they use.
pub trait Store: RunStore + RecordStore + MarkerStore + CheckpointStore + ProgressStore {}

impl<S: RunStore + RecordStore + MarkerStore + CheckpointStore + ProgressStore> Store for S {}

/// What a tick uses: it cannot move how far a run is planned, nor fold what it wrote.
pub trait TickStore: RunStore + RecordStore + MarkerStore {}

impl<S: RunStore + RecordStore + MarkerStore> TickStore for S {}

/// The parts of the store that a reader of statistics uses.
pub trait ReaderStore: RunStore + RecordStore + CheckpointStore {}

impl<S: RunStore + RecordStore + CheckpointStore> ReaderStore for S {}

/// Runs, newest last, and the workloads that they are pinned to. Every method may be repeated after an error.
pub trait RunStore: Send + Sync + 'static {
    /// Writes a run. Revision 1 must be new, any other must follow the stored one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody else wrote in between: read again, then decide.
    fn put_run(&self, run: &Run) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// A run by its name.
    fn run(&self, id: &RunId) -> impl Future<Output = Result<Option<Run>, StoreError>> + Send;

    /// The newest run.
    fn latest_run(&self) -> impl Future<Output = Result<Option<Run>, StoreError>> + Send;

    /// The names of up to `limit` runs, newest first: of all, or of those older than `before`.
    fn run_ids(
        &self,
        before: Option<&RunId>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<RunId>, StoreError>> + Send;

    /// Keeps the source of a workload under its version.
    fn put_workload(
        &self,
        version: &str,
        source: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The source of a workload by its version.
    fn workload(
        &self,
        version: &str,
    ) -> impl Future<Output = Result<Option<String>, StoreError>> + Send;

    /// Makes a version the one that new runs are pinned to.
    fn choose_workload(&self, version: &str)
    -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The version that was chosen last, if any was.
    fn chosen_workload(&self) -> impl Future<Output = Result<Option<String>, StoreError>> + Send;

    /// How long before it matters a marker must be written to be seen by every process: zero where
    /// all ticks share one.
    fn marker_lead(&self) -> Duration;

    /// Nothing of slots that had begun by this instant can still be written, if that is known: the
    /// one process that may write was started then, and leaves those slots alone.
    fn quiet_before(&self) -> Option<Timestamp>;
}

/// Records: the results of ticks. Every method may be repeated after an error.
pub trait RecordStore: Send + Sync + 'static {
    /// Writes a record; once this returns it survives the process. The same key is the same record.
    fn put_record(&self, record: Record) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Records of a run's bucket that were written since `since`, or all of them.
    ///
    /// A record may be read again, so readers tell them apart by their key; none is left out.
    /// `shards` is how many the run has by its plan: [`Shard`](crate::block::Shard).
    fn records(
        &self,
        run: &RunId,
        shards: u32,
        bucket: Bucket,
        since: Option<Cursor>,
    ) -> impl Future<Output = Result<RecordPage, StoreError>> + Send;

    /// The first of a run's buckets from `from` on that may hold records, if any may: there are none in those
    /// before it. A store that cannot tell without reading them says `from`.
    fn next_bucket(
        &self,
        run: &RunId,
        from: Bucket,
    ) -> impl Future<Output = Result<Option<Bucket>, StoreError>> + Send;

    /// Drops records of buckets before `before`, where nothing else does: DynamoDB's time-to-live
    /// does it in the cloud.
    fn expire_records(&self, before: Bucket)
    -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Claims and markers: which execution has a tick, and which users are busy. Every method may be repeated after an error.
pub trait MarkerStore: Send + Sync + 'static {
    /// Claims a tick for an execution, by its nonce; true for one of all that claim it, however often
    /// that one asks. What was claimed is remembered for at least two minutes from its slot.
    fn claim(
        &self,
        tick: &WakeUp,
        writer: u64,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Says that a user is busy; replaces the marker the user has.
    fn put_marker(&self, marker: &Marker) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Takes a marker back, if it is still the user's.
    fn clear_marker(&self, marker: &Marker) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The markers of a block.
    fn markers(
        &self,
        run: &RunId,
        class: &str,
        block: Block,
    ) -> impl Future<Output = Result<Vec<Marker>, StoreError>> + Send;
}

/// Checkpoints: the sums of a run's folded records. Every method may be repeated after an error.
pub trait CheckpointStore: Send + Sync + 'static {
    /// Writes a run's checkpoint; its revision must be the stored one's plus one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody else wrote one in between: theirs is as good.
    fn put_checkpoint(
        &self,
        run: &RunId,
        checkpoint: &Checkpoint,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// A run's checkpoint.
    fn checkpoint(
        &self,
        run: &RunId,
    ) -> impl Future<Output = Result<Option<Checkpoint>, StoreError>> + Send;
}

/// The slot up to which each run is planned. Every method may be repeated after an error.
pub trait ProgressStore: Send + Sync + 'static {
    /// The first slot of a run that the fan-out has not planned yet.
    fn planned_until(
        &self,
        run: &RunId,
    ) -> impl Future<Output = Result<Option<Slot>, StoreError>> + Send;

    /// Moves [`ProgressStore::planned_until`] from `from` to `to`, also back; false if it is not at `from` any
    /// more. Who reads a run after this has returned sees it as new as whoever moved it.
    fn advance_planned(
        &self,
        run: &RunId,
        from: Option<Slot>,
        to: Slot,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Deletes a run that is over, and all that belongs to it: first the run, so that nobody finds it any more, then its
    /// plan, the checkpoints under the names `checkpoints`, and the records of `buckets`. A store whose calls are paid for
    /// deletes some thousands of records, newest first, and leaves the rest to their time to live.
    fn delete_run(
        &self,
        run: &RunId,
        checkpoints: &[RunId],
        shards: u32,
        buckets: Range<Bucket>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Where a reader of a bucket has got to; only the store that made it knows what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub u64);

/// Records that [`RecordStore::records`] has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPage {
    /// The records.
    pub records: Vec<Record>,
    /// From where to read on.
    pub cursor: Cursor,
}

/// Says that a user is busy with an iteration, or still waiting after one, until a deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The run.
    pub run: RunId,
    /// The class, by its name.
    pub class: String,
    /// The block that the user is in.
    pub block: Block,
    /// The user's index in its class.
    pub user: u32,
    /// The nonce of the tick's execution that has set it.
    pub writer: u64,
    /// When it ends by itself, should its writer have died.
    pub until: Timestamp,
}

/// The sums of a run's sealed buckets; the aggregator knows the form of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Goes up by one with every write.
    pub revision: u64,
    /// The folded statistics and ledger.
    pub body: Bytes,
}

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else wrote first.
    #[error("somebody else changed this in between: read it again")]
    Conflict,
    /// The store cannot take or give anything for now; trying again may help.
    #[error("the store does not answer for now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no room left.
    #[error("the store is full: make room on its disk")]
    Full(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It may be read, but not written.
    #[error("the store cannot be written: check the file's and its folder's permissions")]
    ReadOnly(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The item or row is damaged, or not Cicada's.
    #[error("the store is damaged, or not one of cicada's: move it away and start afresh")]
    Corrupt(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It does not do this, and will not until somebody changes something: what, the error says.
    #[error(transparent)]
    Refused(Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// True if the same call may succeed later.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Full(_))
    }
}
