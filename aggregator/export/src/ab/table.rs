//! A and B as a short table for a terminal: at most 80 characters wide, but for the sentence below it.

use super::body::{Comparison, Pair, SideStream};
use super::words::{in_percent, money, rounded};

const NAME_CHARS: usize = 20;

/// The table of a comparison; nothing without pairs.
pub fn table(comparison: &Comparison) -> Vec<String> {
    if comparison.pairs.is_empty() {
        return Vec::new();
    }
    let head = row(["Pair", "A (ms)", "B (ms)", "B - A (ms)", "Fails B - A (pp)"]);
    let rule = "-".repeat(79);
    let mut lines = vec!["A/B: averages, and differences with intervals".to_owned()];
    lines.extend(legend(comparison));
    lines.extend([head, rule.clone()]);
    lines.extend(comparison.pairs.iter().map(line));
    lines.push(rule);
    lines.extend(streams(&comparison.pairs));
    lines.push(comparison.summary.clone());
    lines.push(format!(
        "The intervals of all pairs hold together with {}, at every look.",
        in_percent(comparison.confidence)
    ));
    lines
}

/// The models behind the letters of the columns, in all pairs or in each; nothing where no model has a name.
fn legend(Comparison { a, b, pairs, .. }: &Comparison) -> Vec<String> {
    let line = |a: &str, b: &str| format!("A is {a}, B is {b}");
    if (&**a, &**b) != ("A", "B") {
        return vec![line(a, b)];
    }
    let named = pairs
        .iter()
        .filter(|pair| (&*pair.a.label, &*pair.b.label) != ("A", "B"));
    named
        .map(|pair| format!("{}: {}", pair.name, line(&pair.a.label, &pair.b.label)))
        .collect()
}

/// The table of the pairs whose requests are streams; nothing without any.
fn streams(pairs: &[Pair]) -> Vec<String> {
    let row = |cells: [&str; 7]| {
        let [name, cells @ ..] = cells;
        let cells = cells.map(|cell| format!("{cell:>9}"));
        format!("{name:<NAME_CHARS$} {}", cells.concat())
            .trim_end()
            .to_owned()
    };
    let mut lines = vec![row([
        "Pair", "A first", "B first", "A tok/s", "B tok/s", "A cost", "B cost",
    ])];
    for pair in pairs {
        let sides = [pair.a.stream.as_ref(), pair.b.stream.as_ref()];
        if sides == [None, None] {
            continue;
        }
        let name: String = pair.name.chars().take(NAME_CHARS).collect();
        let written = |of: fn(&SideStream) -> Option<f64>, write: fn(f64) -> String| {
            sides.map(|side| side.and_then(of).map_or_else(|| "-".to_owned(), write))
        };
        let figure = |of| written(of, rounded);
        let [a_first, b_first] = figure(|side| side.avg_first_event);
        let [a_rate, b_rate] = figure(|side| side.tokens_per_second);
        let [a_cost, b_cost] = written(|side| side.cost, money);
        let cells = [
            &name, &a_first, &b_first, &a_rate, &b_rate, &a_cost, &b_cost,
        ];
        lines.push(row(cells.map(String::as_str)));
    }
    if lines.len() == 1 {
        return Vec::new();
    }
    let title = "Streams: average time to the first event (ms), tokens a second, and cost";
    lines.insert(0, title.to_owned());
    lines.push("-".repeat(79));
    lines
}

fn row([name, a, b, time, fails]: [&str; 5]) -> String {
    let line = format!("{name:<NAME_CHARS$} {a:>6} {b:>6} {time:>23} {fails:>20}");
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

#[cfg(test)]
mod tests {
    use super::super::words::{Difference, FailVerdict, TimeVerdict};
    use super::super::{Side, summary};
    use super::*;

    fn difference<V>(of: [f64; 3], verdict: V) -> Difference<V> {
        let [difference, low, high] = of.map(Some);
        Difference {
            difference,
            low,
            high,
            verdict,
            sure: Some(0.999),
        }
    }

    fn pair() -> Pair {
        let side = |label: &str, average| Side {
            label: label.to_owned(),
            model: None,
            name: "Chat".to_owned(),
            method: "POST".to_owned(),
            num_requests: 400,
            num_failures: 4,
            fail_ratio: Some(0.01),
            avg_response_time: Some(average),
            median_response_time: Some(average),
            response_time_percentile_95: Some(average),
            stream: None,
        };
        let time = difference([12_345.6, 11_234.5, 13_456.7], TimeVerdict::Slower);
        Pair {
            name: "A name that is longer than there is room for it".to_owned(),
            method: "POST".to_owned(),
            a: side("A", 23_456.0),
            b: side("B", 35_801.6),
            fail_ratio: difference([-0.0123, -0.0234, -0.001], FailVerdict::Less),
            avg_response_time: time,
            median_response_time: time,
            response_time_percentile_95: time,
            avg_first_event: None,
            verdict: "b is slower and fails less often".to_owned(),
            sure: Some(0.999),
            explanation: String::new(),
        }
    }

    #[test]
    fn a_table_fits_a_terminal_and_has_no_line_without_pairs() {
        let of = |pairs: Vec<Pair>| Comparison {
            run: None,
            since: 0.0,
            confidence: 0.95,
            summary: summary::of(&pairs, ["A", "B"]),
            a: "A".to_owned(),
            b: "B".to_owned(),
            pairs,
        };
        assert_eq!(table(&of(Vec::new())), Vec::<String>::new());
        let lines = table(&of(vec![pair(), pair()]));
        let widest = lines[..5].iter().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{lines:#?}");
        assert!(lines[3].contains("+12346 (+11234, +13457)"), "{lines:#?}");
        assert!(lines[3].contains("-1.23 (-2.34, -0.1)"), "{lines:#?}");
        assert!(
            lines[6].starts_with("B is slower in 2 of 2 pairs"),
            "{lines:#?}"
        );
    }

    #[test]
    fn columns_have_letters_and_a_line_says_the_models_names() {
        let mut named = pair();
        named.a.label = "mistral:7b-instruct".to_owned();
        let of = |a: &str, pairs: Vec<Pair>| Comparison {
            run: None,
            since: 0.0,
            confidence: 0.95,
            summary: String::new(),
            a: a.to_owned(),
            b: "B".to_owned(),
            pairs,
        };
        let in_all = of("mistral:7b-instruct", vec![named.clone()]);
        assert_eq!(table(&in_all)[1], "A is mistral:7b-instruct, B is B");
        let in_one = table(&of("A", vec![named, pair()]));
        assert!(
            in_one[1].ends_with("for it: A is mistral:7b-instruct, B is B"),
            "{in_one:#?}"
        );
        assert!(in_one[2].starts_with("Pair"), "{in_one:#?}");
    }

    #[test]
    fn pairs_of_streams_have_a_table_below_that_fits_as_well() {
        let stream = SideStream {
            avg_first_event: Some(221.7),
            median_first_event: Some(220),
            first_event_percentile_95: Some(410),
            avg_inter_token_latency: Some(14.2),
            tokens_per_second: Some(61.4),
            input_tokens: 1_000,
            output_tokens: 50_000,
            cost: None,
        };
        let mut pair = pair();
        pair.a.stream = Some(stream.clone());
        pair.b.stream = Some(SideStream {
            cost: Some(0.000_25),
            ..stream
        });
        let lines = streams(&[pair]);
        assert!(
            lines.iter().all(|line| line.chars().count() <= 80),
            "{lines:#?}"
        );
        let words: Vec<&str> = lines[2].split_whitespace().rev().take(6).collect();
        assert_eq!(words, ["0.00025", "-", "61.4", "61.4", "222", "222"]);
        assert_eq!(streams(&[self::pair()]), Vec::<String>::new());
    }
}
