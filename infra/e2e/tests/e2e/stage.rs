//! A deployed stage: put up by the repository's own script, spoken to through its Function URL.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tokio::process::Command;

use crate::emulator::{Emulator, client, root};
use crate::proxy::Proxy;

/// How often a test looks again at what it waits for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Wake-ups are executed for 30 s after the end, the heartbeat beats once a minute, and the emulator looks at its
/// schedules every ten seconds.
const OFF_WITHIN: Duration = Duration::from_secs(120);

/// After this from the answer to a stop nothing starts any more: two seconds, and a margin.
const ENDS_WITHIN: Duration = Duration::from_secs(3);

/// One deployment at a time: cargo lambda zips each function beside it.
static DEPLOYS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

const PASSWORD: &str = "end-to-end";

/// A stage of Cicada in the emulator.
pub(crate) struct Stage {
    /// The stage's name.
    pub(crate) name: &'static str,
    /// Where it and the scripts find AWS.
    endpoint: String,
    /// The base URL of the aggregator.
    pub(crate) url: String,
    client: reqwest::Client,
}

impl Stage {
    /// Deploys a stage whose functions reach AWS through `proxy`, with further options of the script.
    pub(crate) async fn deploy(
        name: &'static str,
        emulator: &Emulator,
        proxy: &Proxy,
        options: &[(&str, &str)],
    ) -> Self {
        let mut stage = Self {
            name,
            endpoint: proxy.url(),
            url: String::new(),
            client: client(),
        };
        let mut arguments = vec!["--stage", name, "--no-build"];
        for (option, value) in options {
            arguments.extend([*option, *value]);
        }
        {
            let _turn = DEPLOYS.lock().await;
            stage.script("infra/deploy", &arguments).await;
        }
        let id = stage.function_url_id().await;
        stage.url = format!("{}/_aws/lambda-url/{id}", emulator.url());
        stage
    }

    /// Takes the stage away.
    pub(crate) async fn destroy(&self) {
        self.script("infra/destroy", &["--stage", self.name]).await;
    }

    /// Runs one of the repository's scripts; what it prints is shown if it fails.
    pub(crate) async fn script(&self, script: &str, arguments: &[&str]) -> String {
        let output = self
            .command(root().join(script).to_str().unwrap())
            .args(arguments)
            .env("LOCUST_BASIC_AUTH", format!("demo:{PASSWORD}"))
            .output()
            .await
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {text}\n{errors}");
        text
    }

    /// What the AWS command line answers, as JSON.
    pub(crate) async fn aws(&self, arguments: &[&str]) -> Value {
        let program = root().join(".tools/aws/bin/aws");
        let output = self
            .command(program.to_str().unwrap())
            .args(arguments)
            .output()
            .await
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "aws {arguments:?}: {errors}");
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    /// The environment variables of a function.
    pub(crate) async fn variables(&self, function: &str) -> Value {
        let name = format!("cicada-{}-{function}", self.name);
        let read = [
            "lambda",
            "get-function-configuration",
            "--function-name",
            &name,
        ];
        self.aws(&read).await["Environment"]["Variables"].take()
    }

    /// Whether the heartbeat is on.
    pub(crate) async fn heartbeat_is_on(&self) -> bool {
        let group = format!("cicada-{}", self.name);
        let heartbeat = ["--group-name", &group, "--name", "heartbeat"];
        let read = [&["scheduler", "get-schedule"], &heartbeat[..]].concat();
        self.aws(&read).await["State"] == "ENABLED"
    }

    /// Whether the queue is asked for messages.
    pub(crate) async fn mapping_is_on(&self) -> bool {
        let name = format!("cicada-{}-tick", self.name);
        let list = [
            "lambda",
            "list-event-source-mappings",
            "--function-name",
            &name,
        ];
        self.aws(&list).await["EventSourceMappings"][0]["State"] == "Enabled"
    }

    /// Waits until the heartbeat is off: it beats once more after a run, and switches itself and the mapping off.
    pub(crate) async fn until_heartbeat_is_off(&self) {
        let off = async {
            while self.heartbeat_is_on().await {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let in_time = tokio::time::timeout(OFF_WITHIN, off).await;
        assert!(in_time.is_ok(), "a run that is over is off");
        assert!(!self.mapping_is_on().await, "nobody asks the queue");
    }

    /// A program that finds AWS in the emulator.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_DEFAULT_OUTPUT", "json")
            .env(
                "PATH",
                format!(
                    "{}:{}",
                    root().join(".tools/aws/bin").display(),
                    std::env::var("PATH").unwrap_or_default()
                ),
            )
            .current_dir(root())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    async fn function_url_id(&self) -> String {
        let name = format!("cicada-{}-aggregator", self.name);
        let config = self
            .aws(&[
                "lambda",
                "get-function-url-config",
                "--function-name",
                &name,
            ])
            .await;
        let url = config["FunctionUrl"].as_str().unwrap();
        let host = url.split("//").nth(1).unwrap();
        host.split('.').next().unwrap().to_owned()
    }

    /// A `GET`; the answer as JSON.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.request(Method::GET, path, None).await
    }

    /// A `PUT` of a workload.
    pub(crate) async fn put_workload(&self, toml: &str) -> Value {
        self.request(Method::PUT, "/workload", Some(("application/toml", toml)))
            .await
    }

    /// A `POST` of a form; the answer as JSON.
    pub(crate) async fn post(&self, path: &str, form: &str) -> Value {
        let form = ("application/x-www-form-urlencoded", form);
        self.request(Method::POST, path, Some(form)).await
    }

    async fn request(&self, method: Method, path: &str, body: Option<(&str, &str)>) -> Value {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.url))
            .basic_auth("demo", Some(PASSWORD))
            .timeout(Duration::from_secs(60));
        if let Some((kind, body)) = body {
            request = request.header("content-type", kind).body(body.to_owned());
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }

    /// Asks until the answer is as wanted.
    pub(crate) async fn until(
        &self,
        path: &str,
        limit: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        let mut last = Value::Null;
        let asked = async {
            loop {
                last = self.get(path).await;
                if wanted(&last) {
                    return;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        if tokio::time::timeout(limit, asked).await.is_err() {
            panic!("{path} is not as wanted after {limit:?}: {last:#}");
        }
        last
    }

    /// Stops the run, waits until nothing of it is pending any more, and returns the ledger.
    pub(crate) async fn stop_and_settle(&self, limit: Duration) -> Value {
        let answer = self.post("/stop", "").await;
        assert_eq!(answer["success"], true, "{answer:#}");
        // until then the run may have seconds left, and nothing of those before them be pending
        tokio::time::sleep(ENDS_WITHIN).await;
        self.until("/ledger", limit, |ledger| ledger["pending"] == 0)
            .await
    }

    /// Requests and failures of each row of the statistics, `Aggregated` included.
    pub(crate) async fn counts(&self) -> BTreeMap<String, (u64, u64)> {
        rows(&self.get("/stats/requests").await)
    }
}

/// Requests and failures of each row of an answer to `/stats/requests`.
pub(crate) fn rows(answer: &Value) -> BTreeMap<String, (u64, u64)> {
    let row = |row: &Value| {
        let name = row["name"].as_str().unwrap().to_owned();
        let count = |field: &str| row[field].as_u64().unwrap();
        (name, (count("num_requests"), count("num_failures")))
    };
    answer["stats"]
        .as_array()
        .unwrap()
        .iter()
        .map(row)
        .collect()
}
