//! Goose, with the smallest scenario it can run: one transaction that gets `/`, and no wait.
//!
//! The command line is Goose's own, so that whoever measures decides what it leaves out. Prints its
//! own count as one line of JSON, like the bare loop.

use goose::prelude::*;

#[tokio::main]
async fn main() -> Result<(), GooseError> {
    let metrics = GooseAttack::initialize()?
        .register_scenario(scenario!("Throughput").register_transaction(transaction!(get_root)))
        .execute()
        .await?;
    let requests: usize = metrics
        .requests
        .values()
        .map(|request| request.success_count)
        .sum();
    let failures: usize = metrics
        .requests
        .values()
        .map(|request| request.fail_count)
        .sum();
    let report = serde_json::json!({
        "requests": requests,
        "failures": failures,
        "seconds": metrics.duration,
        "requests_per_second": requests as f64 / metrics.duration.max(1) as f64,
    });
    println!("{report}");
    Ok(())
}

/// The one transaction: sends the request and reads the answer.
async fn get_root(user: &mut GooseUser) -> TransactionResult {
    let answer = user.get("").await?;
    if let Ok(response) = answer.response {
        // an answer cut short is already in Goose's own failures
        let _ = response.bytes().await;
    }
    Ok(())
}
