//! The event that SQS hands to the function, and the answer to it; of both only what matters here.
//!
//! The function answers with the messages that are to be delivered again, which the event source
//! mapping has to be told to expect: `ReportBatchItemFailures`.

use serde::{Deserialize, Serialize};

/// Messages that are delivered together.
#[derive(Clone, Debug, Deserialize)]
pub struct Batch {
    /// The messages.
    #[serde(rename = "Records")]
    pub messages: Vec<Message>,
}

/// A message.
#[derive(Clone, Debug, Deserialize)]
pub struct Message {
    /// Names it in the answer.
    #[serde(rename = "messageId")]
    pub id: String,
    /// The text that the fan-out wrote.
    pub body: String,
}

/// The messages that are not done; all others are deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Failures {
    /// Each of them.
    #[serde(rename = "batchItemFailures")]
    pub messages: Vec<Failure>,
}

/// A message that is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Its [`Message::id`].
    #[serde(rename = "itemIdentifier")]
    pub id: String,
}
