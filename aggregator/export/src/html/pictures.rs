//! Pictures that are not over time, as SVG: intervals on one scale, a histogram of two sides, and their shares below a
//! response time.

use std::fmt::Write as _;

use minijinja::HtmlEscape;

use crate::ab::Bins;
use crate::chart::{BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, figure, round_step};

/// The height of a row, and the room for names.
const ROW: f64 = 26.0;
const NAMES: f64 = 170.0;

/// The most characters of a name.
const NAME_CHARS: usize = 26;

/// A difference with its interval.
pub(super) struct Range {
    pub(super) name: String,
    pub(super) difference: Option<f64>,
    pub(super) ends: Option<(f64, f64)>,
}

/// Differences below one another on one scale, with a line at 0.
pub(super) fn one_scale(title: &str, unit: &str, ranges: &[Range]) -> String {
    let height = ROW * ranges.len() as f64 + 30.0;
    let values = ranges.iter().flat_map(|range| {
        let (low, high) = range.ends.unzip();
        [range.difference, low, high].into_iter().flatten()
    });
    let (low, high) = values.fold((0.0_f64, 0.0_f64), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let step = round_step((high - low) / 5.0);
    let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
    let span = if high > low { high - low } else { 1.0 };
    let x = |value: f64| NAMES + (WIDTH - NAMES - 20.0) * (value - low) / span;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">",
        HtmlEscape(title)
    );
    for number in 0..=(span / step).round() as u32 {
        let value = low + f64::from(number) * step;
        let class = if value.abs() < step / 2.0 {
            "zero"
        } else {
            "grid"
        };
        let text = if value.abs() < step / 2.0 { 0.0 } else { value };
        let _ = write!(
            svg,
            "<path class=\"{class}\" d=\"M{:.1} 4V{:.1}\"/><text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" \
             text-anchor=\"middle\">{}</text>",
            x(value),
            height - 22.0,
            x(value),
            height - 7.0,
            figure(text),
        );
    }
    for (number, range) in ranges.iter().enumerate() {
        let y = ROW * (number as f64 + 0.5) + 2.0;
        let name: String = range.name.chars().take(NAME_CHARS).collect();
        let _ = write!(
            svg,
            "<text class=\"tick\" x=\"0\" y=\"{:.1}\">{}</text>",
            y + 4.0,
            HtmlEscape(&name)
        );
        mark(&mut svg, range, unit, y, &x);
    }
    svg.push_str("</svg>");
    svg
}

/// A difference and its interval, at a height.
fn mark(svg: &mut String, range: &Range, unit: &str, y: f64, x: &dyn Fn(f64) -> f64) {
    let Some(difference) = range.difference else {
        return;
    };
    let Some((low, high)) = range.ends else {
        // too few requests for an interval
        let _ = write!(
            svg,
            "<g class=\"open\"><title>{}: {} {unit}, too few requests</title>\
             <circle class=\"hollow\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4.5\"/></g>",
            HtmlEscape(&range.name),
            figure(difference),
            x(difference),
        );
        return;
    };
    let class = match (low > 0.0, high < 0.0) {
        (true, _) => "worse",
        (_, true) => "better",
        _ => "open",
    };
    let _ = write!(
        svg,
        "<g class=\"{class}\"><title>{}: {} {unit} ({} to {})</title>\
         <rect class=\"bar\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"10\" rx=\"2\"/>\
         <circle class=\"dot\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4.5\"/></g>",
        HtmlEscape(&range.name),
        figure(difference),
        figure(low),
        figure(high),
        x(low),
        y - 5.0,
        (x(high) - x(low)).max(2.0),
        x(difference),
    );
}

/// The share of each side's requests in each bin, the first side above and the second below.
pub(super) fn histogram(bins: &Bins, names: [&str; 2]) -> String {
    let shares = [&bins.a, &bins.b].map(|counts| shares(counts));
    let highest = shares
        .iter()
        .flatten()
        .copied()
        .fold(0.0, f64::max)
        .max(1e-9);
    let middle = (TOP + HEIGHT - BOTTOM) / 2.0;
    let half = (HEIGHT - TOP - BOTTOM) / 2.0 - 6.0;
    let mut svg = begin(
        &format!("The distributions of {} and {}", names[0], names[1]),
        bins,
    );
    for (side, class) in ["a", "b"].into_iter().enumerate() {
        for (number, share) in shares[side]
            .iter()
            .enumerate()
            .filter(|(_, share)| **share > 0.0)
        {
            let [from, to] = [number, number + 1].map(|edge| x(bins, edge));
            let size = half * share / highest;
            let y = if side == 0 {
                middle - 2.0 - size
            } else {
                middle + 2.0
            };
            let _ = write!(
                svg,
                "<rect class=\"column {class}\" x=\"{from:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{size:.1}\">\
                 <title>{}: {} % take {} to {} ms</title></rect>",
                (to - from - 1.0).max(0.5),
                HtmlEscape(names[side]),
                figure(100.0 * share),
                figure(bins.edges[number]),
                figure(bins.edges[number + 1]),
            );
        }
    }
    for (name, y) in names.into_iter().zip([TOP + 12.0, HEIGHT - BOTTOM - 4.0]) {
        let _ = write!(
            svg,
            "<text class=\"tick\" x=\"{:.1}\" y=\"{y}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            HtmlEscape(name)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// The share of each side's requests that take less than each response time.
pub(super) fn cumulated(bins: &Bins, [a, b]: [&str; 2]) -> String {
    let title = format!("Shares of {a} and {b} below a response time");
    let mut svg = begin(&title, bins);
    let y = |share: f64| HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share;
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let _ = write!(
            svg,
            "<path class=\"grid\" d=\"M{LEFT} {:.1}H{:.1}\"/><text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" \
             text-anchor=\"end\">{}</text>",
            y(share),
            WIDTH - RIGHT,
            LEFT - 8.0,
            y(share) + 4.0,
            figure(100.0 * share),
        );
    }
    for (counts, class) in [(&bins.a, "a"), (&bins.b, "b")] {
        if counts.iter().all(|count| *count == 0) {
            continue;
        }
        let mut below = 0.0;
        let mut path = format!("M{:.1} {:.1}", x(bins, 0), y(0.0));
        for (number, share) in shares(counts).into_iter().enumerate() {
            below += share;
            let _ = write!(path, "L{:.1} {:.1}", x(bins, number + 1), y(below.min(1.0)));
        }
        let _ = write!(svg, "<path class=\"line {class}\" d=\"{path}\"/>");
    }
    svg.push_str("</svg>");
    svg
}

fn shares(counts: &[u64]) -> Vec<f64> {
    let all: u64 = counts.iter().sum();
    let counts = counts.iter();
    counts
        .map(|count| *count as f64 / all.max(1) as f64)
        .collect()
}

/// The place of an edge: bins are as wide as each other, since they are about as wide in proportion.
fn x(bins: &Bins, edge: usize) -> f64 {
    let number = (bins.edges.len() - 1).max(1) as f64;
    LEFT + (WIDTH - LEFT - RIGHT) * edge as f64 / number
}

/// The picture's beginning, with response times below it.
fn begin(label: &str, bins: &Bins) -> String {
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        HtmlEscape(label)
    );
    let number = bins.edges.len();
    let every = number.div_ceil(8).max(1);
    for edge in (0..number).step_by(every) {
        let _ = write!(
            svg,
            "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            x(bins, edge).min(WIDTH - RIGHT - 8.0),
            HEIGHT - 9.0,
            figure(bins.edges[edge]),
        );
    }
    svg
}
