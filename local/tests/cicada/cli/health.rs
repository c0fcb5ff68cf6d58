//! `cicada health`: exit code 0 where a server is well, 1 and a line where it is not.

use testing::Recorder;

use super::{stderr, stdout};
use crate::harness::Cicada;

#[tokio::test]
async fn a_server_that_is_well_and_one_that_is_gone_are_a_line_each() {
    let serving = Cicada::new().serve().await;
    let url = format!("{}/health", serving.url());
    let ask = Cicada::bare().arg("health").arg(&url);
    let well = format!("well: {url} is cicada {}\n", env!("CARGO_PKG_VERSION"));
    let (page, bare) = (
        serving.url().to_owned(),
        serving.url().replace("http://", ""),
    );
    for address in [&*url, &page, &bare] {
        let output = Cicada::bare().arg("health").arg(address).run().await;
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!((&*stdout(&output), &*stderr(&output)), (&*well, ""));
    }
    // without an address it asks where the same environment would serve
    let port = url.rsplit_once(':').unwrap().1.trim_end_matches("/health");
    let by_port = Cicada::bare().arg("health").env("LOCUST_WEB_PORT", port);
    assert_eq!(by_port.run().await.status.code(), Some(0));
    serving.kill().await;
    let output = ask.run().await;
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(
        said.starts_with(&format!("cicada: {url} does not answer: ")),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[tokio::test]
async fn a_server_that_is_no_cicada_is_not_well() {
    let recorder = Recorder::start().await;
    let output = Cicada::bare().arg("health").arg(recorder.url()).run().await;
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    let begins = format!(
        "cicada: {}/health answers 200, but is no cicada: ",
        recorder.url()
    );
    assert!(said.starts_with(&begins), "{said}");
    // a stand-in is asked by its own program
    let program = env!("CARGO_BIN_EXE_stand-in-targets");
    let mut ask = tokio::process::Command::new(program);
    let output = ask.args(["health", recorder.url()]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        stdout(&output),
        format!("well: {}/health answers\n", recorder.url())
    );
}

#[tokio::test]
async fn what_is_no_address_is_a_line() {
    for (arguments, code) in [("health nowhere", 1), ("health --port 8089", 2)] {
        let output = Cicada::bare().args(arguments).run().await;
        assert_eq!(output.status.code(), Some(code), "{arguments}");
        assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    }
}
