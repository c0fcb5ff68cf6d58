//! Ticks with a deadline: everything has ended and is written before it, and what was cut off says so.

use super::*;
use crate::block::Block;
use crate::ports::StoreError;

fn wake_up() -> WakeUp {
    WakeUp {
        run: RunId("r".into()),
        class: "A".into(),
        block: Block(0),
        slot: START,
    }
}

fn after_start(after: Duration) -> Timestamp {
    START.full_second() + after
}

#[tokio::test(start_paused = true)]
async fn a_request_ends_in_time_for_its_outcome_to_be_written() {
    let stage = Stage::new("constant_pacing(100)", 3, Duration::from_secs(50)).await;
    let deadline = after_start(Duration::from_secs(20));
    let report = stage.ticker.run(&wake_up(), Some(deadline)).await.unwrap();
    assert_eq!(report.executed, 3);
    assert!(stage.clock.now() <= deadline - WRITES_NEED + ms(10));
    assert_eq!(stage.fates(), BTreeMap::from([(Fate::CutOff, 3)]));
    let outcomes = stage.recorded().outcomes;
    assert_eq!(outcomes.len(), stage.seen().len());
    for outcome in outcomes {
        let error = outcome.error.unwrap();
        assert_eq!(&*error, "cut off by the end of the function's time");
        let before = (deadline - WRITES_NEED).since(outcome.completed_at);
        assert!(before <= ms(2), "{before:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_of_the_targets_own_stays_its_failure() {
    let stage = Stage::new("constant_pacing(100)", 3, Duration::from_secs(500)).await;
    let deadline = after_start(Duration::from_secs(200));
    stage.ticker.run(&wake_up(), Some(deadline)).await.unwrap();
    assert_eq!(stage.fates(), BTreeMap::from([(Fate::Done, 3)]));
    for outcome in stage.recorded().outcomes {
        assert_eq!(&*outcome.error.unwrap(), "no complete response in time");
    }
}

#[tokio::test(start_paused = true)]
async fn an_iteration_without_time_for_its_request_is_cut_off_and_sends_nothing() {
    let stage = Stage::new("constant_pacing(1)", 100, ms(5)).await;
    // the users' instants are spread over the slot: some come before the last instant to send at
    let deadline = after_start(WRITES_NEED + ms(50));
    let report = stage.ticker.run(&wake_up(), Some(deadline)).await.unwrap();
    let fates = stage.fates();
    let planned = u64::from(report.executed);
    assert_eq!(fates.values().sum::<usize>() as u64, planned);
    assert!(stage.clock.now() <= deadline - WRITES_NEED + ms(10));
    let sent = stage.seen();
    assert_eq!(stage.recorded().outcomes.len(), sent.len());
    assert!(sent.iter().all(|(at, _)| *at < deadline - WRITES_NEED));
    let whole = Stage::new("constant_pacing(1)", 100, ms(5)).await;
    assert_eq!(
        u64::from(whole.ticker.run(&wake_up(), None).await.unwrap().executed),
        planned,
        "everything due is accounted for"
    );
    assert!(
        !sent.is_empty() && sent.len() < planned as usize,
        "{sent:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_tick_without_time_is_left_to_another_execution() {
    let stage = Stage::new("constant_pacing(1)", 10, ms(5)).await;
    let deadline = after_start(WRITES_NEED);
    let refused = stage.ticker.run(&wake_up(), Some(deadline)).await;
    assert!(matches!(refused, Err(TickError::NoTime)), "{refused:?}");
    assert_eq!(stage.seen(), []);
    let report = stage.ticker.run(&wake_up(), None).await.unwrap();
    assert!(report.executed > 0, "the claim was not taken");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_fails_is_given_up_before_the_deadline() {
    let stage = Stage::new("constant_pacing(100)", 10, ms(5)).await;
    stage.store.fail_writes(true);
    let deadline = after_start(Duration::from_secs(8));
    let report = stage.ticker.run(&wake_up(), Some(deadline)).await.unwrap();
    assert!(stage.clock.now() <= deadline, "{:?}", stage.clock.now());
    assert_eq!(
        stage.ticker.lost_requests(),
        u64::from(report.executed),
        "what was given up is counted"
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_not_waited_for_beyond_the_deadline() {
    let clock = Clock::following_tokio(START.full_second());
    let deadline = after_start(Duration::from_secs(5));
    let journal = Journal {
        store: Arc::new(MemoryStore::default()),
        clock: clock.clone(),
        health: Arc::default(),
        key: RecordKey {
            run: RunId("r".into()),
            bucket: Bucket(0),
            class: "A".into(),
            block: Block(0),
            slot: START,
            writer: 1,
            sequence: 0,
        },
        first_user: 0,
        pending: Mutex::default(),
        settles_at: Timestamp::from_micros(u64::MAX),
        deadline: Some(deadline),
    };
    let hangs = std::future::pending::<Result<(), StoreError>>();
    assert!(journal.in_time(hangs).await.unwrap_err().may_pass());
    assert!(clock.now().since(deadline) <= ms(1));
    assert_eq!(journal.in_time(async { Ok(7) }).await.unwrap(), 7);
}
