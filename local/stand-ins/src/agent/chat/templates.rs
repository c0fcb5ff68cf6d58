//! The templates of the agent's answers, by the kind of the prompt; compiled once.

use std::sync::LazyLock;

use minijinja::{Environment, UndefinedBehavior, Value};

use crate::data::DATA;

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    let topics = DATA.topics.iter().map(|topic| (&topic.kind, &topic.text));
    for (kind, text) in topics.chain(&DATA.no_question) {
        let added = templates.add_template(kind, text);
        added.expect("the templates are sound: a test renders them all");
    }
    templates
});

/// The answer to a prompt of `kind`, with these facts.
pub(super) fn render(kind: &str, facts: Value) -> String {
    let text = TEMPLATES
        .get_template(kind)
        .and_then(|template| template.render(facts));
    text.expect("every kind has a template, and its facts: a test renders them all")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::agent::chat::Facts;
    use crate::chaos::Weather;
    use crate::route::Model;

    const QUIET: Facts = Facts {
        model: Model::B,
        uptime: Duration::from_secs(61),
        weather: Weather::Calm,
        requests: 0,
        failures: 0,
        orders: 12,
        revenue: 1_234.5,
        medians_ms: [2.0, 18.0, 12.5],
        repairs: (0, 0),
    };

    fn said(kind: &str, facts: &Facts) -> String {
        render(kind, facts.context())
    }

    #[test]
    fn every_template_renders_in_every_weather() {
        for weather in [
            Weather::Calm,
            Weather::SlowDatabase,
            Weather::AppErrors,
            Weather::ModelATrouble,
            Weather::ModelBTrouble,
            Weather::StubbornFailure,
        ] {
            for (failures, repairs) in [(0, (0, 0)), (7, (3, 1))] {
                let facts = Facts {
                    weather,
                    requests: 700,
                    failures,
                    repairs,
                    ..QUIET
                };
                for topic in &DATA.topics {
                    let text = said(&topic.kind, &facts);
                    assert!(text.len() > 20, "{}: {text}", topic.kind);
                    assert!(!text.contains("  ") && !text.contains(['{', '}']), "{text}");
                }
            }
        }
        for kind in DATA.no_question.keys() {
            let facts = minijinja::context! { length => 1, longest => 2, quoted => "three" };
            assert!(render(kind, facts).len() > 20, "{kind}");
        }
    }

    #[test]
    fn the_facts_decide_what_is_said() {
        let failing = Facts {
            weather: Weather::AppErrors,
            requests: 1_000,
            failures: 3,
            repairs: (4, 1),
            ..QUIET
        };
        for (kind, quiet, troubled) in [
            (
                "errors",
                "without a 5xx",
                "3 of 1000 requests with a 5xx, 0.3 %",
            ),
            (
                "repair",
                "not repaired anything",
                "4 repairs, 3 of them with success",
            ),
            (
                "status",
                "operational: all checks pass",
                "degraded: target-app is returning",
            ),
            (
                "resources",
                "uses 12 % of a core and 184 MB",
                "uses 71 % of a core and 402 MB",
            ),
            (
                "logs",
                "no warnings. It",
                "\"ERROR request failed: connection pool exhausted\". It",
            ),
            (
                "diagnosis_run",
                "nothing to repair.",
                "start a repair if it stays so.",
            ),
            (
                "tools",
                "I have 6 tools: system_health, ",
                ", docker_restart and http_probe. I",
            ),
            (
                "latency",
                "/health are answered within 2 ms",
                "within 12 ms and to /orders within 18 ms",
            ),
            (
                "orders",
                "12 orders worth $1234.50.",
                "8 products: Laptop, Phone,",
            ),
            (
                "models",
                "a is mistral:7b-instruct and b",
                "talking to model b.",
            ),
            (
                "containers",
                "hour:\n- aim-target-app",
                "(ollama/ollama): up 61 seconds",
            ),
        ] {
            assert!(said(kind, &QUIET).contains(quiet), "{}", said(kind, &QUIET));
            assert!(
                said(kind, &failing).contains(troubled),
                "{}",
                said(kind, &failing)
            );
        }
    }
}
