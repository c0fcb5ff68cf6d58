//! `cicada health`: asks a server for its `/health`, for containers and service managers.
//!
//! Without an address, the command asks the server that `cicada` would start in the same environment.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use traffic::runs::Environment;
use web::probe::{answers, probe};
use web::serve::WebHost;

use crate::program;

/// The first word of a command line of this command.
pub const COMMAND: &str = "health";

/// The exit code where a server does not answer, or says that it is not well.
const EXIT_UNWELL: u8 = 1;

/// Asks a cicada that serves for its health: says well and exits with 0, or says what is wrong and exits with 1.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "cicada health",
    bin_name = "cicada health",
    max_term_width = 100
)]
pub struct HealthOptions {
    /// The address of its page, such as 127.0.0.1:8089 [default: the one of this machine, by
    /// LOCUST_WEB_HOST, LOCUST_WEB_PORT, LOCUST_WEB_BASE_PATH and LOCUST_TLS_CERT]
    #[arg(value_name = "URL")]
    url: Option<String>,
}

/// The kind of server that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// One of ours.
    Cicada,
    /// A stand-in, whose answer is that of the service that it stands in for.
    StandIn,
}

/// Asks the server; the exit code is 0 if it is well.
pub fn run(arguments: Vec<OsString>, environment: &Environment, of: Asked) -> ExitCode {
    let options = match HealthOptions::try_parse_from(arguments) {
        Ok(options) => options,
        Err(error) => return program::explain("cicada health", &error),
    };
    let url = match options.url {
        Some(typed) => address_of(&typed),
        None => own_address(environment),
    };
    let url = format!("{url}/health");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let asked = match &runtime {
        Ok(runtime) => match of {
            Asked::Cicada => {
                let version = runtime.block_on(probe(&url));
                version.map(|version| format!("{url} is cicada {version}"))
            }
            Asked::StandIn => {
                let answered = runtime.block_on(answers(&url));
                answered.map(|()| format!("{url} answers"))
            }
        }
        .map_err(anyhow::Error::from),
        Err(error) => Err(anyhow::anyhow!("the runtime cannot be started: {error}")),
    };
    match asked {
        Ok(said) => {
            program::say(&format!("well: {said}\n"));
            ExitCode::SUCCESS
        }
        Err(error) => program::end_with(EXIT_UNWELL, &error),
    }
}

/// The URL of a server's page, without a slash at its end, from an address as it is typed: a scheme may be missing.
pub(crate) fn address_of(address: &str) -> String {
    let address = address.trim();
    let (scheme, rest) = address.split_once("://").unwrap_or(("http", address));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let rest = rest.trim_end_matches('/');
    let rest = rest.strip_suffix("/health").unwrap_or(rest);
    format!("{scheme}://{rest}")
}

/// The URL of the page of a server that `cicada` starts in this environment, without a slash at its end.
pub(crate) fn own_address(environment: &Environment) -> String {
    let set = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
    let scheme = if set("LOCUST_TLS_CERT").is_some() {
        "https"
    } else {
        "http"
    };
    let host = set("LOCUST_WEB_HOST").and_then(|host| host.parse::<WebHost>().ok());
    let host = host.unwrap_or_default().from_here();
    let port = set("LOCUST_WEB_PORT").unwrap_or_else(|| "8089".to_owned());
    let base = set("LOCUST_WEB_BASE_PATH").unwrap_or_default();
    let base = format!("/{}", base.trim_matches('/'));
    let base = base.trim_end_matches('/');
    format!("{scheme}://{host}:{}{base}", port.trim())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn an_address_is_that_of_the_page_however_it_is_typed() {
        for (typed, url) in [
            ("127.0.0.1:8089", "http://127.0.0.1:8089"),
            ("locust:8089/", "http://locust:8089"),
            ("[::1]:8089", "http://[::1]:8089"),
            (
                "https://demo.example/cicada/?tab=ab",
                "https://demo.example/cicada",
            ),
            ("http://127.0.0.1:8089/health", "http://127.0.0.1:8089"),
            ("health:8089", "http://health:8089"),
        ] {
            assert_eq!(address_of(typed), url, "{typed}");
        }
    }

    #[test]
    fn the_server_of_the_same_environment_is_asked() {
        for (variables, url) in [
            (&[][..], "http://127.0.0.1:8089"),
            (
                &[("LOCUST_WEB_PORT", "9000"), ("LOCUST_WEB_HOST", "*")],
                "http://127.0.0.1:9000",
            ),
            (
                &[("LOCUST_WEB_HOST", "0.0.0.0"), ("LOCUST_TLS_CERT", "a.pem")],
                "https://127.0.0.1:8089",
            ),
            (
                &[
                    ("LOCUST_WEB_HOST", "10.0.0.7"),
                    ("LOCUST_WEB_BASE_PATH", "/cicada/"),
                ],
                "http://10.0.0.7:8089/cicada",
            ),
            (
                &[("LOCUST_WEB_HOST", "::1"), ("LOCUST_WEB_PORT", "")],
                "http://[::1]:8089",
            ),
            (&[("LOCUST_WEB_HOST", "[::1]")], "http://[::1]:8089"),
            (&[("LOCUST_WEB_HOST", "::")], "http://[::1]:8089"),
        ] {
            let variables: Vec<(&str, &str)> = variables.to_vec();
            let environment: Environment = Arc::new(move |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            });
            assert_eq!(own_address(&environment), url);
        }
    }
}
