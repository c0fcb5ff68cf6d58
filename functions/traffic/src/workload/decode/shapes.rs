//! The `[shape.NAME]` tables of a workload file.

use std::sync::Arc;

use toml::de::DeValue;

use super::adaptive;
use super::names::check_name;
use super::shape_values::{RATE, TIME, USERS, rate, required, seconds, users};
use crate::run::DayPoint;
use crate::schedule::{InvalidSchedule, find_zone};
use crate::workload::class::UserClass;
use crate::workload::read::{Field, Fields, Reader, instead};
use crate::workload::shape::{Course, Daily, NO_SHAPE, Shape, Stage};

const EXPECTED: &str =
    "a table of shapes, such as [shape.StepLoad] with `stages`, `daily` or `adaptive`";

const STAGES: &str = "an array with at least one stage, such as \
    [{ duration = \"60s\", users = 10, spawn_rate = 2 }]";

const DAILY: &str =
    "a table of times of the day and users, such as { \"04:00\" = 2, \"14:00\" = 20 }";

/// The most stages of a shape.
const MAX_STAGES: usize = 1_000;

/// The most points of a day.
const MAX_POINTS: usize = 96;

/// Seconds in which a daily curve is reached unless it says how fast.
const REACHED_IN: f64 = 60.0;

/// Reads the shapes, sorted by name.
pub(super) fn read(fields: &Fields<'_, '_, '_>, classes: &[Arc<UserClass>]) -> Vec<Arc<Shape>> {
    let entries = match fields.get("shape") {
        Some(shapes) => shapes.entries(fields.reader, EXPECTED),
        None => Vec::new(),
    };
    let mut shapes = Vec::new();
    for (name, span, field) in entries {
        check_name(fields.reader, "shape", name, &span);
        // both are chosen by name, and what is no shape is called this
        let taken = name.eq_ignore_ascii_case(NO_SHAPE)
            || classes.iter().any(|class| &**class.name() == name);
        if taken {
            let message = format!("`{name}` is no name for a shape, it means something else");
            fields
                .reader
                .mistake(&span, format!("{message}: choose another name"));
        }
        let Some(table) = field.convert(fields.reader, EXPECTED, DeValue::as_table) else {
            continue;
        };
        let own = Fields::new(fields.reader, format!("shape `{name}`"), table, span);
        let course = course(&own, classes);
        own.finish();
        shapes.extend(course.map(|course| {
            Arc::new(Shape {
                name: Arc::from(name),
                course,
            })
        }));
    }
    shapes.sort_by(|one, other| one.name().cmp(other.name()));
    shapes
}

fn course(fields: &Fields<'_, '_, '_>, classes: &[Arc<UserClass>]) -> Option<Course> {
    let given = ["stages", "daily", "adaptive"].map(|key| fields.get(key));
    match given {
        [Some(array), None, None] => stages(fields.reader, &array, classes).map(Course::Stages),
        [None, Some(table), None] => daily(fields, &table).map(Course::Daily),
        [None, None, Some(table)] => {
            adaptive::read(&table, fields.reader, classes).map(Course::Adaptive)
        }
        [None, None, None] => {
            fields.mistake(format_args!(
                "it has neither `stages` nor `daily` nor `adaptive`: write {STAGES}, or {DAILY}, or {}",
                adaptive::EXPECTED
            ));
            None
        }
        _ => {
            fields.mistake(
                "it has more than one of `stages`, `daily` and `adaptive`: leave only one of them",
            );
            None
        }
    }
}

fn stages(
    reader: &Reader<'_>,
    field: &Field<'_, '_>,
    classes: &[Arc<UserClass>],
) -> Option<Vec<Stage>> {
    field.convert(reader, STAGES, |value| {
        value.as_array().filter(|array| !array.is_empty())
    })?;
    let elements = field.elements();
    if elements.len() > MAX_STAGES {
        let message = format!("{} has more than {MAX_STAGES} stages", field.place);
        reader.mistake(&field.span, format!("{message}: make fewer of them"));
        return None;
    }
    let mut before = 0;
    let mut stages = Vec::new();
    let mut complete = true;
    // every element is read, so that every mistake is found
    for element in &elements {
        match stage(reader, element, before, classes) {
            Some(stage) => {
                before = stage.ends;
                stages.push(stage);
            }
            None => complete = false,
        }
    }
    complete.then_some(stages)
}

fn stage(
    reader: &Reader<'_>,
    field: &Field<'_, '_>,
    before: u64,
    classes: &[Arc<UserClass>],
) -> Option<Stage> {
    let expected = "a table such as { duration = \"60s\", users = 10, spawn_rate = 2 }";
    let table = field.convert(reader, expected, DeValue::as_table)?;
    let fields = Fields::new(reader, &*field.place, table, field.span.clone());
    let ends = ends(&fields, before);
    let users = required(&fields, "users", "users = 10", USERS, users);
    let spawn_rate = required(&fields, "spawn_rate", "spawn_rate = 2", RATE, rate);
    let user_classes = match fields.get("user_classes") {
        Some(names) => class_names(reader, &names, classes),
        None => Some(Vec::new()),
    };
    fields.finish();
    Some(Stage {
        ends: ends?,
        users: users?,
        spawn_rate: spawn_rate?,
        user_classes: user_classes?,
    })
}

/// When a stage ends: by its `duration` from the beginning of the run, as in Locust's examples, or
/// by what it `lasts` itself.
fn ends(fields: &Fields<'_, '_, '_>, before: u64) -> Option<u64> {
    let (duration, lasts) = (fields.get("duration"), fields.get("lasts"));
    match (&duration, &lasts) {
        (Some(duration), None) => {
            let ends = duration.convert(fields.reader, TIME, seconds)?;
            if ends <= before {
                let message = format!(
                    "{} is {ends} s, but the stage before it ends at {before} s: `duration` counts \
                     from the beginning, as in Locust; write `lasts` for a stage's own time",
                    duration.place
                );
                fields.reader.mistake(&duration.span, message);
                return None;
            }
            Some(ends)
        }
        (None, Some(lasts)) => Some(before + lasts.convert(fields.reader, TIME, seconds)?),
        (None, None) => {
            fields.mistake(
                "it has no `duration`: write when it ends, from the beginning of the run, such as \
                 duration = \"60s\", or what it lasts itself, such as lasts = \"60s\"",
            );
            None
        }
        (Some(_), Some(_)) => {
            fields.mistake("it has both `duration` and `lasts`: leave out one of them");
            None
        }
    }
}

fn daily(fields: &Fields<'_, '_, '_>, field: &Field<'_, '_>) -> Option<Daily> {
    let points = points(fields.reader, field);
    let zone = fields.get("time_zone").map(|zone| {
        let expected = "the name of a time zone, such as \"Europe/Berlin\"";
        let name = zone.convert(fields.reader, expected, DeValue::as_str)?;
        let found = find_zone(name).map_err(|error| match error {
            InvalidSchedule::TimeZone { hint, .. } => hint,
            other => format!(", {other}"),
        });
        found
            .map_err(|hint| {
                let message = format!("{} is {name:?}{hint}: write {expected}", zone.place);
                fields.reader.mistake(&zone.span, message);
            })
            .ok()
    });
    let given = fields.get("spawn_rate");
    let given = given.map(|given| given.convert(fields.reader, RATE, rate));
    let (time_zone, zone) = match zone {
        Some(zone) => zone?,
        None => ("UTC".to_owned(), jiff::tz::TimeZone::UTC),
    };
    let points = points?;
    let peak = points.iter().map(|point| point.users).max();
    let usual = (f64::from(peak.unwrap_or_default()) / REACHED_IN).max(1.0);
    Some(Daily {
        points,
        time_zone,
        zone,
        spawn_rate: given.unwrap_or(Some(usual))?,
    })
}

fn points(reader: &Reader<'_>, field: &Field<'_, '_>) -> Option<Vec<DayPoint>> {
    field.convert(reader, DAILY, DeValue::as_table)?;
    let entries = field.entries(reader, DAILY);
    if entries.is_empty() || entries.len() > MAX_POINTS {
        let (place, count) = (&field.place, entries.len());
        let message =
            format!("{place} has {count} times: write 1 to {MAX_POINTS} of them, such as");
        reader.mistake(
            &field.span,
            format!("{message} {{ \"04:00\" = 2, \"14:00\" = 20 }}"),
        );
        return None;
    }
    let mut points = Vec::new();
    let mut complete = true;
    for (name, span, value) in entries {
        let at = time_of_day(name);
        if at.is_none() {
            let message = format!("{}: {name:?} is no time of the day", field.place);
            reader.mistake(&span, format!("{message}: write \"00:00\" to \"23:59\""));
        }
        let users = value.convert(reader, USERS, users);
        let point = at.zip(users).map(|(at, users)| DayPoint { at, users });
        complete &= point.is_some();
        points.extend(point);
    }
    points.sort_by_key(|point| point.at);
    complete.then_some(points)
}

/// `HH:MM` in seconds from midnight.
fn time_of_day(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |text: &str, below: u32| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number: u32 = text.parse().ok().filter(|_| digits)?;
        (number < below).then_some(number)
    };
    Some(two_digits(hours, 24)? * 3_600 + two_digits(minutes, 60)? * 60)
}

fn class_names(
    reader: &Reader<'_>,
    field: &Field<'_, '_>,
    classes: &[Arc<UserClass>],
) -> Option<Vec<String>> {
    let expected = "an array with the name of at least one class";
    field.convert(reader, expected, |value| {
        value.as_array().filter(|array| !array.is_empty())
    })?;
    let mut names = Vec::new();
    let mut complete = true;
    for element in field.elements() {
        let Some(name) = element.convert(reader, "the name of a class", DeValue::as_str) else {
            complete = false;
            continue;
        };
        let known = || classes.iter().map(|class| &**class.name());
        // a class with mistakes in it is not known here: they are said already
        if !reader.has_mistakes() && !known().any(|known| known == name) {
            let hint = instead(name, known());
            let message = format!("{}: unknown class `{name}`: {hint}", element.place);
            reader.mistake(&element.span, message);
            complete = false;
        }
        names.push(name.to_owned());
    }
    complete.then_some(names)
}
