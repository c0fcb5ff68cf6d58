//! The three ports on DynamoDB, SQS and EventBridge Scheduler.

pub mod config;
pub mod deployment;
pub mod environment;
mod failure;
pub mod heartbeat;
mod http;
mod lambda_api;
pub mod message;
pub mod processes;
mod queue;
pub mod secret;
mod store;

pub use heartbeat::SchedulerHeartbeat;
pub use queue::SqsQueue;
pub use store::DynamoStore;
