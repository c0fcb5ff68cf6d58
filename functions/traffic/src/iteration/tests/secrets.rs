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

#[tokio::test(start_paused = true)]
async fn a_metric_that_cannot_be_evaluated_is_told_without_the_secret_and_fails_nothing() {
    let scene = Scene::new(
        "[[class.A.task.t.request]]\npath = \"/\"\nmetric = [\n\
         { name = \"Keys\", value = \"[secret('KEY')][0]\" },\n\
         { name = \"More\", value = \"{secret('KEY'): 1}[secret('KEY') ~ 's'].more\" },\n\
         { name = \"Seen\", value = 2, when = \"status == 200\" } ]\n",
        &[],
    );
    assert_eq!(scene.iterate(0).await, Fate::Done);
    scene.journal.flush().await;
    let records = scene.journal.store.all_records();
    let decoded = Decoded::read(&records[0].payload, records[0].key.slot).unwrap();
    let contents = decoded.to_contents();
    let outcome = &contents.outcomes[0];
    assert_eq!(outcome.error, None);
    let values = outcome.measured.iter();
    let values: Vec<_> = values
        .map(|one| (&*one.metric.name, one.amount.map(|amount| amount.number())))
        .collect();
    assert_eq!(
        values,
        [("Keys", None), ("More", None), ("Seen", Some(2.0))]
    );
    let said = format!("{:?}", contents.exceptions);
    assert!(
        said.contains("the metric Keys: the value is no number, but string"),
        "{said}"
    );
    assert!(said.contains("the metric More: "), "{said}");
    assert!(!said.contains("sesame"), "{said}");
}
