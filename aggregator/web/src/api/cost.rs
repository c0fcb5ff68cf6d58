//! `GET /cost`: the answer of `cicada cost --json`, for the workload that the next run has.

use std::time::Duration;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use tokio::sync::Semaphore;

use super::answers::Refused;
use super::state::ApiState;
use cost::{Estimate, Prices, Question};

/// One estimate at a time: each plays minutes of traffic, and traffic that is really sent must not wait
/// for that.
static TURN: Semaphore = Semaphore::const_new(1);

/// The longest wait of a request for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most users that a request may ask about: of so many, the slowest deployment that can be asked about is
/// played in a few seconds. The command has no such limit.
const MOST_USERS: u32 = 10_000;

/// The most blocks of users: each is a tick that is played.
const MOST_BLOCKS: u64 = 500;

/// The cost of some traffic on AWS, without sending any of it.
#[utoipa::path(
    get,
    path = "/cost",
    tag = "cicada",
    params(Question),
    responses(
        (status = 200, description = "The cost of a month of it.", body = Estimate),
        (status = 400, description = "A parameter cannot be used.", body = Refused),
        (status = 429, description = "Others are being estimated.", body = Refused),
        Refused,
    )
)]
pub(super) async fn cost(
    State(api): State<ApiState>,
    RawQuery(query): RawQuery,
) -> Result<Json<Estimate>, Refused> {
    let question = question(query.as_deref().unwrap_or_default())
        .map_err(|problem| Refused::new(StatusCode::BAD_REQUEST, problem))?;
    let workload = api.control.workload().await?;
    let Ok(Ok(turn)) = tokio::time::timeout(PATIENCE, TURN.acquire()).await else {
        let busy = "others are being estimated: try again";
        return Err(Refused::new(StatusCode::TOO_MANY_REQUESTS, busy));
    };
    let estimated = tokio::task::spawn_blocking(move || {
        // also when the client has gone away meanwhile, the next one waits until this ends
        let _turn = turn;
        question.estimate(&workload, &Prices::built_in(), MOST_USERS)
    });
    match estimated.await {
        Ok(estimate) => Ok(Json(estimate?)),
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The question of a query, if it is one that a request may ask.
fn question(query: &str) -> Result<Question, String> {
    let parameters = form_urlencoded::parse(query.as_bytes());
    let question = Question::of_parameters(parameters)?;
    let counts = question.class_counts().map_err(|error| error.to_string())?;
    let counted = counts
        .values()
        .fold(0_u64, |sum, count| sum.saturating_add(*count));
    let users = match question.shape {
        // it may have as many
        Some(_) => u64::from(MOST_USERS),
        None => question.users.unwrap_or(counted).min(u64::from(MOST_USERS)),
    };
    if users > MOST_BLOCKS * u64::from(question.block_size.max(1)) {
        return Err(format!(
            "block_size makes more than {MOST_BLOCKS} blocks of {users} users: ask for fewer users or larger blocks, \
             or use the command cicada cost"
        ));
    }
    Ok(question)
}
