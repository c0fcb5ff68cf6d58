//! `cicada health`: whether a cicada that serves is well, for containers and service managers.
//!
//! It is a command of its own when it is the first word. Without an address it asks the server that the
//! same environment would start.

use std::ffi::OsString;
use std::io::Write as _;
use std::net::IpAddr;
use std::process::ExitCode;

use clap::Parser;
use statistics::visible::lines;
use traffic::runs::Environment;
use web::probe::probe;

use crate::options;

/// The word that makes a command line one of this command.
pub const COMMAND: &str = "health";

/// It does not answer, or says that it is not well.
const EXIT_UNWELL: u8 = 1;

/// The command was used wrongly.
const EXIT_MISUSE: u8 = 2;

/// Whether a cicada that serves is well: exit code 0 if it is, 1 and a line if not.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "cicada health",
    bin_name = "cicada health",
    max_term_width = 100
)]
pub struct HealthOptions {
    /// What to ask [default: the /health of this machine, by LOCUST_WEB_HOST, LOCUST_WEB_PORT,
    /// LOCUST_WEB_BASE_PATH and LOCUST_TLS_CERT]
    #[arg(value_name = "URL")]
    url: Option<String>,
}

/// What follows the word, if a command line is one of this command; the program's name is kept.
pub fn asked_for(mut arguments: Vec<OsString>) -> Option<Vec<OsString>> {
    (arguments.get(1)? == COMMAND).then(|| {
        arguments.remove(1);
        arguments
    })
}

/// Asks, and says the exit code.
pub fn run(arguments: Vec<OsString>, environment: &Environment) -> ExitCode {
    let options = match HealthOptions::try_parse_from(arguments) {
        Ok(options) => options,
        Err(error) if error.use_stderr() => {
            return complain(&options::mistake_of("cicada health", &error), EXIT_MISUSE);
        }
        Err(help) => {
            // a reader that has seen enough may go
            let _ = help.print();
            return ExitCode::SUCCESS;
        }
    };
    let url = options.url.unwrap_or_else(|| own_url(environment));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let asked = match &runtime {
        Ok(runtime) => runtime.block_on(probe(&url)).map_err(anyhow::Error::from),
        Err(error) => Err(anyhow::anyhow!("the runtime cannot be started: {error}")),
    };
    match asked {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("{error:#}"), EXIT_UNWELL),
    }
}

fn complain(mistake: &str, code: u8) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "cicada: {}", lines(mistake));
    ExitCode::from(code)
}

/// The address at which a server that this environment starts can be asked.
fn own_url(environment: &Environment) -> String {
    let set = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
    let scheme = if set("LOCUST_TLS_CERT").is_some() {
        "https"
    } else {
        "http"
    };
    let host = set("LOCUST_WEB_HOST").and_then(|host| host.trim().parse::<IpAddr>().ok());
    let host = match host.filter(|host| !host.is_unspecified()) {
        Some(IpAddr::V6(host)) => format!("[{host}]"),
        Some(IpAddr::V4(host)) => host.to_string(),
        None => "127.0.0.1".to_owned(),
    };
    let port = set("LOCUST_WEB_PORT").unwrap_or_else(|| "8089".to_owned());
    let base = set("LOCUST_WEB_BASE_PATH").unwrap_or_default();
    let base = base.trim_matches('/');
    let base = if base.is_empty() {
        String::new()
    } else {
        format!("/{base}")
    };
    format!("{scheme}://{host}:{}{base}/health", port.trim())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_server_of_the_same_environment_is_asked() {
        for (variables, url) in [
            (&[][..], "http://127.0.0.1:8089/health"),
            (
                &[("LOCUST_WEB_PORT", "9000"), ("LOCUST_WEB_HOST", "*")],
                "http://127.0.0.1:9000/health",
            ),
            (
                &[("LOCUST_WEB_HOST", "0.0.0.0"), ("LOCUST_TLS_CERT", "a.pem")],
                "https://127.0.0.1:8089/health",
            ),
            (
                &[
                    ("LOCUST_WEB_HOST", "10.0.0.7"),
                    ("LOCUST_WEB_BASE_PATH", "/cicada/"),
                ],
                "http://10.0.0.7:8089/cicada/health",
            ),
            (
                &[("LOCUST_WEB_HOST", "::1"), ("LOCUST_WEB_PORT", "")],
                "http://[::1]:8089/health",
            ),
        ] {
            let variables: Vec<(&str, &str)> = variables.to_vec();
            let environment: Environment = Arc::new(move |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            });
            assert_eq!(own_url(&environment), url);
        }
    }
}
