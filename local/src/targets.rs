//! The stand-in targets: two honest HTTP servers to send traffic to, in demos and in tests.
//!
//! `target-app` is a small shop, `ai-agent` an agent that repairs it and chats about it. Both take
//! as long as such services take, fail when they are told to, and count exactly what arrived.
//! [`Misbehaving`] is a third kind of server, for tests of clients: it breaks HTTP on purpose.

mod admin;
mod agent;
mod calendar;
mod chaos;
pub mod cli;
mod counters;
mod latency;
mod misbehaving;
mod reply;
mod route;
mod server;
mod settings;
mod shop;
mod stage;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use serde_json::Value;
use traffic::clock::Clock;

pub use chaos::Weather;
pub use counters::{CountersSnapshot, Gauge, RouteCount, USER_HEADER, UserCount};
pub use latency::LatencyProfile;
pub use misbehaving::{Misbehaving, Mode, NoSuchMode};
pub use route::{Lane, Model, NoSuchLane, Route, Server};
pub use settings::{BadSetting, Settings};

use server::Running;
use stage::{Stage, Unchanged};

/// A larger request body is answered with 413.
const LARGEST_BODY: usize = 256 * 1024;

/// What the stand-ins start with.
#[derive(Clone, Debug)]
pub struct TargetsConfig {
    /// Where the target app listens; port 0 takes any free one.
    pub target_app: SocketAddr,
    /// Where the agent listens; port 0 takes any free one.
    pub ai_agent: SocketAddr,
    /// What latencies are multiplied by: 1 is life-like, 0 answers at once.
    pub latency_scale: f64,
    /// The same seed gives the same latencies, failures and answers, request for request.
    pub seed: u64,
    /// Everything else that can also be changed later, as `POST /stand-in/settings` takes it.
    pub settings: Value,
    /// Whether chaos mode may be switched on later; it always may if it is on from the start.
    pub allow_chaos: bool,
    /// How long requests under way may go on after the stop.
    pub grace: Duration,
    /// Where timestamps come from.
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
            settings: Value::Object(serde_json::Map::new()),
            allow_chaos: false,
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

/// The stand-ins cannot start, or cannot be set so.
#[derive(Debug, thiserror::Error)]
pub enum TargetsError {
    /// An address cannot be listened on.
    #[error(
        "{server} cannot listen on {address}: {source}; stop what runs there, or choose another address"
    )]
    Listen {
        /// Which server: `target-app`, `ai-agent` or `misbehaving`.
        server: &'static str,
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// A setting cannot be as asked.
    #[error(transparent)]
    Setting(#[from] BadSetting),
}

/// The two servers, running. Dropping them stops them at once.
#[derive(Debug)]
pub struct Targets {
    addresses: [SocketAddr; 2],
    running: [Running; 2],
    stage: Arc<Stage>,
}

impl Targets {
    /// Starts both servers; they accept connections when this returns.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "a config is made for one start"
    )]
    pub async fn start(config: TargetsConfig) -> Result<Self, TargetsError> {
        let scale = serde_json::json!({ "latency_scale": config.latency_scale });
        let settings = Settings::default()
            .changed(&scale)?
            .changed(&config.settings)?;
        let (shop_listener, shop_address) = listen(Server::TargetApp.name(), config.target_app)?;
        let (agent_listener, agent_address) = listen(Server::AiAgent.name(), config.ai_agent)?;

        let stage = Stage::new(settings, config.allow_chaos, config.seed, config.clock);
        let stage = Arc::new(stage);
        let shop = Arc::new(shop::Shop::new(Arc::clone(&stage)));
        let agent = Arc::new(agent::Agent::new(Arc::clone(&shop)));
        let serve = |listener, routes, server| {
            let routes = admin::with_controls(routes, server, Arc::clone(&stage));
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
            stage,
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
        self.stage.counters.snapshot()
    }

    /// Sets all counts to zero and forgets the requests under way.
    pub fn reset(&self) {
        self.stage.counters.reset();
    }

    /// The settings that hold now.
    pub fn settings(&self) -> Settings {
        self.stage.settings()
    }

    /// Changes settings as `POST /stand-in/settings` does, from the next request on.
    pub fn change(&self, change: &Value) -> Result<Settings, TargetsError> {
        self.stage.change(change).map_err(|error| {
            TargetsError::Setting(match error {
                Unchanged::Bad(bad) => bad,
                Unchanged::ChaosRefused => BadSetting::new(
                    "chaos",
                    "not allowed; start the stand-ins with chaos mode allowed",
                ),
            })
        })
    }

    /// Stops both: nothing more is accepted, and what is under way may end within the grace period.
    pub async fn shutdown(self) {
        for server in &self.running {
            server.begin_stop();
        }
        for server in self.running {
            server.stopped().await;
        }
    }
}

fn listen(
    server: &'static str,
    address: SocketAddr,
) -> Result<(tokio::net::TcpListener, SocketAddr), TargetsError> {
    let listening = server::listen(address).and_then(|listener| {
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    listening.map_err(|source| TargetsError::Listen {
        server,
        address,
        source,
    })
}
