//! Single keys on a terminal, as Locust takes them: `w` and `W` add one user and ten, `s` and `S` take them away.

use tokio::sync::mpsc;

/// A key that changes the number of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// Adds so many users.
    Add(u32),
    /// Takes away so many users.
    Remove(u32),
}

/// The keys that are pressed from now on; the terminal is as before when they are dropped.
pub(crate) struct Keys {
    pressed: mpsc::Receiver<Key>,
    #[cfg(unix)]
    _terminal: Option<terminal::Restored>,
}

impl Key {
    fn of(byte: u8) -> Option<Self> {
        match byte {
            b'w' => Some(Self::Add(1)),
            b'W' => Some(Self::Add(10)),
            b's' => Some(Self::Remove(1)),
            b'S' => Some(Self::Remove(10)),
            _ => None,
        }
    }
}

impl Keys {
    /// Listens on standard input if it is a terminal; nothing is pressed elsewhere.
    pub(crate) fn listen() -> Self {
        let (sender, pressed) = mpsc::channel(16);
        #[cfg(unix)]
        let terminal = terminal::listen(sender);
        #[cfg(not(unix))]
        drop(sender);
        Self {
            pressed,
            #[cfg(unix)]
            _terminal: terminal,
        }
    }

    /// The next key; never where nobody can press one.
    pub(crate) async fn next(&mut self) -> Key {
        match self.pressed.recv().await {
            Some(key) => key,
            None => std::future::pending().await,
        }
    }
}

#[cfg(unix)]
mod terminal {
    //! The terminal of standard input, which gives each key as it is pressed and does not show it.

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::process::getpgrp;
    use rustix::stdio::stdin;
    use rustix::termios::{
        LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcgetpgrp, tcsetattr,
    };
    use tokio::sync::mpsc::Sender;

    use super::Key;

    /// The time between two looks whether keys are still wanted, and whether the program is in the foreground.
    const LOOK_EVERY: Timespec = Timespec {
        tv_sec: 0,
        tv_nsec: 200_000_000,
    };

    /// The terminal's modes of before; they hold again when this is dropped.
    pub(super) struct Restored(Termios);

    impl Drop for Restored {
        fn drop(&mut self) {
            if is_foreground() {
                // a terminal that is gone has nothing to restore
                let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
            }
        }
    }

    /// Starts a thread that reads keys until nobody wants them; `None` where standard input is no terminal.
    pub(super) fn listen(sender: Sender<Key>) -> Option<Restored> {
        if !isatty(stdin()) {
            return None;
        }
        let before = tcgetattr(stdin()).ok()?;
        let thread = std::thread::Builder::new().name("keys".to_owned());
        thread.spawn(move || read(&sender)).ok()?;
        Some(Restored(before))
    }

    fn read(sender: &Sender<Key>) {
        while !sender.is_closed() {
            // a program in the background that reads or changes its terminal is stopped by it
            if !is_foreground() {
                std::thread::sleep(std::time::Duration::from_millis(200));
                continue;
            }
            if by_key().is_err() {
                return;
            }
            let input = stdin();
            let mut waits = [PollFd::new(&input, PollFlags::IN)];
            if poll(&mut waits, Some(&LOOK_EVERY)).unwrap_or(0) == 0 || !is_foreground() {
                continue;
            }
            let mut bytes = [0; 16];
            match rustix::io::read(stdin(), &mut bytes) {
                // the terminal has gone
                Ok(0) | Err(_) => return,
                Ok(count) => {
                    for key in bytes[..count].iter().copied().filter_map(Key::of) {
                        // whoever presses faster than users can be changed loses keys
                        let _ = sender.try_send(key);
                    }
                }
            }
        }
    }

    fn is_foreground() -> bool {
        tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp())
    }

    /// Takes away lines and echo; Ctrl-C stays.
    fn by_key() -> rustix::io::Result<()> {
        let mut modes = tcgetattr(stdin())?;
        let lines = LocalModes::ICANON | LocalModes::ECHO;
        if modes.local_modes.intersects(lines) {
            modes.local_modes -= lines;
            tcsetattr(stdin(), OptionalActions::Now, &modes)?;
        }
        Ok(())
    }
}
