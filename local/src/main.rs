//! The `cicada` binary.

use std::path::Path;
use std::process::ExitCode;

use local::{
    config_files, convert_command, cost_command, env_command, health_command, mcp_command, program,
};

fn main() -> ExitCode {
    if let Some(arguments) = cost_command::asked_for(std::env::args_os().collect()) {
        return cost_command::run(arguments);
    }
    if let Some(arguments) = convert_command::asked_for(std::env::args_os().collect()) {
        return convert_command::run(arguments);
    }
    if let Some(arguments) = health_command::asked_for(std::env::args_os().collect()) {
        let environment = std::sync::Arc::new(|name: &str| std::env::var(name).ok());
        return health_command::run(
            arguments,
            &(environment as _),
            health_command::Asked::Cicada,
        );
    }
    if let Some(arguments) = mcp_command::asked_for(std::env::args_os().collect()) {
        let environment = std::sync::Arc::new(|name: &str| std::env::var(name).ok());
        return mcp_command::run(arguments, &(environment as _));
    }
    if let Some(arguments) = env_command::asked_for(std::env::args_os().collect()) {
        let readable = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let variables = std::env::vars_os().filter_map(readable).collect();
        return env_command::run(arguments, variables);
    }
    let arguments: Vec<_> = std::env::args_os().collect();
    match config_files::options(&arguments, Path::new(""), &|name| std::env::var_os(name)) {
        Ok(options) => program::run(&options),
        Err(error) => program::explain(program::called(), &error),
    }
}
