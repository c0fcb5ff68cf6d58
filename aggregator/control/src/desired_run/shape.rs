//! The stages of a load shape, checked as a swarm is.

use traffic::run_rules::InvalidField;
use traffic::workload::{Course, NO_SHAPE, Shape};

use super::stage::{Context, TargetStage, shares};
use crate::request::SwarmRequest;
use crate::settings::known_shape;

/// The load shape that a request names, or else the configured one.
pub(super) fn chosen_shape<'c>(
    request: &SwarmRequest,
    context: &Context<'c>,
) -> Result<Option<&'c Shape>, InvalidField> {
    let asked = request.shape_class.as_ref();
    let name = asked.or(context.settings.shape.as_ref());
    match name.map(String::as_str) {
        None | Some("" | NO_SHAPE) => Ok(None),
        Some(name) => known_shape(context.workload, name).map(Some),
    }
}

/// The stages of a shape; as in Locust, the request's user count and spawn rate are ignored.
pub(super) fn of_shape(
    shape: &Shape,
    request: &SwarmRequest,
    context: &Context<'_>,
) -> Result<Vec<TargetStage>, InvalidField> {
    if request.user_classes_count.is_some() {
        let problem = "is given beside shape_class, which says how many users there are: leave one \
                       of them out";
        return Err(InvalidField::new("user_classes_count", problem));
    }
    within_limits(shape, context)?;
    let (mut shares, _) = shares(request, context)?;
    let stages = match shape.course() {
        Course::Daily(daily) => {
            return Ok(vec![TargetStage {
                after: 0,
                user_count: shape.peak(),
                spawn_rate: daily.spawn_rate(),
                shares,
                hosts: Vec::new(),
                daily: Some(daily.clone()),
                adaptive: None,
            }]);
        }
        Course::Adaptive(adaptive) => {
            return Ok(vec![TargetStage {
                after: 0,
                user_count: adaptive.start,
                spawn_rate: adaptive.spawn_rate,
                shares,
                hosts: Vec::new(),
                daily: None,
                adaptive: Some(adaptive.clone()),
            }]);
        }
        Course::Stages(stages) => stages,
    };
    let mut after = 0;
    let mut targets = Vec::with_capacity(stages.len());
    for stage in stages {
        if !stage.user_classes.is_empty() {
            let mut names = stage.user_classes.clone();
            names.sort();
            names.dedup();
            shares = context.settings.shares(context.workload, &names)?;
        }
        targets.push(TargetStage {
            after,
            user_count: stage.users,
            spawn_rate: stage.spawn_rate,
            shares: shares.clone(),
            hosts: Vec::new(),
            daily: None,
            adaptive: None,
        });
        after = stage.ends;
    }
    Ok(targets)
}

/// Refuses a shape that at some time has more users, or starts them faster, than a swarm may ask for.
fn within_limits(shape: &Shape, context: &Context<'_>) -> Result<(), InvalidField> {
    let limits = &context.settings.rules.limits;
    let (peak, fastest) = (shape.peak(), shape.fastest());
    let problem = if peak > limits.max_users {
        let more = limits.more_users.unwrap_or_default();
        format!(
            "has up to {peak} users, above the limit of {}{more}",
            limits.max_users
        )
    } else if fastest > limits.max_spawn_rate {
        let most = limits.max_spawn_rate;
        format!("starts or stops up to {fastest:.1} users a second, above the limit of {most}")
    } else {
        return Ok(());
    };
    let problem = format!("names {}, which {problem}", shape.name());
    Err(InvalidField::new("shape_class", problem))
}
