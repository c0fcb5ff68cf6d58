//! Pools from files: `{ csv = "users.csv" }` and `{ jsonl = "users.jsonl" }`, each line of which is a record.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;
use toml::de::DeTable;

use super::beside;
use crate::workload::attached::Files;
use crate::workload::json;
use crate::workload::pool::Pool;
use crate::workload::read::{Field, Fields, Reader};
use crate::workload::record::{Columns, Record};
use crate::workload::row::Row;
use crate::workload::values::MemoryShare;

/// The most values of a file, over all of its records: what bounds their memory.
const MOST_VALUES: usize = 1_000_000;

/// The records of a file, and the names of what is in them.
type Records = (Columns, Vec<Value>);

/// A problem of a file, with its line if it has one.
type Problem = String;

/// Makes records of a file's content.
type Parse = fn(&[u8]) -> Result<Records, Problem>;

/// Reads a pool that is a table.
pub(super) fn read(
    reader: &Reader<'_>,
    name: &str,
    field: &Field<'_, '_>,
    table: &DeTable<'_>,
    files: &Files<'_>,
) -> Option<Pool> {
    let fields = Fields::new(reader, &*field.place, table, field.span.clone());
    let (csv, jsonl) = (fields.get("csv"), fields.get("jsonl"));
    let row = fields.read("row", Row::EXPECTED, |row| Row::named(row.as_str()?));
    let has_row = fields.get("row").is_some();
    fields.finish();
    let (file, parse): (_, Parse) = match (csv, jsonl) {
        (Some(file), None) => (file, of_csv),
        (None, Some(file)) => (file, of_jsonl),
        _ => {
            fields.mistake("write one of `csv` and `jsonl`, each with the name of a file");
            return None;
        }
    };
    let (content, _) = beside::content(&file, reader, files)?;
    let row = match has_row {
        true => row?,
        false => Row::default(),
    };
    match parse(&content) {
        Ok((columns, records)) => Some(Pool::of_records(name, columns, records, row)),
        Err(problem) => {
            let text = file.value.as_str().unwrap_or_default();
            let message = format!("{} {text:?}: {problem}", file.place);
            reader.mistake(&file.span, message);
            None
        }
    }
}

fn of_csv(content: &[u8]) -> Result<Records, Problem> {
    let mut lines = csv::Reader::from_reader(content);
    let headers = lines.headers().map_err(|error| said(&error))?.clone();
    let columns: Columns = headers.iter().map(|name| Arc::from(name.trim())).collect();
    for (index, column) in columns.iter().enumerate() {
        if column.is_empty() {
            return Err(format!(
                "column {} has no name in the first line",
                index + 1
            ));
        }
        if columns[..index].contains(column) {
            return Err(format!("two columns are called {column:?}: rename one"));
        }
    }
    let mut records = Vec::new();
    let mut count = 0;
    for record in lines.records() {
        let record = record.map_err(|error| said(&error))?;
        count += record.len();
        check_count(count)?;
        records.push(Record::value(
            &columns,
            record.iter().map(Value::from).collect(),
        ));
    }
    filled(columns, records)
}

/// The error in our words, without its kind.
fn said(error: &csv::Error) -> Problem {
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!("line {line} has {len} in place of {expected_len} values")
        }
        csv::ErrorKind::Utf8 { pos, .. } => {
            let line = pos.as_ref().map_or(1, csv::Position::line);
            format!("line {line} is not UTF-8")
        }
        _ => error.to_string(),
    }
}

fn of_jsonl(content: &[u8]) -> Result<Records, Problem> {
    let text = std::str::from_utf8(content).map_err(|_| "it is not UTF-8".to_owned())?;
    let mut all = BTreeMap::<Arc<str>, ()>::new();
    let mut shape: Columns = Arc::default();
    let mut records = Vec::new();
    let mut count = 0;
    let lines = text.lines().enumerate();
    for (index, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = || format!("line {} is no JSON object", index + 1);
        let value = json::read(line, &MemoryShare::default()).map_err(|_| wrong())?;
        let object = value.as_object().ok_or_else(wrong)?;
        let pairs = object
            .try_iter_pairs()
            .filter(|_| line.trim_start().starts_with('{'));
        let pairs: Vec<(Value, Value)> = pairs.ok_or_else(wrong)?.collect();
        count += elements(&value);
        check_count(count)?;
        let names = pairs
            .iter()
            .map(|(name, _)| name.as_str().unwrap_or_default());
        if !names.clone().eq(shape.iter().map(|column| &**column)) {
            shape = names.map(Arc::from).collect();
            all.extend(shape.iter().map(|column| (Arc::clone(column), ())));
        }
        let values = pairs.into_iter().map(|(_, value)| value);
        records.push(Record::value(&shape, values.collect()));
    }
    filled(all.into_keys().collect(), records)
}

/// The values in a value; an object counts for the memory that its first key takes.
fn elements(value: &Value) -> usize {
    const OBJECT: usize = 20;
    let mut count = 1;
    let mut open = vec![value.clone()];
    while let Some(value) = open.pop() {
        let Some(object) = value.as_object() else {
            continue;
        };
        count += OBJECT;
        for item in object.try_iter_pairs().into_iter().flatten() {
            count += 1;
            open.push(item.1);
        }
    }
    count
}

fn check_count(count: usize) -> Result<(), Problem> {
    if count > MOST_VALUES {
        return Err(format!(
            "it has more than {MOST_VALUES} values: leave out what is not used"
        ));
    }
    Ok(())
}

fn filled(columns: Columns, records: Vec<Value>) -> Result<Records, Problem> {
    if records.is_empty() {
        return Err("it has no record".to_owned());
    }
    Ok((columns, records))
}
