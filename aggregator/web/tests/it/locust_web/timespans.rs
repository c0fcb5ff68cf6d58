//! Spans of time beside Locust's `parse_timespan`.

use control::parse_timespan;
use serde_json::{Value, json};
use traffic::random::Draws;

/// Texts of the characters that matter, mostly in an order that may make sense.
fn texts() -> Vec<String> {
    let pieces = [
        "", "0", "7", "20", "007", "59", "h", "m", "s", "1h", "20m", "10s", " ", "-", ".5", "H",
        "\n",
    ];
    let mut draws = Draws::new(1, "timespans", 0, 0);
    let mut text = || -> String {
        let length = draws.below(6);
        (0..length)
            .map(|_| pieces[draws.below(pieces.len() as u64) as usize])
            .collect()
    };
    (0..3_000).map(|_| text()).collect()
}

#[test]
fn any_text_is_the_span_that_it_is_for_locust() {
    let texts = texts();
    let theirs: Value = testing::tools::ask("timespan.py", &json!(texts));
    let theirs = theirs.as_array().expect("python prints a list");
    assert_eq!(theirs.len(), texts.len());
    for (text, theirs) in texts.iter().zip(theirs) {
        let ours = parse_timespan(text).ok().map(|span| span.as_secs());
        assert_eq!(&json!(ours), theirs, "{text:?}");
    }
    let valid = theirs
        .iter()
        .filter(|seconds| **seconds != Value::Null)
        .count();
    assert!(
        (300..2_700).contains(&valid),
        "both kinds are asked about: {valid}"
    );
}
