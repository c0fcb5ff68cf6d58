//! The queue on tokio, in paused time.

use std::time::Duration;

use local::queue::{Delivery, EARLIEST, LATEST, TokioQueue};
use testing::contract::queue::{self as contract, QueueUnderTest};
use traffic::clock::{Clock, Slot, Slots, Timestamp};
use traffic::ports::{Queue, WakeUp};
use traffic::record::Block;
use traffic::run::RunId;

const NOW: Slot = Slot(1_800_000_000);

/// Tokio's timers go by the millisecond.
const TIMER: Duration = Duration::from_millis(2);

struct Harness {
    queue: TokioQueue,
    delivery: Delivery,
    clock: Clock,
}

impl Harness {
    fn new() -> Self {
        let clock = Clock::following_tokio(NOW.full_second());
        let (queue, delivery) = TokioQueue::new(clock.clone());
        Self {
            queue,
            delivery,
            clock,
        }
    }

    async fn send(&self, wake_ups: impl IntoIterator<Item = WakeUp>) {
        let wake_ups = wake_ups.into_iter().map(Into::into).collect();
        let sent = self.queue.send(Slots::FULL_SECONDS, wake_ups);
        sent.await.unwrap();
    }

    /// Closes the queue and receives what it still holds, with the instants.
    async fn drain(mut self) -> Vec<(WakeUp, Timestamp)> {
        drop(self.queue);
        let mut received = Vec::new();
        while let Some(wake_up) = self.delivery.next().await {
            received.push((wake_up, self.clock.now()));
        }
        received
    }
}

impl QueueUnderTest for Harness {
    type Queue = TokioQueue;

    fn queue(&self) -> &TokioQueue {
        &self.queue
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    async fn receive(&mut self) -> WakeUp {
        self.delivery.next().await.unwrap()
    }

    fn punctuality(&self) -> (Duration, Duration) {
        (EARLIEST, Duration::ZERO)
    }
}

fn wake_up(class: &str, block: u32, slot: Slot) -> WakeUp {
    WakeUp {
        run: RunId("run".into()),
        class: class.into(),
        block: Block(block),
        slot,
    }
}

#[tokio::test(start_paused = true)]
async fn the_queue_keeps_the_contract() {
    contract::all(async || Harness::new()).await;
}

#[tokio::test(start_paused = true)]
async fn the_ticks_of_a_slot_come_evenly_in_its_window() {
    for blocks in [1, 7, 83] {
        let harness = Harness::new();
        let slot = NOW.plus(5);
        let classes = [
            "TargetAppUser",
            "ModelAUser",
            "ModelBUser",
            "ChatModelAUser",
        ];
        let all = classes.iter().flat_map(|class| {
            let block = move |block| wake_up(class, block, slot);
            (0..blocks).map(block)
        });
        harness.send(all).await;
        let mut tenths = [0_u32; 10];
        for (_, at) in harness.drain().await {
            let after = at.since(slot.full_second() - EARLIEST);
            assert!(slot.full_second() - EARLIEST <= at, "too early: {at:?}");
            assert!(
                at <= slot.full_second() - LATEST + TIMER,
                "too late: {at:?}"
            );
            tenths[(after.as_micros() / 35_300) as usize] += 1;
        }
        let (sum, most) = (tenths.iter().sum::<u32>(), *tenths.iter().max().unwrap());
        assert_eq!(sum, 4 * blocks);
        assert!(most <= 4 * blocks.div_ceil(10) + 4, "a burst: {tenths:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_twice_comes_once_even_when_it_was_delivered_in_between() {
    let mut harness = Harness::new();
    let sent = wake_up("A", 0, NOW.plus(2));
    harness.send([sent.clone(), sent.clone()]).await;
    assert_eq!(harness.delivery.next().await, Some(sent.clone()));
    harness.send([sent, wake_up("A", 1, NOW.plus(2))]).await;
    let rest = harness.drain().await;
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].0, wake_up("A", 1, NOW.plus(2)));
}

#[tokio::test(start_paused = true)]
async fn an_earlier_wake_up_overtakes_one_that_is_waited_for() {
    let mut harness = Harness::new();
    harness.send([wake_up("A", 0, NOW.plus(600))]).await;
    let queue = harness.queue.clone();
    let send = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        queue
            .send(
                Slots::FULL_SECONDS,
                vec![wake_up("A", 0, NOW.plus(1)).into()],
            )
            .await
            .unwrap();
    };
    let (received, ()) = tokio::join!(harness.delivery.next(), send);
    assert_eq!(received, Some(wake_up("A", 0, NOW.plus(1))));
    assert!(harness.clock.now() < NOW.plus(1).full_second());
}

#[tokio::test(start_paused = true)]
async fn clearing_a_run_leaves_the_others() {
    let harness = Harness::new();
    let mut other = wake_up("A", 0, NOW.plus(2));
    other.run = RunId("other".into());
    let of_run = (0..50).map(|block| wake_up("A", block, NOW.plus(2)));
    harness.send(of_run.chain([other.clone()])).await;
    assert_eq!(harness.queue.len(), 51);
    harness.queue.clear(&RunId("run".into()));
    harness.queue.clear(&RunId("never heard of".into()));
    let received = harness.drain().await;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].0, other);
}

#[tokio::test(start_paused = true)]
async fn a_closed_and_empty_queue_ends_the_delivery() {
    let Harness {
        queue,
        mut delivery,
        ..
    } = Harness::new();
    let copy = queue.clone();
    drop(queue);
    let close = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        drop(copy);
    };
    let (received, ()) = tokio::join!(delivery.next(), close);
    assert_eq!(received, None);
}

#[tokio::test(start_paused = true)]
async fn two_minutes_of_a_thousand_ticks_a_second_come_whole_and_in_time() {
    let harness = Harness::new();
    let blocks = |second| (0..1_000).map(move |block| wake_up("A", block, NOW.plus(second)));
    harness.send((2..122).flat_map(blocks)).await;
    let received = harness.drain().await;
    assert_eq!(received.len(), 120_000);
    for (wake_up, at) in received {
        let start = wake_up.slot.full_second();
        assert!(start - EARLIEST <= at && at <= start - LATEST + TIMER);
    }
}
