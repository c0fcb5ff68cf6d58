//! The AI agent: status, repairs and chat with either model, and its own metrics.
//!
//! Owns its routes and the validation of what they take; its answers in a chat, its repairs and its
//! measurements are below. It looks at the shop that runs beside it, so that its answers are true.

mod chat;
mod metrics;
mod repair;
mod stream;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::Serialize;
use serde_json::{Value, json};

use crate::chaos::Weather;
use crate::counters::Visit;
use crate::data::DATA;
use crate::latency::LatencyProfile;
use crate::levels::{Drawn, Levels};
use crate::reply::{self, Answer, Mistake, Refused};
use crate::route::{Model, Route, Server};
use crate::shop::Shop;
use chat::Facts;
use metrics::{Kind, Metrics};
use stream::{Format, Written};

#[derive(Debug)]
pub(crate) struct Agent {
    levels: Arc<Levels>,
    shop: Arc<Shop>,
    metrics: Metrics,
}

#[derive(Debug, Serialize)]
struct ChatReply {
    id: String,
    response: String,
    model: Model,
    model_name: &'static str,
    kind: &'static str,
    tools_used: &'static [String],
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
            levels: Arc::clone(&shop.levels),
            shop,
            metrics: Metrics::default(),
        }
    }

    /// Performs a request that a model works on, and measures it if it fails.
    async fn work(&self, kind: Kind, model: Model, visit: &Visit) -> Result<Drawn, Refused> {
        visit.concerns(model);
        let route = match kind {
            Kind::Chat => Route::Chat,
            Kind::Repair => Route::Repair,
        };
        let outcome = self.levels.perform((route, model)).await;
        outcome.inspect_err(|_| self.metrics.record(kind, model, visit.age(), false, 0))
    }

    /// Begins to write an answer; the measurement is that of the whole of it.
    async fn write(
        self: &Arc<Self>,
        (route, model, format): (Route, Model, Format),
        message: &str,
        visit: Visit,
    ) -> Result<Written, Refused> {
        visit.concerns(model);
        let begun = self.levels.begin((route, model)).await;
        let mut drawn = begun.inspect_err(|_| {
            self.metrics
                .record(Kind::Chat, model, visit.age(), false, 0)
        })?;
        let said = chat::answer(message, &self.facts(model), &mut drawn.draws);
        let pieces = chat::pieces(&said.text);
        let prompt_tokens = chat::tokens(message);
        let tokens = prompt_tokens + pieces.len() as u64;
        let agent = Arc::clone(self);
        Ok(Written {
            format,
            model,
            levels: Arc::clone(&self.levels),
            id: format!("chatcmpl-{:016x}", drawn.draws.bits()),
            pieces,
            prompt_tokens,
            first: drawn.delay,
            draws: drawn.draws,
            ended: Box::new(move || {
                let age = visit.age();
                agent.metrics.record(Kind::Chat, model, age, true, tokens);
            }),
        })
    }

    /// The median latency of one of the target app's routes.
    fn median_ms(&self, route: Route) -> f64 {
        let (settings, lane) = (self.levels.settings(), route.into());
        let drawn = LatencyProfile::of(lane).median_ms * settings.latency_scale;
        settings.fixed_latency_ms_of(lane).unwrap_or(drawn)
    }

    fn facts(&self, model: Model) -> Facts {
        let (requests, failures) = self.levels.counters.answers_of(Server::TargetApp);
        let (orders, revenue) = self.shop.orders.sum();
        Facts {
            model,
            uptime: self.levels.uptime(),
            weather: self.levels.weather(),
            requests,
            failures,
            orders,
            revenue,
            medians_ms: [Route::Health, Route::Orders, Route::Products]
                .map(|route| self.median_ms(route)),
            repairs: self.metrics.repairs(),
        }
    }
}

pub(crate) fn routes(agent: Arc<Agent>) -> Router {
    Router::new()
        .route("/status", get(status))
        .route("/repair", post(repair))
        .route("/chat", post(chat))
        .route("/chat/stream", post(chat_stream))
        .route("/api/chat", post(ollama_chat))
        .route("/metrics", get(metrics))
        .with_state(agent)
}

async fn status(State(agent): State<Arc<Agent>>) -> Answer {
    let drawn = agent.levels.perform(Route::Status).await?;
    let weather = agent.levels.weather();
    let (repairs, repairs_failed) = agent.metrics.repairs();
    let model = |model: Model, trouble| {
        let is_overloaded = weather == trouble;
        let state = if is_overloaded { "overloaded" } else { "ready" };
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
        "tools": DATA.repairs.tools,
        "repairs": { "total": repairs, "failed": repairs_failed },
        "uptime_seconds": agent.levels.uptime().as_secs(),
        "check_ms": reply::millis(drawn.delay),
        "timestamp": agent.levels.now(),
    })))
}

async fn repair(
    State(agent): State<Arc<Agent>>,
    Extension(visit): Extension<Visit>,
    RawQuery(query): RawQuery,
) -> Answer {
    let model = model_of(None, query.as_deref())?;
    let started_at = agent.levels.now();
    let mut drawn = agent.work(Kind::Repair, model, &visit).await?;
    let fails = agent.levels.repair_fails(model, &mut drawn.draws);
    let mut report = repair::report(model, fails, drawn.delay, &mut drawn.draws);
    report.started_at = started_at;
    report.finished_at = agent.levels.now();
    let (success, tokens) = (report.success, report.total_tokens);
    let age = visit.age();
    agent
        .metrics
        .record(Kind::Repair, model, age, success, tokens);
    Ok(reply::ok(&report))
}

async fn chat(
    State(agent): State<Arc<Agent>>,
    Extension(visit): Extension<Visit>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Answer {
    let body = reply::object(&body)?;
    let message = reply::text(&body, "message")?;
    let model = model_of(body.get("model"), query.as_deref())?;
    let mut drawn = agent.work(Kind::Chat, model, &visit).await?;
    let said = chat::answer(message, &agent.facts(model), &mut drawn.draws);
    let prompt_tokens = chat::tokens(message);
    let completion_tokens = chat::tokens(&said.text);
    let tokens = prompt_tokens + completion_tokens;
    agent
        .metrics
        .record(Kind::Chat, model, visit.age(), true, tokens);
    Ok(reply::ok(&ChatReply {
        id: format!("chat-{:016x}", drawn.draws.bits()),
        response: said.text,
        model,
        model_name: model.full_name(),
        kind: said.kind,
        tools_used: said.tools,
        latency_ms: reply::millis(visit.age()),
        usage: Usage {
            prompt_tokens,
            completion_tokens,
            total_tokens: tokens,
        },
        timestamp: agent.levels.now(),
    }))
}

async fn chat_stream(
    State(agent): State<Arc<Agent>>,
    Extension(visit): Extension<Visit>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Answer {
    let body = reply::object(&body)?;
    let message = reply::text(&body, "message")?;
    let model = model_of(body.get("model"), query.as_deref())?;
    let asked = (Route::ChatStream, model, Format::OpenAi);
    Ok(agent.write(asked, message, visit).await?.into_response())
}

/// As Ollama's, which streams unless it is told not to: this one always does.
async fn ollama_chat(
    State(agent): State<Arc<Agent>>,
    Extension(visit): Extension<Visit>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Answer {
    let body = reply::object(&body)?;
    let messages = body.get("messages").cloned().unwrap_or_default();
    let last = messages.as_array().and_then(|messages| messages.last());
    let content = last.and_then(|message| message["content"].as_str());
    let Some(content) = content else {
        let message = "should be a list of messages with role and content";
        return Err(Mistake::new("list_type", &["body", "messages"], message, messages).into());
    };
    let model = model_of(body.get("model"), query.as_deref())?;
    let asked = (Route::OllamaChat, model, Format::Ollama);
    Ok(agent.write(asked, content, visit).await?.into_response())
}

async fn metrics(State(agent): State<Arc<Agent>>, headers: HeaderMap) -> Answer {
    agent.levels.perform(Route::Metrics).await?;
    let accept = headers.get(header::ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok());
    let uptime = agent.levels.uptime();
    if accept.is_some_and(prefers_text) {
        let kind = "text/plain; version=0.0.4; charset=utf-8";
        let text = agent.metrics.prometheus(uptime);
        return Ok(([(header::CONTENT_TYPE, kind)], text).into_response());
    }
    let since = agent.levels.started_at();
    Ok(reply::ok(&agent.metrics.json(uptime, &since)))
}

/// True for a scraper: it accepts text or OpenMetrics, and does not put JSON before them.
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

/// The model that a body names, or else the query; model a if neither does.
fn model_of(body: Option<&Value>, query: Option<&str>) -> Result<Model, Mistake> {
    let (place, input) = match body {
        Some(model) if !model.is_null() => ("body", model.clone()),
        _ => match reply::in_query(query, "model") {
            Some(letter) => ("query", json!(letter)),
            None => return Ok(Model::A),
        },
    };
    let model = input.as_str().and_then(Model::find);
    model.ok_or_else(|| {
        let message = "should be \"a\" or \"b\"";
        Mistake::new("enum", &[place, "model"], message, input)
    })
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
