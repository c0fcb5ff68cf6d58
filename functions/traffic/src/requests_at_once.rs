//! How many requests may be under way at once in one process of the functions, and the messages that follow from it.
//!
//! Lambda gives an environment 1,024 descriptors. A connection to a target takes one; calls to AWS, the runtime and
//! spans that are exported take others. An invocation is given some messages, and none beside it, so what its messages
//! can bring together is bounded here; what still goes beyond, as with classes of a slot that lasts, waits in the
//! transport for its place ([`Transport::place`](crate::transport::Transport::place)).

/// Requests under way at once, and connections, in one process of the functions.
pub const REQUESTS_AT_ONCE: usize = 800;

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

/// The number of users of whom anything is due in one message at most: a user has one request under way.
pub const fn users_per_message(ticks_per_message: usize) -> usize {
    REQUESTS_AT_ONCE / messages_at_once(ticks_per_message)
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
    fn no_invocation_is_given_more_users_than_requests_may_be_under_way() {
        for ticks in 0..=100 {
            let users = users_per_message(ticks);
            assert!(users * messages_at_once(ticks) <= REQUESTS_AT_ONCE);
            assert!(users >= BLOCK_USERS as usize, "a tick fits in a message");
        }
        assert_eq!((messages_at_once(10), users_per_message(10)), (4, 200));
        assert_eq!((messages_at_once(25), users_per_message(25)), (3, 266));
        assert_eq!((messages_at_once(100), users_per_message(100)), (1, 800));
    }
}
