//! The settings that can be changed while the stand-ins run: latencies, failures, chaos mode, the
//! arrival log.
//!
//! Owns the reading of a change from JSON: every bad value is an error with the field's name, and a
//! change that holds one changes nothing.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::{Map, Value};
use strum::VariantArray as _;

use crate::route::{Lane, Model};

/// The settings that hold at a moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetSettings {
    /// The factor of drawn latencies: 1 is life-like, 0 answers at once.
    pub latency_scale: f64,
    /// Lanes that take exactly this number of milliseconds, whatever the scale.
    pub fixed_latency_ms: BTreeMap<Lane, f64>,
    /// The share of a lane's requests that fail with `failure_status`.
    pub failure_ratio: BTreeMap<Lane, f64>,
    /// The status of failures; `None` draws 500 or 503 for each.
    pub failure_status: Option<u16>,
    /// The share of repairs that are answered with `success: false`, by model.
    pub repair_failure_ratio: BTreeMap<Model, f64>,
    /// Chaos mode: trouble comes and goes by itself.
    pub chaos: bool,
    /// The most arrivals of named users that are logged, in total; 0 logs none.
    pub arrival_log: usize,
}

impl Default for TargetSettings {
    /// Life-like latencies, no failures.
    fn default() -> Self {
        Self {
            latency_scale: 1.0,
            fixed_latency_ms: BTreeMap::new(),
            failure_ratio: BTreeMap::new(),
            failure_status: None,
            repair_failure_ratio: Model::VARIANTS.iter().map(|model| (*model, 0.0)).collect(),
            chaos: false,
            arrival_log: 0,
        }
    }
}

/// A setting that cannot be as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct BadSetting {
    /// The field, as a path: `failure_ratio.GET /orders`.
    pub field: String,
    /// The mistake, and what would be right.
    pub problem: String,
}

impl BadSetting {
    pub(crate) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

const FIELDS: &str = "latency_scale, fixed_latency_ms, failure_ratio, failure_status, \
                      repair_failure_ratio, chaos, arrival_log";
const NO_SUCH_LANE: &str =
    "no such route; write it like \"GET /orders\", \"POST /chat\" or \"POST /chat?model=a\"";
const RATIO: RangeInclusive<f64> = 0.0..=1.0;

impl TargetSettings {
    /// These settings with the fields of `change` put in place of the old.
    ///
    /// In the maps by route, only the routes that are named change, and `null` removes one.
    pub fn changed(&self, change: &Value) -> Result<Self, BadSetting> {
        let Some(fields) = change.as_object() else {
            return Err(BadSetting::new("(body)", "must be a JSON object"));
        };
        let mut new = self.clone();
        for (name, value) in fields {
            new.set(name, value)?;
        }
        Ok(new)
    }

    /// The latency that is fixed for `lane`, by its model or for the whole route.
    pub(crate) fn fixed_latency_ms_of(&self, lane: Lane) -> Option<f64> {
        look_up(&self.fixed_latency_ms, lane)
    }

    /// The share of `lane`'s requests that fail.
    pub(crate) fn failure_ratio_of(&self, lane: Lane) -> f64 {
        look_up(&self.failure_ratio, lane).unwrap_or(0.0)
    }

    fn set(&mut self, name: &str, value: &Value) -> Result<(), BadSetting> {
        match name {
            "latency_scale" => self.latency_scale = number(name, value, 0.0..=1_000.0)?,
            "fixed_latency_ms" => {
                by_lane(name, value, 0.0..=3_600_000.0, &mut self.fixed_latency_ms)?;
            }
            "failure_ratio" => by_lane(name, value, RATIO, &mut self.failure_ratio)?,
            "failure_status" if value.is_null() => self.failure_status = None,
            "failure_status" => {
                self.failure_status = Some(whole(name, value, 400.0..=599.0)? as u16);
            }
            "repair_failure_ratio" => by_model(name, value, &mut self.repair_failure_ratio)?,
            "chaos" => {
                let chaos = value.as_bool();
                self.chaos = chaos.ok_or_else(|| BadSetting::new(name, "must be true or false"))?;
            }
            "arrival_log" => self.arrival_log = whole(name, value, 0.0..=10_000_000.0)? as usize,
            _ => {
                let problem = format!("no such setting; there are {FIELDS}");
                return Err(BadSetting::new(name, problem));
            }
        }
        Ok(())
    }
}

fn look_up(map: &BTreeMap<Lane, f64>, lane: Lane) -> Option<f64> {
    // nearly always empty: then this costs nothing
    let found = map.get(&lane).or_else(|| map.get(&lane.route.into()));
    found.copied()
}

fn number(field: &str, value: &Value, range: RangeInclusive<f64>) -> Result<f64, BadSetting> {
    let number = value.as_f64().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        let (low, high) = range.into_inner();
        BadSetting::new(field, format!("must be a number from {low} to {high}"))
    })
}

fn whole(field: &str, value: &Value, range: RangeInclusive<f64>) -> Result<f64, BadSetting> {
    let number = number(field, value, range)?;
    if number.fract() == 0.0 {
        Ok(number)
    } else {
        Err(BadSetting::new(field, "must be a whole number"))
    }
}

fn by_lane(
    field: &str,
    value: &Value,
    range: RangeInclusive<f64>,
    map: &mut BTreeMap<Lane, f64>,
) -> Result<(), BadSetting> {
    for (name, value) in object(field, value, "route")? {
        let field = format!("{field}.{name}");
        let lane = Lane::find(name).ok_or_else(|| BadSetting::new(&field, NO_SUCH_LANE))?;
        if value.is_null() {
            map.remove(&lane);
        } else {
            map.insert(lane, number(&field, value, range.clone())?);
        }
    }
    Ok(())
}

fn by_model(field: &str, value: &Value, map: &mut BTreeMap<Model, f64>) -> Result<(), BadSetting> {
    if value.is_number() {
        let ratio = number(field, value, RATIO)?;
        map.values_mut().for_each(|old| *old = ratio);
        return Ok(());
    }
    for (name, value) in object(field, value, "model")? {
        let field = format!("{field}.{name}");
        let model = Model::find(name)
            .ok_or_else(|| BadSetting::new(&field, "no such model; there are a and b"))?;
        map.insert(model, number(&field, value, RATIO)?);
    }
    Ok(())
}

fn object<'v>(
    field: &str,
    value: &'v Value,
    key: &str,
) -> Result<&'v Map<String, Value>, BadSetting> {
    value.as_object().ok_or_else(|| {
        BadSetting::new(field, format!("must be an object, a number for each {key}"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::route::Route;

    #[test]
    fn a_change_leaves_what_it_does_not_name() {
        let first = json!({"latency_scale": 0, "fixed_latency_ms": {"POST /chat": 40_000}});
        let second = json!({"fixed_latency_ms": {"POST /chat?model=b": 5}, "failure_status": 503});
        let settings = TargetSettings::default().changed(&first).unwrap();
        let settings = settings.changed(&second).unwrap();
        let fixed = |model| settings.fixed_latency_ms_of((Route::Chat, model).into());
        assert_eq!(settings.latency_scale, 0.0);
        assert_eq!(fixed(Model::A), Some(40_000.0));
        assert_eq!(fixed(Model::B), Some(5.0));
        assert_eq!(settings.failure_status, Some(503));

        let removed = json!({"fixed_latency_ms": {"POST /chat": null}});
        let settings = settings.changed(&removed).unwrap();
        let lane = Lane::from((Route::Chat, Model::A));
        assert_eq!(settings.fixed_latency_ms_of(lane), None);
    }

    #[test]
    fn settings_read_back_as_they_are_shown() {
        let change = json!({
            "failure_ratio": {"GET /orders": 0.25},
            "repair_failure_ratio": {"a": 0.5},
            "arrival_log": 100,
        });
        let settings = TargetSettings::default().changed(&change).unwrap();
        let shown = serde_json::to_value(&settings).unwrap();
        assert_eq!(shown["failure_ratio"]["GET /orders"], 0.25);
        assert_eq!(shown["repair_failure_ratio"], json!({"a": 0.5, "b": 0.0}));
        assert_eq!(TargetSettings::default().changed(&shown).unwrap(), settings);
    }

    #[test]
    fn a_bad_value_is_named_by_its_field() {
        for (change, field) in [
            (json!([]), "(body)"),
            (json!({"latency": 1}), "latency"),
            (json!({"latency_scale": -1}), "latency_scale"),
            (json!({"latency_scale": "fast"}), "latency_scale"),
            (json!({"fixed_latency_ms": 3}), "fixed_latency_ms"),
            (
                json!({"fixed_latency_ms": {"GET /x": 3}}),
                "fixed_latency_ms.GET /x",
            ),
            (
                json!({"failure_ratio": {"GET /orders": 1.5}}),
                "failure_ratio.GET /orders",
            ),
            (json!({"failure_status": 200}), "failure_status"),
            (json!({"failure_status": 500.5}), "failure_status"),
            (
                json!({"repair_failure_ratio": {"c": 1}}),
                "repair_failure_ratio.c",
            ),
            (json!({"repair_failure_ratio": 2}), "repair_failure_ratio"),
            (json!({"chaos": "yes"}), "chaos"),
            (json!({"arrival_log": -3}), "arrival_log"),
        ] {
            let error = TargetSettings::default().changed(&change).unwrap_err();
            assert_eq!(error.field, field, "{change}: {error}");
        }
    }
}
