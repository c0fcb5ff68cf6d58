//! The lists in `Accept` and `Accept-Encoding`: what a client takes.

/// True if the list names this, and not with weight 0.
pub(super) fn takes(accepted: &str, name: &str) -> bool {
    accepted.split(',').any(|item| {
        let (named, weight) = item.split_once(';').unwrap_or((item, ""));
        let weight = weight
            .trim()
            .strip_prefix("q=")
            .map_or(Ok(1.0), str::parse::<f64>);
        named.trim().eq_ignore_ascii_case(name) && weight.is_ok_and(|weight| weight > 0.0)
    })
}
