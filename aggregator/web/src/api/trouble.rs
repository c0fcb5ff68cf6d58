//! Trouble with recording: whoever writes results sets it, `/health` shows it.

use std::sync::Arc;

use parking_lot::Mutex;

/// Something that whoever watches `/health` has to know; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Trouble {
    message: Arc<Mutex<Option<String>>>,
}

impl Trouble {
    /// Says what is wrong, in one line for the person who looks.
    pub fn set(&self, message: impl Into<String>) {
        *self.message.lock() = Some(message.into());
    }

    /// Says that it is over.
    pub fn clear(&self) {
        *self.message.lock() = None;
    }

    /// The trouble, if there is any.
    pub fn message(&self) -> Option<String> {
        self.message.lock().clone()
    }
}
