//! An AWS that answers what a test says: for what emulators do not do, such as taking half a batch.

use std::fmt;
use std::future::ready;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use serde_json::Value;

use crate::emulator;

/// A request, as far as tests look at it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Method and path with query.
    pub(crate) line: String,
    /// The JSON body; null if there is none.
    pub(crate) body: Value,
}

struct Answers<F>(F);

/// A configuration whose every call is answered with the status and the body that `answer` returns.
pub(crate) async fn sdk(
    answer: impl Fn(Request) -> (u16, Value) + Clone + Send + Sync + 'static,
) -> SdkConfig {
    let client = http_client_fn(move |_, _| SharedHttpConnector::new(Answers(answer.clone())));
    let nowhere = emulator::sdk("http://127.0.0.1:1").await;
    nowhere.into_builder().http_client(client).build()
}

impl<F: Fn(Request) -> (u16, Value) + Send + Sync> HttpConnector for Answers<F> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().unwrap_or_default();
        let path = request.uri().splitn(4, '/').nth(3).unwrap_or_default();
        let (status, answer) = (self.0)(Request {
            line: format!("{} /{path}", request.method()),
            body: serde_json::from_slice(body).unwrap_or_default(),
        });
        let body = answer.to_string().into();
        let mut response = HttpResponse::new(status.try_into().unwrap(), body);
        if let Some(code) = answer["__type"].as_str() {
            let code = code.to_owned();
            response.headers_mut().insert("x-amzn-errortype", code);
        }
        HttpConnectorFuture::new(ready(Ok(response)))
    }
}

impl<F> fmt::Debug for Answers<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers")
    }
}
