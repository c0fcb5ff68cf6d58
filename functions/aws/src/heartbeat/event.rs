//! The event that a schedule sends to the aggregator: an HTTP request, as its Function URL would send it.
//!
//! Nobody who calls the URL can write the `requestContext`, so the aggregator trusts an event whose
//! `apiId` is [`API_ID`]. Beside the request it carries the schedule as it was typed, which is for
//! reading it back only.

use serde::{Deserialize, Serialize};

/// The `apiId` of events that schedules send, and no one else can.
pub const API_ID: &str = "cicada-schedule";

/// EventBridge Scheduler puts an id in its place that is new for every time it fires.
const EXECUTION_ID: &str = "<aws.scheduler.execution-id>";

/// A Function URL's event, payload version 2.0, as far as it matters.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    #[serde(default)]
    version: String,
    #[serde(default)]
    route_key: String,
    pub(super) raw_path: String,
    #[serde(default)]
    raw_query_string: String,
    #[serde(default)]
    headers: Headers,
    request_context: RequestContext,
    #[serde(default)]
    pub(super) body: String,
    #[serde(default)]
    is_base64_encoded: bool,
    /// As it was typed; the stack's schedules do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cicada: Option<Typed>,
}

/// The fields that the expression and the request do not show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Typed {
    /// The five fields.
    pub(super) cron: String,
    /// The body of the request that starts the run, also where this stops it.
    pub(super) swarm: String,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Headers {
    #[serde(default, rename = "content-type")]
    content_type: String,
    #[serde(default)]
    host: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    api_id: String,
    #[serde(default)]
    domain_name: String,
    #[serde(default)]
    request_id: String,
    #[serde(default)]
    route_key: String,
    #[serde(default)]
    stage: String,
    http: Http,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    method: String,
    path: String,
    #[serde(default)]
    protocol: String,
    #[serde(default)]
    source_ip: String,
    #[serde(default)]
    user_agent: String,
}

impl Event {
    /// The event of a `POST` with a JSON body.
    pub(super) fn post(path: &str, body: &str, typed: Typed) -> Self {
        let default = || "$default".to_owned();
        Self {
            version: "2.0".into(),
            route_key: default(),
            raw_path: path.into(),
            raw_query_string: String::new(),
            headers: Headers {
                content_type: "application/json".into(),
                host: API_ID.into(),
            },
            request_context: RequestContext {
                api_id: API_ID.into(),
                domain_name: API_ID.into(),
                request_id: EXECUTION_ID.into(),
                route_key: default(),
                stage: default(),
                http: Http {
                    method: "POST".into(),
                    path: path.into(),
                    protocol: "HTTP/1.1".into(),
                    source_ip: "127.0.0.1".into(),
                    user_agent: API_ID.into(),
                },
            },
            body: body.into(),
            is_base64_encoded: false,
            cicada: Some(typed),
        }
    }

    /// The event as the target gets it.
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("texts are JSON")
    }

    /// The event of a schedule, if it is one of these.
    pub(super) fn of(input: &str) -> Option<Self> {
        let event: Self = serde_json::from_str(input).ok()?;
        (event.request_context.api_id == API_ID).then_some(event)
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::RequestExt;
    use lambda_http::request::RequestContext as LambdaContext;

    use super::*;

    fn typed() -> Typed {
        Typed {
            cron: "0 9 * * 1-5".into(),
            swarm: r#"{"user_count":50,"user_classes":["Größe"]}"#.into(),
        }
    }

    #[test]
    fn the_lambda_runtime_takes_the_event_for_a_function_urls() {
        let swarm = typed().swarm;
        for (path, body) in [("/swarm", swarm.as_str()), ("/stop", "")] {
            let text = Event::post(path, body, typed()).to_text();
            let request = lambda_http::request::from_str(&text).unwrap();
            assert_eq!(request.method(), "POST");
            assert_eq!(request.uri().path(), path);
            assert_eq!(request.raw_http_path(), path);
            assert_eq!(request.headers()["content-type"], "application/json");
            assert_eq!(request.body().as_ref(), body.as_bytes());
            let Some(LambdaContext::ApiGatewayV2(context)) = request.request_context_ref() else {
                panic!("not the event of a Function URL");
            };
            assert_eq!(context.apiid.as_deref(), Some(API_ID));
        }
    }

    #[test]
    fn an_event_is_read_back_whole() {
        let event = Event::post("/swarm", "{}", typed());
        assert_eq!(Event::of(&event.to_text()), Some(event));
    }

    #[test]
    fn what_others_send_is_not_taken_for_a_schedules() {
        let own = Event::post("/swarm", "{}", typed()).to_text();
        let other = own.replacen(API_ID, "abcdef", 2);
        assert_eq!(Event::of(&other), None);
        for input in ["", "{}", "[]", r#"{"rawPath":"/swarm"}"#] {
            assert_eq!(Event::of(input), None);
        }
    }
}
