//! Files: Locust's names, columns and shapes; there while the run goes on, and whole at its end.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use testing::Recorder;
use tokio::time::{Instant, sleep};

use super::locust::locust;
use super::{folder, headless, stderr, stdout};
use crate::harness::{Cicada, LIMIT, Serving};

/// A file, or nothing as long as there is none.
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The cells of a table, by line.
fn cells(table: &str) -> Vec<Vec<String>> {
    assert!(table.ends_with("\r\n"), "the last line is whole: {table:?}");
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.has_headers(false).from_reader(table.as_bytes());
    let rows = reader.records().map(|row| row.unwrap());
    rows.map(|row| row.iter().map(str::to_owned).collect())
        .collect()
}

/// The column of a table's last line.
fn last(table: &str, column: &str) -> String {
    let cells = cells(table);
    let number = cells[0].iter().position(|cell| cell == column);
    let number = number.unwrap_or_else(|| panic!("no {column} in {table}"));
    cells.last().unwrap()[number].clone()
}

/// The names in a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let files = std::fs::read_dir(folder).unwrap();
    files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// One that serves and writes everything into `folder`.
async fn writing(workload: &Path, recorder: &Recorder, folder: &Path) -> Serving {
    Cicada::new()
        .file(workload)
        .env("SHOP_URL", recorder.url())
        .args("--autostart -u 4 -r 100 Paced Broken --csv-full-history")
        .arg("--csv")
        .arg(folder.join("run"))
        .arg("--html")
        .arg(folder.join("report.html"))
        .arg("--json-file")
        .arg(folder.join("run"))
        .serve()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_grow_with_the_run_and_are_whole_when_it_is_ended() {
    let (_workload_folder, workload) = folder();
    for by_key in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::start().await;
        let cicada = writing(&workload, &recorder, folder.path()).await;
        let file = |name: &str| folder.path().join(name);
        let began = Instant::now();
        while read(&file("run_stats_history.csv")).lines().count() < 12
            || !read(&file("report.html")).contains("broken")
        {
            assert!(began.elapsed() < LIMIT, "files grow");
            sleep(Duration::from_millis(50)).await;
            // whoever looks finds whole files
            for name in ["run_stats.csv", "run_failures.csv", "run_stats_history.csv"] {
                let text = read(&file(name));
                assert!(text.is_empty() || text.ends_with("\r\n"), "{name}: {text}");
            }
            let report = read(&file("report.html"));
            assert!(report.is_empty() || report.trim_end().ends_with("</html>"));
        }
        let code = if by_key {
            cicada.interrupt().await
        } else {
            cicada.terminate().await
        };
        assert_eq!(code, 1, "requests have failed");
        let expected = [
            "report.html",
            "run.json",
            "run_exceptions.csv",
            "run_failures.csv",
            "run_stats.csv",
            "run_stats_history.csv",
        ];
        assert_eq!(names(folder.path()), expected.map(str::to_owned).into());

        let sent = recorder.seen().len().to_string();
        let statistics = read(&file("run_stats.csv"));
        assert_eq!(last(&statistics, "Request Count"), sent);
        assert_eq!(
            cells(&statistics).len(),
            4,
            "two rows and their sum: {statistics}"
        );
        let failures = read(&file("run_failures.csv"));
        let failed = last(&statistics, "Failure Count");
        assert_eq!(last(&failures, "Occurrences"), failed);
        let json: Value = serde_json::from_str(&read(&file("run.json"))).unwrap();
        let counts = json.as_array().unwrap().iter();
        let counted: u64 = counts
            .map(|row| row["num_requests"].as_u64().unwrap())
            .sum();
        assert_eq!(counted.to_string(), sent);
        let report = read(&file("report.html"));
        assert!(report.trim_end().ends_with("</html>"), "{report}");
        assert!(report.contains(&format!("<b>{sent}</b>")), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_have_locusts_names_columns_and_shapes() {
    let (_workload_folder, workload) = folder();
    let [ours, theirs] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let recorder = Recorder::start().await;
    let asked = |folder: &Path| {
        let folder = folder.display();
        format!(
            "-u 2 -r 10 -t 10s --csv {folder}/a/run --csv-full-history --html {folder}/b/{{u}}_{{r}}_{{t}}.html \
             --json-file {folder}/run Paced Broken"
        )
    };
    let line = format!("--headless --only-summary {}", asked(theirs.path()));
    let cicada = headless(&workload, &recorder).args(&asked(ours.path()));
    let (ours_ended, theirs_ended) = tokio::join!(cicada.run(), locust(&line, recorder.url()));
    assert_eq!(ours_ended.status.code(), theirs_ended.status.code());
    for part in ["", "a", "b"] {
        let [ours, theirs] = [&ours, &theirs].map(|folder| names(&folder.path().join(part)));
        assert_eq!(ours, theirs, "folder {part}");
    }
    assert_eq!(
        names(&ours.path().join("b")),
        ["2_10_10.html".to_owned()].into()
    );
    for table in ["stats", "stats_history", "failures", "exceptions"] {
        let path = format!("a/run_{table}.csv");
        let [ours, theirs] = [&ours, &theirs].map(|folder| read(&folder.path().join(&path)));
        let (ours, theirs) = (cells(&ours), cells(&theirs));
        assert_eq!(ours[0], theirs[0], "{table}");
        if table != "stats_history" {
            assert_eq!(ours.len(), theirs.len(), "{table}: {ours:?} {theirs:?}");
            let heads = |table: &[Vec<String>]| -> Vec<String> {
                table.iter().map(|row| row[..2].join(" ")).collect()
            };
            assert_eq!(heads(&ours), heads(&theirs), "{table}");
        }
    }
    let [ours, theirs] = [&ours, &theirs].map(|folder| -> Value {
        serde_json::from_str(&read(&folder.path().join("run.json"))).unwrap()
    });
    assert_eq!(shape(&ours), shape(&theirs));
}

/// The fields of each row and what kind of value they have; of maps only the kinds.
fn shape(rows: &Value) -> BTreeSet<Vec<String>> {
    let kind = |value: &Value| match value {
        Value::Object(map) => format!(
            "map of {:?}",
            map.values().map(kind_of).collect::<BTreeSet<_>>()
        ),
        other => kind_of(other).to_owned(),
    };
    let fields = |row: &Value| {
        let row = row.as_object().unwrap();
        row.iter()
            .map(|(field, value)| format!("{field}: {}", kind(value)))
            .collect()
    };
    rows.as_array().unwrap().iter().map(fields).collect()
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "truth",
        Value::Number(number) if number.is_u64() => "count",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_all_there_is_on_standard_output() {
    let (_folder, workload) = folder();
    let recorder = Recorder::start().await;
    for (flags, has_tables, has_log) in [
        ("--json", true, true),
        ("--json --skip-log", false, false),
        ("--json --skip-log-setup", false, false),
    ] {
        let output = headless(&workload, &recorder)
            .args("-t 1 Paced")
            .args(flags)
            .run()
            .await;
        let rows: Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(rows[0]["name"], "GET /paced", "{flags}");
        assert!(
            stdout(&output).starts_with("[\n    {\n        \"name\": \"GET /paced\","),
            "{flags}"
        );
        let said = stderr(&output);
        assert_eq!(said.contains("Ledger: "), has_tables, "{flags}: {said}");
        assert_eq!(said.contains("/INFO/"), has_log, "{flags}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_ask_for_files_too_and_empty_ones_for_nothing() {
    let (_folder, workload) = folder();
    let recorder = Recorder::start().await;
    let folder = tempfile::tempdir().unwrap();
    let asked = headless(&workload, &recorder)
        .args("-t 1 Paced")
        .within(folder.path())
        .env("LOCUST_CSV", "kept")
        .env("LOCUST_CSV_FULL_HISTORY", "true")
        .env("LOCUST_HTML", "kept_{u}.html")
        .env("LOCUST_SKIP_LOG_SETUP", "1")
        .run()
        .await;
    assert_eq!(stderr(&asked), "");
    let tables = ["exceptions", "failures", "stats", "stats_history"];
    let mut expected: BTreeSet<String> = tables.map(|table| format!("kept_{table}.csv")).into();
    expected.insert("kept_1.html".into());
    assert_eq!(names(folder.path()), expected);

    let folder = tempfile::tempdir().unwrap();
    let cicada = headless(&workload, &recorder)
        .args("-t 1 Paced")
        .within(folder.path());
    let nothing = cicada
        .env("LOCUST_CSV", "")
        .env("LOCUST_HTML", "")
        .run()
        .await;
    assert_eq!(nothing.status.code(), Some(0));
    assert_eq!(names(folder.path()), BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_count_anew_once_all_users_are_there() {
    let (_folder, workload) = folder();
    for flags in ["--reset-stats", ""] {
        let recorder = Recorder::start().await;
        let output = headless(&workload, &recorder)
            .args("-u 6 -r 2 -t 6 Paced --json")
            .args(flags)
            .run()
            .await;
        let rows: Value = serde_json::from_str(&stdout(&output)).unwrap();
        let counted = rows[0]["num_requests"].as_u64().unwrap();
        let sent = recorder.seen().len() as u64;
        if flags.is_empty() {
            assert_eq!(counted, sent);
        } else {
            // the ramp's fifteen or so are gone, and what came after it is not
            assert!(counted + 8 <= sent && counted >= 20, "{counted} of {sent}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_are_of_the_time_of_the_run_and_the_history_has_each_second_once_and_the_end() {
    let (_folder, workload) = folder();
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::start().await;
    // due at 0, 0.5, ... 3.5 s: the last request is half a second before the end
    let output = headless(&workload, &recorder)
        .args("-u 1 -t 4 Paced --only-summary --html report.html --csv run --csv-full-history")
        .within(folder.path())
        .run()
        .await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let sent = recorder.seen().len();
    let expected = sent as f64 / 4.0;
    let is_close = |rate: f64| (rate / expected - 1.0).abs() < 0.03;
    let statistics = read(&folder.path().join("run_stats.csv"));
    let rate: f64 = last(&statistics, "Requests/s").parse().unwrap();
    assert!(is_close(rate), "{rate} of {expected}: {statistics}");
    let printed = stderr(&output);
    let total = printed.lines().find(|line| line.contains("Aggregated"));
    let total: Vec<_> = total.unwrap().split_whitespace().collect();
    let rate: f64 = total[total.len() - 2].parse().unwrap();
    assert!(is_close(rate), "{rate} of {expected}: {printed}");
    let report = read(&folder.path().join("report.html"));
    assert!(report.contains(&format!("{expected:.1}")), "{report}");

    let history = read(&folder.path().join("run_stats_history.csv"));
    assert_eq!(last(&history, "Total Request Count"), sent.to_string());
    let lines = cells(&history);
    let totals = lines[1..].iter().filter(|line| line[3] == "Aggregated");
    let seconds: Vec<&str> = totals.map(|line| line[0].as_str()).collect();
    let distinct: BTreeSet<&str> = seconds.iter().copied().collect();
    assert_eq!(distinct.len(), seconds.len(), "{history}");
}
