//! `cicada mcp`: the Model Context Protocol on standard input and output, for agents that start a program. What they ask
//! for is sent to a server of ours.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use mcp::Remote;
use traffic::runs::Environment;

use crate::health_command::{address_of, own_address};
use crate::program;

/// The first word of a command line of this command.
pub const COMMAND: &str = "mcp";

/// Speaks the Model Context Protocol on standard input and output: an agent starts it, and it asks a cicada that serves.
#[derive(Clone, Debug, Parser)]
#[command(name = "cicada mcp", bin_name = "cicada mcp", max_term_width = 100)]
pub struct McpOptions {
    /// The address of its page, such as 127.0.0.1:8089 [default: the one of this machine, by
    /// LOCUST_WEB_HOST, LOCUST_WEB_PORT, LOCUST_WEB_BASE_PATH and LOCUST_TLS_CERT]
    #[arg(value_name = "URL")]
    url: Option<String>,

    /// The name and password that it asks for
    #[arg(
        long,
        value_name = "USER:PASSWORD",
        env = "LOCUST_BASIC_AUTH",
        hide_env_values = true
    )]
    basic_auth: Option<String>,
}

/// Serves until the input ends; the exit code is 0 then.
pub fn run(arguments: Vec<OsString>, environment: &Environment) -> ExitCode {
    let options = match McpOptions::try_parse_from(arguments) {
        Ok(options) => options,
        Err(error) => return program::explain("cicada mcp", &error),
    };
    let address = match options.url {
        Some(typed) => address_of(&typed),
        None => own_address(environment),
    };
    let remote = match Remote::new(&address, options.basic_auth.as_deref()) {
        Ok(remote) => remote,
        Err(error) => return program::complain(&error.into()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let served = match &runtime {
        Ok(runtime) => runtime
            .block_on(mcp::serve_stdio(remote))
            .map_err(|error| anyhow::anyhow!(error)),
        Err(error) => Err(anyhow::anyhow!("the runtime cannot be started: {error}")),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => program::complain(&error),
    }
}
