//! A and B as a short table for a terminal: at most 80 characters wide, but for the sentence below it.

use super::words::rounded;
use super::{Comparison, Pair, in_percent};

const NAME_CHARS: usize = 20;

/// The table of a comparison; nothing without pairs.
pub fn table(comparison: &Comparison) -> Vec<String> {
    if comparison.pairs.is_empty() {
        return Vec::new();
    }
    let head = row(["Pair", "A (ms)", "B (ms)", "B - A (ms)", "Fails B - A (pp)"]);
    let rule = "-".repeat(79);
    let mut lines = vec![
        "A/B: averages, and differences with intervals".to_owned(),
        head,
        rule.clone(),
    ];
    lines.extend(comparison.pairs.iter().map(line));
    lines.push(rule);
    lines.push(comparison.summary.clone());
    lines.push(format!(
        "The intervals of all pairs hold together with {}, at every look.",
        in_percent(comparison.confidence)
    ));
    lines
}

fn row([name, a, b, time, fails]: [&str; 5]) -> String {
    let line = format!("{name:<NAME_CHARS$} {a:>7} {b:>7} {time:>21}  {fails:>19}");
    line.trim_end().to_owned()
}

fn line(pair: &Pair) -> String {
    let name: String = pair.name.chars().take(NAME_CHARS).collect();
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), rounded);
    let ends = |difference: Option<f64>, low: Option<f64>, high: Option<f64>, factor: f64| {
        let signed = |value: f64| {
            let sign = if value > 0.0 { "+" } else { "" };
            format!("{sign}{}", rounded(factor * value))
        };
        match (difference, low.zip(high)) {
            (None, _) => "-".to_owned(),
            (Some(difference), None) => signed(difference),
            (Some(difference), Some((low, high))) => {
                format!("{} ({}, {})", signed(difference), signed(low), signed(high))
            }
        }
    };
    let (time, fails) = (&pair.avg_response_time, &pair.fail_ratio);
    row([
        &name,
        &number(pair.a.avg_response_time),
        &number(pair.b.avg_response_time),
        &ends(time.difference, time.low, time.high, 1.0),
        &ends(fails.difference, fails.low, fails.high, 100.0),
    ])
}
