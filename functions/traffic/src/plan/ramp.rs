//! One ramp: from a number of users to another, user by user, at instants that arithmetic finds.
//!
//! Which user's turn it is, is left to the mix; where ramps lie in a run to the timeline and the curve.

use std::f64::consts::PI;
use std::sync::{Arc, OnceLock};

use crate::clock::Timestamp;
use crate::plan::mix::Mix;

/// A way from one number of users to another.
#[derive(Clone, Debug)]
pub(super) struct Ramp {
    /// Where its first step is counted from.
    pub(super) begins: Timestamp,
    /// The first instant it holds for; what it would have done before, somebody else has.
    pub(super) from: Timestamp,
    /// The first instant it no longer holds for.
    pub(super) end: Timestamp,
    /// Users when it begins, by position in `mix`.
    pub(super) initial: u64,
    /// Users that it leads to.
    pub(super) target: u64,
    /// When its steps are.
    pub(super) pace: Pace,
    /// Which position is whose.
    pub(super) mix: Arc<Mix>,
    /// The most users each class ever has, by class number; counted when first asked for.
    most_by_class: OnceLock<Vec<u32>>,
}

/// When the steps of a ramp are; each starts or stops one user.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pace {
    /// The first at once, the others evenly at so many a second.
    Even(f64),
    /// Slowly, then faster, then slowly again, by half a cosine of so many microseconds: where the
    /// curve passes the middle between two whole numbers.
    Eased(u64),
}

impl Ramp {
    /// A ramp that holds from where it begins.
    pub(super) fn new(
        from: Timestamp,
        end: Timestamp,
        (initial, target): (u64, u64),
        pace: Pace,
        mix: Arc<Mix>,
    ) -> Self {
        Self {
            begins: from,
            from,
            end: end.max(from),
            initial,
            target,
            pace,
            mix,
            most_by_class: OnceLock::new(),
        }
    }

    /// The same ramp, of which only what comes at or after an instant is its own.
    pub(super) fn holding_from(self, instant: Timestamp) -> Self {
        Self {
            from: self.from.max(instant),
            ..self
        }
    }

    /// The users that this ramp ever has, by position.
    pub(super) fn most(&self) -> u64 {
        self.initial.max(self.target)
    }

    /// The most users that a class ever has.
    pub(super) fn most_of_class(&self, class: usize) -> u32 {
        let counts = self.most_by_class.get_or_init(|| {
            let classes = self.mix.classes().max().map_or(0, |class| class + 1);
            (0..classes)
                .map(|class| self.mix.class_count(class, self.most()))
                .collect()
        });
        counts.get(class).copied().unwrap_or(0)
    }

    /// Users active at an instant of this ramp.
    pub(super) fn count_at(&self, instant: Timestamp) -> u64 {
        let steps = self.steps_until(instant);
        if self.target >= self.initial {
            self.initial + steps
        } else {
            self.initial - steps
        }
    }

    /// Users that are handed over to what begins at an instant: what this ramp would do at the instant
    /// itself is the other's to say.
    pub(super) fn count_before(&self, instant: Timestamp) -> u64 {
        self.count_at(Timestamp::from_micros(instant.micros().saturating_sub(1)))
    }

    /// When position `position` is started (`None`: it was there before) and leaves.
    pub(super) fn own_span(&self, position: u64) -> Option<(Option<Timestamp>, Timestamp)> {
        if position < self.initial {
            let leaves = if position < self.target {
                self.end
            } else {
                self.step(self.initial - 1 - position).min(self.end)
            };
            return (leaves > self.from).then_some((None, leaves));
        }
        if position >= self.target {
            return None;
        }
        let spawned = self.step(position - self.initial);
        let own = (spawned >= self.from).then_some(spawned);
        (spawned < self.end).then_some((own, self.end))
    }

    fn steps(&self) -> u64 {
        self.initial.abs_diff(self.target)
    }

    /// The instant of the step `number`, from 0.
    fn step(&self, number: u64) -> Timestamp {
        let after = match self.pace {
            Pace::Even(spawn_rate) => number as f64 * 1e6 / spawn_rate,
            Pace::Eased(micros) => {
                let share = (number as f64 + 0.5) / self.steps() as f64;
                micros as f64 * libm::acos(1.0 - 2.0 * share) / PI
            }
        };
        let after = after.min(u64::MAX as f64 / 4.0);
        Timestamp::from_micros(self.begins.micros() + after as u64)
    }

    /// The number of steps at or before an instant.
    fn steps_until(&self, instant: Timestamp) -> u64 {
        if instant < self.begins {
            return 0;
        }
        // the inverse gives the number up to rounding, the steps themselves the rest
        let mut steps = self.estimate(instant).min(self.steps());
        while steps > 0 && self.step(steps - 1) > instant {
            steps -= 1;
        }
        while steps < self.steps() && self.step(steps) <= instant {
            steps += 1;
        }
        steps
    }

    fn estimate(&self, instant: Timestamp) -> u64 {
        let passed = instant.since(self.begins);
        match self.pace {
            Pace::Even(spawn_rate) => (passed.as_secs_f64() * spawn_rate) as u64,
            Pace::Eased(micros) => {
                let share = (passed.as_micros() as f64 / micros as f64).min(1.0);
                let eased = (1.0 - libm::cos(PI * share)) / 2.0;
                (self.steps() as f64 * eased).round() as u64
            }
        }
    }
}
