//! Downloads and histories over the API: files as Locust offers them, and a report that is safe to open.

use std::time::Duration;

use control::ControlSettings;
use export::html::{Theme, report};
use export::{csv, json};
use serde_json::Value;
use statistics::reader::Snapshot;
use statistics::report::past::{fewer_points, points};
use statistics::stats::{Limits, Stats};
use traffic::clock::Timestamp;
use traffic::record::{Bucket, ExceptionEntry};

use crate::cicada::{Cicada, workload};
use crate::oracle::snapshot;
use crate::records::{Request, fold, record_with};

const START: u64 = 1_735_689_600_000_000;

/// Names and texts as nobody should choose them.
const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "</title></style><svg onload=alert(1)>",
    "javascript:alert('x')&amp;<!--",
    "\u{202e}\u{0}\r\n=cmd|' /C calc'!A0",
];

fn hostile_stats() -> Stats {
    let mut stats = Stats::new(Timestamp::from_micros(START));
    for (number, name) in HOSTILE.iter().enumerate() {
        let request = Request {
            at: START + number as u64 * 1_000_000,
            method: name.to_string(),
            name: name.to_string(),
            response_us: 1_500,
            content_length: 7,
            error: Some(name.to_string()),
        };
        let exception = ExceptionEntry {
            message: (*name).into(),
            traceback: (*name).into(),
            count: 1,
        };
        let bucket = Bucket::of(Timestamp::from_micros(request.at));
        fold(
            &mut stats,
            &record_with(bucket, number as u64, &[&request], vec![exception]),
        );
    }
    stats
}

fn hostile() -> Snapshot {
    snapshot(&hostile_stats(), Timestamp::from_micros(START + 20_000_000))
}

/// The tags of a page, each once, without what is in them.
fn tags(page: &str) -> std::collections::BTreeSet<&str> {
    let opened = page.split('<').skip(1);
    opened
        .map(|tag| {
            let end = tag.find(|c: char| !c.is_ascii_alphanumeric() && c != '/' && c != '!');
            &tag[..end.unwrap_or(tag.len())]
        })
        .collect()
}

#[test]
fn a_report_is_safe_whatever_requests_are_called() {
    let plain = {
        let request = Request {
            at: START,
            method: "GET".into(),
            name: "/".into(),
            response_us: 1_500,
            content_length: 7,
            error: Some("no".into()),
        };
        let exception = ExceptionEntry {
            message: "no".into(),
            traceback: "where".into(),
            count: 1,
        };
        let mut stats = Stats::new(Timestamp::from_micros(START));
        let bucket = Bucket::of(Timestamp::from_micros(START));
        fold(
            &mut stats,
            &record_with(bucket, 0, &[&request], vec![exception]),
        );
        report(
            &snapshot(&stats, Timestamp::from_micros(START)),
            Theme::Auto,
        )
    };
    let page = report(&hostile(), Theme::Auto);
    assert_eq!(tags(&page), tags(&plain), "no name becomes a tag");
    assert_eq!(page.matches("<script").count(), 1, "its own");
    assert!(!page.contains("onerror=alert(1)>"));
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;"),
        "names are shown"
    );
    assert!(page.contains("{{ 7 * 7 }}{% raw %}"), "and not evaluated");
}

#[test]
fn a_report_needs_nothing_from_anywhere() {
    for theme in [Theme::Auto, Theme::Light, Theme::Dark] {
        let page = report(&hostile(), theme);
        for outside in [
            "http:", "https:", "src=", "url(", "@import", "<link", "<iframe",
        ] {
            let shown = page.replace("&quot;&gt;&lt;img src=x", "");
            let shown = shown.replace("\\u003cimg src=x", "");
            // the icon is within
            let shown = shown.replacen("<link rel=\"icon\" href=\"data:", "", 1);
            assert!(!shown.contains(outside), "{theme:?}: {outside}");
        }
        assert!(page.contains("default-src 'none'"));
        let attribute = format!("data-theme=\"{}\"", theme.as_str());
        assert_eq!(page.contains(&attribute), theme != Theme::Auto, "{theme:?}");
    }
}

#[test]
fn a_report_stays_small_whatever_the_run() {
    let limits = Limits::default();
    let mut stats = Stats::with_limits(Timestamp::from_micros(START), limits);
    let long = "<\u{1f680}>".repeat(1_000);
    for number in 0..2_500_u64 {
        let request = Request {
            at: START + number * 40_000_000,
            method: "GET".into(),
            name: format!("{number}{long}"),
            response_us: number * 1_000,
            content_length: number,
            error: Some(format!("{number}{long}")),
        };
        let exception = ExceptionEntry {
            message: format!("{number}{long}").into(),
            traceback: long.as_str().into(),
            count: 1,
        };
        let bucket = Bucket::of(Timestamp::from_micros(request.at));
        fold(
            &mut stats,
            &record_with(bucket, number, &[&request], vec![exception]),
        );
    }
    let page = report(
        &snapshot(&stats, Timestamp::from_micros(u64::MAX / 2)),
        Theme::Dark,
    );
    assert!(page.len() < 10_000_000, "{} bytes", page.len());
    assert!(page.contains("and 1501 more, which the CSV file has"));
}

#[test]
fn tables_and_json_take_what_is_hostile_as_it_is() {
    let snapshot = hostile();
    let read = |text: &str| -> Vec<Vec<String>> {
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let rows = reader.records().map(|row| row.unwrap());
        rows.map(|row| row.iter().map(str::to_owned).collect())
            .collect()
    };
    let requests = read(&csv::requests(&snapshot.stats.report(snapshot.at)));
    let exceptions = read(&csv::exceptions(&snapshot));
    let json: Value = serde_json::from_str(&json::statistics(&snapshot)).unwrap();
    for name in HOSTILE {
        assert!(requests.iter().any(|row| row[1] == name), "{name}");
        assert!(
            exceptions.iter().any(|row| row[1..3] == [name, name]),
            "{name}"
        );
        let rows = json.as_array().unwrap();
        assert!(rows.iter().any(|row| row["name"] == name), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn downloads_have_locusts_names_and_kinds() {
    let cicada = Cicada::with(ControlSettings::new(workload()));
    cicada
        .started("user_count=6&spawn_rate=6&host=http://127.0.0.1:8000")
        .await;
    cicada.pass(10.0).await;
    for (path, kind, name) in [
        ("/stats/requests/csv", "text/csv", "_requests.csv"),
        ("/stats/failures/csv", "text/csv", "_failures.csv"),
        ("/exceptions/csv", "text/csv", "_exceptions.csv"),
        (
            "/stats/requests_full_history/csv",
            "text/csv",
            "_requests_full_history.csv",
        ),
        (
            "/stats/report?download=1&theme=dark",
            "text/html; charset=utf-8",
            ".html",
        ),
    ] {
        let answer = cicada.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.headers["content-type"], kind, "{path}");
        let file = answer.headers["content-disposition"].to_str().unwrap();
        let started = file.strip_prefix("attachment;filename=Locust_").unwrap();
        let (time, rest) = started.split_at("2025-01-01-00h00".len());
        assert!(
            time.contains('h') && time.matches('-').count() == 3,
            "{file}"
        );
        let expected = format!("_workload.toml_http://127.0.0.1:8000{name}");
        assert_eq!(rest, expected, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_is_a_page_before_in_and_after_a_run() {
    let cicada = Cicada::new();
    for step in ["ready", "running", "stopping", "stopped"] {
        match step {
            "running" => {
                cicada.started("user_count=6&spawn_rate=6").await;
                cicada.pass(60.0).await;
            }
            "stopping" => {
                cicada.post("/stop").await;
                cicada.settle().await;
            }
            "stopped" => cicada.end().await,
            _ => {}
        }
        let page = cicada.get("/stats/report").await;
        assert_eq!(page.status, 200);
        assert!(page.headers.get("content-disposition").is_none());
        assert!(page.body.contains(&format!("<dd>{step}</dd>")), "{step}");
        assert!(page.body.contains("?download=1"), "{step}");
        let charts = page.body.matches("<svg").count();
        assert_eq!(charts, if step == "ready" { 0 } else { 4 }, "{step}");
    }
}

#[tokio::test(start_paused = true)]
async fn histories_begin_with_the_run_and_that_of_statistics_anew_with_a_reset() {
    let cicada = Cicada::new();
    let history = async || cicada.get("/stats/history").await.json()["history"].clone();
    let ledger = async || cicada.get("/ledger/history").await.json();
    assert_eq!(history().await, Value::Array(Vec::new()));
    let nothing = ledger().await;
    assert_eq!(nothing["run"], Value::Null);
    assert_eq!(nothing["total"]["planned"], Value::Array(Vec::new()));

    cicada.started("user_count=12&spawn_rate=2").await;
    cicada.pass(70.0).await;
    let points = history().await;
    let points = points.as_array().unwrap();
    assert!((12..=15).contains(&points.len()), "{points:?}");
    for pair in points.windows(2) {
        assert!(pair[0]["time"].as_str() < pair[1]["time"].as_str());
    }
    let last = points.last().unwrap();
    let fields: Vec<&str> = last
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let expected = [
        "current_fail_per_sec",
        "current_rps",
        "response_time_percentile_0.5",
        "response_time_percentile_0.66",
        "response_time_percentile_0.75",
        "response_time_percentile_0.8",
        "response_time_percentile_0.9",
        "response_time_percentile_0.95",
        "response_time_percentile_0.98",
        "response_time_percentile_0.99",
        "response_time_percentile_0.999",
        "response_time_percentile_0.9999",
        "response_time_percentile_1.0",
        "time",
        "total_avg_response_time",
        "user_count",
    ];
    assert_eq!(fields, expected);
    for field in expected.iter().filter(|field| **field != "time") {
        assert_eq!(last[field][0], last["time"], "{field}");
        assert!(last[field][1].is_number(), "{field}");
    }
    assert_eq!(last["user_count"][1], 12);
    let users = |point: &Value| point["user_count"][1].as_u64().unwrap();
    assert!(users(&points[0]) < 12, "the ramp shows: {points:?}");

    let books = ledger().await;
    let column = |of: &Value, name: &str| -> u64 {
        let column = of[name].as_array().unwrap().iter();
        column.map(|count| count.as_u64().unwrap()).sum()
    };
    let total = &books["total"];
    assert!(column(total, "planned") > 40);
    // nobody executes anything here: what was due is pending, and then missing
    assert_eq!(
        column(total, "planned"),
        column(total, "pending") + column(total, "missing")
    );
    assert_eq!(
        books["time"].as_array().unwrap().len(),
        books["seconds"].as_array().unwrap().len()
    );
    let classes = books["classes"].as_object().unwrap();
    let by_class: u64 = classes.values().map(|class| column(class, "planned")).sum();
    assert_eq!(by_class, column(total, "planned"));
    assert!(
        total["lateness_p95_ms"]
            .as_array()
            .unwrap()
            .iter()
            .all(Value::is_null)
    );

    assert_eq!(cicada.post("/stats/reset").await.body, "ok");
    cicada.pass(2.0).await;
    assert_eq!(history().await, Value::Array(Vec::new()));
    assert!(column(&ledger().await["total"], "planned") >= column(total, "planned"));
}

#[tokio::test(start_paused = true)]
async fn a_run_of_a_month_has_a_bounded_history() {
    let cicada = Cicada::new();
    cicada
        .started("user_count=1&spawn_rate=1&user_classes=ModelAUser")
        .await;
    let month = Duration::from_secs(31 * 86_400).as_secs_f64();
    let run = cicada.loaded().await;
    let at = cicada.clock.now() + Duration::from_secs_f64(month);
    let stats = Stats::new(run.plan.run().counts_from());
    let snapshot = Snapshot {
        run: Some(run),
        ..snapshot(&stats, at)
    };
    let all = points(&snapshot).len();
    assert!((4_000..5_000).contains(&all), "{all}");
    let fewer = fewer_points(&snapshot, None, 600).len();
    assert!((200..=600).contains(&fewer), "{fewer}");
    let day = fewer_points(&snapshot, Some(86_400), usize::MAX).len();
    assert!((3_400..3_600).contains(&day), "{day}");
}

/// A request a minute for some days, and before them five seconds in which every answer is slow and a failure.
fn after_a_spike(limits: Limits, from: Timestamp, days: u64) -> Stats {
    let mut stats = Stats::with_limits(from, limits);
    let spike = (0..50).map(|number| (3_600_000 + number * 100, 9_000.0, Some("down".to_owned())));
    let quiet = (0..days * 1_440).map(|minute| (minute * 60_000 + 30_000, 20.0, None));
    let mut all: Vec<_> = spike.chain(quiet).collect();
    all.sort_by_key(|(after, ..)| *after);
    for (number, (after, milliseconds, error)) in all.into_iter().enumerate() {
        let request = Request {
            at: from.micros() + after * 1_000,
            error,
            ..Request::took("/", milliseconds)
        };
        let bucket = Bucket::of(Timestamp::from_micros(request.at));
        let record = record_with(bucket, number as u64, &[&request], Vec::new());
        fold(&mut stats, &record);
    }
    stats
}

#[tokio::test(start_paused = true)]
async fn five_bad_seconds_are_seen_after_a_day_and_after_a_month() {
    let cicada = Cicada::new();
    let form = "user_count=1&spawn_rate=1&user_classes=ModelAUser";
    cicada.started(form).await;
    let run = cicada.loaded().await;
    let from = run.plan.run().counts_from();
    for (limits, days, fewest) in [
        (Limits::default(), 1, 3_300),
        (Limits::default(), 31, 4_000),
        (Limits::for_paid_writes(), 1, 200),
        (Limits::for_paid_writes(), 31, 300),
    ] {
        let stats = after_a_spike(limits, from, days);
        // as it is, and after it was kept in the store
        let read = Stats::decode(&stats.encode(), limits).unwrap();
        for stats in [stats, read] {
            let snapshot = Snapshot {
                run: Some(std::sync::Arc::clone(&run)),
                ..snapshot(&stats, from + Duration::from_secs(days * 86_400))
            };
            assert!(points(&snapshot).len() > fewest, "{days} days");
            for limit in [usize::MAX, 600, 100] {
                let points = serde_json::to_value(fewer_points(&snapshot, None, limit)).unwrap();
                let points = points.as_array().unwrap();
                assert!(points.len() <= limit);
                let worst = |figure: &str| {
                    let values = points
                        .iter()
                        .map(|point| point[figure][1].as_f64().unwrap());
                    values.fold(0.0, f64::max)
                };
                let place = format!("{days} days in {} points", points.len());
                assert_eq!(worst("response_time_percentile_0.95"), 9_000.0, "{place}");
                assert_eq!(worst("response_time_percentile_1.0"), 9_000.0, "{place}");
                assert!(worst("current_fail_per_sec") >= 5.0, "{place}");
            }
        }
    }
}
