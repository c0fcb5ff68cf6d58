//! A record: what one tick writes, and the key it is found by.
//!
//! The payload's binary form is [`wire`]'s. One record belongs to one ten-second [`Bucket`] of
//! completion time, so that nobody who reads the present has to scan the past.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::clock::{SLOT_MICROS, Slot, Timestamp};
use crate::run::RunId;
use crate::telemetry::TraceId;

pub mod wire;

/// Users in a block at most.
pub const BLOCK_USERS: u32 = 100;

/// Blocks of one class that share a [`Shard`].
const SHARD_BLOCKS: u32 = 50;

/// Seconds in a [`Bucket`].
pub const BUCKET_SECONDS: u64 = 10;

/// Ten seconds of completion time, by its number since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bucket(pub u64);

impl Bucket {
    /// The bucket that `instant` lies in.
    pub const fn of(instant: Timestamp) -> Self {
        Self(instant.micros() / (BUCKET_SECONDS * SLOT_MICROS))
    }

    /// The bucket's first instant.
    pub const fn start(self) -> Timestamp {
        Timestamp::from_micros(self.0 * BUCKET_SECONDS * SLOT_MICROS)
    }

    /// The first instant after the bucket.
    pub const fn end(self) -> Timestamp {
        Self(self.0 + 1).start()
    }

    /// The bucket after this one.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Up to [`BLOCK_USERS`] users of one class, by index: block 0 holds users 0 to 99. How many it is,
/// the run's [`BlockSize`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Block(pub u32);

/// How many users a block of a run has: 1 to [`BLOCK_USERS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct BlockSize(u32);

impl BlockSize {
    /// So many users, if a block may have them.
    pub const fn new(users: u32) -> Option<Self> {
        if users == 0 || users > BLOCK_USERS {
            None
        } else {
            Some(Self(users))
        }
    }

    /// How many users it is.
    pub const fn users(self) -> u32 {
        self.0
    }

    /// The block that holds a user.
    pub const fn block_of(self, user: u32) -> Block {
        Block(user / self.0)
    }

    /// The index of a block's first user.
    pub const fn first_user(self, block: Block) -> u32 {
        block.0.saturating_mul(self.0)
    }

    /// How many blocks so many users are in.
    pub const fn blocks(self, users: u32) -> u32 {
        users.div_ceil(self.0)
    }
}

impl Default for BlockSize {
    fn default() -> Self {
        Self(BLOCK_USERS)
    }
}

impl From<BlockSize> for u32 {
    fn from(size: BlockSize) -> Self {
        size.0
    }
}

impl TryFrom<u32> for BlockSize {
    type Error = &'static str;

    fn try_from(users: u32) -> Result<Self, Self::Error> {
        Self::new(users).ok_or("a block has 1 to 100 users")
    }
}

/// The part of a bucket that some blocks write to, so that no partition of the store has to take
/// more than a few hundred writes a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(pub u32);

impl Shard {
    /// The shard of a block.
    pub const fn of(block: Block) -> Self {
        Self(block.0 / SHARD_BLOCKS)
    }

    /// How many shards so many blocks of each class are in; at least one.
    pub const fn count(blocks: u32) -> u32 {
        let count = blocks.div_ceil(SHARD_BLOCKS);
        if count == 0 { 1 } else { count }
    }
}

/// What a record is found by: the same key is the same record, however often it is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// The run.
    pub run: RunId,
    /// The bucket that all its outcomes were completed in.
    pub bucket: Bucket,
    /// The class of the tick.
    pub class: Arc<str>,
    /// The block of the tick.
    pub block: Block,
    /// The slot of the tick.
    pub slot: Slot,
    /// The nonce of the execution that wrote it: a tick that is executed twice has two.
    pub writer: u64,
    /// Counts the records of one execution.
    pub sequence: u32,
}

/// What one write of a tick holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What the record is found by.
    pub key: RecordKey,
    /// Requests in the payload, for people who look at the store.
    pub requests: u32,
    /// Failures among them.
    pub failures: u32,
    /// The outcomes in [`wire`]'s form.
    pub payload: Bytes,
}

/// The result of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Method and name; they group the statistics.
    pub request: Arc<RequestName>,
    /// When the response was there, or the attempt given up.
    pub completed_at: Timestamp,
    /// From sending to completion.
    pub response_time: Duration,
    /// Bytes of the response's body.
    pub content_length: u64,
    /// Why it is a failure, if it is one.
    pub error: Option<Arc<str>>,
    /// The trace that the failure leads to, if it is one. A record keeps the latest of each request and
    /// error: one example is enough, and ids are what does not compress.
    pub trace: Option<TraceId>,
    /// From the instant the iteration was planned for to sending; only on an iteration's first
    /// request, and not where the wait begins with the response (`constant`).
    pub lateness: Option<Duration>,
    /// The process's first request to this host: its connection is new.
    pub cold: bool,
}

/// Method and name of a request: one row of the statistics.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestName {
    /// The HTTP method, or another short type.
    pub method: Box<str>,
    /// The name that dashboards group by.
    pub name: Box<str>,
}

/// What became of one planned iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It ran to its end; its outcomes are recorded.
    Done,
    /// Its user was still busy with an earlier iteration.
    Skipped,
    /// It was cut off: by the stop timeout, and the request it was in has no outcome, or by the end of
    /// the function's time, and the request has a failure that says so.
    CutOff,
}

/// A planned iteration and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IterationEntry {
    /// The user's number in its block, 0 to 99.
    pub user: u8,
    /// Which of the user's iterations in this slot, from 0.
    pub ordinal: u32,
    /// What became of it.
    pub fate: Fate,
}

/// An expectation or template that could not be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExceptionEntry {
    /// What went wrong.
    pub message: Arc<str>,
    /// Where: file, line and expression.
    pub traceback: Arc<str>,
    /// How often.
    pub count: u32,
}
