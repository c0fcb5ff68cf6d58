//! When a message is sent, and with which delay, so that it comes shortly before its slot.
//!
//! SQS delays by whole seconds, and slots begin with them; so how long before its slot a message
//! comes depends on the fraction of the second at which it is sent. A tick that comes early waits,
//! which is paid for; a fan-out that has time waits for the right moment instead, once for all.

use std::time::Duration;

use traffic::clock::{SLOT_MICROS, Slot, Timestamp, micros};

/// No message is aimed to come later than this before its slot; at most one second earlier.
pub(super) const LEAST_LEAD: Duration = Duration::from_millis(200);

/// Whoever waits aims for this, so that there is time for the call.
const AIM: Duration = Duration::from_millis(450);

/// Nobody waits to come later than this.
const GOOD_ENOUGH: Duration = Duration::from_millis(500);

/// Whoever sends for a slot that begins sooner than this does not wait.
const URGENT: Duration = Duration::from_secs(3);

/// The longest delay that SQS knows.
pub(super) const LONGEST: Duration = Duration::from_secs(900);

/// The delay of a message for `slot` that is sent now, in seconds; `None` if SQS has none so long.
pub(super) fn delay_seconds(slot: Slot, now: Timestamp) -> Option<u32> {
    let left = slot.full_second().since(now).saturating_sub(LEAST_LEAD);
    let seconds = left.as_secs();
    (seconds <= LONGEST.as_secs()).then_some(seconds as u32)
}

/// When to send what is due from `first` on, if not now.
pub(super) fn right_moment(first: Slot, now: Timestamp) -> Option<Timestamp> {
    let left = first.full_second().since(now);
    if left <= URGENT {
        return None;
    }
    let since_least = (micros(left) - micros(LEAST_LEAD)) % SLOT_MICROS;
    let lead = LEAST_LEAD + Duration::from_micros(since_least);
    (lead > GOOD_ENOUGH).then(|| now + (lead - AIM))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SLOT: Slot = Slot(1_800_000_000);

    #[test]
    fn what_is_due_or_late_has_no_delay() {
        for late in [0, 1, 30, 3_600] {
            assert_eq!(delay_seconds(SLOT, SLOT.plus(late).full_second()), Some(0));
        }
        let just_before = SLOT.full_second() - Duration::from_millis(1_100);
        assert_eq!(delay_seconds(SLOT, just_before), Some(0));
    }

    #[test]
    fn more_than_a_quarter_of_an_hour_ahead_is_too_far() {
        let limit = SLOT.full_second() - LONGEST;
        assert_eq!(delay_seconds(SLOT, limit - LEAST_LEAD), Some(900));
        assert_eq!(
            delay_seconds(SLOT, limit - LEAST_LEAD - Duration::from_secs(1)),
            None
        );
    }

    #[test]
    fn who_is_in_a_hurry_does_not_wait() {
        for millis in 0..=3_000 {
            let now = SLOT.full_second() - Duration::from_millis(millis);
            assert_eq!(right_moment(SLOT, now), None);
        }
    }

    proptest! {
        #[test]
        fn a_message_comes_before_its_slot_and_no_more_than_a_second_too_soon(
            ahead in 200_000_u64..900_000_000,
        ) {
            let now = SLOT.full_second() - Duration::from_micros(ahead);
            let delay = Duration::from_secs(delay_seconds(SLOT, now).unwrap().into());
            let lead = SLOT.full_second().since(now + delay);
            prop_assert!(LEAST_LEAD <= lead && lead < LEAST_LEAD + Duration::from_secs(1));
        }

        #[test]
        fn after_the_wait_messages_for_every_slot_come_when_they_should(
            ahead in 3_000_001_u64..120_000_000,
            later in 0_u64..120,
        ) {
            let now = SLOT.full_second() - Duration::from_micros(ahead);
            let at = right_moment(SLOT, now).unwrap_or(now);
            prop_assert!(at.since(now) < Duration::from_millis(750));
            prop_assert_eq!(right_moment(SLOT, at), None, "there is no second wait");
            let slot = SLOT.plus(later);
            let delay = Duration::from_secs(delay_seconds(slot, at).unwrap().into());
            let lead = slot.full_second().since(at + delay);
            prop_assert!(LEAST_LEAD <= lead && lead <= GOOD_ENOUGH, "{lead:?}");
        }
    }
}
