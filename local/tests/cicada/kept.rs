//! What is put while it serves: workloads and schedules outlive the process with its database.

use serde_json::{Value, json};

use crate::harness::{Cicada, Serving};

/// A workload of one class, whose requests go nowhere.
fn workload(class: &str) -> String {
    format!(
        "[hosts]\nshop = \"http://127.0.0.1:9\"\n[class.{class}]\nwait = \"constant_pacing(30)\"\n\
         task.look.request = {{ path = \"/\" }}\n"
    )
}

/// The names of the classes that the next run has.
async fn classes(cicada: &Serving) -> Vec<String> {
    let tasks = cicada.get("/tasks").await;
    tasks["per_class"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect()
}

async fn put(cicada: &Serving, source: &str) -> (u16, Value) {
    cicada.send("PUT", "/workload", source).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_that_was_put_goes_on_unless_a_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (file, db) = (
        folder.path().join("shop.toml"),
        folder.path().join("runs.db"),
    );
    std::fs::write(&file, workload("InFile")).unwrap();
    let named = |cicada: Cicada| cicada.file(&file);
    let kept = || Cicada::new().db(&db);

    let cicada = kept().serve().await;
    assert_eq!(classes(&cicada).await.len(), 6, "the built-in one");
    let (status, answer) = put(&cicada, &workload("Put")).await;
    assert_eq!(
        (status, &answer["success"]),
        (200, &json!(true)),
        "{answer}"
    );
    let (status, answer) = put(&cicada, &workload("Put").replace("wait", "wiat")).await;
    assert_eq!(
        (status, &answer["errors"][0]["line"]),
        (422, &json!(3)),
        "{answer}"
    );
    assert_eq!(classes(&cicada).await, ["Put"]);
    cicada.kill().await;

    // its classes can be named on the command line, and no others
    let cicada = kept().args("Put").serve().await;
    assert_eq!(classes(&cicada).await, ["Put"]);
    assert_eq!(cicada.terminate().await, 0);
    let refused = kept().args("ModelAUser").run().await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(
        said.ends_with("names the unknown class \"ModelAUser\"; the workload has Put\n"),
        "{said}"
    );

    // a file wins, and is the one that goes on from then on
    let cicada = named(kept()).serve().await;
    assert_eq!(classes(&cicada).await, ["InFile"]);
    assert_eq!(cicada.terminate().await, 0);
    let cicada = kept().serve().await;
    assert_eq!(classes(&cicada).await, ["InFile"]);
    put(&cicada, &workload("PutAgain")).await;
    assert_eq!(cicada.terminate().await, 0);
    let cicada = kept().args("--equal-weights").serve().await;
    assert_eq!(classes(&cicada).await, ["PutAgain"]);
    assert_eq!(cicada.terminate().await, 0);
    // without a database nothing is kept
    let cicada = Cicada::new().serve().await;
    assert_eq!(classes(&cicada).await.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("runs.db");
    let cicada = Cicada::new().db(&db).serve().await;
    let weekdays = "name=weekdays&start=0+9+*+*+1-5&stop=0+17+*+*+1-5&user_count=5&spawn_rate=1";
    let answer = cicada.post("/schedules", weekdays).await;
    assert_eq!(answer["success"], true, "{answer}");
    let saved = &answer["schedule"];
    cicada.kill().await;

    let cicada = Cicada::new().db(&db).serve().await;
    let listed = cicada.get("/schedules").await["schedules"].clone();
    for field in [
        "name",
        "start",
        "stop",
        "time_zone",
        "user_count",
        "spawn_rate",
    ] {
        assert_eq!(listed[0][field], saved[field], "{field}");
    }
    let (status, _) = cicada.send("DELETE", "/schedules/weekdays", "").await;
    assert_eq!(status, 200);
    assert_eq!(cicada.terminate().await, 0);
    let cicada = Cicada::new().db(&db).serve().await;
    assert_eq!(cicada.get("/schedules").await, json!({"schedules": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_limits_and_allowed_hosts_are_what_the_start_says() {
    let cicada = Cicada::new()
        .env("LOCUST_BASIC_AUTH", "demo:s3cret-word")
        .env("CICADA_MAX_USERS", "10")
        .args("--max-spawn-rate 2 --allowed-hosts 127.0.0.1,*.demo.test -L DEBUG")
        .serve()
        .await;
    assert_eq!(cicada.status("/health").await.0, 200);
    let (status, answer) = cicada.status("/stats/requests").await;
    assert_eq!((status, &answer["success"]), (401, &json!(false)));
    let cicada = cicada.with_password("demo", "s3cret-word");
    for (form, words) in [
        (
            "user_count=11&spawn_rate=1",
            "user_count is above the limit of 10 users",
        ),
        (
            "user_count=1&spawn_rate=3",
            "spawn_rate is above the limit of 2 users a second",
        ),
        (
            "user_count=1&spawn_rate=1",
            "(--allowed-hosts) has only 127.0.0.1, *.demo.test",
        ),
    ] {
        let answer = cicada.post("/swarm", form).await;
        let message = answer["message"].as_str().unwrap_or_default();
        assert!(message.ends_with(words), "{form}: {answer}");
    }
    cicada
        .swarm("user_count=0&spawn_rate=1&host=http://127.0.0.1:9")
        .await;
    assert!(!cicada.log().contains("s3cret"), "{}", cicada.log());
    let logs = cicada.get("/logs").await.to_string();
    assert!(
        logs.contains("turned away") && !logs.contains("s3cret"),
        "{logs}"
    );
    assert_eq!(cicada.terminate().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_the_door_that_make_no_sense_are_one_line() {
    for (cicada, said) in [
        (
            Cicada::new().env("LOCUST_BASIC_AUTH", "s3cret"),
            "LOCUST_BASIC_AUTH is not of the form user:password: give both, separated by a colon",
        ),
        (
            Cicada::new().args("--allowed-hosts http://a/b"),
            "invalid value 'http://a/b' for '--allowed-hosts <HOSTS>': names \"http://a/b\", which is \
             no host: write hosts or origins separated by commas, such as shop.example.com, \
             localhost:8000, *.example.com or https://example.com (see cicada --help)",
        ),
        (
            Cicada::new().env("CICADA_MAX_USERS", "many"),
            "invalid value 'many' for '--max-users <N>': must be a whole number from 0 to 1000000 \
             (see cicada --help)",
        ),
        (
            Cicada::new().args("--headless -u 11 -t 1 --max-users 10"),
            "user_count is above the limit of 10 users",
        ),
    ] {
        let output = cicada.run().await;
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        let last = stderr.lines().last().unwrap_or_default();
        assert_eq!(last, format!("cicada: {said}"));
        assert!(!stderr.contains("s3cret"), "{stderr}");
    }
    // a variable that is there and empty is none
    let cicada = Cicada::new().env("LOCUST_BASIC_AUTH", "").serve().await;
    assert_eq!(cicada.status("/stats/requests").await.0, 200);
}
