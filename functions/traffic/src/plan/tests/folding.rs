//! A run that does not keep what is past: the same plan for all that comes.

use super::*;

const CLASSES: [&[&str]; 4] = [&["A", "B"], &["A"], &["B", "C"], &["A", "B", "C"]];

/// Seconds to the next change, users, spawn rate, classes, and whether what is past is folded then.
type Change = (u64, u32, f64, usize, bool);

fn change() -> impl Strategy<Value = Change> {
    let rate = prop_oneof![0.3_f64..3.0, Just(1.0), Just(50.0)];
    // mostly the same classes
    let classes = prop_oneof![4 => Just(0_usize), 1 => 0..CLASSES.len()];
    (1_u64..9, 0_u32..30, rate, classes, any::<bool>())
}

fn waits() -> [(&'static str, Wait); 3] {
    [
        (
            "A",
            Wait::Between {
                min: seconds(0.5),
                max: seconds(2.0),
            },
        ),
        ("B", Wait::Constant(seconds(0.3))),
        ("C", Wait::Poisson(seconds(0.7))),
    ]
}

proptest! {
    #[test]
    fn what_is_folded_changes_nothing_that_comes(changes in prop::collection::vec(change(), 2..40), lag in 0_u64..20) {
        let mut whole = run(vec![segment(0, 10, 5.0, &["A", "B"])]);
        let mut folded = whole.clone();
        let mut at = 0;
        for (after, users, rate, classes, folds) in changes {
            at += after;
            let change = segment(at, users, rate, CLASSES[classes]);
            if folds {
                let before = START.plus(at.saturating_sub(lag)).full_second();
                folded = plan(folded, &waits()).folded(before);
            }
            for run in [&mut whole, &mut folded] {
                run.segments.push(change.clone());
            }
        }
        let kept_from = folded.kept_from().full_second().0 - START.0;
        let (whole, folded) = (plan(whole, &waits()), plan(folded, &waits()));
        prop_assert_eq!(all_due(&whole, kept_from..at + 20), all_due(&folded, kept_from..at + 20));
        prop_assert_eq!(whole.run().starts(), folded.run().starts());
        prop_assert_eq!(whole.run().class_names(), folded.run().class_names());
        prop_assert_eq!(whole.shards(), folded.shards());
        for second in kept_from..at + 20 {
            let instant = START.plus(second).full_second();
            prop_assert_eq!(whole.class_counts(instant), folded.class_counts(instant));
            prop_assert_eq!(whole.phase(instant), folded.phase(instant));
            prop_assert_eq!(peak_users(whole.run(), instant), peak_users(folded.run(), instant));
        }
        let text = serde_json::to_string(folded.run()).expect("a run is JSON");
        let read: Run = serde_json::from_str(&text).expect("a run is read back");
        prop_assert_eq!(&read, folded.run());
    }
}

#[test]
fn a_run_that_goes_up_and_down_keeps_few_of_its_past_segments() {
    let mut run = run(vec![segment(0, 10, 5.0, &["A", "B"])]);
    for number in 1..2_000 {
        run.segments.push(segment(
            number * 10,
            10 + (number % 7) as u32,
            3.0,
            &["A", "B"],
        ));
        run =
            plan(run, &waits()).folded(START.plus((number * 10).saturating_sub(30)).full_second());
    }
    let past = run.past.as_ref().expect("most of it is past");
    assert_eq!(past.segments as usize + run.segments.len(), 2_000);
    assert!(run.segments.len() <= 5, "{}", run.segments.len());
    // the first ten users were started by the first segment, and never more than six others are there
    assert!(past.spawners.len() <= 7, "{:?}", past.spawners);
    assert_eq!((past.spawners[0].number, past.shares.len()), (0, 1));
}
