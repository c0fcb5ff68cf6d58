//! The aggregator behind a Function URL: an event is a request, and the router's answer is the response.
//!
//! The stage's schedules call the function directly, with an event of the same form. No caller of the URL
//! can write the `requestContext` of an event, so an event that names a schedule there needs no password.
//! Nobody reads the answer to a schedule, so a refusal fails the call, and the alarm on failed calls sees it.

use std::sync::Arc;

use aws::environment::Variables;
use aws::heartbeat::{API_ID, SCHEDULE_HEADER};
use aws::secret::{self, SecretError};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, Response, Uri};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;
use lambda_http::{RequestExt as _, lambda_runtime::Diagnostic, service_fn};
use serde::Deserialize;
use tower::ServiceExt as _;
use traffic::error_chain::one_line;
use web::api::{BASIC_AUTH, Scheduled, Trusted, Visitor};

use crate::settings::{AggregatorSettings, Misconfigured, trace_url};
use crate::{Cloud, logging};

/// The ARN of a secret that is the password.
const PASSWORD_SECRET: &str = "CICADA_PASSWORD_SECRET";

/// The remedy for a function without a password.
const NO_PASSWORD: &str = "set it to user:password, since everybody can reach the Function URL; \
                           infra/deploy takes it from its own environment";

/// A schedule's request was refused.
#[derive(Debug, thiserror::Error)]
#[error("a schedule's {path} was refused: {answer}")]
pub struct Refused {
    path: String,
    answer: String,
}

impl From<Refused> for Diagnostic {
    fn from(refused: Refused) -> Self {
        Self {
            error_type: "Refused".to_owned(),
            error_message: one_line(&refused),
        }
    }
}

/// The whole function: settings, connections, and then answers for as long as Lambda keeps the process.
pub async fn run(variables: &Variables) -> anyhow::Result<()> {
    let logs = logging(variables)?;
    let variables = &with_secret(variables).await?;
    let settings = settings(variables)?;
    let traces = trace_url(variables)?;
    // while the environment starts there is more of a processor than later
    let door = settings.door.clone();
    tokio::spawn(async move { door.prepare().await });
    let cloud = Cloud::connect(settings, variables, logs).await?;
    cloud.warm_up().await;
    let router = &traces.over(cloud.router());
    let served = lambda_http::run(service_fn(|event| answer(router.clone(), event))).await;
    served.map_err(|error| anyhow::anyhow!("Lambda's runtime API cannot be used: {error}"))
}

/// The same variables, with the password of Secrets Manager where one names a secret. It is read when an
/// environment of the function starts: a password that is changed there holds in all environments once those
/// of before are gone, and lies in no variable of the function that others can read.
pub async fn with_secret(variables: &Variables) -> Result<Variables, SecretError> {
    let Some(arn) = variables.text(PASSWORD_SECRET) else {
        return Ok(variables.clone());
    };
    let password = secret::read(&aws::config::load().await, &arn).await?;
    let others = variables.lookup();
    Ok(Variables::new(Arc::new(move |name: &str| {
        if name == BASIC_AUTH {
            Some(password.clone())
        } else {
            others(name)
        }
    })))
}

/// The settings of a function: without a password it refuses to start.
pub fn settings(variables: &Variables) -> Result<AggregatorSettings, Misconfigured> {
    let settings = AggregatorSettings::read(variables)?.with_password(NO_PASSWORD)?;
    let door = settings.door.clone().in_function();
    Ok(AggregatorSettings { door, ..settings })
}

/// The router's answer to an event.
///
/// # Errors
/// When it is a schedule's, and what it asks for was not done.
pub async fn answer(
    router: Router,
    event: lambda_http::Request,
) -> Result<Response<Body>, Refused> {
    let context = match event.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => Some(context),
        _ => None,
    };
    let is_schedules = context.is_some_and(|context| context.apiid.as_deref() == Some(API_ID));
    let visitor = context.and_then(visitor);
    let path = event.uri().path().to_owned();
    let mut request = as_served(event);
    if is_schedules {
        request.extensions_mut().insert(Trusted);
        let name = request.headers().get(SCHEDULE_HEADER);
        let name = name.and_then(|name| name.to_str().ok()).map(str::to_owned);
        if let Some(name) = name {
            request.extensions_mut().insert(Scheduled(name));
        }
    }
    if let Some(visitor) = visitor {
        request.extensions_mut().insert(visitor);
    }
    let Ok(response) = router.oneshot(request).await;
    if is_schedules {
        return accepted(path, response).await;
    }
    Ok(response)
}

/// The caller of the URL. AWS writes the address; `X-Forwarded-For` could be anybody's.
fn visitor(context: &ApiGatewayV2httpRequestContext) -> Option<Visitor> {
    let address = context.http.source_ip.as_deref()?.parse().ok()?;
    Some(Visitor {
        address,
        // that is the front door's, and ends there
        over_tls: false,
    })
}

/// The request as a server gets it: the host is in the headers only.
fn as_served(event: lambda_http::Request) -> Request<Body> {
    let (mut parts, body) = event.into_parts();
    if let Some(local) = parts.uri.path_and_query() {
        parts.uri = Uri::from(local.clone());
    }
    Request::from_parts(parts, Body::from(Bytes::copy_from_slice(&body)))
}

/// The answer to a schedule's request, if it says that it was done.
async fn accepted(path: String, response: Response<Body>) -> Result<Response<Body>, Refused> {
    /// Locust refuses with status 200.
    #[derive(Deserialize)]
    struct Answer {
        success: bool,
        message: String,
    }

    const LONGEST: usize = 64 * 1024;

    let status = response.status();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, LONGEST).await.unwrap_or_default();
    let answer = serde_json::from_slice::<Answer>(&body);
    let answer = match answer {
        Ok(answer) if answer.success && status.is_success() => {
            return Ok(Response::from_parts(parts, Body::from(body)));
        }
        Ok(answer) => answer.message,
        Err(_) => format!("{status} {}", String::from_utf8_lossy(&body).trim()),
    };
    tracing::error!(path, answer, "what a schedule asked for was not done");
    Err(Refused { path, answer })
}
