//! Requests that are sent again and again: `repeat` in a request, or in a table with several.

use std::ops::RangeInclusive;

use toml::de::DeValue;

use super::context::Context;
use crate::workload::read::{Field, Fields, Snippet, integer};

/// The most times that a group is sent in one iteration.
const MOST: i64 = 1_000;

const EXPECTED: &str = "a table such as { while = \"json.next\", at_most = 50 }";

/// The requests of a task in one list.
pub(super) struct Listed<'t, 's> {
    pub(super) elements: Vec<Field<'t, 's>>,
    pub(super) groups: Vec<GroupFields>,
}

/// A group of requests as it is written.
pub(super) struct GroupFields {
    pub(super) steps: RangeInclusive<usize>,
    pub(super) at_most: u32,
    /// The condition for another round.
    pub(super) goes_on: Option<Snippet>,
}

/// Lists the requests of a task, those of groups among them.
pub(super) fn listed<'t, 's>(
    field: &Field<'t, 's>,
    context: &Context<'_, '_, 's>,
) -> Listed<'t, 's> {
    let reader = context.compiler.reader;
    let mut listed = Listed {
        elements: Vec::new(),
        groups: Vec::new(),
    };
    for element in field.elements() {
        let first = listed.elements.len();
        let table = element.value.as_table();
        let has = |key| table.is_some_and(|table| table.contains_key(key));
        if let Some(table) = table.filter(|_| has("request")) {
            let place = format!("{}, group {}", context.place, listed.groups.len() + 1);
            let own = Fields::new(reader, place, table, element.span.clone());
            let inner = own.get("request").map(|inner| inner.elements());
            listed.elements.extend(inner.unwrap_or_default());
            let repeat = own.get("repeat");
            if repeat.is_none() {
                own.mistake(format_args!("it has no `repeat`: write {EXPECTED}"));
            }
            own.finish();
            listed.add(first, repeat, context);
        } else if let Some(table) = table.filter(|_| has("repeat")) {
            let place = format!("{}, request {}", context.place, first + 1);
            let own = Fields::new(reader, place, table, element.span.clone());
            let repeat = own.get("repeat");
            listed.elements.push(element.clone());
            listed.add(first, repeat, context);
        } else {
            listed.elements.push(element);
        }
    }
    listed
}

impl<'s> Listed<'_, 's> {
    fn add(&mut self, first: usize, repeat: Option<Field<'_, 's>>, context: &Context<'_, '_, '_>) {
        let reader = context.compiler.reader;
        let Some(repeat) = repeat.filter(|_| self.elements.len() > first) else {
            return;
        };
        let Some(table) = repeat.convert(reader, EXPECTED, DeValue::as_table) else {
            return;
        };
        let own = Fields::new(reader, &*repeat.place, table, repeat.span.clone());
        let expected = "an expression over the response, such as \"json.next\"";
        let goes_on = own.get("while");
        let goes_on = goes_on.and_then(|field| field.snippet(reader, expected));
        let at_most = own.read("at_most", "a whole number from 1 to 1000", |value| {
            let at_most = integer(value).filter(|at_most| (1..=MOST).contains(at_most))?;
            u32::try_from(at_most).ok()
        });
        if own.get("at_most").is_none() {
            own.mistake(
                "it has no `at_most`: write how often the requests are sent at most, such as 50",
            );
        }
        own.finish();
        self.groups.extend(at_most.map(|at_most| GroupFields {
            steps: first..=self.elements.len() - 1,
            at_most,
            goes_on,
        }));
    }
}
