//! Locust's statistics, folded from records.
//!
//! [`Stats`] is what remains of any number of records: counters, histograms and the latest seconds in
//! detail. It is the same for every order and every partition of the records, and a month of traffic
//! takes no more room than a minute. Reading a record once is the reader's part; figures and their
//! JSON are [`crate::report`]'s.

use std::ops::Range;

use hashbrown::HashMap;
use traffic::clock::{SLOT_MICROS, Timestamp};
use traffic::record::Bucket;
use traffic::record::wire::{Decoded, OutcomeEntry};

use self::custom_metrics::MetricValues;
use self::entry::{Entry, Occurrences, Sum};
use self::histogram::{Histogram, key_of};
use self::history::Passed;
use self::seconds::Ring;
use self::smallest_keys::{Merge, SmallestKeys};
use self::text::{cut, without_address};
use crate::ageing_series::{AgeingSeries, Fine};

pub mod checkpoint;
pub mod custom_metrics;
pub mod entry;
pub mod histogram;
pub(crate) mod history;
pub mod seconds;
pub mod smallest_keys;
pub mod streams;
mod text;
pub mod totals;

/// Seconds of all requests' response times that are kept: current percentiles look 18 s back.
const RECENT_SECONDS: usize = 32;

/// How much the statistics may hold, whatever the targets and workloads come up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Distinct (method, name); further ones are counted in one row, [`OTHER_NAMES`].
    pub names: usize,
    /// Distinct (method, name, error); further ones are counted in one, [`OTHER_ERRORS`].
    pub errors: usize,
    /// Distinct (message, traceback); further ones are counted in one, [`OTHER_EXCEPTIONS`].
    pub exceptions: usize,
    /// Distinct custom metrics, by name, kind and unit; further ones are counted in one, [`OTHER_METRICS`].
    pub custom_metrics: usize,
    /// Distinct (method, name) with a history of their own; further ones share one.
    pub histories: usize,
    /// Characters of a method or name.
    pub name_chars: usize,
    /// Characters of an error text or an exception's message.
    pub error_chars: usize,
    /// Characters of a traceback.
    pub traceback_chars: usize,
}

/// Where a request is counted: the slots of its row and of its past.
#[derive(Clone, Copy, Debug)]
struct Slots {
    row: usize,
    series: usize,
}

/// The requests of the record before, and where they are counted. Ticks of a class name the same requests.
#[derive(Clone, Debug, Default)]
struct Latest {
    requests: Vec<(Box<str>, Box<str>)>,
    slots: Vec<Slots>,
    evictions: u64,
}

impl Latest {
    fn is_of(&self, requests: &[(&str, &str)], evictions: u64) -> bool {
        let own = self.requests.iter();
        let own = own.map(|(method, name)| (&**method, &**name));
        self.evictions == evictions && own.eq(requests.iter().copied())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            names: 2_000,
            errors: 1_000,
            exceptions: 200,
            custom_metrics: 64,
            histories: 50,
            name_chars: 200,
            error_chars: 500,
            traceback_chars: 2_000,
        }
    }
}

impl Limits {
    /// For a store whose writes are paid for by the kilobyte: only all rows together have a history.
    pub fn for_paid_writes() -> Self {
        Self {
            histories: 0,
            ..Self::default()
        }
    }
}

/// The name of the row for requests beyond [`Limits::names`].
pub const OTHER_NAMES: &str = "(other names)";

/// The text of the error for failures beyond [`Limits::errors`].
pub const OTHER_ERRORS: &str = "(other errors)";

/// The message of the exception for those beyond [`Limits::exceptions`].
pub const OTHER_EXCEPTIONS: &str = "(other exceptions)";

/// The name of the custom metric for those beyond [`Limits::custom_metrics`].
pub const OTHER_METRICS: &str = "(other metrics)";

/// What was counted since an instant; see the [module](self).
#[derive(Clone, Debug)]
pub struct Stats {
    since: Timestamp,
    /// The first instant that this does not count, of a part of a run that a reset has ended.
    until: Option<Timestamp>,
    limits: Limits,
    /// Rows by (name, method), Locust's order.
    rows: SmallestKeys<2, Entry>,
    /// Errors by (name, method, error).
    errors: SmallestKeys<3, Occurrences>,
    /// Exceptions by (message, traceback).
    exceptions: SmallestKeys<2, u64>,
    /// Custom metrics by (name, kind, unit).
    custom_metrics: SmallestKeys<3, MetricValues>,
    /// The first and the last completion.
    span: Option<(Timestamp, Timestamp)>,
    /// Response times of all requests in the latest seconds.
    recent: Ring<Histogram, RECENT_SECONDS>,
    /// The past of rows, by (name, method).
    history: SmallestKeys<2, AgeingSeries<Passed>>,
    /// The past of all rows together in more detail, where rows have a history of their own.
    whole: AgeingSeries<Passed, Fine>,
    latest: Latest,
}

impl Stats {
    /// Empty statistics that count what is completed at or after `since`: the run's start or its
    /// last reset, which is Locust's `start_time`.
    pub fn new(since: Timestamp) -> Self {
        Self::with_limits(since, Limits::default())
    }

    /// The same as [`Stats::new`], with limits of one's own.
    pub fn with_limits(since: Timestamp, limits: Limits) -> Self {
        Self {
            since,
            until: None,
            limits,
            rows: SmallestKeys::new(limits.names),
            errors: SmallestKeys::new(limits.errors),
            exceptions: SmallestKeys::new(limits.exceptions),
            custom_metrics: SmallestKeys::new(limits.custom_metrics),
            span: None,
            recent: Ring::default(),
            history: SmallestKeys::new(limits.histories),
            whole: AgeingSeries::default(),
            latest: Latest::default(),
        }
    }

    /// Since when this counts; Locust's `start_time`.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// The first instant that this does not count, if there is one.
    pub fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// Counts nothing from an instant on: what was completed then is the next part's.
    #[must_use]
    pub fn ending(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// The same without the peaks of grown intervals, the one thing that the order of counting makes a difference to.
    #[must_use]
    pub fn without_peaks(mut self) -> Self {
        let rows = self.history.values_mut();
        let counted = rows.flat_map(AgeingSeries::values_mut);
        counted
            .chain(self.whole.values_mut())
            .for_each(Passed::forget_peak);
        self
    }

    /// When the latest request was completed; Locust's `last_request_timestamp`.
    pub fn last_request(&self) -> Option<Timestamp> {
        self.span.map(|(_, last)| last)
    }

    /// Adds one record of `bucket`.
    ///
    /// Outcomes completed before [`Stats::since`] only make their rows exist, with zeros, as a row
    /// outlives a reset in Locust. Exceptions have no time of their own: they count unless all of
    /// the record's outcomes, or its bucket, lie before.
    pub fn fold(&mut self, bucket: Bucket, record: &Decoded<'_>) {
        let slots = self.resolve(record);
        // by time of completion: those from before a reset stand in front
        let before = |instant: Timestamp| {
            let outcomes = record.outcomes.as_slice();
            outcomes.partition_point(|outcome| outcome.completed_at < instant)
        };
        let skipped = before(self.since);
        let end = self.until.map_or(record.outcomes.len(), before);
        let counted = &record.outcomes[skipped.min(end)..end];
        if let (Some(first), Some(last)) = (counted.first(), counted.last()) {
            self.extend_span(first.completed_at, last.completed_at);
        }
        for outcomes in counted.chunk_by(|one, next| second_of(one) == second_of(next)) {
            self.fold_second(&slots, outcomes);
        }
        self.fold_streams(&slots, record, skipped..end);
        self.fold_measured(record, skipped..end);
        self.fold_errors(record, counted);
        let is_of_after = |instant: Timestamp| {
            let before = before(instant);
            let all_before = before > 0 && before == record.outcomes.len();
            !all_before && bucket.end() > instant
        };
        if is_of_after(self.since) && !self.until.is_some_and(is_of_after) {
            self.fold_exceptions(record);
        }
    }

    /// Finds where the record's requests are counted.
    fn resolve(&mut self, record: &Decoded<'_>) -> Vec<Slots> {
        if self.latest.is_of(&record.requests, self.evictions()) {
            return self.latest.slots.clone();
        }
        loop {
            let evictions = self.evictions();
            let requests = record.requests.iter();
            let slots: Vec<_> = requests.map(|&request| self.slots(request)).collect();
            // a request further on in the table may take the slot of one before it: then once more
            if self.evictions() == evictions {
                let requests = record.requests.iter();
                self.latest = Latest {
                    requests: requests
                        .map(|&(method, name)| (method.into(), name.into()))
                        .collect(),
                    slots: slots.clone(),
                    evictions,
                };
                return slots;
            }
        }
    }

    fn slots(&mut self, (method, name): (&str, &str)) -> Slots {
        let chars = self.limits.name_chars;
        let texts: [&str; 2] = [&cut(name, chars), &cut(method, chars)];
        Slots {
            row: self.rows.slot(texts),
            series: self.history.slot(texts),
        }
    }

    /// Goes up when slots of rows or series change hands.
    fn evictions(&self) -> u64 {
        self.rows.evictions() + self.history.evictions()
    }

    fn extend_span(&mut self, first: Timestamp, last: Timestamp) {
        let (earliest, latest) = self.span.unwrap_or((first, last));
        self.span = Some((earliest.min(first), latest.max(last)));
    }

    fn fold_second(&mut self, slots: &[Slots], outcomes: &[OutcomeEntry]) {
        let second = outcomes.first().map_or(0, second_of);
        let mut recent = self.recent.at(second);
        // request by request: what is counted for one is found once, and lies near
        let (order, ends) = by_request(outcomes, slots.len());
        let mut begin = 0;
        for (request, &end) in ends.iter().enumerate() {
            let of_request = &order[begin..end];
            begin = end;
            if of_request.is_empty() {
                continue;
            }
            let Slots { row, series } = slots[request];
            let row = self.rows.get_mut(row);
            let past = self.history.get_mut(series);
            past.count(second, |passed| {
                let mut sum = Sum::default();
                for &number in of_request {
                    let outcome = &outcomes[number];
                    sum.add(outcome);
                    let key = key_of(outcome.response_time_us);
                    row.histogram.add(key);
                    passed.add_time(key);
                    if let Some(recent) = &mut recent {
                        recent.add(key);
                    }
                }
                // by time of completion
                let at = |place: usize| outcomes[of_request[place]].completed_at;
                row.add(&sum, (at(0), at(of_request.len() - 1)), second);
                passed.sum.merge(&sum);
            });
        }
        if self.limits.histories > 0 {
            self.whole.count(second, |passed| {
                for outcome in outcomes {
                    passed.sum.add(outcome);
                    passed.add_time(key_of(outcome.response_time_us));
                }
            });
        }
    }

    /// Adds the streams of some of a record's outcomes.
    fn fold_streams(&mut self, slots: &[Slots], record: &Decoded<'_>, counted: Range<usize>) {
        for stream in &record.streams {
            let number = stream.outcome as usize;
            if counted.contains(&number) {
                let outcome = &record.outcomes[number];
                let Slots { row, series } = slots[outcome.request as usize];
                let streams = self.rows.get_mut(row).streams.get_or_insert_default();
                streams.add(&stream.streamed, outcome.response_time_us);
                // nobody reads it of all rows together
                if self.limits.histories > 0 {
                    let past = self.history.get_mut(series);
                    past.count(second_of(outcome), |passed| {
                        let streams = passed.streams.get_or_insert_default();
                        streams.add(&stream.streamed, outcome.response_time_us);
                    });
                }
            }
        }
    }

    /// Adds the values of custom metrics of some of a record's outcomes; those of the others only make their metrics exist.
    fn fold_measured(&mut self, record: &Decoded<'_>, counted: Range<usize>) {
        let chars = self.limits.name_chars;
        let texts = |number: u32| {
            let metric = &record.metrics[number as usize];
            let (name, unit) = (cut(metric.name, chars), cut(metric.unit, chars));
            (name, metric.kind, unit)
        };
        for one in &record.measured {
            let (name, kind, unit) = texts(one.metric);
            let slot = self.custom_metrics.slot([&name, kind.as_str(), &unit]);
            if counted.contains(&(one.outcome as usize)) {
                self.custom_metrics.get_mut(slot).add(kind, one.amount);
            }
        }
    }

    fn fold_errors(&mut self, record: &Decoded<'_>, outcomes: &[OutcomeEntry]) {
        if record.errors.is_empty() {
            return;
        }
        let mut slots = HashMap::new();
        let mut evictions = self.errors.evictions();
        for outcome in outcomes {
            let Some(error) = outcome.error else {
                continue;
            };
            let pair = (outcome.request, error);
            let slot = match slots.get(&pair) {
                Some(&slot) => slot,
                None => {
                    let slot = self.error_slot(record, pair);
                    if evictions != self.errors.evictions() {
                        evictions = self.errors.evictions();
                        slots.clear();
                    }
                    slots.insert(pair, slot);
                    slot
                }
            };
            self.errors
                .get_mut(slot)
                .add(outcome.completed_at, outcome.trace);
        }
    }

    fn error_slot(&mut self, record: &Decoded<'_>, (request, error): (u32, u32)) -> usize {
        let (method, name) = record.requests[request as usize];
        let error = without_address(record.errors[error as usize]);
        self.errors.slot([
            &cut(name, self.limits.name_chars),
            &cut(method, self.limits.name_chars),
            &cut(&error, self.limits.error_chars),
        ])
    }

    fn fold_exceptions(&mut self, record: &Decoded<'_>) {
        for &(count, message, traceback) in &record.exceptions {
            let slot = self.exceptions.slot([
                &cut(message, self.limits.error_chars),
                &cut(traceback, self.limits.traceback_chars),
            ]);
            self.exceptions.get_mut(slot).merge(&u64::from(count));
        }
    }

    /// Adds what `other` counted. Both must count since the same instant: [`Stats::reset`] the
    /// older one first.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(
            (self.since, self.until),
            (other.since, other.until),
            "parts count since the same instant"
        );
        self.rows.merge(&other.rows);
        self.errors.merge(&other.errors);
        self.exceptions.merge(&other.exceptions);
        self.custom_metrics.merge(&other.custom_metrics);
        if let Some((first, last)) = other.span {
            self.extend_span(first, last);
        }
        self.recent.merge(&other.recent);
        self.history.merge(&other.history);
        self.whole.merge(&other.whole);
    }

    /// Counts from `at` on, as after `/stats/reset`: rows stay with zeros, the rest is forgotten.
    ///
    /// Returns false and changes nothing if something completed at or after `at` has been counted
    /// already: it cannot be told apart, so the records have to be folded anew.
    #[must_use = "when this is false nothing was reset"]
    pub fn reset(&mut self, at: Timestamp) -> bool {
        if at == self.since {
            return true;
        }
        if at < self.since || self.last_request().is_some_and(|last| last >= at) {
            return false;
        }
        self.since = at;
        self.rows.zero();
        self.errors.clear();
        self.exceptions.clear();
        self.custom_metrics.zero();
        self.span = None;
        self.recent.clear();
        self.history.zero();
        self.whole = AgeingSeries::default();
        true
    }

    /// What could not be evaluated: message, traceback and how often, by message.
    pub fn exceptions(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        let others = self.exceptions.others();
        self.exceptions
            .iter()
            .map(|([message, traceback], &count)| (message, traceback, count))
            .chain(others.map(|&count| (OTHER_EXCEPTIONS, "", count)))
    }

    /// What custom metrics have counted, by name, kind and unit.
    pub fn custom_metrics(&self) -> &SmallestKeys<3, MetricValues> {
        &self.custom_metrics
    }

    /// The row of a request, by its whole name and method.
    pub fn row(&self, name: &str, method: &str) -> Option<&Entry> {
        let chars = self.limits.name_chars;
        self.rows.get([&cut(name, chars), &cut(method, chars)])
    }

    /// The rows, by request name and method.
    pub fn rows(&self) -> &SmallestKeys<2, Entry> {
        &self.rows
    }

    pub(crate) fn errors(&self) -> &SmallestKeys<3, Occurrences> {
        &self.errors
    }

    pub(crate) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.span
    }

    pub(crate) fn history(&self) -> &SmallestKeys<2, AgeingSeries<Passed>> {
        &self.history
    }

    /// The past of all rows together, where rows have a history of their own.
    pub(crate) fn whole(&self) -> Option<&AgeingSeries<Passed, Fine>> {
        (self.limits.histories > 0).then_some(&self.whole)
    }

    pub(crate) fn recent(&self) -> &Ring<Histogram, RECENT_SECONDS> {
        &self.recent
    }
}

/// The outcomes' numbers by request, and for each request where its numbers end.
fn by_request(outcomes: &[OutcomeEntry], requests: usize) -> (Vec<usize>, Vec<usize>) {
    let mut ends = vec![0; requests];
    for outcome in outcomes {
        ends[outcome.request as usize] += 1;
    }
    let mut begin = 0;
    for end in &mut ends {
        begin += std::mem::replace(end, begin);
    }
    let mut order = vec![0; outcomes.len()];
    for (number, outcome) in outcomes.iter().enumerate() {
        // where the request's numbers begin, until all of them are there
        let place = &mut ends[outcome.request as usize];
        order[*place] = number;
        *place += 1;
    }
    (order, ends)
}

fn second_of(outcome: &OutcomeEntry) -> u64 {
    outcome.completed_at.micros() / SLOT_MICROS
}
