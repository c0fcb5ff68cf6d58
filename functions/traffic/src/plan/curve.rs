//! The ramps of a daily curve, day after day: each computed when it is asked for.
//!
//! A [`Knot`] is a point of the curve on one day. Between two knots lies one ramp, so its number, the
//! instants of its steps and the one before it are found by arithmetic, a month later as on the first
//! day. On the day on which the clocks skip a point's time the curve goes on to the next one; where
//! a time comes twice, the first counts.

use std::f64::consts::PI;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::{Slot, Timestamp, micros};
use crate::plan::mix::Mix;
use crate::plan::ramp::{Pace, Ramp};
use crate::run::{DailyCurve, UtcOffset};

const DAY: i64 = 24 * 60 * 60;

const TWO_DAYS: Duration = Duration::from_secs(2 * DAY as u64);

/// Seconds from one point of a day to the next, at least.
const CLOSEST: f64 = 60.0;

/// A daily curve from an instant on.
#[derive(Debug)]
pub(super) struct Curve {
    daily: DailyCurve,
    mix: Arc<Mix>,
    from: Timestamp,
    end: Timestamp,
    /// The number of the knot before `from`, which is the first ramp's.
    first: u64,
    /// The ramp that was asked for last, by its number.
    known: Mutex<Option<(usize, Arc<Ramp>)>>,
}

/// A point of the curve on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Knot {
    /// Counts the points of all days since the Unix epoch; clock changes may leave numbers out.
    number: u64,
    at: Slot,
    users: u32,
}

impl Curve {
    /// The curve of a run that reaches it by itself: from the first second at which users that are
    /// started or stopped evenly, from `initial` on, meet it; and the ramp that leads there.
    ///
    /// `None` if what the run says is no curve.
    pub(super) fn reached_from(
        daily: &DailyCurve,
        mix: Arc<Mix>,
        (from, end): (Timestamp, Timestamp),
        initial: u64,
        spawn_rate: f64,
    ) -> Option<(Ramp, Self)> {
        if daily.points.is_empty() || daily.offsets.is_empty() {
            return None;
        }
        let mut curve = Self {
            daily: daily.clone(),
            mix,
            from,
            end,
            first: 0,
            known: Mutex::default(),
        };
        let (meeting, target) = curve.meeting(from, initial, spawn_rate);
        curve.from = meeting;
        curve.first = curve.knot_at(meeting.full_second()).number;
        let mix = Arc::clone(&curve.mix);
        let entry = Ramp::new(
            from,
            curve.from.min(end),
            (initial, target),
            Pace::Even(spawn_rate),
            mix,
        );
        Some((entry, curve))
    }

    /// The first whole number of seconds after `from` at which users who are started or stopped evenly
    /// meet the curve, and how many they are then.
    fn meeting(&self, from: Timestamp, initial: u64, spawn_rate: f64) -> (Timestamp, u64) {
        // no two points lie closer together than this, and the middle between them is the steepest
        let steepest = f64::from(self.daily.peak()) * PI / 2.0 / CLOSEST;
        let mut after = 1;
        loop {
            let instant = from + Duration::from_secs(after);
            let target = self.count_before(instant);
            let apart = target.abs_diff(initial) as f64 - after as f64 * spawn_rate;
            if apart <= 0.0 {
                return (instant, target);
            }
            // before that they cannot meet; one user is lost to rounding
            after += ((apart - 1.0) / (spawn_rate + steepest)).max(1.0) as u64;
        }
    }

    /// The first instant that it says anything about.
    pub(super) fn from(&self) -> Timestamp {
        self.from
    }

    /// The number of the ramp that holds at an instant not before the first.
    pub(super) fn ramp_at(&self, instant: Timestamp) -> Option<usize> {
        let number = || self.knot_at(instant.full_second()).number - self.first;
        (self.from <= instant && instant < self.end).then(|| number() as usize)
    }

    /// The ramp of a number that [`Curve::ramp_at`] has given.
    pub(super) fn ramp(&self, number: usize) -> Arc<Ramp> {
        let mut known = self.known.lock();
        if let Some((known, ramp)) = &*known
            && *known == number
        {
            return Arc::clone(ramp);
        }
        let knot = self.knot_or_before(self.first + number as u64);
        let ramp = Arc::new(self.ramp_from(knot));
        *known = Some((number, Arc::clone(&ramp)));
        ramp
    }

    /// The most users that a class has at any time of the day.
    pub(super) fn most_of_class(&self, class: usize) -> u32 {
        let peak = u64::from(self.daily.peak()).min(self.mix.capacity());
        self.mix.class_count(class, peak)
    }

    /// The most users that there were at once by an instant: between two knots they only grow or only shrink.
    pub(super) fn peak(&self, by: Timestamp) -> u64 {
        let last_instant = Timestamp::from_micros(self.end.micros().saturating_sub(1));
        // after two days there is nothing that was not there before
        let by = by.min(last_instant).min(self.from + TWO_DAYS);
        if by < self.from {
            return 0;
        }
        let last = self.knot_at(by.full_second());
        let passed = (self.first + 1..=last.number).filter_map(|number| self.knot(number));
        let users = passed.map(|knot| u64::from(knot.users).min(self.mix.capacity()));
        let count = |knot, instant| self.ramp_from(knot).count_at(instant);
        let ends = [
            count(self.knot_at(self.from.full_second()), self.from),
            count(last, by),
        ];
        users.chain(ends).max().unwrap_or_default()
    }

    /// The ramp that started the user who was there when ramp `number` began, and when; `None` if the
    /// user was there when the curve began.
    pub(super) fn starter(&self, number: usize, position: u64) -> Option<(usize, Timestamp)> {
        if position < u64::from(self.daily.trough()) {
            return None;
        }
        let mut knot = self.knot_or_before(self.first + number as u64);
        while knot.number > self.first {
            knot = self.knot_or_before(knot.number - 1);
            if u64::from(knot.users) <= position {
                let (spawned, _) = self.ramp_from(knot).own_span(position)?;
                return Some(((knot.number - self.first) as usize, spawned?));
            }
        }
        None
    }

    /// Users of the curve just before an instant, whether it holds by then or not.
    fn count_before(&self, instant: Timestamp) -> u64 {
        let before = Timestamp::from_micros(instant.micros().saturating_sub(1));
        let knot = self.knot_at(before.full_second());
        self.ramp_from(knot).count_at(before)
    }

    fn ramp_from(&self, knot: Knot) -> Ramp {
        let next = self.knot_or_after(knot.number + 1);
        let users = |knot: Knot| u64::from(knot.users).min(self.mix.capacity());
        let (begins, ends) = (knot.at.full_second(), next.at.full_second());
        let pace = Pace::Eased(micros(ends.since(begins)));
        let ramp = Ramp::new(
            begins,
            ends.min(self.end),
            (users(knot), users(next)),
            pace,
            Arc::clone(&self.mix),
        );
        ramp.holding_from(self.from)
    }

    /// The last knot at or before a full second's beginning.
    fn knot_at(&self, slot: Slot) -> Knot {
        let local = slot.0 as i64 + i64::from(self.offset_at(slot).seconds);
        let points = &self.daily.points;
        let passed = points.partition_point(|point| i64::from(point.at) <= local.rem_euclid(DAY));
        let number = local.div_euclid(DAY) as u64 * points.len() as u64 + passed as u64;
        let mut knot = self.knot_or_before(number.saturating_sub(1));
        // when a time comes twice, a point of the first may be past by the clock of the second
        loop {
            let next = self.knot_or_after(knot.number + 1);
            if next.at > slot {
                break;
            }
            knot = next;
        }
        while knot.at > slot {
            knot = self.knot_or_before(knot.number - 1);
        }
        knot
    }

    fn knot_or_before(&self, number: u64) -> Knot {
        let mut numbers = (0..=number).rev();
        numbers
            .find_map(|number| self.knot(number))
            .unwrap_or(Knot {
                number: 0,
                at: Slot(0),
                users: self.daily.points[0].users,
            })
    }

    fn knot_or_after(&self, number: u64) -> Knot {
        let mut numbers = number..;
        let found = numbers.find_map(|number| self.knot(number));
        found.expect("the last offset holds for ever, and leaves no time of the day out")
    }

    /// The knot of a number, unless the clocks skip its time.
    fn knot(&self, number: u64) -> Option<Knot> {
        let points = &self.daily.points;
        let point = points[(number % points.len() as u64) as usize];
        let day = i64::try_from(number / points.len() as u64).ok()?;
        let at = self.slot_of(day * DAY + i64::from(point.at))?;
        Some(Knot {
            number,
            at,
            users: point.users,
        })
    }

    /// The first slot at which the local clocks show a time, in seconds since the epoch, if they ever do.
    fn slot_of(&self, local: i64) -> Option<Slot> {
        let offsets = &self.daily.offsets;
        let begins = |offset: &UtcOffset| offset.from.0 as i64 + i64::from(offset.seconds);
        let after = offsets.partition_point(|offset| begins(offset) <= local);
        // the period before may show it as well, and does so first
        let periods = after.saturating_sub(2)..after.max(1);
        periods.into_iter().find_map(|period| {
            let slot = u64::try_from(local - i64::from(offsets[period].seconds)).ok()?;
            let next = offsets.get(period + 1);
            next.is_none_or(|next| slot < next.from.0)
                .then_some(Slot(slot))
        })
    }

    fn offset_at(&self, slot: Slot) -> UtcOffset {
        let offsets = &self.daily.offsets;
        let after = offsets.partition_point(|offset| offset.from <= slot);
        offsets[after.saturating_sub(1)]
    }
}
