//! `/metrics` as Prometheus's own parser and promtool read it, beside the routes that say the same.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cicada::{Answer, Cicada};
use crate::records::Request;
use testing::tools::{ask_beside, promtool};

mod monitoring;

/// Names and errors that a writer may stumble over.
const HOSTILE: [&str; 12] = [
    "\"",
    "\\",
    "\\n",
    "line\nbreak",
    "carriage\rreturn",
    "quote\"} 1\nlocust_users 99",
    "{method=\"GET\",name=\"/\"} 5 # HELP",
    "tab\tand nothing \0 and \u{1b}[31m",
    " spaces ",
    "日本語 🦗 \u{202e}tfel\u{2028}",
    "=,{}#",
    "",
];

/// The figures that a row of `/stats/requests` has, too, by the end of a metric's name.
const FIGURES: [(&str, &str); 11] = [
    ("num_requests", "num_requests"),
    ("num_failures", "num_failures"),
    ("avg_response_time", "avg_response_time"),
    ("min_response_time", "min_response_time"),
    ("max_response_time", "max_response_time"),
    ("median_response_time", "median_response_time"),
    (
        "response_time_percentile_95",
        "response_time_percentile_0.95",
    ),
    (
        "response_time_percentile_99",
        "response_time_percentile_0.99",
    ),
    ("current_rps", "current_rps"),
    ("current_fail_per_sec", "current_fail_per_sec"),
    ("avg_content_length", "avg_content_length"),
];

type Labels = BTreeMap<String, String>;

/// What a parser has understood of an answer.
struct Metrics {
    families: Vec<Value>,
}

impl Metrics {
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let kind = &answer.headers["content-type"];
        assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
        let families = ask_beside("http", "http", "metrics.py", &json!(answer.body));
        let families = families.as_array().expect("it prints a list").clone();
        Self { families }
    }

    /// All samples of a name, by their labels.
    fn samples(&self, name: &str) -> BTreeMap<Labels, f64> {
        let mut found = BTreeMap::new();
        for family in &self.families {
            for sample in family["samples"].as_array().expect("a list") {
                if sample[0] == name {
                    let labels: Labels = serde_json::from_value(sample[1].clone()).expect("texts");
                    let value = sample[2].as_f64().expect("a number");
                    assert_eq!(found.insert(labels, value), None, "{name} twice: {sample}");
                }
            }
        }
        found
    }

    /// The one sample of a name that has no labels.
    #[track_caller]
    fn value(&self, name: &str) -> f64 {
        let samples = self.samples(name);
        assert_eq!(samples.len(), 1, "{name}: {samples:?}");
        samples[&Labels::new()]
    }
}

/// A control character is shown by its picture.
fn shown(text: &str) -> String {
    let picture = |c: char| match c {
        '\n' => c,
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).expect("a picture"),
        c => c,
    };
    text.chars().map(picture).collect()
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), shown(value)))
        .collect()
}

/// Every figure of every row, and every error, as `/stats/requests` has them.
fn assert_says_the_same(metrics: &Metrics, statistics: &Value) {
    let text = |row: &Value, field: &str| row[field].as_str().expect("a text").to_owned();
    let rows = statistics["stats"].as_array().expect("a list");
    for (figure, field) in FIGURES {
        let samples = metrics.samples(&format!("locust_requests_{figure}"));
        assert_eq!(samples.len(), rows.len(), "{figure}");
        for row in rows {
            let (method, name) = (text(row, "method"), text(row, "name"));
            let sample = samples[&labels(&[("method", &method), ("name", &name)])];
            assert_eq!(Some(sample), row[field].as_f64(), "{figure} of {row}");
        }
    }
    let errors = statistics["errors"].as_array().expect("a list");
    let samples = metrics.samples("locust_errors");
    assert_eq!(samples.len(), errors.len());
    for row in errors {
        let [method, name, error] = ["method", "name", "error"].map(|field| text(row, field));
        let pairs = [("method", &*method), ("name", &*name), ("error", &*error)];
        let sample = samples[&labels(&pairs)];
        assert_eq!(Some(sample), row["occurrences"].as_f64(), "{row}");
    }
    for name in ["locust_fail_ratio", "locust_requests_fail_ratio"] {
        assert_eq!(Some(metrics.value(name)), statistics["fail_ratio"].as_f64());
    }
    for name in ["locust_users", "locust_user_count"] {
        assert_eq!(Some(metrics.value(name)), statistics["user_count"].as_f64());
    }
    for percent in ["50", "95"] {
        let field = format!("current_response_time_percentile_{percent}");
        let samples = metrics.samples(&format!("locust_requests_{field}"));
        let sample = samples.get(&Labels::new()).copied();
        assert_eq!(sample, statistics[&field].as_f64(), "{field}");
    }
    let state = statistics["state"].as_str().expect("a text");
    let expected = BTreeMap::from([(labels(&[("state", state)]), 1.0)]);
    assert_eq!(metrics.samples("locust_state"), expected);
}

#[tokio::test(start_paused = true)]
async fn before_the_first_run_everything_is_zero() {
    let cicada = Cicada::new();
    let metrics = Metrics::of(&cicada.get("/metrics").await);
    assert_says_the_same(&metrics, &cicada.get("/stats/requests").await.json());
    assert_eq!(metrics.value("locust_up"), 1.0);
    assert_eq!(metrics.value("locust_running"), 0.0);
    assert_eq!(metrics.samples("cicada_run_info").len(), 0);
    assert_eq!(metrics.samples("cicada_build_info").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_said_as_its_statistics_and_its_ledger_say_it() {
    let cicada = Cicada::new();
    cicada.started("user_count=12&spawn_rate=600").await;
    let running = |answer: &Answer| Metrics::of(answer).value("locust_running");
    assert_eq!(running(&cicada.get("/metrics").await), 1.0);
    cicada.settle().await;
    let mut requests = Vec::new();
    for number in 0..60_u32 {
        let name = ["/orders", "/products", "Chat (Model A)"][number as usize % 3];
        let request = Request::took(name, 10.5 + f64::from(number).powi(2));
        requests.push(match number % 7 {
            3 => request.failed("status 500"),
            _ => request,
        });
    }
    cicada.completed(&requests).await;
    cicada.pass(6.0).await;
    let answer = cicada.get("/metrics").await;
    let metrics = Metrics::of(&answer);
    assert_says_the_same(&metrics, &cicada.get("/stats/requests").await.json());
    assert_eq!(metrics.value("locust_running"), 2.0);
    let run = cicada.run().await;
    let info = labels(&[("run", &run.id.0), ("workload", &run.workload)]);
    assert_eq!(
        metrics.samples("cicada_run_info"),
        BTreeMap::from([(info, 1.0)])
    );

    cicada.pass(300.0).await;
    let metrics = Metrics::of(&cicada.get("/metrics").await);
    let ledger = cicada.get("/ledger").await.json();
    let classes = ledger["classes"].as_object().expect("classes by name");
    assert_eq!(classes.len(), 6);
    for count in [
        "planned",
        "recorded",
        "cut_off",
        "skipped",
        "missing",
        "duplicates",
        "unplanned",
        "pending",
    ] {
        let name = match count {
            "pending" => "cicada_ledger_pending".to_owned(),
            count => format!("cicada_ledger_{count}_total"),
        };
        let samples = metrics.samples(&name);
        assert_eq!(samples.len(), classes.len(), "{name}");
        for (class, account) in classes {
            let sample = samples[&labels(&[("class", class)])];
            assert_eq!(Some(sample), account[count].as_f64(), "{name} of {class}");
        }
    }
    assert!(ledger["missing"].as_u64() > Some(0), "nobody has sent it");
    let lateness = metrics.samples("cicada_lateness_seconds");
    assert_eq!(lateness.len(), 4 * (classes.len() + 1));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_sent_late_says_so_wherever_its_figures_are_and_one_that_is_not_says_nothing()
{
    const PAGES: [&str; 3] = ["/ledger", "/stats/requests", "/stats/report"];
    const SAID: &str = "response times include our own waiting: lateness at p95 was ";
    let cicada = Cicada::new();
    cicada.started("user_count=12&spawn_rate=600").await;
    cicada.settle().await;
    cicada
        .sent_late("TargetAppUser", 100, Duration::from_millis(40))
        .await;
    cicada.pass(2.0).await;
    for page in PAGES {
        // the report writes a slash as an entity
        let body = cicada.get(page).await.body.replace("&#x2f;", "/");
        assert!(
            body.contains("/late") || page == "/ledger",
            "{page}: {body}"
        );
        assert!(!body.contains("our own waiting"), "{page}: {body}");
    }
    let metrics = Metrics::of(&cicada.get("/metrics").await);
    assert_eq!(metrics.value("cicada_starved"), 0.0);

    cicada
        .sent_late("TargetAppUser", 10, Duration::from_millis(250))
        .await;
    cicada.pass(2.0).await;
    for page in PAGES {
        let body = cicada.get(page).await.body;
        assert!(body.contains(SAID), "{page}: {body}");
    }
    let ledger = cicada.get("/ledger").await.json();
    let late = ledger["starved"]["lateness_p95_ms"].as_f64().unwrap();
    assert!((250.0..285.0).contains(&late), "{ledger}");
    let statistics = cicada.get("/stats/requests").await.json();
    assert_eq!(statistics["starved"], ledger["starved"]);
    let metrics = Metrics::of(&cicada.get("/metrics").await);
    assert_eq!(metrics.value("cicada_starved"), 1.0);

    // a minute on, the figure is that of the whole run
    cicada.pass(80.0).await;
    cicada
        .sent_late("TargetAppUser", 30, Duration::from_millis(1))
        .await;
    cicada.pass(2.0).await;
    let message = cicada.get("/ledger").await.json()["starved"]["message"].clone();
    assert!(
        message.as_str().unwrap().contains("over the whole run"),
        "{message}"
    );
}

#[tokio::test(start_paused = true)]
async fn names_that_are_made_to_break_it_are_read_back_as_they_are() {
    let cicada = Cicada::new();
    cicada.started("user_count=1&spawn_rate=600").await;
    cicada.settle().await;
    let requests = HOSTILE.iter().enumerate().map(|(number, hostile)| Request {
        method: (*hostile).to_owned(),
        ..Request::took(&format!("{hostile}{number}"), 5.0).failed(hostile)
    });
    cicada.completed(&requests.collect::<Vec<_>>()).await;
    cicada.pass(1.0).await;
    let answer = cicada.get("/metrics").await;
    let metrics = Metrics::of(&answer);
    assert_says_the_same(&metrics, &cicada.get("/stats/requests").await.json());
    assert_eq!(metrics.value("locust_users"), 1.0);
    let checked = promtool(&["check", "metrics"], &answer.body);
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    // it minds names that are the exporters' to choose, and nothing else
    let minded = said.lines().filter(|line| !line.starts_with("locust_"));
    assert_eq!(minded.collect::<Vec<_>>(), Vec::<&str>::new(), "{said}");
    assert!(matches!(checked.status.code(), Some(0 | 3)), "{said}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_stays_small_whatever_requests_are_called() {
    let cicada = Cicada::new();
    cicada.started("user_count=1&spawn_rate=600").await;
    cicada.settle().await;
    let long = "\u{1}".repeat(190);
    let requests = (0..900).map(|number| {
        let name = format!("{number:03}{long}");
        Request::took(&name, 5.0).failed(&format!("{number}{}", long.repeat(3)))
    });
    cicada.completed(&requests.collect::<Vec<_>>()).await;
    cicada.pass(1.0).await;
    let answer = cicada.get("/metrics").await;
    assert!(answer.body.len() < 4_000_000, "{}", answer.body.len());
    let metrics = Metrics::of(&answer);
    let rows = metrics.samples("locust_requests_num_requests");
    let total = rows[&labels(&[("method", ""), ("name", "Aggregated")])];
    assert_eq!(total, 900.0);
    let left_out = metrics.samples("cicada_metrics_left_out");
    let left_out = |of| left_out[&labels(&[("of", of)])];
    assert_eq!(left_out("requests"), 901.0 - rows.len() as f64);
    let errors = metrics.samples("locust_errors").len();
    assert_eq!(left_out("errors"), 900.0 - errors as f64);
    assert!(rows.len() > 400 && errors > 100, "{} {errors}", rows.len());
    assert_eq!(left_out("classes"), 0.0);
}
