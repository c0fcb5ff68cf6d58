//! The queue on SQS: wake-ups of one slot share a message, whose delay ends shortly before the slot.
//!
//! Ten messages go in a call, and several calls are under way at once. What SQS does not take at the
//! first try is sent again; what it does not take at all is counted. Standard queues deliver at
//! least once and in no order: the tick claims what it executes.

mod direct;
mod timing;

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchRequestEntry};
use futures_util::stream::{self, StreamExt};
use traffic::back_off::back_off;
use traffic::clock::{Clock, Slots};
use traffic::ports::{PlannedWakeUp, Queue, QueueError};

use crate::failure::{Call, Failure};
use crate::lambda_api::LambdaApi;
use crate::message::{self, Message};
use direct::Tick;

/// SQS takes so many messages in a call.
const BATCH: usize = 10;

/// Calls that are under way at once.
const CONCURRENT_CALLS: usize = 16;

/// Tries of a message that SQS does not take while it takes others.
const TRIES: usize = 5;

/// The longest wait before the second try, and
const MIN_BACK_OFF: Duration = Duration::from_millis(100);

/// the longest one before any: see [`back_off`].
const MAX_BACK_OFF: Duration = Duration::from_millis(800);

/// Wake-ups on an SQS queue.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    client: Client,
    queue_url: String,
    ticks_per_message: usize,
    /// The tick, where it may be called without the queue.
    tick: Option<Tick>,
    clock: Clock,
}

/// The reason why a wake-up was not queued.
#[derive(Debug, thiserror::Error)]
enum Undelivered {
    #[error(transparent)]
    Call(#[from] Failure),
    #[error("SQS did not take a message in {TRIES} tries ({code}: {message})")]
    Busy { code: String, message: String },
    #[error("SQS refuses a message ({code}: {message})")]
    Refused { code: String, message: String },
    #[error(
        "a wake-up is due more than {} minutes from now, and SQS delays no longer",
        timing::LONGEST.as_secs() / 60
    )]
    TooFarAhead,
    #[error("nobody says which function the tick is: set CICADA_TICK_FUNCTION to its name")]
    NoTick,
}

/// The result of a batch.
#[derive(Default)]
struct SentBatch {
    ticks: usize,
    error: Option<Undelivered>,
}

impl SqsQueue {
    /// The queue of a URL; a message gets up to `ticks_per_message` wake-ups.
    pub fn new(
        config: &SdkConfig,
        queue_url: impl Into<String>,
        ticks_per_message: usize,
        clock: Clock,
    ) -> Self {
        Self {
            client: Client::new(config),
            queue_url: queue_url.into(),
            ticks_per_message,
            tick: None,
            clock,
        }
    }

    /// The same queue, whose wake-ups can also be handed over to the tick function of this name.
    #[must_use]
    pub(crate) fn beside(self, tick: Option<String>, lambda: LambdaApi) -> Self {
        Self {
            tick: tick.map(|name| Tick::new(lambda, name)),
            ..self
        }
    }

    /// Sends a batch until all of it is taken, or nothing more helps.
    async fn send_batch(&self, batch: Vec<Message>) -> SentBatch {
        let mut sent = SentBatch::default();
        let mut waiting = batch;
        let waits = back_off(MIN_BACK_OFF, MAX_BACK_OFF).take(TRIES - 1);
        for wait in waits.map(Some).chain([None]) {
            let failed = match self.call(&waiting).await {
                Ok(failed) => failed,
                Err(error) => {
                    sent.error = Some(error);
                    return sent;
                }
            };
            let is_left = |index: usize| failed.iter().any(|entry| entry.id == index.to_string());
            let mut left = Vec::new();
            for (index, message) in waiting.into_iter().enumerate() {
                if is_left(index) {
                    left.push(message);
                } else {
                    sent.ticks += message.ticks;
                }
            }
            let Some(worst) = failed.iter().max_by_key(|entry| entry.sender_fault) else {
                return sent;
            };
            let Some(wait) = wait.filter(|_| !worst.sender_fault) else {
                sent.error = Some(Undelivered::of(worst));
                return sent;
            };
            waiting = left;
            tokio::time::sleep(wait).await;
        }
        sent
    }

    /// One call, with delays as of now; returns what SQS did not take, by index.
    async fn call(&self, messages: &[Message]) -> Result<Vec<BatchResultErrorEntry>, Undelivered> {
        let now = self.clock.now();
        let mut entries = Vec::with_capacity(messages.len());
        for (index, message) in messages.iter().enumerate() {
            let delay = timing::delay_seconds(message.slot, now).ok_or(Undelivered::TooFarAhead)?;
            let entry = SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_body(&message.body)
                .delay_seconds(delay as i32)
                .build();
            entries.push(entry.expect("it has an id and a body"));
        }
        let call = self.client.send_message_batch().queue_url(&self.queue_url);
        let answer = call.set_entries(Some(entries)).send().await;
        let answer = answer.map_err(|error| Failure::new(&self.description(), error))?;
        Ok(answer.failed)
    }

    fn description(&self) -> Call<'_> {
        Call {
            doing: "send wake-ups",
            resource: &self.queue_url,
            action: "sqs:SendMessage",
            missing: "deploy the stack, or set CICADA_QUEUE_URL to the URL of its queue",
        }
    }
}

impl Queue for SqsQueue {
    async fn send(&self, _: Slots, wake_ups: Vec<PlannedWakeUp>) -> Result<(), QueueError> {
        let messages = message::pack(wake_ups, self.ticks_per_message);
        let (Some(first), Some(last)) = (messages.first(), messages.last()) else {
            return Ok(());
        };
        let all: usize = messages.iter().map(|message| message.ticks).sum();
        let undelivered = |sent: usize, error: Undelivered| QueueError {
            undelivered: all - sent,
            source: error.into(),
        };
        let now = self.clock.now();
        if timing::delay_seconds(last.slot, now).is_none() {
            return Err(undelivered(0, Undelivered::TooFarAhead));
        }
        if let Some(moment) = timing::right_moment(first.slot, now) {
            self.clock.sleep_until(moment).await;
        }
        let batches = messages.chunks(BATCH).map(<[Message]>::to_vec);
        let batches: Vec<Vec<Message>> = batches.collect();
        let calls = stream::iter(batches).map(|batch| self.send_batch(batch));
        let mut calls = calls.buffer_unordered(CONCURRENT_CALLS);
        let mut ticks = 0;
        while let Some(sent) = calls.next().await {
            ticks += sent.ticks;
            if let Some(error) = sent.error {
                // what is still under way may or may not be taken: sending it again is safe
                return Err(undelivered(ticks, error));
            }
        }
        Ok(())
    }

    async fn hand_over(&self, _: Slots, wake_ups: Vec<PlannedWakeUp>) -> Result<(), QueueError> {
        let all = wake_ups.len();
        let undelivered = |undelivered, source: Undelivered| QueueError {
            undelivered,
            source: source.into(),
        };
        let Some(tick) = &self.tick else {
            return Err(undelivered(all, Undelivered::NoTick));
        };
        let messages = message::pack(wake_ups, self.ticks_per_message);
        let calls = stream::iter(messages).map(|message| tick.invoke(message));
        let called: Vec<_> = calls.buffer_unordered(CONCURRENT_CALLS).collect().await;
        let failed: Vec<(usize, Failure)> = called.into_iter().filter_map(Result::err).collect();
        let ticks = failed.iter().map(|(ticks, _)| ticks).sum();
        match failed.into_iter().next() {
            Some((_, error)) => Err(undelivered(ticks, error.into())),
            None => Ok(()),
        }
    }
}

impl Undelivered {
    fn of(entry: &BatchResultErrorEntry) -> Self {
        let code = entry.code.clone();
        let message = entry.message.clone().unwrap_or_default();
        if entry.sender_fault {
            Self::Refused { code, message }
        } else {
            Self::Busy { code, message }
        }
    }
}
