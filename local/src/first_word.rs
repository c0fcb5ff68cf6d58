//! Commands are told by the first word of a command line.

use std::ffi::OsString;

/// The arguments of a command: the program's name, and all that follows the command. `None` for another command line.
pub fn asked_for(command: &str, mut arguments: Vec<OsString>) -> Option<Vec<OsString>> {
    (arguments.get(1)? == command).then(|| {
        arguments.remove(1);
        arguments
    })
}
