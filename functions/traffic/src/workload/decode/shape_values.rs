//! The values of load shapes: users, rates, times in whole seconds.

use toml::de::DeValue;

use crate::workload::read::{Fields, integer, number};
use crate::workload::wait::duration;

pub(super) const TIME: &str = "whole seconds up to a year, such as \"60s\"";

pub(super) const USERS: &str = "a whole number from 0 to 1000000";

pub(super) const RATE: &str = "a number above 0 and up to 1000000, such as 2 users a second";

const MAX_USERS: i64 = 1_000_000;

const YEAR: u64 = 366 * 24 * 60 * 60;

/// The value under a key that must be there.
pub(super) fn required<T>(
    fields: &Fields<'_, '_, '_>,
    key: &'static str,
    example: &str,
    expected: &str,
    convert: impl FnOnce(&DeValue<'_>) -> Option<T>,
) -> Option<T> {
    let Some(field) = fields.get(key) else {
        fields.mistake(format_args!(
            "it has no `{key}`: write for example {example}"
        ));
        return None;
    };
    field.convert(fields.reader, expected, convert)
}

pub(super) fn users(value: &DeValue<'_>) -> Option<u32> {
    let users = integer(value).filter(|users| (0..=MAX_USERS).contains(users))?;
    u32::try_from(users).ok()
}

pub(super) fn rate(value: &DeValue<'_>) -> Option<f64> {
    number(value).filter(|rate| *rate > 0.0 && *rate <= MAX_USERS as f64)
}

/// A time in whole seconds, for that is how often Locust looks at a shape.
pub(super) fn seconds(value: &DeValue<'_>) -> Option<u64> {
    let time = duration(value).filter(|time| time.subsec_micros() == 0)?;
    Some(time.as_secs()).filter(|seconds| (1..=YEAR).contains(seconds))
}
