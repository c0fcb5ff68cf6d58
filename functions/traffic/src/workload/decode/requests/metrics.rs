//! The custom metrics of a request: `metric`, a table or an array of them.

use toml::de::DeValue;

use crate::custom_metric::{Amount, CustomMetric, MAX_NAME, MAX_UNIT, MAX_VALUE, MOST, MetricKind};
use crate::workload::compile::Usage;
use crate::workload::decode::context::Request;
use crate::workload::measure::{MetricRule, MetricValue};
use crate::workload::read::{Field, Fields, number};

const EXPECTED: &str = "a table such as { name = \"Orders/Created\", value = 1, when = \"status == 200\" }, or an array of them";

impl Request<'_, '_, '_, '_> {
    /// What the request's responses are measured by.
    pub(super) fn metrics(
        &self,
        fields: &Fields<'_, '_, '_>,
        usage: &mut Usage,
    ) -> Vec<MetricRule> {
        let Some(field) = fields.get("metric") else {
            return Vec::new();
        };
        let elements = field.elements();
        if elements.len() > MOST {
            let message = format!(
                "{} has more than {MOST} metrics: make fewer of them",
                field.place
            );
            self.reader.mistake(&field.span, message);
            return Vec::new();
        }
        let mut rules = Vec::new();
        for element in elements {
            let Some(table) = element.convert(self.reader, EXPECTED, DeValue::as_table) else {
                continue;
            };
            let own = Fields::new(self.reader, &*element.place, table, element.span.clone());
            rules.extend(self.metric(&own, usage));
        }
        rules
    }

    fn metric(&self, own: &Fields<'_, '_, '_>, usage: &mut Usage) -> Option<MetricRule> {
        let expected = format!(
            "a name such as \"Orders/Created\": up to {MAX_NAME} letters, digits, `_`, `.`, `-` and `/`, a letter first"
        );
        let name = own.get("name");
        let name = name.as_ref().and_then(|field| {
            let is_name = |name: &&str| CustomMetric::is_name(name);
            let name = field.convert(self.reader, &expected, |value| {
                value.as_str().filter(is_name)
            })?;
            if let Some(taken) = CustomMetric::taken(name) {
                let message = format!(
                    "{}: names with `{taken}` are those of other metrics: choose another",
                    field.place
                );
                self.reader.mistake(&field.span, message);
                return None;
            }
            Some((name, field))
        });
        let kind = own
            .get("kind")
            .map_or(Some(MetricKind::default()), |field| {
                let expected = "\"counter\" or \"histogram\"";
                field.convert(self.reader, expected, |value| {
                    MetricKind::of(value.as_str()?)
                })
            });
        let unit = own.get("unit").map_or(Some(""), |field| {
            let expected =
                format!("a unit such as \"ms\" or \"EUR\", up to {MAX_UNIT} ASCII characters");
            let is_unit = |unit: &&str| CustomMetric::is_unit(unit);
            field.convert(self.reader, &expected, |value| {
                value.as_str().filter(is_unit)
            })
        });
        let value = own.get("value");
        let value = value.and_then(|field| self.metric_value(&field, usage));
        let when = own.get("when").map_or(Some(None), |field| {
            let expected = "an expression over the response, such as \"status == 200\"";
            self.over_response(&field, expected, usage).map(Some)
        });
        for key in ["name", "value"] {
            if own.get(key).is_none() {
                own.mistake(format_args!("it has no `{key}`: write {EXPECTED}"));
            }
        }
        own.finish();
        let (name, field) = name?;
        let metric = CustomMetric {
            name: name.into(),
            kind: kind?,
            unit: unit?.into(),
        };
        let known = self.context.compiler.metrics.know(metric);
        let metric = known.map_err(|problem| {
            let message = format!("{}: {problem}", field.place);
            self.reader.mistake(&field.span, message);
        });
        Some(MetricRule {
            metric: metric.ok()?,
            value: value?,
            when: when?,
        })
    }

    fn metric_value(&self, field: &Field<'_, '_>, usage: &mut Usage) -> Option<MetricValue> {
        let expected = format!(
            "a number from 0 to {MAX_VALUE}, or an expression over the response such as \"json.total\""
        );
        if matches!(field.value, DeValue::String(_)) {
            let program = self.over_response(field, &expected, usage)?;
            return Some(MetricValue::Expression(program));
        }
        let constant = field.convert(self.reader, &expected, |value| Amount::of(number(value)?));
        constant.map(MetricValue::Constant)
    }
}
