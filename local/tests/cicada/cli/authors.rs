//! The commands for people who write workloads: `init`, `workload` and `import`.

use std::path::Path;

use serde_json::{Value, json};

use super::{stderr, stdout};
use crate::harness::{Cicada, targets};

fn cicada(folder: &Path, line: &str) -> Cicada {
    Cicada::bare().within(folder).args(line)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_init_writes_is_valid_runs_against_the_stand_ins_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let said = stdout(&cicada(folder, "init shop").run().await);
    assert!(said.contains("cicada -f shop.toml --check"), "{said}");
    let text = std::fs::read_to_string(folder.join("shop.toml")).unwrap();
    assert!(
        text.starts_with("#:schema ./workload.schema.json\n"),
        "{text}"
    );
    let schema = std::fs::read_to_string(folder.join("workload.schema.json")).unwrap();
    assert_eq!(
        stdout(&cicada(folder, "workload --schema").run().await),
        schema
    );
    let checked = stdout(&cicada(folder, "-f shop.toml --check").run().await);
    assert!(checked.starts_with("The workload is valid"), "{checked}");
    let targets = targets(0.0).await;
    let run = cicada(folder, "-f shop.toml --headless -u 10 -r 100 -t 4s").at(&targets);
    let run = run.run().await;
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    // what somebody has written since stays
    std::fs::write(folder.join("shop.toml"), "mine").unwrap();
    let again = cicada(folder, "init shop.toml").run().await;
    assert_eq!(again.status.code(), Some(2));
    assert_eq!(
        stderr(&again),
        "cicada: shop.toml is there already: choose another name, or delete it\n"
    );
    assert_eq!(
        std::fs::read_to_string(folder.join("shop.toml")).unwrap(),
        "mine"
    );
    std::fs::write(folder.join("workload.schema.json"), "{}").unwrap();
    let other = cicada(folder, "init other").run().await;
    assert!(
        stderr(&other).contains("no schema of workloads: rename it"),
        "{}",
        stderr(&other)
    );
    assert!(!folder.join("other.toml").exists());
    let nowhere = cicada(folder, "init no/where").run().await;
    assert_eq!(nowhere.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workload_in_force_is_printed_letter_by_letter() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let built_in = include_str!("../../../../functions/traffic/workloads/default.toml");
    assert_eq!(stdout(&cicada(folder, "workload").run().await), built_in);
    stdout(&cicada(folder, "init mine").run().await);
    let mine = std::fs::read_to_string(folder.join("mine.toml")).unwrap();
    assert_eq!(
        stdout(&cicada(folder, "workload -f mine.toml").run().await),
        mine
    );
    let by_variable = cicada(folder, "workload").env("LOCUST_LOCUSTFILE", "mine.toml");
    assert_eq!(stdout(&by_variable.run().await), mine);
    std::fs::write(folder.join("locust.conf"), "locustfile = mine.toml\n").unwrap();
    assert_eq!(stdout(&cicada(folder, "workload").run().await), mine);
    std::fs::remove_file(folder.join("locust.conf")).unwrap();
    // what was put is in force where its database is
    let db = folder.join("cicada.db");
    let serving = Cicada::new().within(folder).db(&db).serve().await;
    let put = "[hosts]\nh = 'http://127.0.0.1:9'\n[class.Put]\nwait = 'constant(1)'\ntask.t.request = 'GET /'\n";
    assert_eq!(serving.send("PUT", "/workload", put).await.0, 200);
    serving.terminate().await;
    assert_eq!(
        stdout(&cicada(folder, "workload --db cicada.db").run().await),
        put
    );
    assert_eq!(
        stdout(
            &cicada(folder, "workload --db cicada.db -f mine.toml")
                .run()
                .await
        ),
        mine
    );
    std::fs::write(folder.join("mine.toml"), "[class]\n").unwrap();
    let wrong = cicada(folder, "workload -f mine.toml").run().await;
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("mine.toml"), "{}", stderr(&wrong));
}

fn recording(url: &str) -> Value {
    let entry = |method: &str, path: &str, media: &str, body: Option<&str>| {
        let data = body.map(|text| json!({ "mimeType": "application/json", "text": text }));
        json!({
            "request": { "method": method, "url": format!("{url}{path}"), "headers": [], "postData": data },
            "response": { "status": 200, "headers": [], "content": { "mimeType": media } },
        })
    };
    let order = r#"{"product":"mug","amount":12.5}"#;
    json!({ "log": { "entries": [
        entry("GET", "/products", "application/json", None),
        entry("GET", "/logo.png", "image/png", None),
        entry("POST", "/orders", "application/json", Some(order)),
    ] } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_becomes_a_workload_that_sends_what_was_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let targets = targets(0.0).await;
    std::fs::write(
        folder.join("a.har"),
        recording(&targets.target_app_url()).to_string(),
    )
    .unwrap();
    let printed = stdout(&cicada(folder, "import a.har").run().await);
    assert!(printed.contains("[class.Visitor]"), "{printed}");
    stdout(
        &cicada(folder, "import a.har -o a.toml --class Buyer")
            .run()
            .await,
    );
    let run = cicada(folder, "-f a.toml --headless -u 3 -r 100 -t 2s --json")
        .run()
        .await;
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    let rows: Value = serde_json::from_slice(&run.stdout).unwrap();
    let names: Vec<&str> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["GET /products", "POST /orders"]);

    let said = async |line: &str| {
        let output = cicada(folder, line).run().await;
        assert_eq!(output.status.code(), Some(2), "{line}");
        stderr(&output)
    };
    std::fs::write(
        folder.join("cut.har"),
        &recording("http://a").to_string()[..100],
    )
    .unwrap();
    std::fs::write(folder.join("bytes.har"), [0xff, 0xfe, 0]).unwrap();
    assert!(said("import cut.har").await.contains("export it anew"));
    assert!(said("import bytes.har").await.contains("is not UTF-8"));
    assert!(
        said("import none.har")
            .await
            .contains("none.har cannot be read")
    );
    assert!(
        said("import a.har --hosts nowhere.test")
            .await
            .contains("choose others with")
    );
    assert!(
        said("import a.har --class {{")
            .await
            .contains("is no name for a class")
    );
}
