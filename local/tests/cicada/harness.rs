//! Starts the binary, waits until it serves, asks it, and ends it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use stand_ins::{Targets, TargetsConfig};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// How long a state is waited for, however busy the machine is.
pub(crate) const LIMIT: Duration = Duration::from_secs(180);

/// How a `cicada` is to be started.
pub(crate) struct Cicada {
    program: PathBuf,
    wrapper: Vec<OsString>,
    arguments: Vec<OsString>,
    environment: Vec<(String, String)>,
    folder: Option<PathBuf>,
}

/// One that serves.
pub(crate) struct Serving {
    child: Child,
    url: String,
    log: Arc<Mutex<String>>,
    client: reqwest::Client,
}

/// One that was started and says nothing.
pub(crate) struct Started(Child);

impl Started {
    /// Asks it to end, and waits until it has.
    pub(crate) async fn end(mut self) {
        let id = self.0.id().unwrap().to_string();
        let kill = std::process::Command::new("kill").arg(&id).status();
        assert!(kill.unwrap().success());
        self.0.wait().await.unwrap();
    }
}

impl Cicada {
    pub(crate) fn new() -> Self {
        Self::bare().args("--web-host 127.0.0.1 --web-port 0")
    }

    /// Without any argument.
    pub(crate) fn bare() -> Self {
        Self {
            program: env!("CARGO_BIN_EXE_cicada").into(),
            wrapper: Vec::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: None,
        }
    }

    /// Called by another name: a link to the program.
    pub(crate) fn called(mut self, link: &Path) -> Self {
        self.program = link.to_owned();
        self
    }

    /// Started by another program, which takes what to start as its last arguments.
    pub(crate) fn wrapped<const N: usize>(mut self, wrapper: [&str; N]) -> Self {
        self.wrapper = wrapper.map(Into::into).into();
        self
    }

    /// Started in this folder.
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    pub(crate) fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// With this file as its workload.
    pub(crate) fn file(self, path: impl Into<OsString>) -> Self {
        self.arg("-f").arg(path)
    }

    pub(crate) fn args(mut self, line: &str) -> Self {
        self.arguments
            .extend(line.split_whitespace().map(Into::into));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The workload's hosts are these stand-ins.
    pub(crate) fn at(self, targets: &Targets) -> Self {
        self.env("TARGET_APP_URL", targets.target_app_url())
            .env("AI_AGENT_URL", targets.ai_agent_url())
    }

    pub(crate) fn db(self, path: &Path) -> Self {
        self.arg("--db").arg(path)
    }

    fn command(&self) -> Command {
        let binary = self.program.clone().into_os_string();
        let mut line = self.wrapper.iter().chain([&binary]).chain(&self.arguments);
        let mut command = Command::new(line.next().expect("the binary at least"));
        // nothing of the machine that runs the tests
        let inherited = std::env::vars().filter(|(name, _)| {
            ["LOCUST_", "CICADA_", "OTEL_"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        });
        inherited.for_each(|(name, _)| {
            command.env_remove(name);
        });
        command
            .args(line)
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }

    /// Runs it to its end.
    pub(crate) async fn run(&self) -> Output {
        let run = self.command().output();
        tokio::time::timeout(LIMIT, run)
            .await
            .expect("it ends")
            .unwrap()
    }

    /// Starts it, whatever becomes of it.
    pub(crate) fn start(&self) -> Started {
        let mut command = self.command();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Started(command.spawn().unwrap())
    }

    /// Starts it, ends it as soon as it has written `text` to stderr, and returns its exit code and its log.
    pub(crate) async fn until_logged_and_ended(&self, text: &str) -> (i32, String) {
        let mut command = self.command();
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut log = String::new();
        let mut is_ended = false;
        let ends = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.contains(text) && !is_ended {
                    is_ended = true;
                    let id = child.id().unwrap().to_string();
                    let kill = std::process::Command::new("kill").arg(&id).status();
                    assert!(kill.unwrap().success());
                }
                log.push_str(&line);
                log.push('\n');
            }
            child.wait().await.unwrap().code().unwrap()
        };
        let code = tokio::time::timeout(LIMIT, ends).await.expect("it ends");
        (code, log)
    }

    /// Starts it and waits until it serves.
    pub(crate) async fn serve(&self) -> Serving {
        let mut command = self.command();
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let url = loop {
            let line = tokio::time::timeout(LIMIT, lines.next_line()).await;
            let Some(line) = line.expect("it says where it serves").unwrap() else {
                panic!("it ended before it served:\n{}", log.lock());
            };
            note(&log, &line);
            if let Some((_, url)) = line.split_once("serving Locust's API at ") {
                break url.trim().to_owned();
            }
        };
        let rest = Arc::clone(&log);
        tokio::spawn(async move {
            // what it logs later must not fill the pipe
            while let Ok(Some(line)) = lines.next_line().await {
                note(&rest, &line);
            }
        });
        Serving {
            child,
            url,
            log,
            client: reqwest_client(),
        }
    }
}

impl Serving {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What it has written to stderr so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().clone()
    }

    /// Waits until it has written `text` to stderr.
    pub(crate) async fn until_logged(&self, text: &str) {
        let began = Instant::now();
        while !self.log().contains(text) {
            let waited = began.elapsed();
            assert!(waited < LIMIT, "no {text:?} in:\n{}", self.log());
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it has not ended")
    }

    /// Waits for its end by itself, and returns its exit code.
    pub(crate) async fn ends(mut self, limit: Duration) -> i32 {
        let ended = tokio::time::timeout(limit, self.child.wait()).await;
        ended.expect("it ends by itself").unwrap().code().unwrap()
    }

    /// The status of what `path` answers, and its JSON.
    pub(crate) async fn status(&self, path: &str) -> (u16, Value) {
        let response = self
            .client
            .get(format!("{}{path}", self.url))
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response_json(response).await)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let response = self
            .client
            .get(format!("{}{path}", self.url))
            .send()
            .await
            .unwrap();
        response_json(response).await
    }

    pub(crate) async fn post(&self, path: &str, form: &str) -> Value {
        let request = self.client.post(format!("{}{path}", self.url));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        response_json(request.body(form.to_owned()).send().await.unwrap()).await
    }

    /// Sends a body as it is; the status and the JSON of the answer.
    pub(crate) async fn send(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let method = method.parse().unwrap();
        let request = self.client.request(method, format!("{}{path}", self.url));
        let response = request.body(body.to_owned()).send().await.unwrap();
        (response.status().as_u16(), response_json(response).await)
    }

    /// From now on everything is asked with this name and password.
    pub(crate) fn with_password(mut self, user: &str, password: &str) -> Self {
        let request = self.client.get(&self.url).basic_auth(user, Some(password));
        let headers = request.build().unwrap().headers().clone();
        let client = reqwest::Client::builder().default_headers(headers);
        self.client = client.build().unwrap();
        self
    }

    pub(crate) async fn reset(&self) {
        let answer = self
            .client
            .post(format!("{}/stats/reset", self.url))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.text().await.unwrap(), "ok");
    }

    pub(crate) async fn swarm(&self, form: &str) {
        let answer = self.post("/swarm", form).await;
        assert_eq!(answer["success"], true, "{answer}");
    }

    /// Requests and failures of each row, by name.
    pub(crate) async fn counts(&self) -> BTreeMap<String, (u64, u64)> {
        rows(&self.get("/stats/requests").await)
    }

    pub(crate) async fn total(&self) -> u64 {
        self.counts().await["Aggregated"].0
    }

    /// Waits until `condition` holds for what `path` answers, and returns that.
    pub(crate) async fn until(
        &self,
        path: &str,
        limit: Duration,
        condition: impl Fn(&Value) -> bool,
    ) -> Value {
        let began = Instant::now();
        loop {
            let answer = self.get(path).await;
            if condition(&answer) {
                return answer;
            }
            assert!(began.elapsed() < limit, "still after {limit:?}: {answer:#}");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until the run is over.
    pub(crate) async fn until_stopped(&self, limit: Duration) -> Value {
        let stopped = |answer: &Value| answer["state"] == "stopped";
        self.until("/stats/requests", limit, stopped).await
    }

    /// Waits until nothing is pending, and returns the ledger.
    pub(crate) async fn until_settled(&self, limit: Duration) -> Value {
        let settled = |ledger: &Value| ledger["pending"] == 0;
        self.until("/ledger", limit, settled).await
    }

    /// Stops the run and waits until its ledger is settled.
    pub(crate) async fn settle(&self, limit: Duration) -> Value {
        let answer = self.post("/stop", "").await;
        assert_eq!(answer["success"], true, "{answer}");
        self.until_stopped(limit).await;
        self.until_settled(limit).await
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to end, and waits for its exit code.
    pub(crate) async fn terminate(self) -> i32 {
        self.signal("-TERM").await
    }

    /// Presses Ctrl-C, and waits for its exit code.
    pub(crate) async fn interrupt(self) -> i32 {
        self.signal("-INT").await
    }

    async fn signal(mut self, signal: &str) -> i32 {
        let id = self.child.id().unwrap().to_string();
        let killed = std::process::Command::new("kill")
            .args([signal, &id])
            .status()
            .unwrap();
        assert!(killed.success());
        self.child.wait().await.unwrap().code().unwrap()
    }
}

fn note(log: &Mutex<String>, line: &str) {
    let mut log = log.lock();
    log.push_str(line);
    log.push('\n');
}

pub(crate) fn rows(statistics: &Value) -> BTreeMap<String, (u64, u64)> {
    let row = |row: &Value| {
        let number = |field: &str| row[field].as_u64().unwrap();
        let name = row["name"].as_str().unwrap().to_owned();
        (name, (number("num_requests"), number("num_failures")))
    };
    statistics["stats"]
        .as_array()
        .unwrap()
        .iter()
        .map(row)
        .collect()
}

pub(crate) async fn targets(latency_scale: f64) -> Targets {
    let config = TargetsConfig {
        latency_scale,
        ..TargetsConfig::for_tests()
    };
    Targets::start(config).await.unwrap()
}

fn reqwest_client() -> reqwest::Client {
    // an error only says that another test has installed it already
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

async fn response_json(response: reqwest::Response) -> Value {
    let status = response.status();
    let text = response.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{status}: {error}: {text}"))
}
