//! A network between a client and its emulator: it counts calls, throttles them, and loses answers.

use std::fmt;
use std::future::ready;
use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is answered.
    Answered,
    /// It is done, but the answer does not arrive.
    AnswerLost,
    /// DynamoDB takes no more for now.
    Throttled,
}

/// What a network has seen; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<String>>>);

impl Calls {
    /// The operations that were called since this was last asked, such as `PutItem`.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A configuration like `config`, each of whose calls meets the fate that `fate` says: it is asked
/// with the operation, and how many calls there were before it since they were last taken.
pub(crate) fn between(
    config: &SdkConfig,
    fate: impl Fn(&str, usize) -> Fate + Send + Sync + 'static,
) -> (SdkConfig, Calls) {
    let calls = Calls::default();
    let (beyond, fate) = (config.http_client().unwrap(), Arc::new(fate));
    let seen = calls.clone();
    let client = http_client_fn(move |settings, components| {
        SharedHttpConnector::new(Network {
            beyond: beyond.http_connector(settings, components),
            calls: seen.clone(),
            fate: fate.clone(),
        })
    });
    let config = config.to_builder().http_client(client).build();
    (config, calls)
}

struct Network<F> {
    beyond: SharedHttpConnector,
    calls: Calls,
    fate: Arc<F>,
}

impl<F: Fn(&str, usize) -> Fate + Send + Sync> HttpConnector for Network<F> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap();
        let operation = target.rsplit('.').next().unwrap().to_owned();
        let before = {
            let mut calls = self.calls.0.lock().unwrap();
            calls.push(operation.clone());
            calls.len() - 1
        };
        match (self.fate)(&operation, before) {
            Fate::Answered => self.beyond.call(request),
            Fate::Throttled => HttpConnectorFuture::new(ready(Ok(throttled()))),
            Fate::AnswerLost => {
                let answered = self.beyond.call(request);
                HttpConnectorFuture::new(async {
                    answered.await?;
                    Err(ConnectorError::io("the answer was lost".into()))
                })
            }
        }
    }
}

impl<F> fmt::Debug for Network<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}

fn throttled() -> HttpResponse {
    let body = r#"{
        "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        "message": "the level of configured provisioned throughput for the table was exceeded"
    }"#;
    HttpResponse::new(400.try_into().unwrap(), body.into())
}
