//! `/swarm`, `/stop` and `/stats/reset`: what changes the run that is on.

use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Json};
use control::{Refusal, Stop, SwarmRequest, Swarmed};
use serde::Serialize;
use traffic::run_rules::InvalidField;
use utoipa::ToSchema;

use super::answers::{Done, Refused, done};
use super::fields::{BadBody, Fields};
use super::state::ApiState;
use super::swarm_fields::swarm_from_fields;

/// The answer to a swarm: granted or not.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SwarmAnswer {
    /// The host as it was last said.
    host: Option<String>,
    /// `Swarming started`, and how late it will be where too few functions may run at once; or the field that cannot be
    /// used and the remedy.
    message: String,
    /// After how many seconds the run ends by itself, if this request said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    run_time: Option<u64>,
    /// True if it was granted; the status is 200 in either case, as in Locust.
    success: bool,
    /// The classes that run, if this request said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    user_classes: Option<Vec<String>>,
}

impl From<Swarmed> for SwarmAnswer {
    fn from(swarmed: Swarmed) -> Self {
        let message = swarmed.shape_class.map_or_else(
            || "Swarming started".to_owned(),
            |shape| format!("Swarming started using shape class '{shape}'"),
        );
        Self {
            host: swarmed.host,
            message,
            run_time: swarmed.run_time.map(|time| time.as_secs()),
            success: true,
            user_classes: swarmed.user_classes,
        }
    }
}

/// The schedule by whose name a request is made: an extension, which no header can set.
#[derive(Clone, Debug)]
pub struct Scheduled(pub String);

/// Starts users, or changes their number while they run.
#[utoipa::path(
    post,
    path = "/swarm",
    tag = "locust",
    request_body(content(
        (SwarmRequest = "application/x-www-form-urlencoded"),
        (SwarmRequest = "application/json"),
    )),
    responses(
        (status = 200, description = "Granted, or refused with `success: false`.", body = SwarmAnswer),
        (status = 400, description = "The body cannot be read.", body = String, content_type = "text/plain"),
        (status = 413, description = "The body is too long.", body = String, content_type = "text/plain"),
        Refused
    )
)]
pub(super) async fn swarm(
    State(api): State<ApiState>,
    schedule: Option<Extension<Scheduled>>,
    request: Request,
) -> Result<Json<SwarmAnswer>, Response> {
    let asked = match Fields::read(request).await {
        Ok(fields) => swarm_from_fields(&fields),
        Err(BadBody::Invalid(problem)) => Err(problem),
        Err(BadBody::Unread(status, text)) => return Err((status, text).into_response()),
    };
    let swarmed = match asked {
        Ok(asked) => match schedule {
            Some(Extension(Scheduled(name))) => api.control.swarm_by_schedule(name, asked).await,
            None => api.control.swarm(asked).await,
        },
        Err(problem) => Err(problem.into()),
    };
    match swarmed {
        Ok(swarmed) => {
            let mut answer = SwarmAnswer::from(swarmed);
            // the run is granted, whatever comes of this
            let run = api.control.run().await.ok().flatten();
            if let Some(late) = api.lateness_of(run.as_ref()).await {
                answer.message = format!("{}; {late}", answer.message);
            }
            Ok(Json(answer))
        }
        Err(Refusal::Field(problem)) => Ok(Json(not_granted(&problem, api.control.host()))),
        Err(refusal) => Err(Refused::from(refusal).into_response()),
    }
}

/// A request that cannot be granted is answered with status 200, as in Locust.
fn not_granted(problem: &InvalidField, host: Option<String>) -> SwarmAnswer {
    tracing::warn!(%problem, "a swarm was refused");
    SwarmAnswer {
        host,
        message: problem.to_string(),
        run_time: None,
        success: false,
        user_classes: None,
    }
}

/// Stops the run that is on.
#[utoipa::path(method(get, post), path = "/stop", tag = "locust", responses(
    (status = 200, description = "Nothing starts later than two seconds from now. The message says so if the stop could not be written yet.", body = Done),
    (status = 503, description = "The store does not answer, and the traffic goes on.", body = Refused)
))]
pub(super) async fn stop(
    State(api): State<ApiState>,
    schedule: Option<Extension<Scheduled>>,
) -> Result<Json<Done>, Refused> {
    let stopped = match schedule {
        Some(Extension(Scheduled(name))) => api.control.stop_by_schedule(name).await,
        None => api.control.stop().await,
    };
    Ok(match stopped? {
        Stop::Written => done("Test stopped"),
        Stop::Held(error) => done(format!(
            "Test stopped: nothing more is sent, but the stop could not be written yet and will be: {error}"
        )),
    })
}

/// Counts anew from now on.
#[utoipa::path(method(get, post), path = "/stats/reset", tag = "locust", responses(
    (status = 200, description = "`ok`", body = String, content_type = "text/html"),
    Refused
))]
pub(super) async fn reset(State(api): State<ApiState>) -> Result<Html<&'static str>, Refused> {
    api.control.reset().await?;
    // a page for Locust, if of two letters
    Ok(Html("ok"))
}
