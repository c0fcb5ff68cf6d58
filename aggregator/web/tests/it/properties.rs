//! What holds for every log: nothing depends on order or partition, and nothing is lost.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use statistics::report::{Report, page_rows};
use statistics::stats::checkpoint::CheckpointError;
use statistics::stats::{Limits, OTHER_ERRORS, OTHER_NAMES, Stats};
use traffic::clock::Timestamp;
use traffic::random::Draws;
use traffic::record::{Bucket, ExceptionEntry};

use crate::records::{Request, delivered, fold, fold_all, fold_in_parts, partition, stored};
use crate::records::{record, record_with};

const START: u64 = 1_735_689_600_000_000;

/// So small that everything exceeds them.
const TIGHT: Limits = Limits {
    names: 3,
    errors: 3,
    exceptions: 2,
    custom_metrics: 2,
    histories: 3,
    name_chars: 3,
    error_chars: 4,
    traceback_chars: 5,
};

prop_compose! {
    fn request()(
        at in prop_oneof![0..3_000_000_u64, 0..90_000_000_u64],
        method in "GET|PUT|",
        name in "[a-d]{0,2}|[äö]{2,5}",
        response_us in prop_oneof![0..200_u64, 0..200_000_u64, 0..400_000_000_u64, any::<u64>()],
        content_length in prop_oneof![0..5_000_u64, any::<u64>()],
        error in proptest::option::of("no|[x-z]{1,6}"),
    ) -> Request {
        Request { at: START + at, method, name, response_us, content_length, error }
    }
}

fn log() -> impl Strategy<Value = Vec<Request>> {
    vec(request(), 0..60)
}

fn limits() -> impl Strategy<Value = Limits> {
    prop_oneof![Just(TIGHT), Just(Limits::default())]
}

fn end() -> Timestamp {
    Timestamp::from_micros(START + 90_000_000)
}

fn folded(log: &[Request], limits: Limits) -> Stats {
    let records = partition(log, 1, &mut Draws::new(0, "one", 0, 0));
    fold_all(START, &records, limits)
}

fn merged(one: &Stats, other: &Stats) -> Stats {
    let mut both = one.clone();
    both.merge(other);
    both
}

proptest! {
    #[test]
    fn order_repetition_and_partition_change_nothing(
        log in log(), limits in limits(), seed in any::<u64>()
    ) {
        let mut draws = Draws::new(seed, "partition", 0, 0);
        let expected = folded(&log, limits);
        let records = partition(&log, 4, &mut draws);
        let records = stored(delivered(&records, &mut draws));
        let stats = fold_in_parts(START, &records, limits, &mut draws);
        prop_assert_eq!(stats.encode(), expected.encode());
        prop_assert_eq!(stats.report(end()), expected.report(end()));
    }

    #[test]
    fn an_error_leads_to_the_latest_trace_that_it_has(log in log()) {
        let mut latest = BTreeMap::new();
        for request in log.iter().filter(|request| request.trace().is_some()) {
            let Some(error) = request.error.as_deref() else { continue };
            let key = (request.name.as_str(), request.method.as_str(), error);
            let this = (request.at, request.trace());
            let latest = latest.entry(key).or_insert(this);
            *latest = this.max(*latest);
        }
        for error in folded(&log, Limits::default()).report(end()).errors {
            let expected = latest.get(&(&*error.name, &*error.method, &*error.error));
            prop_assert_eq!(error.trace_id, expected.and_then(|(_, trace)| *trace));
        }
    }

    #[test]
    fn merging_is_associative_and_commutative(
        parts in [log(), log(), log()], limits in limits()
    ) {
        let [a, b, c] = parts.map(|log| folded(&log, limits));
        prop_assert_eq!(merged(&a, &b).encode(), merged(&b, &a).encode());
        let left = merged(&merged(&a, &b), &c);
        let right = merged(&a, &merged(&b, &c));
        prop_assert_eq!(left.encode(), right.encode());
        prop_assert_eq!(left.report(end()), right.report(end()));
    }

    #[test]
    fn a_checkpoint_keeps_everything(log in log(), more in log(), limits in limits()) {
        let stats = folded(&log, limits);
        let read = Stats::decode(&stats.encode(), limits).expect("a checkpoint of our own");
        prop_assert_eq!(read.encode(), stats.encode());
        prop_assert_eq!(read.report(end()), stats.report(end()));
        let more = folded(&more, limits);
        prop_assert_eq!(merged(&read, &more).encode(), merged(&stats, &more).encode());
    }

    #[test]
    fn what_exceeds_the_limits_is_counted(log in log()) {
        let report = folded(&log, TIGHT).report(end());
        nothing_is_lost(&report, &log);
        let names: BTreeSet<(String, &str)> = log
            .iter()
            .map(|request| (short(&request.name), request.method.as_str()))
            .collect();
        let kept: Vec<_> = names.iter().take(TIGHT.names).cloned().collect();
        let shown: Vec<(String, &str)> = report
            .rows
            .iter()
            .filter(|row| &*row.name != OTHER_NAMES)
            .map(|row| (row.name.to_string(), &*row.method))
            .collect();
        prop_assert_eq!(shown, kept);
        prop_assert_eq!(report.rows.len(), names.len().min(TIGHT.names + 1));
        prop_assert!(report.errors.len() <= TIGHT.errors + 1);
    }

    #[test]
    fn a_reset_leaves_rows_with_zeros(
        before in log(), after in log(), limits in limits(), seed in any::<u64>()
    ) {
        let at = START + 100_000_000;
        let later = after.iter().cloned().map(|request| Request { at: request.at + 100_000_000, ..request });
        let after: Vec<Request> = later.collect();
        let mut resumed = folded(&before, limits);
        prop_assert!(resumed.reset(Timestamp::from_micros(at)));
        let rows = resumed.report(end()).rows;
        prop_assert!(rows.iter().all(|row| row.num_requests == 0));
        let mut draws = Draws::new(seed, "partition", 0, 0);
        for record in partition(&after, 3, &mut draws) {
            fold(&mut resumed, &record);
        }
        let all: Vec<Request> = before.into_iter().chain(after).collect();
        let records = partition(&all, 3, &mut draws);
        let anew = fold_in_parts(at, &stored(delivered(&records, &mut draws)), limits, &mut draws);
        prop_assert_eq!(resumed.encode(), anew.encode());
    }

    #[test]
    fn arbitrary_bytes_are_no_checkpoint_and_no_panic(bytes in vec(any::<u8>(), 0..300)) {
        read_anything(&bytes);
    }

    #[test]
    fn a_damaged_checkpoint_is_no_panic(
        log in log(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = folded(&log, Limits::default()).encode();
        let cut = &bytes[..length.index(bytes.len())];
        prop_assert!(Stats::decode(cut, Limits::default()).is_err());
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        read_anything(&bytes);
    }
}

fn short(name: &str) -> String {
    if name.chars().count() <= TIGHT.name_chars {
        return name.to_owned();
    }
    name.chars()
        .take(TIGHT.name_chars - 1)
        .chain(['…'])
        .collect()
}

fn nothing_is_lost(report: &Report, log: &[Request]) {
    let failures = log.iter().filter(|request| request.error.is_some()).count() as u64;
    assert_eq!(report.total.num_requests, log.len() as u64);
    assert_eq!(report.total.num_failures, failures);
    let requests: u64 = report.rows.iter().map(|row| row.num_requests).sum();
    assert_eq!(requests, log.len() as u64);
    let occurrences: u64 = report.errors.iter().map(|error| error.occurrences).sum();
    assert_eq!(occurrences, failures);
}

/// Whatever can be read can also be shown, merged and written.
fn read_anything(bytes: &[u8]) {
    let Ok(stats) = Stats::decode(bytes, TIGHT) else {
        return;
    };
    let twice = merged(&stats, &stats);
    for now in [0, START, u64::MAX] {
        let _ = twice.report(Timestamp::from_micros(now));
    }
    let read = Stats::decode(&twice.encode(), TIGHT).expect("a checkpoint of our own");
    assert_eq!(read.encode(), twice.encode());
}

fn get(at: u64, name: &str) -> Request {
    Request {
        at,
        method: "GET".to_owned(),
        name: name.to_owned(),
        response_us: 1_000 + at % 77_777_777,
        content_length: 10,
        error: None,
    }
}

#[test]
fn a_checkpoint_of_another_version_says_so() {
    let mut bytes = Stats::new(Timestamp::from_micros(START)).encode();
    for version in [0, 2, 9] {
        bytes[0] = version;
        let error = Stats::decode(&bytes, Limits::default()).expect_err("it is another");
        assert_eq!(error, CheckpointError::Version(version));
    }
    let error = Stats::decode(&[], Limits::default()).expect_err("it is empty");
    assert_eq!(
        error.to_string(),
        "checkpoint cannot be read (it is empty): fold the records again"
    );
}

#[test]
fn a_reset_that_cannot_be_told_apart_changes_nothing() {
    let mut stats = folded(&[get(START + 5_000_000, "/")], TIGHT);
    let before = stats.encode();
    assert!(!stats.reset(Timestamp::from_micros(START + 5_000_000)));
    assert_eq!(stats.encode(), before);
    assert!(stats.reset(Timestamp::from_micros(START + 5_000_001)));
    assert_eq!(stats.report(end()).total.num_requests, 0);
}

#[test]
fn a_week_takes_no_more_room_than_a_day() {
    take_no_more_room(7);
}

mod soak {
    #[test]
    #[ignore = "minutes: make soak"]
    fn a_month_takes_no_more_room_than_a_day() {
        super::take_no_more_room(30);
    }
}

fn take_no_more_room(days: u64) {
    const DAY: u64 = 86_400_000_000;
    let names: Vec<String> = (0..20).map(|number| format!("/name/{number}")).collect();
    let mut stats = Stats::new(Timestamp::from_micros(START));
    let mut sizes = Vec::new();
    for day in 0..days {
        for minute in 0..1_440 {
            let at = START + day * DAY + minute * 60_000_000;
            let requests: Vec<Request> = names.iter().map(|name| get(at, name)).collect();
            let requests: Vec<&Request> = requests.iter().collect();
            fold(
                &mut stats,
                &record(Bucket::of(Timestamp::from_micros(at)), 0, &requests),
            );
        }
        sizes.push(stats.encode().len());
    }
    // counts have a digit more, and old intervals are half as many as those of the first day
    let [first, half, last] = [0, days / 2, days - 1].map(|day| sizes[day as usize]);
    assert!(last < first * 3, "{sizes:?}");
    assert!(last < half + half / 4, "{sizes:?}");
    let requests = stats.report(end()).total.num_requests;
    assert_eq!(requests, days * 1_440 * 20);
}

#[test]
fn a_checkpoint_of_500_rows_fits_in_an_item_of_the_store() {
    let limits = Limits::for_paid_writes();
    let mut stats = Stats::with_limits(Timestamp::from_micros(START), limits);
    let names: Vec<String> = (0..500)
        .map(|number| format!("/a/name/of/the/usual/length/{number}"))
        .collect();
    for number in 0..200_000 {
        let mut request = get(START + number * 100, &names[number as usize % 500]);
        // from a millisecond to a minute, evenly by magnitude, on every row
        let magnitude = (number / 500 % 400) as f64 / 400.0;
        request.response_us = (1_000.0 * 60_000_f64.powf(magnitude)) as u64;
        request.error = (number % 500 == 3).then(|| format!("error {}", number % 1_000));
        let bucket = Bucket::of(Timestamp::from_micros(request.at));
        fold(&mut stats, &record(bucket, number, &[&request]));
    }
    let size = stats.encode().len();
    assert!(size < 260_000, "{size} bytes");
}

#[test]
fn rows_beyond_the_page_keep_the_row_that_counts_the_rest() {
    let limits = Limits {
        names: 600,
        ..Limits::default()
    };
    let log: Vec<Request> = (0..700)
        .map(|number| get(START + number, &format!("${number:03}")))
        .collect();
    let report = folded(&log, limits).report(end());
    assert_eq!(report.rows.len(), 601);
    let page = page_rows(report.rows, report.total);
    assert_eq!(page.len(), 501);
    // "$" sorts before "(": the row is beyond the page, and shown all the same
    assert_eq!(&*page[498].name, "$498");
    assert_eq!(&*page[499].name, OTHER_NAMES);
    assert_eq!(page[499].num_requests, 100);
    assert_eq!(&*page[500].name, "Aggregated");
    assert_eq!(page[500].num_requests, 700);
}

#[test]
fn errors_beyond_the_limit_are_one_error() {
    let log: Vec<Request> = (0..10)
        .map(|number| Request {
            error: Some(format!("{number}")),
            ..get(START + number, "/")
        })
        .collect();
    let errors = folded(&log, TIGHT).report(end()).errors;
    let counted: Vec<(&str, u64)> = errors
        .iter()
        .map(|error| (&*error.error, error.occurrences))
        .collect();
    assert_eq!(counted, [("0", 1), ("1", 1), ("2", 1), (OTHER_ERRORS, 7)]);
    assert_eq!(errors[3].last_seen, (START + 9) as f64 / 1e6);
}

#[test]
fn exceptions_are_added_up_until_a_reset() {
    let exception = |message: &str, count| ExceptionEntry {
        message: message.into(),
        traceback: "line 3".into(),
        count,
    };
    let bucket = Bucket::of(Timestamp::from_micros(START));
    let mut stats = Stats::new(Timestamp::from_micros(START));
    for (writer, message, count) in [(0, "b", 2), (1, "a", 1), (2, "b", 5)] {
        let exceptions = vec![exception(message, count)];
        fold(&mut stats, &record_with(bucket, writer, &[], exceptions));
    }
    let counted: Vec<_> = stats.exceptions().collect();
    assert_eq!(counted, [("a", "line 3", 1), ("b", "line 3", 7)]);
    assert!(stats.reset(bucket.end()));
    fold(
        &mut stats,
        &record_with(bucket, 3, &[], vec![exception("b", 1)]),
    );
    assert_eq!(
        stats.exceptions().count(),
        0,
        "its bucket lies before the reset"
    );
}
