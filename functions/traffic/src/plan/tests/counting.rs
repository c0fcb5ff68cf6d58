//! What is due in a long time, counted: as many as are listed slot by slot.

use super::*;

/// A share of a slot that its segments begin after its first instant.
fn moved(mut run: Run, micros: u64) -> Run {
    for (number, segment) in run.segments.iter_mut().enumerate() {
        // the first one makes the slots, the others begin anywhere within one
        segment.from = segment.from + Duration::from_micros(micros * (number as u64 + 1));
    }
    run
}

fn listed(plan: &Plan, class: usize, slots: std::ops::Range<u64>) -> u64 {
    let slots = slots.map(|offset| START.plus(offset));
    let due = slots.flat_map(|slot| plan.slot(slot));
    let of_class = due.filter(|(number, ..)| *number == class);
    of_class.map(|(.., due)| due.len() as u64).sum()
}

proptest! {
    #[test]
    fn a_long_time_is_counted_as_its_slots_are(
        waits in [any_wait(), any_wait()],
        changes in prop::collection::vec((1_u64..9, 0_u32..130, 0.3_f64..80.0), 0..6),
        micros in prop_oneof![Just(0_u64), 1_u64..150_000],
        span in (0_u64..50, 0_u64..50),
        stops in prop::option::of(5_u64..60),
    ) {
        let mut segments = vec![segment(0, 40, 20.0, &["A", "B"])];
        let mut at = 0;
        for (after, users, rate) in changes {
            at += after;
            segments.push(segment(at, users, rate, &["A", "B"]));
        }
        let mut run = moved(run(segments), micros);
        run.stopped_at = stops.map(|stops| START.plus(stops).full_second() + Duration::from_micros(7));
        let plan = plan(run, &[("A", waits[0]), ("B", waits[1])]);
        let slots = span.0..span.0 + span.1;
        for (class, wait) in waits.iter().enumerate() {
            let counted = plan.due_within(class, START.plus(slots.start), START.plus(slots.end));
            prop_assert_eq!(counted, listed(&plan, class, slots.clone()), "{:?}", wait);
        }
    }
}

#[test]
fn a_year_is_counted_at_once_and_each_of_its_days_as_well() {
    let waits = [
        (
            "A",
            Wait::Between {
                min: seconds(1.0),
                max: seconds(3.0),
            },
        ),
        ("B", Wait::Constant(seconds(0.0))),
    ];
    let plan = plan(run(vec![segment(0, 200, 10.0, &["A", "B"])]), &waits);
    const DAY: u64 = 86_400;
    for class in 0..2 {
        let days = (0..365)
            .map(|day| plan.due_within(class, START.plus(day * DAY), START.plus((day + 1) * DAY)));
        let year = plan.due_within(class, START, START.plus(365 * DAY));
        assert_eq!(days.sum::<u64>(), year);
        let of_user = year as f64 / 100.0;
        let expected = 365.0 * DAY as f64 / [2.0, 1.0][class];
        assert!(
            (of_user - expected).abs() < 30.0,
            "{of_user}, not {expected}"
        );
    }
}
