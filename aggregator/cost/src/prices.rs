//! AWS's list prices: a dated file that is built in, or another of the same form.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use traffic::run_rules::InvalidField;

const BUILT_IN: &str = include_str!("prices-2026-11.toml");

/// The name of the built-in file in messages.
const BUILT_IN_FILE: &str = "prices-2026-11.toml";

/// Prices in US$, by service; those of other regions are what they price otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Prices {
    /// Year and month of the list.
    pub date: String,
    pub region: String,
    pub lambda: LambdaPrices,
    /// On demand.
    pub dynamodb: DynamoDbPrices,
    /// Of standard queues.
    pub sqs: SqsPrices,
    pub scheduler: SchedulerPrices,
    pub cloudwatch: CloudWatchPrices,
    /// For comparison.
    pub fargate: Option<FargatePrices>,
    /// Services whose price is that of another region.
    #[serde(default)]
    pub unverified: Vec<String>,
    #[serde(default)]
    regions: BTreeMap<String, RegionPrices>,
}

/// The prices in which a region differs, by service; those for comparison it has none of but its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct RegionPrices {
    source: String,
    #[serde(default)]
    unverified: Vec<String>,
    #[serde(flatten)]
    services: BTreeMap<String, toml::Table>,
}

macro_rules! prices {
    ($($name:ident { $($price:ident: $kind:ty),+ })+) => {$(
        /// Prices of one service; the file says of what.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[allow(missing_docs)]
        pub struct $name { pub source: String, $(pub $price: $kind),+ }
    )+};
}

prices! {
    LambdaPrices { million_requests: f64, gb_second_x86: f64, gb_second_arm: f64 }
    DynamoDbPrices { million_write_units: f64, million_read_units: f64, gb_month: f64 }
    SqsPrices { million_requests: f64 }
    SchedulerPrices { million_invocations: f64 }
    CloudWatchPrices {
        logs_gb: f64,
        logs_gb_month: f64,
        alarm_month: f64,
        metric_month: f64,
        canary_run: Option<f64>
    }
    FargatePrices {
        vcpu_hour_x86: f64,
        gb_hour_x86: f64,
        vcpu_hour_arm: f64,
        gb_hour_arm: f64,
        public_ipv4_hour: f64
    }
}

/// A file of prices cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct InvalidPrices {
    file: String,
    problem: String,
}

impl Prices {
    /// The list prices that ship in the binary.
    ///
    /// # Panics
    /// Never: a test reads them.
    pub fn built_in() -> Self {
        Self::parse(BUILT_IN, BUILT_IN_FILE).expect("the built-in prices are right")
    }

    /// Reads prices; `file` is their name in messages.
    pub fn parse(text: &str, file: &str) -> Result<Self, InvalidPrices> {
        let invalid = |problem: String| InvalidPrices {
            file: file.into(),
            problem: problem.replace('\n', " "),
        };
        let prices: Self = toml::from_str(text).map_err(|error| InvalidPrices {
            file: format!("{file}:{}", line(&error, text)),
            ..invalid(error.message().into())
        })?;
        for (region, of_region) in &prices.regions {
            let merged = prices.merged(region, of_region);
            merged.map_err(|error| invalid(format!("regions.{region}: {}", error.message())))?;
        }
        let table = toml::Table::try_from(&prices).unwrap_or_default();
        match not_money("", &toml::Value::Table(table)) {
            None => Ok(prices),
            Some((name, value)) => {
                let problem = format!("{name} is {value}: write US$, 0 or more");
                Err(invalid(problem))
            }
        }
    }

    /// The prices of a region.
    pub fn of_region(&self, region: &str) -> Result<Self, InvalidField> {
        if region == self.region {
            return Ok(self.clone());
        }
        let known = self.regions.get(region);
        let prices = known.and_then(|known| self.merged(region, known).ok());
        prices.ok_or_else(|| {
            let shown: String = region.chars().take(60).collect();
            let others = self.regions.keys().map(String::as_str);
            let known: Vec<&str> = [&*self.region].into_iter().chain(others).collect();
            let known = known.join(", ");
            let problem =
                format!("names {shown:?}, whose prices are not known; those of {known} are");
            InvalidField::new("region", problem)
        })
    }

    /// These prices with those of a region in their place.
    fn merged(&self, region: &str, of_region: &RegionPrices) -> Result<Self, toml::de::Error> {
        let mut base = self.clone();
        base.region = region.into();
        base.unverified = of_region.unverified.clone();
        base.fargate = None;
        base.cloudwatch.canary_run = None;
        base.regions.clear();
        let mut table = toml::Table::try_from(&base).unwrap_or_default();
        for (service, prices) in &of_region.services {
            let known = table
                .entry(service)
                .or_insert_with(|| toml::Table::new().into());
            if let Some(known) = known.as_table_mut() {
                let source = toml::Value::String(of_region.source.clone());
                known.insert("source".into(), source);
                known.extend(prices.clone());
            }
        }
        table.try_into()
    }
}

/// The first price that is negative or not finite, by its name in the file.
fn not_money(name: &str, value: &toml::Value) -> Option<(String, f64)> {
    match value {
        toml::Value::Table(table) => table.iter().find_map(|(key, value)| {
            let name = if name.is_empty() {
                key.clone()
            } else {
                format!("{name}.{key}")
            };
            not_money(&name, value)
        }),
        toml::Value::Float(price) if !(price.is_finite() && *price >= 0.0) => {
            Some((name.into(), *price))
        }
        _ => None,
    }
}

/// The line of a mistake.
fn line(error: &toml::de::Error, text: &str) -> usize {
    let before = error.span().and_then(|span| text.get(..span.start));
    before.map_or(1, |before| before.lines().count().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_prices_are_read_and_name_their_sources() {
        let prices = Prices::built_in();
        assert_eq!(prices.region, "us-east-1");
        assert!(BUILT_IN_FILE.contains(&prices.date));
        assert!(prices.lambda.source.starts_with("aws.amazon.com/"));
        assert!(prices.regions.len() >= 9, "{:?}", prices.regions.keys());
        for (region, of_region) in &prices.regions {
            let prices = prices.of_region(region).unwrap();
            assert_eq!(prices.region, *region);
            assert!(of_region.source.len() > 20, "{region}");
            assert!(prices.dynamodb.million_write_units >= 0.625, "{region}");
            assert_eq!(prices.dynamodb.source, of_region.source);
        }
        assert_eq!(prices.of_region("us-east-1").unwrap(), prices);
        let unknown = prices.of_region("eu-nowhere-1").unwrap_err();
        assert!(
            unknown.problem.contains("us-east-1, "),
            "{}",
            unknown.problem
        );
    }

    #[test]
    fn a_mistake_in_a_file_of_prices_names_the_file_and_what_is_wrong() {
        for (from, to, said) in [
            ("gb_month = 0.25", "gb_month = -1.0", "dynamodb.gb_month"),
            ("gb_month = 0.25", "gb_month = nan", "dynamodb.gb_month"),
            ("gb_month = 0.25", "", "gb_month"),
            ("gb_month = 0.25", "gb_months = 0.25", "gb_months"),
            ("gb_month = 0.25", "gb_month = \"much\"", "mine.toml:19"),
        ] {
            let error = Prices::parse(&BUILT_IN.replacen(from, to, 1), "mine.toml").unwrap_err();
            let text = error.to_string();
            assert!(
                text.starts_with("mine.toml") && text.contains(said),
                "{text}"
            );
            assert_eq!(text.lines().count(), 1, "{text}");
        }
    }
}
