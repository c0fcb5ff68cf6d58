//! The SDK's HTTP client: the one that targets are called with, and its TLS.
//!
//! The SDK's own client brings HTTP/2 along, which none of the services speaks, and reads the root
//! certificates once more: a quarter of a function's code, and a third of its time to start.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use reqwest::{Client, Method, Request, Url, redirect, retry};
use tokio::sync::Semaphore;
use traffic::transport::{HttpError, tls};

/// Calls under way at once: each has a connection, and most of a function's descriptors are for its targets.
const CALLS_AT_ONCE: usize = 128;

/// A client for all services, made for the first call.
#[derive(Clone, Debug)]
pub(crate) struct OneClient {
    client: Arc<OnceLock<Client>>,
    calls: Arc<Semaphore>,
    connect_timeout: Duration,
}

impl OneClient {
    /// A client that gives connecting up after a while, whatever a service's settings say.
    pub(crate) fn new(connect_timeout: Duration) -> Self {
        Self {
            client: Arc::default(),
            calls: Arc::new(Semaphore::new(CALLS_AT_ONCE)),
            connect_timeout,
        }
    }

    fn get(&self) -> Result<Client, HttpError> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let client = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .connect_timeout(self.connect_timeout)
            // the SDK does both, with new signatures
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .build()?;
        Ok(self.client.get_or_init(|| client).clone())
    }
}

impl HttpClient for OneClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Caller {
            client: self.clone(),
            timeout: settings.read_timeout(),
        })
    }
}

impl OneClient {
    /// Sends a request that is signed already.
    pub(crate) async fn send(
        &self,
        request: HttpRequest,
        timeout: Duration,
    ) -> Result<HttpResponse, ConnectorError> {
        let caller = Caller {
            client: self.clone(),
            timeout: Some(timeout),
        };
        caller.call(request).await
    }
}

/// Sends with one set of settings.
#[derive(Debug)]
struct Caller {
    client: OneClient,
    timeout: Option<Duration>,
}

impl HttpConnector for Caller {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let prepared = self.client.get().map_err(unusable).and_then(|client| {
            let mut request = outgoing(&request)?;
            *request.timeout_mut() = self.timeout;
            Ok((client, request))
        });
        let calls = Arc::clone(&self.client.calls);
        HttpConnectorFuture::new(async move {
            let (client, request) = prepared?;
            // it is never closed
            let _place = calls.acquire().await;
            let answer = client.execute(request).await.map_err(failed)?;
            let status = answer.status().as_u16().try_into().map_err(unusable)?;
            let headers = answer.headers().clone();
            let body = answer.bytes().await.map_err(failed)?;
            let mut response = HttpResponse::new(status, body.into());
            for (name, value) in &headers {
                let value = value.to_str().map_err(unusable)?.to_owned();
                let kept = response.headers_mut();
                kept.try_append(name.as_str().to_owned(), value)
                    .map_err(unusable)?;
            }
            Ok(response)
        })
    }
}

/// The request as it was signed.
fn outgoing(request: &HttpRequest) -> Result<Request, ConnectorError> {
    let method = Method::from_bytes(request.method().as_bytes()).map_err(unusable)?;
    let url = Url::parse(request.uri()).map_err(unusable)?;
    let mut outgoing = Request::new(method, url);
    for (name, value) in request.headers() {
        let name = name.parse::<reqwest::header::HeaderName>();
        let value = value.parse().map_err(unusable)?;
        outgoing
            .headers_mut()
            .append(name.map_err(unusable)?, value);
    }
    let Some(body) = request.body().bytes() else {
        return Err(unusable("only bodies in memory are sent"));
    };
    if !body.is_empty() {
        *outgoing.body_mut() = Some(body.to_vec().into());
    }
    Ok(outgoing)
}

/// A request that did not end with an answer; another try may.
fn failed(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

/// Something that another try does not change.
fn unusable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ConnectorError {
    ConnectorError::user(error.into())
}
