//! A way through methods before and after it is made one with others: its requests and its draws.

use crate::codes::references;
use crate::ratio::Ratio;
use crate::run::{Decision, Request};
use crate::value::{Draw, DrawKind};

/// Requests that follow one another, with the probability that an iteration of the task is this one.
#[derive(Clone)]
pub(crate) struct Variant<'a> {
    pub(crate) share: Ratio,
    pub(crate) requests: Vec<Request>,
    pub(crate) draws: Vec<Draw<'a>>,
    /// True for what begins a session: a failure ends it.
    pub(crate) is_start: bool,
}

/// A way through a task, and what was decided on it.
pub(crate) struct Way<'a> {
    pub(crate) decisions: Vec<Decision>,
    pub(crate) requests: Vec<Request>,
    pub(crate) draws: Vec<Draw<'a>>,
    /// See [`Variant::is_start`].
    pub(crate) is_start: bool,
}

/// Adds the draws of another variant.
pub(crate) fn add_draws<'a>(variant: &mut Variant<'a>, other: &Variant<'a>) {
    for draw in &other.draws {
        if !variant.draws.iter().any(|known| known.key == draw.key) {
            variant.draws.push(draw.clone());
        }
    }
}

/// True if what both use of draws is drawn in the same way.
pub(crate) fn same_draws<'a>(one: &Variant<'a>, other: &Variant<'a>) -> bool {
    let used = |variant: &Variant<'_>| references(&variant.requests);
    used(one).intersection(&used(other)).all(|key| {
        let find = |variant: &Variant<'_>| variant.draws.iter().position(|draw| draw.key == *key);
        match (find(one), find(other)) {
            (Some(mine), Some(theirs)) => {
                same_kind(&one.draws[mine].kind, &other.draws[theirs].kind)
            }
            _ => false,
        }
    })
}

pub(crate) fn same_kind<'a>(one: &DrawKind<'a>, other: &DrawKind<'a>) -> bool {
    match (one, other) {
        (DrawKind::Outcomes(one), DrawKind::Outcomes(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| one.1 == other.1 && one.0.is_same(&other.0))
        }
        (DrawKind::Whole(low, high), DrawKind::Whole(other_low, other_high)) => {
            (low, high) == (other_low, other_high)
        }
        (
            DrawKind::Real(low, high, digits),
            DrawKind::Real(other_low, other_high, other_digits),
        ) => {
            low.to_bits() == other_low.to_bits()
                && high.to_bits() == other_high.to_bits()
                && digits == other_digits
        }
        (DrawKind::Unit(low, high), DrawKind::Unit(other_low, other_high)) => {
            (low, high) == (other_low, other_high)
        }
        _ => false,
    }
}
