//! Runs that end after so many iterations: which are left.

use super::*;
use crate::plan::bounded::bounded;
use crate::run::IterationLimit;

/// A run with a limit, its last iteration found.
fn limited(run: &Run, most: u64, waits: &[(&str, Wait)]) -> Plan {
    let limited = Run {
        iterations: Some(IterationLimit { most, last: None }),
        ..run.clone()
    };
    let classes = plan(run.clone(), waits).classes;
    Plan::new(bounded(limited, classes.clone()), classes)
}

/// What is due in slots, in order of instant, class and user.
fn in_order(plan: &Plan, slots: u64) -> Vec<(Timestamp, usize, u32)> {
    let slots = (0..slots).flat_map(|offset| plan.slot(START.plus(offset)));
    let due =
        slots.flat_map(|(class, _, due)| due.into_iter().map(move |due| (due.at, class, due.user)));
    let mut due: Vec<_> = due.collect();
    due.sort_unstable();
    due
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_first_iterations_are_due_and_no_other_ones(
        waits in [any_wait(), any_wait()],
        users in (0_u32..30, 0_u32..30),
        changed in 1_u64..20,
        most in 1_u64..400,
        stops in prop::option::of(5_u64..40),
    ) {
        const SLOTS: u64 = 50;
        let waits = [("A", waits[0]), ("B", waits[1])];
        let segments = |second: u32| {
            let second = segment(changed, second, 5.0, &["A", "B"]);
            run(vec![segment(0, users.0, 10.0, &["A", "B"]), second])
        };
        let mut of_all = segments(users.1);
        of_all.stopped_at = stops.map(|stops| START.plus(stops).full_second());
        let all = in_order(&plan(of_all.clone(), &waits), SLOTS);
        let limited = limited(&of_all, most, &waits);
        let left = in_order(&limited, SLOTS);
        let first = all.len().min(most as usize);
        prop_assert_eq!(&left[..], &all[..first]);
        let counted = (0..2).map(|class| limited.due_within(class, START, START.plus(SLOTS)));
        prop_assert_eq!(counted.sum::<u64>(), first as u64);
        for slot in (0..SLOTS).map(|offset| START.plus(offset)) {
            let listed: Vec<_> = limited.slot(slot).iter().map(|(class, block, _)| (*class, *block)).collect();
            prop_assert_eq!(limited.ticks(slot), listed);
        }
        if let Some(last) = limited.run().iterations.and_then(|limit| limit.last) {
            let later = limited.due_within(0, START.plus(SLOTS), START.plus(1_000_000));
            prop_assert!(later == 0 || left.len() < most as usize);
            prop_assert!(limited.run().ends().is_some_and(|end| end > last.at));
        }
    }
}

#[test]
fn those_of_one_instant_are_in_order_of_class_and_user() {
    let pacing = Wait::ConstantPacing(seconds(1.0));
    // 40 users who start at once and are due together
    let run = run(vec![segment(0, 40, 1e6, &["A", "B"])]);
    let waits = [("A", pacing), ("B", pacing)];
    for most in [1, 19, 20, 21, 39, 40, 41, 77, 4_000_003] {
        let limited = limited(&run, most, &waits);
        let seconds = most / 40 + 2;
        let counted = (0..2).map(|class| limited.due_within(class, START, START.plus(seconds)));
        assert_eq!(counted.sum::<u64>(), most);
    }
}

#[test]
fn a_limit_that_is_never_reached_is_no_end() {
    let waits = [("A", Wait::ConstantPacing(seconds(1.0)))];
    let nobody = run(vec![segment(0, 0, 1.0, &["A"])]);
    assert_eq!(limited(&nobody, 5, &waits).run().ends(), None);
    let mut short = run(vec![segment(0, 1, 1.0, &["A"])]);
    let until = START.plus(3).full_second();
    short.segments[0].until = Some(until);
    assert_eq!(limited(&short, 5, &waits).run().ends(), Some(until));
}
