//! Sleeping to the tenth of a millisecond, by a kernel timer of which the runtime hears like of a
//! socket.
//!
//! tokio's own timers tick in whole milliseconds and wake up to another one later, which at a pacing
//! of a second is the larger part of a user's error. Only the last moment of a sleep comes here.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// The last part of a sleep, which tokio's timers may miss by two ticks.
pub(super) const LAST_MOMENT: Duration = Duration::from_millis(2);

/// A kernel timer that many sleepers share.
#[derive(Debug)]
pub(super) struct Precise {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    timer: AsyncFd<OwnedFd>,
    sleepers: Mutex<BinaryHeap<Reverse<Sleeper>>>,
}

#[derive(Debug)]
struct Sleeper {
    until: Instant,
    wake: oneshot::Sender<()>,
}

impl Precise {
    /// A timer on the runtime that this is called on.
    ///
    /// # Errors
    /// When the system has no more files or timers to give.
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer: OwnedFd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe for descriptors that may close; an OwnedFd does not"
        )]
        let timer = AsyncFd::new(timer)?;
        let shared = Arc::new(Shared {
            timer,
            sleepers: Mutex::default(),
        });
        tokio::spawn(wake_sleepers(Arc::clone(&shared)));
        Ok(Self { shared })
    }

    /// Sleeps until an instant that is at most [`LAST_MOMENT`] away.
    pub(super) async fn sleep_until(&self, until: Instant) {
        let (wake, woken) = oneshot::channel();
        {
            let mut sleepers = self.shared.sleepers();
            let first = sleepers.peek().map(|Reverse(first)| first.until);
            sleepers.push(Reverse(Sleeper { until, wake }));
            if first.is_none_or(|first| until < first) {
                // while nobody else can set it: a later time must not replace an earlier one
                self.shared.set(until);
            }
        }
        // an error means that the runtime is shutting down, and this with it
        let _ = woken.await;
    }
}

impl Shared {
    fn sleepers(&self) -> MutexGuard<'_, BinaryHeap<Reverse<Sleeper>>> {
        // nothing in a guarded section leaves the heap half-changed
        self.sleepers.lock()
    }

    /// Lets the timer expire at an instant; one that has passed counts as now.
    fn set(&self, at: Instant) {
        let left = at.saturating_duration_since(Instant::now());
        // zero would switch the timer off
        let left = left.max(Duration::from_nanos(1));
        let never = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let once = Itimerspec {
            it_interval: never,
            it_value: Timespec {
                tv_sec: left.as_secs() as _,
                tv_nsec: left.subsec_nanos().into(),
            },
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)
            .expect("a timer that is open takes any time that is not negative");
    }

    /// Wakes whose time has come, and sets the timer for the next one's.
    fn wake_due(&self) {
        let now = Instant::now();
        let mut sleepers = self.sleepers();
        while let Some(Reverse(first)) = sleepers.peek() {
            if first.until > now {
                return self.set(first.until);
            }
            if let Some(Reverse(sleeper)) = sleepers.pop() {
                // an error means that it does not sleep any more
                let _ = sleeper.wake.send(());
            }
        }
    }
}

async fn wake_sleepers(shared: Arc<Shared>) {
    loop {
        let Ok(mut ready) = shared.timer.readable().await else {
            return;
        };
        let mut expirations = [0; 8];
        // nothing to read means that it was set anew meanwhile
        let _ = rustix::io::read(&shared.timer, &mut expirations);
        ready.clear_ready();
        drop(ready);
        shared.wake_due();
    }
}

impl PartialEq for Sleeper {
    fn eq(&self, other: &Self) -> bool {
        self.until == other.until
    }
}

impl Eq for Sleeper {}

impl PartialOrd for Sleeper {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sleeper {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.until.cmp(&other.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleepers_wake_in_order_and_not_before_their_time() {
        let precise = Precise::new().unwrap();
        let began = Instant::now();
        let sleeps = [1500_u64, 300, 900, 301, 0].map(|micros| {
            let until = began + Duration::from_micros(micros);
            let precise = &precise;
            async move {
                precise.sleep_until(until).await;
                assert!(Instant::now() >= until);
                micros
            }
        });
        let mut running: futures_util::stream::FuturesUnordered<_> = sleeps.into_iter().collect();
        let mut order = Vec::new();
        while let Some(micros) = futures_util::StreamExt::next(&mut running).await {
            order.push(micros);
        }
        assert_eq!(order, [0, 300, 301, 900, 1500]);
    }

    #[tokio::test]
    async fn who_gives_up_does_not_hold_the_others_up() {
        let precise = Precise::new().unwrap();
        let until = Instant::now() + LAST_MOMENT;
        drop(tokio::time::timeout(Duration::ZERO, precise.sleep_until(until)).await);
        precise.sleep_until(until + Duration::from_millis(1)).await;
        assert!(Instant::now() > until);
    }
}
