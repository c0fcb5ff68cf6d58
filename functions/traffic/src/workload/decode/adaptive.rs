//! The table `adaptive` of a load shape.

use std::sync::Arc;

use toml::de::DeValue;

use super::shape_values::{RATE, USERS, rate, required, seconds, users};
use super::thresholds::check_row;
use crate::workload::adaptive::{Adaptive, conditions};
use crate::workload::class::UserClass;
use crate::workload::read::{Field, Fields, Reader};
use crate::workload::threshold::Threshold;

pub(super) const EXPECTED: &str = "a table such as { start = 10, step = 10, every = \"60s\", \
    until = \"p95 < 800 and fail_ratio < 0.02\", at_most = 500 }";

/// Results are kept as they came for an hour; a step's figures need them.
const LONGEST: u64 = 30 * 60;

const SOME: &str = "a whole number from 1 to 1000000";

const EVERY: &str = "whole seconds up to half an hour, such as \"60s\"";

/// The most steps of a climb.
const MAX_STEPS: u32 = 1_000;

/// Unless a spawn rate is given, a step's users are there after this share of its time.
const REACHED_IN: f64 = 0.1;

pub(super) fn read(
    field: &Field<'_, '_>,
    reader: &Reader<'_>,
    classes: &[Arc<UserClass>],
) -> Option<Adaptive> {
    let table = field.convert(reader, EXPECTED, DeValue::as_table)?;
    let own = Fields::new(reader, &*field.place, table, field.span.clone());
    let some = |value: &DeValue<'_>| users(value).filter(|users| *users > 0);
    let start = required(&own, "start", "start = 10", SOME, some);
    let step = required(&own, "step", "step = 10", SOME, some);
    let at_most = required(&own, "at_most", "at_most = 500", USERS, users);
    let short = |value: &DeValue<'_>| seconds(value).filter(|seconds| *seconds <= LONGEST);
    let every = required(&own, "every", "every = \"60s\"", EVERY, short);
    let until = until(&own, classes);
    let spawn_rate = own.get("spawn_rate");
    let spawn_rate = spawn_rate.map(|given| given.convert(reader, RATE, rate));
    own.finish();
    let (start, step, at_most, every) = (start?, step?, at_most?, every?);
    let most = f64::from(start.max(step));
    let usual = (most / (every as f64 * REACHED_IN)).max(1.0);
    let adaptive = Adaptive {
        start,
        step,
        every,
        until: until?,
        at_most,
        spawn_rate: spawn_rate.unwrap_or(Some(usual))?,
    };
    let problem = if at_most < start {
        format!("`at_most` is {at_most}, less than `start`, which is {start}")
    } else if (at_most - start).div_ceil(step) >= MAX_STEPS {
        format!(
            "from {start} to {at_most} users by {step} are more than {MAX_STEPS} steps: make `step` larger"
        )
    } else if most / adaptive.spawn_rate > every as f64 / 2.0 {
        format!(
            "{most} users at {} a second take more than half of `every`: set a higher `spawn_rate`",
            adaptive.spawn_rate
        )
    } else {
        return Some(adaptive);
    };
    own.mistake(problem);
    None
}

fn until(fields: &Fields<'_, '_, '_>, classes: &[Arc<UserClass>]) -> Option<Vec<Threshold>> {
    const TEXT: &str = "a text such as \"p95 < 800 and fail_ratio < 0.02\"";
    let example = "until = \"p95 < 800 and fail_ratio < 0.02\"";
    let text = required(fields, "until", example, TEXT, |value| {
        value.as_str().map(str::to_owned)
    })?;
    let field = fields.get("until")?;
    let conditions = conditions(&text).map_err(|problem| {
        let message = format!("{} is {text:?}: {problem}", field.place);
        fields.reader.mistake(&field.span, message);
    });
    let conditions = conditions.ok()?;
    for row in conditions.iter().filter_map(|one| one.row.as_deref()) {
        check_row(fields.reader, &field, row, classes);
    }
    Some(conditions)
}
