//! What each call of the ports is on AWS, and the figures behind an estimate that AWS or the adapters set.
//!
//! Where `aws` or the templates change, this is the file to follow them; the end-to-end test compares it
//! with the calls that are really made.

use std::time::Duration;

use super::calls::{Call, Service};

const fn dynamodb(operation: &'static str, purpose: &'static str) -> Call {
    Call {
        service: Service::DynamoDb,
        operation,
        purpose,
    }
}

const fn sqs(operation: &'static str, purpose: &'static str) -> Call {
    Call {
        service: Service::Sqs,
        operation,
        purpose,
    }
}

/// One winner per tick.
pub(super) const CLAIM: Call = dynamodb("PutItem", "claims of ticks");
/// What a tick writes.
pub(super) const RECORD: Call = dynamodb("PutItem", "records");
/// A slow iteration says that its user is busy.
pub(super) const PUT_MARKER: Call = dynamodb("PutItem", "markers of busy users");
/// It takes that back.
pub(super) const CLEAR_MARKER: Call = dynamodb("DeleteItem", "markers of busy users");
/// A tick asks who is busy.
pub(super) const READ_MARKERS: Call = dynamodb("Query", "markers of busy users");
/// A process's copy of the run.
pub(super) const RUN: Call = dynamodb("GetItem", "runs");
/// The run's workload, once per process.
pub(super) const WORKLOAD: Call = dynamodb("GetItem", "workloads");
/// Which run is the newest.
pub(super) const LATEST_RUN: Call = dynamodb("Query", "runs");
/// How far the fan-out planned.
pub(super) const PLANNED: Call = dynamodb("GetItem", "how far was planned");
/// It planned further.
pub(super) const ADVANCE: Call = dynamodb("PutItem", "how far was planned");
/// What is new in a bucket.
pub(super) const READ_RECORDS: Call = dynamodb("Query", "records");
/// The folded statistics.
pub(super) const PUT_CHECKPOINT: Call = dynamodb("PutItem", "checkpoints");

/// Wake-ups on their way.
pub(super) const SEND: Call = sqs("SendMessageBatch", "wake-ups");
/// The event source mapping takes them,
pub(super) const RECEIVE: Call = sqs("ReceiveMessage", "wake-ups");
/// and takes them away.
pub(super) const DELETE: Call = sqs("DeleteMessageBatch", "wake-ups");
/// It asks in vain.
pub(super) const IDLE_RECEIVE: Call = sqs("ReceiveMessage", "idle polling");

/// The schedule fires.
pub(super) const HEARTBEAT: Call = Call {
    service: Service::Scheduler,
    operation: "Invoke",
    purpose: "heartbeat",
};

/// Messages in one `SendMessageBatch` at most.
pub(super) const SEND_BATCH: u64 = 10;

/// Lambda polls a queue with so many connections to begin with,
pub(super) const POLLERS: f64 = 5.0;

/// each of which waits so long for a message.
pub(super) const LONG_POLL: Duration = Duration::from_secs(20);

/// How long before its slot a message's invocation begins: the queue aims for this.
pub(super) const EARLY: Duration = Duration::from_millis(400);

/// A write to the store, from here to there and back.
pub(super) const WRITE_TAKES: Duration = Duration::from_millis(10);

/// From the last write to the end of the invocation.
pub(super) const INVOCATION_ENDS: Duration = Duration::from_millis(5);

/// The item of a record without its payload and its class's name, which it has twice: keys, and what is
/// readable in a console.
const RECORD_BYTES: u64 = 155;

/// The item of a claim.
pub(super) const CLAIM_BYTES: u64 = 100;

/// What DynamoDB adds to an item when it charges for keeping it.
pub(super) const ITEM_OVERHEAD: u64 = 100;

/// How long claims stay: minutes by their time to live, which DynamoDB takes up to two days to honour.
pub(super) const CLAIMS_STAY_DAYS: f64 = 2.0;

/// A workload, packed.
pub(super) const WORKLOAD_UNITS: u64 = 1;

/// A reader reads on from so long before its last read: `aws`'s records.
pub(super) const OVERLAP: Duration = Duration::from_secs(15);

/// A checkpoint of the statistics and the ledger, packed: its frame, and each request's name with its figures.
pub(super) const CHECKPOINT_BYTES: u64 = 300;
pub(super) const CHECKPOINT_ROW_BYTES: u64 = 300;

/// The history in a checkpoint, packed: on average over a run of eight hours with all six classes. It grows
/// to twice that in a day, and hardly after it.
pub(super) const HISTORY_BYTES: u64 = 8_000;

/// START, END and REPORT of an invocation, with what CloudWatch adds to each line.
pub(super) const PLATFORM_LOG: u64 = 450;

/// What the tick logs of an invocation: nothing while all is well.
pub(super) const TICK_LOG: u64 = 0;

/// What the fan-out logs: the statistics of a minute.
pub(super) const FAN_OUT_LOG: u64 = 600;

/// What the aggregator logs of a poll.
pub(super) const AGGREGATOR_LOG: u64 = 0;

/// What a record's item weighs: packed, which saves a tenth, if it does not fit in a unit otherwise.
pub(super) const fn record_bytes(class: &str, payload: u64) -> u64 {
    let frame = RECORD_BYTES + 2 * class.len() as u64;
    if frame + payload <= 1_024 {
        frame + payload
    } else {
        frame + payload * 9 / 10
    }
}

/// Units for a write of so many bytes: one per KB.
pub(super) const fn write_units(bytes: u64) -> u64 {
    bytes.div_ceil(1_024)
}

/// Units for a consistent read of so many bytes: one per 4 KB, and one for nothing.
pub(super) const fn read_units(bytes: u64) -> u64 {
    let units = bytes.div_ceil(4_096);
    if units == 0 { 1 } else { units }
}
