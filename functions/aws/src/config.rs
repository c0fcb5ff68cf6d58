//! The configuration that AWS is called with: one for every client, of functions and containers alike.
//!
//! Region, credentials and endpoint come from the environment as usual (`AWS_REGION`, the function's
//! or the task's role, `AWS_ENDPOINT_URL`). Nothing is read or connected that the first call does not
//! need: a function's start is part of its first tick.

use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_sdk_dynamodb::config::retry::ReconnectMode;

use crate::http::OneClient;

/// A call is given up after this, tries and waits included. No write reaches the store later than
/// this after it was asked for: the store builds on it.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// One try of a call is given up after this, so that another one has time.
pub(crate) const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(2_500);

/// A TLS handshake takes most of a second on a function of 128 MB.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Whoever gives credentials has this long; less than a call, so that the error says what is wrong.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(3);

/// Tries of one call, if the failure may pass.
const MAX_ATTEMPTS: u32 = 4;

/// The wait before the second try; it doubles from there, and a part of it is random.
const FIRST_BACK_OFF: Duration = Duration::from_millis(50);

/// The configuration of this process, from its environment.
pub async fn load() -> SdkConfig {
    loader().load().await
}

/// The same, and the client that it calls with, for what has no SDK.
pub(crate) async fn load_with_client() -> (SdkConfig, OneClient) {
    let client = OneClient::new(CONNECT_TIMEOUT);
    (loader_over(client.clone()).load().await, client)
}

/// The loader that [`load`] starts from; tests name an endpoint, a region and credentials of their own.
pub fn loader() -> ConfigLoader {
    loader_over(OneClient::new(CONNECT_TIMEOUT))
}

fn loader_over(client: OneClient) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(MAX_ATTEMPTS)
        .with_initial_backoff(FIRST_BACK_OFF)
        // the client closes those that failed itself; the SDK would look for one to close, and log an error
        .with_reconnect_mode(ReconnectMode::ReuseAllConnections);
    let identities = IdentityCache::lazy().load_timeout(CREDENTIALS_TIMEOUT);
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(client)
        .timeout_config(timeouts)
        .retry_config(retries)
        .identity_cache(identities.build())
}
