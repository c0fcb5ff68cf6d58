//! Lambda's API, as far as it is called: to look at an event source mapping, to switch it, and to call a function.
//!
//! It is signed by the SDK's own crate, and sent by the client that the SDK's services are called with. The SDK of
//! Lambda itself is larger than all others together, and gives each of them what event streams need, the tick too.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sqs::error::{ErrorMetadata, ProvideErrorMetadata};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::SdkError;
use serde_json::{Value, json};
use traffic::back_off::back_off;
use traffic::clock::Clock;

use crate::config::ATTEMPT_TIMEOUT;
use crate::http::OneClient;

/// Tries of a call, if the failure may pass.
const TRIES: usize = 3;

const MIN_BACK_OFF: Duration = Duration::from_millis(50);
const MAX_BACK_OFF: Duration = Duration::from_millis(400);

/// What calls Lambda; clones share connections.
#[derive(Clone)]
pub(crate) struct LambdaApi {
    config: SdkConfig,
    client: OneClient,
    clock: Clock,
}

/// Lambda's refusal.
#[derive(Debug)]
pub(crate) struct Refused(ErrorMetadata);

/// A failed call, of the form that the SDK's calls have.
pub(crate) type ApiError = SdkError<Refused, HttpResponse>;

impl LambdaApi {
    pub(crate) fn new(config: &SdkConfig, client: OneClient) -> Self {
        Self {
            config: config.clone(),
            client,
            // signatures are of the time of day
            clock: Clock::system(),
        }
    }

    /// The state of an event source mapping.
    pub(crate) async fn mapping_state(&self, id: &str) -> Result<String, ApiError> {
        let path = format!("/2015-03-31/event-source-mappings/{id}");
        let answer = self.call("GET", &path, &[], String::new()).await?;
        Ok(state(&answer))
    }

    /// Switches an event source mapping; its state after that.
    pub(crate) async fn switch_mapping(&self, id: &str, on: bool) -> Result<String, ApiError> {
        let path = format!("/2015-03-31/event-source-mappings/{id}");
        let (headers, body) = (
            [("content-type", "application/json")],
            json!({"Enabled": on}),
        );
        let answer = self.call("PUT", &path, &headers, body.to_string()).await?;
        Ok(state(&answer))
    }

    /// Has a function called with an event, without waiting for what comes of it.
    pub(crate) async fn invoke(&self, function: &str, event: String) -> Result<(), ApiError> {
        // an ARN ends with the name
        let name = function.rsplit(':').next().unwrap_or(function);
        let path = format!("/2015-03-31/functions/{name}/invocations");
        let headers = [
            ("content-type", "application/json"),
            ("x-amz-invocation-type", "Event"),
        ];
        self.call("POST", &path, &headers, event).await.map(drop)
    }

    /// Calls until it is answered, or nothing more helps.
    async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&'static str, &'static str)],
        body: String,
    ) -> Result<Value, ApiError> {
        let waits = back_off(MIN_BACK_OFF, MAX_BACK_OFF).take(TRIES - 1);
        for wait in waits {
            match self.attempt(method, path, headers, &body).await {
                Err(error) if may_pass(&error) => tokio::time::sleep(wait).await,
                answer => return answer,
            }
        }
        self.attempt(method, path, headers, &body).await
    }

    async fn attempt(
        &self,
        method: &str,
        path: &str,
        headers: &[(&'static str, &'static str)],
        body: &str,
    ) -> Result<Value, ApiError> {
        let request = self.signed(method, path, headers, body).await?;
        let sent = self.client.send(request, ATTEMPT_TIMEOUT).await;
        let answer = sent.map_err(SdkError::dispatch_failure)?;
        let content = answer.body().bytes().unwrap_or_default();
        let content: Value = serde_json::from_slice(content).unwrap_or_default();
        if answer.status().is_success() {
            return Ok(content);
        }
        let refused = Refused::of(&answer, &content);
        Err(SdkError::service_error(refused, answer))
    }

    async fn signed(
        &self,
        method: &str,
        path: &str,
        headers: &[(&'static str, &'static str)],
        body: &str,
    ) -> Result<HttpRequest, ApiError> {
        let region = self.config.region().map(AsRef::as_ref).unwrap_or_default();
        let url = format!("{}{path}", self.endpoint(region));
        let provider = self.config.credentials_provider();
        let provider = provider.ok_or_else(|| CredentialsError::not_loaded("nobody gives any"));
        let credentials = provider.map_err(SdkError::construction_failure)?;
        let credentials = credentials.provide_credentials().await;
        let identity: Identity = credentials.map_err(SdkError::construction_failure)?.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("lambda")
            .time(SystemTime::UNIX_EPOCH + Duration::from_micros(self.clock.now().micros()))
            .settings(SigningSettings::default())
            .build();
        let parameters = parameters.map_err(SdkError::construction_failure)?.into();
        let bytes = SignableBody::Bytes(body.as_bytes());
        let signable = SignableRequest::new(method, &url, headers.iter().copied(), bytes);
        let signable = signable.map_err(SdkError::construction_failure)?;
        let signed = sign(signable, &parameters).map_err(SdkError::construction_failure)?;
        let (signature, _) = signed.into_parts();
        let mut request = HttpRequest::new(body.to_owned().into());
        (request.set_method(method)).map_err(SdkError::construction_failure)?;
        (request.set_uri(url)).map_err(SdkError::construction_failure)?;
        for (name, value) in headers.iter().copied().chain(signature.headers()) {
            request
                .headers_mut()
                .insert(name.to_owned(), value.to_owned());
        }
        Ok(request)
    }

    fn endpoint(&self, region: &str) -> String {
        match self.config.endpoint_url() {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None if region.starts_with("cn-") => {
                format!("https://lambda.{region}.amazonaws.com.cn")
            }
            None => format!("https://lambda.{region}.amazonaws.com"),
        }
    }
}

impl Refused {
    fn of(answer: &HttpResponse, content: &Value) -> Self {
        let code = answer.headers().get("x-amzn-errortype").unwrap_or_default();
        let message = content.get("Message").or_else(|| content.get("message"));
        let metadata = ErrorMetadata::builder()
            .code(code.split(':').next().unwrap_or(code))
            .message(message.and_then(Value::as_str).unwrap_or_default());
        Self(metadata.build())
    }

    /// The mapping is just being changed.
    pub(crate) fn is_in_use(&self) -> bool {
        self.0.code() == Some("ResourceInUseException")
    }
}

impl ProvideErrorMetadata for Refused {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refused {}

impl fmt::Debug for LambdaApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LambdaApi")
    }
}

fn state(answer: &Value) -> String {
    answer["State"].as_str().unwrap_or_default().to_owned()
}

/// Whether another try may help.
fn may_pass(error: &ApiError) -> bool {
    match error {
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => true,
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            status == 429 || status >= 500
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
