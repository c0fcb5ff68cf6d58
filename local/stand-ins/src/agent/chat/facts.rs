//! The facts of a moment that the agent's answers are written with.

use std::time::Duration;

use minijinja::{Value, context};

use crate::chaos::Weather;
use crate::data::DATA;
use crate::route::Model;

/// The state of the system when the agent answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) model: Model,
    pub(crate) uptime: Duration,
    pub(crate) weather: Weather,
    /// The requests that the target app answered.
    pub(crate) requests: u64,
    /// Those of them that it answered with a 5xx.
    pub(crate) failures: u64,
    pub(crate) orders: u64,
    pub(crate) revenue: f64,
    /// The median latencies of the target app's /health, /orders and /products.
    pub(crate) medians_ms: [f64; 3],
    /// The number of repairs, and of those that ended without success.
    pub(crate) repairs: (u64, u64),
}

impl Facts {
    /// The names that topics can use, with figures as they are shown.
    pub(super) fn context(&self) -> Value {
        let [health_ms, orders_ms, products_ms] = self.medians_ms.map(|ms| format!("{ms:.0}"));
        let names = DATA.products.iter().map(|product| &product.name);
        let weather: &str = self.weather.into();
        context! {
            model => self.model.letter(),
            models => context! { a => Model::A.full_name(), b => Model::B.full_name() },
            uptime => span(self.uptime),
            weather,
            weather_report => self.weather.says(),
            calm => self.weather == Weather::Calm,
            requests => self.requests,
            failures => self.failures,
            failure_percent => format!("{:.1}", self.failure_percent()),
            orders => self.orders,
            revenue => format!("{:.2}", self.revenue),
            health_ms,
            orders_ms,
            products_ms,
            repairs => self.repairs.0,
            repairs_failed => self.repairs.1,
            products => names.collect::<Vec<_>>(),
            tools => &DATA.repairs.tools,
        }
    }

    fn failure_percent(&self) -> f64 {
        if self.requests == 0 {
            return 0.0;
        }
        100.0 * self.failures as f64 / self.requests as f64
    }
}

/// `duration` in its largest unit: `2 hours`.
fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
