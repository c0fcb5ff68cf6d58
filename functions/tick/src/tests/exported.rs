//! What the function has exported when it answers, and that it answers in time when nobody takes it.
//! In real time: what exports is threads.

use telemetry::receiver::{Behaviour, Receiver, SpanKind};
use telemetry::{Telemetry, TelemetrySettings};
use tokio::time::Instant;

use super::*;

fn telemetry(receiver: &Receiver) -> Telemetry {
    let settings = TelemetrySettings::read(&|name: &str| match name {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => Some(receiver.endpoint()),
        "AWS_LAMBDA_FUNCTION_NAME" => Some("cicada-test-tick".into()),
        _ => None,
    });
    Telemetry::start(&settings.unwrap().unwrap()).unwrap()
}

async fn stage(behaviour: Behaviour) -> (Stage, Receiver) {
    let receiver = Receiver::start(behaviour).await.unwrap();
    let stage = Stage::plain(Duration::ZERO).await;
    (stage.observed_by(telemetry(&receiver)), receiver)
}

fn event() -> Batch {
    batch(&[message("A", &[0, 1], START), message("B", &[0, 1], START)])
}

#[tokio::test]
async fn when_it_answers_every_span_that_a_target_saw_is_exported() {
    let (stage, receiver) = stage(Behaviour::Takes).await;
    let failures = stage.function.execute(event(), later()).await;
    assert_eq!(failures, Failures::default());
    let spans = receiver.spans();
    let of_kind = |kind| spans.iter().filter(move |(_, span)| span.kind() == kind);
    let id = |bytes: &[u8]| bytes.to_vec();
    let exported: BTreeSet<_> = of_kind(SpanKind::Client)
        .map(|(_, span)| (id(&span.trace_id), id(&span.span_id)))
        .collect();
    let carried = stage.target.carried.lock().unwrap().clone();
    let sent: BTreeSet<_> = carried
        .iter()
        .map(|context| context.expect("every request carries one"))
        .map(|context| (id(&context.trace.to_bytes()), id(&context.span.to_bytes())))
        .collect();
    assert_eq!((stage.seen(), sent.len()), (40, 40));
    assert_eq!(exported, sent);
    let roots: BTreeSet<_> = of_kind(SpanKind::Internal)
        .map(|(_, span)| (id(&span.trace_id), id(&span.span_id)))
        .collect();
    assert_eq!(roots.len(), 40);
    for (process, span) in of_kind(SpanKind::Client) {
        assert!(roots.contains(&(id(&span.trace_id), id(&span.parent_span_id))));
        assert_eq!(process["faas.name"], "cicada-test-tick");
    }
    let metrics = receiver.metrics();
    let names: BTreeSet<_> = metrics
        .iter()
        .map(|(_, metric)| metric.name.as_str())
        .collect();
    assert!(names.contains("http.client.request.duration"), "{names:?}");
}

/// How long a collector that hangs is waited for where there is time.
const WAITED: Duration = Duration::from_secs(2);

/// By how much no machine is late.
const LATE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_collector_that_hangs_takes_two_seconds_once_and_nothing_of_the_traffic() {
    let (stage, _receiver) = stage(Behaviour::Hangs).await;
    let begun = Instant::now();
    stage.function.execute(event(), later()).await;
    // the slot begins in two seconds, and lasts one; a machine that is busy takes longer
    assert!(begun.elapsed() < LATE, "{:?}", begun.elapsed());
    let written: u32 = stage.store.all_records().iter().map(|r| r.requests).sum();
    assert_eq!((stage.seen(), written), (40, 40));
    // whoever waits again waits for two seconds each time, however busy the machine is
    let mut shortest = Duration::MAX;
    for _ in 0..10 {
        let begun = Instant::now();
        stage.function.execute(batch(&[]), later()).await;
        shortest = shortest.min(begun.elapsed());
    }
    assert!(shortest < WAITED, "{shortest:?}");
}

#[tokio::test]
async fn exporting_takes_no_longer_than_the_function_has_left() {
    let left = Duration::from_millis(900);
    let mut shortest = Duration::MAX;
    // one that waits for as long as it may where there is time does so each time
    for _ in 0..10 {
        let (stage, _receiver) = stage(Behaviour::Hangs).await;
        let exporter = stage.function.exporter.clone().unwrap();
        exporter.skipped("A");
        let begun = Instant::now();
        let deadline = stage.clock.now() + left;
        stage.function.execute(batch(&[]), deadline).await;
        let took = begun.elapsed();
        assert!(took >= left - ANSWER_NEEDS, "{took:?}");
        shortest = shortest.min(took);
        if shortest < WAITED - left / 2 {
            return;
        }
    }
    panic!("{shortest:?}");
}
