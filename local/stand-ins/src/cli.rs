//! The command line of `stand-in-targets`: its options, its output, and its end.
//!
//! A bad option or a port in use ends it with one line and exit code 2.

use std::net::SocketAddr;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::data::Mode;
use crate::misbehaving::Misbehaving;
use crate::server::TargetsError;
use crate::settings::BadSetting;
use crate::targets::{Targets, TargetsConfig};

const NAME: &str = "stand-in-targets";

/// The longest wait for the runtime's threads at the end, when nothing is left to do.
const CLOSES_WITHIN: Duration = Duration::from_millis(500);

/// Leaves markers until the stand-ins end.
pub type Telling = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Makes [`Telling`] from the address of a cicada and the behaviours as they change; an error is a bad address.
pub type Tell = fn(&str, watch::Receiver<String>) -> Result<Telling, String>;

/// Stand-in targets to send traffic to: a small shop, and an agent that repairs it.
///
/// Both answer like real services, with long tails and a choice of two models, count exactly what
/// arrives, and fail only when told to. GET / of each names its routes.
#[derive(Debug, Parser)]
#[command(name = NAME, version, after_help = EXAMPLES)]
pub struct Options {
    /// Address of the shop; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000")]
    target_app: SocketAddr,

    /// Address of the agent; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8001")]
    ai_agent: SocketAddr,

    /// Factor of all latencies: 1 is life-like, 0 answers at once
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    latency_scale: f64,

    /// Latency of a route in milliseconds, in place of the drawn ones; may be given more than once
    #[arg(long, value_name = "ROUTE=MS", value_parser = route_and_number)]
    fixed_latency_ms: Vec<(String, f64)>,

    /// The share of a route's requests that fail, 0 to 1; may be given more than once
    #[arg(long, value_name = "ROUTE=RATIO", value_parser = route_and_number)]
    failure_ratio: Vec<(String, f64)>,

    /// The status of failures [default: 500 and 503 by turns, at random]
    #[arg(long, value_name = "STATUS")]
    failure_status: Option<u16>,

    /// The share of repairs that end with success false, 0 to 1
    #[arg(long, value_name = "RATIO", default_value_t = 0.0)]
    repair_failure_ratio: f64,

    /// Trouble comes and goes by itself, every twenty seconds another
    #[arg(long)]
    chaos: bool,

    /// A cicada whose charts have a marker when the stand-ins become slow, failing, chaotic or normal; LOCUST_BASIC_AUTH
    /// has its name and password
    #[arg(long, value_name = "URL")]
    cicada: Option<String>,

    /// Number of arrivals to log, for GET /stand-in/counters?arrivals=true
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    arrival_log: usize,

    /// The same seed gives the same latencies, failures and answers
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u64,

    /// A third server that breaks HTTP in this way; may be given more than once
    #[arg(long, value_name = "MODE=ADDRESS", value_parser = mode_and_address, long_help = misbehave_help())]
    misbehave: Vec<(&'static Mode, SocketAddr)>,
}

const EXAMPLES: &str = "\
Examples:
  stand-in-targets --chaos
  stand-in-targets --latency-scale 0 --target-app 127.0.0.1:0 --ai-agent 127.0.0.1:0
  stand-in-targets --fixed-latency-ms 'POST /chat?model=b=40000' --failure-ratio 'GET /orders=0.05'
  stand-in-targets --misbehave hang=127.0.0.1:8002";

fn misbehave_help() -> String {
    let first = "A third server that breaks HTTP in this way; may be given more than once";
    format!("{first}\n\nModes: {}", Mode::names())
}

impl Options {
    /// The addresses, and the settings as `POST /stand-in/settings` takes them.
    fn config(&self) -> TargetsConfig {
        let by_route = |pairs: &[(String, f64)]| -> Map<String, Value> {
            let pairs = pairs.iter().cloned();
            pairs.map(|(route, value)| (route, json!(value))).collect()
        };
        TargetsConfig {
            target_app: self.target_app,
            ai_agent: self.ai_agent,
            latency_scale: self.latency_scale,
            seed: self.seed,
            settings: json!({
                "fixed_latency_ms": by_route(&self.fixed_latency_ms),
                "failure_ratio": by_route(&self.failure_ratio),
                "failure_status": self.failure_status,
                "repair_failure_ratio": self.repair_failure_ratio,
                "chaos": self.chaos,
                "arrival_log": self.arrival_log,
            }),
            ..TargetsConfig::default()
        }
    }
}

/// Runs the stand-ins as the command line says until `interrupted`.
///
/// `mistake` puts an error in the options of the program with this name into one line; `tell` leaves markers elsewhere.
pub fn run(
    mistake: fn(&str, &clap::Error) -> String,
    interrupted: impl Future<Output = ()>,
    tell: Tell,
) -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) if error.use_stderr() => return failed(&mistake(NAME, &error)),
        Err(asked_for) => {
            // a reader may close the pipe before the end of the text
            let _ = asked_for.print();
            return ExitCode::SUCCESS;
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("cannot start: {error}")),
    };
    let served = runtime.block_on(serve(&options, interrupted, tell));
    // whatever its threads are still busy with
    runtime.shutdown_timeout(CLOSES_WITHIN);
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(message: &str) -> ExitCode {
    eprintln!("{NAME}: {message}");
    ExitCode::from(2)
}

async fn serve(
    options: &Options,
    interrupted: impl Future<Output = ()>,
    tell: Tell,
) -> Result<(), TargetsError> {
    let serving = async {
        let targets = Targets::start(options.config()).await?;
        let telling = match &options.cicada {
            Some(address) => Some(told(address, &targets, tell)?),
            None => None,
        };
        let mut misbehaving = Vec::new();
        for (mode, address) in &options.misbehave {
            let server = Misbehaving::start_on(mode, *address).await?;
            misbehaving.push((mode, server));
        }
        println!("{}", welcome(&targets));
        for (mode, server) in &misbehaving {
            println!("{:<11} {}", mode.name(), server.url());
        }
        Ok::<_, TargetsError>((targets, misbehaving, telling))
    };
    let mut interrupted = std::pin::pin!(interrupted);
    let (targets, _misbehaving, telling) = tokio::select! {
        // whoever listens from the first moment on is not told in vain
        biased;
        () = &mut interrupted => return Ok(()),
        serving = serving => serving?,
    };
    let telling = telling.map(tokio::spawn);
    interrupted.await;
    if let Some(telling) = telling {
        telling.abort();
    }
    println!("stopping");
    targets.shutdown().await;
    Ok(())
}

fn told(address: &str, targets: &Targets, tell: Tell) -> Result<Telling, TargetsError> {
    let told = tell(address, targets.behaviours());
    told.map_err(|problem| BadSetting::new("--cicada", problem).into())
}

fn welcome(targets: &Targets) -> String {
    let (shop, agent) = (targets.target_app_url(), targets.ai_agent_url());
    format!(
        "target-app  {shop}\n\
         ai-agent    {agent}\n\
         \n\
         try: curl {shop}/orders\n     \
         curl -H 'content-type: application/json' \
         -d '{{\"message\": \"What is the current system status?\", \"model\": \"a\"}}' {agent}/chat\n     \
         curl {agent}/metrics\n     \
         curl {shop}/stand-in/counters\n\
         Ctrl-C stops them"
    )
}

/// `GET /orders=0.05`; the route may hold an equals sign of its own.
fn route_and_number(text: &str) -> Result<(String, f64), String> {
    let (route, number) = text
        .rsplit_once('=')
        .ok_or("write a route, an equals sign and a number")?;
    let number = number
        .parse()
        .map_err(|_| format!("\"{number}\" is not a number"))?;
    Ok((route.to_owned(), number))
}

/// `hang=127.0.0.1:8002`.
fn mode_and_address(text: &str) -> Result<(&'static Mode, SocketAddr), String> {
    let (mode, address) = text
        .split_once('=')
        .ok_or("write a mode, an equals sign and an address")?;
    let mode =
        Mode::find(mode).ok_or_else(|| format!("no such mode; there are {}", Mode::names()))?;
    let address = address
        .parse()
        .map_err(|_| format!("\"{address}\" is not an address; write it like 127.0.0.1:8002"))?;
    Ok((mode, address))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn options_become_settings() {
        let options = Options::parse_from([
            "stand-in-targets",
            "--fixed-latency-ms",
            "POST /chat?model=b=40000",
            "--failure-ratio",
            "GET /orders=0.05",
            "--chaos",
        ]);
        let settings = options.config().settings;
        assert_eq!(settings["fixed_latency_ms"]["POST /chat?model=b"], 40_000.0);
        assert_eq!(settings["failure_ratio"]["GET /orders"], 0.05);
        assert_eq!(settings["chaos"], true);
    }

    #[test]
    fn every_mode_is_in_the_help() {
        let help = Options::command().render_long_help().to_string();
        for mode in Mode::all() {
            assert!(help.contains(mode.name()), "{mode:?}: {help}");
        }
    }

    #[test]
    fn a_misspelt_pair_is_refused_with_the_right_form() {
        assert!(route_and_number("GET /orders").is_err());
        assert!(
            route_and_number("GET /orders=often")
                .unwrap_err()
                .contains("often")
        );
        assert!(
            mode_and_address("sulk=127.0.0.1:1")
                .unwrap_err()
                .contains("hang")
        );
        assert!(mode_and_address("hang=here").unwrap_err().contains("here"));
    }
}
