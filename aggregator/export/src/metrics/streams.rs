//! The metrics of rows whose responses are streams; nothing where there are none.

use statistics::report::{Row, StreamFigures};

use super::text::{Exposition, Kind};

/// A count of a row: the end of its name, its help text, and its value.
type Count = (&'static str, &'static str, fn(&StreamFigures) -> u64);

const COUNTS: [Count; 2] = [
    ("responses", "Responses that were read as streams.", |of| {
        of.responses
    }),
    ("events", "Events of streams.", |of| of.events),
];

/// A time of a row: the end of its name, its help text, and its median, 95th and 99th percentile in milliseconds.
type Time = (
    &'static str,
    &'static str,
    fn(&StreamFigures) -> [Option<u64>; 3],
);

const TIMES: [Time; 2] = [
    (
        "first_event",
        "From sending to the first event: the time to the first token.",
        |of| {
            [
                of.median_first_event,
                of.first_event_percentile_95,
                of.first_event_percentile_99,
            ]
        },
    ),
    (
        "inter_token_latency",
        "Mean time between two tokens of a response, or two events where its tokens are not known: the inter-token latency.",
        |of| {
            [
                of.median_inter_token_latency,
                of.inter_token_latency_percentile_95,
                of.inter_token_latency_percentile_99,
            ]
        },
    ),
];

/// Writes what the rows among these have that are streams.
pub(super) fn streams<'r>(out: &mut Exposition, rows: impl Iterator<Item = &'r Row>) {
    let of_row = |row: &'r Row| {
        let labels = [("method", &*row.method), ("name", &*row.name)];
        Some((labels, row.stream.as_ref()?))
    };
    let rows: Vec<_> = rows.filter_map(of_row).collect();
    if rows.is_empty() {
        return;
    }
    for (count, help, value) in COUNTS {
        let name = format!("cicada_stream_{count}_total");
        out.family(&name, Kind::Counter, help);
        for (labels, figures) in &rows {
            out.sample(&name, labels, value(figures) as f64);
        }
    }
    for (time, help, value) in TIMES {
        let name = format!("cicada_stream_{time}_seconds");
        out.family(&name, Kind::Summary, help);
        for ([method, row], figures) in &rows {
            for (quantile, value) in ["0.5", "0.95", "0.99"].into_iter().zip(value(figures)) {
                let labels = [*method, *row, ("quantile", quantile)];
                if let Some(milliseconds) = value {
                    out.sample(&name, &labels, milliseconds as f64 / 1e3);
                }
            }
        }
    }
    let name = "cicada_stream_tokens_total";
    out.family(
        name,
        Kind::Counter,
        "Tokens of prompts and answers, where a stream says them.",
    );
    for ([method, row], figures) in &rows {
        for (kind, tokens) in [
            ("input", figures.input_tokens),
            ("output", figures.output_tokens),
        ] {
            let labels = [*method, *row, ("type", kind)];
            out.sample(name, &labels, tokens as f64);
        }
    }
    let name = "cicada_stream_tokens_per_second";
    out.family(
        name,
        Kind::Gauge,
        "Tokens of answers by the response times of these answers.",
    );
    for (labels, figures) in &rows {
        if let Some(value) = figures.tokens_per_second {
            out.sample(name, labels, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streamed_report::report;

    fn written(has_streams: bool) -> String {
        let mut out = Exposition::default();
        streams(&mut out, report(has_streams).rows.iter());
        out.into_text()
    }

    #[test]
    fn only_rows_with_streams_have_their_metrics() {
        assert_eq!(written(false), "");
        let text = written(true);
        for line in [
            "cicada_stream_responses_total{method=\"POST\",name=\"chat\"} 1",
            "cicada_stream_events_total{method=\"POST\",name=\"chat\"} 10",
            "cicada_stream_first_event_seconds{method=\"POST\",name=\"chat\",quantile=\"0.95\"} 0.2",
            "cicada_stream_inter_token_latency_seconds{method=\"POST\",name=\"chat\",quantile=\"0.5\"} 0.082",
            "cicada_stream_tokens_total{method=\"POST\",name=\"chat\",type=\"output\"} 12",
            "cicada_stream_tokens_per_second{method=\"POST\",name=\"chat\"} 6",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} in {text}");
        }
        assert!(!text.contains("plain"), "{text}");
    }
}
