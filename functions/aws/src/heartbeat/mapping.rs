//! The event source mapping that calls the tick with what the queue holds: on with the heartbeat, off with it.
//!
//! It is off while no run is on, since Lambda asks a queue all the time while it is on. AWS takes up to a minute for
//! either, in the states `Enabling` and `Disabling`, and refuses to change it meanwhile.

use traffic::ports::{Delivery, HeartbeatError};

use super::failures::{call, failed};
use crate::failure::Failure;
use crate::lambda_api::{LambdaApi, Refused};

/// The remedy when the mapping is not there.
const NO_MAPPING: &str = "deploy the stack: the input of its heartbeat names its mapping";

/// One mapping.
pub(super) struct Mapping<'a> {
    pub(super) lambda: &'a LambdaApi,
    /// Its UUID.
    pub(super) id: &'a str,
}

impl Mapping<'_> {
    /// Switches it on, unless it is just being changed: then a later try does.
    pub(super) async fn turn_on(&self) -> Result<Delivery, HeartbeatError> {
        let mut state = self.state().await?;
        if state == "Disabled" {
            state = self.switch(true).await?;
        }
        Ok(if state == "Enabled" {
            Delivery::On
        } else {
            Delivery::Starting
        })
    }

    /// Switches it off; false if it is just being changed.
    pub(super) async fn turn_off(&self) -> Result<bool, HeartbeatError> {
        let mut state = self.state().await?;
        if state == "Enabled" {
            state = self.switch(false).await?;
        }
        Ok(matches!(state.as_str(), "Disabled" | "Disabling"))
    }

    /// Whether it is on, or will be.
    pub(super) async fn is_on(&self) -> Result<bool, HeartbeatError> {
        Ok(matches!(
            self.state().await?.as_str(),
            "Enabled" | "Enabling"
        ))
    }

    async fn state(&self) -> Result<String, HeartbeatError> {
        self.lambda.mapping_state(self.id).await.map_err(|error| {
            let resource = self.resource();
            let action = "lambda:GetEventSourceMapping";
            let call = call(
                "look at the mapping of the queue",
                &resource,
                action,
                NO_MAPPING,
            );
            failed(Failure::new(&call, error))
        })
    }

    /// The state after the change; that of one that is being changed if somebody else was first.
    async fn switch(&self, on: bool) -> Result<String, HeartbeatError> {
        match self.lambda.switch_mapping(self.id, on).await {
            Ok(state) => Ok(state),
            Err(error) if error.as_service_error().is_some_and(Refused::is_in_use) => {
                Ok("Updating".to_owned())
            }
            Err(error) => {
                let resource = self.resource();
                let action = "lambda:UpdateEventSourceMapping";
                let call = call(
                    "switch the mapping of the queue",
                    &resource,
                    action,
                    NO_MAPPING,
                );
                Err(failed(Failure::new(&call, error)))
            }
        }
    }

    fn resource(&self) -> String {
        format!("event source mapping {}", self.id)
    }
}
