//! Where one process does all, a change holds from its instant, also in a slot that has begun.

use super::*;
use crate::runs::Changing;

/// A run of 50 users that starts amid a second, on a queue that delivers at once.
async fn stage(wait: &str, takes: Duration) -> Stage {
    let mut stage = Stage::new(wait, 50, takes).await;
    stage.change(|run| run.segments[0].from = begins()).await;
    stage.live(0..1).await;
    stage
}

fn begins() -> Timestamp {
    START.full_second() + ms(400)
}

impl Stage {
    /// Makes a change that holds from now on, and plans it.
    async fn change_at_once(&mut self, change: impl FnOnce(&mut Run, &Changing)) -> Timestamp {
        let before = self.runs.latest().await.unwrap().unwrap();
        let changing = self.runs.begin_change();
        // nobody knows of it yet
        self.clock.sleep_until(self.clock.now() + ms(25)).await;
        self.change(|run| change(run, &changing)).await;
        let from = changing.from();
        drop(changing);
        let after = self.runs.latest().await.unwrap().unwrap();
        (self.deployment.plan_change(&before, &after, from).await).unwrap();
        let present = after.plan.run().slots().of(from);
        for wake_up in self.queue.take_before(present.plus(1)) {
            let ticker = Arc::clone(&self.ticker);
            (self.ticks).spawn(async move { ticker.run(&wake_up, None).await });
        }
        from
    }

    /// Compares what was recorded with what the run as it is in the end has planned; requests and
    /// iterations are as many, unless users loop.
    async fn assert_as_planned(&mut self) -> Contents {
        self.settle().await;
        let run = self.runs.latest().await.unwrap().unwrap();
        let mut planned = Vec::new();
        for slot in (0..12).map(|second| START.plus(second)) {
            let ticks = run.plan.slot(slot);
            planned.extend(ticks.into_iter().flat_map(|(_, block, due)| {
                due.into_iter()
                    .map(move |due| (slot, block, due.user, due.ordinal))
            }));
        }
        let mut recorded = Vec::new();
        for record in self.store.all_records() {
            let contents = Decoded::read(&record.payload, record.key.slot).unwrap();
            let block = record.key.block;
            recorded.extend(contents.iterations.iter().map(|entry| {
                let user = block.0 * 100 + u32::from(entry.user);
                (record.key.slot, block, user, entry.ordinal)
            }));
        }
        planned.sort_unstable();
        recorded.sort_unstable();
        assert_eq!(recorded, planned);
        self.recorded()
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_starts_amid_a_second_begins_at_its_instant() {
    let mut stage = stage("constant_pacing(1)", ms(5)).await;
    stage.live(1..4).await;
    let first = stage.seen()[0].0;
    assert!(first >= begins() && first <= begins() + ms(2), "{first:?}");
}

#[tokio::test(start_paused = true)]
async fn users_that_are_added_amid_a_slot_begin_at_once() {
    let mut stage = stage("constant_pacing(1)", ms(5)).await;
    stage.live(1..4).await;
    stage.clock.sleep_until(begins() + ms(3_600)).await;
    let from = stage
        .change_at_once(|run, changing| {
            let grown = Segment {
                from: changing.from(),
                user_count: 250,
                ..run.segments[0].clone()
            };
            run.segments.push(grown);
        })
        .await;
    stage.live(5..9).await;
    let new = |line: &str| line.split(' ').next().unwrap().parse::<u32>().unwrap() >= 50;
    let seen = stage.seen();
    let first = seen.iter().find(|(_, line)| new(line)).unwrap().0;
    // 25 ms it took to write it down
    assert!(first <= from + ms(30), "{:?}", first.since(from));
    let end = stage.clock.now();
    stage.change(|run| run.stopped_at = Some(end)).await;
    let recorded = stage.assert_as_planned().await;
    assert_eq!(stage.seen().len(), recorded.outcomes.len());
}

#[tokio::test(start_paused = true)]
async fn a_stop_amid_a_slot_holds_at_once_for_every_wait() {
    for wait in [
        "constant_pacing(1)",
        "between(0.2, 0.6)",
        "poisson(0.3)",
        "constant(0)",
        "constant(0.4)",
        "constant(30)",
    ] {
        let mut stage = stage(wait, ms(5)).await;
        stage.live(1..4).await;
        stage.clock.sleep_until(begins() + ms(3_300)).await;
        let stopped = stage
            .change_at_once(|run, changing| run.stopped_at = Some(changing.from()))
            .await;
        let run = stage.runs.latest().await.unwrap().unwrap();
        let under_way = Arc::clone(stage.runs.under_way());
        stage.settle().await;
        assert!(
            stage.clock.now() <= stopped + ms(40),
            "{wait}: nobody waits for the end of the slot, or of a rest"
        );
        assert!(under_way.is_quiet(run.plan.run(), stopped + GRAIN));
        assert_eq!(under_way.busy_users(&run.plan.run().id), 0);
        let latest = stage.seen().iter().map(|(at, _)| *at).max();
        assert!(latest.unwrap() < stopped, "{wait}");
        stage.live(5..7).await;
        let recorded = stage.assert_as_planned().await;
        assert_eq!(stage.seen().len(), recorded.outcomes.len(), "{wait}");
    }
}

#[tokio::test(start_paused = true)]
async fn users_that_leave_amid_a_slot_leave_at_once() {
    for wait in ["constant_pacing(0.5)", "constant(0)", "constant(0.3)"] {
        let mut stage = stage(wait, ms(5)).await;
        stage.live(1..4).await;
        stage.clock.sleep_until(begins() + ms(3_300)).await;
        let from = stage
            .change_at_once(|run, changing| {
                let shrunk = Segment {
                    from: changing.from(),
                    user_count: 10,
                    spawn_rate: 10_000.0,
                    ..run.segments[0].clone()
                };
                run.segments.push(shrunk);
            })
            .await;
        stage.live(5..8).await;
        let late = stage.seen().into_iter();
        let late = late.filter(|(at, _)| *at > from + ms(4));
        let who = late.map(|(_, line)| line.split(' ').next().unwrap().parse::<u32>().unwrap());
        assert!(who.max() < Some(10), "{wait}");
        let end = stage.clock.now();
        stage.change(|run| run.stopped_at = Some(end)).await;
        stage.assert_as_planned().await;
    }
}

#[tokio::test(start_paused = true)]
async fn another_host_is_sent_to_at_once() {
    for wait in ["constant_pacing(0.5)", "constant(0.1)"] {
        let mut stage = stage(wait, ms(5)).await;
        stage.live(1..4).await;
        stage.clock.sleep_until(begins() + ms(3_300)).await;
        let from = stage
            .change_at_once(|run, changing| {
                let moved = Segment {
                    from: changing.from(),
                    hosts: vec![("A".into(), "http://127.0.0.1:10/new".into())],
                    ..run.segments[0].clone()
                };
                run.segments.push(moved);
            })
            .await;
        stage.live(5..7).await;
        for (at, line) in stage.seen() {
            assert_eq!(line.contains(" /new/"), at >= from, "{wait}: {line}");
        }
        let end = stage.clock.now();
        stage.change(|run| run.stopped_at = Some(end)).await;
        stage.assert_as_planned().await;
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_stop_timeout_an_iteration_has_that_long_to_end() {
    for (takes, fate) in [(ms(3_000), Fate::Done), (ms(9_000), Fate::CutOff)] {
        let mut stage = Stage::new("constant_pacing(100)", 3, takes).await;
        let ticker = Ticker::new(
            Arc::clone(&stage.store),
            Arc::clone(&stage.runs),
            Target {
                clock: stage.clock.clone(),
                takes,
                seen: Arc::clone(&stage.seen),
                concurrent: Arc::default(),
                most_concurrent: Arc::default(),
            },
            stage.clock.clone(),
        );
        stage.ticker = Arc::new(ticker.stopping_within(Some(Duration::from_secs(5))));
        stage.live(0..2).await;
        let stopped = stage
            .change_at_once(|run, changing| run.stopped_at = Some(changing.from()))
            .await;
        let run = stage.runs.latest().await.unwrap().unwrap();
        assert_eq!(stage.runs.under_way().busy_users(&run.plan.run().id), 3);
        assert!(!(stage.runs.under_way()).is_quiet(run.plan.run(), stopped + GRAIN));
        stage.settle().await;
        assert!(stage.clock.now() <= stopped + ms(5_010));
        assert_eq!(stage.fates(), BTreeMap::from([(fate, 3)]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_in_the_last_moment_of_a_slot_is_executed_though_the_slot_ends_while_it_is_written()
 {
    for wait in ["constant_pacing(0.5)", "constant(0)", "constant(0.3)"] {
        // of a tick that has users, and of one that has none yet
        for users in [50, 0] {
            let mut stage = stage(wait, ms(5)).await;
            stage.live(1..3).await;
            let resize = |user_count: u32| {
                move |run: &mut Run, changing: &Changing| {
                    let resized = Segment {
                        from: changing.from(),
                        user_count,
                        spawn_rate: 1e6,
                        ..run.segments[0].clone()
                    };
                    run.segments.push(resized);
                }
            };
            stage.change_at_once(resize(users)).await;
            stage.live(4..6).await;
            // writing it takes 25 ms
            stage.clock.sleep_until(begins() + ms(5_990)).await;
            stage.change_at_once(resize(90)).await;
            stage.live(7..9).await;
            let end = stage.clock.now();
            stage.change(|run| run.stopped_at = Some(end)).await;
            stage.assert_as_planned().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_begins_when_its_run_is_long_over_is_recorded_and_sends_nothing() {
    let mut stage = stage("constant(0)", ms(5)).await;
    stage.live(1..4).await;
    stage.clock.sleep_until(begins() + ms(3_300)).await;
    let changing = stage.runs.begin_change();
    let grown = changing.from();
    stage
        .change(|run| {
            let segment = Segment {
                from: grown,
                user_count: 60,
                ..run.segments[0].clone()
            };
            run.segments.push(segment);
            run.stopped_at = Some(grown + ms(20));
        })
        .await;
    stage.clock.sleep_until(grown + GRAIN + ms(50)).await;
    drop(changing);
    stage.assert_as_planned().await;
    let latest = stage.seen().iter().map(|(at, _)| *at).max();
    assert!(latest.unwrap() < grown);
}
