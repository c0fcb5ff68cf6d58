//! The thread that a workload is read on: with a known stack, and given up when it takes too long.
//!
//! The cost of a file is counted everywhere; the deadline is for costs that nobody thought of. The thread asks
//! whoever waits for it for environment variables, so that nothing but the text has to be handed over.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

/// The longest that reading may take. Unoptimized code has more time, as tests share their machine.
const DEADLINE: Duration = Duration::from_millis(if cfg!(debug_assertions) {
    60_000
} else {
    1_800
});

/// The stack; a syntax tree is at most some hundred nodes deep.
const STACK: usize = 16 * 1024 * 1024;

enum Message<T> {
    Asks(String, Sender<Option<String>>),
    Done(T),
}

/// The reason why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// The time is over.
    TooLong,
    /// The thread could not be started, or has panicked.
    Failed,
}

/// Does `work` on a thread of its own; `environment` is asked on the caller's.
pub(super) fn run<T: Send + 'static>(
    work: impl FnOnce(&dyn Fn(&str) -> Option<String>) -> T + Send + 'static,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<T, GivenUp> {
    run_within(DEADLINE, work, environment)
}

fn run_within<T: Send + 'static>(
    deadline: Duration,
    work: impl FnOnce(&dyn Fn(&str) -> Option<String>) -> T + Send + 'static,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<T, GivenUp> {
    let (tell, told) = mpsc::channel();
    let reading = move || {
        let ask = |name: &str| {
            let (answer, answered) = mpsc::channel();
            tell.send(Message::Asks(name.to_owned(), answer)).ok()?;
            answered.recv().ok().flatten()
        };
        let done = work(&ask);
        // nobody listens any more when this thread was given up
        let _ = tell.send(Message::Done(done));
    };
    let thread = std::thread::Builder::new()
        .name("workload".to_owned())
        .stack_size(STACK);
    thread.spawn(reading).map_err(|_| GivenUp::Failed)?;
    loop {
        match told.recv_timeout(deadline) {
            Ok(Message::Done(done)) => return Ok(done),
            Ok(Message::Asks(name, answer)) => {
                let _ = answer.send(environment(&name));
            }
            Err(RecvTimeoutError::Timeout) => return Err(GivenUp::TooLong),
            Err(RecvTimeoutError::Disconnected) => return Err(GivenUp::Failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_is_given_up() {
        let (keep, wait) = mpsc::channel::<()>();
        let endless = move |_: &dyn Fn(&str) -> Option<String>| wait.recv().is_ok();
        let given_up = run_within(Duration::from_millis(1), endless, &|_| None);
        assert_eq!(given_up, Err(GivenUp::TooLong));
        drop(keep);
    }

    #[test]
    fn a_panic_is_no_answer() {
        let panics = |_: &dyn Fn(&str) -> Option<String>| -> u8 { panic!("on purpose") };
        assert_eq!(run(panics, &|_| None), Err(GivenUp::Failed));
    }

    #[test]
    fn variables_are_looked_up_by_the_caller() {
        let caller = std::thread::current().id();
        let lookup = |name: &str| (std::thread::current().id() == caller).then(|| name.to_owned());
        let asks = |ask: &dyn Fn(&str) -> Option<String>| ask("A");
        assert_eq!(run(asks, &lookup), Ok(Some("A".to_owned())));
    }
}
