//! Users whose wait begins with a response.

use super::*;

#[tokio::test(start_paused = true)]
async fn under_constant_a_user_loops_without_overlap_or_gap() {
    let mut stage = Stage::new("constant(0)", 1, ms(130)).await;
    stage.live(0..13).await;
    let report = stage.settle().await;
    assert_eq!(report.executed, 13, "a turn a slot");
    assert_eq!(stage.most_concurrent.load(Ordering::SeqCst), 1);
    let instants: Vec<Timestamp> = stage.seen().into_iter().map(|(at, _)| at).collect();
    assert!(instants.len() >= 98, "{}", instants.len());
    let gaps = instants.windows(2).map(|pair| pair[1].since(pair[0]));
    assert!(
        gaps.clone().all(|gap| gap >= ms(130) && gap <= ms(134)),
        "{:?}",
        gaps.max()
    );
    assert_eq!(stage.fates(), BTreeMap::from([(Fate::Done, 13)]));
}

#[tokio::test(start_paused = true)]
async fn under_constant_the_wait_begins_with_the_response_across_slots() {
    let mut stage = Stage::new("constant(2.5)", 2, ms(1700)).await;
    stage.live(0..43).await;
    let report = stage.settle().await;
    assert_eq!(report.executed, 2 * 43);
    let mut users: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    for (at, line) in stage.seen() {
        users
            .entry(line.split(' ').next().unwrap().into())
            .or_default()
            .push(at);
    }
    for instants in users.values() {
        assert!(instants.len() >= 10);
        let gaps = instants.windows(2).map(|pair| pair[1].since(pair[0]));
        assert!(
            gaps.clone().all(|gap| gap >= ms(4200) && gap <= ms(4210)),
            "{gaps:?}"
        );
    }
}
