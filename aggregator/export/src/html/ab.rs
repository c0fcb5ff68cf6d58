//! The chapter of a report on A and B: the outcome, all differences on one scale, and each pair in figures and charts.

use minijinja::value::Value;
use serde::Serialize;
use statistics::reader::Snapshot;

use super::graph::{Graph, percent};
use super::pictures::{Range, cumulated, histogram, one_scale};
use crate::ab::{
    Comparison, Difference, OverTime, Pair, PairCharts, Side, SideOverTime, SideStream, charts,
    in_percent, money,
};
use crate::chart::{Line, figure};
use statistics::report::events::{Event, Gap, events, gaps};

#[derive(Serialize)]
pub(super) struct Chapter {
    /// The names of both sides in all pairs.
    a: String,
    b: String,
    summary: String,
    confidence: String,
    scales: Vec<Scale>,
    pairs: Vec<Section>,
}

/// All pairs on one scale.
#[derive(Serialize)]
struct Scale {
    title: String,
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
                true => scales(&comparison),
                false => Vec::new(),
            },
            confidence: in_percent(comparison.confidence),
            pairs: sections
                .map(|(pair, charts)| section(pair, charts, &events, &gaps))
                .collect(),
            summary: comparison.summary,
            a: comparison.a,
            b: comparison.b,
        })
    }
}

fn scales(Comparison { pairs, a, b, .. }: &Comparison) -> Vec<Scale> {
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
    let scale = |figure, (written, unit), ranges: Vec<Range>| {
        let title = format!("{figure}, {b} − {a} ({written})");
        Scale {
            svg: Value::from_safe_string(one_scale(&title, unit, &ranges)),
            title,
        }
    };
    let ms = ("ms", "ms");
    let mut scales = vec![
        scale(
            "Average response time",
            ms,
            ranges(&|pair| ends(&pair.avg_response_time), 1.0),
        ),
        scale(
            "Median response time",
            ms,
            ranges(&|pair| ends(&pair.median_response_time), 1.0),
        ),
        scale(
            "95th percentile of response times",
            ms,
            ranges(&|pair| ends(&pair.response_time_percentile_95), 1.0),
        ),
        scale(
            "Failures",
            ("percentage points", "pp"),
            ranges(&|pair| ends(&pair.fail_ratio), 100.0),
        ),
    ];
    if pairs.iter().any(|pair| pair.avg_first_event.is_some()) {
        let of = |pair: &Pair| pair.avg_first_event.as_ref().map_or([None; 3], ends);
        scales.push(scale("Time to the first event", ms, ranges(&of, 1.0)));
    }
    scales
}

fn ends<V>(of: &Difference<V>) -> [Option<f64>; 3] {
    [of.difference, of.low, of.high]
}

fn section(pair: &Pair, charts: &PairCharts, events: &[Event], gaps: &[Gap]) -> Section {
    let has_streams = pair.a.stream.is_some() || pair.b.stream.is_some();
    let mut rows = [side(&pair.a), side(&pair.b), difference(pair)];
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
        graphs: graphs([&pair.a.label, &pair.b.label], charts, events, gaps),
    }
}

fn side(side: &Side) -> Vec<String> {
    let time = |value: Option<f64>| value.map_or_else(none, figure);
    vec![
        format!("{}: {}", side.label, side.name),
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
        side.cost.map_or_else(none, money),
    ]
}

fn difference(pair: &Pair) -> Vec<String> {
    vec![
        format!("{} − {}", pair.b.label, pair.a.label),
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

fn graphs(names: [&str; 2], charts: &PairCharts, events: &[Event], gaps: &[Gap]) -> Vec<Graph> {
    let over_time = &charts.over_time;
    let mut graphs = Vec::new();
    if !over_time.seconds.is_empty() {
        let graph = |title, unit, lines: Vec<Line>| {
            Graph::new(title, unit, over_time.seconds.clone(), lines, events, gaps)
        };
        graphs.push(graph(
            "Response times (ms)",
            " ms",
            [
                lines(names, " 95 %", true, over_time, |side| {
                    whole(&side.response_time_percentile_95)
                }),
                lines(names, " median", false, over_time, |side| {
                    whole(&side.median_response_time)
                }),
            ]
            .concat(),
        ));
        graphs.push(graph(
            "Failures (%)",
            " %",
            lines(names, "", false, over_time, |side| {
                let ratios = side.fail_ratio.iter();
                ratios
                    .map(|ratio| ratio.map(|ratio| 100.0 * ratio))
                    .collect()
            }),
        ));
        for (title, unit, of) in STREAM_GRAPHS {
            if of(&over_time.a).is_some() || of(&over_time.b).is_some() {
                let lines = lines(names, "", false, over_time, |side| {
                    of(side).clone().unwrap_or_default()
                });
                graphs.push(graph(title, unit, lines));
            }
        }
    }
    let bins = &charts.distribution.bins;
    if !bins.edges.is_empty() {
        let [a, b] = names.map(str::to_owned);
        let legend = vec![(a, "a"), (b, "b")];
        let picture = |title, svg: String| Graph {
            title,
            legend: legend.clone(),
            svg: Value::from_safe_string(svg),
        };
        graphs.push(picture(
            "Requests by response time (%)",
            histogram(bins, names),
        ));
        graphs.push(picture(
            "Requests below a response time (%)",
            cumulated(bins, names),
        ));
    }
    graphs
}

/// A column of a side over time that only streams have.
type StreamColumn = fn(&SideOverTime) -> &Option<Vec<Option<f64>>>;

/// The charts that only streams have.
const STREAM_GRAPHS: [(&str, &str, StreamColumn); 2] = [
    ("Time to the first event (ms)", " ms", |side| {
        &side.avg_first_event
    }),
    ("Tokens a second", "", |side| &side.tokens_per_second),
];

/// A line of each side.
fn lines(
    names: [&str; 2],
    what: &str,
    is_dashed: bool,
    over_time: &OverTime,
    values: impl Fn(&SideOverTime) -> Vec<Option<f64>>,
) -> Vec<Line> {
    let classes = match is_dashed {
        true => ["a dashed", "b dashed"],
        false => ["a", "b"],
    };
    let sides = [&over_time.a, &over_time.b];
    let line = |side: usize| Line {
        label: format!("{}{what}", names[side]),
        class: classes[side],
        values: values(sides[side]),
    };
    vec![line(0), line(1)]
}

fn whole(values: &[Option<u64>]) -> Vec<Option<f64>> {
    values
        .iter()
        .map(|value| value.map(|value| value as f64))
        .collect()
}
