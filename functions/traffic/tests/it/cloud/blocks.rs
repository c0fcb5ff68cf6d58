//! Block sizes: how users are cut into ticks changes nothing but the ticks.

use std::collections::BTreeSet;

use proptest::prelude::*;
use traffic::plan::Due;
use traffic::runs::planned_classes;
use traffic::workload::UserClass;

use super::*;

/// All that is due in some slots, whatever block it is in.
fn all_due(plan: &Plan, seconds: std::ops::Range<u64>) -> Vec<(usize, Due)> {
    let slots = seconds.map(|second| plan.slot(START.plus(second)));
    let ticks = slots.flatten().inspect(|(_, block, due)| {
        let size = plan.run().block_size;
        assert!(due.iter().all(|item| size.block_of(item.user) == *block));
    });
    let mut due: Vec<_> = ticks
        .flat_map(|(class, _, due)| due.into_iter().map(move |item| (class, item)))
        .collect();
    due.sort_by_key(|(class, item)| (item.at, *class, item.user, item.ordinal));
    due
}

/// A run of the built-in classes.
fn plan(users: u32, spawn_rate: f64, size: BlockSize) -> Plan {
    let workload = Workload::built_in(&|_| None).unwrap();
    let share = |class: &Arc<UserClass>| class.share();
    let first = Segment {
        spawn_rate,
        shares: workload.classes().iter().map(share).collect(),
        ..segment(START, users)
    };
    let second = Segment {
        from: START.plus(20).full_second(),
        user_count: users / 2,
        ..first.clone()
    };
    let run = Run {
        block_size: size,
        ..Run::new(
            run_id(),
            3,
            workload.version(),
            START.full_second(),
            vec![first, second],
        )
    };
    Plan::new(run, planned_classes(&workload))
}

fn any_size() -> impl Strategy<Value = BlockSize> {
    (1_u32..=100).prop_map(|users| BlockSize::new(users).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_block_size_plans_the_same_iterations(users in 1_u32..900, rate in 1.0_f64..500.0, size in any_size()) {
        let blocks_of_100 = all_due(&plan(users, rate, BlockSize::default()), 0..40);
        prop_assert_eq!(all_due(&plan(users, rate, size), 0..40), blocks_of_100);
    }

    /// Executed by many processes, with what the ledger and the statistics are made of.
    #[test]
    fn any_block_size_executes_and_records_the_same(
        users in 1_u32..150,
        wait in prop_oneof![Just("between(0.5, 2)"), Just("constant_pacing(3)"), Just("constant_pacing(0.4)")],
        size in any_size(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let executed = |size| runtime.block_on(async move {
            let target = Target::taking(ms(20));
            let mut cloud = Cloud::with(wait, 10, users, size, target).await;
            cloud.live(0..8, |slot, block| (slot.0 + u64::from(block.0)) as usize).await;
            cloud.settle().await;
            let account = cloud.account(0..8).await;
            account.assert_complete();
            assert_eq!(cloud.recorded().outcomes.len(), account.recorded);
            let seen: BTreeSet<_> = cloud.seen().iter().map(|seen| (seen.user, seen.path)).collect();
            (account, seen)
        });
        prop_assert_eq!(executed(size), executed(BlockSize::default()));
    }
}
