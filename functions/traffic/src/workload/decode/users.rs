//! The `[user.NAME]` tables of a workload file: what holds for a class in place of what it says itself.
//!
//! Locust's `POST /user` sets them. They are part of the file, so that every process on a store knows
//! them, and a run that is pinned to the file keeps the ones it has begun with.

use std::ops::Range;
use std::sync::Arc;

use toml::de::DeValue;

use super::classes::{MAX_FIXED, count_tasks};
use super::hosts::SECRET;
use super::pools::MAX_WEIGHT;
use crate::base_url::base_url;
use crate::credentials::{Credentials, without_credentials};
use crate::workload::class::{Host, Set, UserClass};
use crate::workload::read::{Field, Fields, instead, integer};

const EXPECTED: &str = "a table of classes, such as [user.MyUser] with any of `weight`, \
    `fixed_count`, `host` and `tasks`";

/// Applies the tables to the classes that they name.
pub(super) fn apply(fields: &Fields<'_, '_, '_>, classes: &mut [Arc<UserClass>]) {
    let entries = match fields.get("user") {
        Some(users) => users.entries(fields.reader, EXPECTED),
        None => Vec::new(),
    };
    for (name, span, field) in entries {
        let Some(table) = field.convert(fields.reader, EXPECTED, DeValue::as_table) else {
            continue;
        };
        let own = Fields::new(fields.reader, format!("user `{name}`"), table, span.clone());
        match classes.iter_mut().find(|class| **class.name() == *name) {
            Some(class) => {
                // nobody else has the classes yet
                if let Some(class) = Arc::get_mut(class) {
                    set(&own, class);
                }
            }
            None if fields.reader.has_mistakes() => ask_for_all(&own),
            None => {
                ask_for_all(&own);
                unknown(fields, name, &span, classes);
            }
        }
        own.finish();
    }
}

fn set(fields: &Fields<'_, '_, '_>, class: &mut UserClass) {
    let weight = fields.read("weight", "a whole number from 0 to 10000", |value| {
        let weight = integer(value).filter(|weight| (0..=MAX_WEIGHT).contains(weight))?;
        u32::try_from(weight).ok()
    });
    let fixed_count = fields.read("fixed_count", "a whole number from 0 to 1000000", |value| {
        let count = integer(value).filter(|count| (0..=MAX_FIXED).contains(count))?;
        u32::try_from(count).ok()
    });
    let url = host(fields);
    class.set = Set {
        weight: weight.is_some(),
        fixed_count: fixed_count.is_some(),
        host: url.is_some(),
    };
    class.weight = weight.unwrap_or(class.weight);
    class.fixed_count = fixed_count.unwrap_or(class.fixed_count);
    if let Some(url) = url {
        let before = &*class.host;
        class.host = Arc::new(Host {
            credentials: before.credentials.clone().filter(|_| before.url == url),
            url,
            ..Host::clone(before)
        });
    }
    if let Some(tasks) = fields.get("tasks") {
        choose(fields, &tasks, class);
    }
}

fn host(fields: &Fields<'_, '_, '_>) -> Option<reqwest::Url> {
    let field = fields.get("host")?;
    let text = field.convert(fields.reader, "a URL", DeValue::as_str)?;
    let url = base_url(text).map_err(|instead| {
        let text = without_credentials(text);
        let message = format!("{}: {text:?} is no base URL: {instead}", field.place);
        fields.reader.mistake(&field.span, message);
    });
    let (url, secret) = Credentials::part(url.ok()?);
    if secret.is_some() {
        let message = format!("{}: it {SECRET}", field.place);
        fields.reader.mistake(&field.span, message);
    }
    Some(url)
}

/// Leaves a class only the tasks that are named; their weights stay.
fn choose(fields: &Fields<'_, '_, '_>, field: &Field<'_, '_>, class: &mut UserClass) {
    let expected = "an array with the names of at least one of the class's tasks";
    let filled = |value: &DeValue<'_>| value.as_array().is_some_and(|array| !array.is_empty());
    if !filled(field.value) {
        return field.is_not(fields.reader, expected);
    }
    let mut chosen = Vec::new();
    for element in field.elements() {
        let name = element.convert(fields.reader, "the name of a task", DeValue::as_str);
        let Some(name) = name else {
            continue;
        };
        if !class.task_names.iter().any(|known| **known == *name) {
            let hint = instead(name, class.task_names.iter().map(|name| &**name));
            let message = format!("{}: unknown task `{name}`: {hint}", element.place);
            fields.reader.mistake(&element.span, message);
        }
        chosen.push(name);
    }
    class.tasks.retain(|task| chosen.contains(&&*task.name));
    class.cumulative = count_tasks(&class.tasks);
}

fn unknown(
    fields: &Fields<'_, '_, '_>,
    name: &str,
    span: &Range<usize>,
    classes: &[Arc<UserClass>],
) {
    let hint = instead(name, classes.iter().map(|class| &**class.name()));
    let message = format!("`user`: unknown class `{name}`: {hint}");
    fields.reader.mistake(span, message);
}

/// Of a class that there is not, the keys are known all the same.
fn ask_for_all(fields: &Fields<'_, '_, '_>) {
    for key in ["weight", "fixed_count", "host", "tasks"] {
        fields.get(key);
    }
}
