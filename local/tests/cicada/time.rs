//! A wall clock that is set while traffic runs, or between two processes on one database.
//!
//! libfaketime sets it, for `cicada` alone: by `scripts/tools.sh faketime`. The clock that counts what has
//! passed is the machine's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use stand_ins::Targets;
use tempfile::TempDir;
use testing::assert_adds_up;
use tokio::time::{Instant, sleep};

use crate::harness::{self, Cicada, LIMIT, Serving, rows};

/// A gap in the traffic that no busy machine leaves.
const LONG: Duration = Duration::from_secs(15);

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// Seconds by which the wall clock is set, as the log says them: at least as many as no machine stands still.
const STEPS: [(i64, &str); 6] = [
    (-20, "set back by 20 s"),
    (20, "set forward by 20 s"),
    (-HOUR, "set back by 1 h"),
    (HOUR, "set forward by 1 h"),
    (-DAY, "set back by 1 d"),
    (DAY, "set forward by 1 d"),
];

/// Ten users that ask four times a second.
const WORKLOAD: &str = r#"
[headers]
X-Cicada-User = "{{ user_class }}/{{ user }}"
[hosts.shop]
url = "http://127.0.0.1:9"
env = "TARGET_APP_URL"
[class.Paced]
wait = "constant_pacing(0.25)"
task.look.request = { path = "/health", timeout = "1s" }
"#;

/// The wall clock of processes: the machine's, and so many seconds more.
struct WallClock {
    folder: TempDir,
}

impl WallClock {
    fn new() -> Self {
        let clock = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::write(clock.folder.path().join("paced.toml"), WORKLOAD).unwrap();
        clock.set(0);
        clock
    }

    fn set(&self, seconds: i64) {
        // whole at every instant
        let new = self.folder.path().join("new");
        fs::write(&new, format!("{seconds:+}\n")).unwrap();
        fs::rename(new, self.file()).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("seconds")
    }

    fn db(&self) -> PathBuf {
        self.folder.path().join("runs.db")
    }

    /// A `cicada` that goes by it.
    fn rules(&self, cicada: Cicada) -> Cicada {
        cicada
            .file(self.folder.path().join("paced.toml"))
            .env("LD_PRELOAD", library().display().to_string())
            .env("DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1")
            .env("FAKETIME_TIMESTAMP_FILE", self.file().display().to_string())
            .env("FAKETIME_CACHE_DURATION", "1")
    }

    fn serving(&self, targets: &Targets) -> Cicada {
        self.rules(Cicada::new()).at(targets).db(&self.db())
    }
}

/// libfaketime, which `scripts/tools.sh` installs if it is not there.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let installed = Command::new(root.join("scripts/tools.sh"))
            .arg("faketime")
            .status();
        assert!(installed.unwrap().success(), "libfaketime can be installed");
        fs::canonicalize(root.join(".tools/faketime/libfaketime.so.1")).unwrap()
    })
}

async fn targets() -> Targets {
    let targets = harness::targets(0.0).await;
    let log = json!({ "arrival_log": 1_000_000 });
    targets.change(&log).unwrap();
    targets
}

fn sent(targets: &Targets) -> u64 {
    targets.counters().total.requests
}

/// Waits until the targets have so many more requests.
async fn until_more(targets: &Targets, more: u64, cicada: &Serving) {
    let before = sent(targets);
    let began = Instant::now();
    while sent(targets) < before + more {
        assert!(began.elapsed() < LIMIT, "no traffic:\n{}", cicada.log());
        sleep(Duration::from_millis(50)).await;
    }
}

/// The longest time in which nothing arrived.
fn longest_gap(targets: &Targets) -> Duration {
    let counters = targets.counters();
    let users = counters.users.iter();
    let mut arrivals: Vec<_> = users.flat_map(|user| user.arrivals_us.clone()).collect();
    arrivals.sort_unstable();
    assert!(arrivals.len() > 100, "{arrivals:?}");
    let gaps = arrivals.windows(2).map(|pair| pair[1] - pair[0]);
    Duration::from_micros(gaps.max().unwrap())
}

fn is_state(state: &'static str) -> impl Fn(&Value) -> bool {
    move |answer| answer["state"] == state
}

async fn assert_all_is_counted(cicada: &Serving, targets: &Targets) {
    let ledger = cicada.settle(LIMIT).await;
    assert_adds_up(&ledger);
    assert_eq!(ledger["missing"], 0, "{ledger:#}");
    assert_eq!(ledger["duplicates"], 0, "{ledger:#}");
    assert_eq!(cicada.total().await, sent(targets));
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_of_the_wall_clock_leave_pace_and_figures_alone() {
    let clock = WallClock::new();
    let targets = targets().await;
    let cicada = clock.serving(&targets).serve().await;
    cicada.swarm("user_count=10&spawn_rate=1000").await;
    until_more(&targets, 40, &cicada).await;
    let mut seconds = 0;
    for (step, said) in STEPS {
        seconds += step;
        clock.set(seconds);
        cicada.until_logged(said).await;
        until_more(&targets, 80, &cicada).await;
        assert_eq!(cicada.status("/health").await.0, 200);
        let statistics = cicada.get("/stats/requests").await;
        assert_eq!(statistics["state"], "running", "{said}");
        assert!(statistics["total_rps"].as_f64() < Some(60.0), "{said}");
        assert!(rows(&statistics)["Aggregated"].0 > 40, "{said}");
    }
    // a run that goes on is changed as ever
    cicada.swarm("user_count=5&spawn_rate=1000").await;
    let five = |answer: &Value| answer["user_count"] == 5;
    cicada.until("/stats/requests", LIMIT, five).await;
    // a step of 20 s left to itself would leave a gap of that length
    let gap = longest_gap(&targets);
    assert!(gap < LONG, "{gap:?}\n{}", cicada.log());
    assert_all_is_counted(&cicada, &targets).await;
    for path in ["/ledger/history", "/runs"] {
        assert_eq!(cicada.status(path).await.0, 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_after_a_step_begins_at_once_with_the_new_time() {
    let clock = WallClock::new();
    let targets = targets().await;
    let cicada = clock.serving(&targets).serve().await;
    let mut seconds = 0;
    let mut begun = Vec::new();
    for (step, said) in STEPS {
        cicada.swarm("user_count=10&spawn_rate=1000").await;
        until_more(&targets, 20, &cicada).await;
        // what is counted is of this run, and its times are the statistics' own
        cicada
            .until("/stats/requests", LIMIT, |answer| {
                rows(answer)["Aggregated"].0 > 20 && answer["state"] == "running"
            })
            .await;
        begun.push(cicada.get("/runs").await["runs"][0]["id"].clone());
        cicada.post("/stop", "").await;
        cicada
            .until("/stats/requests", LIMIT, is_state("stopped"))
            .await;
        seconds += step;
        clock.set(seconds);
        cicada.until_logged(said).await;
    }
    let mut names: Vec<_> = begun.iter().map(|id| id.as_str().unwrap()).collect();
    names.reverse();
    let listed = cicada.get("/runs").await;
    let listed: Vec<_> = listed["runs"].as_array().unwrap().iter().collect();
    let listed: Vec<_> = listed
        .iter()
        .map(|run| run["id"].as_str().unwrap())
        .collect();
    assert_eq!(listed, names, "newest first, whatever the clock said");
    assert_eq!(cicada.terminate().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn headless_runs_end_on_time_whatever_becomes_of_the_wall_clock() {
    let runs = STEPS.map(|(step, said)| async move {
        let clock = WallClock::new();
        let targets = targets().await;
        let csv = clock.folder.path().join("out");
        let cicada = clock
            .rules(Cicada::bare())
            .args("--headless -u 10 -r 1000 -t 10s")
            .arg("--csv")
            .arg(&csv)
            .at(&targets);
        let set = async {
            while sent(&targets) < 80 {
                sleep(Duration::from_millis(50)).await;
            }
            clock.set(step);
        };
        let began = Instant::now();
        let (output, ()) = tokio::join!(cicada.run(), set);
        let took = began.elapsed();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{log}");
        assert!(log.contains(said), "{said}: {log}");
        assert!(took >= Duration::from_secs(10), "{took:?}: {log}");
        let table = fs::read_to_string(csv.with_file_name("out_stats.csv")).unwrap();
        let all = table.lines().last().unwrap();
        let counted = all.split(',').nth(2).unwrap().parse::<u64>().unwrap();
        assert_eq!(counted, sent(&targets), "{table}");
        // forty a second, for ten seconds and no more
        let (_, planned) = log.rsplit_once("Ledger: ").unwrap();
        let planned = planned.split(' ').next().unwrap().parse::<u64>().unwrap();
        assert!((390..=410).contains(&planned), "{log}");
    });
    join_all(runs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_database_from_the_future_a_run_goes_on_and_another_begins_at_once() {
    for step in [-DAY, -HOUR, DAY] {
        let clock = WallClock::new();
        let targets = targets().await;
        let first = clock.serving(&targets).serve().await;
        first.swarm("user_count=10&spawn_rate=1000").await;
        until_more(&targets, 120, &first).await;
        first.kill().await;
        let before = sent(&targets);

        clock.set(step);
        let second = clock.serving(&targets).serve().await;
        if step < 0 {
            second.until_logged("ahead of the wall clock").await;
        }
        until_more(&targets, 80, &second).await;
        let statistics = second.get("/stats/requests").await;
        assert_eq!(statistics["state"], "running", "{step}");
        assert!(rows(&statistics)["Aggregated"].0 + 100 > before, "{step}");
        second.post("/stop", "").await;
        second
            .until("/stats/requests", LIMIT, is_state("stopped"))
            .await;
        assert_adds_up(&second.get("/ledger").await);
        second.swarm("user_count=10&spawn_rate=1000").await;
        until_more(&targets, 40, &second).await;
        second
            .until("/stats/requests", LIMIT, |answer| {
                rows(answer)["Aggregated"].0 > 40
            })
            .await;
        assert_eq!(second.terminate().await, 0, "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_taken_up_after_ten_months_is_counted_within_seconds_and_ends_when_told() {
    const MONTHS: i64 = 300 * DAY;
    let clock = WallClock::new();
    let targets = targets().await;
    let first = clock.serving(&targets).serve().await;
    first.swarm("user_count=10&spawn_rate=1000").await;
    until_more(&targets, 120, &first).await;
    first.kill().await;

    clock.set(MONTHS);
    let second = clock.serving(&targets).serve().await;
    let ledger = tokio::time::timeout(LIMIT, second.get("/ledger"));
    let ledger = ledger.await.expect("it is counted");
    assert_adds_up(&ledger);
    // ten users, four times a second, but for some seconds
    let (missing, due) = (ledger["missing"].as_i64().unwrap(), 10 * 4 * MONTHS);
    assert!((missing - due).abs() < 10 * 4 * 60, "{ledger:#}");
    until_more(&targets, 80, &second).await;
    let ended = tokio::time::timeout(LIMIT, second.terminate()).await;
    assert_eq!(ended.expect("it ends"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_to_winter_time_is_nothing_to_say() {
    let clock = WallClock::new();
    // 2026-10-25 03:00 in Berlin, when it becomes 02:00; the process starts 15 s before
    let change = 1_792_890_000;
    let now = traffic::clock::Clock::system().now().seconds() as i64;
    clock.set(change - 15 - now);
    let targets = targets().await;
    let cicada = clock.serving(&targets).env("TZ", "Europe/Berlin");
    let cicada = cicada.serve().await;
    cicada.swarm("user_count=10&spawn_rate=1000").await;
    // forty a second, so that the change is over
    until_more(&targets, 700, &cicada).await;
    assert!(longest_gap(&targets) < LONG);
    let log = cicada.log();
    assert!(!log.contains("WARNING"), "{log}");
    assert!(log.contains("[2026-10-25 02:59:"), "{log}");
    assert_eq!(cicada.terminate().await, 0);
}
