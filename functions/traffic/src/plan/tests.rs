//! The plan's properties: random access, bounds, exact means, stability under change.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::run::{RunId, Share};

mod bounded;
mod counting;
mod curve;
mod folding;

const START: Slot = Slot(1_700_000_000);

fn segment(from: u64, user_count: u32, spawn_rate: f64, classes: &[&str]) -> Segment {
    let share = |class: &&str| Share::new(class, 1, 0);
    Segment::new(
        START.plus(from).full_second(),
        user_count,
        spawn_rate,
        classes.iter().map(share).collect(),
    )
}

fn run(segments: Vec<Segment>) -> Run {
    Run::new(RunId("r".into()), 7, "w", START.full_second(), segments)
}

fn plan(run: Run, waits: &[(&str, Wait)]) -> Plan {
    let class = |&(name, wait): &(&str, Wait)| PlannedClass {
        name: name.into(),
        wait,
    };
    Plan::new(run, waits.iter().map(class).collect())
}

/// Everything that is due in `slots`, by class and user.
fn all_due(plan: &Plan, slots: std::ops::Range<u64>) -> BTreeMap<(usize, u32), Vec<Due>> {
    let mut all: BTreeMap<(usize, u32), Vec<Due>> = BTreeMap::new();
    for slot in slots.map(|offset| START.plus(offset)) {
        let ticks: Vec<_> = plan.slot(slot);
        let alone = plan.ticks(slot);
        assert!(
            ticks
                .iter()
                .map(|(class, block, _)| (*class, *block))
                .eq(alone)
        );
        for (class, block, listed) in ticks {
            assert_eq!(listed, plan.due(class, block, slot));
            for due in listed {
                assert_eq!(plan.run().slots().of(due.at), slot);
                all.entry((class, due.user)).or_default().push(due);
            }
        }
    }
    all
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn any_wait() -> impl Strategy<Value = Wait> {
    prop_oneof![
        (1_000_u64..9_000_000).prop_map(|us| Wait::ConstantPacing(Duration::from_micros(us))),
        (1_000_u64..5_000_000, 0_u64..5_000_000).prop_map(|(min, more)| Wait::Between {
            min: Duration::from_micros(min),
            max: Duration::from_micros(min + more),
        }),
        (20_000_u64..5_000_000).prop_map(|us| Wait::Poisson(Duration::from_micros(us))),
        (0_u64..5_000_000).prop_map(|us| Wait::Constant(Duration::from_micros(us))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Each tick has as many users as there are in what it has due, also where a change comes amid a slot.
    #[test]
    fn ticks_have_the_users_of_whom_anything_is_due(wait in any_wait(), users in 1_u32..250, rate in 0.5_f64..200.0, amid in 0_u64..1_000) {
        let mut changed = segment(10, users / 2, rate, &["A"]);
        changed.from = changed.from + Duration::from_millis(amid);
        let plan = plan(run(vec![segment(0, users, rate, &["A"]), changed]), &[("A", wait)]);
        for slot in (0..30).map(|second| START.plus(second)) {
            let listed = plan.slot(slot).into_iter().map(|(class, block, due)| {
                let users: std::collections::HashSet<u32> = due.iter().map(|due| due.user).collect();
                (class, block, users.len() as u32)
            });
            let listed: Vec<_> = listed.collect();
            prop_assert_eq!(&plan.ticks_with_users(slot), &listed);
            let ticks: Vec<_> = listed.iter().map(|&(class, block, _)| (class, block)).collect();
            prop_assert_eq!(plan.ticks(slot), ticks);
        }
    }

    /// A fresh plan that is asked for one slot only says the same as one that was asked for all.
    #[test]
    fn random_access_equals_sequential(wait in any_wait(), users in 1_u32..150, rate in 0.5_f64..200.0, slot in 0_u64..40) {
        let run = run(vec![segment(0, users, rate, &["A"]), segment(20, users / 2 + 1, rate, &["A"])]);
        let sequential = all_due(&plan(run.clone(), &[("A", wait)]), 0..40);
        let random = all_due(&plan(run, &[("A", wait)]), slot..slot + 1);
        let of_slot: BTreeMap<_, Vec<Due>> = sequential
            .into_iter()
            .map(|(user, due)| (user, due.into_iter().filter(|due| due.at.full_second() == START.plus(slot)).collect::<Vec<_>>()))
            .filter(|(_, due)| !due.is_empty())
            .collect();
        prop_assert_eq!(random, of_slot);
    }

    #[test]
    fn every_between_wait_lies_in_its_bounds(min in 1_000_u64..3_000_000, more in 0_u64..3_000_000, start in 0_u64..5_000_000) {
        let wait = Wait::Between { min: Duration::from_micros(min), max: Duration::from_micros(min + more) };
        let plan = plan(run(vec![segment(start / 1_000_000, 3, 0.37, &["A"])]), &[("A", wait)]);
        for (_, due) in all_due(&plan, 0..60) {
            for pair in due.windows(2) {
                let wait = pair[1].at.since(pair[0].at).as_micros() as u64;
                prop_assert!(wait >= min && wait <= min + more, "{wait} not in {min}..={}", min + more);
                prop_assert_eq!(pair[1].iteration, pair[0].iteration + 1);
            }
        }
    }

    #[test]
    fn paced_iterations_are_exactly_a_pacing_apart(us in 1_000_u64..4_000_000) {
        let wait = Wait::ConstantPacing(Duration::from_micros(us));
        let plan = plan(run(vec![segment(0, 5, 3.0, &["A"])]), &[("A", wait)]);
        for (_, due) in all_due(&plan, 0..12) {
            prop_assert!(due.windows(2).all(|pair| pair[1].at.since(pair[0].at) == Duration::from_micros(us)));
        }
    }

    /// Users that are there before and after a change do exactly what they do without it.
    #[test]
    fn growing_or_shrinking_never_moves_those_who_stay(
        wait in any_wait(),
        first in 1_u32..120,
        second in 1_u32..240,
        rate in 1.0_f64..300.0,
        at in 1_u64..20,
    ) {
        let classes = ["A", "B", "C"];
        let waits = classes.map(|class| (class, wait));
        let before = segment(0, first, rate, &classes);
        let without = plan(run(vec![before.clone()]), &waits);
        let with = plan(run(vec![before, segment(at, second, rate, &classes)]), &waits);
        let unchanged = all_due(&without, 0..30);
        let mut changed = all_due(&with, 0..30);
        let there = without.class_counts(START.plus(at).full_second());
        let after = with.class_counts(START.plus(30).full_second());
        for ((class, user), due) in unchanged {
            if user < there[class].min(after[class]) {
                prop_assert_eq!(changed.remove(&(class, user)).unwrap_or_default(), due);
            }
        }
    }

    /// A change to a run that is on, at any instant: a tick of the slot may have begun.
    #[test]
    fn what_was_due_before_a_change_is_what_it_was(
        wait in any_wait(),
        (first, second) in (1_u32..120, 0_u32..240),
        (rate, new_rate) in (1.0_f64..300.0, 1.0_f64..300.0),
        offset in 0_u64..1_000_000,
        at in 0_u64..12_000_000,
        again in 0_u64..2_000_000,
        kind in 0..3,
    ) {
        let instant = |micros| START.full_second() + Duration::from_micros(offset + micros);
        let change = instant(at);
        let with = |run: &Run, change, kind, users| {
            let mut changed = run.clone();
            let classes: &[&str] = if kind == 1 { &["B"] } else { &["A", "B"] };
            match kind {
                0 => changed.stopped_at = Some(change),
                _ => changed.segments.push(Segment { from: change, ..segment(0, users, new_rate, classes) }),
            }
            changed
        };
        let before = run(vec![Segment { from: instant(0), ..segment(0, first, rate, &["A", "B"]) }]);
        let after = with(&before, change, kind, second);
        let later = instant(at + again + 1);
        let runs = [before, after.clone(), with(&after, later, 2, first)];
        let [before, after, last] = runs.map(|run| plan(run, &[("A", wait), ("B", wait)]));
        for (old, new, change) in [(&before, &after, change), (&after, &last, later)] {
            let due_before = |plan: &Plan| -> BTreeMap<_, Vec<_>> {
                let due = all_due(plan, 0..15).into_iter();
                due.map(|(user, due)| (user, due.into_iter().filter(|due| due.at < change).map(|due| (due.ordinal, due.iteration, due.at)).collect())).filter(|(_, due): &(_, Vec<_>)| !due.is_empty()).collect()
            };
            prop_assert_eq!(due_before(old), due_before(new));
        }
        for (_, due) in all_due(&last, 0..15) {
            let mut ordinals: BTreeMap<Slot, u32> = BTreeMap::new();
            for pair in due.windows(2) {
                // two events of a Poisson process may fall into one microsecond
                let is_in_order = match wait {
                    Wait::Poisson(_) => pair[0].at <= pair[1].at,
                    _ => pair[0].at < pair[1].at,
                };
                prop_assert!(is_in_order && pair[0].iteration != pair[1].iteration);
                prop_assert!(pair[0].until <= pair[1].at || !matches!(wait, Wait::Constant(_)));
            }
            for due in due {
                let next = ordinals.entry(last.run().slots().of(due.at)).or_default();
                prop_assert_eq!(due.ordinal, *next, "numbered on within the slot");
                *next += 1;
            }
        }
    }

    /// Whenever a run starts within a second, it does the same from then on.
    #[test]
    fn a_run_that_starts_amid_a_second_does_the_same_later(
        wait in any_wait(),
        users in 1_u32..120,
        rate in 1.0_f64..300.0,
        offset in 0_u64..1_000_000,
    ) {
        let offset = Duration::from_micros(offset);
        let waits = [("A", wait)];
        let full = run(vec![segment(0, users, rate, &["A"]), segment(7, users / 2, rate, &["A"])]);
        let mut shifted = full.clone();
        shifted.segments.iter_mut().for_each(|segment| segment.from = segment.from + offset);
        let mut expected = all_due(&plan(full, &waits), 0..15);
        for due in expected.values_mut().flatten() {
            (due.at, due.until) = (due.at + offset, due.until + offset);
        }
        prop_assert_eq!(all_due(&plan(shifted, &waits), 0..15), expected);
    }

    #[test]
    fn what_is_due_adds_up_to_what_the_counts_say(users in 1_u32..400, rate in 0.5_f64..500.0, slot in 0_u64..30) {
        let wait = Wait::Constant(Duration::ZERO);
        let plan = plan(run(vec![segment(0, users, rate, &["A", "B", "C"])]), &["A", "B", "C"].map(|class| (class, wait)));
        let slot = START.plus(slot);
        // a turn per user that was active at any time of the slot
        let turns: u32 = plan.ticks(slot).iter().map(|&(class, block)| plan.due_count(class, block, slot)).sum();
        let last = Timestamp::from_micros(slot.plus(1).full_second().micros() - 1);
        prop_assert_eq!(u64::from(turns), plan.user_count(last));
        let by_class: u32 = plan.class_counts(last).iter().sum();
        prop_assert_eq!(u64::from(by_class), plan.user_count(last));
    }
}

#[test]
fn the_mean_wait_of_between_is_exact() {
    let wait = Wait::Between {
        min: seconds(1.0),
        max: seconds(3.0),
    };
    let plan = plan(run(vec![segment(0, 1, 1.0, &["A"])]), &[("A", wait)]);
    let due = &all_due(&plan, 0..4_000)[&(0, 0)];
    let last = due.last().unwrap();
    let expected = Duration::from_secs(2) * last.iteration as u32;
    let drift = last.at.since(START.full_second()).abs_diff(expected);
    assert!(
        drift <= Duration::from_millis(500),
        "{drift:?} after {} waits",
        last.iteration
    );
}

#[test]
fn a_ramp_is_even() {
    let wait = Wait::ConstantPacing(seconds(1.0));
    let plan = plan(run(vec![segment(0, 20, 10.0, &["A"])]), &[("A", wait)]);
    let firsts: Vec<u64> = all_due(&plan, 0..3)
        .values()
        .map(|due| due[0].at.since(START.full_second()).as_millis() as u64)
        .collect();
    assert_eq!(firsts, (0..20).map(|n| n * 100).collect::<Vec<_>>());
    assert_eq!(plan.user_count(START.full_second()), 1);
    assert_eq!(plan.phase(START.full_second()), Phase::Spawning);
    assert_eq!(plan.phase(START.plus(2).full_second()), Phase::Running);
}

#[test]
fn a_user_started_again_draws_anew() {
    let classes = ["A"];
    let wait = Wait::ConstantPacing(seconds(1.0));
    let segments = vec![
        segment(0, 10, 100.0, &classes),
        segment(5, 1, 100.0, &classes),
        segment(10, 10, 100.0, &classes),
    ];
    let due = all_due(&plan(run(segments), &[("A", wait)]), 0..20);
    let numbers: Vec<u64> = due[&(0, 9)].iter().map(|due| due.iteration).collect();
    let distinct: std::collections::HashSet<_> = numbers.iter().collect();
    assert_eq!(distinct.len(), numbers.len(), "{numbers:?}");
    assert_eq!(due[&(0, 0)].len(), 20, "who stays goes on");
}

#[test]
fn other_classes_keep_the_users_that_both_have() {
    let wait = Wait::ConstantPacing(seconds(1.0));
    let segments = vec![
        segment(0, 60, 1000.0, &["A", "B"]),
        segment(5, 60, 10.0, &["A"]),
    ];
    let plan = plan(run(segments), &[("A", wait), ("B", wait)]);
    let change = START.plus(5).full_second();
    assert_eq!(
        plan.class_counts(change),
        [31, 0],
        "thirty stay, one more at once"
    );
    assert_eq!(plan.class_counts(START.plus(9).full_second()), [60, 0]);
    assert_eq!(all_due(&plan, 0..10)[&(0, 29)].len(), 10);
}

#[test]
fn nothing_is_due_after_a_stop_or_the_run_time() {
    let wait = Wait::ConstantPacing(seconds(0.1));
    let mut stopped = run(vec![segment(0, 10, 100.0, &["A"])]);
    stopped.stopped_at = Some(START.plus(3).full_second());
    let mut timed = run(vec![segment(0, 10, 100.0, &["A"])]);
    timed.segments[0].until = Some(START.plus(3).full_second());
    for run in [stopped, timed] {
        let plan = plan(run, &[("A", wait)]);
        assert!(plan.ticks(START.plus(3)).is_empty());
        assert_eq!(plan.ticks(START.plus(2)).len(), 1);
        assert_eq!(plan.phase(START.plus(3).full_second()), Phase::Over);
        assert_eq!(plan.user_count(START.plus(3).full_second()), 0);
    }
}

#[test]
fn the_peak_is_what_was_reached_not_what_was_asked_for() {
    let mut run = run(vec![
        segment(10, 30, 1.0, &["A", "B"]),
        segment(20, 5, 100.0, &["A", "B"]),
        segment(30, 8, 100.0, &["A"]),
        // replaced before it began
        segment(40, 1_000, 1_000.0, &["A"]),
        segment(40, 6, 1_000.0, &["A"]),
    ]);
    run.stopped_at = Some(START.plus(50).full_second());
    let peak = |second: u64| peak_users(&run, START.plus(second).full_second());
    assert_eq!([0, 9].map(peak), [0, 0], "before it begins");
    assert_eq!([10, 14, 19].map(peak), [1, 5, 10], "while it grows");
    assert_eq!([25, 35, 45, 60, 1_000].map(peak), [10; 5], "and after");
    run.stopped_at = Some(START.plus(13).full_second());
    assert_eq!(peak_users(&run, START.plus(1_000).full_second()), 3);
}

#[test]
fn a_poisson_class_has_the_rate_asked_for() {
    let wait = Wait::Poisson(seconds(0.5));
    let plan = plan(run(vec![segment(0, 50, 1000.0, &["A"])]), &[("A", wait)]);
    let total: usize = all_due(&plan, 1..401).values().map(Vec::len).sum();
    let expected = 50.0 * 400.0 * 2.0_f64;
    assert!(
        (total as f64 - expected).abs() < 5.0 * expected.sqrt(),
        "{total}"
    );
}

#[test]
fn a_month_later_the_plan_still_says_what_a_walk_says() {
    let month = 30 * 24 * 3600;
    let wait = Wait::Between {
        min: seconds(1.0),
        max: seconds(3.0),
    };
    let plan = plan(run(vec![segment(0, 1, 1.0, &["A"])]), &[("A", wait)]);
    let due = all_due(&plan, month..month + 600);
    let list = &due[&(0, 0)];
    assert!((299..=301).contains(&list.len()), "{}", list.len());
    let wait_of = |pair: &[Due]| pair[1].at.since(pair[0].at);
    assert!(
        list.windows(2)
            .map(wait_of)
            .all(|wait| wait >= seconds(1.0) && wait <= seconds(3.0))
    );
    let counted: HashMap<u64, usize> = list.iter().map(|due| (due.iteration, 1)).collect();
    assert_eq!(counted.len(), list.len());
}
