//! The rows of the requests that a run's records still have.
//!
//! A record does not keep who of a block sent a request, which task it was of and what status it had.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use traffic::clock::Timestamp;
use traffic::ports::{RecordStore, StoreError};
use traffic::record::wire::{Decoded, WireError};
use traffic::record::{Bucket, Record, RequestName, Shard, Streamed};
use traffic::run::Run;

use super::row::Row;

/// Buckets that are read at once.
const AT_ONCE: u64 = 16;

/// A request may end so long after its run, at the most.
const ENDS_WITHIN: Duration = Duration::from_secs(20 * 60);

/// A run whose records cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordsError {
    #[error("the records cannot be read")]
    Store(#[from] StoreError),
    #[error("a record of {class} is damaged")]
    Damaged {
        class: Arc<str>,
        #[source]
        source: WireError,
    },
}

/// Reads a run's records from its start on.
pub(crate) struct Records<'s, S> {
    store: &'s S,
    run: &'s Run,
    shards: u32,
    next: Bucket,
    end: Bucket,
}

impl<'s, S: RecordStore> Records<'s, S> {
    pub(crate) fn new(store: &'s S, run: &'s Run, now: Timestamp) -> Self {
        let ends = run.ends().map_or(now, |end| now.min(end + ENDS_WITHIN));
        let users = run.segments.iter().map(|segment| segment.user_count);
        // no class has more users than there are
        let users = users.chain(run.past.as_ref().map(|past| past.most_of_class));
        let blocks = run.block_size.blocks(users.max().unwrap_or_default());
        Self {
            store,
            run,
            shards: Shard::count(blocks),
            next: Bucket::of(run.starts()),
            end: Bucket::of(ends).next(),
        }
    }

    /// Further rows, by the times of their completion; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Row>>, RecordsError> {
        let found = self.store.next_bucket(&self.run.id, self.next).await?;
        let Some(from) = found.filter(|found| *found < self.end) else {
            return Ok(None);
        };
        let until = self.end.0.min(from.0 + AT_ONCE);
        self.next = Bucket(until);
        let reads = stream::iter(from.0..until).map(|bucket| self.read(Bucket(bucket)));
        let mut reads = reads.buffered(AT_ONCE as usize);
        let mut rows = Vec::new();
        while let Some(of_bucket) = reads.next().await {
            rows.append(&mut of_bucket?);
        }
        Ok(Some(rows))
    }

    async fn read(&self, bucket: Bucket) -> Result<Vec<Row>, RecordsError> {
        let page = self.store.records(&self.run.id, self.shards, bucket, None);
        let mut rows = Vec::new();
        for record in page.await?.records {
            let read = add(&record, &mut rows);
            read.map_err(|source| RecordsError::Damaged {
                class: record.key.class,
                source,
            })?;
        }
        rows.sort_by_key(|row| row.started_at + row.response_time);
        Ok(rows)
    }
}

/// Adds the rows of a record.
fn add(record: &Record, rows: &mut Vec<Row>) -> Result<(), WireError> {
    let decoded = Decoded::read(&record.payload, record.key.slot)?;
    let streams: BTreeMap<u32, Streamed> = (decoded.streams.iter())
        .map(|entry| (entry.outcome, entry.streamed))
        .collect();
    let named = |(method, name): &(&str, &str)| {
        Arc::new(RequestName {
            method: (*method).into(),
            name: (*name).into(),
        })
    };
    let requests: Vec<Arc<RequestName>> = decoded.requests.iter().map(named).collect();
    let errors: Vec<Arc<str>> = decoded.errors.iter().map(|error| (*error).into()).collect();
    for (outcome, number) in decoded.outcomes.iter().zip(0..) {
        let response_time = Duration::from_micros(outcome.response_time_us);
        rows.push(Row {
            run: record.key.run.clone(),
            started_at: outcome.completed_at - response_time,
            class: Arc::clone(&record.key.class),
            request: Arc::clone(&requests[outcome.request as usize]),
            response_time,
            response_length: outcome.content_length,
            error: (outcome.error).map(|error| Arc::clone(&errors[error as usize])),
            stream: streams.get(&number).copied(),
            lateness: outcome.lateness_us.map(Duration::from_micros),
            trace: outcome.trace,
            sender: None,
        });
    }
    Ok(())
}
