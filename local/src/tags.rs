//! `--tags` and `--exclude-tags`: the tasks that are left, as `[user]` tables of the workload's text.
//!
//! They stand in the text, so a run is pinned to them and goes on with them after a restart.

use std::sync::Once;

use toml_edit::{Array, DocumentMut, Item, Table};
use traffic::workload::{Task, Workload};

use crate::options::OtherOptions;
use crate::settings::error::SettingsError;

/// The workload's text with only the tasks that the options ask for; nothing where they ask for all.
pub(crate) fn tagged(
    options: &OtherOptions,
    workload: &Workload,
) -> Result<Option<String>, SettingsError> {
    let [wanted, unwanted] = [&options.tags, &options.exclude_tags].map(|tags| {
        tags.iter()
            .filter(|tag| !tag.is_empty())
            .collect::<Vec<_>>()
    });
    if wanted.is_empty() && unwanted.is_empty() {
        return Ok(None);
    }
    let has = |task: &Task, tags: &[&String]| {
        task.tags()
            .iter()
            .any(|own| tags.iter().any(|tag| ***tag == **own))
    };
    let is_left = |task: &Task| (wanted.is_empty() || has(task, &wanted)) && !has(task, &unwanted);
    let mut document: DocumentMut = workload
        .toml()
        .parse()
        .map_err(|error: toml_edit::TomlError| SettingsError::Tags(error.message().to_owned()))?;
    let mut is_any_left = false;
    let mut without = Vec::new();
    for class in workload.classes() {
        let left: Vec<&str> = class
            .tasks()
            .iter()
            .filter(|task| is_left(task))
            .map(|task| &**task.name())
            .collect();
        if left.len() == class.tasks().len() {
            is_any_left = true;
            continue;
        }
        let mut implicit = Table::new();
        implicit.set_implicit(true);
        let users = document.entry("user").or_insert(Item::Table(implicit));
        let own = users.as_table_like_mut().map(|users| {
            users
                .entry(class.name())
                .or_insert(Item::Table(Table::new()))
        });
        let Some(own) = own.and_then(Item::as_table_like_mut) else {
            continue;
        };
        if left.is_empty() {
            without.push(&**class.name());
            own.insert("weight", 0.into());
            own.insert("fixed_count", 0.into());
        } else {
            is_any_left = true;
            own.insert("tasks", Item::Value(Array::from_iter(left).into()));
        }
    }
    if !is_any_left {
        return Err(SettingsError::NoTask);
    }
    if !without.is_empty() {
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            let classes = without.join(", ");
            tracing::warn!(
                "no task of {classes} has the tags that are asked for: they have no users"
            );
        });
    }
    Ok(Some(workload.with_toml(&document.to_string())))
}
