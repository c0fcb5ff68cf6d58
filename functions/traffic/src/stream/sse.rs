//! Server-sent events, as the HTML standard interprets an event stream: a blank line ends an event, lines of `data`
//! are joined, comments and other fields say nothing here.

use super::lines::{Lines, append};

/// What may stand before the first line.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Finds events.
#[derive(Debug)]
pub(super) struct Sse {
    lines: Lines,
    event: Event,
}

/// The event that is being read.
#[derive(Debug, Default)]
struct Event {
    /// True once the first line was read.
    has_begun: bool,
    /// The lines of `data` so far; none is another thing than an empty one.
    data: Option<Vec<u8>>,
    /// The memory of the event before.
    spare: Vec<u8>,
}

impl Default for Sse {
    fn default() -> Self {
        Self {
            lines: Lines::ended_by_any(),
            event: Event::default(),
        }
    }
}

impl Sse {
    /// Takes the next piece; `each` is told the data of every event that it ends.
    pub(super) fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        let Self { lines, event } = self;
        lines.push(bytes, |line| event.take(line, &mut each));
    }
}

impl Event {
    fn take(&mut self, line: &[u8], each: &mut impl FnMut(&[u8])) {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        let line = match line.strip_prefix(BOM) {
            Some(rest) if is_first => rest,
            _ => line,
        };
        if line.is_empty() {
            if let Some(data) = self.data.take() {
                each(&data);
                self.spare = data;
            }
            return;
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = match colon {
            None => (line, &[][..]),
            Some(colon) => (&line[..colon], &line[colon + 1..]),
        };
        // of a comment the field is empty
        if field != b"data" {
            return;
        }
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &mut self.data {
            Some(data) => {
                append(data, b"\n");
                append(data, value);
            }
            None => {
                let mut data = std::mem::take(&mut self.spare);
                data.clear();
                append(&mut data, value);
                self.data = Some(data);
            }
        }
    }
}
