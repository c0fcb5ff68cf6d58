//! What AWS asks for: one dated file of list prices, or one of the same form in its place.

use serde::{Deserialize, Serialize};

/// The prices that are built in.
const BUILT_IN: &str = include_str!("prices-2026-11.toml");

/// What the file with the built-in prices is called in messages.
const BUILT_IN_FILE: &str = "prices-2026-11.toml";

/// Prices in US$, each table with the page they are from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// When they were looked up: year and month.
    pub date: String,
    /// Where they hold.
    pub region: String,
    /// Lambda.
    pub lambda: LambdaPrices,
    /// DynamoDB on demand.
    pub dynamodb: DynamoDbPrices,
    /// SQS, standard queues.
    pub sqs: SqsPrices,
    /// EventBridge Scheduler.
    pub scheduler: SchedulerPrices,
    /// CloudWatch: logs, alarms, metrics, canaries.
    pub cloudwatch: CloudWatchPrices,
    /// Fargate, for comparison.
    pub fargate: FargatePrices,
}

/// See the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct LambdaPrices {
    pub source: String,
    pub million_requests: f64,
    pub gb_second_x86: f64,
    pub gb_second_arm: f64,
}

/// See the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct DynamoDbPrices {
    pub source: String,
    pub million_write_units: f64,
    pub million_read_units: f64,
    pub gb_month: f64,
}

/// See the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct SqsPrices {
    pub source: String,
    pub million_requests: f64,
}

/// See the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct SchedulerPrices {
    pub source: String,
    pub million_invocations: f64,
}

/// See the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct CloudWatchPrices {
    pub source: String,
    pub logs_gb: f64,
    pub logs_gb_month: f64,
    pub alarm_month: f64,
    pub metric_month: f64,
    pub canary_run: f64,
}

/// See the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct FargatePrices {
    pub source: String,
    pub vcpu_hour_x86: f64,
    pub gb_hour_x86: f64,
    pub vcpu_hour_arm: f64,
    pub gb_hour_arm: f64,
    pub public_ipv4_hour: f64,
}

/// A file of prices cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PricesError {
    /// It is not of the form of the built-in one.
    #[error("{file}: {problem}")]
    Invalid {
        /// The file.
        file: String,
        /// What is wrong, and in which line.
        problem: String,
    },
    /// A price is no amount of money.
    #[error("{file}: {name} is {value}: write US$, 0 or more")]
    Price {
        /// The file.
        file: String,
        /// The table and the name of the price.
        name: String,
        /// What it says.
        value: f64,
    },
}

impl Prices {
    /// The list prices that ship in the binary.
    ///
    /// # Panics
    /// Never: a test reads them.
    pub fn built_in() -> Self {
        Self::parse(BUILT_IN, BUILT_IN_FILE).expect("the built-in prices are right")
    }

    /// Reads prices; `file` is what messages call them.
    ///
    /// # Errors
    /// When a price is missing, unknown or no amount of money.
    pub fn parse(text: &str, file: &str) -> Result<Self, PricesError> {
        let prices: Self = toml::from_str(text).map_err(|error| invalid(&error, text, file))?;
        match prices.not_money() {
            None => Ok(prices),
            Some((name, value)) => Err(PricesError::Price {
                file: file.into(),
                name,
                value,
            }),
        }
    }

    /// The first price that is negative or not finite, by its name in the file.
    fn not_money(&self) -> Option<(String, f64)> {
        let table: toml::Table = toml::Table::try_from(self).ok()?;
        let tables = table.into_iter().filter_map(|(name, table)| match table {
            toml::Value::Table(table) => Some((name, table)),
            _ => None,
        });
        let mut prices = tables.flat_map(|(name, table)| {
            let prices = table.into_iter();
            prices.filter_map(move |(price, value)| {
                Some((format!("{name}.{price}"), value.as_float()?))
            })
        });
        prices.find(|(_, value)| !(value.is_finite() && *value >= 0.0))
    }
}

fn invalid(error: &toml::de::Error, text: &str, file: &str) -> PricesError {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(1, |before| before.lines().count().max(1));
    let message = error.message().replace('\n', " ");
    PricesError::Invalid {
        file: format!("{file}:{line}"),
        problem: message,
    }
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
    }

    #[test]
    fn a_mistake_in_a_file_of_prices_names_the_file_and_what_is_wrong() {
        for (from, to, said) in [
            ("gb_month = 0.25", "gb_month = -1.0", "dynamodb.gb_month"),
            ("gb_month = 0.25", "gb_month = nan", "dynamodb.gb_month"),
            ("gb_month = 0.25", "", "gb_month"),
            ("gb_month = 0.25", "gb_months = 0.25", "gb_months"),
            ("gb_month = 0.25", "gb_month = \"much\"", "mine.toml:20"),
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
