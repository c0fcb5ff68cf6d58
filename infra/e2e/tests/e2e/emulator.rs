//! MiniStack as a process of its own: started on a free port, ended with the test.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::{Child, Command};

/// The head of a signed request: the emulator looks at the service in it, and at no signature.
const ANYBODY: &str = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, \
     Signature=0";

/// The emulator answers within this, or the test ends.
const STARTS_WITHIN: Duration = Duration::from_secs(120);

/// An emulator of AWS.
pub(crate) struct Emulator {
    port: u16,
    // killed when dropped
    _process: Child,
    log: PathBuf,
}

/// Calls that do not come by the proxy: the emulator makes them itself, as AWS does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    /// Messages that the event source mapping handed to the tick.
    pub(crate) messages: u64,
    /// Invocations of the tick that it took for them.
    pub(crate) invocations: u64,
    /// Invocations of the fan-out by its schedule.
    pub(crate) beats: u64,
}

impl Emulator {
    /// Starts one, and waits until it answers; permissions are the matter of the tests of `infra`.
    pub(crate) async fn start() -> Self {
        tools().await;
        let port = free_port();
        let folder = output().join(format!("emulator-{port}"));
        std::fs::create_dir_all(&folder).unwrap();
        let log = folder.join("emulator.log");
        let file = std::fs::File::create(&log).unwrap();
        let process = Command::new(root().join(".tools/aws/bin/ministack"))
            .env("GATEWAY_PORT", port.to_string())
            .env("BIND_HOST", "127.0.0.1")
            .env("TMPDIR", &folder)
            .env("LAMBDA_EXECUTOR", "local")
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let emulator = Self {
            port,
            _process: process,
            log,
        };
        emulator.answers().await;
        emulator
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What the emulator did by itself for a stage so far, as its log says it.
    pub(crate) fn done_for(&self, stage: &str) -> Done {
        let text = std::fs::read_to_string(&self.log).unwrap();
        let mut done = Done::default();
        let tick = format!("ESM: Lambda cicada-{stage}-tick processed ");
        let beat = format!("Lambda cicada-{stage}-fanout: dispatched");
        for line in text.lines() {
            if let Some((_, taken)) = line.split_once(&tick) {
                let messages = taken.split(' ').next().unwrap();
                done.invocations += 1;
                done.messages += messages.parse::<u64>().unwrap();
            }
            done.beats += u64::from(line.ends_with(&beat));
        }
        done
    }

    /// Messages of a queue that are due, and that nothing has taken yet.
    pub(crate) async fn waiting_in(&self, queue: &str) -> u64 {
        let name = "ApproximateNumberOfMessages";
        let request = client()
            .post(self.url())
            .header("x-amz-target", "AmazonSQS.GetQueueAttributes")
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", ANYBODY)
            .body(json!({"QueueUrl": queue, "AttributeNames": [name]}).to_string());
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let waiting = answer["Attributes"][name].as_str();
        let waiting = waiting.unwrap_or_else(|| panic!("no attributes: {answer}"));
        waiting.parse().unwrap()
    }

    async fn answers(&self) {
        let client = client();
        let health = format!("{}/_ministack/health", self.url());
        let answered = async {
            while client.get(&health).send().await.is_err() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let in_time = tokio::time::timeout(STARTS_WITHIN, answered).await;
        assert!(in_time.is_ok(), "no emulator: see {}", self.log.display());
    }
}

/// A client; the TLS back end is installed first.
pub(crate) fn client() -> reqwest::Client {
    // an error only says that it is there already
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Where tests leave what they saw.
pub(crate) fn output() -> PathBuf {
    root().join("test-output/e2e")
}

async fn tools() {
    let script = root().join("scripts/tools.sh");
    let status = Command::new(script)
        .arg("ministack")
        .status()
        .await
        .unwrap();
    assert!(status.success(), "the emulator could not be installed");
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
