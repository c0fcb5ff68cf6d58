//! A stage on an emulator of its own, with a proxy before it and targets behind it.

use std::fs::DirEntry;
use std::path::Path;
use std::time::Duration;

use aws::{DynamoStore, SqsQueue};
use aws_credential_types::Credentials;
use stand_ins::{Targets, TargetsConfig};

use traffic::clock::Clock;

use crate::emulator::Emulator;
use crate::proxy::Proxy;
use crate::stage::Stage;

/// What tests write themselves is kept this long.
const RETENTION: Duration = Duration::from_secs(86_400);

/// Everything a test needs; dropped, all of it ends.
pub(crate) struct Scene {
    pub(crate) targets: Targets,
    pub(crate) proxy: Proxy,
    pub(crate) stage: Stage,
    pub(crate) emulator: Emulator,
}

impl Scene {
    /// Deploys a stage whose traffic goes to stand-in targets.
    pub(crate) async fn deploy(name: &'static str) -> Self {
        let emulator = Emulator::start().await;
        let proxy = Proxy::start(&emulator.url()).await;
        let targets = Targets::start(TargetsConfig::for_tests()).await.unwrap();
        let (target_app, ai_agent) = (targets.target_app_url(), targets.ai_agent_url());
        let options = [
            ("--target-app-url", target_app.as_str()),
            ("--ai-agent-url", ai_agent.as_str()),
        ];
        let stage = Stage::deploy(name, &emulator, &proxy, &options).await;
        proxy.take_calls();
        Self {
            targets,
            proxy,
            stage,
            emulator,
        }
    }

    /// Requests that the targets have got.
    pub(crate) fn arrivals(&self) -> u64 {
        self.targets.counters().total.requests
    }

    /// Kills the processes of a function, as a machine that fails would; says how many.
    pub(crate) fn kill(&self, function: &str) -> usize {
        let name = format!("cicada-{}-{function}", self.stage.name);
        kill_where(&[
            format!("AWS_LAMBDA_FUNCTION_NAME={name}"),
            format!("AWS_ENDPOINT_URL={}", self.proxy.url()),
        ])
    }
}

impl Scene {
    /// The stage's table and queue, as its functions use them.
    pub(crate) async fn ports(&self) -> (DynamoStore, SqsQueue) {
        let config = aws::config::loader()
            .endpoint_url(self.proxy.url())
            .region("us-east-1")
            .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
            .load()
            .await;
        let variables = self.stage.variables("fanout").await;
        let clock = Clock::system();
        let table = variables["CICADA_TABLE"].as_str().unwrap();
        let url = variables["CICADA_QUEUE_URL"].as_str().unwrap();
        let store = DynamoStore::new(&config, table, RETENTION, clock.clone());
        (store, SqsQueue::new(&config, url, 10, clock))
    }
}

/// Kills every process that has all of these in its environment; says how many.
fn kill_where(environment: &[String]) -> usize {
    let has = |process: &Path| {
        let Ok(variables) = std::fs::read(process.join("environ")) else {
            return false;
        };
        let variables: Vec<&[u8]> = variables.split(|byte| *byte == 0).collect();
        let wanted = environment.iter();
        wanted
            .map(|variable| variable.as_bytes())
            .all(|variable| variables.contains(&variable))
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let found = processes.filter(|process| has(&process.path()));
    let kill = |process: &DirEntry| {
        let mut kill = std::process::Command::new("kill");
        let status = kill.arg("-9").arg(process.file_name()).status();
        status.unwrap().success()
    };
    found.filter(kill).count()
}
