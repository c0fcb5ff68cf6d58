//! The `cicada` binary.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use local::first_word::asked_for;
use local::{
    config_files, convert_command, cost_command, env_command, har_command, health_command,
    init_command, mcp_command, program, results_command, workload_command,
};
use traffic::runs::Environment;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let environment: Environment = Arc::new(|name| std::env::var(name).ok());
    if let Some(arguments) = asked_for(cost_command::COMMAND, arguments.clone()) {
        return cost_command::run(arguments);
    }
    if let Some(arguments) = asked_for(convert_command::COMMAND, arguments.clone()) {
        return convert_command::run(arguments);
    }
    if let Some(arguments) = asked_for(init_command::COMMAND, arguments.clone()) {
        return init_command::run(arguments);
    }
    if let Some(arguments) = asked_for(workload_command::COMMAND, arguments.clone()) {
        return workload_command::run(arguments);
    }
    if let Some(arguments) = asked_for(har_command::COMMAND, arguments.clone()) {
        return har_command::run(arguments);
    }
    if let Some(arguments) = asked_for(health_command::COMMAND, arguments.clone()) {
        return health_command::run(arguments, &environment, health_command::Asked::Cicada);
    }
    if let Some(arguments) = asked_for(mcp_command::COMMAND, arguments.clone()) {
        return mcp_command::run(arguments, &environment);
    }
    if let Some(arguments) = asked_for(results_command::COMMAND, arguments.clone()) {
        return results_command::run(arguments, &environment);
    }
    if let Some(arguments) = env_command::asked_for(arguments.clone()) {
        let readable = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let variables = std::env::vars_os().filter_map(readable).collect();
        return env_command::run(arguments, variables);
    }
    match config_files::options(&arguments, Path::new(""), &|name| std::env::var_os(name)) {
        Ok(options) => program::run(&options),
        Err(error) => program::explain(program::called(), &error),
    }
}
