//! The stand-in targets as a program of their own; `stand-in-targets health URL` asks one whether it is well.

use std::process::ExitCode;

use local::first_word::asked_for;
use local::{health_command, interrupts, options, stand_in_markers};

fn main() -> ExitCode {
    // an image without a shell has no other program that could ask
    if let Some(arguments) = asked_for(health_command::COMMAND, std::env::args_os().collect()) {
        let environment = std::sync::Arc::new(|name: &str| std::env::var(name).ok());
        return health_command::run(
            arguments,
            &(environment as _),
            health_command::Asked::StandIn,
        );
    }
    stand_ins::cli::run(
        options::mistake_of,
        interrupts::interrupted(),
        stand_in_markers::follow_elsewhere,
    )
}
