//! The parts of the servers that belong to neither service: the page of routes, the counters, the settings and the
//! behaviours.
//!
//! Both servers answer these alike, and requests to `/stand-in` are not counted. A page of another site changes nothing.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::behaviour::Behaviour;
use crate::counters::{Detail, USER_HEADER};
use crate::levels::Levels;
use crate::reply::{self, Answer, Refused};
use crate::route::{Route, Server};
use crate::settings::BadSetting;

/// `routes` of `server`, counted, with the page of routes and the controls beside them.
pub(crate) fn with_controls(routes: Router, server: Server, levels: Arc<Levels>) -> Router {
    let page = Html(match server {
        Server::TargetApp => concat!(
            include_str!("../data/target-app.html"),
            include_str!("../data/behaviour.html")
        ),
        Server::AiAgent => concat!(
            include_str!("../data/ai-agent.html"),
            include_str!("../data/behaviour.html")
        ),
    });
    let counted = routes
        .route("/", get(page))
        .fallback(|| async { reply::refusal(StatusCode::NOT_FOUND, "Not Found") })
        .method_not_allowed_fallback(|| async {
            reply::refusal(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        })
        .layer(middleware::from_fn_with_state(
            (server, Arc::clone(&levels)),
            count,
        ));
    let controls = Router::new()
        .route("/stand-in/counters", get(counters))
        .route("/stand-in/settings", get(settings).post(change))
        .route("/stand-in/behaviour", get(behaviour))
        .route("/stand-in/reset", post(reset))
        .route("/stand-in/{behaviour}", post(behave))
        .layer(middleware::from_fn(refuse_other_sites))
        .with_state(levels);
    counted.merge(controls)
}

async fn count(
    State((server, levels)): State<(Server, Arc<Levels>)>,
    mut request: Request,
    next: Next,
) -> Response {
    let route = Route::find(server, request.method(), request.uri().path());
    let user = request.headers().get(USER_HEADER);
    let visit = levels.arrive(server, route, user.and_then(|user| user.to_str().ok()));
    request.extensions_mut().insert(visit.clone());
    let response = next.run(request).await;
    visit.answered(response.status().as_u16());
    response
}

async fn counters(State(levels): State<Arc<Levels>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let has = |field| query.split('&').any(|part| part == field);
    reply::ok(&levels.counters.snapshot(Detail {
        users: !has("users=false"),
        arrivals: has("arrivals=true"),
    }))
}

async fn settings(State(levels): State<Arc<Levels>>) -> Response {
    reply::ok(&levels.settings())
}

async fn change(State(levels): State<Arc<Levels>>, body: Bytes) -> Answer {
    let change: Value = serde_json::from_slice(&body)
        .map_err(|error| BadSetting::new("(body)", format!("not valid JSON: {error}")))?;
    Ok(reply::ok(&levels.change(&change)?))
}

impl From<BadSetting> for Refused {
    /// 422 with the field's name.
    fn from(error: BadSetting) -> Self {
        let body = json!({ "field": error.field, "error": error.to_string() });
        reply::with_status(StatusCode::UNPROCESSABLE_ENTITY, &body)
    }
}

async fn behaviour(State(levels): State<Arc<Levels>>) -> Response {
    reply::ok(&levels.behaving())
}

async fn behave(State(levels): State<Arc<Levels>>, Path(name): Path<String>) -> Answer {
    let behaviour: Behaviour = name
        .parse()
        .map_err(|_| reply::refusal(StatusCode::NOT_FOUND, "Not Found"))?;
    Ok(reply::ok(&levels.behave(behaviour)))
}

/// Refuses what a browser sends for a page of another site, unless it only reads.
async fn refuse_other_sites(request: Request, next: Next) -> Result<Response, Refused> {
    if !request.method().is_safe() && is_of_another_site(request.headers()) {
        let detail = "only a page of this server changes it from a browser";
        return Err(reply::refusal(StatusCode::FORBIDDEN, detail));
    }
    Ok(next.run(request).await)
}

fn is_of_another_site(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name)?.to_str().ok();
    let Some(origin) = headers.get(header::ORIGIN) else {
        return false;
    };
    let origin = origin.to_str().unwrap_or_default();
    origin.split_once("://").map(|(_, host)| host) != text(header::HOST)
}

async fn reset(State(levels): State<Arc<Levels>>) -> Response {
    levels.counters.reset();
    reply::ok(&json!({ "reset": true }))
}
