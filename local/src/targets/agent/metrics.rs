//! What the agent measures about itself: per model and kind of work, as JSON and for Prometheus.

use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::super::route::Model;

/// What a model was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Chat,
    Repair,
}

const KINDS: [(Kind, &str); 2] = [(Kind::Chat, "chat"), (Kind::Repair, "repair")];

/// Upper bounds of the histogram's buckets, in seconds.
const BOUNDS: [f64; 12] = [
    0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 90.0, 120.0,
];

/// All the agent's measurements.
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
    /// How many took at most the bound, and not at most the bound before.
    buckets: [u64; BOUNDS.len()],
}

impl Metrics {
    /// Records a finished request.
    pub(crate) fn record(
        &self,
        kind: Kind,
        model: Model,
        took: Duration,
        success: bool,
        tokens: u64,
    ) {
        let seconds = took.as_secs_f64();
        let mut all = self.lock();
        let series = &mut all[model as usize][kind as usize];
        if success {
            series.succeeded += 1;
        } else {
            series.failed += 1;
        }
        series.tokens += tokens;
        series.seconds += seconds;
        series.slowest = series.slowest.max(seconds);
        if let Some(bucket) = BOUNDS.iter().position(|bound| seconds <= *bound) {
            series.buckets[bucket] += 1;
        }
    }

    /// How many repairs there were, and how many ended without success.
    pub(crate) fn repairs(&self) -> (u64, u64) {
        let all = self.lock();
        let repairs = all.iter().map(|model| model[Kind::Repair as usize]);
        repairs.fold((0, 0), |(total, failed), series| {
            (total + series.requests(), failed + series.failed)
        })
    }

    /// `model_a` and `model_b`, with what they did and how long it took.
    pub(crate) fn json(&self, uptime: Duration, since: &str) -> Value {
        let all = *self.lock();
        json!({
            "model_a": model_json(Model::A, &all[0]),
            "model_b": model_json(Model::B, &all[1]),
            "uptime_seconds": uptime.as_secs(),
            "since": since,
        })
    }

    /// The same in Prometheus' text format.
    pub(crate) fn prometheus(&self, uptime: Duration) -> String {
        let all = *self.lock();
        let mut out = String::with_capacity(4_096);
        family(
            &mut out,
            "ai_agent_requests_total",
            "counter",
            "Finished requests.",
        );
        each(&all, |labels, series| {
            for (outcome, count) in [("success", series.succeeded), ("failure", series.failed)] {
                line(
                    &mut out,
                    "ai_agent_requests_total",
                    labels,
                    &format!(",outcome=\"{outcome}\""),
                    count as f64,
                );
            }
        });
        family(
            &mut out,
            "ai_agent_tokens_total",
            "counter",
            "Tokens read and written.",
        );
        each(&all, |labels, series| {
            line(
                &mut out,
                "ai_agent_tokens_total",
                labels,
                "",
                series.tokens as f64,
            );
        });
        let name = "ai_agent_request_duration_seconds";
        family(&mut out, name, "histogram", "Time from arrival to answer.");
        each(&all, |labels, series| {
            series.histogram(&mut out, name, labels)
        });
        family(
            &mut out,
            "ai_agent_uptime_seconds",
            "gauge",
            "Time since the start.",
        );
        let _ = writeln!(out, "ai_agent_uptime_seconds {}", uptime.as_secs_f64());
        out
    }

    fn lock(&self) -> MutexGuard<'_, [[Series; 2]; 2]> {
        // sums of one request may be half added when a thread panics: still the best there is
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Series {
    fn requests(&self) -> u64 {
        self.succeeded + self.failed
    }

    fn histogram(&self, out: &mut String, name: &str, labels: &str) {
        let mut below = 0;
        for (bound, count) in BOUNDS.iter().zip(self.buckets) {
            below += count;
            let bucket = format!(",le=\"{bound}\"");
            line(
                out,
                &format!("{name}_bucket"),
                labels,
                &bucket,
                below as f64,
            );
        }
        let all = self.requests() as f64;
        line(out, &format!("{name}_bucket"), labels, ",le=\"+Inf\"", all);
        line(out, &format!("{name}_sum"), labels, "", self.seconds);
        line(out, &format!("{name}_count"), labels, "", all);
    }
}

fn model_json(model: Model, kinds: &[Series; 2]) -> Value {
    let sum = |of: fn(&Series) -> u64| kinds.iter().map(of).sum::<u64>();
    let total = sum(Series::requests);
    let seconds: f64 = kinds.iter().map(|series| series.seconds).sum();
    let slowest = kinds
        .iter()
        .map(|series| series.slowest)
        .fold(0.0, f64::max);
    let succeeded = sum(|series| series.succeeded);
    let share = |part: f64| if total == 0 { 0.0 } else { part / total as f64 };
    json!({
        "model": model.full_name(),
        "total_requests": total,
        "successful_requests": succeeded,
        "failed_requests": sum(|series| series.failed),
        "success_rate": round(share(succeeded as f64)),
        "chat_requests": kinds[Kind::Chat as usize].requests(),
        "repair_requests": kinds[Kind::Repair as usize].requests(),
        "avg_latency_seconds": round(share(seconds)),
        "max_latency_seconds": round(slowest),
        "total_tokens": sum(|series| series.tokens),
    })
}

fn round(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

fn family(out: &mut String, name: &str, kind: &str, help: &str) {
    // writing to a string cannot fail
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(out: &mut String, name: &str, labels: &str, more: &str, value: f64) {
    let _ = writeln!(out, "{name}{{{labels}{more}}} {value}");
}

/// Calls `write` for every model and kind, with their labels.
fn each(all: &[[Series; 2]; 2], mut write: impl FnMut(&str, &Series)) {
    for model in Model::ALL {
        for (kind, name) in KINDS {
            let labels = format!("model=\"{}\",kind=\"{name}\"", model.letter());
            write(&labels, &all[model as usize][kind as usize]);
        }
    }
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
