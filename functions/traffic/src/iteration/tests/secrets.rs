//! A workload's secrets reach the target, and are in nothing that an iteration leaves behind.

use super::*;

const KEY: &str = "open sesame";

const REQUESTS: &str = "[[class.A.task.t.request]]\nname = \"echo\"\n\
     path = \"/echo?key={{ secret('KEY') | urlencode }}\"\nheaders = { X-Key = \"{{ secret('KEY') }}\" }\n\
     [[class.A.task.t.request]]\nname = \"judged\"\npath = \"/judged\"\nexpect = \"[secret('KEY')].key == 1\"\n\
     failure = \"{{ secret('KEY') }}\"\n";

/// The variables of the tests' workloads.
pub(super) fn variables(name: &str) -> Option<String> {
    match name {
        crate::workload::WORKLOAD_ENV => Some("KEY".to_owned()),
        "KEY" => Some(KEY.to_owned()),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_sent_and_is_in_no_record_and_no_span() {
    let scene = Scene::new(REQUESTS, &[]);
    assert_eq!(scene.iterate(0).await, Fate::Done);
    assert_eq!(scene.target.got.lock()[0]["x-key"], KEY);

    let errors: Vec<_> = scene.recorded().await;
    assert_eq!(errors[0].0.as_deref(), Some("refused: ***"));
    let records = scene.journal.store.all_records();
    for form in [KEY, "open%20sesame", "sesame"] {
        let holds = |payload: &[u8]| {
            payload
                .windows(form.len())
                .any(|part| part == form.as_bytes())
        };
        assert!(
            !records.iter().any(|record| holds(&record.payload)),
            "{form}"
        );
    }
    let told = format!("{:?}{:?}", scene.told_requests(), scene.told_iterations());
    assert!(told.contains("***") && !told.contains("sesame"), "{told}");
    let urls = scene.notebook.urls.lock();
    assert_eq!(urls[0], "http://127.0.0.1:9/echo?key=***");
}
