//! What cannot be done ends with exit code 2 and one line that names the thing.

use std::path::Path;

use futures_util::future::join_all;
use tokio::net::TcpListener;
use tokio::process::Command;

use super::{WORKLOAD, stderr};
use crate::harness::Cicada;

const CLASSES: &str = "the workload has Broken, Many, Other, Paced, Slow";
const HOST: &str = r#"is no base URL: write a URL such as "http://localhost:8000""#;
const TIME: &str = "write a time such as 20, 20s, 3m, 2h, 1h20m or 3h30m10s (see cicada --help)";
const RATE: &str = "must be a number above 0, and at most 1000000 (see cicada --help)";
const USERS: &str = "must be a whole number from 0 to 1000000 (see cicada --help)";
const CONFIG: &str = "is not a JSON object, or an array of them, with user_class_name, weight, \
                      fixed_count and host:";

/// Arguments, one a line, and what is said about them.
fn cases() -> Vec<(String, String)> {
    let mut cases = classes_and_hosts();
    cases.extend(numbers());
    cases.extend(files());
    cases.extend(config_users());
    cases.extend(others());
    cases
        .into_iter()
        .map(|(arguments, said)| (arguments.into(), said))
        .collect()
}

fn classes_and_hosts() -> Vec<(&'static str, String)> {
    let unknown = |name: &str, meant: &str| {
        format!("CLASS names the unknown class {name:?}{meant}; {CLASSES}")
    };
    vec![
        ("Pacd", unknown("Pacd", ", perhaps Paced was meant")),
        ("paced", unknown("paced", ", perhaps Paced was meant")),
        ("Paced\nElephant", unknown("Elephant", "")),
        (
            "helth",
            unknown("helth", "") + ", perhaps the command cicada health was meant",
        ),
        (
            "--headless\ncost",
            unknown("cost", "") + ", and the command cost comes first: cicada cost",
        ),
        (
            "Pacd\n--check",
            unknown("Pacd", ", perhaps Paced was meant"),
        ),
        (
            "Pacd\n--show-task-ratio",
            unknown("Pacd", ", perhaps Paced was meant"),
        ),
        (
            "-H\nlocalhost:8000",
            format!("--host \"localhost:8000\" {HOST}"),
        ),
        ("-H\nexample.com", format!("--host \"example.com\" {HOST}")),
        ("-H\nhttp://", format!("--host \"http://\" {HOST}")),
        ("-H\nhttp://[::1", format!("--host \"http://[::1\" {HOST}")),
        (
            "-H\nhttp://a:99999",
            format!("--host \"http://a:99999\" {HOST}"),
        ),
        (
            "-H\nftp://example.com",
            format!("--host \"ftp://example.com\" {HOST}"),
        ),
    ]
}

fn numbers() -> Vec<(&'static str, String)> {
    let bad = |value: &str, flag: &str, said: &str| {
        format!("invalid value '{value}' for '--{flag}': {said}")
    };
    vec![
        ("-t\n5x", bad("5x", "run-time <TIME>", TIME)),
        ("-t\n", bad("", "run-time <TIME>", TIME)),
        ("-t\n-5", bad("-5", "run-time <TIME>", TIME)),
        (
            "--stop-timeout\nsoon",
            bad("soon", "stop-timeout <TIME>", TIME),
        ),
        ("-r\n-1", bad("-1", "spawn-rate <N>", RATE)),
        ("-r\n0", bad("0", "spawn-rate <N>", RATE)),
        ("-r\nNaN", bad("NaN", "spawn-rate <N>", RATE)),
        ("-r\ninf", bad("inf", "spawn-rate <N>", RATE)),
        ("-r\nfast", bad("fast", "spawn-rate <N>", RATE)),
        ("-u\n-3", bad("-3", "users <N>", USERS)),
        ("-u\n1.5", bad("1.5", "users <N>", USERS)),
        ("-u\n1000001", bad("1000001", "users <N>", USERS)),
        ("-u\nmany", bad("many", "users <N>", USERS)),
        (
            "--seed\nx",
            bad(
                "x",
                "seed <N>",
                "must be a whole number (see cicada --help)",
            ),
        ),
        (
            "--seed\n99999999999999999999",
            bad(
                "99999999999999999999",
                "seed <N>",
                "is too large a number (see cicada --help)",
            ),
        ),
    ]
}

fn files() -> Vec<(&'static str, String)> {
    let none = "No such file or directory (os error 2)";
    let python = "is a Python file: cicada reads workloads in TOML, leave -f out to run the \
                  built-in one";
    let wait = "write \"between(1, 3)\", \"constant_pacing(30)\", \"constant_throughput(0.5)\", \
                \"constant(1)\" or \"poisson(10)\", in seconds";
    let tls = "TLS needs --tls-cert and --tls-key";
    vec![
        ("--tls-cert\nc.pem", format!("--tls-key is missing: {tls}")),
        ("--tls-key\nk.pem", format!("--tls-cert is missing: {tls}")),
        (
            "--web-port\n0\n--tls-cert\nmissing.pem\n--tls-key\nk.pem",
            format!("the TLS certificate missing.pem cannot be read: {none}"),
        ),
        (
            "--web-port\n0\n--tls-cert\nbad.json\n--tls-key\nk.pem",
            "bad.json holds no certificate in PEM: look for a line -----BEGIN CERTIFICATE-----"
                .into(),
        ),
        ("-f\nlocustfile.py", format!("locustfile.py {python}")),
        (
            "-f\nmissing.toml",
            format!("workload file missing.toml cannot be read: {none}"),
        ),
        (
            "-f\nfolder",
            "workload file folder cannot be read: Is a directory (os error 21)".into(),
        ),
        (
            "-f\ninvalid.toml",
            "invalid.toml:2: this is not TOML: unclosed array, expected `]`".into(),
        ),
        (
            "-f\nmistaken.toml",
            format!(
                "mistaken.toml:2: host `shop`: \"shop\" {HOST}\n\
             mistaken.toml:4: class `Paced`, `wait` is \"never\": {wait}\n\
             mistaken.toml:5: class `Paced` has an unknown key `wieght`: did you mean `weight`?"
            ),
        ),
        (
            "--logfile\nfolder",
            "--logfile folder cannot be written: Is a directory (os error 21)".into(),
        ),
        (
            "--csv\ninvalid.toml/x",
            "--csv invalid.toml/x_stats.csv cannot be written: File exists (os error 17)".into(),
        ),
        (
            "--csv\ntaken",
            "--csv taken_stats_history.csv cannot be written: Is a directory (os error 21)".into(),
        ),
        (
            "--html\nfolder",
            "--html folder cannot be written: Is a directory (os error 21)".into(),
        ),
        (
            "--json-file\ninvalid.toml/x",
            "--json-file invalid.toml/x.json cannot be written: File exists (os error 17)".into(),
        ),
        (
            "--csv-full-history",
            "--csv-full-history is about the files of --csv: name them, or leave it out".into(),
        ),
        (
            "--logfile\ninvalid.toml/x.log",
            "--logfile invalid.toml/x.log cannot be written: File exists (os error 17)".into(),
        ),
    ]
}

fn config_users() -> Vec<(&'static str, String)> {
    let none = "No such file or directory (os error 2)";
    vec![
        (
            "--config-users\n{",
            format!("--config-users {CONFIG} EOF while parsing an object at line 1 column 1"),
        ),
        (
            "--config-users\n{\"weight\": 2}",
            format!("--config-users {CONFIG} missing field `user_class_name` at line 1 column 13"),
        ),
        (
            "--config-users\n[{\"user_class_name\": \"Paced\", \"wieght\": 2}]",
            format!(
                "--config-users {CONFIG} unknown field `wieght`, expected one of `user_class_name`, \
             `weight`, `fixed_count`, `host` at line 1 column 38"
            ),
        ),
        (
            "--config-users\n{\"user_class_name\": \"Paced\", \"weight\": -1}",
            format!(
                "--config-users {CONFIG} invalid value: integer `-1`, expected u32 at line 1 column 41"
            ),
        ),
        (
            "--config-users\n{\"user_class_name\": \"Pacd\"}",
            format!(
                "--config-users names the unknown class \"Pacd\", perhaps Paced was meant; {CLASSES}"
            ),
        ),
        (
            "-H\nhttp://a\n--config-users\n{\"user_class_name\": \"Paced\", \"host\": \"b\"}",
            format!("--config-users host \"b\" {HOST}"),
        ),
        (
            "--config-users\nmissing.json",
            format!("--config-users file missing.json cannot be read: {none}"),
        ),
        (
            "--config-users\nbad.json",
            format!("--config-users bad.json {CONFIG} expected value at line 1 column 1"),
        ),
        (
            "Paced\n--config-users\n{\"user_class_name\": \"Paced\", \"weight\": 0}",
            "CLASS leaves no class with a weight above 0: select another class".into(),
        ),
    ]
}

fn others() -> Vec<(&'static str, String)> {
    let autoquit = "--autoquit ends the program after a run: start one with --autostart, or leave \
                    it out";
    vec![
        (
            "--hedless",
            "unexpected argument '--hedless' found, a similar argument exists: \
                       '--headless' (see cicada --help)"
                .into(),
        ),
        (
            "--quux",
            "unexpected argument '--quux' found (see cicada --help)".into(),
        ),
        (
            "-u",
            "a value is required for '--users <N>' but none was supplied (see cicada --help)"
                .into(),
        ),
        (
            "--web-host\nnowhere",
            "--web-host \"nowhere\" is not an IP address: write 127.0.0.1 or leave it out".into(),
        ),
        (
            "--web-base-path\ncicada",
            "invalid value 'cicada' for '--web-base-path <PATH>': must be a path that begins with \
             a slash, such as /cicada (see cicada --help)"
                .into(),
        ),
        (
            "--web-names\nhttp://a",
            "invalid value 'http://a' for '--web-names <NAMES>': has \"http://a\", which is no \
             name: write names without port, separated by commas, such as cicada.example.com (see \
             cicada --help)"
                .into(),
        ),
        (
            "-P\n65536",
            "invalid value '65536' for '--web-port <PORT>': 65536 is not in 0..=65535 \
                       (see cicada --help)"
                .into(),
        ),
        (
            "-L\nloud",
            "invalid value 'loud' for '--loglevel <LEVEL>' [possible values: DEBUG, \
                      INFO, WARNING, ERROR, CRITICAL] (see cicada --help)"
                .into(),
        ),
        (
            "--exit-code-on-error\n256",
            "invalid value '256' for '--exit-code-on-error <N>': 256 is \
                                       not in 0..=255 (see cicada --help)"
                .into(),
        ),
        ("--headless\n--autoquit\n3", autoquit.into()),
        ("--autoquit\n3", autoquit.into()),
    ]
}

fn write_files(folder: &Path) {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("workload.toml", WORKLOAD);
    write("locustfile.py", "from locust import HttpUser\n");
    write("invalid.toml", "\nclass = [\n");
    write("bad.json", "JSON");
    write(
        "mistaken.toml",
        "[hosts.shop]\nurl = 'shop'\n[class.Paced]\nwait = 'never'\nwieght = 3\n\
         task.look.request = '/'\n",
    );
    for name in ["folder", "taken_stats_history.csv"] {
        std::fs::create_dir(folder.join(name)).unwrap();
    }
}

async fn is_refused(folder: &Path, arguments: &str, expected: &str) {
    let mut cicada = Cicada::bare().within(folder);
    if !arguments.starts_with("-f\n") {
        cicada = cicada.args("-f workload.toml");
    }
    for argument in arguments.split('\n') {
        cicada = cicada.arg(argument);
    }
    let output = cicada.run().await;
    assert_eq!(
        stderr(&output),
        format!("cicada: {expected}\n"),
        "{arguments:?}"
    );
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_is_one_line_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path());
    for cases in cases().chunks(8) {
        join_all(
            cases
                .iter()
                .map(|(arguments, said)| is_refused(folder.path(), arguments, said)),
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_with_the_stand_ins_is_such_a_line() {
    for (arguments, said) in [
        (
            ["--latency-scale", "x"],
            "invalid value 'x' for '--latency-scale <FACTOR>': must be a number",
        ),
        (
            ["--chaoss", ""],
            "unexpected argument '--chaoss' found, a similar argument exists: '--chaos'",
        ),
    ] {
        let mut stand_ins = Command::new(env!("CARGO_BIN_EXE_stand-in-targets"));
        let output = stand_ins.args(arguments).output().await.unwrap();
        let expected = format!("stand-in-targets: {said} (see stand-in-targets --help)\n");
        assert_eq!(stderr(&output), expected);
        assert_eq!(output.status.code(), Some(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named_and_nothing_else_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path());
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let arguments = format!(
        "--db\nruns.db\n--autostart\n--web-host\n127.0.0.1\n-P\n{}",
        address.port()
    );
    let expected = format!(
        "cannot serve on {address}: choose another port with --web-port, or stop what uses it: \
         Address already in use (os error 98)"
    );
    is_refused(folder.path(), &arguments, &expected).await;
    assert!(!folder.path().join("runs.db").exists());
}
