//! The contract of [`Queue`]: at least once, in no order, about when the slot begins.
//!
//! Every function takes an empty queue. All wait for a few seconds of the adapter's clock.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use traffic::clock::{Clock, Slot, Slots, Timestamp};
use traffic::ports::{Queue, WakeUp};
use traffic::record::Block;
use traffic::run::RunId;

/// A late wake-up, and one that was sent just now, is on its way for no longer than this.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Nothing is waited for longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

/// A queue with its receiving end, as a test sees it.
pub trait QueueUnderTest {
    /// The adapter.
    type Queue: Queue;

    /// The sending end.
    fn queue(&self) -> &Self::Queue;

    /// The clock that the queue goes by.
    fn clock(&self) -> &Clock;

    /// Waits for the next wake-up that is delivered.
    fn receive(&mut self) -> impl Future<Output = WakeUp>;

    /// How much before its slot begins a wake-up may come at most, and how much after.
    fn punctuality(&self) -> (Duration, Duration);
}

/// Runs every sentence of the contract, each on an empty queue of its own from `open`.
pub async fn all<Q, F>(open: impl Fn() -> F)
where
    Q: QueueUnderTest,
    F: Future<Output = Q>,
{
    a_wake_up_comes_as_it_was_sent(open().await).await;
    a_wake_up_comes_when_its_slot_begins(open().await).await;
    of_many_wake_ups_none_is_lost(open().await).await;
    what_was_sent_again_still_comes(open().await).await;
    a_late_wake_up_comes_at_once(open().await).await;
    a_distant_wake_up_holds_nobody_up(open().await).await;
    sending_nothing_is_no_error(open().await).await;
}

/// Run, class, block and slot are the sender's, to the last letter and bit.
pub async fn a_wake_up_comes_as_it_was_sent(mut queue: impl QueueUnderTest) {
    let slot = now(&queue).plus(3);
    let mut first = wake_up(u32::MAX / 100, slot);
    first.class = "Größe \u{1F41D} <&\"> User".into();
    let mut second = wake_up(0, slot);
    second.run = RunId("other-run".into());
    let sent = vec![first, second];
    send(&queue, &sent).await;
    let received = receive_all(&mut queue, &sent).await;
    assert_eq!(received.len(), 2);
}

/// Not so early that nobody may know yet what is due, and not so late that it is missed.
pub async fn a_wake_up_comes_when_its_slot_begins(mut queue: impl QueueUnderTest) {
    let now = now(&queue);
    let sent = [6, 3, 5, 4].map(|ahead| wake_up(ahead, now.plus(ahead.into())));
    send(&queue, &sent).await;
    let (before, after) = queue.punctuality();
    for (wake_up, at) in receive_all(&mut queue, &sent).await {
        let start = wake_up.slot.full_second();
        let is_punctual = start - before <= at && at <= start + after;
        assert!(is_punctual, "{wake_up:?} came at {at:?}");
    }
}

/// Several hundred at once, over several slots, in one call.
pub async fn of_many_wake_ups_none_is_lost(mut queue: impl QueueUnderTest) {
    let now = now(&queue);
    let sent = (0..237).map(|block| wake_up(block, now.plus(3 + u64::from(block % 4))));
    let sent: Vec<WakeUp> = sent.collect();
    send(&queue, &sent).await;
    receive_all(&mut queue, &sent).await;
}

/// Sending all of them again after an error is safe.
pub async fn what_was_sent_again_still_comes(mut queue: impl QueueUnderTest) {
    let slot = now(&queue).plus(3);
    let sent: Vec<WakeUp> = (0..15).map(|block| wake_up(block, slot)).collect();
    send(&queue, &sent[..7]).await;
    send(&queue, &sent).await;
    receive_all(&mut queue, &sent).await;
}

/// Nothing is dropped for being late: the tick decides, and the ledger shows it.
pub async fn a_late_wake_up_comes_at_once(mut queue: impl QueueUnderTest) {
    let asked_at = queue.clock().now();
    let sent =
        [0, 1, 29, 31, 3_600].map(|ago| wake_up(ago, asked_at.full_second().minus(ago.into())));
    send(&queue, &sent).await;
    for (wake_up, at) in receive_all(&mut queue, &sent).await {
        let taken = at.since(asked_at);
        assert!(taken <= AT_ONCE, "{wake_up:?} took {taken:?}");
    }
}

/// One that is due in ten minutes is taken, and does not come before others.
pub async fn a_distant_wake_up_holds_nobody_up(mut queue: impl QueueUnderTest) {
    let now = now(&queue);
    send(&queue, &[wake_up(0, now.plus(600))]).await;
    let near = [wake_up(1, now.plus(3)), wake_up(2, now.plus(4))];
    send(&queue, &near).await;
    receive_all(&mut queue, &near).await;
}

/// A minute in which nothing is due has no wake-ups.
pub async fn sending_nothing_is_no_error(queue: impl QueueUnderTest) {
    send(&queue, &[]).await;
}

fn now(queue: &impl QueueUnderTest) -> Slot {
    queue.clock().now().full_second()
}

fn wake_up(block: u32, slot: Slot) -> WakeUp {
    WakeUp {
        run: RunId::new(Timestamp::from_micros(1_800_000_000_000_000), 7),
        class: "ModelAUser".into(),
        block: Block(block),
        slot,
    }
}

async fn send(queue: &impl QueueUnderTest, wake_ups: &[WakeUp]) {
    let wake_ups = wake_ups.iter().cloned().map(Into::into).collect();
    let sent = queue.queue().send(Slots::FULL_SECONDS, wake_ups);
    sent.await
        .unwrap_or_else(|error| panic!("the queue failed: {error:?}"));
}

/// Receives until all of `expected` were there, and says when each came first.
async fn receive_all(
    queue: &mut impl QueueUnderTest,
    expected: &[WakeUp],
) -> BTreeMap<WakeUp, Timestamp> {
    let mut missing: BTreeSet<&WakeUp> = expected.iter().collect();
    let mut received = BTreeMap::new();
    while !missing.is_empty() {
        let Ok(wake_up) = tokio::time::timeout(PATIENCE, queue.receive()).await else {
            panic!("these did not come: {missing:?}");
        };
        assert!(expected.contains(&wake_up), "never sent: {wake_up:?}");
        missing.remove(&wake_up);
        let at = queue.clock().now();
        received.entry(wake_up).or_insert(at);
    }
    received
}
