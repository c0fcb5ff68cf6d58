//! How often a headless run prints its statistics, and what it leaves out when told so.

use testing::Recorder;
use tokio::time::Instant;

use super::{folder, headless, stderr};

const REQUESTS: &str = "# reqs      # fails";

#[tokio::test(flavor = "multi_thread")]
async fn statistics_are_printed_every_two_seconds_unless_only_the_summary_is_wanted() {
    let (_folder, workload) = folder();
    let recorder = Recorder::start().await;
    let run = || headless(&workload, &recorder).args("-t 4 Paced Broken -u 2");
    let began = Instant::now();
    let (all, by_flag, by_variable) = (
        run(),
        run().arg("--only-summary"),
        run().env("LOCUST_ONLY_SUMMARY", "true"),
    );
    let (all, by_flag, by_variable) = tokio::join!(all.run(), by_flag.run(), by_variable.run());
    let most = began.elapsed().as_secs() as usize / 2 + 1;

    let tables = stderr(&all).matches(REQUESTS).count() - 1;
    assert!(
        tables >= 3 && tables <= most,
        "{tables} of at most {most}: {}",
        stderr(&all)
    );
    for output in [by_flag, by_variable] {
        let text = stderr(&output);
        assert_eq!(text.matches(REQUESTS).count(), 1, "{text}");
        let parts = [
            "Type     Name",
            "Response time percentiles",
            "Error report",
            "Ledger: ",
        ];
        let at = parts.map(|part| {
            text.find(part)
                .unwrap_or_else(|| panic!("no {part}: {text}"))
        });
        assert!(at.is_sorted(), "{text}");
    }
}
