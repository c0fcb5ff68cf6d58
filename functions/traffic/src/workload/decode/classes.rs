//! The `[class.NAME]` tables of a workload file.

use std::sync::Arc;

use toml::de::DeValue;

use super::defaults::Defaults;
use super::names::check_name;
use super::pools::weight;
use super::{sessions, tasks};
use crate::workload::class::{Host, SessionRules, Set, Task, UserClass};
use crate::workload::compile::Compiler;
use crate::workload::connections::ConnectionRules;
use crate::workload::model::Model;
use crate::workload::read::{Field, Fields, Reader, instead, integer};
use crate::workload::wait::{self, Wait};

/// The largest fixed count.
pub(super) const MAX_FIXED: i64 = 1_000_000;

const EXPECTED: &str = "a table of classes, such as [class.MyUser] with `host`, `wait` and `task`";

/// Reads the classes, sorted by name as Locust's dispatcher sorts them.
pub(super) fn read(
    fields: &Fields<'_, '_, '_>,
    compiler: &Compiler<'_, '_>,
    (hosts, models): (&[Arc<Host>], &[Arc<Model>]),
    defaults: &Defaults,
) -> Vec<Arc<UserClass>> {
    let entries = match fields.get("class") {
        Some(classes) => classes.entries(fields.reader, EXPECTED),
        None => Vec::new(),
    };
    if entries.is_empty() && !fields.reader.has_mistakes() {
        fields.mistake(format_args!("the file has no user class: write {EXPECTED}"));
    }
    let mut classes = Vec::new();
    for (place, (name, span, field)) in entries.into_iter().enumerate() {
        check_name(fields.reader, "class", name, &span);
        let Some(table) = field.convert(fields.reader, EXPECTED, DeValue::as_table) else {
            continue;
        };
        let own = Fields::new(fields.reader, format!("class `{name}`"), table, span);
        let class = class(&own, name, compiler, (hosts, models), defaults);
        own.finish();
        classes.extend(class.map(|class| Arc::new(UserClass { place, ..class })));
    }
    classes.sort_by(|one, other| one.name().cmp(other.name()));
    classes
}

fn class(
    fields: &Fields<'_, '_, '_>,
    name: &str,
    compiler: &Compiler<'_, '_>,
    (hosts, models): (&[Arc<Host>], &[Arc<Model>]),
    defaults: &Defaults,
) -> Option<UserClass> {
    let host = host(fields, hosts);
    let wait = read_wait(fields);
    let weight = weight(fields);
    let fixed = fields.read("fixed_count", "a whole number from 0 to 1000000", |value| {
        let count = integer(value).filter(|count| (0..=MAX_FIXED).contains(count))?;
        u32::try_from(count).ok()
    });
    let connections = ConnectionRules::read(fields).or(defaults.connections);
    let with_own = defaults.with(fields);
    let place = tasks::Place {
        compiler,
        defaults: &with_own,
        kept: &[],
        kept_pools: &[],
        host: host.as_ref(),
        hosts,
        models,
    };
    let session = sessions::read(fields, &place, defaults.cookies);
    let kept = session.as_ref().map_or(&[][..], SessionRules::kept);
    let start = session.as_ref().and_then(SessionRules::start);
    let kept_pools = start.map_or(&[][..], Task::pools);
    let own = tasks::Place {
        kept,
        kept_pools,
        ..place
    };
    let tasks = tasks::read(fields, &own);
    Some(UserClass {
        name: Arc::from(name),
        place: 0,
        weight: weight?,
        fixed_count: fixed.unwrap_or(0),
        wait: wait?,
        host: host?,
        set: Set::default(),
        connections,
        task_names: tasks.iter().map(|task| Arc::clone(&task.name)).collect(),
        cumulative: count_tasks(&tasks),
        session,
        tasks,
    })
}

/// The sum of the tasks' weights up to and including each task.
pub(super) fn count_tasks(tasks: &[Task]) -> Vec<u64> {
    let mut total = 0;
    let running_total = |task: &Task| {
        total += u64::from(task.weight());
        total
    };
    tasks.iter().map(running_total).collect()
}

/// The class's host; a file with one host need not name it.
fn host(fields: &Fields<'_, '_, '_>, hosts: &[Arc<Host>]) -> Option<Arc<Host>> {
    let Some(field) = fields.get("host") else {
        if let [host] = hosts {
            return Some(Arc::clone(host));
        }
        fields.mistake("it has no `host`: write the name of one of the file's [hosts]");
        return None;
    };
    known_host(fields.reader, &field, &fields.place, hosts)
}

/// The host that a field names.
pub(super) fn known_host(
    reader: &Reader<'_>,
    field: &Field<'_, '_>,
    place: &str,
    hosts: &[Arc<Host>],
) -> Option<Arc<Host>> {
    let name = field.convert(reader, "the name of a host", DeValue::as_str)?;
    let host = hosts.iter().find(|host| &**host.name() == name);
    if host.is_none() {
        let hint = instead(name, hosts.iter().map(|host| &**host.name()));
        reader.mistake(
            &field.span,
            format!("{place}: unknown host `{name}`: {hint}"),
        );
    }
    host.map(Arc::clone)
}

fn read_wait(fields: &Fields<'_, '_, '_>) -> Option<Wait> {
    let Some(field) = fields.get("wait") else {
        fields.mistake(format_args!("it has no `wait`: write {}", wait::EXPECTED));
        return None;
    };
    let text = field.convert(fields.reader, wait::EXPECTED, DeValue::as_str)?;
    Wait::parse(text)
        .map_err(|message| {
            fields
                .reader
                .mistake(&field.span, format!("{} {message}", field.place))
        })
        .ok()
}
