//! The ledger: what should have happened, and what became of it.
//!
//! What was planned is the plan's answer for every past slot; what became of it stands in the records.
//! So planned = recorded + skipped + missing + pending, for every class and in total, and nobody has
//! to keep books while traffic is sent. The private `tally` does the adding up; this is what it says.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Arc;

use serde::Serialize;
use traffic::clock::Slot;
use traffic::run::RunId;
use utoipa::ToSchema;

use self::lateness::Lateness;
pub use self::past::{Columns, LedgerHistory, LedgerPast};

pub(crate) mod iteration_bits;
pub(crate) mod lateness;
pub(crate) mod past;
pub(crate) mod plan_match;
pub(crate) mod tally;

/// What was planned for a run and what became of it; the body of `GET /ledger`.
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
    /// Records that cannot be read: what they hold is missing here and in the statistics.
    pub unreadable_records: u64,
    /// Each class of the run by its name; entries of unknown classes lie under [`UNKNOWN_CLASS`].
    #[schema(value_type = BTreeMap<String, Account>)]
    pub classes: BTreeMap<Arc<str>, Account>,
}

/// Where entries are counted whose class the workload does not have.
pub const UNKNOWN_CLASS: &str = "(unknown class)";

/// The iterations of a class, or of all; a turn of a `constant` user in a slot counts as one.
///
/// `planned` = `recorded` + `skipped` + `missing` + `pending`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Account {
    /// Iterations that were due in the slots so far.
    pub planned: u64,
    /// Those that ran, `cut_off` included; each once, however often it ran.
    pub recorded: u64,
    /// Those that were cut off by the stop timeout.
    pub cut_off: u64,
    /// Those that were left out because their user was still busy.
    pub skipped: u64,
    /// Those of which nothing is known, and nothing can come any more.
    pub missing: u64,
    /// Those of which a record may still come.
    pub pending: u64,
    /// How often an iteration ran once more than planned: its wake-up was delivered again.
    pub duplicates: u64,
    /// What ran or was skipped without being planned, or came after it had been counted as missing;
    /// 0 unless something is broken.
    pub unplanned: u64,
    /// From the planned instant to sending.
    pub lateness_ms: LatenessMs,
}

/// How late iterations were started, in milliseconds; 0 where none was.
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

impl Account {
    fn with_lateness(mut self, lateness: &Lateness) -> Self {
        self.lateness_ms = lateness.figures();
        self
    }
}

impl AddAssign for Account {
    /// Adds counts; lateness does not add up and stays.
    fn add_assign(&mut self, other: Self) {
        self.planned += other.planned;
        self.recorded += other.recorded;
        self.cut_off += other.cut_off;
        self.skipped += other.skipped;
        self.missing += other.missing;
        self.pending += other.pending;
        self.duplicates += other.duplicates;
        self.unplanned += other.unplanned;
    }
}
