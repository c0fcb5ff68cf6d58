//! Locust's figures in the past, at the end of every interval of the history.
//!
//! They follow from the records and the plan alone. An interval shows when all of its results can have been written.
//! Rates and current percentiles are of the ten seconds before an instant, or of the whole interval where intervals are
//! longer: then percentiles, the maximum and failures are those of its worst five seconds. Locust's rates lag two seconds
//! behind these, because Locust looks at seconds that are not over yet.

use std::sync::Arc;

use serde::Serialize;
use traffic::clock::{SLOT_MICROS, Slot, Timestamp};
use traffic::runs::LoadedRun;
use utoipa::ToSchema;

use super::figures::{Frame, proper_round_to};
use super::time::utc;
use super::{PERCENTILES, Row};
use crate::ageing_series::{AgeingSeries, Coarse, Fine, Interval, SHORTEST, Scale};
use crate::reader::Snapshot;
use crate::state::user_count;
use crate::stats::entry::Entry;
use crate::stats::histogram::Histogram;
use crate::stats::history::{Passed, Peak};
use crate::stats::smallest_keys::Merge as _;
use crate::stats::streams::StreamsPassed;
use crate::stats::{OTHER_NAMES, Stats};

/// The seconds after which a completed request has been written and read.
const SETTLES: u64 = 3;

/// The figures at an instant of the past.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// The instant, in seconds since the Unix epoch.
    pub time: u64,
    /// Users active then.
    pub user_count: u64,
    /// The rows that had requests by then, sorted by name and method; only where they were asked for.
    pub rows: Vec<Row>,
    /// The row `Aggregated`.
    pub total: Row,
}

/// A point of Locust's history, as its web UI takes it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Point {
    #[serde(rename = "response_time_percentile_0.5")]
    #[schema(value_type = (String, u64))]
    median: Dated<u64>,
    #[serde(rename = "response_time_percentile_0.66")]
    #[schema(value_type = (String, u64))]
    p66: Dated<u64>,
    #[serde(rename = "response_time_percentile_0.75")]
    #[schema(value_type = (String, u64))]
    p75: Dated<u64>,
    #[serde(rename = "response_time_percentile_0.8")]
    #[schema(value_type = (String, u64))]
    p80: Dated<u64>,
    #[serde(rename = "response_time_percentile_0.9")]
    #[schema(value_type = (String, u64))]
    p90: Dated<u64>,
    #[serde(rename = "response_time_percentile_0.95")]
    #[schema(value_type = (String, u64))]
    p95: Dated<u64>,
    #[serde(rename = "response_time_percentile_0.98")]
    #[schema(value_type = (String, u64))]
    p98: Dated<u64>,
    #[serde(rename = "response_time_percentile_0.99")]
    #[schema(value_type = (String, u64))]
    p99: Dated<u64>,
    #[serde(rename = "response_time_percentile_0.999")]
    #[schema(value_type = (String, u64))]
    p999: Dated<u64>,
    #[serde(rename = "response_time_percentile_0.9999")]
    #[schema(value_type = (String, u64))]
    p9999: Dated<u64>,
    #[serde(rename = "response_time_percentile_1.0")]
    #[schema(value_type = (String, u64))]
    max: Dated<u64>,
    #[schema(value_type = (String, f64))]
    current_rps: Dated<f64>,
    #[schema(value_type = (String, f64))]
    current_fail_per_sec: Dated<f64>,
    #[schema(value_type = (String, f64))]
    total_avg_response_time: Dated<f64>,
    #[schema(value_type = (String, u64))]
    user_count: Dated<u64>,
    #[schema(value_type = String)]
    time: Arc<str>,
}

/// An instant, and a figure of it.
type Dated<N> = (Arc<str>, N);

/// The points that a chart can show: more are thinned.
pub const CHARTED: usize = 600;

/// Locust's history of the statistics, in order of time.
pub fn points(snapshot: &Snapshot) -> Vec<Point> {
    moments(snapshot).map(|moment| Point::of(&moment)).collect()
}

/// The same of the last seconds, and at most `limit` points: each with the worst of those that it stands for.
pub fn fewer_points(snapshot: &Snapshot, last: Option<u64>, limit: usize) -> Vec<Point> {
    let all: Vec<Moment> = moments(snapshot).collect();
    let end = all.last().map_or(0, |moment| moment.time);
    let from = last.map_or(0, |last| end.saturating_sub(last));
    let shown = all.into_iter().filter(|moment| moment.time > from);
    fewer(shown.collect(), limit)
        .iter()
        .map(Point::of)
        .collect()
}

/// The history with all figures of `Aggregated`, as fine as a chart can show it.
pub fn charted(snapshot: &Snapshot) -> Vec<Moment> {
    fewer(moments(snapshot).collect(), CHARTED)
}

/// The history of the statistics with all figures of `Aggregated`, and no rows.
pub fn moments(snapshot: &Snapshot) -> Box<dyn Iterator<Item = Moment> + '_> {
    match snapshot.stats.whole() {
        Some(whole) => Box::new(Past::of(snapshot, Vec::new(), whole.clone())),
        None => Box::new(Past::of(snapshot, Vec::new(), sum(&snapshot.stats))),
    }
}

/// The history of the statistics with all figures of every row.
pub fn moments_of_rows(snapshot: &Snapshot) -> impl Iterator<Item = Moment> {
    Past::of(snapshot, lines(&snapshot.stats), sum(&snapshot.stats))
}

/// The history of the statistics with all figures of the rows of some requests, by name and method.
pub fn moments_of(snapshot: &Snapshot, rows: &[(&str, &str)]) -> impl Iterator<Item = Moment> {
    let chosen = |line: &Line| rows.contains(&(&*line.name, &*line.method));
    let lines = lines(&snapshot.stats).into_iter().filter(chosen);
    Past::of(snapshot, lines.collect(), sum(&snapshot.stats))
}

/// Makes one of neighbours, by the first round length of time that gives few enough.
fn fewer(moments: Vec<Moment>, limit: usize) -> Vec<Moment> {
    let (Some(first), Some(last)) = (moments.first(), moments.last()) else {
        return moments;
    };
    if moments.len() <= limit {
        return moments;
    }
    let span = last.time - first.time;
    let mut steps = Fine::STEPS.iter().map(|&(length, _)| length);
    let is_enough = |length: &u64| span / length < limit as u64;
    let length = steps.find(is_enough).unwrap_or(u64::MAX);
    let mut fewer: Vec<Moment> = Vec::with_capacity(limit);
    let (mut stretch, mut before) = (None, first.time.saturating_sub(SHORTEST));
    let mut seconds = 0.0;
    for moment in moments {
        let lasts = (moment.time - before) as f64;
        before = moment.time;
        let of = Some(moment.time.saturating_sub(1) / length);
        match fewer.last_mut().filter(|_| of == stretch) {
            Some(kept) => {
                kept.take_worst(moment, seconds, lasts);
                seconds += lasts;
            }
            None => {
                fewer.push(moment);
                seconds = lasts;
            }
        }
        stretch = of;
    }
    fewer
}

impl Moment {
    /// Becomes the moment that follows it, with what was worse until then; each is of so many seconds.
    fn take_worst(&mut self, next: Self, seconds: f64, lasts: f64) {
        let before = std::mem::replace(self, next);
        let (own, before) = (&mut self.total, before.total);
        let both = before.current_rps * seconds + own.current_rps * lasts;
        own.current_rps = both / (seconds + lasts).max(1.0);
        own.current_fail_per_sec = own.current_fail_per_sec.max(before.current_fail_per_sec);
        for (own, before) in (own.current_percentiles.iter_mut()).zip(before.current_percentiles) {
            *own = (*own).max(before);
        }
    }
}

impl Point {
    fn of(moment: &Moment) -> Self {
        let total = &moment.total;
        let time: Arc<str> = utc(moment.time).into();
        let whole = |figure: u64| (Arc::clone(&time), figure);
        let exact = |figure: f64| (Arc::clone(&time), figure);
        Self {
            median: whole(total.current_percentiles[0]),
            p66: whole(total.current_percentiles[1]),
            p75: whole(total.current_percentiles[2]),
            p80: whole(total.current_percentiles[3]),
            p90: whole(total.current_percentiles[4]),
            p95: whole(total.current_percentiles[5]),
            p98: whole(total.current_percentiles[6]),
            p99: whole(total.current_percentiles[7]),
            p999: whole(total.current_percentiles[8]),
            p9999: whole(total.current_percentiles[9]),
            max: whole(total.current_percentiles[10]),
            current_rps: exact(total.current_rps),
            current_fail_per_sec: exact(total.current_fail_per_sec),
            total_avg_response_time: exact(proper_round_to(total.avg_response_time, 2)),
            user_count: whole(moment.user_count),
            time,
        }
    }
}

/// One row's series, and its sum so far.
struct Line<C = Coarse> {
    method: Box<str>,
    name: Box<str>,
    series: AgeingSeries<Passed, C>,
    sum: Entry,
}

/// The stretch of time that current figures are of.
struct Window<'a> {
    intervals: &'a [Interval],
    seconds: f64,
}

/// Goes through the history of a snapshot.
struct Past<C> {
    run: Option<Arc<LoadedRun>>,
    since: Timestamp,
    /// The first second that does not show.
    until: u64,
    intervals: Vec<Interval>,
    /// The number of intervals that have been gone through.
    gone: usize,
    lines: Vec<Line<C>>,
    total: Line<C>,
}

/// The series of all rows together.
fn sum(stats: &Stats) -> AgeingSeries<Passed> {
    let mut total = AgeingSeries::default();
    for series in stats.history().values() {
        total.merge(series);
    }
    total
}

fn lines(stats: &Stats) -> Vec<Line> {
    let mut lines: Vec<Line> = stats
        .history()
        .iter()
        .map(|([name, method], series)| Line::new(method, name, series.clone()))
        .collect();
    if let Some(others) = stats.history().others().filter(|_| !lines.is_empty()) {
        let at = lines.partition_point(|line| &*line.name < OTHER_NAMES);
        lines.insert(at, Line::new("", OTHER_NAMES, others.clone()));
    }
    lines
}

/// The first second that does not show, and true if no request is expected after it.
fn shown_until(snapshot: &Snapshot, last_request: Option<u64>) -> (u64, bool) {
    let now = snapshot.at.full_second().0;
    match snapshot.ended() {
        Some(end) => {
            let after_last = last_request.map_or(0, |last| last.saturating_add(1));
            (end.micros().div_ceil(SLOT_MICROS).max(after_last), true)
        }
        None => (now.saturating_sub(SETTLES), false),
    }
}

impl<C: Scale + Clone> Past<C> {
    fn of(snapshot: &Snapshot, mut lines: Vec<Line<C>>, total: AgeingSeries<Passed, C>) -> Self {
        let stats = &snapshot.stats;
        let last_request = stats.last_request().map(|last| last.full_second().0);
        let (until, is_over) = shown_until(snapshot, last_request);
        let newest = last_request.unwrap_or(0).max(until.saturating_sub(1));
        let shows = |one: &Interval| one.start < until && (is_over || one.end() <= until);
        let intervals = Interval::all::<C>(stats.since().full_second().0, newest).filter(shows);
        let mut total = Line::new("", "Aggregated", total);
        for line in lines.iter_mut().chain([&mut total]) {
            line.series.advance(newest);
        }
        Self {
            intervals: match snapshot.run {
                Some(_) => intervals.collect(),
                None => Vec::new(),
            },
            run: snapshot.run.clone(),
            since: stats.since(),
            until,
            gone: 0,
            lines,
            total,
        }
    }
}

impl<C: Scale + Clone> Iterator for Past<C> {
    type Item = Moment;

    fn next(&mut self) -> Option<Moment> {
        let interval = *self.intervals.get(self.gone)?;
        self.gone += 1;
        let time = interval.end().min(self.until);
        let intervals = window(&self.intervals[..self.gone]);
        let start = intervals[0].start.max(self.since.full_second().0);
        let window = Window {
            intervals,
            seconds: time.saturating_sub(start).max(1) as f64,
        };
        let at = Slot(time).full_second();
        let frame = Frame {
            start_time: self.since,
            last_request: Some(at),
            until: Some(at),
        };
        let rows = self.lines.iter_mut();
        let rows = rows.filter_map(|line| {
            let row = line.advance(&window, &frame);
            (row.num_requests > 0).then_some(row)
        });
        Some(Moment {
            time,
            user_count: user_count(self.run.as_deref(), at),
            rows: rows.collect(),
            total: self.total.advance(&window, &frame),
        })
    }
}

/// The last of these intervals, with the one before it where they are short.
fn window(intervals: &[Interval]) -> &[Interval] {
    let two = intervals.len().saturating_sub(2);
    let is_short = |one: &Interval| one.seconds == SHORTEST;
    if intervals[two..].iter().all(is_short) {
        &intervals[two..]
    } else {
        &intervals[intervals.len() - 1..]
    }
}

impl<C: Scale + Clone> Line<C> {
    fn new(method: &str, name: &str, series: AgeingSeries<Passed, C>) -> Self {
        Self {
            method: method.into(),
            name: name.into(),
            series,
            sum: Entry::default(),
        }
    }

    /// The row at the end of a window; the windows before must have been gone through.
    fn advance(&mut self, window: &Window<'_>, frame: &Frame) -> Row {
        let (mut requests, mut failures) = (0_u64, 0_u64);
        let mut times = Histogram::default();
        let mut peak = None;
        let mut streams = StreamsPassed::default();
        for (number, &interval) in window.intervals.iter().enumerate() {
            let Some(passed) = self.series.get(interval) else {
                continue;
            };
            if number + 1 == window.intervals.len() {
                passed.add_to(&mut self.sum);
            }
            requests = requests.saturating_add(passed.sum.requests);
            failures = failures.saturating_add(passed.sum.failures);
            passed.add_times_to(&mut times);
            // one of ten seconds has Locust's own figures
            let is_longer = interval.seconds > 2 * SHORTEST;
            peak = passed.peak().filter(|_| is_longer).cloned();
            if let Some(passed) = &passed.streams {
                streams.merge(passed);
            }
        }
        let fail_per_sec = failures as f64 / window.seconds;
        Row {
            current_rps: requests as f64 / window.seconds,
            current_fail_per_sec: (peak.as_ref())
                .map_or(fail_per_sec, |peak| peak.fail_per_sec().max(fail_per_sec)),
            current_percentiles: (peak.as_ref())
                .map_or_else(|| times.percentiles(PERCENTILES), Peak::percentiles),
            current_first_event: streams.avg_first_event(),
            current_tokens_per_second: streams.tokens_per_second(),
            ..frame.row(&self.method, &self.name, &self.sum)
        }
    }
}
