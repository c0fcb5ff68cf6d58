//! Log lines as Locust writes them, and the newest of them in memory for `/logs`.
//!
//! [`LocustFormat`] formats events for the console, for a file and for [`LogBuffer`], which keeps as
//! many lines as Locust does; an event is one line, whatever its text holds. Levels and files are the binary's to choose.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;

use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use parking_lot::{Mutex, MutexGuard};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;
use traffic::clock::Clock;
use traffic::error_chain;

use statistics::visible::line;

/// Lines that are kept, as many as in Locust.
pub const KEPT_LINES: usize = 500;

/// Bytes of a line that are kept.
const KEPT_BYTES: usize = 8 * 1024;

/// Formats events as `[2025-01-07 12:00:00,123] host/INFO/target: message key=value`.
///
/// The time is local time, as in Locust.
#[derive(Clone, Debug)]
pub struct LocustFormat {
    host: Arc<str>,
    clock: Clock,
    zone: TimeZone,
}

impl LocustFormat {
    /// The format for this machine: its name and its time zone.
    pub fn new(clock: Clock) -> Self {
        let name = gethostname::gethostname();
        let name = name.to_string_lossy();
        let host = name.split('.').next().unwrap_or_default();
        Self::with(host, TimeZone::system(), clock)
    }

    /// The format for a machine of this name in this time zone.
    pub fn with(host: &str, zone: TimeZone, clock: Clock) -> Self {
        Self {
            host: host.into(),
            clock,
            zone,
        }
    }

    fn time(&self) -> String {
        let micros = i64::try_from(self.clock.now().micros()).unwrap_or(i64::MAX);
        let time = jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::MAX);
        let time = time.to_zoned(self.zone.clone());
        let seconds = strtime::format("%Y-%m-%d %H:%M:%S", &time).unwrap_or_default();
        format!("{seconds},{:03}", time.millisecond())
    }
}

impl<S, N> FormatEvent<S, N> for LocustFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut text = Text::default();
        event.record(&mut text);
        let target = metadata.target().replace("::", ".");
        let (time, host) = (self.time(), &self.host);
        let level = locust_level(*metadata.level());
        let Text { message, fields } = text;
        let (message, fields) = (line(&message), line(&fields));
        writeln!(
            writer,
            "[{time}] {host}/{level}/{target}: {message}{fields}"
        )
    }
}

fn locust_level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG | Level::TRACE => "DEBUG",
    }
}

/// An event's message, and its other fields after it.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        use fmt::Write;
        let written = if field.name() == "message" {
            self.message.write_fmt(value)
        } else {
            write!(self.fields, " {}={value}", field.name())
        };
        written.expect("a string takes all that is written to it");
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.add(field, format_args!("{value}"));
        for cause in error_chain::chain(value).skip(1) {
            self.fields.push_str(&format!(": {cause}"));
        }
    }
}

/// The newest log lines; clones share them.
#[derive(Clone, Debug, Default)]
pub struct LogBuffer {
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl LogBuffer {
    /// A layer that keeps lines here.
    pub fn layer<S>(&self, format: LocustFormat) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .event_format(format)
            .with_writer(self.clone())
    }

    /// The lines, oldest first.
    pub fn lines(&self) -> Vec<String> {
        self.lock().iter().cloned().collect()
    }

    /// Adds a line that did not come as an event, such as one of a statistics table.
    pub fn push(&self, line: &str) {
        let mut end = line.len().min(KEPT_BYTES);
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        let mut lines = self.lock();
        if lines.len() == KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(line[..end].to_owned());
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.lines.lock()
    }
}

impl<'w> MakeWriter<'w> for LogBuffer {
    type Writer = LineWriter;

    fn make_writer(&'w self) -> Self::Writer {
        LineWriter {
            buffer: self.clone(),
            line: Vec::new(),
        }
    }
}

/// Takes one event's line and hands it to the buffer when it is complete.
#[derive(Debug)]
pub struct LineWriter {
    buffer: LogBuffer,
    line: Vec<u8>,
}

impl io::Write for LineWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        let line = String::from_utf8_lossy(&self.line);
        self.buffer.push(line.trim_end_matches('\n'));
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::prelude::*;
    use traffic::clock::Timestamp;

    use super::*;

    /// 2025-01-07 12:00:00.123 UTC.
    const NOON: Timestamp = Timestamp::from_micros(1_736_251_200_123_456);

    fn lines_of(events: impl FnOnce()) -> Vec<String> {
        let buffer = LogBuffer::default();
        let format = LocustFormat::with("box", TimeZone::UTC, Clock::following_tokio(NOON));
        let subscriber = tracing_subscriber::registry().with(buffer.layer(format));
        tracing::subscriber::with_default(subscriber, events);
        buffer.lines()
    }

    #[tokio::test(start_paused = true)]
    async fn lines_look_like_locusts() {
        let error = io::Error::other("no room\x1b[2J");
        let lines = lines_of(|| {
            tracing::info!(target: "cicada::web", "Starting web interface");
            tracing::warn!(target: "cicada", user_count = 3, host = %"http://a", "many users");
            tracing::error!(target: "cicada", error = &error as &dyn std::error::Error, "not\nwritten");
        });
        assert_eq!(
            lines,
            [
                "[2025-01-07 12:00:00,123] box/INFO/cicada.web: Starting web interface",
                "[2025-01-07 12:00:00,123] box/WARNING/cicada: many users user_count=3 host=http://a",
                "[2025-01-07 12:00:00,123] box/ERROR/cicada: not\\nwritten error=no room\\x1b[2J",
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_lines_make_room_and_long_ones_are_cut() {
        let lines = lines_of(|| {
            for number in 0..KEPT_LINES + 7 {
                tracing::info!("line {number}");
            }
            tracing::info!("{}", "ü".repeat(KEPT_BYTES));
        });
        assert_eq!(lines.len(), KEPT_LINES);
        assert!(lines[0].ends_with("line 8"), "{}", lines[0]);
        assert!(lines.iter().all(|line| line.len() <= KEPT_BYTES));
    }
}
