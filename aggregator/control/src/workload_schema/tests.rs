//! The schema and the decoder know the same keys, and the schema refuses nothing that the decoder takes.
//!
//! The decoder says its keys itself: a key that it does not know is answered with those that it does. So for every
//! table of the schema there is a workload with a place in that table, [`PLACES`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};
use traffic::workload::Workload;

use super::WORKLOAD_SCHEMA;
use places::{FRAME, PLACES, REQUEST};

mod places;

/// A key that no table has, and that is like none that one has.
const UNKNOWN: &str = "qqqqqqqqqqqqqqqq";

fn schema() -> Value {
    serde_json::from_str(WORKLOAD_SCHEMA).expect("the schema is JSON")
}

/// The definition of a table; the root's name is empty.
fn definition<'s>(schema: &'s Value, name: &str) -> &'s Value {
    match name {
        "" => schema,
        name => &schema["definitions"][name],
    }
}

/// The schema without its references, as far as one key goes.
fn resolved<'s>(schema: &'s Value, key: &'s Value) -> &'s Value {
    match key.get("$ref").and_then(Value::as_str) {
        Some(target) => definition(schema, target.trim_start_matches("#/definitions/")),
        None => key,
    }
}

/// The text of a workload with `line` in its place, in place of a line with the same key.
fn with_line(place: &[&str], key: &str, value: &str) -> String {
    let line = format!("{key} = {value}");
    let text = place.concat();
    if text.contains("PLACE") {
        return text.replace("PLACE", &line);
    }
    let start = text.rfind("\n[").map_or(0, |at| at + 1);
    let (before, table) = text.split_at(start);
    let is_other = |written: &&str| {
        let name = written.split(['.', ' ', '=']).next();
        name != Some(key)
    };
    let lines: Vec<&str> = table.lines().filter(is_other).collect();
    format!("{before}{}\n{line}\n", lines.join("\n"))
}

fn mistakes(source: &str) -> Vec<String> {
    match Workload::parse(source, "w", &|_| None) {
        Ok(_) => Vec::new(),
        Err(errors) => {
            let mistakes = errors.mistakes().iter();
            mistakes.map(|mistake| mistake.message.clone()).collect()
        }
    }
}

/// The keys that the decoder lists for the table at the end of a workload.
fn known_keys(place: &[&str]) -> BTreeSet<String> {
    let source = with_line(place, UNKNOWN, "1");
    let said = mistakes(&source);
    let list = said.iter().find_map(|mistake| {
        let unknown = format!("unknown key `{UNKNOWN}`: write one of ");
        // `tokens` is refused as a whole
        let openings = [&*unknown, "or a table of places with "];
        let lists = openings
            .iter()
            .filter_map(|opening| mistake.split_once(opening));
        lists.map(|(_, list)| list).next()
    });
    let list =
        list.unwrap_or_else(|| panic!("the decoder does not list its keys: {said:?}\n{source}"));
    let names = list.split(", ").flat_map(|names| names.split(" and "));
    names
        .map(|name| name.trim_matches('`').to_owned())
        .collect()
}

struct Validator {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Validator {
    fn new() -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let name = "workload.schema.json";
        compiler.add_resource(name, schema()).expect("a resource");
        let index = compiler.compile(name, &mut schemas);
        let index = index.unwrap_or_else(|error| panic!("no schema of draft 7: {error}"));
        Self { schemas, index }
    }

    /// Nothing for a valid workload.
    fn problem(&self, source: &str) -> Option<String> {
        let toml: toml::Table = source
            .parse()
            .unwrap_or_else(|error| panic!("{error}\n{source}"));
        let value = serde_json::to_value(toml).expect("TOML as JSON");
        let checked = self.schemas.validate(&value, self.index);
        checked.err().map(|error| format!("{error:#}"))
    }
}

#[test]
fn schema_and_decoder_know_the_same_keys() {
    let schema = schema();
    let mut problems = Vec::new();
    for (name, places) in PLACES {
        let properties = definition(&schema, name)["properties"].as_object();
        let properties = properties.unwrap_or_else(|| panic!("the schema has no table `{name}`"));
        let described: BTreeSet<String> = properties.keys().cloned().collect();
        let known: BTreeSet<String> = places.iter().flat_map(|place| known_keys(place)).collect();
        for key in known.difference(&described) {
            problems.push(format!(
                "the decoder knows `{key}` in `{name}`: describe it in definitions.{name}.properties"
            ));
        }
        for key in described.difference(&known) {
            problems.push(format!(
                "the decoder does not know `{key}` in `{name}`: take it out of the schema"
            ));
        }
    }
    assert!(
        problems.is_empty(),
        "workload.schema.json: {}",
        problems.join("\n")
    );
}

#[test]
fn every_table_of_the_schema_is_compared() {
    let schema = schema();
    let tables = schema["definitions"].as_object().expect("definitions");
    let tables = tables
        .iter()
        .filter(|(_, table)| table.get("properties").is_some());
    let tables: BTreeSet<&str> = tables.map(|(name, _)| &**name).collect();
    let compared = PLACES
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !name.is_empty());
    assert_eq!(
        tables,
        compared.collect(),
        "add to PLACES a workload that ends in the table"
    );
    // a table that stands in a key itself would be compared with nothing
    for (name, _) in PLACES {
        for (key, of_key) in definition(&schema, name)["properties"]
            .as_object()
            .expect("keys")
        {
            let inner = of_key.get("properties");
            assert!(
                inner.is_none(),
                "`{key}` of `{name}`: put its table into definitions"
            );
        }
        assert_eq!(
            definition(&schema, name)["additionalProperties"],
            json!(false),
            "{name}"
        );
    }
}

#[test]
fn every_key_has_a_sentence_and_an_example_that_is_taken() {
    let (schema, validator) = (schema(), Validator::new());
    for (name, places) in PLACES {
        for (key, of_key) in definition(&schema, name)["properties"]
            .as_object()
            .expect("keys")
        {
            let of_key = resolved(&schema, of_key);
            let sentence = of_key["description"].as_str().unwrap_or_default();
            let is_sentence =
                sentence.ends_with('.') && !sentence.contains(". ") && sentence.len() < 240;
            assert!(
                is_sentence,
                "`{key}` of `{name}` has no description of one sentence: {sentence:?}"
            );
            let is_shown_whole = ["class", "task", "pairs"].contains(&&**key);
            let none = Vec::new();
            let examples = of_key["examples"].as_array().unwrap_or(&none);
            assert!(
                is_shown_whole || !examples.is_empty(),
                "`{key}` of `{name}` has no example"
            );
            for example in examples {
                let source = with_line(places[0], key, &as_toml(example));
                let said = mistakes(&source);
                assert!(
                    !said.iter().any(|said| is_about_kind(said, key)),
                    "{said:?}\n{source}"
                );
                if !name.is_empty() {
                    assert_eq!(validator.problem(&source), None, "{source}");
                }
            }
        }
    }
}

#[test]
fn the_schema_refuses_a_value_where_the_decoder_refuses_its_kind_and_nowhere_else() {
    let (schema, validator) = (schema(), Validator::new());
    let candidates = [
        json!("x"),
        json!(-1),
        json!(2_000_000),
        json!(0.5),
        json!(true),
        json!(["x"]),
        json!([{}]),
        json!({ UNKNOWN: 1 }),
    ];
    let mut problems = Vec::new();
    for (name, places) in PLACES.iter().filter(|(name, _)| !name.is_empty()) {
        for key in definition(&schema, name)["properties"]
            .as_object()
            .expect("keys")
            .keys()
        {
            for candidate in &candidates {
                let source = with_line(places[0], key, &as_toml(candidate));
                let (said, problem) = (mistakes(&source), validator.problem(&source));
                let is_taken = said.is_empty();
                if let Some(problem) = problem.as_ref().filter(|_| is_taken) {
                    problems.push(format!(
                        "`{key}` of `{name}`: only the schema refuses {candidate}: {problem}"
                    ));
                }
                // texts have a grammar of their own
                let is_refused =
                    !candidate.is_string() && said.iter().any(|said| is_about_kind(said, key));
                if is_refused && problem.is_none() {
                    problems.push(format!(
                        "`{key}` of `{name}`: only the decoder refuses {candidate}: {said:?}"
                    ));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// True if a mistake says that a value is of the wrong kind: ``..., `wait` is 3: write ...``.
fn is_about_kind(mistake: &str, key: &str) -> bool {
    mistake.contains(&format!("`{key}` is "))
}

/// JSON as an inline value of TOML.
fn as_toml(value: &Value) -> String {
    match value {
        Value::Object(table) => {
            let table = table
                .iter()
                .map(|(key, value)| format!("{key:?} = {}", as_toml(value)));
            format!("{{ {} }}", table.collect::<Vec<_>>().join(", "))
        }
        Value::Array(array) => {
            let array: Vec<String> = array.iter().map(as_toml).collect();
            format!("[{}]", array.join(", "))
        }
        plain => plain.to_string(),
    }
}

#[test]
fn the_built_in_workload_and_the_examples_are_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let examples = std::fs::read_dir(root.join("examples")).expect("the examples");
    let examples = examples.map(|entry| entry.expect("an example").path());
    let files: Vec<PathBuf> = examples
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .chain([root.join("functions/traffic/workloads/default.toml")])
        .collect();
    assert!(files.len() > 4, "{files:?}");
    let validator = Validator::new();
    let problems: BTreeMap<PathBuf, String> = files
        .into_iter()
        .filter_map(|path| {
            let text = std::fs::read_to_string(&path).expect("a file");
            Some((path, validator.problem(&text)?))
        })
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn a_mistake_is_marked_by_the_schema_too() {
    let validator = Validator::new();
    let request = [FRAME, REQUEST].concat();
    assert_eq!(validator.problem(&request), None);
    for wrong in [
        "metod = 'GET'",
        "timeout = true",
        "probability = 2",
        "json = 1\nstream = 'x'",
        "capture = { '1' = 'json' }",
    ] {
        let source = format!("{request}{wrong}\n");
        assert!(validator.problem(&source).is_some(), "{source}");
        assert!(!mistakes(&source).is_empty(), "{source}");
    }
}
