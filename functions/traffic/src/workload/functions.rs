//! The functions of templates that belong to an iteration: those that draw, and the instant that it is due.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, State};

use super::moment::{NOW, formatted};
use super::pool::Pool;
use super::scope::{IterationValues, SELF_NAME};
use crate::random::Draws;

/// The pools of a workload by name.
pub(super) type Pools = BTreeMap<String, Arc<Pool>>;

/// The functions that only requests have: nothing else in a template draws, or knows when it is due.
pub(super) const REQUEST_FUNCTIONS: [&str; 6] = ["pick", "randint", "uniform", "choice", UUID, NOW];

/// The function that draws an identifier.
pub(super) const UUID: &str = "uuid";

/// Adds them to an environment.
pub(super) fn add_to(environment: &mut Environment<'static>, pools: &Arc<Pools>) {
    let pools = Arc::clone(pools);
    environment.add_function("pick", move |state: &State, name: &str| {
        let pool = pools
            .get(name)
            .ok_or_else(|| invalid(format!("there is no pool {name:?}")))?;
        of_iteration(state, |iteration| iteration.take(pool))
    });
    environment.add_function("randint", |state: &State, low: i64, high: i64| {
        check_randint(low, high).map_err(invalid)?;
        draw(state, |draws| Value::from(whole_between(draws, low, high)))
    });
    environment.add_function(
        "uniform",
        |state: &State, low: f64, high: f64, digits: Option<u32>| {
            check_uniform(low, high, digits).map_err(invalid)?;
            draw(state, |draws| {
                Value::from(real_between(draws, low, high, digits))
            })
        },
    );
    environment.add_function("choice", |state: &State, values: Vec<Value>| {
        if values.is_empty() {
            return Err(invalid("choice needs a list with at least one value"));
        }
        draw(state, |draws| {
            values[draws.below(values.len() as u64) as usize].clone()
        })
    });
    environment.add_function(UUID, |state: &State| draw(state, uuid));
    environment.add_function(NOW, |state: &State, format: &str| {
        let due_at = of_iteration(state, IterationValues::due_at)?;
        formatted(due_at, format).map_err(invalid)
    });
}

fn invalid(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

fn draw<T>(state: &State, draw: impl FnOnce(&mut Draws) -> T) -> Result<T, Error> {
    of_iteration(state, |iteration| iteration.draw(draw))
}

fn of_iteration<T>(state: &State, take: impl FnOnce(&IterationValues) -> T) -> Result<T, Error> {
    let iteration = state.lookup(SELF_NAME);
    let iteration = iteration
        .as_ref()
        .and_then(|value| value.downcast_object_ref::<IterationValues>());
    let iteration = iteration.ok_or_else(|| invalid("only requests have this function"))?;
    Ok(take(iteration))
}

pub(super) fn check_randint(low: i64, high: i64) -> Result<(), String> {
    if low > high {
        return Err(format!(
            "randint({low}, {high}) has its bounds the wrong way round: swap them"
        ));
    }
    Ok(())
}

/// Up to 9 digits, and bounds that leave each of their multiples exact.
pub(super) fn check_uniform(low: f64, high: f64, digits: Option<u32>) -> Result<(), String> {
    const LARGEST: f64 = 1e15;
    let scaled = |bound: f64| bound * 10_f64.powi(digits.unwrap_or(0).min(9) as i32);
    if low > high {
        return Err(format!(
            "uniform({low}, {high}) has its bounds the wrong way round: swap them"
        ));
    }
    if !(scaled(low) >= -LARGEST && scaled(high) <= LARGEST) {
        return Err(format!(
            "uniform({low}, {high}) has bounds that are too large"
        ));
    }
    match digits {
        Some(10..) => Err("uniform has at most 9 digits after the point".to_owned()),
        _ => Ok(()),
    }
}

/// An identifier of version 4, as Python's `uuid.uuid4()` makes them.
fn uuid(draws: &mut Draws) -> String {
    let drawn = u128::from(draws.bits()) << 64 | u128::from(draws.bits());
    let versioned = drawn & !(0xf << 76) | 0x4 << 76;
    let bits = versioned & !(0x3 << 62) | 0x2 << 62;
    let hex = format!("{bits:032x}");
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}

/// A whole number from `low` to `high`, both included.
fn whole_between(draws: &mut Draws, low: i64, high: i64) -> i64 {
    let span = high.wrapping_sub(low) as u64;
    let drawn = match span.checked_add(1) {
        Some(count) => draws.below(count),
        None => draws.bits(),
    };
    low.wrapping_add(drawn as i64)
}

/// A number from `low` to `high`; with `digits`, a multiple of their last place, both included.
fn real_between(draws: &mut Draws, low: f64, high: f64, digits: Option<u32>) -> f64 {
    let Some(digits) = digits else {
        return draws.uniform(low, high);
    };
    let scale = 10_i64.pow(digits) as f64;
    let (first, last) = ((low * scale).round() as i64, (high * scale).round() as i64);
    whole_between(draws, first, last) as f64 / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_bounds_of_randint_are_drawn() {
        let mut draws = Draws::new(1, "A", 0, 0);
        let drawn: std::collections::BTreeSet<_> =
            (0..200).map(|_| whole_between(&mut draws, -1, 2)).collect();
        assert_eq!(Vec::from_iter(drawn), [-1, 0, 1, 2]);
        whole_between(&mut draws, i64::MIN, i64::MAX);
    }

    #[test]
    fn an_amount_has_two_digits_and_stays_within_its_bounds() {
        let mut draws = Draws::new(1, "A", 0, 0);
        for _ in 0..10_000 {
            let amount = real_between(&mut draws, 10.0, 500.0, Some(2));
            assert!((10.0..=500.0).contains(&amount));
            assert_eq!(format!("{amount:.2}").parse(), Ok(amount));
        }
    }

    #[test]
    fn an_identifier_has_the_form_of_version_4_and_is_drawn() {
        let mut draws = Draws::new(1, "A", 0, 0);
        let drawn: std::collections::BTreeSet<_> = (0..1_000).map(|_| uuid(&mut draws)).collect();
        assert_eq!(drawn.len(), 1_000);
        for id in &drawn {
            let lengths: Vec<_> = id.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
            assert!(
                id.as_bytes()[14] == b'4' && b"89ab".contains(&id.as_bytes()[19]),
                "{id}"
            );
        }
        assert!(drawn.contains(&uuid(&mut Draws::new(1, "A", 0, 0))));
    }

    #[test]
    fn bounds_that_make_no_sense_are_refused() {
        assert!(check_randint(2, 1).is_err());
        assert!(check_uniform(2.0, 1.0, None).is_err());
        assert!(check_uniform(0.0, f64::INFINITY, None).is_err());
        assert!(check_uniform(f64::NAN, 1.0, Some(2)).is_err());
        assert!(check_uniform(0.0, 1.0, Some(10)).is_err());
        assert!(check_uniform(0.0, 1e12, Some(9)).is_err());
        assert!(check_uniform(-5.0, 5.0, Some(9)).is_ok());
    }
}
