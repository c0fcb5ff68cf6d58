//! Runs traffic at a server: iterations of two requests for two models, each with a name that is told apart at the
//! server; and the same by Locust.

use std::collections::BTreeMap;

use serde_json::Value;
use testing::assert_adds_up;
use tokio::sync::Semaphore;

use crate::harness::{Cicada, LIMIT, Serving, rows};
use crate::installed::{Kind, scripts, tool};

/// Servers and their traffic run beside one another, but not all at once: they share the machine.
pub(crate) static TURNS: Semaphore = Semaphore::const_new(4);

/// Users of both models, who wait between `low` and `high` seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traffic {
    pub(crate) users: u32,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// How many iterations there are at least.
    pub(crate) iterations: u64,
}

/// What came of it.
pub(crate) struct Seen {
    /// Requests and failures by name.
    pub(crate) rows: BTreeMap<String, (u64, u64)>,
    /// The texts of failures.
    pub(crate) errors: Vec<String>,
    pub(crate) ab: Value,
}

impl Traffic {
    /// Waits end when the server gives up an idle connection: a little before, and a little after.
    pub(crate) fn around_the_limit_of(kind: Kind) -> Self {
        let limit = kind.idle_limit();
        let (users, low, high) = match kind {
            // it looks for what is idle once a second
            Kind::Gunicorn => (200, limit - 0.1, limit + 1.1),
            Kind::Node => (250, limit - 0.05, limit + 0.05),
            _ => (60, limit - 0.05, limit + 0.05),
        };
        Self {
            users,
            low,
            high,
            iterations: 300,
        }
    }

    fn workload(&self) -> String {
        let head = r#"
            [hosts.agent]
            url = "http://127.0.0.1:9"
            env = "AI_AGENT_URL"
            [defaults]
            timeout = "30s"
            status = 200
        "#;
        let class = r#"
            [class.ModelXUser]
            host = "agent"
            wait = "between(LOW, HIGH)"
            [[class.ModelXUser.task.check_and_repair.request]]
            name = "Agent Status (Model X)"
            path = "/status"
            headers = { X-Request = "{{ user_class }}/{{ user }}/{{ iteration }}/status" }
            [[class.ModelXUser.task.check_and_repair.request]]
            name = "Repair Workflow (Model X)"
            method = "POST"
            path = "/repair?model=x"
            headers = { X-Request = "{{ user_class }}/{{ user }}/{{ iteration }}/repair" }
            expect = "json.success is true"
        "#;
        let class = class
            .replace("LOW", &format!("{:.3}", self.low))
            .replace("HIGH", &format!("{:.3}", self.high));
        let of = |letter: &str, model: &str| {
            let class = class.replace("ModelX", &format!("Model{letter}"));
            let class = class.replace("Model X", &format!("Model {letter}"));
            class.replace("model=x", &format!("model={model}"))
        };
        [head, &of("A", "a"), &of("B", "b")].concat()
    }

    /// Users come one by one over a wait, so that they do not all come at once ever after.
    fn spawn_rate(&self) -> f64 {
        f64::from(self.users) / self.high
    }

    /// Runs until there were enough iterations, stops, and waits until everything is settled.
    pub(crate) async fn run_at(&self, url: &str) -> Seen {
        self.run_with(&self.workload(), url, |rows| {
            let repairs = ["A", "B"].map(|side| &rows[&format!("Repair Workflow (Model {side})")]);
            repairs.iter().map(|row| row.0).sum()
        })
        .await
    }

    /// The same with another workload; `iterations` says how many a statistics' rows show.
    pub(crate) async fn run_with(
        &self,
        workload: &str,
        url: &str,
        iterations: impl Fn(&BTreeMap<String, (u64, u64)>) -> u64,
    ) -> Seen {
        let cicada = serving(workload, url).await;
        let (users, rate) = (self.users, self.spawn_rate());
        cicada
            .swarm(&format!("user_count={users}&spawn_rate={rate:.3}"))
            .await;
        cicada
            .until("/stats/requests", LIMIT, |statistics| {
                let rows = rows(statistics);
                rows.len() > 4 && iterations(&rows) >= self.iterations
            })
            .await;
        let ledger = cicada.settle(LIMIT).await;
        assert_adds_up(&ledger);
        assert_eq!(ledger["missing"], 0, "{ledger:#}");
        let statistics = cicada.get("/stats/requests").await;
        let errors = statistics["errors"].as_array().unwrap().iter();
        Seen {
            rows: rows(&statistics),
            errors: errors.map(ToString::to_string).collect(),
            ab: cicada.get("/ab").await,
        }
    }

    /// Lets Locust's users do the same for some seconds; its requests and failures.
    pub(crate) async fn locust_at(&self, url: &str) -> (u64, u64) {
        let seconds = (2.0 * self.high).max(5.0) as u64;
        let mut command = tool("locust", ".tools/venv/bin/python");
        command.args(
            "-m locust --headless --json --loglevel CRITICAL --exit-code-on-error 0".split(' '),
        );
        command.args(["-u", &self.users.to_string(), "-H", url]);
        command.args(["-r", &format!("{:.3}", self.spawn_rate())]);
        command.args(["-t", &seconds.to_string(), "-f"]);
        let output = command
            .arg(scripts().join("locustfile.py"))
            .env("WAIT_LOW", self.low.to_string())
            .env("WAIT_HIGH", self.high.to_string())
            .kill_on_drop(true)
            .output();
        let output = output.await.unwrap();
        let rows: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {output:?}"));
        let sum = |figure: &str| {
            let rows = rows.as_array().unwrap().iter();
            rows.map(|row| row[figure].as_u64().unwrap()).sum()
        };
        (sum("num_requests"), sum("num_failures"))
    }
}

/// A `cicada` with this workload, whose hosts all lie at this URL.
pub(crate) async fn serving(workload: &str, url: &str) -> Serving {
    serving_by(Cicada::new(), workload, url).await
}

/// The same, started in some other way.
pub(crate) async fn serving_by(cicada: Cicada, workload: &str, url: &str) -> Serving {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("workload.toml");
    std::fs::write(&file, workload).unwrap();
    // it has read the file when it serves
    cicada
        .arg("-f")
        .arg(file)
        .env("AI_AGENT_URL", url)
        .env("TARGET_APP_URL", url)
        .serve()
        .await
}
