//! The calls of the ports on AWS, and the figures behind an estimate that AWS or the adapters set.
//!
//! Where `aws` or the templates change, this is the file to follow them; the end-to-end test compares it
//! with the calls that are really made.

use std::time::Duration;

use super::call::{Call, Service};

const fn call(service: Service, operation: &'static str, purpose: &'static str) -> Call {
    Call {
        service,
        operation,
        purpose,
    }
}

const fn dynamodb(operation: &'static str, purpose: &'static str) -> Call {
    call(Service::DynamoDb, operation, purpose)
}

const fn sqs(operation: &'static str, purpose: &'static str) -> Call {
    call(Service::Sqs, operation, purpose)
}

pub(super) const CLAIM: Call = dynamodb("PutItem", "claims of ticks");
pub(super) const RECORD: Call = dynamodb("PutItem", "records");
pub(super) const PUT_MARKER: Call = dynamodb("PutItem", "markers of busy users");
pub(super) const CLEAR_MARKER: Call = dynamodb("DeleteItem", "markers of busy users");
pub(super) const READ_MARKERS: Call = dynamodb("Query", "markers of busy users");
pub(super) const RUN: Call = dynamodb("GetItem", "runs");
pub(super) const WORKLOAD: Call = dynamodb("GetItem", "workloads");
pub(super) const LATEST_RUN: Call = dynamodb("Query", "runs");
pub(super) const PLANNED: Call = dynamodb("GetItem", "how far was planned");
pub(super) const ADVANCE: Call = dynamodb("PutItem", "how far was planned");
pub(super) const READ_RECORDS: Call = dynamodb("Query", "records");
pub(super) const PUT_CHECKPOINT: Call = dynamodb("PutItem", "checkpoints");
pub(super) const SEND: Call = sqs("SendMessageBatch", "wake-ups");
pub(super) const RECEIVE: Call = sqs("ReceiveMessage", "wake-ups");
pub(super) const DELETE: Call = sqs("DeleteMessageBatch", "wake-ups");
pub(super) const IDLE_RECEIVE: Call = sqs("ReceiveMessage", "idle polling");
pub(super) const HEARTBEAT: Call = call(Service::Scheduler, "Invoke", "heartbeat");

/// The most messages in one `SendMessageBatch`.
pub(super) const SEND_BATCH: u64 = 10;

/// Connections by which Lambda polls an idle queue, and the time that each waits for a message.
pub(super) const POLLERS: f64 = 5.0;
pub(super) const LONG_POLL: Duration = Duration::from_secs(20);

/// An invocation begins this long before its message's slot: the queue aims for it.
pub(super) const EARLY: Duration = Duration::from_millis(400);

/// The duration of a write to the store.
pub(super) const WRITE_TAKES: Duration = Duration::from_millis(10);

/// From the last write to the end of the invocation.
pub(super) const INVOCATION_ENDS: Duration = Duration::from_millis(5);

/// Bytes of a record's item without its payload and its class's name, which it has twice: keys, and attributes that a
/// console shows.
const RECORD_BYTES: u64 = 155;

/// Bytes of a claim's item.
pub(super) const CLAIM_BYTES: u64 = 100;

/// Bytes that DynamoDB adds to an item when it charges for keeping it.
pub(super) const ITEM_OVERHEAD: u64 = 100;

/// The life of a claim: minutes by its time to live, which DynamoDB takes up to two days to honour.
pub(super) const CLAIMS_STAY_DAYS: f64 = 2.0;

/// Read units of a workload, packed.
pub(super) const WORKLOAD_UNITS: u64 = 1;

/// A reader reads on from this long before its last read: `aws`'s records.
pub(super) const OVERLAP: Duration = Duration::from_secs(15);

/// Bytes of a checkpoint, packed: its frame, and each request's name with its figures.
pub(super) const CHECKPOINT_BYTES: u64 = 300;
pub(super) const CHECKPOINT_ROW_BYTES: u64 = 300;

/// Bytes of the history in a checkpoint, packed: on average over a run of eight hours with all six classes. They
/// double in a day, and hardly grow after it.
pub(super) const HISTORY_BYTES: u64 = 8_000;

/// Bytes of START, END and REPORT of an invocation, with those that CloudWatch adds to each line.
pub(super) const PLATFORM_LOG: u64 = 450;

/// Bytes of the statistics of a minute in the fan-out's log; the others log nothing while all is well.
pub(super) const FAN_OUT_LOG: u64 = 600;

/// Bytes of a record's item: packed, which saves a tenth, if it does not fit in a unit otherwise.
pub(super) const fn record_bytes(class: &str, payload: u64) -> u64 {
    let frame = RECORD_BYTES + 2 * class.len() as u64;
    if frame + payload <= 1_024 {
        frame + payload
    } else {
        frame + payload * 9 / 10
    }
}

/// Units of a write: one per KB.
pub(super) const fn write_units(bytes: u64) -> u64 {
    bytes.div_ceil(1_024)
}

/// Units of a consistent read: one per 4 KB, and one for nothing.
pub(super) const fn read_units(bytes: u64) -> u64 {
    let units = bytes.div_ceil(4_096);
    if units == 0 { 1 } else { units }
}
