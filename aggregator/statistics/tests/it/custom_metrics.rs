//! Custom metrics in the statistics: the same in any order and partition, from any number of processes, kept in
//! checkpoints, and begun anew by a reset.

use std::sync::Arc;
use std::time::Duration;

use statistics::custom_metrics::{MetricFigures, figures};
use statistics::stats::{Limits, Stats};
use traffic::custom_metric::{Amount, CustomMetric, MetricKind};
use traffic::ports::RecordStore as _;
use traffic::record::wire::Contents;
use traffic::record::{Measured, Outcome, RequestName};

use crate::folded::folded;
use crate::scene::{START, Scene};

/// A metric's name, kind and unit.
type Metric = (&'static str, MetricKind, &'static str);

const CREATED: Metric = ("Orders/Created", MetricKind::Counter, "");
const TOTAL: Metric = ("Orders/Total", MetricKind::Histogram, "EUR");

fn outcome(after_ms: u64, values: &[(Metric, Option<f64>)]) -> Outcome {
    let measured = values.iter().map(|&((name, kind, unit), value)| Measured {
        metric: Arc::new(CustomMetric {
            name: name.into(),
            kind,
            unit: unit.into(),
        }),
        amount: value.and_then(Amount::of),
    });
    Outcome {
        request: Arc::new(RequestName {
            method: "POST".into(),
            name: "order".into(),
        }),
        completed_at: START.full_second() + Duration::from_millis(after_ms),
        response_time: Duration::from_millis(2),
        content_length: 7,
        error: None,
        trace: None,
        lateness: None,
        cold: false,
        stream: None,
        measured: measured.collect(),
    }
}

fn all() -> Vec<Outcome> {
    vec![
        outcome(100, &[(CREATED, Some(1.0)), (TOTAL, Some(0.1))]),
        outcome(200, &[(CREATED, Some(1.0)), (TOTAL, Some(0.2))]),
        outcome(2_300, &[(TOTAL, None)]),
        outcome(2_400, &[(CREATED, Some(1.0)), (TOTAL, Some(129.9))]),
        outcome(2_500, &[]),
    ]
}

#[test]
fn every_order_and_partition_gives_the_same_and_a_checkpoint_keeps_it() {
    let (all, since) = (all(), START.full_second());
    let whole = folded(START, since, &[&all]);
    for at in 0..=all.len() {
        let (one, other) = all.split_at(at);
        assert_eq!(folded(START, since, &[other, one]).encode(), whole.encode());
        let mut merged = folded(START, since, &[one]);
        merged.merge(&folded(START, since, &[other]));
        assert_eq!(merged.encode(), whole.encode());
    }
    let read = Stats::decode(&whole.encode(), Limits::default()).unwrap();
    assert_eq!(read.encode(), whole.encode());
    let total = read
        .custom_metrics()
        .get(["Orders/Total", "histogram", "EUR"]);
    let sum = total.unwrap().sum;
    assert_eq!((sum.count, sum.errors, sum.total), (3, 1, 130_200_000));
}

#[test]
fn a_reset_keeps_the_names_and_forgets_the_values() {
    let since = START.full_second() + Duration::from_secs(1);
    let anew = folded(START, since, &[&all()]);
    let mut reset = folded(START, START.full_second(), &[&all()[..2]]);
    assert!(reset.reset(since));
    reset.merge(&folded(START, since, &[&all()[2..]]));
    assert_eq!(reset.encode(), anew.encode());
    let counts = anew.custom_metrics().iter();
    let counts: Vec<_> = counts
        .map(|([name, ..], values)| (name, values.sum.count, values.sum.errors))
        .collect();
    assert_eq!(counts, [("Orders/Created", 1, 0), ("Orders/Total", 1, 1)]);
    let all_before = folded(
        START,
        START.full_second() + Duration::from_secs(9),
        &[&all()],
    );
    let total = all_before
        .custom_metrics()
        .get(["Orders/Total", "histogram", "EUR"]);
    assert_eq!(total.unwrap().sum.count, 0, "its name alone is there");
}

#[tokio::test(start_paused = true)]
async fn processes_that_write_the_same_metric_are_added_up_late_and_by_whoever_reads() {
    let scene = Scene::new(&[("Shopper", "constant_pacing(1)", 2, 4)], 20).await;
    scene.at(4.0).await;
    let told = scene.all_done(START).remove(0);
    let record = |writer, outcomes: &[Outcome]| {
        let mut contents = Contents {
            outcomes: outcomes.to_vec(),
            ..Contents::default()
        };
        let mut key = scene.key(&told);
        key.writer = writer;
        contents.record(key)
    };
    let (one, other) = (record(1, &all()), record(2, &all()[..2]));
    scene.store.put_record(one.clone()).await.unwrap();
    let reader = scene.reader();
    assert_eq!(
        counted(&figures(&reader.snapshot().await.unwrap())),
        [(3, 0, 3.0), (3, 1, 130.2)]
    );
    // late, and once more
    scene.at(12.0).await;
    scene.store.put_record(other).await.unwrap();
    scene.store.put_record(one).await.unwrap();
    scene.at(13.0).await;
    for reader in [reader, scene.reader()] {
        let figures = figures(&reader.snapshot().await.unwrap());
        assert_eq!(counted(&figures), [(5, 0, 5.0), (5, 1, 130.5)]);
        let [created, total] = &figures[..] else {
            panic!("{figures:?}");
        };
        assert_eq!((created.median, created.per_second), (None, 2.0));
        assert_eq!((total.min, total.max), (Some(0.1), Some(129.9)));
        assert_eq!(
            (total.median, total.percentile_99),
            (Some(0.2), Some(129.9))
        );
    }
}

fn counted(figures: &[MetricFigures]) -> Vec<(u64, u64, f64)> {
    let counted = figures.iter();
    counted.map(|of| (of.count, of.errors, of.total)).collect()
}
