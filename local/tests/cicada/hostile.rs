//! Targets that break HTTP in every way: each request to them fails within its timeout, with a text
//! that groups, and nobody else is held up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use stand_ins::{Misbehaving, Mode};
use testing::assert_adds_up;
use tokio::net::TcpListener;

use crate::harness::{Cicada, LIMIT, Serving, rows, targets};

mod babble;

/// What a request to each kind of target comes to; nothing is a success.
const TEXTS: [(&str, Option<&str>); 21] = [
    (
        "bad-chunk",
        Some("response is not valid HTTP: broken chunk"),
    ),
    (
        "bad-gzip",
        Some("response is compressed by \"gzip\", and incomplete or damaged"),
    ),
    // nobody asked what is in it
    ("bad-json", None),
    ("bad-json-judged", Some("expected json.success is true")),
    (
        "bad-length",
        Some("response is not valid HTTP: invalid content-length"),
    ),
    (
        "close",
        Some("connection closed before the response was complete"),
    ),
    ("drip", Some("no complete response within 1 s")),
    ("endless-body", Some("no complete response within 1 s")),
    ("endless-headers", Some("response headers are too long")),
    (
        "garbage",
        Some("response is not valid HTTP: invalid HTTP version"),
    ),
    ("hang", Some("no complete response within 1 s")),
    ("healthy", None),
    (
        "no-tls",
        Some("cannot connect: the target does not speak TLS"),
    ),
    ("redirect-circle", Some("more than 30 redirects")),
    ("refused", Some("connection refused")),
    ("reset", Some("connection reset by the target")),
    ("reset-in-body", Some("connection reset by the target")),
    // what is too much belongs to nobody
    ("too-long", None),
    (
        "truncated",
        Some("connection closed before the response was complete"),
    ),
    (
        "unjudged",
        Some("expectation could not be evaluated: undefined value: `json.nothing` is undefined"),
    ),
    ("unknown", Some("cannot connect: host name not found")),
];

/// A workload file, class by class; each class has a host of its own.
#[derive(Default)]
struct Classes(String);

impl Classes {
    fn add(&mut self, name: &str, url: &str, users: u32, pacing: f64, rest: &str) {
        let _ = write!(
            self.0,
            "[hosts.{name}]\nurl = '{url}'\n[class.{name}]\nhost = '{name}'\n\
             fixed_count = {users}\nwait = 'constant_pacing({pacing})'\n\
             [class.{name}.task.ask.request]\nname = '{name}'\npath = '/health'\n\
             timeout = '1s'\n{rest}\n"
        );
    }

    fn write(&self, folder: &Path) -> PathBuf {
        let file = folder.join("hostile.toml");
        std::fs::write(&file, &self.0).unwrap();
        file
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_misbehaviour_is_a_failure_that_can_be_read_and_holds_nobody_up() {
    let targets = targets(0.0).await;
    let good = targets.target_app_url();
    let unused = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let mut classes = Classes::default();
    let mut bad = |name, url: &str, rest| classes.add(name, url, 2, 2.0, rest);
    let mut servers = Vec::new();
    for mode in Mode::all() {
        let server = Misbehaving::start(mode).await.unwrap();
        bad(mode.name(), &server.url(), "");
        if mode.name() == "bad-json" {
            bad(
                "bad-json-judged",
                &server.url(),
                "expect = 'json.success is true'",
            );
        }
        servers.push(server);
    }
    bad("refused", &format!("http://{unused}"), "");
    bad("unknown", "http://no-such-host.invalid", "");
    bad("no-tls", &good.replace("http:", "https:"), "");
    bad("unjudged", &good, "expect = 'json.nothing.at.all > 3'");
    classes.add("healthy", &good, 20, 0.25, "");

    let folder = tempfile::tempdir().unwrap();
    let cicada = Cicada::new()
        .file(classes.write(folder.path()))
        .serve()
        .await;
    cicada
        .swarm("user_count=60&spawn_rate=1000&run_time=8")
        .await;
    cicada.until_stopped(LIMIT).await;
    let ledger = cicada.until_settled(LIMIT).await;
    let statistics = cicada.get("/stats/requests").await;
    everything_was_sent_in_time(&ledger);
    failures_can_be_read(&statistics);
    exceptions_have_their_place(&cicada.get("/exceptions").await);
    assert!(!cicada.log().contains("panicked"), "{}", cicada.log());
    stays_small(&cicada);
}

fn everything_was_sent_in_time(ledger: &Value) {
    assert_adds_up(ledger);
    for (name, account) in ledger["classes"].as_object().unwrap() {
        let planned = if name == "healthy" { 640 } else { 8 };
        assert_eq!(account["planned"], planned, "{name}");
        assert_eq!(account["recorded"], planned, "{name}: {account:#}");
        let lateness = account["lateness_ms"]["p99"].as_f64().unwrap();
        assert!(lateness < 250.0, "{name} is {lateness} ms late");
    }
}

fn failures_can_be_read(statistics: &Value) {
    let rows = rows(statistics);
    let texts = texts(statistics);
    let lookup_is_slow = texts
        .get("unknown")
        .is_some_and(|texts| texts[0].contains("within"));
    for (name, expected) in TEXTS {
        if name == "unknown" && lookup_is_slow {
            continue;
        }
        let requests = if name == "healthy" { 640 } else { 8 };
        let failures = if expected.is_some() { requests } else { 0 };
        let said: Vec<&str> = texts
            .get(name)
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        assert_eq!(said, Vec::from_iter(expected), "{name}");
        assert_eq!(rows[name], (requests, failures), "{name}");
    }
    assert_eq!(rows.len(), TEXTS.len() + 1);
}

fn exceptions_have_their_place(answer: &Value) {
    let [exception] = &answer["exceptions"].as_array().unwrap()[..] else {
        panic!("not one: {answer:#}");
    };
    assert_eq!(exception["count"], 8);
    assert_eq!(
        exception["msg"],
        "undefined value: `json.nothing` is undefined"
    );
    let traceback = exception["traceback"].as_str().unwrap();
    let place = "class `unjudged`, task `ask`, request `unjudged`, `expect`";
    assert!(traceback.contains(", line "), "{traceback}");
    assert!(traceback.contains(place), "{traceback}");
}

/// What the statistics say about the failures of each name.
fn texts(statistics: &Value) -> BTreeMap<String, Vec<String>> {
    let mut texts: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for error in statistics["errors"].as_array().unwrap() {
        let [name, text] = ["name", "error"].map(|field| error[field].as_str().unwrap().to_owned());
        texts.entry(name).or_default().push(text);
    }
    texts
}

/// It has never used much memory, whatever was sent to it.
fn stays_small(cicada: &Serving) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", cicada.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kib < 150 * 1_024, "{} MiB", kib / 1_024);
}
