//! The `[pairs]` of a workload file: which requests are compared with which.

use std::collections::BTreeSet;
use std::sync::Arc;

use toml::de::DeValue;

use super::thresholds::names;
use crate::workload::class::UserClass;
use crate::workload::pair::Pair;
use crate::workload::read::{Field, Fields, instead};

const EXPECTED: &str =
    "a table of pairs, such as [pairs.checkout] with `a` and `b`, each the name of a request";

/// Reads the pairs, in the order of the file; a name that stands for several methods gives a pair of each.
pub(super) fn read(fields: &Fields<'_, '_, '_>, classes: &[Arc<UserClass>]) -> Vec<Pair> {
    let entries = match fields.get("pairs") {
        Some(pairs) => pairs.entries(fields.reader, EXPECTED),
        None => Vec::new(),
    };
    // of classes with mistakes in them nothing is known
    let is_whole = !fields.reader.has_mistakes();
    let mut pairs = Vec::new();
    for (name, span, field) in entries {
        let Some(table) = field.convert(fields.reader, EXPECTED, DeValue::as_table) else {
            continue;
        };
        let own = Fields::new(fields.reader, format!("pair `{name}`"), table, span);
        let sides = [side(&own, "a"), side(&own, "b")];
        own.finish();
        let [Some(a), Some(b)] = sides else {
            continue;
        };
        if is_whole {
            pairs.extend(paired(&own, name, &a, &b, classes));
        }
    }
    pairs
}

fn side<'t, 's>(
    fields: &Fields<'_, 't, 's>,
    key: &'static str,
) -> Option<(&'t str, Field<'t, 's>)> {
    let Some(field) = fields.get(key) else {
        fields.mistake(format_args!(
            "it has no `{key}`: write the name of a request"
        ));
        return None;
    };
    let name = field.convert(fields.reader, "the name of a request", DeValue::as_str)?;
    Some((name, field))
}

fn paired(
    fields: &Fields<'_, '_, '_>,
    name: &str,
    (a, a_field): &(&str, Field<'_, '_>),
    (b, b_field): &(&str, Field<'_, '_>),
    classes: &[Arc<UserClass>],
) -> Vec<Pair> {
    let (of_a, of_b) = (methods(a, classes), methods(b, classes));
    for (name, field, methods) in [(a, a_field, &of_a), (b, b_field, &of_b)] {
        if methods.is_empty() {
            let hint = instead(name, names(classes));
            let message = format!("{}: unknown request `{name}`: {hint}", field.place);
            fields.reader.mistake(&field.span, message);
        }
    }
    if a == b {
        fields.mistake("its `a` and `b` are the same request: name two");
    }
    let common: Vec<_> = of_a.intersection(&of_b).collect();
    if common.is_empty() && !of_a.is_empty() && !of_b.is_empty() {
        fields.mistake("its `a` and `b` have no method in common: name requests of one method");
    }
    let pair = |method: &&str| Pair {
        name: name.into(),
        method: (*method).into(),
        a: (*a).into(),
        b: (*b).into(),
    };
    common.into_iter().map(pair).collect()
}

/// The methods of the requests of a name.
fn methods<'c>(name: &str, classes: &'c [Arc<UserClass>]) -> BTreeSet<&'c str> {
    let tasks = classes.iter().flat_map(|class| class.tasks());
    let steps = tasks.flat_map(|task| task.steps());
    let named = steps.filter(|step| *step.name == *name);
    named.map(|step| step.method.as_str()).collect()
}
