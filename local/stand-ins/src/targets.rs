//! Both stand-in servers from their start to their stop, and the controls that tests have over them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use serde_json::{Value, json};
use tokio::sync::watch;
use traffic::clock::Clock;

use crate::counters::{CountersSnapshot, Detail};
use crate::levels::Levels;
use crate::route::Server;
use crate::server::{Running, TargetsError, listen};
use crate::settings::TargetSettings;
use crate::{admin, agent, data, shop};

/// A larger request body is answered with 413.
const LARGEST_BODY: usize = 256 * 1024;

/// The settings that the stand-ins start with.
#[derive(Clone, Debug)]
pub struct TargetsConfig {
    /// The target app's address; port 0 takes any free one.
    pub target_app: SocketAddr,
    /// The agent's address; port 0 takes any free one.
    pub ai_agent: SocketAddr,
    /// The factor of all drawn latencies: 1 is life-like, 0 answers at once.
    pub latency_scale: f64,
    /// The same seed gives the same latencies, failures and answers, request for request.
    pub seed: u64,
    /// Everything else that can also be changed later, as `POST /stand-in/settings` takes it.
    pub settings: Value,
    /// The time that requests under way may go on after the stop.
    pub grace: Duration,
    /// The clock of all timestamps.
    pub clock: Clock,
}

impl Default for TargetsConfig {
    /// Life-like servers on ports 8000 and 8001 of this machine.
    fn default() -> Self {
        Self {
            target_app: SocketAddr::from(([127, 0, 0, 1], 8000)),
            ai_agent: SocketAddr::from(([127, 0, 0, 1], 8001)),
            latency_scale: 1.0,
            seed: 0,
            settings: json!({}),
            grace: Duration::from_secs(1),
            clock: Clock::system(),
        }
    }
}

impl TargetsConfig {
    /// Servers on free ports of this machine that answer at once.
    pub fn for_tests() -> Self {
        Self {
            target_app: SocketAddr::from(([127, 0, 0, 1], 0)),
            ai_agent: SocketAddr::from(([127, 0, 0, 1], 0)),
            latency_scale: 0.0,
            ..Self::default()
        }
    }
}

/// The two servers, running. Dropping them stops them at once.
#[derive(Debug)]
pub struct Targets {
    addresses: [SocketAddr; 2],
    running: [Running; 2],
    levels: Arc<Levels>,
}

impl Targets {
    /// Starts both servers; they accept connections when this returns.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "a config is made for one start"
    )]
    pub async fn start(config: TargetsConfig) -> Result<Self, TargetsError> {
        data::read();
        let settings = TargetSettings::default()
            .changed(&json!({ "latency_scale": config.latency_scale }))?
            .changed(&config.settings)?;
        let (shop_listener, shop_address) = listen(Server::TargetApp.name(), config.target_app)?;
        let (agent_listener, agent_address) = listen(Server::AiAgent.name(), config.ai_agent)?;

        let levels = Levels::new(settings, config.seed, config.clock);
        let levels = Arc::new(levels);
        let shop = Arc::new(shop::Shop::new(Arc::clone(&levels)));
        let agent = Arc::new(agent::Agent::new(Arc::clone(&shop)));
        let serve = |listener, routes, server| {
            let routes = admin::with_controls(routes, server, Arc::clone(&levels));
            let routes = routes.layer(DefaultBodyLimit::max(LARGEST_BODY));
            Running::start(listener, routes, config.grace)
        };
        let running = [
            serve(shop_listener, shop::routes(shop), Server::TargetApp),
            serve(agent_listener, agent::routes(agent), Server::AiAgent),
        ];
        Ok(Self {
            addresses: [shop_address, agent_address],
            running,
            levels,
        })
    }

    /// The target app's URL, without a slash at its end.
    pub fn target_app_url(&self) -> String {
        format!("http://{}", self.addresses[0])
    }

    /// The agent's URL, without a slash at its end.
    pub fn ai_agent_url(&self) -> String {
        format!("http://{}", self.addresses[1])
    }

    /// Everything that was counted since the start or the last reset, with the arrival log.
    pub fn counters(&self) -> CountersSnapshot {
        self.levels.counters.snapshot(Detail::ALL)
    }

    /// Sets all counts to zero and forgets the requests under way.
    pub fn reset(&self) {
        self.levels.counters.reset();
    }

    pub fn settings(&self) -> TargetSettings {
        self.levels.settings()
    }

    /// Changes settings as `POST /stand-in/settings` does, from the next request on.
    pub fn change(&self, change: &Value) -> Result<TargetSettings, TargetsError> {
        Ok(self.levels.change(change)?)
    }

    /// The behaviours that hold, such as `slow, failing` or `normal`, whenever they change.
    pub fn behaviours(&self) -> watch::Receiver<String> {
        self.levels.behaviours()
    }

    /// Stops both: nothing more is accepted, and requests under way may end within the grace period.
    pub async fn shutdown(self) {
        let [shop, agent] = self.running;
        tokio::join!(shop.shutdown(), agent.shutdown());
    }
}
