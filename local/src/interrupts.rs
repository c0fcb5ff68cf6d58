//! Ctrl-C and SIGTERM, as events that a program waits for.

use std::time::Duration;

/// A second interrupt counts from here on: shells and tools send the first one twice.
const SAME_INTERRUPT: Duration = Duration::from_millis(300);

/// Returns at Ctrl-C or SIGTERM.
pub async fn interrupted() {
    if let Ok(mut interrupts) = Interrupts::listen() {
        interrupts.next().await;
    } else {
        // without a listener a signal ends the process
        std::future::pending().await
    }
}

/// Ctrl-C and SIGTERM: from `Interrupts::listen` on, neither ends the process by itself.
pub struct Interrupts {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 2],
}

impl Interrupts {
    /// Listens from now on; an interrupt that comes before somebody waits for it is kept.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        #[cfg(unix)]
        {
            use anyhow::Context as _;
            use tokio::signal::unix::{SignalKind, signal};
            let interrupt = signal(SignalKind::interrupt());
            let terminate = signal(SignalKind::terminate());
            Ok(Self {
                signals: [
                    interrupt.context("Ctrl-C cannot be listened for")?,
                    terminate.context("SIGTERM cannot be listened for")?,
                ],
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// The next interrupt, unless it repeats the one before within [`SAME_INTERRUPT`].
    pub(crate) async fn again(&mut self) {
        tokio::time::sleep(SAME_INTERRUPT).await;
        self.next().await;
    }

    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        {
            let [interrupt, terminate] = &mut self.signals;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}
