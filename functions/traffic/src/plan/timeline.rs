//! The times at which users are active: the ramps of a run's segments, as spans of time per user.
//!
//! A ramp is even: one user every 1/`spawn_rate` seconds, where Locust starts a second's worth at
//! once. User i of the ramp is active from the moment the ramp reaches i until it goes below it, so
//! growing or shrinking a run leaves the users that stay alone. A load shape is no more than a row of
//! ramps: its stages are segments, and a daily curve is ramps without an end.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::plan::curve::Curve;
use crate::plan::mix::Mix;
use crate::plan::ramp::{Pace, Ramp};
use crate::run::{Run, Segment};

mod folding;

/// The ramps of a run, in order; they are numbered on by those of a daily curve.
#[derive(Debug)]
pub(super) struct Timeline {
    /// Ramps that are past and have started users who are still there, by number. They start users without an
    /// end here: about others than those who are still there they are not asked.
    spawners: Vec<(usize, Arc<Ramp>)>,
    /// The number of the first ramp that is kept.
    first: usize,
    /// The users who were there when that one began.
    users: u64,
    /// The most users that there were at once before.
    past_peak: u64,
    ramps: Vec<Arc<Ramp>>,
    /// The curve that follows the last ramp, if the run ends in one.
    curve: Option<Curve>,
}

/// The time for which a user is active without a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// When it was started.
    pub(super) spawned: Timestamp,
    /// The ramp that started it.
    pub(super) spawned_by: usize,
    /// When it stops, as far as the ramp knows that was asked about.
    pub(super) leaves: Timestamp,
}

impl Timeline {
    pub(super) fn new(run: &Run, class_number: impl Fn(&str) -> Option<usize>) -> Self {
        let last = run.ends().unwrap_or(Timestamp::from_micros(u64::MAX));
        let mut timeline = Self::after(run.past.as_ref(), &class_number);
        timeline.ramps.reserve_exact(run.segments.len());
        for (number, segment) in run.segments.iter().enumerate() {
            let mix = timeline.shared(Mix::new(&segment.shares, &class_number));
            let next = run.segments.get(number + 1);
            let until = segment.until.map_or(last, |until| until.min(last));
            let end = next.map_or(until, |next| until.min(next.from));
            timeline.add(segment, mix, end, next.is_none());
        }
        timeline
    }

    /// Equal orders are one, so that a user's place in it is computed once for all of them.
    fn shared(&self, mix: Mix) -> Arc<Mix> {
        let last = self.ramps.last();
        let last = last.or(self.spawners.last().map(|(_, ramp)| ramp));
        let same = last.filter(|last| *last.mix == mix);
        same.map_or_else(|| Arc::new(mix), |same| Arc::clone(&same.mix))
    }

    fn add(&mut self, segment: &Segment, mix: Arc<Mix>, end: Timestamp, is_last: bool) {
        let Segment {
            from, spawn_rate, ..
        } = *segment;
        let before = self.ramps.last();
        let initial = before.map_or(self.users, |before| handed_over(before, from, &mix));
        let shape = segment.shape.as_ref().filter(|_| is_last);
        if let Some(daily) = shape.and_then(|shape| shape.daily.as_ref())
            && let Some((entry, curve)) =
                Curve::reached_from(daily, Arc::clone(&mix), (from, end), initial, spawn_rate)
        {
            self.ramps.push(Arc::new(entry));
            self.curve = Some(curve);
            return;
        }
        let target = u64::from(segment.user_count).min(mix.capacity());
        let pace = Pace::Even(spawn_rate);
        let ramp = Ramp::new(from, end, (initial, target), pace, mix);
        self.ramps.push(Arc::new(ramp));
    }

    /// The number of the ramp that holds at an instant.
    pub(super) fn ramp_at(&self, instant: Timestamp) -> Option<usize> {
        if let Some(curve) = self.curve.as_ref().filter(|curve| curve.from() <= instant) {
            return Some(self.plain() + curve.ramp_at(instant)?);
        }
        let number = self
            .ramps
            .partition_point(|ramp| ramp.from <= instant)
            .checked_sub(1)?;
        (instant < self.ramps[number].end).then_some(self.first + number)
    }

    /// The number after those of all plain ramps.
    fn plain(&self) -> usize {
        self.first + self.ramps.len()
    }

    /// A plain ramp that is kept, by its number.
    fn kept(&self, number: usize) -> Option<&Arc<Ramp>> {
        self.ramps.get(number.checked_sub(self.first)?)
    }

    /// The numbers of the ramps that hold at any instant of a span of time, in order.
    pub(super) fn ramps_in(&self, from: Timestamp, until: Timestamp) -> RampsIn<'_> {
        RampsIn {
            timeline: self,
            from,
            until,
        }
    }

    /// The first plain ramp or curve that begins after an instant.
    fn next_from(&self, instant: Timestamp) -> Option<Timestamp> {
        let next = self.ramps.partition_point(|ramp| ramp.from <= instant);
        let plain = self.ramps.get(next).map(|ramp| ramp.from);
        plain.or_else(|| {
            (self.curve.as_ref())
                .map(Curve::from)
                .filter(|&from| from > instant)
        })
    }

    /// The ramp of a number that [`Timeline::ramp_at`] has given.
    pub(super) fn ramp(&self, number: usize) -> Arc<Ramp> {
        match (self.kept(number), &self.curve) {
            (Some(ramp), _) => Arc::clone(ramp),
            (None, Some(curve)) => curve.ramp(number - self.plain()),
            (None, None) => unreachable!("there is no ramp {number}"),
        }
    }

    fn end_of(&self, number: usize) -> Timestamp {
        match self.kept(number) {
            Some(ramp) => ramp.end,
            None => self.ramp(number).end,
        }
    }

    /// The most users that a class ever has.
    pub(super) fn most_ever(&self, class: usize) -> u32 {
        // of ramps with one order, the one with the most users has the most of each class
        let alike = self
            .ramps
            .chunk_by(|one, next| Arc::ptr_eq(&one.mix, &next.mix));
        let ramps = alike.map(|alike| {
            let most = alike.iter().map(|ramp| ramp.most()).max();
            alike[0].mix.class_count(class, most.unwrap_or_default())
        });
        let of_curve = self.curve.as_ref().map(|curve| curve.most_of_class(class));
        ramps.chain(of_curve).max().unwrap_or_default()
    }

    /// When a class's user `index` is active under ramp `number`, if it is at all.
    pub(super) fn span(&self, number: usize, class: usize, index: u32) -> Option<Span> {
        let ramp = self.ramp(number);
        let position = ramp.mix.position(class, index)?;
        let (spawned, leaves) = ramp.own_span(position)?;
        let span = |(spawned_by, spawned)| Span {
            spawned,
            spawned_by,
            leaves,
        };
        if let Some(spawned) = spawned {
            return Some(span((number, spawned)));
        }
        // it was there before: the ramp that started it is the last one in which it was new
        let plain = self.plain();
        if let (Some(curve), Some(of_curve)) = (&self.curve, number.checked_sub(plain))
            && let Some((starter, spawned)) = curve.starter(of_curve, position)
        {
            return Some(span((plain + starter, spawned)));
        }
        let kept = self.ramps.iter().take(number - self.first).enumerate();
        let kept = kept.map(|(number, before)| (self.first + number, before));
        let past = self
            .spawners
            .iter()
            .map(|(number, before)| (*number, before));
        let (mut mix, mut position) = (&ramp.mix, position);
        for (number, before) in kept.rev().chain(past.rev()) {
            if !Arc::ptr_eq(mix, &before.mix) {
                mix = &before.mix;
                position = mix.position(class, index)?;
            }
            if let (Some(spawned), _) = before.own_span(position)? {
                return Some(span((number, spawned)));
            }
        }
        None
    }

    /// Users active at an instant.
    pub(super) fn user_count(&self, instant: Timestamp) -> u64 {
        self.ramp_at(instant)
            .map_or(0, |number| self.ramp(number).count_at(instant))
    }

    /// The most users that there were at once by an instant.
    pub(super) fn peak(&self, by: Timestamp) -> u64 {
        let begun = self.ramps.iter().filter(|ramp| ramp.from <= by);
        // an empty ramp holds for no instant: whatever stood before it was counted by then
        let counts = begun.filter(|ramp| ramp.from < ramp.end).map(|ramp| {
            let last = Timestamp::from_micros(ramp.end.micros() - 1).min(by);
            ramp.initial.max(ramp.count_at(last))
        });
        let of_curve = self.curve.as_ref().map(|curve| curve.peak(by));
        let most = counts.chain(of_curve).max().unwrap_or(0);
        most.max(self.past_peak)
    }

    /// True while the ramp that holds at an instant has not reached its target; a daily curve is not on
    /// its way to anything.
    pub(super) fn is_ramping(&self, instant: Timestamp) -> bool {
        let ramp = self.ramp_at(instant).and_then(|number| self.kept(number));
        ramp.is_some_and(|ramp| ramp.count_at(instant) != ramp.target)
    }
}

/// See [`Timeline::ramps_in`].
#[derive(Debug)]
pub(super) struct RampsIn<'a> {
    timeline: &'a Timeline,
    from: Timestamp,
    until: Timestamp,
}

impl Iterator for RampsIn<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        while self.from < self.until {
            if let Some(number) = self.timeline.ramp_at(self.from) {
                self.from = self.timeline.end_of(number);
                return Some(number);
            }
            self.from = self.timeline.next_from(self.from)?;
        }
        None
    }
}

/// The number of users who are still there when another ramp takes over, by position in its `mix`.
///
/// With other classes or weights, those that stay are the longest beginning of the new order
/// that consists of active users only.
fn handed_over(before: &Ramp, at: Timestamp, mix: &Mix) -> u64 {
    if before.end < at {
        return 0;
    }
    let count = before.count_before(at);
    if *mix == *before.mix {
        return count;
    }
    let stays = |length: u64| {
        mix.classes()
            .all(|class| mix.class_count(class, length) <= before.mix.class_count(class, count))
    };
    let (mut low, mut high) = (0, count.min(mix.capacity()));
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if stays(middle) {
            low = middle
        } else {
            high = middle - 1
        }
    }
    low
}
