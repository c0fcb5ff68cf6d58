//! Pools and draws as a workload writes them.

use std::collections::{BTreeMap, BTreeSet};

use toml::Value as Toml;

use crate::emit::{Emitter, MAX_WEIGHT, TaskText, unique};
use crate::ratio::gcd;
use crate::reader::is_name;
use crate::request_text::DrawNames;
use crate::toml_text::{float, string};
use crate::value::{Draw, DrawKind, Value};
use crate::variants::{Variant, each_code, each_failure, keys};

/// The most values of a pool that is made of whole numbers.
pub(crate) const MOST_NUMBERS: i64 = 10_000;

impl Emitter {
    /// How the draws of a variant are written: where they are used once, there; else once for the iteration.
    pub(crate) fn draws(&mut self, task: &TaskText<'_>, variant: &Variant<'_>) -> DrawNames {
        let mut uses: BTreeMap<String, usize> = BTreeMap::new();
        let mut judged: BTreeSet<String> = BTreeSet::new();
        for request in &variant.requests {
            each_code(
                request,
                &mut |code| {
                    keys(code)
                        .into_iter()
                        .for_each(|key| *uses.entry(key).or_default() += 1)
                },
                false,
            );
            each_failure(request, &mut |code| judged.extend(keys(code)));
        }
        let mut names = DrawNames::default();
        for draw in &variant.draws {
            let count = uses.get(&draw.key).copied().unwrap_or(0);
            let is_judged = judged.contains(&draw.key);
            if count == 0 && !is_judged {
                continue;
            }
            let inline = count == 1 && !is_judged;
            let code = match &draw.kind {
                DrawKind::Whole(low, high) if inline => format!("randint({low}, {high})"),
                DrawKind::Real(low, high, digits) if inline => match digits {
                    Some(digits) => format!("uniform({}, {}, {digits})", float(*low), float(*high)),
                    None => format!("uniform({}, {})", float(*low), float(*high)),
                },
                DrawKind::Unit(low, high) if inline => {
                    format!("uniform({}, {})", float(low.value()), float(high.value()))
                }
                DrawKind::Whole(low, high) if high.saturating_sub(*low) < MOST_NUMBERS => {
                    let values = (*low..=*high)
                        .map(|number| (Value::Int(number), 1))
                        .collect::<Vec<_>>();
                    self.drawn(draw, &values, task, &mut names)
                }
                DrawKind::Outcomes(outcomes) if inline => match self.pool(draw, outcomes, task) {
                    Some(pool) => format!("pick({})", crate::reader::quoted(&pool)),
                    None => String::new(),
                },
                DrawKind::Outcomes(outcomes) => self.drawn(draw, outcomes, task, &mut names),
                _ => {
                    let message = "a number that is drawn is used twice: a workload draws only values of lists for more than one use";
                    self.tell(&task.file, task.line, message);
                    String::new()
                }
            };
            names.codes.insert(draw.key.clone(), code);
        }
        names
    }

    pub(crate) fn drawn(
        &mut self,
        draw: &Draw<'_>,
        outcomes: &[(Value<'_>, i64)],
        task: &TaskText<'_>,
        names: &mut DrawNames,
    ) -> String {
        const TAKEN: [&str; 30] = [
            "user_class",
            "user",
            "iteration",
            "host",
            "status",
            "body",
            "json",
            "headers",
            "response_time_ms",
            "first_byte_ms",
            "first_event_ms",
            "events",
            "tokens",
            "true",
            "false",
            "none",
            "loop",
            "self",
            "not",
            "and",
            "or",
            "in",
            "is",
            "if",
            "else",
            "range",
            "dict",
            "pick",
            "choice",
            "uniform",
        ];
        let Some(pool) = self.pool(draw, outcomes, task) else {
            return String::new();
        };
        let wanted = draw
            .name
            .as_deref()
            .filter(|name| is_name(name) && name.starts_with(|c: char| c.is_ascii_alphabetic()));
        let wanted = wanted.unwrap_or("drawn");
        let wanted = match TAKEN.contains(&wanted.to_lowercase().as_str()) || wanted == "randint" {
            true => format!("drawn_{wanted}"),
            false => wanted.to_owned(),
        };
        let mut name = wanted.clone();
        let mut number = 1;
        while names.drawn.iter().any(|(known, _)| *known == name) {
            number += 1;
            name = format!("{wanted}_{number}");
        }
        names.drawn.push((name.clone(), pool));
        name
    }

    /// The name of a pool with these values.
    pub(crate) fn pool(
        &mut self,
        draw: &Draw<'_>,
        outcomes: &[(Value<'_>, i64)],
        task: &TaskText<'_>,
    ) -> Option<String> {
        let shared = outcomes
            .iter()
            .fold(0, |shared, (_, weight)| gcd(shared, i128::from(*weight)))
            .max(1);
        let mut values = Vec::new();
        for (value, weight) in outcomes {
            let weight = i128::from(*weight) / shared;
            let Some(plain) = plain(value).filter(|_| weight <= MAX_WEIGHT) else {
                self.tell(
                    &task.file,
                    task.line,
                    "a list that is drawn from has a value or a weight that no workload can say",
                );
                return None;
            };
            values.push(pool_entry(&plain, weight));
        }
        let text = match values.iter().map(String::len).sum::<usize>() < 90 {
            true => format!("[{}]", values.join(", ")),
            false => format!("[\n  {},\n]", values.join(",\n  ")),
        };
        if let Some((name, _)) = self.pools.iter().find(|(_, known)| *known == text) {
            return Some(name.clone());
        }
        let wanted = draw
            .pool
            .clone()
            .or_else(|| draw.name.clone())
            .unwrap_or_else(|| "values".to_owned());
        let wanted: String = wanted
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
            .take(60)
            .collect();
        let wanted = if wanted.is_empty() {
            "values".to_owned()
        } else {
            wanted
        };
        let name = unique(&wanted, |name| {
            self.pools.iter().any(|(known, _)| known == name)
        });
        self.pools.push((name.clone(), text));
        Some(name)
    }
}

/// A constant in TOML; none for what TOML has no value for.
pub(crate) fn plain(value: &Value<'_>) -> Option<Toml> {
    Some(match value {
        Value::Bool(yes) => Toml::Boolean(*yes),
        Value::Int(number) => Toml::Integer(*number),
        Value::Float(number) if number.is_finite() => Toml::Float(*number),
        Value::Str(text) => Toml::String(text.to_string()),
        Value::List(_) | Value::Tuple(_) => {
            let elements = value.elements()?;
            Toml::Array(elements.iter().map(plain).collect::<Option<_>>()?)
        }
        Value::Dict(dict) => {
            let items = dict.items.borrow();
            let items = items.iter().map(|(key, value)| match key {
                Value::Str(key) => Some((key.to_string(), plain(value)?)),
                _ => None,
            });
            Toml::Table(items.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

pub(crate) fn pool_entry(value: &Toml, weight: i128) -> String {
    let weighted = |text: String| match weight {
        1 => text,
        weight => format!("{{ {text}, weight = {weight} }}"),
    };
    if let Toml::String(text) = value
        && text.len() > 100
        && let Some(first) = text.chars().next()
        && text.chars().all(|c| c == first)
    {
        let fields = format!(
            "repeat = {}, times = {}",
            string(&first.to_string()),
            text.chars().count()
        );
        return match weight {
            1 => format!("{{ {fields} }}"),
            _ => weighted(fields),
        };
    }
    match (&value, weight) {
        (Toml::Table(_), 1) => format!("{{ value = {value} }}"),
        (_, 1) => value_text(value),
        _ => weighted(format!("value = {}", value_text(value))),
    }
}

pub(crate) fn value_text(value: &Toml) -> String {
    match value {
        Toml::String(text) => string(text),
        value => value.to_string(),
    }
}
