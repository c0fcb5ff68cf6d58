//! `-f` takes Python files, several of them, a folder, and `LOCUST_LOCUSTFILE`; what a workload cannot say does not start.

use std::path::Path;

use testing::Recorder;

use super::{headless, stderr, stdout};
use crate::harness::Cicada;

fn write(folder: &Path, name: &str, class: &str, body: &str) {
    let text = format!(
        "from locust import HttpUser, constant, task\n\n\nclass {class}(HttpUser):\n    host = \"http://127.0.0.1:9\"\n    \
         wait_time = constant(0.2)\n\n    @task\n    def go(self):\n        {body}\n"
    );
    std::fs::write(folder.join(name), text).unwrap();
}

fn two_files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.py", "First", "self.client.get(\"/a\")");
    write(folder.path(), "b.py", "Second", "self.client.get(\"/b\")");
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    write(
        &folder.path().join("sub"),
        "c.py",
        "Third",
        "self.client.get(\"/c\")",
    );
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn files_folders_and_the_variable_are_taken_as_locust_takes_them() {
    let of = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| format!("    {name}\n")).collect();
        format!("Available Users:\n{}", names.concat())
    };
    let bare = Cicada::bare;
    let folder = two_files();
    let list = |cicada: Cicada| {
        let cicada = cicada.within(folder.path()).arg("--list");
        async move { stdout(&cicada.run().await) }
    };
    assert_eq!(list(bare().args("-f a.py")).await, of(&["First"]));
    assert_eq!(
        list(bare().args("-f a.py,b.py")).await,
        of(&["First", "Second"])
    );
    assert_eq!(
        list(bare().args("-f .")).await,
        of(&["First", "Second", "Third"])
    );
    assert_eq!(
        list(bare().env("LOCUST_LOCUSTFILE", "b.py,sub")).await,
        of(&["Second", "Third"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locustfile_runs_and_its_text_can_be_written_and_run_as_well() {
    let folder = two_files();
    let recorder = Recorder::start().await;
    let line = format!("-H {} --headless -u 2 -r 2 -t 2 --json", recorder.url());
    let converted = Cicada::bare()
        .within(folder.path())
        .args("convert a.py -o a.toml")
        .run()
        .await;
    assert_eq!(converted.status.code(), Some(0), "{}", stderr(&converted));
    for file in ["a.py", "a.toml"] {
        let run = Cicada::bare()
            .within(folder.path())
            .args(&format!("-f {file} {line}"))
            .run()
            .await;
        assert!(stdout(&run).contains("\"/a\""), "{}", stderr(&run));
        assert_eq!(run.status.code(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_workload_cannot_say_is_named_by_line_and_nothing_is_sent() {
    let folder = two_files();
    let recorder = Recorder::start().await;
    write(
        folder.path(),
        "a.py",
        "First",
        "self.client.get(\"/a\")\n        open(\"x\")\n        eval(\"1\")",
    );
    let run = headless(&folder.path().join("a.py"), &recorder)
        .args("-t 1")
        .run()
        .await;
    let said = stderr(&run);
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        matches!(&lines[..], [first, second] if first.contains("a.py:11: ") && second.contains("a.py:12: ")),
        "{said}"
    );
    assert_eq!(run.status.code(), Some(2));
    assert_eq!(recorder.seen().len(), 0);
    let converted = Cicada::bare()
        .within(folder.path())
        .args("convert a.py")
        .run()
        .await;
    assert_eq!(
        (converted.status.code(), stdout(&converted).as_str()),
        (Some(2), "")
    );
}
