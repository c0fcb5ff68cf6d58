//! A chart of the report with its title and legend, and shares as they are shown.

use minijinja::value::Value;
use serde::Serialize;
use statistics::report::events::{Event, Gap};

use crate::chart::{Chart, Line, figure};

/// A chart as the template takes it.
#[derive(Serialize)]
pub(super) struct Graph {
    pub(super) title: &'static str,
    pub(super) legend: Vec<(String, &'static str)>,
    pub(super) svg: Value,
}

impl Graph {
    pub(super) fn new(
        title: &'static str,
        unit: &'static str,
        times: Vec<u64>,
        lines: Vec<Line>,
        events: &[Event],
        gaps: &[Gap],
    ) -> Self {
        let legend = lines.iter().map(|line| (line.label.clone(), line.class));
        let legend = legend.collect();
        let chart = Chart {
            unit,
            times,
            lines,
            events: events.to_vec(),
            gaps: gaps.to_vec(),
        };
        let svg = chart.svg();
        Self {
            title,
            legend,
            svg: Value::from_safe_string(svg),
        }
    }
}

/// A ratio in percent.
pub(super) fn percent(ratio: f64) -> String {
    format!("{} %", figure(ratio * 100.0))
}
