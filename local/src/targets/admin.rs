//! What is not part of either service: the page of routes, the counters and the settings.
//!
//! Both servers answer these alike, and requests to `/stand-in` are not counted.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{Html, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::counters::{USER_HEADER, snapshot};
use super::reply::{self, Answer, Refused};
use super::route::{Route, Server};
use super::stage::{Stage, Unchanged};

/// `routes` of `server`, counted, with the page of routes and the controls beside them.
pub(crate) fn with_controls(routes: Router, server: Server, stage: Arc<Stage>) -> Router {
    let page = Html(page(server));
    let counted = routes
        .route("/", get(move || std::future::ready(page.clone())))
        .fallback(|| async { reply::refusal(StatusCode::NOT_FOUND, "Not Found") })
        .method_not_allowed_fallback(|| async {
            reply::refusal(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        })
        .layer(middleware::from_fn_with_state(
            (server, Arc::clone(&stage)),
            count,
        ));
    let controls = Router::new()
        .route("/stand-in/counters", get(counters))
        .route("/stand-in/settings", get(settings).post(change))
        .route("/stand-in/reset", post(reset))
        .with_state(stage);
    counted.merge(controls)
}

async fn count(
    State((server, stage)): State<(Server, Arc<Stage>)>,
    mut request: Request,
    next: Next,
) -> Response {
    let route = Route::find(server, request.method(), request.uri().path());
    let user = request.headers().get(USER_HEADER);
    let visit = stage.arrive(server, route, user.and_then(|user| user.to_str().ok()));
    request.extensions_mut().insert(visit.clone());
    let response = next.run(request).await;
    visit.answered(response.status().as_u16());
    response
}

async fn counters(State(stage): State<Arc<Stage>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let has = |field| query.split('&').any(|part| part == field);
    let detail = snapshot::Detail {
        users: !has("users=false"),
        arrivals: has("arrivals=true"),
    };
    reply::ok(&stage.counters.snapshot_with(detail))
}

async fn settings(State(stage): State<Arc<Stage>>) -> Response {
    reply::ok(&stage.settings())
}

async fn change(State(stage): State<Arc<Stage>>, body: Bytes) -> Answer {
    let change: Value = serde_json::from_slice(&body)
        .map_err(|error| bad("(body)", &format!("not valid JSON: {error}")))?;
    match stage.change(&change) {
        Ok(settings) => Ok(reply::ok(&settings)),
        Err(Unchanged::Bad(error)) => Err(bad(&error.field, &error.problem)),
        Err(refused @ Unchanged::ChaosRefused) => {
            let body = json!({ "field": "chaos", "error": refused.to_string() });
            Err(reply::with_status(StatusCode::FORBIDDEN, &body))
        }
    }
}

fn bad(field: &str, problem: &str) -> Refused {
    let body = json!({ "field": field, "error": format!("{field}: {problem}") });
    reply::with_status(StatusCode::UNPROCESSABLE_ENTITY, &body)
}

async fn reset(State(stage): State<Arc<Stage>>) -> Response {
    stage.counters.reset();
    reply::ok(&json!({ "reset": true }))
}

/// The page that names the routes of `server`.
fn page(server: Server) -> String {
    let (name, about, routes) = match server {
        Server::TargetApp => ("target-app", "A small shop.", SHOP_ROUTES),
        Server::AiAgent => (
            "ai-agent",
            "An agent that repairs the shop and chats about it, with a choice of two models.",
            AGENT_ROUTES,
        ),
    };
    let list: String = [routes, CONTROL_ROUTES]
        .concat()
        .iter()
        .map(|(route, what)| format!("<li><code>{}</code> {what}</li>\n", linked(route)))
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{name}</title>\n\
         <style>:root{{color-scheme:light dark}}body{{font:16px/1.6 system-ui;max-width:44rem;margin:3rem auto;padding:0 1rem}}\
         code{{background:#8883;padding:.1em .3em}}</style>\n\
         <h1>{name}</h1>\n<p>{about} A stand-in of Cicada's, for demos and tests: its latencies \
         and failures are drawn at random.</p>\n<ul>\n{list}</ul></html>\n"
    )
}

/// `route` with a link on its path, if a browser can follow it.
fn linked(route: &str) -> String {
    match route.strip_prefix("GET ") {
        Some(path) => format!("GET <a href=\"{path}\">{path}</a>"),
        None => route.to_owned(),
    }
}

type Routes = &'static [(&'static str, &'static str)];

const SHOP_ROUTES: Routes = &[
    ("GET /health", "whether the shop is well"),
    (
        "GET /orders",
        "the newest orders; <code>?limit=</code> up to 100",
    ),
    (
        "POST /orders",
        "places an order: JSON <code>product</code> and <code>amount</code>",
    ),
    ("GET /products", "the catalogue"),
    ("GET /products/1", "one product"),
];

const AGENT_ROUTES: Routes = &[
    ("GET /status", "the agent, its models and tools"),
    ("POST /repair?model=a", "repairs the shop with model a or b"),
    (
        "POST /chat",
        "answers JSON <code>message</code> with <code>model</code> a or b",
    ),
    (
        "GET /metrics",
        "figures by model; Prometheus text with <code>Accept: text/plain</code>",
    ),
];

const CONTROL_ROUTES: Routes = &[
    ("GET /stand-in/counters", "exact counts of both servers"),
    (
        "GET /stand-in/settings",
        "latencies and failures; POST JSON to change them",
    ),
    ("POST /stand-in/reset", "sets the counts to zero"),
];
