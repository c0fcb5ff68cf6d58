//! The warm-up before the first message: it reads the newest run, which connects to the store and
//! compiles its workload, and connects to the run's targets.
//!
//! It happens while the environment starts, when Lambda lends a whole processor and does not charge for
//! waiting. It is bounded: a first tick must not be late because a target is slow.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use tokio::task::JoinSet;
use traffic::clock::Clock;
use traffic::ports::RunStore;
use traffic::runs::{LoadedRun, Runs};
use traffic::tick::hosts;
use traffic::tls::HostTls;
use traffic::transport::Http;

/// The newest run is waited for this long.
const STORE_WITHIN: Duration = Duration::from_secs(2);

/// The targets are waited for this long; what takes longer goes on beside the first message.
const TARGETS_WITHIN: Duration = Duration::from_secs(1);

/// Reads the newest run, and connects to what it sends requests to, unless it is over. What fails here
/// fails again when it is needed, and is reported then.
pub async fn warm_up<S: RunStore>(runs: &Runs<S>, http: Http, clock: &Clock) {
    let Some(run) = newest(runs).await else {
        return;
    };
    let now = clock.now();
    if run.plan.run().is_over(now) {
        return;
    }
    // a run that has just been started begins in a moment
    let at = now.max(run.plan.run().starts());
    let mut connecting = JoinSet::new();
    for (host, tls) in hosts(&run, at) {
        connecting.spawn(connect(http.clone(), host, tls));
    }
    let all = async { while connecting.join_next().await.is_some() {} };
    if tokio::time::timeout(TARGETS_WITHIN, all).await.is_err() {
        tracing::info!("a target is slow: its connection is not waited for");
        connecting.detach_all();
    }
}

async fn newest<S: RunStore>(runs: &Runs<S>) -> Option<Arc<LoadedRun>> {
    match tokio::time::timeout(STORE_WITHIN, runs.latest()).await {
        Ok(Ok(run)) => run,
        Ok(Err(error)) => {
            let error: &(dyn Error + 'static) = &error;
            tracing::warn!(error, "the newest run cannot be read yet");
            None
        }
        Err(_) => {
            tracing::warn!("the store does not answer yet");
            None
        }
    }
}

async fn connect(http: Http, host: Url, tls: Option<HostTls>) {
    if let Err(reason) = http.connect(&host, tls.as_ref()).await {
        tracing::info!(
            host = host.host_str(),
            reason,
            "a target is not connected yet"
        );
    }
}
