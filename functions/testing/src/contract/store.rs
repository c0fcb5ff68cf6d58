//! The contract of [`Store`]: runs, workloads, records, plans and checkpoints here, markers beside.
//!
//! Every function takes an empty store.

use std::future::Future;

use bytes::Bytes;

use traffic::clock::{Slot, Timestamp};
use traffic::ports::{Checkpoint, Store, StoreError, WakeUp};
use traffic::record::{Block, Bucket};
use traffic::run::{Past, Run, RunId, Segment, Share, Spawner};

mod markers;
mod records;
mod values;

pub use markers::*;
pub use records::*;
use values::{created_at, ok, run_id};

/// Runs every sentence of the contract, each on an empty store of its own from `open`.
pub async fn all<S, F>(open: impl Fn() -> F)
where
    S: Store,
    F: Future<Output = S>,
{
    an_empty_store_has_nothing(&open().await).await;
    a_run_is_read_back_as_it_was_written(&open().await).await;
    a_run_is_created_once(&open().await).await;
    a_run_is_changed_from_the_revision_that_was_read(&open().await).await;
    of_many_who_change_a_run_one_wins(&open().await).await;
    runs_are_listed_newest_first(&open().await).await;
    a_workload_is_kept_under_its_version(&open().await).await;
    the_workload_chosen_last_is_the_chosen_one(&open().await).await;
    a_tick_is_claimed_once(&open().await).await;
    of_many_who_claim_a_tick_one_has_it(&open().await).await;
    a_checkpoint_follows_the_one_before(&open().await).await;
    checkpoints_of_two_runs_are_apart(&open().await).await;
    a_large_checkpoint_is_kept(&open().await).await;
    planning_advances_from_where_it_is(&open().await).await;
    what_was_planned_can_be_taken_back(&open().await).await;
    of_many_who_plan_the_same_one_wins(&open().await).await;
    a_deleted_run_is_gone_and_no_other(&open().await).await;
    records::all(&open).await;
    markers::all(&open).await;
}

/// What belongs to a run goes with it: its plan, checkpoints and records. All of another run stays.
pub async fn a_deleted_run_is_gone_and_no_other(store: &impl Store) {
    let part = |number| RunId(format!("{}.1", run_id(number)));
    for number in [1, 2] {
        ok(store.put_run(&run(number)).await);
        let id = run_id(number);
        assert!(ok(store.advance_planned(&id, None, Slot(9)).await));
        for name in [run_id(number), part(number)] {
            let checkpoint = Checkpoint {
                revision: 1,
                body: Bytes::from_static(b"sums"),
            };
            ok(store.put_checkpoint(&name, &checkpoint).await);
        }
        for after in 0..3 {
            ok(store.put_record(records::record_of(number, after)).await);
        }
    }
    let checkpoints = [run_id(1), part(1)];
    // twice: a call that failed is made again
    for _ in 0..2 {
        let buckets = records::BUCKET..Bucket(records::BUCKET.0 + 9);
        let id = run_id(1);
        ok(store.delete_run(&id, &checkpoints, 1, buckets).await);
    }
    for (number, is_there) in [(1, false), (2, true)] {
        let id = run_id(number);
        assert_eq!(ok(store.run(&id).await).is_some(), is_there);
        assert_eq!(ok(store.planned_until(&id).await).is_some(), is_there);
        for name in [id.clone(), part(number)] {
            assert_eq!(ok(store.checkpoint(&name).await).is_some(), is_there);
        }
        for after in 0..3 {
            let page = ok(store
                .records(&id, 1, Bucket(records::BUCKET.0 + after), None)
                .await);
            assert_eq!(page.records.len(), usize::from(is_there));
        }
    }
    assert_eq!(ok(store.run_ids(None, 10).await), [run_id(2)]);
    // the name is free again
    ok(store.put_run(&run(1)).await);
    assert_eq!(ok(store.planned_until(&run_id(1)).await), None);
}

/// Nothing is found, and nothing fails, in an empty store.
pub async fn an_empty_store_has_nothing(store: &impl Store) {
    let run = run_id(1);
    assert_eq!(ok(store.run(&run).await), None);
    assert_eq!(ok(store.latest_run().await), None);
    assert_eq!(ok(store.run_ids(None, 10).await), []);
    assert_eq!(ok(store.workload("v1").await), None);
    assert_eq!(ok(store.chosen_workload().await), None);
    assert_eq!(ok(store.checkpoint(&run).await), None);
    assert_eq!(ok(store.planned_until(&run).await), None);
    assert_eq!(
        ok(store.records(&run, 1, Bucket(7), None).await).records,
        []
    );
}

/// Every field comes back, floats and 64-bit numbers to the last bit.
pub async fn a_run_is_read_back_as_it_was_written(store: &impl Store) {
    let mut written = run(1);
    let segment = written.segments[0].clone();
    // rates with all kinds of digits
    let rates = (1..=300).map(|number| 1e-7 + f64::from(number) / 7.0);
    let rates = rates.chain([0.1 + 0.2, 1e-300, 123_456.789_012_345, f64::MAX]);
    written.segments.extend(rates.map(|spawn_rate| Segment {
        spawn_rate,
        ..segment.clone()
    }));
    for (number, segment) in written.segments.iter_mut().enumerate().skip(1) {
        // some differ from the one before in one way or another, and some not at all
        match number % 5 {
            1 => segment.shares[0].weight += number as u32,
            2 => segment.host = Some(format!("http://{number}.test")),
            3 => segment.hosts = vec![("A".into(), format!("http://{number}.test"))],
            _ => {}
        }
    }
    written.past = Some(Past {
        starts: created_at(1),
        segments: u32::MAX,
        users: u64::MAX,
        peak: 1,
        most_of_class: 2,
        classes: vec!["A".into()],
        shares: vec![segment.shares.clone()],
        spawners: vec![Spawner {
            number: 3,
            from: created_at(1),
            users: 4,
            spawn_rate: 0.1 + 0.2,
            shares: 0,
        }],
    });
    ok(store.put_run(&written).await);
    assert_eq!(ok(store.run(&written.id).await), Some(written.clone()));
    assert_eq!(ok(store.latest_run().await), Some(written));
}

/// Revision 1 is refused where there is a run of that name.
pub async fn a_run_is_created_once(store: &impl Store) {
    let first = run(1);
    ok(store.put_run(&first).await);
    let second = Run {
        seed: 99,
        ..first.clone()
    };
    conflicts(store.put_run(&second).await);
    assert_eq!(ok(store.run(&first.id).await), Some(first));
}

/// A revision that does not follow the stored one is refused, and changes nothing.
pub async fn a_run_is_changed_from_the_revision_that_was_read(store: &impl Store) {
    let mut stored = run(1);
    let absent = Run {
        revision: 2,
        ..stored.clone()
    };
    conflicts(store.put_run(&absent).await);
    ok(store.put_run(&stored).await);
    stored.revision = 2;
    stored.stopped_at = Some(Slot(u64::from(u32::MAX)).full_second());
    ok(store.put_run(&stored).await);
    for revision in [0, 1, 2, 4] {
        let change = Run {
            revision,
            stopped_at: None,
            ..stored.clone()
        };
        conflicts(store.put_run(&change).await);
    }
    assert_eq!(ok(store.run(&stored.id).await), Some(stored));
}

/// Of writers that have all read the same revision one succeeds, and what is stored is what it wrote.
pub async fn of_many_who_change_a_run_one_wins(store: &impl Store) {
    let stored = run(1);
    ok(store.put_run(&stored).await);
    let changes = (0..20).map(|seed| Run {
        revision: 2,
        seed,
        ..stored.clone()
    });
    let changes: Vec<Run> = changes.collect();
    let written = changes.iter().map(|change| store.put_run(change));
    let written = futures_util::future::join_all(written).await;
    let winner = one_winner(written.into_iter().map(|written| match written {
        Err(StoreError::Conflict) => false,
        other => {
            ok(other);
            true
        }
    }));
    assert_eq!(
        ok(store.run(&stored.id).await),
        Some(changes[winner].clone())
    );
}

/// The newest run is the one created last, in whatever order they were written.
pub async fn runs_are_listed_newest_first(store: &impl Store) {
    for number in [3, 1, 5, 2, 4] {
        ok(store.put_run(&run(number)).await);
    }
    let newest = [5, 4, 3].map(run_id);
    assert_eq!(ok(store.run_ids(None, 3).await), newest);
    assert_eq!(ok(store.run_ids(None, 100).await).len(), 5);
    assert_eq!(ok(store.run_ids(None, 0).await), []);
    let page = |before: RunId, limit| async move { ok(store.run_ids(Some(&before), limit).await) };
    assert_eq!(page(run_id(3), 1).await, [run_id(2)]);
    assert_eq!(page(run_id(3), 100).await, [2, 1].map(run_id));
    assert_eq!(page(run_id(1), 100).await, []);
    // it need not be there itself: a run may have expired since the page before was read
    let between = RunId(format!("{}-", run_id(3)));
    assert_eq!(page(between, 2).await, [3, 2].map(run_id));
    assert_eq!(ok(store.latest_run().await), Some(run(5)));
}

/// Sources are kept letter by letter; keeping one again is no error.
pub async fn a_workload_is_kept_under_its_version(store: &impl Store) {
    let source = format!("# Größe \u{1F41D}\r\n{}", "name = \"x\"\n".repeat(5_000));
    ok(store.put_workload("v1", &source).await);
    ok(store.put_workload("v1", &source).await);
    ok(store.put_workload("v2", "").await);
    assert_eq!(ok(store.workload("v1").await), Some(source));
    assert_eq!(ok(store.workload("v2").await), Some(String::new()));
    assert_eq!(ok(store.workload("v3").await), None);
}

/// The first checkpoint has revision 1, the next one 2; any other is refused and changes nothing.
pub async fn a_checkpoint_follows_the_one_before(store: &impl Store) {
    let run = run_id(1);
    conflicts(
        store
            .put_checkpoint(&run, &checkpoint(2, "too early"))
            .await,
    );
    ok(store.put_checkpoint(&run, &checkpoint(1, "one")).await);
    ok(store.put_checkpoint(&run, &checkpoint(2, "two")).await);
    for revision in [0, 1, 2, 4] {
        conflicts(store.put_checkpoint(&run, &checkpoint(revision, "x")).await);
    }
    let stored = ok(store.checkpoint(&run).await);
    assert_eq!(stored, Some(checkpoint(2, "two")));
}

/// One run's checkpoint says nothing about another's.
pub async fn checkpoints_of_two_runs_are_apart(store: &impl Store) {
    ok(store.put_checkpoint(&run_id(1), &checkpoint(1, "a")).await);
    ok(store.put_checkpoint(&run_id(2), &checkpoint(1, "b")).await);
    let stored = ok(store.checkpoint(&run_id(1)).await);
    assert_eq!(stored, Some(checkpoint(1, "a")));
}

/// A checkpoint of 300 KB, more than five hundred names need, is kept whole.
pub async fn a_large_checkpoint_is_kept(store: &impl Store) {
    let body: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    let large = Checkpoint {
        revision: 1,
        body: body.into(),
    };
    ok(store.put_checkpoint(&run_id(1), &large).await);
    assert_eq!(ok(store.checkpoint(&run_id(1)).await), Some(large));
}

/// Choosing again replaces the choice.
pub async fn the_workload_chosen_last_is_the_chosen_one(store: &impl Store) {
    for version in ["v1", "v2", "v2", "v1"] {
        ok(store.choose_workload(version).await);
        assert_eq!(ok(store.chosen_workload().await).as_deref(), Some(version));
    }
}

/// Whoever claims a tick first has it, and may ask again; other ticks are free.
pub async fn a_tick_is_claimed_once(store: &impl Store) {
    let tick = tick(0);
    assert!(ok(store.claim(&tick, u64::MAX).await));
    assert!(!ok(store.claim(&tick, 2).await));
    assert!(ok(store.claim(&tick, u64::MAX).await));
    let mut others = vec![tick; 4];
    others[0].run = run_id(2);
    others[1].class = "Größe \u{1F41D}".into();
    others[2].block = Block(u32::MAX / 100);
    others[3].slot = others[3].slot.plus(1);
    for other in &others {
        assert!(ok(store.claim(other, 2).await), "{other:?} is taken");
    }
}

/// Deliveries of one wake-up at the same moment: one executes it.
pub async fn of_many_who_claim_a_tick_one_has_it(store: &impl Store) {
    let ticks: Vec<WakeUp> = (0..5).map(tick).collect();
    for tick in &ticks {
        let claims = (0..20).map(|writer| store.claim(tick, writer));
        let claimed = futures_util::future::join_all(claims).await;
        one_winner(claimed.into_iter().map(ok));
    }
}

/// Planning moves on only for who knows where it is.
pub async fn planning_advances_from_where_it_is(store: &impl Store) {
    let run = run_id(1);
    let (first, second) = (Slot(1_800_000_000), Slot(1_800_000_060));
    assert!(!ok(store.advance_planned(&run, Some(first), second).await));
    assert!(ok(store.advance_planned(&run, None, first).await));
    assert!(!ok(store.advance_planned(&run, None, second).await));
    assert_eq!(ok(store.planned_until(&run).await), Some(first));
    assert!(ok(store.advance_planned(&run, Some(first), second).await));
    assert!(!ok(store.advance_planned(&run, Some(first), second).await));
    assert_eq!(ok(store.planned_until(&run).await), Some(second));
    assert_eq!(ok(store.planned_until(&run_id(2)).await), None);
}

/// A change plans anew what was planned before it.
pub async fn what_was_planned_can_be_taken_back(store: &impl Store) {
    let run = run_id(1);
    let (change, planned) = (Slot(1_800_000_003), Slot(1_800_000_060));
    assert!(ok(store.advance_planned(&run, None, planned).await));
    assert!(ok(store.advance_planned(&run, Some(planned), change).await));
    assert!(!ok(store
        .advance_planned(&run, Some(planned), planned.plus(10))
        .await));
    assert_eq!(ok(store.planned_until(&run).await), Some(change));
}

/// Two firings for the same minute: one of them plans it.
pub async fn of_many_who_plan_the_same_one_wins(store: &impl Store) {
    let run = run_id(1);
    for (from, to) in [(None, Slot(60)), (Some(Slot(60)), Slot(120))] {
        let moves = (0..20).map(|_| store.advance_planned(&run, from, to));
        let moved = futures_util::future::join_all(moves).await;
        one_winner(moved.into_iter().map(ok));
        assert_eq!(ok(store.planned_until(&run).await), Some(to));
    }
}

fn tick(block: u32) -> WakeUp {
    WakeUp {
        run: run_id(1),
        class: "ModelAUser".into(),
        block: Block(block),
        // in the future: an adapter may forget claims of old slots
        slot: Slot(4_000_000_000),
    }
}

fn run(number: u64) -> Run {
    let share = |class: &str, weight, fixed_count| Share::new(class, weight, fixed_count);
    Run {
        reset_at: Some(created_at(number + 1)),
        equal_weights: true,
        ..Run::new(
            run_id(number),
            u64::MAX - number,
            "v1",
            created_at(number),
            vec![Segment {
                from: Timestamp::from_micros(1_800_000_002_345_678),
                user_count: u32::MAX,
                spawn_rate: 1.5,
                shares: vec![share("ModelAUser", 3, 0), share("Größe \u{1F41D}", 0, 7)],
                host: Some("http://127.0.0.1:8001".into()),
                hosts: vec![("ModelAUser".into(), "http://127.0.0.1:8001".into())],
                until: Some(Timestamp::from_micros(1_800_003_602_345_678)),
                shape: None,
            }],
        )
    }
}

fn checkpoint(revision: u64, body: &'static str) -> Checkpoint {
    Checkpoint {
        revision,
        body: Bytes::from_static(body.as_bytes()),
    }
}

#[track_caller]
fn conflicts(result: Result<(), StoreError>) {
    match result {
        Err(StoreError::Conflict) => {}
        other => panic!("a conflict was expected, not {other:?}"),
    }
}

/// The index of the only one that is true.
#[track_caller]
fn one_winner(won: impl Iterator<Item = bool>) -> usize {
    let winners = won.enumerate().filter(|(_, won)| *won);
    let winners: Vec<usize> = winners.map(|(index, _)| index).collect();
    assert_eq!(winners.len(), 1, "exactly one must win, not {winners:?}");
    winners[0]
}
