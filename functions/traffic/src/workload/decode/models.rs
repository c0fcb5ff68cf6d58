//! The `[models.NAME]` tables of a workload file.

use std::sync::Arc;

use toml::de::DeValue;

use super::names::check_name;
use crate::workload::model::Model;
use crate::workload::read::{Fields, number};

const EXPECTED: &str =
    "a table of models, such as [models.a] with `name`, `input_price` and `output_price`";

/// Reads the models, in the order of the file.
pub(super) fn read(fields: &Fields<'_, '_, '_>) -> Vec<Arc<Model>> {
    let entries = match fields.get("models") {
        Some(models) => models.entries(fields.reader, EXPECTED),
        None => Vec::new(),
    };
    let mut models = Vec::new();
    for (key, span, field) in entries {
        check_name(fields.reader, "model", key, &span);
        let Some(table) = field.convert(fields.reader, EXPECTED, DeValue::as_table) else {
            continue;
        };
        let own = Fields::new(fields.reader, format!("model `{key}`"), table, span);
        let expected = "the name that its server knows it by, such as \"mistral:7b-instruct\"";
        let name = own.read("name", expected, |value| {
            let name = value.as_str()?;
            let is_good = (1..=200).contains(&name.chars().count());
            (is_good && !name.contains(char::is_control)).then_some(name)
        });
        models.push(Arc::new(Model {
            key: Arc::from(key),
            name: Arc::from(name.unwrap_or(key)),
            input_price: price(&own, "input_price"),
            output_price: price(&own, "output_price"),
        }));
        own.finish();
    }
    models
}

/// The price of a million tokens; 0 if none is given.
fn price(fields: &Fields<'_, '_, '_>, key: &'static str) -> f64 {
    let expected = "the price of a million tokens, a number from 0";
    let price = fields.read(key, expected, |value| {
        number(value).filter(|price| (0.0..=1e9).contains(price))
    });
    price.unwrap_or(0.0)
}
