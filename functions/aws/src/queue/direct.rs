//! The tick, called without its queue: with the event that the queue's mapping would call it with.

use serde_json::json;

use crate::failure::{Call, Failure};
use crate::lambda_api::LambdaApi;
use crate::message::Message;

/// The tick function.
#[derive(Clone, Debug)]
pub(super) struct Tick {
    lambda: LambdaApi,
    name: String,
}

impl Tick {
    pub(super) fn new(lambda: LambdaApi, name: String) -> Self {
        Self { lambda, name }
    }

    /// Has the tick called with a message, without waiting for what comes of it; else its number of wake-ups, and why not.
    pub(super) async fn invoke(&self, message: Message) -> Result<(), (usize, Failure)> {
        // the answer, which would name a message, is nobody's
        let event = json!({"Records": [{"messageId": "direct", "body": message.body}]});
        let invoked = self.lambda.invoke(&self.name, event.to_string()).await;
        let description = Call {
            doing: "call the tick",
            resource: &self.name,
            action: "lambda:InvokeFunction",
            missing: "deploy the stack, or set CICADA_TICK_FUNCTION to its function tick",
        };
        let failed = |error| (message.ticks, Failure::new(&description, error));
        invoked.map_err(failed)
    }
}
