//! A CSV table as it grows, and cells as Locust writes them.

use statistics::report::{Milliseconds, PERCENTILES, Row};

use crate::python::float;

/// The cell of a percentile that there is none of.
const NONE: &str = "N/A";

pub(super) struct Table(csv::Writer<Vec<u8>>);

impl Table {
    pub(super) fn new() -> Self {
        let mut builder = csv::WriterBuilder::new();
        builder.terminator(csv::Terminator::CRLF);
        Self(builder.from_writer(Vec::new()))
    }

    pub(super) fn row<I: IntoIterator<Item = T>, T: AsRef<[u8]>>(&mut self, cells: I) {
        self.0
            .write_record(cells)
            .expect("rows of a table are equally long, and memory takes them");
    }

    pub(super) fn text(self) -> String {
        let bytes = self.0.into_inner().expect("memory takes what is written");
        String::from_utf8(bytes).expect("cells are texts")
    }
}

pub(super) fn percentiles(
    row: &Row,
    shown: &[u64; PERCENTILES.len()],
) -> [String; PERCENTILES.len()] {
    shown.map(|shown| match row.num_requests {
        0 => NONE.into(),
        _ => shown.to_string(),
    })
}

pub(super) fn median(row: &Row) -> String {
    match row.median_response_time {
        Milliseconds::Whole(whole) => whole.to_string(),
        Milliseconds::Exact(exact) => float(exact),
    }
}

/// A response time as it was measured; Locust has an integer for 0, and for a row without requests.
pub(super) fn measured(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    float(value)
}

pub(super) fn content(row: &Row) -> String {
    if row.num_requests == 0 {
        return "0".into();
    }
    float(row.avg_content_length)
}
