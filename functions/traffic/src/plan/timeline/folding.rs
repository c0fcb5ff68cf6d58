//! The past ramps of a run that folds its segments: which of them has started each user that is still active.
//!
//! Users leave in the order of their positions, the last one first. So who is still there of those that a ramp
//! has started is whoever no later ramp has gone below: a walk back from the last one finds them.

use std::collections::HashMap;
use std::sync::Arc;

use super::Timeline;
use crate::clock::Timestamp;
use crate::plan::mix::Mix;
use crate::plan::ramp::{Pace, Ramp};
use crate::run::{Past, Run, Share, Spawner};

/// Their users are those who are still there, and stay.
const FOR_EVER: Timestamp = Timestamp::from_micros(u64::MAX);

impl Timeline {
    /// The timeline of a run before its segments are added.
    pub(super) fn after(past: Option<&Past>, class_number: impl Fn(&str) -> Option<usize>) -> Self {
        let mut timeline = Self {
            spawners: Vec::new(),
            first: past.map_or(0, |past| past.segments as usize),
            users: past.map_or(0, |past| past.users),
            past_peak: past.map_or(0, |past| past.peak),
            ramps: Vec::new(),
            curve: None,
        };
        let Some(past) = past else { return timeline };
        let mixes = past.shares.iter();
        let mixes: Vec<_> = mixes
            .map(|shares| Arc::new(Mix::new(shares, &class_number)))
            .collect();
        let ramp_of = |spawner: &Spawner| {
            let mix = Arc::clone(mixes.get(spawner.shares as usize)?);
            let users = (spawner.users, u64::MAX);
            let pace = Pace::Even(spawner.spawn_rate);
            let ramp = Ramp::new(spawner.from, FOR_EVER, users, pace, mix);
            Some((spawner.number as usize, Arc::new(ramp)))
        };
        timeline.spawners = past.spawners.iter().filter_map(ramp_of).collect();
        timeline
    }

    /// The number of kept plain ramps that another has followed by an instant.
    pub(in crate::plan) fn over(&self, by: Timestamp) -> usize {
        let begun = self.ramps.partition_point(|ramp| ramp.from <= by);
        begun.saturating_sub(1)
    }

    /// The past of the run once its first `over` segments are not kept any more.
    pub(in crate::plan) fn folded(&self, run: &Run, over: usize, most_of_class: u32) -> Past {
        let next = &self.ramps[over];
        let mut shares: Vec<Vec<Share>> = Vec::new();
        let mut number_of = |wanted: &[Share]| {
            let known = shares.iter().rposition(|known| known == wanted);
            known.unwrap_or_else(|| {
                shares.push(wanted.to_vec());
                shares.len() - 1
            }) as u32
        };
        let spawners = self.still_there(over).into_iter();
        let spawners = spawners.filter_map(|(number, ramp)| {
            let Pace::Even(spawn_rate) = ramp.pace else {
                return None;
            };
            Some(Spawner {
                number: number as u32,
                from: ramp.begins,
                users: ramp.initial,
                spawn_rate,
                shares: number_of(shares_of(run, number)),
            })
        });
        let spawners = spawners.collect();
        let classes = run.class_names().into_iter().map(str::to_owned);
        Past {
            starts: run.starts(),
            segments: (self.first + over) as u32,
            users: next.initial,
            peak: self.peak(Timestamp::from_micros(next.from.micros() - 1)),
            most_of_class,
            classes: classes.collect(),
            shares,
            spawners,
        }
    }

    /// The ramps before the kept one of a number, or past already, that have started users who are there
    /// when that one begins; with their numbers, in order.
    fn still_there(&self, over: usize) -> Vec<(usize, &Arc<Ramp>)> {
        let next = &self.ramps[over];
        // by class, how many of its first users have been there ever since the ramp that is looked at
        let count = |class| (class, next.mix.class_count(class, next.initial));
        let mut since: HashMap<usize, u32> = next.mix.classes().map(count).collect();
        let kept = self.ramps[..over].iter().enumerate();
        let kept = kept.map(|(number, ramp)| (self.first + number, ramp));
        let past = self.spawners.iter().map(|(number, ramp)| (*number, ramp));
        let mut found = Vec::new();
        for (number, ramp) in kept.rev().chain(past.rev()) {
            let mut has_started = false;
            for (class, since) in &mut since {
                let before = ramp.mix.class_count(*class, ramp.initial);
                has_started |= before < *since;
                *since = before.min(*since);
            }
            if has_started {
                found.push((number, ramp));
            }
        }
        found.reverse();
        found
    }
}

/// The shares of a segment that is kept, or has started users who are still there, by its number.
fn shares_of(run: &Run, number: usize) -> &[Share] {
    let Some(past) = &run.past else {
        return &run.segments[number].shares;
    };
    if let Some(kept) = number.checked_sub(past.segments as usize) {
        return &run.segments[kept].shares;
    }
    let spawners = &past.spawners;
    let spawner = spawners.partition_point(|spawner| (spawner.number as usize) < number);
    let shares = spawners.get(spawner);
    let shares = shares.and_then(|spawner| past.shares.get(spawner.shares as usize));
    shares.map_or(&[], Vec::as_slice)
}
