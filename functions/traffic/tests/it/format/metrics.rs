//! Custom metrics: how a workload says them, what a response gives, and what is no metric.

use traffic::custom_metric::{Amount, MetricKind};
use traffic::random::Draws;
use traffic::workload::{Response, Scope, Verdict, Workload};

use super::super::{mistakes, one_request, parse, response};

fn with(metric: &str) -> String {
    one_request("", &format!("path = '/'\nmetric = {metric}"))
}

/// The value of a metric by its name; nothing where it could not be evaluated.
type Measured = (String, Option<f64>);

/// The verdict about a response, the values, and what could not be evaluated.
fn measured(workload: &Workload, response: Response) -> (bool, Vec<Measured>, Vec<String>) {
    let class = &workload.classes()[0];
    let draws = Draws::new(1, class.name(), 0, 0);
    let mut scope = Scope::new(class, &class.tasks()[0], 0, 0, draws);
    let step = &class.tasks()[0].steps()[0];
    let (verdict, measured) = step.judge_and_measure(&mut scope, response);
    let values = measured.values.iter();
    let values = values.map(|one| (one.metric.name.to_string(), one.amount.map(Amount::number)));
    let errors = measured.errors.iter();
    let errors = errors.map(|error| format!("{} in {}", error.message(), error.place()));
    let passes = verdict.unwrap() == Verdict::Pass;
    (passes, values.collect(), errors.collect())
}

#[test]
fn a_request_has_a_metric_or_several() {
    let workload = parse(&with(
        "[{ name = 'Orders/Created', value = 1, when = 'status == 200' },\n\
         { name = 'Orders/Total', kind = 'histogram', unit = 'EUR', value = 'json.total' },\n\
         { name = 'Orders/Created', value = 0.5, when = 'status == 503' }]",
    ));
    let metrics = workload.metrics().iter();
    let metrics: Vec<_> = metrics
        .map(|metric| (&*metric.name, metric.kind, &*metric.unit))
        .collect();
    assert_eq!(
        metrics,
        [
            ("Orders/Created", MetricKind::Counter, ""),
            ("Orders/Total", MetricKind::Histogram, "EUR"),
        ]
    );
    assert!(workload.classes()[0].tasks()[0].steps()[0].needs_body());
    let value = |name: &str, value: f64| (name.to_owned(), Some(value));
    let (created, total) = ("Orders/Created", "Orders/Total");
    for (status, body, passes, values) in [
        (
            200,
            "{\"total\": 129.9}",
            true,
            vec![value(created, 1.0), value(total, 129.9)],
        ),
        (201, "{\"total\": 0}", true, vec![value(total, 0.0)]),
        // a failure counts like any response
        (
            503,
            "{\"total\": 7}",
            false,
            vec![value(total, 7.0), value(created, 0.5)],
        ),
    ] {
        let found = measured(&workload, response(status, body));
        assert_eq!(found, (passes, values, Vec::new()), "{status}");
    }
    let table = "hosts.h = 'http://h'\n[class.A]\nwait = 'constant(1)'\n[[class.A.task.t.request]]\npath = '/'\n\
         [[class.A.task.t.request.metric]]\nname = 'Times'\nkind = 'histogram'\nvalue = 'response_time_ms'\n";
    let (_, values, _) = measured(&parse(table), response(200, ""));
    assert_eq!(values, [value("Times", 0.0)]);
}

#[test]
fn a_value_that_is_no_number_is_an_error_of_its_own_and_no_failure() {
    let place = "class `A`, task `t`, request `GET /`, `metric`, `value`";
    for (value, body, expected) in [
        (
            "json.total",
            "{\"total\": \"12.50\"}",
            "the value is no number, but string",
        ),
        (
            "json.total",
            "{\"total\": null}",
            "the value is no number, but none",
        ),
        (
            "json.total",
            "{\"total\": true}",
            "the value is no number, but bool",
        ),
        ("json.total", "{\"total\": -0.5}", "the value is below 0"),
        (
            "json.total",
            "{\"total\": 1e13}",
            "the value is above 1000000000000",
        ),
        ("json.total", "{\"total\": NaN}", "the value is not finite"),
        (
            "json.total",
            "<html>",
            "the value is undefined (the body is not JSON)",
        ),
        ("json.a.b", "{\"a\": {}}", "the value is undefined"),
    ] {
        let workload = parse(&with(&format!("{{ name = 'Total', value = '{value}' }}")));
        let (passes, values, errors) = measured(&workload, response(200, body));
        assert!(passes, "{body}");
        assert_eq!(values, [("Total".to_owned(), None)], "{body}");
        let [error] = &errors[..] else {
            panic!("{body}: {errors:?}");
        };
        assert!(
            error.starts_with("the metric Total: ") && error.contains(expected),
            "{error}"
        );
        assert!(error.ends_with(place), "{error}");
    }
    let digits = "9".repeat(60);
    let workload = parse(&with(
        "{ name = 'Total', value = 'json', when = 'json != 1' }",
    ));
    let (_, _, errors) = measured(&workload, response(200, &digits));
    assert!(
        errors[0].contains("the value is above 1000000000000"),
        "{errors:?}"
    );
    assert_eq!(measured(&workload, response(200, "1")).1, []);
    let broken = parse(&with(
        "{ name = 'Total', value = 1, when = 'json.a.b.c == 1' }",
    ));
    let (passes, values, errors) = measured(&broken, response(200, "{}"));
    assert!(
        passes && values == [("Total".to_owned(), None)],
        "{values:?}"
    );
    assert!(errors[0].contains("`metric`, `when`"), "{errors:?}");
}

#[test]
fn mistakes_in_metrics_say_what_to_write() {
    for (metric, expected) in [
        (
            "1",
            "`metric` is 1: write a table such as { name = \"Orders/Created\"",
        ),
        ("{ value = 1 }", "it has no `name`: write a table such as"),
        ("{ name = 'A' }", "it has no `value`: write a table such as"),
        (
            "{ name = 'A b', value = 1 }",
            "`name` is \"A b\": write a name such as \"Orders/Created\"",
        ),
        (
            "{ name = '{{ user }}', value = 1 }",
            "`name` is \"{{ user }}\": write a name",
        ),
        (
            "{ name = 'cicada.users', value = 1 }",
            "names with `cicada.` are those of other metrics",
        ),
        (
            "{ name = 'A', value = -1 }",
            "`value` is -1: write a number from 0 to 1000000000000",
        ),
        (
            "{ name = 'A', value = true }",
            "`value` is true: write a number from 0",
        ),
        ("{ name = 'A', value = 'jsn.a' }", "did you mean `json`?"),
        (
            "{ name = 'A', value = 'events' }",
            "`events` is a figure of a stream",
        ),
        (
            "{ name = 'A', value = 1, when = 200 }",
            "`when` is 200: write an expression over the response",
        ),
        (
            "{ name = 'A', value = 1, kind = 'gauge' }",
            "`kind` is \"gauge\": write \"counter\" or \"histogram\"",
        ),
        (
            "{ name = 'A', value = 1, unit = 'a b' }",
            "`unit` is \"a b\": write a unit such as \"ms\"",
        ),
        (
            "{ name = 'A', valu = 1 }",
            "unknown key `valu`: did you mean `value`?",
        ),
        (
            "[{ name = 'A', value = 1 }, { name = 'a', value = 1 }]",
            "`metric`[1], `name`: `a` is `A`, a counter with no unit, elsewhere in the file",
        ),
        (
            "[{ name = 'A', value = 1, unit = 's' }, { name = 'A', value = 1 }]",
            "`A` is `A`, a counter with the unit \"s\", elsewhere in the file",
        ),
    ] {
        let said = mistakes(&with(metric));
        assert!(said.contains(expected), "{metric}: {said}");
    }
}

#[test]
fn a_workload_has_32_metrics_and_no_more() {
    let requests = |count: usize| {
        let request = |number| {
            format!(
                "[[class.A.task.t.request]]\npath = '/{number}'\n\
                 metric = {{ name = 'M{number}', value = 1 }}\n"
            )
        };
        let requests: String = (0..count).map(request).collect();
        format!("hosts.h = 'http://h'\n[class.A]\nwait = 'constant(1)'\n{requests}")
    };
    assert_eq!(parse(&requests(32)).metrics().len(), 32);
    let said = mistakes(&requests(33));
    let expected = "w.toml:102: class `A`, task `t`, request `GET /32`, `metric`, `name`: \
         `M32` is one custom metric too many: a workload has 32 at most";
    assert_eq!(said, expected);
    let many = vec!["{ name = 'A', value = 1 }"; 33].join(", ");
    assert!(mistakes(&with(&format!("[{many}]"))).contains("has more than 32 metrics"));
}
