//! The commands of `cicada`: first words of a command line that are no class.

use crate::{
    convert_command, cost_command, env_command, har_command, health_command, init_command,
    mcp_command, results_command, workload_command,
};

/// The first words that are commands, also where a workload has a class of that name.
pub const COMMANDS: [&str; 9] = [
    convert_command::COMMAND,
    cost_command::COMMAND,
    env_command::COMMAND,
    health_command::COMMAND,
    har_command::COMMAND,
    init_command::COMMAND,
    mcp_command::COMMAND,
    results_command::COMMAND,
    workload_command::COMMAND,
];

/// The command that was meant by a word that is no class, in a message; empty if none was.
pub(crate) fn meant(word: &str) -> String {
    let word = word.to_lowercase();
    if COMMANDS.contains(&&*word) {
        return format!(", and the command {word} comes first: cicada {word}");
    }
    // one mistake in a short word, two in a long one
    let near = |command: &&&str| strsim::damerau_levenshtein(command, &word) <= command.len() / 3;
    let like = COMMANDS.iter().find(near);
    like.map_or(String::new(), |command| {
        format!(", perhaps the command cicada {command} was meant")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_command_is_told_from_a_class() {
        let command = |word| meant(word).rsplit("cicada ").next().unwrap().to_owned();
        assert_eq!(command("helth"), "health was meant");
        assert_eq!(command("Heatlh"), "health was meant");
        assert_eq!(command("costs"), "cost was meant");
        assert_eq!(command("enV"), "env");
        assert_eq!(command("health"), "health");
        for class in ["User", "ModelAUser", "Shopper", "x", ""] {
            assert_eq!(meant(class), "", "{class}");
        }
    }
}
