//! An estimate as people read it: aligned columns, one line for each thing that is paid for.

use std::fmt::{self, Write as _};

use super::bill::Line;
use super::estimate::Estimate;

/// Lambda's quota of concurrent executions in a new account; in older ones it is 1,000.
const NEW_ACCOUNT: u64 = 10;

/// Width of service and item.
const SERVICE: usize = 12;
const ITEM: usize = 44;

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} users for {} hours a month, watched for {}: {} iterations, {} requests",
            whole(self.users as f64),
            rounded(self.hours),
            rounded(self.watch_hours),
            whole(self.iterations),
            whole(self.requests),
        )?;
        writeln!(
            f,
            "List prices of {} in {}, US$, without free tier and tax: check before you rely on them\n",
            self.prices, self.region
        )?;
        writeln!(
            f,
            "{:<SERVICE$}{:<ITEM$}{:>16} {:<14}{:>10}{:>14}",
            "Service", "What", "A month", "", "US$", "US$/million"
        )?;
        for line in &self.lines {
            self.line(f, line)?;
        }
        self.sum(f, "Total", self.usd)?;
        self.besides(f)
    }
}

impl Estimate {
    fn line(&self, f: &mut fmt::Formatter<'_>, line: &Line) -> fmt::Result {
        writeln!(
            f,
            "{:<SERVICE$}{:<ITEM$}{:>16} {:<14}{:>10}{:>14}",
            line.service,
            line.item,
            quantity(line.quantity),
            line.unit,
            money(line.usd),
            self.per_million(line.usd),
        )
    }

    fn sum(&self, f: &mut fmt::Formatter<'_>, name: &str, usd: f64) -> fmt::Result {
        let rest = SERVICE + ITEM + 31;
        writeln!(
            f,
            "{name:<rest$}{:>10}{:>14}",
            money(usd),
            self.per_million(usd)
        )
    }

    /// Comparison, concurrency, and answers that were assumed.
    fn besides(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.alternatives.is_empty() {
            writeln!(f, "\nFor comparison")?;
        }
        for alternative in &self.alternatives {
            self.sum(f, &format!("  {}", alternative.name), alternative.usd)?;
        }
        writeln!(
            f,
            "\nAt once: {} of tick, 1 of fan-out, 1 of aggregator; a new account may run {NEW_ACCOUNT} functions at once",
            self.concurrency
        )?;
        if let Some(late) = &self.late {
            writeln!(f, "  {late} (--max-concurrency)")?;
        }
        if let Some(starved) = &self.starved {
            writeln!(f, "  {starved} (--memory)")?;
        }
        if !self.assumed.is_empty() {
            writeln!(f, "\nAssumed")?;
        }
        for assumed in &self.assumed {
            writeln!(f, "  {assumed}")?;
        }
        let parts: Vec<String> = self
            .stopped
            .iter()
            .map(|line| format!("{} {}", line.item, money(line.usd)))
            .collect();
        writeln!(
            f,
            "\nStopped, a month costs US$ {} and what storage is left: {}",
            money(self.stopped_usd),
            parts.join(", ")
        )
    }

    /// US$ per million iterations.
    fn per_million(&self, usd: f64) -> String {
        if self.iterations > 0.0 {
            format!("{:.4}", usd / self.iterations * 1e6)
        } else {
            "-".into()
        }
    }
}

fn money(usd: f64) -> String {
    format!("{usd:.2}")
}

/// At most one digit after the point.
fn rounded(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").unwrap_or(&text).into()
}

fn quantity(value: f64) -> String {
    if value < 100.0 {
        format!("{value:.2}")
    } else {
        whole(value)
    }
}

/// Whole, with commas between the thousands.
fn whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        let _ = text.write_char(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_people_read_them() {
        assert_eq!(whole(0.4), "0");
        assert_eq!(whole(999.0), "999");
        assert_eq!(whole(1_234_567.8), "1,234,568");
        assert_eq!(quantity(0.126), "0.13");
        assert_eq!(rounded(730.0), "730");
        assert_eq!(rounded(243.333), "243.3");
    }
}
