//! The variables that a workload reads: those of whoever starts the program with its file, and for one that others put
//! only those that are given to workloads. A secret is shown nowhere.

use std::path::PathBuf;

use crate::harness::{Cicada, targets};

/// A workload that reads one variable, sent to the stand-ins.
fn reading(call: &str) -> String {
    format!(
        "[hosts.shop]\nurl = \"http://127.0.0.1:8000\"\nenv = \"TARGET_APP_URL\"\n\
         [class.Shopper]\nwait = \"constant_pacing(1)\"\n[class.Shopper.task.look.request]\nname = \"look\"\n\
         path = \"/{{{{ {call} }}}}\"\nexpect = \"false\"\nfailure = \"{{{{ {call} }}}} is not there\"\n"
    )
}

fn file(source: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.toml");
    std::fs::write(&file, source).unwrap();
    (folder, file)
}

#[tokio::test]
async fn a_variable_that_is_not_set_is_found_by_check() {
    let (_folder, file) = file(&reading("env('SHOP_PAGE')"));
    let unset = Cicada::bare().file(&file).args("--check").run().await;
    let said = String::from_utf8(unset.stderr).unwrap();
    assert_eq!(unset.status.code(), Some(2), "{said}");
    assert!(
        said.contains("the environment variable SHOP_PAGE is not set here"),
        "{said}"
    );
    let set = Cicada::bare().file(&file).env("SHOP_PAGE", "health");
    assert_eq!(set.args("--check").run().await.status.code(), Some(0));
}

#[tokio::test]
async fn a_workload_that_is_put_reads_only_variables_that_are_given_to_workloads() {
    let (_folder, file) = file(&reading("env('SHOP_PAGE')"));
    let serving = Cicada::new()
        .file(&file)
        .env("SHOP_PAGE", "health")
        .env("GIVEN", "health")
        .env("PRIVATE", "of the machine")
        .env("CICADA_WORKLOAD_ENV", "GIVEN")
        .serve()
        .await;
    for (name, status) in [
        ("SHOP_PAGE", 200),
        ("GIVEN", 200),
        ("PRIVATE", 422),
        ("PATH", 422),
    ] {
        let source = reading(&format!("env('{name}')"));
        let (answered, answer) = serving.send("PUT", "/workload", &source).await;
        assert_eq!(answered, status, "{name}: {answer}");
        let said = answer.to_string();
        assert_eq!(
            said.contains("is not given to workloads here"),
            status == 422,
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_secret_is_in_no_statistics_and_no_log() {
    let (_folder, file) = file(&reading("secret('SHOP_KEY')"));
    let targets = targets(0.0).await;
    let output = Cicada::bare()
        .file(&file)
        .at(&targets)
        .env("SHOP_KEY", "open-sesame")
        .args("--headless -u 1 -r 1 -t 2 --loglevel DEBUG --json")
        .run()
        .await;
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    let said = said.concat();
    assert!(said.contains("*** is not there"), "{said}");
    assert!(!said.contains("open-sesame"), "{said}");
}
