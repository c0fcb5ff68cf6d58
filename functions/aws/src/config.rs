//! The configuration that AWS is called with: one for every client, of functions and containers alike.
//!
//! Region, credentials and endpoint come from the environment as usual (`AWS_REGION`, the function's
//! or the task's role, `AWS_ENDPOINT_URL`). Nothing is read or connected that the first call does not
//! need: a function's start is part of its first tick.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::retry::ReconnectMode;
use aws_smithy_async::rt::sleep::default_async_sleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime_api::client::identity::SharedIdentityCache;

use crate::environment::{REGION, Variables};
use crate::http::OneClient;

/// The address that all calls go to in place of AWS's.
const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";

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

/// The configuration of a function, of which Lambda gives region and credentials as variables. The code for profiles,
/// roles and metadata services, by which [`load`] looks for them elsewhere, would be much of the tick's.
pub fn of_function(variables: &Variables) -> SdkConfig {
    let credentials = EnvironmentVariableCredentialsProvider::new();
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(variables.text(REGION).map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(OneClient::new(CONNECT_TIMEOUT))
        .timeout_config(timeouts())
        .retry_config(retries())
        .identity_cache(identities())
        .time_source(SystemTimeSource::new());
    builder.set_sleep_impl(default_async_sleep());
    builder.set_endpoint_url(variables.text(ENDPOINT_URL));
    builder.build()
}

fn loader_over(client: OneClient) -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(client)
        .timeout_config(timeouts())
        .retry_config(retries())
        .identity_cache(identities())
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(MAX_ATTEMPTS)
        .with_initial_backoff(FIRST_BACK_OFF)
        // the client closes those that failed itself; the SDK would look for one to close, and log an error
        .with_reconnect_mode(ReconnectMode::ReuseAllConnections)
}

fn identities() -> SharedIdentityCache {
    IdentityCache::lazy()
        .load_timeout(CREDENTIALS_TIMEOUT)
        .build()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_functions_region_and_endpoint_come_from_its_variables() {
        let set = Variables::new(Arc::new(|name: &str| match name {
            REGION => Some("eu-central-1".to_owned()),
            ENDPOINT_URL => Some("http://127.0.0.1:4566".to_owned()),
            _ => None,
        }));
        let config = of_function(&set);
        assert_eq!(config.region(), Some(&Region::new("eu-central-1")));
        assert_eq!(config.endpoint_url(), Some("http://127.0.0.1:4566"));
        let config = of_function(&Variables::new(Arc::new(|_: &str| None)));
        assert_eq!((config.region(), config.endpoint_url()), (None, None));
        assert!(config.credentials_provider().is_some());
    }
}
