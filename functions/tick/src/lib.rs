//! The function tick: what it does with the messages that SQS delivers, on any store and transport.
//!
//! Executing a tick is [`traffic::tick`]'s, and so is when it must stop. Here all wake-ups of all
//! messages run at once, and the messages with a tick that nobody has claimed are handed back. The
//! function holds nothing that could send a message: a tick never makes another one.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use lambda_runtime::{LambdaEvent, service_fn};
use traffic::clock::{Clock, Timestamp};
use traffic::ports::{TickStore, WakeUp};
use traffic::telemetry::{Exporter, Observer};
use traffic::tick::{TickError, Ticker};
use traffic::transport::Transport;

pub mod event;
mod exporter;
mod http_settings;
pub mod server;
mod warm;

use event::{Batch, Failure, Failures, Message};
pub use exporter::exporter;
pub use http_settings::http_settings;
pub use warm::warm_up;

/// All ticks have ended this long before Lambda ends the process.
const MARGIN: Duration = Duration::from_secs(1);

/// A tick that has not ended this long after it had to is given up.
const GRACE: Duration = Duration::from_millis(500);

/// Spans and metrics may take so long to be exported before the function answers: nothing that is on its
/// way goes on when Lambda freezes the process.
const EXPORTS_WITHIN: Duration = Duration::from_secs(2);

/// The time that is left to answer in when exporting has taken all of its own.
const ANSWER_NEEDS: Duration = Duration::from_millis(250);

/// The function on some store and transport.
pub struct Function<S, T> {
    ticker: Ticker<S, T>,
    clock: Clock,
    exporter: Option<Arc<dyn Exporter>>,
}

impl<S: TickStore, T: Transport> Function<S, T> {
    /// The function that executes by `ticker`.
    pub fn new(ticker: Ticker<S, T>, clock: Clock) -> Self {
        Self {
            ticker,
            clock,
            exporter: None,
        }
    }

    /// The same, and `exporter` is told of every request; what it was told is sent on before the
    /// function answers, as long as there is time.
    #[must_use]
    pub fn observed_by(self, exporter: Option<Arc<dyn Exporter>>) -> Self {
        let observer = exporter
            .clone()
            .map(|exporter| exporter as Arc<dyn Observer>);
        Self {
            ticker: self.ticker.observed_by(observer),
            exporter,
            ..self
        }
    }

    /// Executes the wake-ups of all messages, and returns before `deadline`.
    ///
    /// A message is not done when it is none of ours, which ends in the dead-letter queue, or when a
    /// tick of it failed before it was claimed. Its other ticks are not executed again: they are
    /// claimed.
    pub async fn execute(&self, batch: Batch, deadline: Timestamp) -> Failures {
        let failures = self.all(batch, deadline - MARGIN).await;
        if let Some(exporter) = &self.exporter {
            let left = (deadline - ANSWER_NEEDS).since(self.clock.now());
            exporter.flush(EXPORTS_WITHIN.min(left)).await;
        }
        failures
    }

    /// Executes the wake-ups of all messages.
    async fn all(&self, batch: Batch, deadline: Timestamp) -> Failures {
        let messages = batch.messages.iter();
        let done = join_all(messages.map(|message| self.is_done(message, deadline))).await;
        let failed = batch.messages.into_iter().zip(done);
        let failed = failed.filter(|(_, done)| !done);
        Failures {
            messages: failed
                .map(|(message, _)| Failure { id: message.id })
                .collect(),
        }
    }

    /// Executes the wake-ups of a message; false if it is to be delivered again.
    async fn is_done(&self, message: &Message, deadline: Timestamp) -> bool {
        let wake_ups = match aws::message::decode(&message.body) {
            Ok(wake_ups) => wake_ups,
            Err(error) => {
                let error: &(dyn Error + 'static) = &error;
                tracing::error!(
                    error,
                    message_id = message.id,
                    "a message is not understood"
                );
                return false;
            }
        };
        let ticks = join_all(wake_ups.iter().map(|wake_up| self.tick(wake_up, deadline))).await;
        let mut failures = ticks.into_iter().filter_map(Result::err);
        let Some(first) = failures.next() else {
            return true;
        };
        let ticks = 1 + failures.count();
        let error: &(dyn Error + 'static) = &first;
        tracing::error!(
            error,
            ticks,
            message_id = message.id,
            "ticks were not executed: their iterations are missing, unless another delivery is in time"
        );
        false
    }

    async fn tick(&self, wake_up: &WakeUp, deadline: Timestamp) -> Result<(), TickError> {
        let patience = (deadline + GRACE).since(self.clock.now());
        let executed = self.ticker.run(wake_up, Some(deadline));
        match tokio::time::timeout(patience, executed).await {
            Ok(executed) => executed.map(|_| ()),
            Err(_) => Err(TickError::NoTime),
        }
    }
}

/// Executes what SQS delivers, as long as Lambda keeps the process.
pub async fn serve<S: TickStore, T: Transport>(
    function: Function<S, T>,
) -> Result<(), lambda_runtime::Error> {
    let function = &function;
    let call = |event: LambdaEvent<Batch>| async move {
        let deadline = Timestamp::from_micros(event.context.deadline.saturating_mul(1_000));
        let failures = function.execute(event.payload, deadline).await;
        Ok::<_, lambda_runtime::Error>(failures)
    };
    lambda_runtime::run(service_fn(call)).await
}

#[cfg(test)]
mod tests;
