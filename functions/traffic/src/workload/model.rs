//! A language model that requests are for: its name and what its tokens cost.

use std::sync::Arc;

/// Prices are those of so many tokens.
const PRICED: f64 = 1_000_000.0;

/// A model, from the `[models]` of a workload file.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub(super) key: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) input_price: f64,
    pub(super) output_price: f64,
}

impl Model {
    /// The key that requests name it by.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The name that its server knows it by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The price of these tokens of prompts and answers, in the currency of its prices; nothing if it has no prices.
    pub fn price(&self, input_tokens: u64, output_tokens: u64) -> Option<f64> {
        let price =
            input_tokens as f64 * self.input_price + output_tokens as f64 * self.output_price;
        let has_prices = self.input_price > 0.0 || self.output_price > 0.0;
        has_prices.then_some(price / PRICED)
    }
}
