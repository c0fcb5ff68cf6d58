//! Markers on a run's charts for how the stand-ins behave: on the runs of this process, or on those of a cicada elsewhere.

use std::sync::Arc;

use mcp::Remote;
use stand_ins::cli::Telling;
use tokio::sync::watch;

use crate::engine::LocalControl;
use crate::health_command::address_of;

/// Leaves a marker on the newest run for each change, until the stand-ins end.
pub(crate) async fn follow(control: Arc<LocalControl>, mut behaviours: watch::Receiver<String>) {
    while behaviours.changed().await.is_ok() {
        let text = marker(&behaviours.borrow_and_update());
        match control.note(&text).await {
            Ok(_) => tracing::info!("{text}"),
            Err(refusal) => tracing::info!("{text}, without a marker: {refusal}"),
        }
    }
}

/// The same on the newest run of the cicada at `address`, which may ask for the password that `LOCUST_BASIC_AUTH` has.
///
/// # Errors
/// When the address is none.
pub fn follow_elsewhere(
    address: &str,
    mut behaviours: watch::Receiver<String>,
) -> Result<Telling, String> {
    let password = std::env::var(web::api::BASIC_AUTH).ok();
    let remote = Remote::new(&address_of(address), password.as_deref());
    let remote = remote.map_err(|error| error.to_string())?;
    Ok(Box::pin(async move {
        while behaviours.changed().await.is_ok() {
            let text = marker(&behaviours.borrow_and_update());
            if let Err(error) = remote.leave_marker(&text).await {
                eprintln!("{text}, without a marker: {error}");
            }
        }
    }))
}

/// `stand-in: slow, failing`
fn marker(behaviours: &str) -> String {
    format!("stand-in: {behaviours}")
}
