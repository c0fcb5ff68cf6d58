//! The AI agent: status, repairs and chat with either model, and its own metrics.
//!
//! Owns its routes and the validation of what they take; what it says, what a repair does and what
//! it measures are below. It looks at the shop that runs beside it, so that its answers are true.

mod chat;
mod metrics;
mod repair;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::chaos::Weather;
use super::counters::Visit;
use super::latency::LatencyProfile;
use super::reply::{self, Answer, Mistake, Refused};
use super::route::{Model, Route, Server};
use super::shop::Shop;
use super::stage::{Stage, Turn};
use chat::Facts;
use metrics::{Kind, Metrics};

/// The state of the agent.
#[derive(Debug)]
pub(crate) struct Agent {
    stage: Arc<Stage>,
    shop: Arc<Shop>,
    metrics: Metrics,
}

/// What `POST /chat` answers.
#[derive(Debug, Serialize)]
struct ChatReply {
    id: String,
    response: String,
    model: Model,
    model_name: &'static str,
    kind: &'static str,
    tools_used: &'static [&'static str],
    latency_ms: f64,
    usage: Usage,
    timestamp: String,
}

#[derive(Debug, Serialize)]
struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

impl Agent {
    pub(crate) fn new(shop: Arc<Shop>) -> Self {
        Self {
            stage: Arc::clone(&shop.stage),
            shop,
            metrics: Metrics::default(),
        }
    }

    /// Performs a request that a model works on, and measures it if it fails.
    async fn work(&self, kind: Kind, model: Model, visit: &Visit) -> Result<Turn, Refused> {
        visit.concerns(model);
        let route = match kind {
            Kind::Chat => Route::Chat,
            Kind::Repair => Route::Repair,
        };
        let turn = self.stage.perform(Server::AiAgent, (route, model).into());
        turn.await.inspect_err(|_| {
            self.metrics.record(kind, model, visit.age(), false, 0);
        })
    }

    fn medians_ms(&self) -> [f64; 3] {
        let settings = self.stage.settings();
        [Route::Health, Route::Orders, Route::Products].map(|route| {
            let lane = route.into();
            let drawn = LatencyProfile::of(lane).median_ms * settings.latency_scale;
            settings.fixed_latency_ms_of(lane).unwrap_or(drawn)
        })
    }

    fn facts(&self, model: Model) -> Facts {
        let (requests, failures) = self.stage.counters.answers_of(Server::TargetApp);
        let (orders, revenue) = self.shop.orders.sum();
        Facts {
            model,
            uptime: self.stage.uptime(),
            weather: self.stage.weather(),
            requests,
            failures,
            orders,
            revenue,
            medians_ms: self.medians_ms(),
            repairs: self.metrics.repairs(),
        }
    }
}

/// The agent's routes.
pub(crate) fn routes(agent: Arc<Agent>) -> Router {
    Router::new()
        .route("/status", get(status))
        .route("/repair", post(repair))
        .route("/chat", post(chat))
        .route("/metrics", get(metrics))
        .with_state(agent)
}

async fn status(State(agent): State<Arc<Agent>>) -> Answer {
    let turn = agent
        .stage
        .perform(Server::AiAgent, Route::Status.into())
        .await?;
    let weather = agent.stage.weather();
    let (repairs, repairs_failed) = agent.metrics.repairs();
    let model = |model: Model, trouble| {
        let state = if weather == trouble {
            "overloaded"
        } else {
            "ready"
        };
        json!({ "name": model.full_name(), "state": state })
    };
    Ok(reply::ok(&json!({
        "status": if weather == Weather::Calm { "operational" } else { "degraded" },
        "service": "ai-agent",
        "version": env!("CARGO_PKG_VERSION"),
        "summary": weather.says(),
        "models": {
            "a": model(Model::A, Weather::ModelATrouble),
            "b": model(Model::B, Weather::ModelBTrouble),
        },
        "tools": repair::TOOLS,
        "repairs": { "total": repairs, "failed": repairs_failed },
        "uptime_seconds": agent.stage.uptime().as_secs(),
        "check_ms": millis(turn.delay),
        "timestamp": agent.stage.now(),
    })))
}

async fn repair(
    State(agent): State<Arc<Agent>>,
    Extension(visit): Extension<Visit>,
    RawQuery(query): RawQuery,
) -> Answer {
    let named = model_in_query(query.as_deref())?;
    let model = named.unwrap_or(Model::A);
    let started_at = agent.stage.now();
    let mut turn = agent.work(Kind::Repair, model, &visit).await?;
    let fails = agent.stage.repair_fails(model, &mut turn.draws);
    let mut report = repair::report(model, fails, turn.delay, &mut turn.draws);
    report.started_at = started_at;
    report.finished_at = agent.stage.now();
    agent.metrics.record(
        Kind::Repair,
        model,
        visit.age(),
        report.success,
        report.tokens(),
    );
    Ok(reply::ok(&report))
}

async fn chat(
    State(agent): State<Arc<Agent>>,
    Extension(visit): Extension<Visit>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Answer {
    let body = reply::object(&body)?;
    let message = message_of(&body)?;
    let model = match model_in_body(&body)? {
        Some(model) => model,
        None => model_in_query(query.as_deref())?.unwrap_or(Model::A),
    };
    let mut turn = agent.work(Kind::Chat, model, &visit).await?;
    let said = chat::answer(message, &agent.facts(model), &mut turn.draws);
    let prompt_tokens = chat::tokens(message);
    let completion_tokens = chat::tokens(&said.text);
    let tokens = prompt_tokens + completion_tokens;
    agent
        .metrics
        .record(Kind::Chat, model, visit.age(), true, tokens);
    Ok(reply::ok(&ChatReply {
        id: format!("chat-{:016x}", turn.draws.bits()),
        response: said.text,
        model,
        model_name: model.full_name(),
        kind: said.kind,
        tools_used: said.tools,
        latency_ms: millis(visit.age()),
        usage: Usage {
            prompt_tokens,
            completion_tokens,
            total_tokens: tokens,
        },
        timestamp: agent.stage.now(),
    }))
}

async fn metrics(State(agent): State<Arc<Agent>>, headers: HeaderMap) -> Answer {
    let turn = agent.stage.perform(Server::AiAgent, Route::Metrics.into());
    turn.await?;
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    let uptime = agent.stage.uptime();
    if accept.is_some_and(prefers_text) {
        let kind = [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )];
        return Ok((kind, agent.metrics.prometheus(uptime)).into_response());
    }
    Ok(Json(agent.metrics.json(uptime, &agent.stage.started_at())).into_response())
}

/// Whether a scraper asks: it accepts text or OpenMetrics, and does not put JSON before them.
fn prefers_text(accept: &str) -> bool {
    let mut kinds = accept
        .split(',')
        .map(|kind| kind.trim().to_ascii_lowercase());
    kinds
        .find(|kind| {
            kind.contains("json") || kind.contains("text/plain") || kind.contains("openmetrics")
        })
        .is_some_and(|first| !first.contains("json"))
}

fn message_of(body: &Map<String, Value>) -> Result<&str, Refused> {
    let loc = &["body", "message"];
    let mistake = match body.get("message") {
        Some(Value::String(message)) => return Ok(message),
        None => Mistake::new("missing", loc, "field required", Value::Null),
        Some(other) => Mistake::new("string_type", loc, "should be a string", other.clone()),
    };
    Err(reply::invalid(&[mistake]))
}

fn model_in_body(body: &Map<String, Value>) -> Result<Option<Model>, Refused> {
    match body.get("model") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_str().and_then(Model::find) {
            Some(model) => Ok(Some(model)),
            None => Err(no_such_model(&["body", "model"], value.clone())),
        },
    }
}

fn model_in_query(query: Option<&str>) -> Result<Option<Model>, Refused> {
    let fields = query.unwrap_or_default().split('&');
    match fields
        .filter_map(|field| field.strip_prefix("model="))
        .next()
    {
        None => Ok(None),
        Some(letter) => match Model::find(letter) {
            Some(model) => Ok(Some(model)),
            None => Err(no_such_model(&["query", "model"], json!(letter))),
        },
    }
}

fn no_such_model(loc: &[&'static str], input: Value) -> Refused {
    let message = "should be \"a\" or \"b\"";
    reply::invalid(&[Mistake::new("enum", loc, message, input)])
}

/// `duration` in milliseconds with one decimal.
fn millis(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scraper_gets_text_and_everybody_else_json() {
        assert!(prefers_text("text/plain"));
        assert!(prefers_text(
            "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
        ));
        assert!(!prefers_text("application/json, text/plain, */*"));
        assert!(!prefers_text("*/*"));
    }
}
