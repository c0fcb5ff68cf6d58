//! The event that a schedule sends to the aggregator: an HTTP request, as its Function URL would send it.
//!
//! Nobody who calls the URL can write the `requestContext`, so the aggregator trusts an event whose
//! `apiId` is [`API_ID`]. Beside the request it carries the schedule as it was typed, which is for
//! reading it back only.

use serde::{Deserialize, Serialize};
use serde_json::json;

/// The `apiId` of events that schedules send, and no one else can.
pub const API_ID: &str = "cicada-schedule";

/// The header of an event with the name of its schedule.
pub const SCHEDULE_HEADER: &str = "x-cicada-schedule";

/// EventBridge Scheduler puts an id in its place that is new for every time it fires.
const EXECUTION_ID: &str = "<aws.scheduler.execution-id>";

/// The fields of an event that are read back.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Event {
    #[serde(rename = "requestContext")]
    context: RequestContext,
    #[serde(default)]
    pub(super) body: String,
    /// As it was typed; the stack's schedules do not have it.
    pub(super) cicada: Option<Typed>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct RequestContext {
    #[serde(rename = "apiId")]
    api_id: String,
}

/// The fields that the expression and the request do not show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Typed {
    /// The five fields.
    pub(super) cron: String,
    /// The body of the request that starts the run, also where this stops it.
    pub(super) swarm: String,
}

impl Event {
    /// A Function URL's event, payload version 2.0, of a `POST` with a JSON body.
    pub(super) fn post(schedule: &str, path: &str, body: &str, typed: &Typed) -> String {
        let event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {
                "content-type": "application/json",
                "host": API_ID,
                SCHEDULE_HEADER: schedule,
            },
            "requestContext": {
                "apiId": API_ID,
                "domainName": API_ID,
                "requestId": EXECUTION_ID,
                "routeKey": "$default",
                "stage": "$default",
                "http": {
                    "method": "POST",
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": API_ID,
                },
            },
            "body": body,
            "isBase64Encoded": false,
            "cicada": typed,
        });
        event.to_string()
    }

    /// The event of a schedule, if it is one of these.
    pub(super) fn of(input: &str) -> Option<Self> {
        let event: Self = serde_json::from_str(input).ok()?;
        (event.context.api_id == API_ID).then_some(event)
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
            let text = Event::post("weekdays", path, body, &typed());
            let request = lambda_http::request::from_str(&text).unwrap();
            assert_eq!(request.method(), "POST");
            assert_eq!(request.uri().path(), path);
            assert_eq!(request.raw_http_path(), path);
            assert_eq!(request.headers()["content-type"], "application/json");
            assert_eq!(request.headers()[SCHEDULE_HEADER], "weekdays");
            assert_eq!(request.body().as_ref(), body.as_bytes());
            let Some(LambdaContext::ApiGatewayV2(context)) = request.request_context_ref() else {
                panic!("not the event of a Function URL");
            };
            assert_eq!(context.apiid.as_deref(), Some(API_ID));
        }
    }

    #[test]
    fn an_event_is_read_back_whole() {
        let event = Event::of(&Event::post("weekdays", "/swarm", "{}", &typed())).unwrap();
        assert_eq!(event.body, "{}");
        assert_eq!(event.cicada, Some(typed()));
    }

    #[test]
    fn what_others_send_is_not_taken_for_a_schedules() {
        let own = Event::post("weekdays", "/swarm", "{}", &typed());
        let other = own.replace(API_ID, "abcdef");
        assert_eq!(Event::of(&other), None);
        for input in ["", "{}", "[]", r#"{"rawPath":"/swarm"}"#] {
            assert_eq!(Event::of(input), None);
        }
    }
}
