//! Who is active when: the ramps of a run's segments, as spans of time per user.
//!
//! A ramp is even: one user every 1/`spawn_rate` seconds, where Locust starts a second's worth at
//! once. User i of the ramp is active from the moment the ramp reaches i until it goes below it, so
//! growing or shrinking a run leaves the users that stay alone.

use std::sync::OnceLock;

use crate::clock::{Slot, Timestamp};
use crate::plan::mix::Mix;
use crate::run::Run;

/// The ramps of a run, in order.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    ramps: Vec<Ramp>,
}

/// One segment of the run, resolved.
#[derive(Clone, Debug)]
pub(super) struct Ramp {
    /// The first instant it holds for.
    pub(super) from: Timestamp,
    /// The first instant it no longer holds for.
    pub(super) end: Timestamp,
    /// Users at its beginning, by position in `mix`.
    pub(super) initial: u64,
    /// Users at its end.
    pub(super) target: u64,
    /// Users started or stopped a second.
    pub(super) spawn_rate: f64,
    /// Which position is whose.
    pub(super) mix: Mix,
    /// The most users each class ever has, by class number; counted when first asked for.
    most_by_class: OnceLock<Vec<u32>>,
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
        let last = run
            .ends()
            .map_or(Timestamp::from_micros(u64::MAX), Slot::start);
        let mut ramps: Vec<Ramp> = Vec::with_capacity(run.segments.len());
        for (number, segment) in run.segments.iter().enumerate() {
            let mix = Mix::new(&segment.shares, &class_number);
            let from = segment.from.start();
            let next = run.segments.get(number + 1);
            let until = segment.until.map_or(last, |until| until.start().min(last));
            let end = next.map_or(until, |next| until.min(next.from.start()));
            let initial = ramps
                .last()
                .map_or(0, |before| before.handed_over(from, &mix));
            ramps.push(Ramp {
                from,
                end: end.max(from),
                initial,
                target: u64::from(segment.user_count).min(mix.capacity()),
                spawn_rate: segment.spawn_rate,
                mix,
                most_by_class: OnceLock::new(),
            });
        }
        Self { ramps }
    }

    /// The number of the ramp that holds at an instant.
    pub(super) fn ramp_at(&self, instant: Timestamp) -> Option<usize> {
        let number = self
            .ramps
            .partition_point(|ramp| ramp.from <= instant)
            .checked_sub(1)?;
        (instant < self.ramps[number].end).then_some(number)
    }

    pub(super) fn ramps(&self) -> usize {
        self.ramps.len()
    }

    /// The ramp of a number below [`Timeline::ramps`].
    pub(super) fn ramp(&self, number: usize) -> &Ramp {
        &self.ramps[number]
    }

    /// The most users that a class ever has under ramp `number`.
    pub(super) fn most_of_class(&self, number: usize, class: usize) -> u32 {
        let ramp = &self.ramps[number];
        let counts = ramp.most_by_class.get_or_init(|| {
            let classes = ramp.mix.classes().max().map_or(0, |class| class + 1);
            (0..classes)
                .map(|class| ramp.mix.class_count(class, ramp.most()))
                .collect()
        });
        counts.get(class).copied().unwrap_or(0)
    }

    /// When a class's user `index` is active under ramp `number`, if it is at all.
    pub(super) fn span(&self, number: usize, class: usize, index: u32) -> Option<Span> {
        let ramp = &self.ramps[number];
        let position = ramp.mix.position(class, index)?;
        let (spawned, leaves) = ramp.own_span(position)?;
        if let Some(spawned) = spawned {
            return Some(Span {
                spawned,
                spawned_by: number,
                leaves,
            });
        }
        // it was there before: the ramp that started it is the last one in which it was new
        for before in (0..number).rev() {
            let position = self.ramps[before].mix.position(class, index)?;
            if let (Some(spawned), _) = self.ramps[before].own_span(position)? {
                return Some(Span {
                    spawned,
                    spawned_by: before,
                    leaves,
                });
            }
        }
        None
    }

    /// Users active at an instant.
    pub(super) fn user_count(&self, instant: Timestamp) -> u64 {
        self.ramp_at(instant)
            .map_or(0, |number| self.ramps[number].count_at(instant))
    }

    /// The most users that there were at once by an instant.
    pub(super) fn peak(&self, by: Timestamp) -> u64 {
        let begun = self.ramps.iter().filter(|ramp| ramp.from <= by);
        // an empty ramp holds for no instant: whatever stood before it was counted by then
        let counts = begun.filter(|ramp| ramp.from < ramp.end).map(|ramp| {
            let last = Timestamp::from_micros(ramp.end.micros() - 1).min(by);
            ramp.initial.max(ramp.count_at(last))
        });
        counts.max().unwrap_or(0)
    }

    /// True while the ramp that holds at an instant has not reached its target.
    pub(super) fn is_ramping(&self, instant: Timestamp) -> bool {
        self.ramp_at(instant)
            .is_some_and(|number| self.ramps[number].count_at(instant) != self.ramps[number].target)
    }
}

impl Ramp {
    /// The users that this ramp ever has, by position.
    fn most(&self) -> u64 {
        self.initial.max(self.target)
    }

    /// Users active at an instant of this ramp.
    pub(super) fn count_at(&self, instant: Timestamp) -> u64 {
        let steps = self.steps_before(instant);
        if self.target >= self.initial {
            self.initial + steps.min(self.target - self.initial)
        } else {
            self.initial - steps.min(self.initial - self.target)
        }
    }

    /// When position `position` is started (`None`: it was there before) and leaves.
    fn own_span(&self, position: u64) -> Option<(Option<Timestamp>, Timestamp)> {
        if position < self.initial {
            let leaves = if position < self.target {
                self.end
            } else {
                self.step(self.initial - 1 - position).min(self.end)
            };
            return (leaves > self.from).then_some((None, leaves));
        }
        let spawned = self.step(position - self.initial);
        (position < self.target && spawned < self.end).then_some((Some(spawned), self.end))
    }

    /// How many users are still there when another ramp takes over, by position in its `mix`.
    ///
    /// With other classes or weights, those that stay are the longest beginning of the new order
    /// that consists of active users only.
    fn handed_over(&self, at: Timestamp, mix: &Mix) -> u64 {
        if self.end < at {
            return 0;
        }
        // what this ramp would do at `at` itself is the next one's to say
        let before = Timestamp::from_micros(at.micros().saturating_sub(1));
        let count = self.count_at(before);
        if *mix == self.mix {
            return count;
        }
        let stays = |length: u64| {
            mix.classes()
                .all(|class| mix.class_count(class, length) <= self.mix.class_count(class, count))
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

    /// The instant of the ramp's step `number`, from 0.
    fn step(&self, number: u64) -> Timestamp {
        let after = (number as f64 * 1e6 / self.spawn_rate).min(u64::MAX as f64 / 4.0);
        Timestamp::from_micros(self.from.micros() + after as u64)
    }

    /// How many steps happen at or before an instant.
    fn steps_before(&self, instant: Timestamp) -> u64 {
        if instant < self.from {
            return 0;
        }
        let passed = instant.since(self.from).as_secs_f64();
        let mut steps = ((passed * self.spawn_rate) as u64).min(self.most());
        while steps > 0 && self.step(steps - 1) > instant {
            steps -= 1;
        }
        while self.step(steps) <= instant && steps < self.most() {
            steps += 1;
        }
        steps
    }
}
