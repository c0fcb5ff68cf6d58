//! `cicada env`: the variables in force, and no secret.

use super::{folder, stderr, stdout};
use crate::harness::Cicada;

#[tokio::test]
async fn the_variables_in_force_are_printed_without_secrets() {
    let (_folder, workload) = folder();
    let cicada = || {
        Cicada::bare()
            .env("LOCUST_LOCUSTFILE", workload.display().to_string())
            .env("LOCUST_BASIC_AUTH", "demo:hidden")
            .env("SHOP_URL", "http://me:hidden@shop.test:8000")
            .env("TARGET_APP_URL", "http://of-another-workload:8000")
            .env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hidden")
            .env("CICADA_ALLOWED_HOST", "hidden")
    };
    let output = cicada().arg("env").run().await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let printed = stdout(&output);
    for line in [
        "LOCUST_BASIC_AUTH=demo:***",
        "SHOP_URL=http://shop.test:8000",
        "OTEL_EXPORTER_OTLP_HEADERS=***",
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{printed}");
    }
    assert!(
        !printed.contains("hidden") && !printed.contains("TARGET_APP_URL"),
        "{printed}"
    );
    assert_eq!(stderr(&output), "cicada: not read: CICADA_ALLOWED_HOST\n");
    let output = cicada().args("env SHOP_URL").run().await;
    assert_eq!(stdout(&output), "http://shop.test:8000\n");
    let output = cicada().args("env LOCUST_HOST").run().await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output), "cicada: LOCUST_HOST is not set\n");
}

#[tokio::test]
async fn a_workload_that_cannot_be_read_hides_no_other_variable() {
    let cicada = Cicada::bare().env("LOCUST_LOCUSTFILE", "none.toml");
    let output = cicada.arg("env").run().await;
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("LOCUST_LOCUSTFILE=none.toml\n"));
    let said = stderr(&output);
    assert!(
        said.starts_with(
            "cicada: the workload's variables are not known: workload file none.toml cannot"
        ),
        "{said}"
    );
}

#[tokio::test]
async fn a_workloads_variables_are_printed_and_its_secrets_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.toml");
    let source = "hosts.h = 'http://h'\n[class.A]\nwait = 'constant(1)'\n\
        task.t.request = \"/{{ env('PLAN') }}?k={{ secret('SHOP_CODE') }}\"\n";
    std::fs::write(&file, source).unwrap();
    let output = Cicada::bare()
        .env("LOCUST_LOCUSTFILE", file.to_str().unwrap())
        .env("PLAN", "gold")
        .env("SHOP_CODE", "open-sesame")
        .env("OTHER", "x")
        .arg("env")
        .run()
        .await;
    let text = stdout(&output);
    assert!(text.contains("\nPLAN=gold\n"), "{text}");
    assert!(text.contains("\nSHOP_CODE=***\n"), "{text}");
    assert!(
        !text.contains("OTHER") && !text.contains("open-sesame"),
        "{text}"
    );
}
