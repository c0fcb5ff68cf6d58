//! How many requests may be under way at once in one process of the functions, and the messages that follow from it.
//!
//! Lambda gives an environment 1,024 descriptors. A connection to a target takes one; calls to AWS, the runtime and
//! spans that are exported take others. So what a message can bring is bounded here. What still goes beyond waits in the
//! transport for its place ([`Transport::place`](crate::transport::Transport::place)): where functions are few and an
//! invocation is given several full messages at once, or where answers last longer than their slot.

/// Requests under way at once, and connections, in one process of the functions.
pub const REQUESTS_AT_ONCE: usize = 800;

/// The requests of a second by HTTPS for which the CPU of 128 MB suffices: at 300 a response time has 1.3 ms of the tick's
/// own at p95, at 1,000 it has 212 ms. `bench/quota.py` measures it, `docs/scale.md` has the table.
const LEAST_MEMORY_SENDS: usize = 300;

/// Messages of an invocation at most: more of them make late ticks less late where functions at once are few.
const MOST_MESSAGES: usize = 4;

/// A tick has about so many users of whom anything is due, on average.
const USUAL_USERS: usize = 10;

/// The number of messages that an invocation may be given: the event source's `BatchSize`.
pub const fn messages_at_once(ticks_per_message: usize) -> usize {
    let fitting = REQUESTS_AT_ONCE
        / USUAL_USERS
        / if ticks_per_message == 0 {
            1
        } else {
            ticks_per_message
        };
    if fitting < 1 {
        1
    } else if fitting > MOST_MESSAGES {
        MOST_MESSAGES
    } else {
        fitting
    }
}

/// The number of users of whom anything is due in one message at most: a user has one request under way. More ticks in a
/// message are asked for with more memory, which `cicada cost` chooses.
pub const fn users_per_message(ticks_per_message: usize) -> usize {
    let together = REQUESTS_AT_ONCE / messages_at_once(ticks_per_message);
    if together > LEAST_MEMORY_SENDS {
        together
    } else {
        LEAST_MEMORY_SENDS
    }
}

/// The number of the first ticks that go into one message, by the users of each; one at least.
pub fn ticks_of_message(users: impl Iterator<Item = usize>, ticks_per_message: usize) -> usize {
    let most = users_per_message(ticks_per_message);
    let mut sum = 0;
    let fits = |users: &usize| {
        sum += users;
        sum <= most
    };
    let fitting = users.take(ticks_per_message).take_while(fits);
    fitting.count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::BLOCK_USERS;

    #[test]
    fn a_tick_fits_in_a_message_and_usual_messages_are_given_together() {
        for ticks in 0..=100 {
            let users = users_per_message(ticks);
            assert!((BLOCK_USERS as usize..=REQUESTS_AT_ONCE).contains(&users));
            let usual = ticks * USUAL_USERS * messages_at_once(ticks);
            assert!(usual <= REQUESTS_AT_ONCE || messages_at_once(ticks) == 1);
        }
        assert_eq!((messages_at_once(10), users_per_message(10)), (4, 300));
        assert_eq!((messages_at_once(25), users_per_message(25)), (3, 300));
        assert_eq!((messages_at_once(40), users_per_message(40)), (2, 400));
        assert_eq!((messages_at_once(100), users_per_message(100)), (1, 800));
    }

    #[test]
    fn a_message_takes_the_ticks_that_its_users_allow() {
        let of = |users: &[usize], ticks| ticks_of_message(users.iter().copied(), ticks);
        assert_eq!(of(&[100; 10], 10), 3);
        assert_eq!(of(&[30; 11], 10), 10);
        assert_eq!(of(&[11; 100], 100), 72);
        assert_eq!(of(&[1_000], 10), 1);
    }
}
