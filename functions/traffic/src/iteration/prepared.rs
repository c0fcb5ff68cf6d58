//! A step made ready to send: everything that its requests have in common is put together once.

use std::sync::{Arc, OnceLock};

use reqwest::header::{self, CONTENT_TYPE, HeaderValue};
use reqwest::{Body as RequestBody, Request, Url};

use crate::base_url::request_url;
use crate::credentials::Credentials;
use crate::record::RequestName;
use crate::telemetry::USER_AGENT;
use crate::workload::{Body, EvaluationError, Scope, Step};

/// The host that requests go to.
#[derive(Debug)]
pub(super) struct RequestHost {
    pub(super) base: Url,
    /// The host's credentials, which a header of the workload overrides.
    pub(super) credentials: Option<Credentials>,
}

/// The parts that all requests of a step share.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) name: Arc<RequestName>,
    /// The whole request, if it is the same each time. It is made when it is sent first: of many tasks
    /// a run may need few.
    request: OnceLock<Option<Request>>,
}

/// The reason why a request could not be built.
pub(super) enum Unsendable {
    Evaluation(EvaluationError),
    Invalid(String),
}

impl From<EvaluationError> for Unsendable {
    fn from(error: EvaluationError) -> Self {
        Self::Evaluation(error)
    }
}

impl Prepared {
    pub(super) fn new(step: &Step) -> Self {
        Self {
            name: Arc::new(RequestName {
                method: step.method.as_str().into(),
                name: step.name.as_ref().into(),
            }),
            request: OnceLock::new(),
        }
    }

    /// The step's request in an iteration.
    pub(super) fn request(
        &self,
        step: &Step,
        target: &RequestHost,
        scope: &mut Scope,
    ) -> Result<Request, Unsendable> {
        let constant = (self.request).get_or_init(|| constant_request(step, target));
        if let Some(request) = constant.as_ref().and_then(Request::try_clone) {
            return Ok(request);
        }
        let path = step.path.render(scope)?;
        let mut request = bare_request(step, target, &path)?;
        for (name, value) in &step.headers {
            let value = value.render(scope)?;
            request
                .headers_mut()
                .insert(name, header_value(name.as_str(), &value)?);
        }
        if let Some(body) = &step.body {
            let content = body.render(scope)?.into_owned();
            put_body(&mut request, body, content);
        }
        Ok(request)
    }
}

fn constant_request(step: &Step, target: &RequestHost) -> Option<Request> {
    if !step.is_constant() {
        return None;
    }
    let mut request = bare_request(step, target, step.path.constant()?).ok()?;
    for (name, value) in &step.headers {
        let value = header_value(name.as_str(), value.constant()?).ok()?;
        request.headers_mut().insert(name, value);
    }
    if let Some(body) = &step.body {
        put_body(&mut request, body, body.constant()?.to_owned());
    }
    Some(request)
}

fn bare_request(step: &Step, target: &RequestHost, path: &str) -> Result<Request, Unsendable> {
    let url = request_url(&target.base, path)
        .ok_or_else(|| Unsendable::Invalid("the path does not make a URL".into()))?;
    let mut request = Request::new(step.method.clone(), url);
    *request.timeout_mut() = Some(step.timeout);
    // before the step's own headers, which may say something else
    request.headers_mut().insert(header::USER_AGENT, USER_AGENT);
    if let Some(credentials) = &target.credentials {
        let authorization = credentials.authorization().clone();
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, authorization);
    }
    Ok(request)
}

fn put_body(request: &mut Request, body: &Body, content: String) {
    if matches!(body, Body::Json(_)) {
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().entry(CONTENT_TYPE).or_insert(json);
    }
    *request.body_mut() = Some(RequestBody::from(content));
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, Unsendable> {
    HeaderValue::from_str(value).map_err(|_| {
        Unsendable::Invalid(format!("header {name} has characters that cannot be sent"))
    })
}
