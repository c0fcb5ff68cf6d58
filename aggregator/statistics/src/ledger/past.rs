//! The ledger over time: the iterations due in each interval, and their outcomes.
//!
//! An interval counts the iterations that were due in it, whenever they were recorded. Settled slots are in the checkpoint
//! and are thinned as they age; slots that are still open are added to each answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use traffic::clock::Slot;
use traffic::run::RunId;
use utoipa::ToSchema;

use super::lateness::{greatest, part_of, saturating_sum};
use crate::ageing_series::{AgeingSeries, Coarse, Counted, Interval};
use crate::report::time::utc;
use crate::stats::smallest_keys::Merge;

/// Lateness over time is kept within an eighth: each power of two is divided into eight parts.
const PART_BITS: u32 = 3;

/// Intervals of 30 seconds and more keep lateness within a quarter.
const COARSE_FROM: u64 = 30;

/// The iterations due in an interval; those that are neither recorded, skipped nor missing are pending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Booked {
    planned: u64,
    recorded: u64,
    skipped: u64,
    missing: u64,
    /// The parts of lateness with their counts, by part.
    lateness: Vec<(u16, u64)>,
}

/// The series that a ledger over time is made from.
#[derive(Clone, Debug, Default)]
pub struct LedgerPast {
    run: Option<RunId>,
    from: Slot,
    /// The first slot that is not counted.
    until: Slot,
    /// True if no later slot is expected.
    is_over: bool,
    classes: Vec<(Arc<str>, AgeingSeries<Booked>)>,
}

/// The ledger over time as columns of the same length; the body of `GET /ledger/history`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct LedgerHistory {
    /// The run, if there is one.
    #[schema(value_type = Option<String>, required)]
    pub run: Option<RunId>,
    /// The end of each interval, in seconds since the Unix epoch; as JSON in UTC.
    #[serde(rename = "time", serialize_with = "as_utc")]
    #[schema(value_type = Vec<String>)]
    pub ends: Vec<u64>,
    /// The length of each interval.
    pub seconds: Vec<u64>,
    /// All classes together.
    pub total: Columns,
    /// Each class that has an account in the ledger.
    #[schema(value_type = BTreeMap<String, Columns>)]
    pub classes: BTreeMap<Arc<str>, Columns>,
}

/// The iterations due in each interval: `planned` = `recorded` + `skipped` + `missing` + `pending`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[schema(as = LedgerColumns)]
pub struct Columns {
    /// Iterations that were due.
    pub planned: Vec<u64>,
    /// Those that ran.
    pub recorded: Vec<u64>,
    /// Those that were left out because their user was still busy.
    pub skipped: Vec<u64>,
    /// Those without a record, of which none can come any more.
    pub missing: Vec<u64>,
    /// Those of which a record may still come.
    pub pending: Vec<u64>,
    /// The 95th percentile of lateness in milliseconds, where anything was sent.
    pub lateness_p95_ms: Vec<Option<f64>>,
}

impl Booked {
    /// The counts of planned iterations and their outcomes.
    pub(crate) fn new(planned: u32, recorded: u32, skipped: u32, missing: u32) -> Self {
        Self {
            planned: planned.into(),
            recorded: recorded.into(),
            skipped: skipped.into(),
            missing: missing.into(),
            lateness: Vec::new(),
        }
    }

    /// The counts of planned iterations that are all missing.
    pub(crate) fn missing(planned: u64) -> Self {
        Self {
            planned,
            missing: planned,
            ..Self::default()
        }
    }

    /// Counts the lateness of one iteration.
    pub(crate) fn add_lateness(&mut self, micros: u64) {
        self.add_part(part_of(PART_BITS, micros) as u16, 1);
    }

    fn add_part(&mut self, part: u16, count: u64) {
        let known = &self.lateness;
        match known.binary_search_by_key(&part, |&(known, _)| known) {
            Ok(number) => {
                let known = &mut self.lateness[number].1;
                *known = known.saturating_add(count);
            }
            Err(number) => self.lateness.insert(number, (part, count)),
        }
    }

    /// The number of iterations whose lateness was counted.
    pub(crate) fn sent(&self) -> u64 {
        saturating_sum(self.lateness.iter().map(|&(_, count)| count))
    }

    /// The lateness that 95 % of the iterations did not exceed: never understated.
    pub(crate) fn lateness_p95_ms(&self) -> Option<f64> {
        let count = self.sent();
        let rank = (count as f64 * 0.95).ceil() as u64;
        let mut below: u64 = 0;
        let part = self.lateness.iter().find(|&&(_, count)| {
            below = below.saturating_add(count);
            below >= rank
        });
        part.map(|&(part, _)| greatest(PART_BITS, part.into()) as f64 / 1e3)
    }
}

impl Merge for Booked {
    fn merge(&mut self, other: &Self) {
        let add = |own: &mut u64, other: u64| *own = own.saturating_add(other);
        add(&mut self.planned, other.planned);
        add(&mut self.recorded, other.recorded);
        add(&mut self.skipped, other.skipped);
        add(&mut self.missing, other.missing);
        for &(part, count) in &other.lateness {
            self.add_part(part, count);
        }
    }
}

impl Counted for Booked {
    fn thin(&mut self, seconds: u64) {
        if seconds < COARSE_FROM {
            return;
        }
        // two neighbours become the second one, so that nothing is understated
        for (part, _) in &mut self.lateness {
            *part |= 1;
        }
        self.lateness.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 = kept.1.saturating_add(later.1);
            }
            same
        });
    }

    fn is_sane(&self) -> bool {
        let known = [self.recorded, self.skipped, self.missing].into_iter();
        let sum = known.map(u128::from).sum::<u128>();
        let last = part_of(PART_BITS, u64::MAX);
        let mut parts = self.lateness.iter().map(|&(part, _)| usize::from(part));
        sum <= self.planned.into()
            && self.lateness.is_sorted_by(|one, next| one.0 < next.0)
            && parts.all(|part| part <= last)
    }
}

fn as_utc<S: Serializer>(times: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(times.iter().map(|&time| utc(time)))
}

impl Columns {
    fn push(&mut self, booked: &Booked) {
        let known = [booked.recorded, booked.skipped, booked.missing];
        let known = saturating_sum(known.into_iter());
        self.planned.push(booked.planned);
        self.recorded.push(booked.recorded);
        self.skipped.push(booked.skipped);
        self.missing.push(booked.missing);
        self.pending.push(booked.planned.saturating_sub(known));
        self.lateness_p95_ms.push(booked.lateness_p95_ms());
    }
}

impl LedgerPast {
    /// The past of classes from the slot `from` on; `until` is the first slot that is not counted, and
    /// no later one is expected if `is_over`.
    pub(crate) fn new(
        run: RunId,
        (from, until): (Slot, Slot),
        is_over: bool,
        classes: Vec<(Arc<str>, AgeingSeries<Booked>)>,
    ) -> Self {
        Self {
            run: Some(run),
            from,
            until,
            is_over,
            classes,
        }
    }

    /// The ledger over time: the intervals that are over; of a run that is over, all of them.
    pub fn history(&self) -> LedgerHistory {
        let until = self.until.0;
        let mut total = AgeingSeries::default();
        total.advance(until.saturating_sub(1));
        for (_, series) in &self.classes {
            total.merge(series);
        }
        let shows = |one: &Interval| one.start < until && (self.is_over || one.end() <= until);
        let intervals = Interval::all::<Coarse>(self.from.0, total.newest()).filter(shows);
        let intervals: Vec<Interval> = intervals.collect();
        let columns = |series: &AgeingSeries<Booked>| {
            let mut columns = Columns::default();
            let nothing = Booked::default();
            for &interval in &intervals {
                columns.push(series.get(interval).unwrap_or(&nothing));
            }
            columns
        };
        let end = |one: &Interval| one.end().min(until);
        let seconds = |one: &Interval| end(one) - one.start.max(self.from.0);
        LedgerHistory {
            run: self.run.clone(),
            ends: intervals.iter().map(end).collect(),
            seconds: intervals.iter().map(seconds).collect(),
            total: columns(&total),
            classes: self
                .classes
                .iter()
                .map(|(name, series)| {
                    let series = series.as_of(total.newest());
                    (Arc::clone(name), columns(&series))
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lateness_is_never_understated_and_within_a_quarter_when_it_is_old(
            mut values in prop::collection::vec(0..60_000_000_u64, 1..200),
            cut in 0..200_usize,
        ) {
            let mut parts = [Booked::default(), Booked::default()];
            for (number, &value) in values.iter().enumerate() {
                parts[usize::from(number < cut)].add_lateness(value);
            }
            let [mut young, other] = parts;
            let mut old = young.clone();
            old.thin(COARSE_FROM);
            old.merge(&other);
            old.thin(COARSE_FROM);
            young.merge(&other);
            let mut thinned = young.clone();
            thinned.thin(COARSE_FROM);
            prop_assert_eq!(&thinned, &old, "thinned early or late");
            prop_assert!(old.is_sane());
            values.sort_unstable();
            let rank = (values.len() as f64 * 0.95).ceil() as usize;
            let exact = values[rank - 1] as f64;
            for (booked, within) in [(young, 1.13), (old, 1.26)] {
                let said = booked.lateness_p95_ms().unwrap() * 1e3;
                prop_assert!(said >= exact && said <= exact * within + 2.0, "{} {}", said, exact);
            }
        }
    }
}
