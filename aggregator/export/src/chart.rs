//! Charts over time as SVG: lines, axes with round numbers, and the values of each point as its title.
//!
//! A line has a class, from which the page's style sheet gives it its colour. Texts of users are escaped.

use std::fmt::Write as _;

use jiff::Timestamp;
use minijinja::HtmlEscape;

use super::trimmed;
use statistics::report::events::{Event, Gap};

pub(super) const WIDTH: f64 = 560.0;
pub(super) const HEIGHT: f64 = 220.0;
pub(super) const LEFT: f64 = 52.0;
pub(super) const RIGHT: f64 = 14.0;
pub(super) const TOP: f64 = 14.0;
pub(super) const BOTTOM: f64 = 30.0;

/// The most lines of the grid, beside the one at zero.
const Y_STEPS: f64 = 5.0;

/// The most times below the chart.
const X_LABELS: u64 = 6;

/// The most characters of what happened.
const MARK_CHARS: usize = 24;

/// The seconds between two times below the chart: the first that gives few enough.
const X_STEPS: [u64; 19] = [
    5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400,
    172_800, 604_800, 2_592_000,
];

/// Values over time that share a scale, which begins at zero.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    /// The text after a number in a title.
    pub(super) unit: &'static str,
    /// Seconds since the Unix epoch, in order.
    pub(super) times: Vec<u64>,
    /// The lines; the last one is drawn on top.
    pub(super) lines: Vec<Line>,
    /// What happened meanwhile.
    pub(super) events: Vec<Event>,
    /// The stretches of time of which nothing is known.
    pub(super) gaps: Vec<Gap>,
}

/// One value over time.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) label: String,
    /// The class that gives the line its colour.
    pub(super) class: &'static str,
    /// A value for each time; the line has a gap at `None`.
    pub(super) values: Vec<Option<f64>>,
}

impl Chart {
    /// The chart as an SVG element.
    pub(super) fn svg(&self) -> String {
        let scale = Scale::of(self);
        let labels: Vec<&str> = self.lines.iter().map(|line| &*line.label).collect();
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
            HtmlEscape(&labels.join(", "))
        );
        self.shade(&mut svg, &scale);
        scale.grid(&mut svg);
        self.mark(&mut svg, &scale);
        for line in &self.lines {
            self.area(&mut svg, &scale, line);
        }
        for line in &self.lines {
            self.line(&mut svg, &scale, line);
        }
        self.titles(&mut svg, &scale);
        svg.push_str("</svg>");
        svg
    }

    /// The stretches of time of which nothing is known.
    fn shade(&self, svg: &mut String, scale: &Scale) {
        for gap in &self.gaps {
            let [from, to] =
                [gap.from, gap.to].map(|time| scale.x(time.clamp(scale.first, scale.last)));
            let _ = write!(
                svg,
                "<rect class=\"gap\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.1}\"/>",
                (to - from).max(1.0),
                HEIGHT - TOP - BOTTOM,
            );
        }
    }

    /// What happened, as lines with names; of names that would meet only the first.
    fn mark(&self, svg: &mut String, scale: &Scale) {
        let mut taken = f64::MIN;
        for event in &self.events {
            let time = event.at as u64;
            if self.times.is_empty() || time > scale.last {
                continue;
            }
            let x = scale.x(time.max(scale.first));
            let _ = write!(
                svg,
                "<path class=\"mark\" d=\"M{x:.1} {TOP}V{:.1}\"/>",
                HEIGHT - BOTTOM
            );
            let name: String = event.name.chars().take(MARK_CHARS).collect();
            let width = 5.5 * name.chars().count() as f64;
            let begins = x.min(WIDTH - width);
            if begins > taken {
                taken = begins + width + 4.0;
                let name = HtmlEscape(&name);
                let _ = write!(
                    svg,
                    "<text class=\"tick small\" x=\"{begins:.1}\" y=\"{:.1}\">{name}</text>",
                    TOP - 4.0
                );
            }
        }
    }

    /// The parts of a line between its gaps.
    fn parts(&self, line: &Line) -> Vec<Vec<(u64, f64)>> {
        let values = line.values.iter().copied();
        let points: Vec<_> = self.times.iter().copied().zip(values).collect();
        let parts = points.split(|(_, value)| value.is_none());
        let parts = parts.filter(|part| !part.is_empty());
        let known = |&(time, value): &(u64, Option<f64>)| Some((time, value?));
        parts
            .map(|part| part.iter().filter_map(known).collect())
            .collect()
    }

    fn area(&self, svg: &mut String, scale: &Scale, line: &Line) {
        for points in self.parts(line) {
            let (first, last) = (points[0], points[points.len() - 1]);
            let _ = write!(
                svg,
                "<path class=\"area {}\" d=\"M{:.1} {:.1}{} L{:.1} {:.1}Z\"/>",
                line.class,
                scale.x(first.0),
                scale.y(0.0),
                scale.path(&points, 'L'),
                scale.x(last.0),
                scale.y(0.0),
            );
        }
    }

    fn line(&self, svg: &mut String, scale: &Scale, line: &Line) {
        for points in self.parts(line) {
            let class = line.class;
            if let [(time, value)] = points[..] {
                let (x, y) = (scale.x(time), scale.y(value));
                let _ = write!(
                    svg,
                    "<circle class=\"dot {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>"
                );
            } else {
                let path = scale.path(&points, 'M');
                let _ = write!(svg, "<path class=\"line {class}\" d=\"{path}\"/>");
            }
        }
    }

    /// The titles, which a pointer over the chart shows.
    fn titles(&self, svg: &mut String, scale: &Scale) {
        let borders = |pair: &[u64]| (scale.x(pair[0]) + scale.x(pair[1])) / 2.0;
        let mut from = LEFT;
        for (number, &time) in self.times.iter().enumerate() {
            let next = self.times.get(number..number + 2).map(borders);
            let to = next.unwrap_or(WIDTH - RIGHT);
            let _ = write!(
                svg,
                "<rect class=\"hit\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}",
                (to - from).max(0.1),
                HEIGHT - TOP - BOTTOM,
                written(time, "%Y-%m-%d %H:%M:%S UTC"),
            );
            for line in self.lines.iter().rev() {
                if let Some(value) = line.values.get(number).copied().flatten() {
                    let _ = write!(
                        svg,
                        "\n{}: {}{}",
                        HtmlEscape(&line.label),
                        figure(value),
                        self.unit
                    );
                }
            }
            svg.push_str("</title></rect>");
            from = to;
        }
    }
}

/// The places of times and values in the chart.
struct Scale {
    first: u64,
    last: u64,
    /// Between two lines of the grid.
    step: f64,
    top: f64,
}

impl Scale {
    fn of(chart: &Chart) -> Self {
        let values = chart.lines.iter().flat_map(|line| &line.values).flatten();
        let greatest = values
            .copied()
            .filter(|value| value.is_finite())
            .fold(0.0, f64::max);
        let step = round_step(greatest / Y_STEPS);
        Self {
            first: chart.times.first().copied().unwrap_or(0),
            last: chart.times.last().copied().unwrap_or(0),
            step,
            top: (greatest / step).ceil().max(1.0) * step,
        }
    }

    fn x(&self, time: u64) -> f64 {
        let width = WIDTH - LEFT - RIGHT;
        let span = (self.last - self.first) as f64;
        if span == 0.0 {
            return LEFT + width / 2.0;
        }
        LEFT + (time.saturating_sub(self.first)) as f64 / span * width
    }

    fn y(&self, value: f64) -> f64 {
        let height = HEIGHT - TOP - BOTTOM;
        TOP + height * (1.0 - value / self.top)
    }

    fn path(&self, points: &[(u64, f64)], first: char) -> String {
        let mut path = String::new();
        for (number, &(time, value)) in points.iter().enumerate() {
            let command = if number == 0 { first } else { 'L' };
            let _ = write!(path, "{command}{:.1} {:.1}", self.x(time), self.y(value));
        }
        path
    }

    fn grid(&self, svg: &mut String) {
        let lines = (self.top / self.step).round() as u32;
        for number in 0..=lines {
            let value = f64::from(number) * self.step;
            let y = self.y(value);
            let _ = write!(
                svg,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{:.1}\"/><text class=\"tick\" x=\"{:.1}\" \
                 y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                y + 4.0,
                figure(value),
            );
        }
        let span = self.last - self.first;
        let fits = |step: &&u64| span / **step < X_LABELS;
        let step = X_STEPS.iter().find(fits).copied();
        let step = step.unwrap_or(span / X_LABELS + 1);
        let form = match step {
            0..60 => "%H:%M:%S",
            60..43_200 => "%H:%M",
            _ => "%d %b",
        };
        let mut time = self.first.div_ceil(step) * step;
        while time <= self.last {
            let x = self.x(time);
            // beside the border a time would be cut off
            let anchor = if x > WIDTH - 40.0 { "end" } else { "middle" };
            let _ = write!(
                svg,
                "<path class=\"grid\" d=\"M{x:.1} {TOP}V{:.1}\"/><text class=\"tick\" x=\"{x:.1}\" \
                 y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
                HEIGHT - BOTTOM,
                HEIGHT - 9.0,
                written(time, form),
            );
            time += step;
        }
    }
}

/// The first of 1, 2 or 5 times a power of ten that is no smaller.
pub(super) fn round_step(least: f64) -> f64 {
    if least <= 0.0 || !least.is_finite() {
        return 1.0;
    }
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    let found = steps.into_iter().find(|step| *step >= least * (1.0 - 1e-9));
    found.unwrap_or(least)
}

/// A number with three significant digits, and at most three after the point.
pub(super) fn figure(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    trimmed(value, digits)
}

fn written(time: u64, form: &str) -> String {
    let instant = i64::try_from(time)
        .ok()
        .and_then(|time| Timestamp::from_second(time).ok());
    instant.map_or_else(
        || time.to_string(),
        |instant| instant.strftime(form).to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_have_round_numbers() {
        for (least, step) in [
            (0.0, 1.0),
            (0.013, 0.02),
            (0.2, 0.2),
            (1.0, 1.0),
            (3.4, 5.0),
            (51.0, 100.0),
            (f64::NAN, 1.0),
        ] {
            assert!((round_step(least) - step).abs() < 1e-9, "{least}");
        }
        for (value, text) in [
            (0.25, "0.25"),
            (12.34, "12.3"),
            (1_500.0, "1500"),
            (3.0, "3"),
        ] {
            assert_eq!(figure(value), text);
        }
    }

    #[test]
    fn a_line_has_gaps_where_nothing_is_known_and_stays_inside() {
        let chart = Chart {
            unit: " ms",
            times: vec![100, 105, 110, 120, 130],
            lines: vec![Line {
                label: "p95".to_owned(),
                class: "p95",
                values: vec![Some(1.0), Some(3.0), None, Some(2.0), None],
            }],
            events: vec![Event {
                at: 106.0,
                name: "<b> & c".to_owned(),
            }],
            gaps: vec![Gap { from: 105, to: 110 }],
        };
        let svg = chart.svg();
        assert_eq!(svg.matches("class=\"line p95\"").count(), 1);
        assert_eq!(svg.matches("class=\"dot p95\"").count(), 1);
        assert_eq!(svg.matches("<title>").count(), 5);
        assert!(svg.contains("1970-01-01 00:01:45 UTC\np95: 3 ms"), "{svg}");
        assert_eq!(svg.matches("class=\"gap\"").count(), 1);
        assert!(svg.contains("&lt;b&gt; &amp; c"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn nothing_and_a_single_instant_can_be_drawn() {
        for times in [vec![], vec![1_795_000_000]] {
            let line = Line {
                label: "users".to_owned(),
                class: "users",
                values: times.iter().map(|_| Some(0.0)).collect(),
            };
            let chart = Chart {
                unit: "",
                times,
                lines: vec![line],
                events: Vec::new(),
                gaps: Vec::new(),
            };
            assert!(!chart.svg().contains("NaN"));
        }
    }
}
