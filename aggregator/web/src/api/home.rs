//! The list of routes, with where the traffic stands: at `/api`, and at `/` without a built page.

use axum::Extension;
use axum::extract::State;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Html;
use statistics::state::user_count;

use super::answers::Refused;
use super::door::Session;
use super::headers::SELF_CONTAINED;
use super::state::ApiState;

/// Holds `{state}`, `{user_count}`, `{version}`, `{log_out}` and `{without_page}`.
const PAGE: &str = include_str!("home.html");

/// Shown when there is no page but this one.
const WITHOUT_PAGE: &str = "<p class=\"hint\">This Cicada was built without its web page. To have it, install \
                            Node.js 20.19 or newer and run <code>make build</code>.</p>";

/// Shown to whoever has a session to end.
const LOG_OUT: &str = "<form method=\"post\" action=\"logout\"><button>Log out</button></form>";

/// A page that holds its scripts.
pub(super) type Home = ([(HeaderName, HeaderValue); 1], Html<String>);

/// The routes, for people.
#[utoipa::path(get, path = "/api", tag = "cicada", operation_id = "routes", responses(
    (status = 200, description = "A page.", body = String, content_type = "text/html"),
    Refused
))]
pub(super) async fn routes(
    State(api): State<ApiState>,
    session: Option<Extension<Session>>,
) -> Result<Home, Refused> {
    answer(&api, session.map(|Extension(session)| session), "").await
}

/// `GET /` without a built page: the same, and how to build one.
pub(super) async fn without_page(
    api: &ApiState,
    session: Option<Session>,
) -> Result<Home, Refused> {
    answer(api, session, WITHOUT_PAGE).await
}

async fn answer(api: &ApiState, session: Option<Session>, hint: &str) -> Result<Home, Refused> {
    let run = api.control.run().await?;
    let (run, now) = (run.as_deref(), api.control.now());
    let page = PAGE
        .replace("{state}", api.control.state(run).as_str())
        .replace("{user_count}", &user_count(run, now).to_string())
        .replace("{version}", env!("CARGO_PKG_VERSION"))
        .replace("{log_out}", session.map_or("", |_| LOG_OUT))
        .replace("{without_page}", hint);
    Ok(([(CONTENT_SECURITY_POLICY, SELF_CONTAINED)], Html(page)))
}
