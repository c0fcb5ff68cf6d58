//! The outcome of a comparison of all pairs, in a sentence or two.

use super::body::Pair;
use super::words::{ENOUGH, FailVerdict, TimeVerdict, rounded};

/// `B is slower in 2 of 6 pairs (Chat by 23 %, Tool Prompt by 40 %), and no difference is shown in 4.`
/// The names are those of the sides in all pairs.
pub(super) fn of(pairs: &[Pair], [a, b]: [&str; 2]) -> String {
    if pairs.is_empty() {
        return "The workload has no request that is sent to a model A and to a model B."
            .to_owned();
    }
    let number = pairs.len();
    let named = |test: &dyn Fn(&Pair) -> bool| pairs.iter().filter(|pair| test(pair)).count();
    let too_few = named(&is_too_few);
    if too_few == number {
        return format!("Too early to tell: each side of a pair needs {ENOUGH} requests.");
    }
    let of_all = if number == 1 {
        String::new()
    } else {
        format!(" of {number} pairs")
    };
    let kinds: [(&str, &Finds<'_>); 4] = [
        ("is slower", &|pair| by_time(pair, TimeVerdict::Slower)),
        ("is faster", &|pair| by_time(pair, TimeVerdict::Faster)),
        ("fails more often", &|pair| {
            by_failures(pair, FailVerdict::More)
        }),
        ("fails less often", &|pair| {
            by_failures(pair, FailVerdict::Less)
        }),
    ];
    let mut parts: Vec<String> = Vec::new();
    for (words, finds) in kinds {
        let found: Vec<String> = pairs.iter().filter_map(finds).collect();
        if !found.is_empty() {
            let (count, names) = (found.len(), found.join(", "));
            // of how many stands in the first part
            let of_all = if parts.is_empty() { &*of_all } else { "" };
            let among = match number {
                1 => String::new(),
                _ => format!(" in {count}{of_all}"),
            };
            parts.push(format!("{words}{among} ({names})"));
        }
    }
    let none = named(&|pair| !is_too_few(pair) && pair.sure.is_none());
    let mut text = if parts.is_empty() {
        match number {
            1 => format!("No difference between {a} and {b} is shown"),
            _ => format!("No difference between {a} and {b} is shown in any{of_all}"),
        }
    } else {
        let mut text = format!("{b} {}", listed(&parts));
        if none > 0 {
            text.push_str(&format!("; no difference is shown in {none}"));
        }
        text
    };
    if too_few > 0 {
        let has = if too_few == 1 { "has" } else { "have" };
        text.push_str(&format!("; {too_few} {has} too few requests yet"));
    }
    text.push('.');
    text
}

/// What is said of a pair of which something is so.
type Finds<'a> = dyn Fn(&Pair) -> Option<String> + 'a;

fn is_too_few(pair: &Pair) -> bool {
    pair.fail_ratio.verdict == FailVerdict::TooFew
}

/// The verdicts on response times of a pair, the one on the average first.
fn by_time(pair: &Pair, verdict: TimeVerdict) -> Option<String> {
    let figures = [
        (&pair.avg_response_time, pair.a.avg_response_time, ""),
        (
            &pair.median_response_time,
            pair.a.median_response_time,
            " by the median",
        ),
        (
            &pair.response_time_percentile_95,
            pair.a.response_time_percentile_95,
            " by the 95th percentile",
        ),
    ];
    let (difference, of_a, by) = figures
        .into_iter()
        .find(|(difference, ..)| difference.sure.is_some())?;
    if difference.verdict != verdict {
        return None;
    }
    let size = difference.difference?.abs();
    let size = match of_a.filter(|of_a| *of_a > 0.0) {
        Some(of_a) => format!("{} %", rounded(100.0 * size / of_a)),
        None => format!("{} ms", rounded(size)),
    };
    Some(format!("{} by {size}{by}", pair.name))
}

fn by_failures(pair: &Pair, verdict: FailVerdict) -> Option<String> {
    if pair.fail_ratio.verdict != verdict {
        return None;
    }
    let points = rounded(100.0 * pair.fail_ratio.difference?.abs());
    Some(format!("{} by {points} percentage points", pair.name))
}

/// `one`, `one and two`, `one, two and three`
fn listed(parts: &[String]) -> String {
    match parts {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => parts.concat(),
    }
}
