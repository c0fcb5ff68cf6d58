//! What traffic costs on AWS: calls from the plan, money from a dated list of prices.
//!
//! [`calls`] plays a stretch of a run and counts the calls to each service, without a price; an
//! [`Estimate`] makes a month of them, and puts it beside a container that is always on and beside
//! CloudWatch's canaries. Nothing here reads a clock or a network.

mod alternatives;
mod assumptions;
mod average;
mod aws_calls;
mod bill;
mod call;
mod calls;
mod concurrency;
mod estimate;
mod hours;
mod lambda_environments;
mod memory;
mod minute_overhead;
mod prices;
mod question;
mod response_times;
mod sampled_window;
mod stretch;
mod table;
#[cfg(test)]
mod tests;
mod ticks;

pub use self::alternatives::Alternative;
pub use self::assumptions::{Architecture, Assumptions};
pub use self::average::run_of_shape;
pub use self::bill::Line;
pub use self::call::{Call, Service};
pub use self::calls::{Calls, Function, Invocations, Usage};
pub use self::concurrency::lateness_of_run;
pub use self::estimate::{Estimate, Schedule};
pub use self::hours::{HOURS_IN_MONTH, Hours, InvalidHours};
pub use self::prices::{InvalidPrices, Prices};
pub use self::question::Question;
pub use self::response_times::ResponseTimes;
pub use self::sampled_window::{run_of, steady};
pub use self::stretch::{calls, idle, switching, watching};
