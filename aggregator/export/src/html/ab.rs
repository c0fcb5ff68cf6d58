//! The chapter of a report on A and B: the outcome, all differences on one scale, and each pair in figures and charts.

use minijinja::value::Value;
use serde::Serialize;
use statistics::reader::Snapshot;

use super::graph::{Graph, percent};
use super::pictures::{Range, cumulated, histogram, one_scale};
use crate::ab::{
    Comparison, Difference, Pair, PairCharts, Side, SideOverTime, SideStream, charts, in_percent,
};
use crate::chart::{Line, figure};
use statistics::report::events::{Event, Gap, events, gaps};

#[derive(Serialize)]
pub(super) struct Chapter {
    summary: String,
    confidence: String,
    scales: Vec<Scale>,
    pairs: Vec<Section>,
}

/// All pairs on one scale.
#[derive(Serialize)]
struct Scale {
    title: &'static str,
    svg: Value,
}

/// One pair.
#[derive(Serialize)]
struct Section {
    title: String,
    verdict: String,
    explanation: String,
    rows: [Vec<String>; 3],
    /// The columns of streams, if the pair's requests are streams.
    stream_names: &'static [&'static str],
    graphs: Vec<Graph>,
}

/// The columns of streams.
const STREAM_NAMES: [&str; 5] = [
    "First event (ms)",
    "Tokens in",
    "Tokens out",
    "Tokens/s",
    "Cost",
];

impl Chapter {
    /// The chapter of a run that has pairs.
    pub(super) fn of(snapshot: &Snapshot) -> Option<Self> {
        let run = snapshot.run.as_deref()?;
        let comparison = Comparison::of(snapshot, &run.workload);
        if comparison.pairs.is_empty() {
            return None;
        }
        let (events, gaps) = (events(snapshot), gaps(snapshot));
        let charts = charts(snapshot, &run.workload);
        let sections = comparison.pairs.iter().zip(&charts);
        Some(Self {
            // before the first request there is nothing to draw
            scales: match comparison
                .pairs
                .iter()
                .any(|pair| pair.fail_ratio.difference.is_some())
            {
                true => scales(&comparison.pairs),
                false => Vec::new(),
            },
            confidence: in_percent(comparison.confidence),
            pairs: sections
                .map(|(pair, charts)| section(pair, charts, &events, &gaps))
                .collect(),
            summary: comparison.summary,
        })
    }
}

fn scales(pairs: &[Pair]) -> Vec<Scale> {
    let ranges = |of: &dyn Fn(&Pair) -> [Option<f64>; 3], factor: f64| -> Vec<Range> {
        let range = |pair: &Pair| {
            let [difference, low, high] = of(pair).map(|end| end.map(|end| end * factor));
            Range {
                name: pair.name.clone(),
                difference,
                ends: low.zip(high),
            }
        };
        pairs.iter().map(range).collect()
    };
    let scale = |title, unit, ranges: Vec<Range>| Scale {
        title,
        svg: Value::from_safe_string(one_scale(title, unit, &ranges)),
    };
    vec![
        scale(
            "Average response time, B − A (ms)",
            "ms",
            ranges(&|pair| ends(&pair.avg_response_time), 1.0),
        ),
        scale(
            "Median response time, B − A (ms)",
            "ms",
            ranges(&|pair| ends(&pair.median_response_time), 1.0),
        ),
        scale(
            "95th percentile of response times, B − A (ms)",
            "ms",
            ranges(&|pair| ends(&pair.response_time_percentile_95), 1.0),
        ),
        scale(
            "Failures, B − A (percentage points)",
            "pp",
            ranges(&|pair| ends(&pair.fail_ratio), 100.0),
        ),
    ]
}

fn ends<V>(of: &Difference<V>) -> [Option<f64>; 3] {
    [of.difference, of.low, of.high]
}

fn section(pair: &Pair, charts: &PairCharts, events: &[Event], gaps: &[Gap]) -> Section {
    let has_streams = pair.a.stream.is_some() || pair.b.stream.is_some();
    let mut rows = [side("A", &pair.a), side("B", &pair.b), difference(pair)];
    if has_streams {
        let apart = (pair.avg_first_event.as_ref())
            .map_or_else(String::new, |difference| apart(difference, 1.0, ""));
        rows[0].extend(stream(pair.a.stream.as_ref()));
        rows[1].extend(stream(pair.b.stream.as_ref()));
        rows[2].push(apart);
        rows[2].resize(rows[0].len(), String::new());
    }
    let sure = pair.sure.map(|sure| format!(", {} sure", in_percent(sure)));
    Section {
        title: format!("{} {}", pair.method, pair.name),
        verdict: format!("{}{}", pair.verdict, sure.unwrap_or_default()),
        explanation: pair.explanation.clone(),
        rows,
        stream_names: if has_streams { &STREAM_NAMES } else { &[] },
        graphs: graphs(charts, events, gaps),
    }
}

fn side(name: &str, side: &Side) -> Vec<String> {
    let time = |value: Option<f64>| value.map_or_else(none, figure);
    vec![
        format!("{name}: {}", side.name),
        side.num_requests.to_string(),
        side.num_failures.to_string(),
        side.fail_ratio.map_or_else(none, percent),
        time(side.avg_response_time),
        time(side.median_response_time),
        time(side.response_time_percentile_95),
    ]
}

fn stream(side: Option<&SideStream>) -> [String; STREAM_NAMES.len()] {
    let Some(side) = side else {
        return std::array::from_fn(|_| none());
    };
    let number = |value: Option<f64>| value.map_or_else(none, figure);
    [
        number(side.avg_first_event),
        side.input_tokens.to_string(),
        side.output_tokens.to_string(),
        number(side.tokens_per_second),
        number(side.cost),
    ]
}

fn difference(pair: &Pair) -> Vec<String> {
    vec![
        "B − A".to_owned(),
        String::new(),
        String::new(),
        apart(&pair.fail_ratio, 100.0, " pp"),
        apart(&pair.avg_response_time, 1.0, ""),
        apart(&pair.median_response_time, 1.0, ""),
        apart(&pair.response_time_percentile_95, 1.0, ""),
    ]
}

/// `+12 (+3 to +21)`
fn apart<V>(of: &Difference<V>, factor: f64, unit: &str) -> String {
    let signed = |value: f64| {
        let value = value * factor;
        let sign = if value > 0.0 { "+" } else { "" };
        format!("{sign}{}", figure(value)).replace('-', "−")
    };
    let Some(difference) = of.difference else {
        return none();
    };
    match of.low.zip(of.high) {
        Some((low, high)) => format!(
            "{}{unit} ({} to {})",
            signed(difference),
            signed(low),
            signed(high)
        ),
        None => format!("{}{unit}", signed(difference)),
    }
}

fn none() -> String {
    "–".to_owned()
}

fn graphs(charts: &PairCharts, events: &[Event], gaps: &[Gap]) -> Vec<Graph> {
    let over_time = &charts.over_time;
    let mut graphs = Vec::new();
    if !over_time.seconds.is_empty() {
        let line = |label, class, values: Vec<Option<f64>>| Line {
            label,
            class,
            values,
        };
        let times = |of: &[Option<u64>]| -> Vec<Option<f64>> {
            of.iter()
                .map(|value| value.map(|value| value as f64))
                .collect()
        };
        let fails = |side: &SideOverTime| -> Vec<Option<f64>> {
            let ratios = side.fail_ratio.iter();
            ratios
                .map(|ratio| ratio.map(|ratio| 100.0 * ratio))
                .collect()
        };
        let (a, b) = (&over_time.a, &over_time.b);
        let graph = |title, unit, lines| {
            Graph::new(title, unit, over_time.seconds.clone(), lines, events, gaps)
        };
        graphs.push(graph(
            "Response times (ms)",
            " ms",
            vec![
                line("A 95 %", "a dashed", times(&a.response_time_percentile_95)),
                line("B 95 %", "b dashed", times(&b.response_time_percentile_95)),
                line("A median", "a", times(&a.median_response_time)),
                line("B median", "b", times(&b.median_response_time)),
            ],
        ));
        graphs.push(graph(
            "Failures (%)",
            " %",
            vec![line("A", "a", fails(a)), line("B", "b", fails(b))],
        ));
    }
    let bins = &charts.distribution.bins;
    if !bins.edges.is_empty() {
        let legend = vec![("A", "a"), ("B", "b")];
        let picture = |title, svg: String| Graph {
            title,
            legend: legend.clone(),
            svg: Value::from_safe_string(svg),
        };
        graphs.push(picture("Requests by response time (%)", histogram(bins)));
        graphs.push(picture(
            "Requests below a response time (%)",
            cumulated(bins),
        ));
    }
    graphs
}
