//! The `[[threshold]]` tables of a workload file.

use std::sync::Arc;

use toml::de::DeValue;

use crate::workload::class::UserClass;
use crate::workload::read::{Field, Fields, Reader, instead, number};
use crate::workload::threshold::{METRICS, Threshold};

const EXPECTED: &str =
    "tables such as [[threshold]] with `metric` and `below`, and `row` for requests of one name";

/// The most thresholds of a file.
const MOST: usize = 100;

/// Reads the thresholds, in the order of the file.
pub(super) fn read(fields: &Fields<'_, '_, '_>, classes: &[Arc<UserClass>]) -> Vec<Threshold> {
    let Some(field) = fields.get("threshold") else {
        return Vec::new();
    };
    if field
        .convert(fields.reader, EXPECTED, DeValue::as_array)
        .is_none()
    {
        return Vec::new();
    }
    let elements = field.elements();
    if elements.len() > MOST {
        let message = format!("{} has more than {MOST} tables", field.place);
        let message = format!("{message}: make fewer of them");
        fields.reader.mistake(&field.span, message);
        return Vec::new();
    }
    let threshold = |element| threshold(fields, element, classes);
    elements.iter().filter_map(threshold).collect()
}

fn threshold(
    fields: &Fields<'_, '_, '_>,
    element: &Field<'_, '_>,
    classes: &[Arc<UserClass>],
) -> Option<Threshold> {
    let table = element.convert(fields.reader, EXPECTED, DeValue::as_table)?;
    let own = Fields::new(fields.reader, &*element.place, table, element.span.clone());
    let metric = own.read("metric", METRICS, |value| value.as_str()?.parse().ok());
    let below = own.read("below", "a number above 0", |value| {
        number(value).filter(|below| *below > 0.0)
    });
    let row = own.get("row");
    let row = row.and_then(|field| {
        let row = field.convert(fields.reader, "the name of a request", DeValue::as_str)?;
        check_row(fields.reader, &field, row, classes);
        Some(Arc::from(row))
    });
    for key in ["metric", "below"] {
        if own.get(key).is_none() {
            own.mistake(format_args!("it has no `{key}`"));
        }
    }
    own.finish();
    let threshold = Threshold {
        metric: metric?,
        row,
        below: below?,
    };
    let checked = threshold.checked();
    checked.map_err(|problem| own.mistake(problem)).ok()
}

/// Says it if no request has the name of a row.
pub(super) fn check_row(
    reader: &Reader<'_>,
    field: &Field<'_, '_>,
    row: &str,
    classes: &[Arc<UserClass>],
) {
    // of classes with mistakes in them nothing is known
    if !reader.has_mistakes() && !names(classes).any(|name| name == row) {
        let hint = instead(row, names(classes));
        let message = format!("{}: unknown request `{row}`: {hint}", field.place);
        reader.mistake(&field.span, message);
    }
}

/// The names of the requests of all classes.
pub(super) fn names(classes: &[Arc<UserClass>]) -> impl Iterator<Item = &str> {
    let steps = classes.iter().flat_map(|class| class.steps());
    steps.map(|step| &*step.name)
}
