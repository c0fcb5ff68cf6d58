//! The tasks of a user class: `[class.A.task.NAME]` tables, or `[[class.A.task]]` with a `name` each.

use std::sync::Arc;

use toml::de::DeValue;

use super::context::Context;
use super::defaults::Defaults;
use super::names::{check_name, check_variable};
use super::pools::weight;
use super::requests;
use crate::workload::class::{Group, Host, Order, Step, Task};
use crate::workload::compile::Compiler;
use crate::workload::model::Model;
use crate::workload::pool::Pool;
use crate::workload::read::{Fields, instead};
use crate::workload::record::Columns;

/// A value's name, and the pool that it is drawn from.
pub(super) type NamedPool = (Arc<str>, Arc<Pool>);

const EXPECTED: &str = "a table of tasks, such as [class.MyUser.task.get_health] with \
    request = \"GET /health\"";

/// The surroundings of a task.
pub(super) struct Place<'p, 'r, 's> {
    pub(super) compiler: &'p Compiler<'r, 's>,
    pub(super) defaults: &'p Defaults,
    /// The values that the user's session keeps.
    pub(super) kept: &'p [Arc<str>],
    /// The pools that its first requests draw some of them from.
    pub(super) kept_pools: &'p [NamedPool],
    /// The host of the class, and all that there are.
    pub(super) host: Option<&'p Arc<Host>>,
    pub(super) hosts: &'p [Arc<Host>],
    /// The models that there are.
    pub(super) models: &'p [Arc<Model>],
}

/// Reads the tasks of the class that `fields` is.
pub(super) fn read(fields: &Fields<'_, '_, '_>, surroundings: &Place<'_, '_, '_>) -> Vec<Task> {
    let Some(field) = fields.get("task") else {
        fields.mistake(format_args!("it has no `task`: write {EXPECTED}"));
        return Vec::new();
    };
    let mut tasks = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for (name, span, element) in named(fields, &field) {
        if names.contains(&name) {
            let message = format!("{} has two tasks `{name}`: rename one", fields.place);
            fields.reader.mistake(&span, message);
        }
        check_name(fields.reader, "task", &name, &span);
        let place = format!("{}, task `{name}`", fields.place);
        let table = element.convert(fields.reader, EXPECTED, DeValue::as_table);
        names.push(name.clone());
        let Some(table) = table else {
            continue;
        };
        let own = Fields::new(fields.reader, place, table, span);
        if matches!(field.value, DeValue::Array(_)) {
            own.get("name");
        }
        tasks.extend(task(&own, name, surroundings));
        own.finish();
    }
    if names.is_empty() {
        fields.mistake(format_args!("it has no task: write {EXPECTED}"));
    }
    tasks
}

type Named<'t, 's> = (
    String,
    std::ops::Range<usize>,
    crate::workload::read::Field<'t, 's>,
);

fn named<'t, 's>(
    fields: &Fields<'_, 't, 's>,
    field: &crate::workload::read::Field<'t, 's>,
) -> Vec<Named<'t, 's>> {
    if !matches!(field.value, DeValue::Array(_)) {
        let entries = field.entries(fields.reader, EXPECTED).into_iter();
        return entries
            .map(|(name, span, field)| (name.to_owned(), span, field))
            .collect();
    }
    let mut tasks = Vec::new();
    for element in field.elements() {
        let name = element
            .value
            .get("name")
            .and_then(|name| name.get_ref().as_str());
        match name.map(str::to_owned) {
            Some(name) => tasks.push((name, element.span.clone(), element)),
            None => element.is_not(fields.reader, "a table with a `name`"),
        }
    }
    tasks
}

fn task(fields: &Fields<'_, '_, '_>, name: String, place: &Place<'_, '_, '_>) -> Option<Task> {
    let weight = weight(fields);
    let Requests {
        pools,
        steps,
        groups,
    } = requests(fields, place)?;
    Some(Task {
        name: Arc::from(name),
        weight: weight?,
        tags: tags(fields),
        pools,
        order: order(fields, (&steps, &groups), place.kept),
        steps,
        groups,
    })
}

/// The requests of a task, and what is drawn once for them.
pub(super) struct Requests {
    pub(super) pools: Vec<NamedPool>,
    pub(super) steps: Vec<Step>,
    pub(super) groups: Vec<Group>,
}

/// Reads the requests under `request`.
pub(super) fn requests(fields: &Fields<'_, '_, '_>, place: &Place<'_, '_, '_>) -> Option<Requests> {
    let pools = pools(fields, place);
    let context = Context {
        compiler: place.compiler,
        defaults: place.defaults.with(fields),
        drawn: pools.iter().map(|(name, _)| name.to_string()).collect(),
        records: pools
            .iter()
            .chain(place.kept_pools)
            .filter_map(columns)
            .collect(),
        kept: place.kept.iter().map(ToString::to_string).collect(),
        host: place.host,
        hosts: place.hosts,
        models: place.models,
        place: fields.place.clone(),
    };
    let Some(request) = fields.get("request") else {
        fields.mistake("it has no `request`: write for example request = \"GET /health\"");
        return None;
    };
    let (steps, groups) = requests::read(&request, &context);
    Some(Requests {
        pools,
        steps,
        groups,
    })
}

/// The columns of a value that is drawn, if it is a record.
fn columns((name, pool): &NamedPool) -> Option<(String, Columns)> {
    let columns = pool.columns()?;
    Some((name.to_string(), Arc::clone(columns)))
}

/// The tags that tasks are chosen by, as Locust's `@tag` gives them.
fn tags(fields: &Fields<'_, '_, '_>) -> Vec<Arc<str>> {
    let Some(field) = fields.get("tags") else {
        return Vec::new();
    };
    let expected = "an array of names, such as [\"smoke\", \"orders\"]";
    let array = field.convert(fields.reader, expected, DeValue::as_array);
    let elements = array.map_or_else(Vec::new, |_| field.elements());
    let name = |value: &DeValue<'_>| value.as_str().filter(|tag| !tag.is_empty()).map(Arc::from);
    let tags = elements.iter();
    tags.filter_map(|tag| tag.convert(fields.reader, "a name", name))
        .collect()
}

/// In which order the requests are sent. A request that needs what another one keeps has its place.
fn order(
    fields: &Fields<'_, '_, '_>,
    (steps, groups): (&[Step], &[Group]),
    kept: &[Arc<str>],
) -> Order {
    let Some(field) = fields.get("order") else {
        return Order::Given;
    };
    let known = |value: &DeValue<'_>| (value.as_str() == Some("random")).then_some(Order::Random);
    let expected = "\"random\" (without it, requests are sent in the order they are written)";
    let mut needs = steps.iter().flat_map(|step| &step.needs);
    let needs = needs.find(|name| !kept.contains(name));
    match (field.convert(fields.reader, expected, known), needs) {
        (Some(_), Some(name)) => {
            let message = format!(
                "{}: a request needs `{name}`, which another one captures: leave out `order`",
                field.place
            );
            fields.reader.mistake(&field.span, message);
            Order::Given
        }
        (Some(_), None) if !groups.is_empty() => {
            let message = format!(
                "{}: its requests are sent in a drawn order, and `repeat` has a fixed one: leave out one of them",
                field.place
            );
            fields.reader.mistake(&field.span, message);
            Order::Given
        }
        (order, _) => order.unwrap_or_default(),
    }
}

/// The values that the task draws once per iteration.
fn pools(fields: &Fields<'_, '_, '_>, place: &Place<'_, '_, '_>) -> Vec<NamedPool> {
    let Some(draw) = fields.get("draw") else {
        return Vec::new();
    };
    let expected = "a table of names and pools, such as { prompt = \"prompts\" }";
    let reader = fields.reader;
    let mut drawn = Vec::new();
    for (name, span, field) in draw.entries(reader, expected) {
        let good = check_variable(reader, name, &span);
        if place.kept.iter().any(|kept| **kept == *name) {
            let message = format!("`{name}` is a value of the user's session: choose another name");
            reader.mistake(&span, message);
        }
        let known = &place.compiler.engine.pools;
        let Some(pool) = field.convert(reader, "the name of a pool", DeValue::as_str) else {
            continue;
        };
        match known.get(pool) {
            Some(pool) => drawn.extend(good.map(|()| (Arc::from(name), Arc::clone(pool)))),
            None => {
                let hint = instead(pool, known.keys().map(String::as_str));
                let message = format!("{}: unknown pool `{pool}`: {hint}", field.place);
                reader.mistake(&field.span, message);
            }
        }
    }
    drawn
}
