//! The `cicada` binary.

use std::path::Path;
use std::process::ExitCode;

use local::{config_files, convert_command, cost_command, health_command, program};

fn main() -> ExitCode {
    if let Some(arguments) = cost_command::asked_for(std::env::args_os().collect()) {
        return cost_command::run(arguments);
    }
    if let Some(arguments) = convert_command::asked_for(std::env::args_os().collect()) {
        return convert_command::run(arguments);
    }
    if let Some(arguments) = health_command::asked_for(std::env::args_os().collect()) {
        let environment = std::sync::Arc::new(|name: &str| std::env::var(name).ok());
        return health_command::run(arguments, &(environment as _));
    }
    match config_files::options(std::env::args_os().collect(), Path::new(""), &|name| {
        std::env::var_os(name)
    }) {
        Ok(options) => program::run(&options),
        Err(error) => program::explain("cicada", &error),
    }
}
