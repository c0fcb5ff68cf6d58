//! The ledger: the planned iterations, and the outcome of each.
//!
//! The plan has the iterations of every past slot, the records have their outcomes. So planned = recorded + skipped +
//! missing + pending, for every class and in total, and nothing has to be counted while traffic is sent. The private
//! `tally` adds up; here are its sums.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Arc;

use serde::Serialize;
use traffic::clock::Slot;
use traffic::run::RunId;
use utoipa::ToSchema;

pub use self::decisions::{AdaptiveLoad, Decision};
pub use self::past::{Columns, LedgerHistory, LedgerPast};
pub use self::starved::Starved;

mod decisions;
pub(crate) mod iteration_bits;
pub(crate) mod lateness;
pub(crate) mod past;
pub(crate) mod plan_match;
pub(crate) mod slot_plan;
pub(crate) mod starved;
pub(crate) mod tally;

/// The ledger of a run; the body of `GET /ledger`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Ledger {
    /// The run, if there is one.
    #[schema(value_type = Option<String>)]
    pub run: Option<RunId>,
    /// The slot that begins with the run.
    #[schema(value_type = Option<u64>)]
    pub from: Option<Slot>,
    /// The first slot that is not counted yet.
    #[schema(value_type = Option<u64>)]
    pub until: Option<Slot>,
    /// All classes together.
    #[serde(flatten)]
    pub total: Account,
    /// Records that cannot be read: their contents are missing here and in the statistics.
    pub unreadable_records: u64,
    /// That response times include our own waiting, if they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub starved: Option<Starved>,
    /// The adaptive load of the run, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub adaptive: Option<AdaptiveLoad>,
    /// Each class of the run by its name; entries of unknown classes lie under [`UNKNOWN_CLASS`].
    #[schema(value_type = BTreeMap<String, Account>)]
    pub classes: BTreeMap<Arc<str>, Account>,
}

/// The class of entries whose class the workload does not have.
pub const UNKNOWN_CLASS: &str = "(unknown class)";

/// The iterations of a class, or of all; a turn of a `constant` user in a slot counts as one.
///
/// `planned` = `recorded` + `skipped` + `missing` + `pending`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Account {
    /// Iterations that were due in the slots so far.
    pub planned: u64,
    /// Those that ran, `cut_off` and `failed` included; each once, however often it ran.
    pub recorded: u64,
    /// Those that were cut off by the stop timeout.
    pub cut_off: u64,
    /// Those whose user's session could not be begun.
    pub failed: u64,
    /// Those that were left out because their user was still busy.
    pub skipped: u64,
    /// Those without a record, of which none can come any more.
    pub missing: u64,
    /// Those of which a record may still come.
    pub pending: u64,
    /// Executions of an iteration beyond the first: its wake-up was delivered again.
    pub duplicates: u64,
    /// Iterations that ran or were skipped without being planned, or whose record came after they had been counted as
    /// missing; 0 unless something is broken.
    pub unplanned: u64,
    /// The time from the planned instant to sending.
    pub lateness_ms: LatenessMs,
}

/// The lateness of iterations in milliseconds; 0 where there was none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct LatenessMs {
    /// The median.
    pub p50: f64,
    /// The 95th percentile.
    pub p95: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The latest.
    pub max: f64,
}

impl AddAssign for Account {
    /// Adds the counts; percentiles of lateness cannot be added and stay.
    fn add_assign(&mut self, other: Self) {
        self.planned += other.planned;
        self.recorded += other.recorded;
        self.cut_off += other.cut_off;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.missing += other.missing;
        self.pending += other.pending;
        self.duplicates += other.duplicates;
        self.unplanned += other.unplanned;
    }
}
