//! Locust's web API: the routes, and the layers around them.
//!
//! [`router`] is the same in the local binary, in a container and behind a Function URL. What a
//! swarm does is the control's, the figures are the report's; handlers only read requests and answer with
//! Locust's JSON. No answer shows more of an error than one line that helps the caller.

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::IntoResponse as _;
use axum::{Router, middleware};
use control::MAX_UPLOAD;
use traffic::ports::{Heartbeat, Queue, Store};
use utoipa::OpenApi as _;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

mod ab;
mod accept;
mod announced;
mod answers;
mod base_path;
mod compare;
mod cost;
mod door;
mod downloads;
mod fields;
mod forecast;
mod headers;
mod health;
mod home;
mod locust_page;
mod login;
mod logs;
mod markers;
mod metrics;
mod openapi;
mod origins;
mod page;
mod run_changes;
mod runs;
mod schedules;
mod state;
mod stats;
mod swarm;
mod swarm_fields;
mod template_args;
mod trace_url;
mod trouble;
mod upload;
mod user;
mod workload;

pub use base_path::{BasePath, InvalidBasePath};
pub use door::{Acquaintance, BASIC_AUTH, Door, Names, Trusted, Visitor};
pub use origins::Origins;
pub use state::Api;
pub use stats::Requests;
pub use swarm::Scheduled;
pub use swarm_fields::swarm_from_json;
pub use trace_url::{InvalidTraceUrl, TRACE_URL, TraceUrl};
pub use trouble::Trouble;

use openapi::Described as _;
use state::ApiState;

/// All routes.
pub fn router<S: Store, Q: Queue, H: Heartbeat>(api: Api<S, Q, H>) -> Router {
    let mut routes = routes();
    let state = ApiState::new(api, openapi::text(&routes.to_openapi()));
    let door = state.door.clone();
    let of_other_origins = door.origins().layer();
    let open = Router::from(routes)
        .fallback(answers::unknown_route)
        .method_not_allowed_fallback(answers::wrong_method)
        .layer(DefaultBodyLimit::max(fields::MAX_BODY));
    // an agent that was let in asks the same routes
    let agents = mcp::service(open.clone().with_state(state.clone()), fields::MAX_MCP_BODY);
    let guarded = open
        .route_service(mcp::PATH, agents)
        .layer(middleware::from_fn_with_state(door, door::guard));
    let answers_browsers = match of_other_origins {
        Some(layer) => guarded.layer(layer),
        None => guarded,
    };
    answers_browsers
        .layer(middleware::from_fn(announced::refuse_too_long))
        .layer(middleware::from_fn(headers::secure))
        .with_state(state)
}

/// `/metrics` and nothing else, with the same password, for a port of its own.
pub fn metrics_router<S: Store, Q: Queue, H: Heartbeat>(api: Api<S, Q, H>) -> Router {
    let only_metrics = |request: Request, next: Next| async move {
        match request.uri().path() {
            "/metrics" => next.run(request).await,
            _ => (StatusCode::NOT_FOUND, "there is only /metrics here\n").into_response(),
        }
    };
    router(api).layer(middleware::from_fn(only_metrics))
}

/// Each handler at the path of its `#[utoipa::path]`, in the router and in the document.
fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::with_openapi(openapi::Document::openapi())
        .of_any_run(routes!(stats::requests))
        .of_any_run(routes!(downloads::history))
        .of_any_run(routes!(downloads::report))
        .of_any_run(routes!(downloads::requests))
        .of_any_run(routes!(downloads::failures))
        .of_any_run(routes!(downloads::full_history))
        .of_any_run(routes!(stats::exceptions))
        .of_any_run(routes!(downloads::exceptions))
        .of_any_run(routes!(stats::ledger))
        .of_any_run(routes!(stats::thresholds))
        .of_any_run(routes!(stats::custom_metrics))
        .of_any_run(routes!(downloads::ledger_history))
        .of_any_run(routes!(ab::ab))
        .of_any_run(routes!(ab::ab_charts))
        .of_any_run(routes!(downloads::ab))
        .of_any_run(routes!(downloads::ledger))
        .of_any_run(routes!(markers::markers))
        .of_any_run(routes!(runs::parts))
        .of_any_run(routes!(compare::compare))
        .routes(routes!(markers::add))
        .routes(routes!(stats::tasks_of_run))
        .routes(routes!(page::page))
        .routes(routes!(home::routes))
        .routes(routes!(page::asset))
        .routes(routes!(page::template_args))
        .routes(routes!(swarm::swarm))
        // their GET changes something: at least a HEAD must not
        .by_both_methods(routes!(swarm::stop).map(|stop| stop.head(answers::wrong_method)))
        .by_both_methods(routes!(swarm::reset).map(|reset| reset.head(answers::wrong_method)))
        .routes(routes!(stats::tasks))
        .routes(routes!(metrics::metrics))
        .routes(routes!(cost::cost))
        .routes(routes!(runs::list))
        .routes(routes!(runs::one, run_changes::label, run_changes::delete))
        .routes(routes!(user::set))
        .routes(routes!(logs::logs))
        .routes(routes!(logs::worker_count))
        .routes(routes!(workload::read, workload::replace).layer(DefaultBodyLimit::max(MAX_UPLOAD)))
        .routes(routes!(workload::schema))
        .routes(routes!(
            schedules::list,
            schedules::put,
            schedules::delete_by_query
        ))
        .routes(routes!(schedules::delete))
        .routes(routes!(login::opened, login::log_in).layer(DefaultBodyLimit::max(login::MAX_BODY)))
        .routes(routes!(login::log_out))
        .routes(routes!(health::health))
        .routes(routes!(openapi::openapi))
}
