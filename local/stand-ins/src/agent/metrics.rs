//! The agent's measurements of itself: per model and kind of work, as JSON and for Prometheus.

use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use strum::{IntoStaticStr, VariantArray};

use crate::reply::rounded;
use crate::route::Model;

/// The kind of work that a model is asked for.
#[derive(Clone, Copy, Debug, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub(crate) enum Kind {
    Chat,
    Repair,
}

/// Upper bounds of the histogram's buckets, in seconds.
const BOUNDS: [f64; 12] = [
    0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 90.0, 120.0,
];

/// All the agent's measurements, by model and kind.
#[derive(Debug, Default)]
pub(crate) struct Metrics(Mutex<[[Series; 2]; 2]>);

/// One kind of work by one model.
#[derive(Clone, Copy, Debug, Default)]
struct Series {
    succeeded: u64,
    failed: u64,
    tokens: u64,
    seconds: f64,
    slowest: f64,
    /// The number that took at most the bound, and more than the bound before.
    buckets: [u64; BOUNDS.len()],
}

impl Metrics {
    pub(crate) fn record(
        &self,
        kind: Kind,
        model: Model,
        took: Duration,
        success: bool,
        tokens: u64,
    ) {
        let seconds = took.as_secs_f64();
        let mut all = self.0.lock();
        let series = &mut all[model as usize][kind as usize];
        series.succeeded += u64::from(success);
        series.failed += u64::from(!success);
        series.tokens += tokens;
        series.seconds += seconds;
        series.slowest = series.slowest.max(seconds);
        if let Some(bucket) = BOUNDS.iter().position(|bound| seconds <= *bound) {
            series.buckets[bucket] += 1;
        }
    }

    /// The number of repairs, and of those that ended without success.
    pub(crate) fn repairs(&self) -> (u64, u64) {
        let [a, b] = self.0.lock().map(|model| model[Kind::Repair as usize]);
        (a.requests() + b.requests(), a.failed + b.failed)
    }

    /// `model_a` and `model_b`, with the counts and the times of their requests.
    pub(crate) fn json(&self, uptime: Duration, since: &str) -> Value {
        let [a, b] = *self.0.lock();
        json!({
            "model_a": model_json(Model::A, &a),
            "model_b": model_json(Model::B, &b),
            "uptime_seconds": uptime.as_secs(),
            "since": since,
        })
    }

    /// The same in Prometheus' text format.
    pub(crate) fn prometheus(&self, uptime: Duration) -> String {
        let all = *self.0.lock();
        let mut requests = String::new();
        let mut tokens = String::new();
        let mut durations = String::new();
        for &model in Model::VARIANTS {
            for &kind in Kind::VARIANTS {
                let series = &all[model as usize][kind as usize];
                let name: &str = kind.into();
                let labels = format!("model=\"{}\",kind=\"{name}\"", model.letter());
                for (outcome, count) in [("success", series.succeeded), ("failure", series.failed)]
                {
                    let labels = format!("{labels},outcome=\"{outcome}\"");
                    requests += &format!("ai_agent_requests_total{{{labels}}} {count}\n");
                }
                tokens += &format!("ai_agent_tokens_total{{{labels}}} {}\n", series.tokens);
                durations += &series.histogram("ai_agent_request_duration_seconds", &labels);
            }
        }
        format!(
            "# HELP ai_agent_requests_total Finished requests.\n\
             # TYPE ai_agent_requests_total counter\n{requests}\
             # HELP ai_agent_tokens_total Tokens read and written.\n\
             # TYPE ai_agent_tokens_total counter\n{tokens}\
             # HELP ai_agent_request_duration_seconds Time from arrival to answer.\n\
             # TYPE ai_agent_request_duration_seconds histogram\n{durations}\
             # HELP ai_agent_uptime_seconds Time since the start.\n\
             # TYPE ai_agent_uptime_seconds gauge\n\
             ai_agent_uptime_seconds {}\n",
            uptime.as_secs_f64()
        )
    }
}

impl Series {
    fn requests(&self) -> u64 {
        self.succeeded + self.failed
    }

    fn histogram(&self, name: &str, labels: &str) -> String {
        let (mut lines, mut below) = (String::new(), 0);
        for (bound, count) in BOUNDS.iter().zip(self.buckets) {
            below += count;
            lines += &format!("{name}_bucket{{{labels},le=\"{bound}\"}} {below}\n");
        }
        let (all, seconds) = (self.requests(), self.seconds);
        lines
            + &format!(
                "{name}_bucket{{{labels},le=\"+Inf\"}} {all}\n\
                 {name}_sum{{{labels}}} {seconds}\n\
                 {name}_count{{{labels}}} {all}\n"
            )
    }
}

fn model_json(model: Model, kinds: &[Series; 2]) -> Value {
    let [chat, repair] = kinds;
    let total = chat.requests() + repair.requests();
    let succeeded = chat.succeeded + repair.succeeded;
    let share = |part: f64| if total == 0 { 0.0 } else { part / total as f64 };
    json!({
        "model": model.full_name(),
        "total_requests": total,
        "successful_requests": succeeded,
        "failed_requests": chat.failed + repair.failed,
        "success_rate": rounded(share(succeeded as f64), 4),
        "chat_requests": chat.requests(),
        "repair_requests": repair.requests(),
        "avg_latency_seconds": rounded(share(chat.seconds + repair.seconds), 4),
        "max_latency_seconds": rounded(chat.slowest.max(repair.slowest), 4),
        "total_tokens": chat.tokens + repair.tokens,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Metrics {
        let metrics = Metrics::default();
        let seconds = Duration::from_secs_f64;
        metrics.record(Kind::Chat, Model::A, seconds(0.5), true, 40);
        metrics.record(Kind::Chat, Model::A, seconds(1.5), false, 0);
        metrics.record(Kind::Repair, Model::A, seconds(200.0), true, 900);
        metrics
    }

    #[test]
    fn a_model_that_was_asked_has_its_sums() {
        let json = measured().json(Duration::from_secs(9), "2026-01-01T00:00:00.000Z");
        let a = &json["model_a"];
        assert_eq!(a["total_requests"], 3);
        assert_eq!(a["failed_requests"], 1);
        assert_eq!(a["success_rate"], 0.6667);
        assert_eq!(a["max_latency_seconds"], 200.0);
        assert_eq!(a["total_tokens"], 940);
        assert_eq!(json["model_b"]["total_requests"], 0);
        assert_eq!(json["model_b"]["avg_latency_seconds"], 0.0);
    }

    #[test]
    fn prometheus_buckets_add_up() {
        let text = measured().prometheus(Duration::from_secs(9));
        let name = "ai_agent_request_duration_seconds_bucket{model=\"a\"";
        for line in [
            format!("{name},kind=\"chat\",le=\"0.25\"}} 0"),
            format!("{name},kind=\"chat\",le=\"0.5\"}} 1"),
            format!("{name},kind=\"chat\",le=\"+Inf\"}} 2"),
            format!("{name},kind=\"repair\",le=\"120\"}} 0"),
            format!("{name},kind=\"repair\",le=\"+Inf\"}} 1"),
            "ai_agent_requests_total{model=\"a\",kind=\"chat\",outcome=\"failure\"} 1".to_owned(),
        ] {
            assert!(text.lines().any(|have| have == line), "{line}\n{text}");
        }
    }
}
