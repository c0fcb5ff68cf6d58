//! The keys of a workload as tables in Markdown, from their schema: one for each table of a workload, and one for the
//! keys that stand in several.

use std::collections::BTreeMap;

use control::WORKLOAD_SCHEMA;
use serde_json::{Map, Value};

const HEAD: &str = "| key | for example | meaning |\n| --- | --- | --- |\n";

/// The tables.
pub(crate) fn tables() -> String {
    let schema: Value = serde_json::from_str(WORKLOAD_SCHEMA).unwrap();
    let definitions = schema["definitions"].as_object().unwrap();
    let mut described: Vec<(&str, &Value)> = definitions
        .iter()
        .filter(|(_, table)| table.get("properties").is_some())
        .map(|(name, table)| (&**name, table))
        .collect();
    // in the order of the schema, which a map does not keep
    described.sort_by_key(|(name, _)| {
        WORKLOAD_SCHEMA.find(&format!("    \"{name}\": {{\n      \"title\""))
    });
    let mut shared = BTreeMap::new();
    let mut tables = vec![format!(
        "**the file**\n\n{HEAD}{}",
        rows(&schema, &schema, "", &mut shared)
    )];
    for (_, table) in described {
        let title = table["title"].as_str().unwrap();
        let rows = rows(&schema, table, title, &mut shared);
        if !rows.is_empty() {
            tables.push(format!("**{title}**\n\n{HEAD}{rows}"));
        }
    }
    let several: String = shared
        .values()
        .map(|(row, places)| format!("{row} In {}. |\n", places.join(", ")))
        .collect();
    tables.push(format!("**in several tables**\n\n{HEAD}{several}"));
    tables.join("\n")
}

type Shared = BTreeMap<String, (String, Vec<String>)>;

/// The rows of a table's own keys; those that it shares with others are noted.
fn rows(schema: &Value, table: &Value, title: &str, shared: &mut Shared) -> String {
    let required = table.get("required").and_then(Value::as_array);
    let mut rows = String::new();
    for (key, of_key) in table["properties"].as_object().unwrap() {
        let target = of_key.get("$ref").and_then(Value::as_str);
        let target = target.map(|target| definition(schema, target));
        // a table of the file itself stands in it alone
        let own = target.filter(|target| title.is_empty() && target.get("properties").is_some());
        let Some(target) = target.filter(|_| own.is_none()) else {
            let of_key = own.unwrap_or(of_key);
            let is_required = required.is_some_and(|keys| keys.contains(&Value::from(&**key)));
            let needed = if is_required { " Required." } else { "" };
            rows += &format!("{}{needed} |\n", row(key, of_key));
            continue;
        };
        let place = match title {
            "" => "the file".to_owned(),
            title => format!("`{title}`"),
        };
        let entry = shared
            .entry(key.clone())
            .or_insert_with(|| (row(key, target), Vec::new()));
        entry.1.push(place);
    }
    rows
}

/// The definition that a reference leads to.
fn definition<'s>(schema: &'s Value, reference: &str) -> &'s Value {
    &schema["definitions"][reference.trim_start_matches("#/definitions/")]
}

/// A row without its end.
fn row(key: &str, of_key: &Value) -> String {
    let examples = of_key.get("examples").and_then(Value::as_array);
    let example = examples.and_then(|examples| examples.first());
    let example = example.map(|example| format!("`{key} = {}`", toml(example)));
    let mut meaning = of_key["description"].as_str().unwrap().to_owned();
    let values = of_key.get("enum").and_then(Value::as_array);
    let values: Vec<String> = values
        .into_iter()
        .flatten()
        .map(|value| format!("`{}`", toml(value)))
        .collect();
    if values.len() > 1 {
        meaning += &format!(" One of {}.", values.join(", "));
    }
    if let Some(default) = of_key.get("default") {
        meaning += &format!(" Default: `{}`.", toml(default));
    }
    let cells = [format!("`{key}`"), example.unwrap_or_default(), meaning];
    format!(
        "| {}",
        cells.map(|cell| cell.replace('|', "\\|")).join(" | ")
    )
}

/// A value in TOML.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(table) => inline(table),
        Value::Array(array) => {
            let array: Vec<String> = array.iter().map(toml).collect();
            format!("[{}]", array.join(", "))
        }
        plain => plain.to_string(),
    }
}

fn inline(table: &Map<String, Value>) -> String {
    let is_bare = |key: &str| {
        key.bytes()
            .all(|c| c.is_ascii_alphanumeric() || b"_-".contains(&c))
    };
    let entries = table.iter().map(|(key, value)| match is_bare(key) {
        true => format!("{key} = {}", toml(value)),
        false => format!("\"{key}\" = {}", toml(value)),
    });
    format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
}
