//! Lines of a body, whatever pieces it comes in. Of a line that is too long the beginning is kept.

/// The most bytes of a line or an event that are kept. A longer one counts, and what is beyond is not looked at.
pub const MAX_EVENT: usize = 256 * 1024;

/// Finds lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    line: Vec<u8>,
    /// True if a carriage return ends a line as well.
    cr_ends: bool,
    /// True if the last line ended with a carriage return: a line feed after it belongs to it.
    after_cr: bool,
}

impl Lines {
    /// Lines that a line feed ends.
    pub(super) fn ended_by_lf() -> Self {
        Self::default()
    }

    /// Lines that CR, LF or CRLF ends.
    pub(super) fn ended_by_any() -> Self {
        Self {
            cr_ends: true,
            ..Self::default()
        }
    }

    /// Takes the next piece; `each` is told of every line that it ends. A line that ends with CR has ended with that:
    /// whoever reads it need not wait for what comes next.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8])) {
        while let Some(&first) = bytes.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let ends = |byte: &u8| *byte == b'\n' || self.cr_ends && *byte == b'\r';
            let Some(end) = bytes.iter().position(ends) else {
                self.keep(bytes);
                return;
            };
            self.keep(&bytes[..end]);
            self.after_cr = bytes[end] == b'\r';
            each(&self.line);
            self.line.clear();
            bytes = &bytes[end + 1..];
        }
    }

    /// The line that nothing has ended yet.
    pub(super) fn unended(&self) -> &[u8] {
        &self.line
    }

    fn keep(&mut self, bytes: &[u8]) {
        append(&mut self.line, bytes);
    }
}

/// Appends as much as may be kept.
pub(super) fn append(kept: &mut Vec<u8>, bytes: &[u8]) {
    let room = MAX_EVENT.saturating_sub(kept.len());
    kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
}
