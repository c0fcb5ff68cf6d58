//! The statistics beside Locust's own, for the same requests.
//!
//! Locust gets a log request by request. We get it as records: in random partitions, shuffled and
//! repeated, folded at once or in parts that are merged and saved in between. Both must say the same
//! at every question.

use serde_json::Value;
use statistics::stats::{Limits, Stats};
use traffic::clock::Timestamp;
use traffic::random::Draws;

use self::compare::compare;
use self::log::{Log, Step, random};
use crate::records::{Request, delivered, fold, fold_all, fold_in_parts, partition, stored};

mod by_hand;
mod compare;
mod history;
mod locust;
mod log;
mod tables;

pub(crate) use tables::snapshot;

const RANDOM_LOGS: u64 = 60;

#[test]
fn logs_made_by_hand_say_what_locust_says() {
    check(&by_hand::logs());
}

#[test]
fn random_logs_say_what_locust_says() {
    let logs: Vec<Log> = (0..RANDOM_LOGS).map(random).collect();
    check(&logs);
}

mod soak {
    #[test]
    #[ignore = "minutes: make soak"]
    fn many_random_logs_say_what_locust_says() {
        let logs: Vec<super::Log> = (0..1_000).map(super::random).collect();
        super::check(&logs);
    }
}

fn check(logs: &[Log]) {
    let answers = locust::answers(logs);
    for (number, (log, answers)) in logs.iter().zip(&answers).enumerate() {
        let mut draws = Draws::new(1, "partition", 0, number as u64);
        let asked = log
            .steps
            .iter()
            .filter(|step| matches!(step, Step::Ask { .. } | Step::History(_)));
        assert_eq!(asked.count(), answers.len(), "{}", log.title);
        replay(log, answers, &mut draws);
    }
}

/// Everything that was folded up to some step of a log.
struct Replay {
    since: u64,
    requests: Vec<Request>,
    /// What was folded step by step, and reset where the log says so.
    resumed: Stats,
}

fn replay(log: &Log, answers: &[Value], draws: &mut Draws) {
    let mut state = Replay {
        since: log.start,
        requests: Vec::new(),
        resumed: Stats::new(Timestamp::from_micros(log.start)),
    };
    let mut fresh = 0;
    let mut answers = answers.iter().enumerate();
    for step in &log.steps {
        match step {
            Step::Request(request) => state.requests.push(request.clone()),
            Step::Reset(at) => {
                state.fold_fresh(&mut fresh, draws);
                state.since = *at;
                assert!(
                    state.resumed.reset(Timestamp::from_micros(*at)),
                    "{}",
                    log.title
                );
            }
            Step::Ask { now, name_width } => {
                state.fold_fresh(&mut fresh, draws);
                let (question, locust) = answers.next().expect("counted before");
                let place = format!("{}, question {question}", log.title);
                state.ask(&place, *now, *name_width, locust, draws);
            }
            Step::History(_) => {
                answers.next();
            }
        }
    }
}

impl Replay {
    /// Folds what came since the last time.
    fn fold_fresh(&mut self, fresh: &mut usize, draws: &mut Draws) {
        let records = partition(&self.requests[*fresh..], 3, draws);
        *fresh = self.requests.len();
        for record in stored(delivered(&records, draws)) {
            fold(&mut self.resumed, &record);
        }
    }

    fn ask(&self, place: &str, now: u64, name_width: usize, locust: &Value, draws: &mut Draws) {
        let now = Timestamp::from_micros(now);
        let limits = Limits::default();
        let report = self.resumed.report(now);
        compare(place, &report, locust, name_width);
        let is_exact = |request: &Request| request.response_us.is_multiple_of(125);
        let is_exact = self.requests.iter().all(is_exact);
        tables::compare(place, &self.resumed, now, &locust["csv"], is_exact);
        // most questions come soon after the one before: other partitions of some are enough
        if draws.chance(0.8) {
            return;
        }
        let records = partition(&self.requests, 1 + draws.below(8), draws);
        let records = stored(delivered(&records, draws));
        let at_once = fold_all(self.since, &records, limits);
        let in_parts = fold_in_parts(self.since, &records, limits, draws);
        let saved = without_peaks(&self.resumed);
        for stats in [at_once, in_parts] {
            assert_eq!(stats.report(now), report, "{place}");
            assert_eq!(without_peaks(&stats), saved, "{place}");
        }
    }
}

/// A checkpoint without the peaks of grown intervals, the one thing that the order of folding makes a difference to.
fn without_peaks(stats: &Stats) -> Vec<u8> {
    let grown = Stats::decode(&stats.encode(), Limits::default());
    let grown = grown.expect("a checkpoint of our own");
    grown.without_peaks().encode()
}
