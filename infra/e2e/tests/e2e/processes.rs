//! A stage without functions, as `local/compose.yaml` has it: an aggregator and traffic processes on Amazon's
//! DynamoDB Local, each a process of its own.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::Value;
use stand_ins::{Targets, TargetsConfig};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::emulator::{client, free_port, output, root};

const PASSWORD: &str = "processes";

/// Whatever is started answers within this, or the test ends.
const STARTS_WITHIN: Duration = Duration::from_secs(120);

/// Users with an iteration every two seconds, whose requests are over in a moment. Nobody is there when a run
/// ends, or what a busy machine starts late would be left out then.
const WORKLOAD: &str = "\
[hosts.target-app]\nurl = \"http://target-app:8000\"\nenv = \"TARGET_APP_URL\"\n\
[defaults]\ntimeout = \"2s\"\n\
[class.Looker]\nwait = \"constant_pacing(2)\"\ntask.look.request = \"GET /products\"\n\
[class.Buyer]\nwait = \"between(1, 3)\"\ntask.look.request = \"GET /health\"\n\
[shape.Twenty]\nstages = [{ lasts = \"20s\", users = 80, spawn_rate = 40 }, { lasts = \"5s\", users = 0, spawn_rate = 999 }]\n\
[shape.Thirty]\nstages = [{ lasts = \"30s\", users = 80, spawn_rate = 40 }, { lasts = \"5s\", users = 0, spawn_rate = 999 }]\n";

/// Everything of such a stage; dropped, all of it ends.
struct Stage {
    targets: Targets,
    url: String,
    aggregator: Child,
    /// The variables by which the aggregator's program finds it.
    served: [(&'static str, String); 2],
    dynamodb: Dynamodb,
}

/// Amazon's DynamoDB Local on a port of its own, in memory or with its files in a folder.
struct Dynamodb {
    process: Child,
    port: u16,
    folder: Option<tempfile::TempDir>,
}

/// A process that sends traffic, and the port on which it says whether it is well.
struct Traffic {
    process: Child,
    health: u16,
}

impl Stage {
    /// A stage in memory.
    async fn start() -> Self {
        Self::on(Dynamodb::start(None).await).await
    }

    async fn on(dynamodb: Dynamodb) -> Self {
        let targets = Targets::start(TargetsConfig::for_tests()).await.unwrap();
        let port = free_port();
        let served = [
            ("CICADA_WEB_HOST", "127.0.0.1".to_owned()),
            ("CICADA_WEB_PORT", port.to_string()),
        ];
        let mut aggregator = command("aggregator-server", &dynamodb.url(), &targets);
        let aggregator = aggregator
            .env("CICADA_CREATE_TABLE", "true")
            // several ticks a second, to be shared
            .env("CICADA_BLOCK_SIZE", "10")
            .envs(served.clone())
            .env("LOCUST_BASIC_AUTH", format!("demo:{PASSWORD}"));
        let stage = Self {
            targets,
            url: format!("http://127.0.0.1:{port}"),
            aggregator: aggregator.spawn().unwrap(),
            served,
            dynamodb,
        };
        answers(port).await;
        stage.until_well(None).await;
        stage.put_workload().await;
        stage
    }

    async fn put_workload(&self) {
        let put = self.ask(client().put(self.at("/workload")).body(WORKLOAD));
        assert_eq!(put.await["success"], true);
    }

    /// Another process that sends the traffic.
    fn traffic(&self) -> Traffic {
        let mut process = command("tick-server", &self.dynamodb.url(), &self.targets);
        let health = free_port();
        process.env("CICADA_HEALTH_PORT", health.to_string());
        Traffic {
            process: process.spawn().unwrap(),
            health,
        }
    }

    /// Whether the health checks of the containers would say that both are well.
    async fn are_well(&self, traffic: Option<&Traffic>) -> [bool; 2] {
        let url = self.dynamodb.url();
        let mut aggregator = silent("aggregator-server", &url, &self.targets);
        let aggregator = aggregator.arg("health").envs(self.served.clone()).status();
        let is_well = aggregator.await.unwrap().success();
        let Some(traffic) = traffic else {
            return [is_well; 2];
        };
        let mut process = silent("tick-server", &url, &self.targets);
        let process = process.arg("health");
        process.env("CICADA_HEALTH_PORT", traffic.health.to_string());
        [is_well, process.status().await.unwrap().success()]
    }

    async fn until_well(&self, traffic: Option<&Traffic>) {
        self.until_health(traffic, true).await;
    }

    async fn until_health(&self, traffic: Option<&Traffic>, is_well: bool) {
        let until = Instant::now() + STARTS_WITHIN;
        while self.are_well(traffic).await != [is_well; 2] {
            assert!(Instant::now() < until, "it does not become so: {is_well}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// Waits for traffic.
    async fn until_more(&self) {
        let until = Instant::now() + STARTS_WITHIN;
        let before = self.arrivals();
        while self.arrivals() < before + 60 {
            assert!(Instant::now() < until, "nothing is sent");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    async fn ask(&self, request: RequestBuilder) -> Value {
        let request = request.basic_auth("demo", Some(PASSWORD));
        let text = request.send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    async fn get(&self, path: &str) -> Value {
        self.ask(client().get(self.at(path))).await
    }

    async fn swarm(&self, form: &'static str) {
        let swarm = client().post(self.at("/swarm")).body(form);
        let kind = "application/x-www-form-urlencoded";
        let answer = self.ask(swarm.header("Content-Type", kind)).await;
        assert_eq!(answer["success"], true, "{answer}");
    }

    async fn until(&self, path: &str, limit: u64, is_so: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + Duration::from_secs(limit);
        loop {
            let answer = self.get(path).await;
            if is_so(&answer) {
                return answer;
            }
            assert!(
                Instant::now() < until,
                "{path} does not come to it: {answer:#}"
            );
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    fn arrivals(&self) -> u64 {
        self.targets.counters().total.requests
    }
}

impl Dynamodb {
    async fn start(folder: Option<tempfile::TempDir>) -> Self {
        let tools = Command::new(root().join("scripts/tools.sh"))
            .arg("dynamodb")
            .status();
        assert!(
            tools.await.unwrap().success(),
            "DynamoDB Local could not be installed"
        );
        let port = free_port();
        let process = serve_table(port, folder.as_ref().map(tempfile::TempDir::path)).await;
        Self {
            process,
            port,
            folder,
        }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// Starts again after a kill: with its files, or without.
    async fn start_again(&mut self, keeps_files: bool) {
        self.folder = self.folder.take().filter(|_| keeps_files);
        let folder = self.folder.as_ref().map(tempfile::TempDir::path);
        self.process = serve_table(self.port, folder).await;
    }

    /// Deletes the table, as somebody who uses the wrong account.
    async fn delete_table(&self) {
        let call = client().post(self.url()).body(r#"{"TableName":"cicada"}"#);
        let call = call
            .header("Content-Type", "application/x-amz-json-1.0")
            .header("X-Amz-Target", "DynamoDB_20120810.DeleteTable")
            .header("X-Amz-Date", "20260101T000000Z")
            .header(
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=local/20260101/eu-central-1/dynamodb/aws4_request, \
                 SignedHeaders=host, Signature=none",
            );
        let answer = call.send().await.unwrap();
        assert!(
            answer.status().is_success(),
            "{}",
            answer.text().await.unwrap()
        );
    }
}

async fn serve_table(port: u16, folder: Option<&Path>) -> Child {
    let place = root().join(".tools/dynamodb");
    let library = place.join("DynamoDBLocal_lib");
    let mut command = Command::new("java");
    command
        .arg(format!("-Djava.library.path={}", library.display()))
        .arg("-jar")
        .arg(place.join("DynamoDBLocal.jar"))
        .args(["-sharedDb", "-port", &port.to_string()]);
    match folder {
        Some(folder) => command.arg("-dbPath").arg(folder),
        None => command.arg("-inMemory"),
    };
    let process = to_the_end(&mut command, &format!("dynamodb-{port}"));
    answers(port).await;
    process
}

/// Tells a process to end as a container engine does; its exit code.
async fn end(process: &mut Child) -> Option<i32> {
    let id = process.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .arg(id)
            .status()
            .await
            .unwrap()
            .success()
    );
    let ended = tokio::time::timeout(STARTS_WITHIN, process.wait()).await;
    ended.expect("it ends").unwrap().code()
}

/// One of our programs, with its log in a file.
fn command(program: &str, table_url: &str, targets: &Targets) -> Command {
    let log = log(&format!("{program}-{}", free_port()));
    let mut command = silent(program, table_url, targets);
    command.stdout(log.try_clone().unwrap()).stderr(log);
    command
}

/// One of our programs, which `make e2e` builds, with the variables that the compose file gives it.
fn silent(program: &str, table_url: &str, targets: &Targets) -> Command {
    let mut command = Command::new(root().join("target/debug").join(program));
    command
        .env_clear()
        .env("CICADA_TABLE", "cicada")
        .env("CICADA_TRAFFIC", "processes")
        .env("AWS_ENDPOINT_URL", table_url)
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("TARGET_APP_URL", targets.target_app_url())
        .env("AI_AGENT_URL", targets.ai_agent_url())
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn to_the_end(command: &mut Command, name: &str) -> Child {
    let log = log(name);
    command
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

fn log(name: &str) -> std::fs::File {
    let folder = output().join("processes");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::File::create(Path::new(&folder).join(format!("{name}.log"))).unwrap()
}

async fn answers(port: u16) {
    let answered = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let in_time = tokio::time::timeout(STARTS_WITHIN, answered).await;
    assert!(in_time.is_ok(), "nobody answers on port {port}");
}

/// All requests of the statistics.
fn counted(statistics: &Value) -> u64 {
    let rows = statistics["stats"].as_array().unwrap();
    let total = rows.iter().find(|row| row["name"] == "Aggregated");
    total.unwrap()["num_requests"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_send_everything_once() {
    let stage = Stage::start().await;
    let _traffic = [stage.traffic(), stage.traffic()];
    stage.swarm("shape_class=Twenty").await;
    stage
        .until("/stats/requests", 90, |answer| answer["state"] == "stopped")
        .await;
    let ledger = stage
        .until("/ledger", 60, |ledger| ledger["pending"] == 0)
        .await;
    // eighty users, an iteration every two seconds, twenty seconds
    assert!(ledger["planned"].as_u64().unwrap() > 700, "{ledger:#}");
    assert_eq!(ledger["planned"], ledger["recorded"], "{ledger:#}");
    for nothing in ["skipped", "missing", "duplicates", "unplanned"] {
        assert_eq!(ledger[nothing], 0, "{ledger:#}");
    }
    let statistics = stage.get("/stats/requests").await;
    assert_eq!(counted(&statistics), stage.arrivals());
    let mut results = silent("cicada", &stage.dynamodb.url(), &stage.targets);
    let results = results
        .args(["results", "--format", "csv"])
        .stdout(Stdio::piped());
    let printed = results.spawn().unwrap().wait_with_output().await.unwrap();
    assert!(printed.status.success());
    let lines = printed.stdout.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(lines as u64, counted(&statistics) + 1);
    assert_eq!(
        stage.get("/schedules").await["schedules"],
        Value::Array(Vec::new())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn when_one_process_is_killed_the_other_goes_on_alone() {
    let stage = Stage::start().await;
    let mut victim = stage.traffic();
    let _survivor = stage.traffic();
    stage.swarm("shape_class=Thirty").await;
    stage
        .until("/stats/requests", 60, |answer| counted(answer) > 300)
        .await;
    victim.process.kill().await.unwrap();
    let killed_at = stage.get("/ledger").await["planned"].as_u64().unwrap();
    stage
        // nobody knows before it is settled that nothing more comes of what the victim had
        .until("/stats/requests", 300, |answer| {
            answer["state"] == "stopped"
        })
        .await;
    // what is left is what the victim had begun and not written: two seconds of it at most
    let lost = |ledger: &Value| ["pending", "missing"].map(|what| ledger[what].as_u64().unwrap());
    let ledger = stage
        .until("/ledger", 60, |ledger| {
            lost(ledger).iter().sum::<u64>() <= 120
        })
        .await;
    let planned = ledger["planned"].as_u64().unwrap();
    assert!(planned > killed_at + 200, "it went on: {ledger:#}");
    assert_eq!([&ledger["duplicates"], &ledger["unplanned"]], [0, 0]);
    let statistics = stage.get("/stats/requests").await;
    let unwritten = stage.arrivals() - counted(&statistics);
    assert!(
        unwritten <= lost(&ledger).iter().sum(),
        "{unwritten} of {ledger:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_outlives_its_table() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::on(Dynamodb::start(Some(folder)).await).await;
    let mut traffic = stage.traffic();
    stage.until_well(Some(&traffic)).await;
    stage.swarm("user_count=80&spawn_rate=80").await;
    stage.until_more().await;
    // away for a while, with its files: the run goes on
    stage.dynamodb.kill().await;
    stage.until_health(Some(&traffic), false).await;
    stage.dynamodb.start_again(true).await;
    stage.until_well(Some(&traffic)).await;
    stage.until_more().await;
    let ledger = stage.get("/ledger").await;
    assert!(ledger["recorded"].as_u64() > Some(60), "{ledger:#}");
    assert_eq!([&ledger["duplicates"], &ledger["unplanned"]], [0, 0]);
    // without its table, and then without its files: the run is gone, and the next one is sent
    for is_deleted in [true, false] {
        if is_deleted {
            stage.dynamodb.delete_table().await;
        } else {
            stage.dynamodb.kill().await;
            stage.dynamodb.start_again(false).await;
        }
        stage.until_well(Some(&traffic)).await;
        stage
            .until("/stats/requests", 60, |answer| answer["state"] == "ready")
            .await;
        stage.put_workload().await;
        stage.swarm("user_count=80&spawn_rate=80").await;
        stage.until_more().await;
        stage.until_well(Some(&traffic)).await;
    }
    // both end well, also while it is away
    stage.dynamodb.kill().await;
    assert_eq!(end(&mut traffic.process).await, Some(0));
    assert_eq!(end(&mut stage.aggregator).await, Some(0));
}
