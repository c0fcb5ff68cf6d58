//! One kind of call to AWS: its service, operation and purpose.

use serde::Serialize;

/// Services that charge by the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[allow(missing_docs)]
pub enum Service {
    #[serde(rename = "DynamoDB")]
    DynamoDb,
    #[serde(rename = "SQS")]
    Sqs,
    Scheduler,
}

/// One kind of call: the operation of AWS's API, and its purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[allow(missing_docs)]
pub struct Call {
    pub service: Service,
    pub operation: &'static str,
    pub purpose: &'static str,
}

impl Call {
    /// Whether the store charges it as a write.
    pub fn is_write(&self) -> bool {
        self.service == Service::DynamoDb && !matches!(self.operation, "GetItem" | "Query")
    }
}
