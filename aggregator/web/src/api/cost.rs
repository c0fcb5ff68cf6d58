//! `GET /cost`: what `cicada cost --json` prints, for the workload that the next run has.

use std::borrow::Cow;
use std::str::FromStr;
use std::time::Duration;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use tokio::sync::Semaphore;

use super::answers::Refused;
use super::state::ApiState;
use control::InvalidField;
use cost::{Architecture, Estimate, Hours, Prices, Question};

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

/// The parameters, for whoever has written another.
const PARAMETERS: &str = "users, class_counts or shape, hours, watch_hours, response_time, memory, \
    architecture, ticks_per_message, block_size, retention_days, alarms and region";

/// The monthly cost of some traffic on AWS, without sending any of it.
#[utoipa::path(
    get,
    path = "/cost",
    tag = "cicada",
    params(
        ("users" = Option<u32>, Query, minimum = 1, maximum = 10_000, example = 50,
            description = "Users, shared among the classes by their weights; this, or `class_counts`."),
        ("class_counts" = Option<String>, Query,
            description = "Users of single classes: `CLASS=N`, or JSON; may be repeated."),
        ("shape" = Option<String>, Query,
            description = "A load shape of the workload: as many users as it has on average, in place of both."),
        ("hours" = Option<String>, Query, example = "8/day",
            description = "When traffic is on: `8/day`, `40/week` or `100/month`; all the time if not said."),
        ("watch_hours" = Option<String>, Query, example = "1/day",
            description = "When somebody watches the statistics, within those hours."),
        ("response_time" = Option<String>, Query, example = "0.2",
            description = "What requests take: `SECONDS`, `CLASS=SECONDS` or `REQUEST=SECONDS`; may be repeated."),
        ("memory" = Option<u32>, Query, minimum = 128, maximum = 10_240,
            description = "Memory of the tick function in MB."),
        ("architecture" = Option<Architecture>, Query, description = "What the functions run on."),
        ("ticks_per_message" = Option<u32>, Query, minimum = 1, maximum = 100,
            description = "How many ticks of a second one message carries at most."),
        ("block_size" = Option<u32>, Query, minimum = 1, maximum = 100,
            description = "How many users one tick executes at most."),
        ("retention_days" = Option<u32>, Query, minimum = 1, maximum = 3_650,
            description = "How long records are kept."),
        ("alarms" = Option<u32>, Query, minimum = 0, maximum = 10_000,
            description = "How many alarms the deployment has."),
        ("region" = Option<String>, Query, description = "The region that is shown."),
    ),
    responses(
        (status = 200, description = "What a month of it costs.", body = Estimate),
        (status = 400, description = "A parameter cannot be used.", body = Refused),
        (status = 429, description = "Others are being estimated.", body = Refused),
        Refused,
    )
)]
pub(super) async fn cost(
    State(api): State<ApiState>,
    RawQuery(query): RawQuery,
) -> Result<Json<Estimate>, Refused> {
    let question = question(query.as_deref().unwrap_or_default())?;
    let workload = api.control.workload().await?.workload;
    let Ok(Ok(turn)) = tokio::time::timeout(PATIENCE, TURN.acquire()).await else {
        let busy = "others are being estimated: try again";
        return Err(Refused::new(StatusCode::TOO_MANY_REQUESTS, busy));
    };
    let estimated = tokio::task::spawn_blocking(move || {
        // also when the client has gone away meanwhile, the next one waits until this ends
        let _turn = turn;
        question.estimate(&workload, &Prices::built_in())
    });
    match estimated.await {
        Ok(estimate) => Ok(Json(estimate?)),
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The question in a query; of a parameter that can be given once, the first counts.
fn question(query: &str) -> Result<Question, InvalidField> {
    let mut question = Question {
        most_users: MOST_USERS,
        ..Question::default()
    };
    let mut known: Vec<Cow<'_, str>> = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let may_repeat = matches!(&*name, "class_counts" | "response_time");
        if value.trim().is_empty() || (!may_repeat && known.contains(&name)) {
            continue;
        }
        set(&mut question, &name, value.trim())?;
        known.push(name);
    }
    let counts = question.class_counts.values();
    let counted = counts.fold(0_u64, |sum, count| sum.saturating_add(*count));
    let users = match question.shape {
        // it may have as many
        Some(_) => u64::from(MOST_USERS),
        None => question.users.unwrap_or(counted).min(u64::from(MOST_USERS)),
    };
    if users > MOST_BLOCKS * u64::from(question.block_size.max(1)) {
        let problem = format!(
            "makes more than {MOST_BLOCKS} blocks of {users} users: ask for fewer users or larger blocks, \
             or use the command cicada cost"
        );
        return Err(InvalidField::new("block_size", problem));
    }
    Ok(question)
}

fn set(question: &mut Question, name: &str, value: &str) -> Result<(), InvalidField> {
    match name {
        "users" => question.users = Some(number("users", value)?),
        "class_counts" => question.add_class_counts(value)?,
        "shape" => question.shape = Some(value.to_owned()),
        "hours" => question.hours = hours("hours", value)?,
        "watch_hours" => question.watch_hours = Some(hours("watch_hours", value)?),
        "response_time" => question.response_times.push(value.to_owned()),
        "memory" => question.memory = number("memory", value)?,
        "architecture" => question.architecture = architecture(value)?,
        "ticks_per_message" => question.ticks_per_message = number("ticks_per_message", value)?,
        "block_size" => question.block_size = number("block_size", value)?,
        "retention_days" => question.retention_days = number("retention_days", value)?,
        "alarms" => question.alarms = number("alarms", value)?,
        "region" => question.region = Some(value.to_owned()),
        unknown => {
            let unknown: String = unknown.chars().take(60).collect();
            let problem = format!("has the unknown parameter {unknown:?}: write {PARAMETERS}");
            return Err(InvalidField::new("query", problem));
        }
    }
    Ok(())
}

fn number<N: FromStr>(field: &'static str, value: &str) -> Result<N, InvalidField> {
    value.parse().map_err(|_| {
        let shown: String = value.chars().take(60).collect();
        InvalidField::new(field, format!("is {shown:?}: write a whole number"))
    })
}

fn hours(field: &'static str, value: &str) -> Result<Hours, InvalidField> {
    value.parse().map_err(|error| {
        let shown: String = value.chars().take(60).collect();
        InvalidField::new(field, format!("is {shown:?}: {error}"))
    })
}

fn architecture(value: &str) -> Result<Architecture, InvalidField> {
    match value {
        "x86_64" => Ok(Architecture::X86),
        "arm64" => Ok(Architecture::Arm),
        _ => {
            let problem = "must be x86_64 or arm64";
            Err(InvalidField::new("architecture", problem))
        }
    }
}
