//! A row: the result of one request, and its form in JSON and CSV.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use csv::Terminator;
use serde::Serialize;
use statistics::report::time::utc;
use traffic::clock::Timestamp;
use traffic::record::{RequestName, Streamed};
use traffic::run::RunId;
use traffic::telemetry::{RequestResult, TraceId};

/// The columns of a row, in their order.
pub const COLUMNS: [&str; 19] = [
    "run_id",
    "started_at",
    "user_class",
    "user_index",
    "iteration",
    "task",
    "method",
    "name",
    "status",
    "response_time_ms",
    "response_length",
    "error",
    "first_byte_ms",
    "first_event_ms",
    "events",
    "input_tokens",
    "output_tokens",
    "lateness_ms",
    "trace_id",
];

/// The form of rows in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A JSON object a line
    Jsonl,
    /// CSV with a line of names
    Csv,
}

/// The result of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub run: RunId,
    pub started_at: Timestamp,
    pub class: Arc<str>,
    pub request: Arc<RequestName>,
    pub response_time: Duration,
    pub response_length: u64,
    pub error: Option<Arc<str>>,
    pub stream: Option<Streamed>,
    pub lateness: Option<Duration>,
    pub trace: Option<TraceId>,
    /// `None` in what comes from a record.
    pub sender: Option<Sender>,
}

/// Who sent a request, and what a record does not keep of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    pub user: u32,
    pub iteration: u64,
    pub task: Arc<str>,
    pub status: Option<u16>,
    pub first_byte: Option<Duration>,
}

/// The values of [`COLUMNS`].
#[derive(Serialize)]
struct Cells<'a> {
    run_id: &'a str,
    started_at: String,
    user_class: &'a str,
    user_index: Option<u32>,
    iteration: Option<u64>,
    task: Option<&'a str>,
    method: &'a str,
    name: &'a str,
    status: Option<u16>,
    response_time_ms: f64,
    response_length: u64,
    error: Option<&'a str>,
    first_byte_ms: Option<f64>,
    first_event_ms: Option<f64>,
    events: Option<u64>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    lateness_ms: Option<f64>,
    trace_id: Option<String>,
}

impl Row {
    /// The row of a request that has just ended.
    pub(crate) fn of(result: &RequestResult<'_>) -> Self {
        let outcome = result.outcome;
        Self {
            run: result.run.clone(),
            started_at: outcome.completed_at - outcome.response_time,
            class: Arc::clone(result.class),
            request: Arc::clone(&outcome.request),
            response_time: outcome.response_time,
            response_length: outcome.content_length,
            error: outcome.error.clone(),
            stream: outcome.stream.as_deref().copied(),
            lateness: outcome.lateness,
            trace: result.trace,
            sender: Some(Sender {
                user: result.user,
                iteration: result.iteration,
                task: Arc::clone(result.task),
                status: result.status.map(|status| status.as_u16()),
                first_byte: result.first_byte,
            }),
        }
    }

    fn cells(&self) -> Cells<'_> {
        let sender = self.sender.as_ref();
        let stream = self.stream.as_ref();
        let first_byte = sender.and_then(|sender| sender.first_byte);
        let first_byte = first_byte.or(stream.map(|stream| stream.first_byte));
        Cells {
            run_id: &self.run.0,
            started_at: instant(self.started_at),
            user_class: &self.class,
            user_index: sender.map(|sender| sender.user),
            iteration: sender.map(|sender| sender.iteration),
            task: sender.map(|sender| &*sender.task),
            method: &self.request.method,
            name: &self.request.name,
            status: sender.and_then(|sender| sender.status),
            response_time_ms: milliseconds(self.response_time),
            response_length: self.response_length,
            error: self.error.as_deref(),
            first_byte_ms: first_byte.map(milliseconds),
            first_event_ms: stream
                .and_then(|stream| stream.first_event)
                .map(milliseconds),
            events: stream.map(|stream| stream.events),
            input_tokens: stream.and_then(|stream| stream.input_tokens),
            output_tokens: stream.and_then(|stream| stream.output_tokens),
            lateness_ms: self.lateness.map(milliseconds),
            trace_id: self.trace.map(|trace| trace.to_string()),
        }
    }
}

impl Cells<'_> {
    /// The same with what a column of PostgreSQL can hold: a target may say anything of its tokens.
    fn clamped(self) -> Self {
        let clamp = |value: u64| value.min(i64::MAX as u64);
        Self {
            iteration: self.iteration.map(clamp),
            response_length: clamp(self.response_length),
            events: self.events.map(clamp),
            input_tokens: self.input_tokens.map(clamp),
            output_tokens: self.output_tokens.map(clamp),
            ..self
        }
    }
}

impl Format {
    /// What stands before the first row.
    pub fn head(self) -> String {
        match self {
            Self::Jsonl => String::new(),
            Self::Csv => COLUMNS.join(",") + "\r\n",
        }
    }

    /// Appends rows, each as a line.
    pub fn write(self, rows: &[Row], out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Jsonl => {
                for row in rows {
                    serde_json::to_writer(&mut *out, &row.cells())?;
                    out.push(b'\n');
                }
                Ok(())
            }
            // as in the other files of CSV
            Self::Csv => write_csv(rows.iter().map(Row::cells), Terminator::CRLF, out),
        }
    }
}

/// Appends rows for PostgreSQL's COPY, the first as number `first` of the writer `process`; an empty cell is NULL.
pub(super) fn write_copy(
    rows: &[Row],
    process: i64,
    first: i64,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let numbered = rows.iter().zip(first..);
    let numbered = numbered.map(|(row, number)| (process, number, row.cells().clamped()));
    write_csv(numbered, Terminator::Any(b'\n'), out)?;
    // the one character that no text of PostgreSQL may have
    for byte in out {
        if *byte == 0 {
            *byte = b'?';
        }
    }
    Ok(())
}

fn write_csv(
    rows: impl Iterator<Item = impl Serialize>,
    terminator: Terminator,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new()
        .has_headers(false)
        .terminator(terminator)
        .from_writer(out);
    for row in rows {
        writer.serialize(row).map_err(io::Error::other)?;
    }
    writer.flush()
}

/// An instant as RFC 3339 has it, in UTC and with microseconds.
pub(crate) fn instant(at: Timestamp) -> String {
    let seconds = utc(at.full_second().0);
    let micros = at.micros() % 1_000_000;
    format!("{}.{micros:06}Z", seconds.trim_end_matches('Z'))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}

#[cfg(test)]
impl Row {
    /// The row of a user's request.
    pub(crate) fn example(user: u32) -> Self {
        Self {
            run: RunId("06599ee3c3a0c8-0000002a".into()),
            started_at: Timestamp::from_micros(1_795_451_591_333_007),
            class: "Shopper".into(),
            request: Arc::new(RequestName {
                method: "GET".into(),
                name: "/cart".into(),
            }),
            response_time: Duration::from_micros(12_345),
            response_length: 42,
            error: None,
            stream: None,
            lateness: Some(Duration::from_micros(700)),
            trace: TraceId::from_bytes([7; 16]),
            sender: Some(Sender {
                user,
                iteration: 3,
                task: "look".into(),
                status: Some(200),
                first_byte: Some(Duration::from_millis(11)),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(format: Format, rows: &[Row]) -> String {
        let mut out = format.head().into_bytes();
        format.write(rows, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_row_is_an_object_a_line_with_the_columns_in_their_order() {
        let line = text(Format::Jsonl, &[Row::example(1)]);
        assert_eq!(
            line,
            concat!(
                r#"{"run_id":"06599ee3c3a0c8-0000002a","started_at":"2026-11-23T16:33:11.333007Z","#,
                r#""user_class":"Shopper","user_index":1,"iteration":3,"task":"look","method":"GET","#,
                r#""name":"/cart","status":200,"response_time_ms":12.345,"response_length":42,"error":null,"#,
                r#""first_byte_ms":11.0,"first_event_ms":null,"events":null,"input_tokens":null,"#,
                r#""output_tokens":null,"lateness_ms":0.7,"trace_id":"07070707070707070707070707070707"}"#,
                "\n"
            )
        );
        let places = COLUMNS.map(|column| line.find(&format!("\"{column}\":")).unwrap());
        assert!(places.is_sorted());
    }

    #[test]
    fn line_breaks_and_quotes_stay_within_a_cell() {
        let error: Arc<str> = "=1+1, \"or\"\r\nnot".into();
        let failed = Row {
            error: Some(Arc::clone(&error)),
            sender: None,
            ..Row::example(1)
        };
        let csv = text(Format::Csv, &[failed, Row::example(2)]);
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        assert_eq!(reader.headers().unwrap(), &COLUMNS[..]);
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!((rows.len(), &rows[0][11], &rows[0][3]), (2, &*error, ""));
        assert!(csv.ends_with("\r\n"));
    }

    #[test]
    fn rows_for_a_database_are_numbered_and_have_no_character_that_it_refuses() {
        let failed = Row {
            error: Some("a\0b".into()),
            ..Row::example(1)
        };
        let mut out = Vec::new();
        write_copy(&[failed, Row::example(2)], -5, 7, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].starts_with("-5,7,06599ee3c3a0c8-0000002a,"),
            "{text}"
        );
        assert!(lines[0].contains(",a?b,"), "{text}");
        assert!(lines[1].starts_with("-5,8,"), "{text}");
    }
}
