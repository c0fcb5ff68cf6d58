//! The commands of the demo's documentation run as they stand, with a program called `locust`, or say in one line what
//! takes their place. Only addresses differ, since a test takes free ports.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use stand_ins::Targets;
use tokio::process::Command;

use super::{stderr, stdout};
use crate::harness::{Cicada, LIMIT, targets};

/// What becomes of a command.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    /// It serves the API until it is ended.
    Serves,
    /// It begins a run without the API, until it is ended.
    Runs,
    /// It prints this and ends with 0.
    Prints(&'static str),
    /// It answers with JSON that has this key.
    Answers(&'static str),
    /// It ends with 2 and a line with this.
    Refused(&'static str),
    /// Docker's own, which asks nothing of the container but its name.
    Dockers,
    /// There is no shell in the image.
    NoShell,
}

use Outcome::{Answers, Dockers, NoShell, Prints, Refused, Runs, Serves};

const HELP: &str = "Usage:";
const VALID: &str = "The workload is valid";

/// Each command once, a long one in one line.
const COMMANDS: [(&str, Outcome); 40] = [
    (
        "locust -f locustfile.py --host http://localhost:8000",
        Serves,
    ),
    (
        "locust -f locustfile.py TargetAppUser --host http://localhost:8000",
        Serves,
    ),
    (
        "locust -f locustfile.py --headless --users 10 --spawn-rate 2 --run-time 5m",
        Runs,
    ),
    ("locust -f locustfile.py --check", Prints(VALID)),
    (
        "locust -f locustfile.py --headless --users 10 --spawn-rate 2 --run-time 30s",
        Runs,
    ),
    (
        "locust -f locustfile.py PassiveLoadUser --headless --users 5 --run-time 1m",
        Runs,
    ),
    ("docker logs aim-locust", Dockers),
    ("curl http://localhost:8000/health", Answers("status")),
    ("curl http://localhost:8001/status", Answers("status")),
    ("docker stats aim-target-app aim-ai-agent", Dockers),
    ("docker logs aim-chaos-engine | grep \"Injecting\"", Dockers),
    ("docker-compose ps locust", Dockers),
    ("docker-compose restart locust", Dockers),
    (
        "docker exec aim-locust locust -f /locust/locustfile.py --check",
        Prints(VALID),
    ),
    ("locust -f locustfile.py PassiveLoadUser --users 10", Serves),
    ("docker logs aim-ollama-model-a --tail 50", Dockers),
    ("docker logs aim-ollama-model-b --tail 50", Dockers),
    ("docker logs aim-ai-agent --tail 50", Dockers),
    (
        "docker stats aim-ollama-model-a aim-ollama-model-b",
        Dockers,
    ),
    (
        "docker-compose restart ollama-model-a ollama-model-b",
        Dockers,
    ),
    ("docker logs aim-ai-agent | grep \"/chat\"", Dockers),
    (
        "docker exec aim-locust printenv AI_AGENT_URL",
        Prints("http://"),
    ),
    (
        "curl -X POST http://localhost:8001/chat -H \"Content-Type: application/json\" -d '{\"message\": \"Hello\", \"model\": \"a\"}'",
        Answers("response"),
    ),
    ("docker logs -f aim-locust", Dockers),
    ("docker exec -it aim-locust /bin/bash", NoShell),
    (
        "curl http://localhost:8089/stats/requests | jq",
        Answers("stats"),
    ),
    (
        "locust --modern-ui --web-port 8089 --prometheus-port 9646",
        Serves,
    ),
    ("locust --csv=results --headless --run-time=10m", Runs),
    ("docker-compose up -d --scale locust-worker=5", Dockers),
    (
        "locust -f locustfile.py TargetAppUser --host http://target-app:8000",
        Serves,
    ),
    (
        "locust -f locustfile.py ModelAUser --host http://ai-agent:8001",
        Serves,
    ),
    (
        "locust -f locustfile.py ModelAUser ModelBUser --host http://ai-agent:8001",
        Serves,
    ),
    (
        "locust -f locustfile.py PassiveLoadUser --headless --users 10 --run-time 30m",
        Runs,
    ),
    (
        "locust -f locustfile.py --headless --users 50 --spawn-rate 5 --run-time 10m --csv=results --csv-full-history",
        Runs,
    ),
    (
        "locust -f locustfile.py --headless --users 50 --run-time 10m --html=report.html",
        Runs,
    ),
    // of the pieces of a compose file
    (
        "locust --master",
        Refused("locust: --master is an option of Locust's: one Cicada sends all of the traffic"),
    ),
    (
        "locust --worker --master-host=locust-master",
        Refused("locust: --worker is an option of Locust's: one Cicada"),
    ),
    // the name decides nothing but the words
    (
        "locust --hedless",
        Refused(
            "locust: unexpected argument '--hedless' found, a similar argument exists: '--headless' (see locust --help)",
        ),
    ),
    ("locust --help", Prints(HELP)),
    ("locust env AI_AGENT_URL", Prints("http://")),
];

/// Where the commands run.
struct Place {
    folder: tempfile::TempDir,
    targets: Targets,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("locustfile/tests/locust/demo.py");
        std::fs::copy(demo, folder.path().join("locustfile.py")).unwrap();
        for link in ["locust", "printenv"] {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_cicada"), folder.path().join(link))
                .unwrap();
        }
        let targets = targets(0.0).await;
        Self { folder, targets }
    }

    /// The command with the addresses of this test, as words.
    fn words(&self, command: &str, api: &str) -> Vec<String> {
        let (command, _) = command.split_once(" | ").unwrap_or((command, ""));
        let mut command = command
            .trim_start_matches("docker exec aim-locust ")
            .to_owned();
        let folder = format!("{}/", self.folder.path().display());
        for (from, to) in [
            ("http://localhost:8000", &*self.targets.target_app_url()),
            ("http://target-app:8000", &self.targets.target_app_url()),
            ("http://localhost:8001", &self.targets.ai_agent_url()),
            ("http://ai-agent:8001", &self.targets.ai_agent_url()),
            ("http://localhost:8089", api),
            ("--web-port 8089", "--web-port 0"),
            ("--prometheus-port 9646", "--prometheus-port 0"),
            ("/locust/", &folder),
        ] {
            command = command.replace(from, to);
        }
        words(&command)
    }

    /// What `locust` and `printenv` are started with.
    fn program(&self, words: &[String]) -> Cicada {
        let link = self.folder.path().join(&words[0]);
        let mut cicada = Cicada::bare()
            .called(&link)
            .within(self.folder.path())
            .at(&self.targets);
        cicada = cicada.env("LOCUST_WEB_HOST", "127.0.0.1");
        if !words.iter().any(|word| word == "--web-port") {
            cicada = cicada.env("LOCUST_WEB_PORT", "0");
        }
        for word in &words[1..] {
            cicada = cicada.arg(word);
        }
        cicada
    }

    async fn try_out(&self, command: &str, outcome: Outcome, api: &str) {
        let words = self.words(command, api);
        match outcome {
            Dockers | NoShell => {}
            Serves => {
                let serving = self.program(&words).serve().await;
                let statistics = serving.get("/stats/requests").await;
                assert_eq!(statistics["state"], "ready", "{command}");
                if command.contains("--prometheus-port") {
                    serving.until_logged("serving metrics at ").await;
                    let log = serving.log();
                    let url = log
                        .split("serving metrics at ")
                        .nth(1)
                        .unwrap()
                        .lines()
                        .next()
                        .unwrap();
                    assert!(curl(&[url.to_owned()]).await.contains("# TYPE "), "{url}");
                    let other = url.replace("/metrics", "/stats/requests");
                    assert_eq!(curl(&[other]).await, "there is only /metrics here\n");
                }
                assert_eq!(serving.terminate().await, 0, "{command}");
            }
            Runs => {
                let begun = "Ramping to ";
                let (code, log) = self.program(&words).until_logged_and_ended(begun).await;
                assert!(
                    matches!(code, 0 | 1) && log.contains(begun),
                    "{command}: {code}\n{log}"
                );
            }
            Prints(text) => {
                let output = self.program(&words).run().await;
                assert!(
                    stdout(&output).contains(text),
                    "{command}: {}",
                    stderr(&output)
                );
                assert_eq!(output.status.code(), Some(0), "{command}");
            }
            Refused(line) => {
                let output = self.program(&words).run().await;
                let said = stderr(&output);
                assert!(
                    said.starts_with(line) && said.lines().count() == 1,
                    "{command}: {said}"
                );
                assert_eq!(output.status.code(), Some(2), "{command}");
            }
            Answers(key) => {
                let answer = curl(&words[1..]).await;
                let answer: Value = serde_json::from_str(&answer)
                    .unwrap_or_else(|error| panic!("{command}: {error}: {answer}"));
                assert!(!answer[key].is_null(), "{command}: {answer}");
            }
        }
    }
}

async fn curl(arguments: &[String]) -> String {
    let mut command = Command::new("curl");
    command.arg("--silent").args(arguments).kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, command.output()).await;
    String::from_utf8(output.unwrap().unwrap().stdout).unwrap()
}

/// The words of a command as a shell parts them.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for character in command.chars() {
        match (character, quote) {
            (end, Some(begun)) if end == begun => quote = None,
            ('"' | '\'', None) => quote = Some(character),
            (' ', None) => words.push(String::new()),
            (character, _) => words.last_mut().unwrap().push(character),
        }
    }
    words
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demos_documented_commands_run_as_they_stand_or_say_what_to_use_instead() {
    let place = Place::new().await;
    let api = place
        .program(&words("locust -f locustfile.py"))
        .serve()
        .await;
    // a few at once: each is a program of its own
    for some in COMMANDS.chunks(6) {
        let tried = some
            .iter()
            .map(|(command, outcome)| place.try_out(command, *outcome, api.url()));
        tokio::time::timeout(LIMIT, futures_util::future::join_all(tried))
            .await
            .expect("they end");
    }
    for file in [
        "results_stats.csv",
        "results_stats_history.csv",
        "results_failures.csv",
        "results_exceptions.csv",
        "report.html",
    ] {
        assert!(place.folder.path().join(file).exists(), "{file}");
    }
    assert!(
        api.log()
            .contains("has the user classes of the built-in workload, which runs in its place"),
        "{}",
        api.log()
    );
    assert_eq!(api.terminate().await, 0);
    let containers = std::fs::read_to_string(repository().join("docs/containers.md")).unwrap();
    for said in [
        "container_name: aim-locust",
        "There is no shell in the container",
        "  locust:\n",
    ] {
        assert!(containers.contains(said), "{said}");
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// The documentation lies beside the repository where the demo does.
#[test]
fn the_commands_are_those_of_the_documentation_where_it_is_there() {
    let repository = repository();
    let mut found = repository
        .ancestors()
        .map(|folder| folder.join("shared/locust-tests-readme.md"));
    let Some(text) = found.find_map(|path| std::fs::read_to_string(path).ok()) else {
        return;
    };
    let text = text.replace("\\\n", " ");
    let mut is_shell = false;
    let mut commands = BTreeSet::new();
    for line in text.lines().map(str::trim) {
        match line.strip_prefix("```") {
            Some(language) => is_shell = language == "bash",
            None if is_shell
                && ["locust ", "curl ", "docker"]
                    .iter()
                    .any(|start| line.starts_with(start)) =>
            {
                commands.insert(line.split_whitespace().collect::<Vec<_>>().join(" "));
            }
            None => {}
        }
    }
    let known: BTreeSet<String> = COMMANDS
        .iter()
        .map(|(command, _)| (*command).to_owned())
        .collect();
    let unknown: Vec<_> = commands.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(commands.len() >= 30, "{commands:#?}");
}
