//! The files that are generated from the options: manual pages, completions for shells, and the tables of
//! `docs/command-line.md`; and from the schema of workloads, the keys in `docs/workloads.md`.
//!
//! Each file must be as the options say. `CICADA_WRITE_GENERATED=1 cargo test -p local --test generated`
//! writes them all anew.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod keys;
mod table;

use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use local::convert_command::ConvertOptions;
use local::cost_command::CostOptions;
use local::env_command::EnvOptions;
use local::har_command::ImportOptions;
use local::health_command::HealthOptions;
use local::init_command::InitOptions;
use local::mcp_command::McpOptions;
use local::options::Options;
use local::results_command::ResultsOptions;
use local::workload_command::WorkloadOptions;

/// The variable that has the files written, and not compared.
const WRITE: &str = "CICADA_WRITE_GENERATED";

/// Every command with its name, as it is typed.
fn commands() -> [(&'static str, Command); 11] {
    let commands = [
        ("cicada", Options::command()),
        ("cicada cost", CostOptions::command()),
        ("cicada convert", ConvertOptions::command()),
        ("cicada env", EnvOptions::command()),
        ("cicada health", HealthOptions::command()),
        ("cicada import", ImportOptions::command()),
        ("cicada init", InitOptions::command()),
        ("cicada mcp", McpOptions::command()),
        ("cicada results", ResultsOptions::command()),
        ("cicada workload", WorkloadOptions::command()),
        ("stand-in-targets", stand_ins::cli::Options::command()),
    ];
    // a commit in a file would be another one as soon as the file is committed
    commands.map(|(name, command)| match command.get_version() {
        Some(_) => (name, command.version(env!("CARGO_PKG_VERSION"))),
        None => (name, command),
    })
}

/// `cicada` with its commands below it, which it takes only as its first word.
fn cicada() -> Command {
    let [
        (_, cicada),
        (_, cost),
        (_, convert),
        (_, env),
        (_, health),
        (_, import),
        (_, init),
        (_, mcp),
        (_, results),
        (_, workload),
        _,
    ] = commands();
    let below = |command: Command, name: &'static str| {
        let command = command.name(name).bin_name(format!("cicada {name}"));
        command.display_name(format!("cicada-{name}"))
    };
    cicada
        .disable_help_subcommand(true)
        .subcommand_negates_reqs(true)
        .args_conflicts_with_subcommands(true)
        .subcommand(below(cost, "cost"))
        .subcommand(below(convert, "convert"))
        .subcommand(below(env, "env"))
        .subcommand(below(health, "health"))
        .subcommand(below(import, "import"))
        .subcommand(below(init, "init"))
        .subcommand(below(mcp, "mcp"))
        .subcommand(below(results, "results"))
        .subcommand(below(workload, "workload"))
}

/// Compares `generated` with the file at this path in the repository, or writes it there.
fn agrees(path: &str, generated: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    if std::env::var_os(WRITE).is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, generated).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    let mut lines = kept.lines().zip(generated.lines()).zip(1..);
    let first = lines.find(|((kept, generated), _)| kept != generated);
    assert!(
        kept == generated,
        "{path} does not say what the options or the schema say: {first:?}; \
         {WRITE}=1 cargo test -p local --test generated writes it anew"
    );
}

#[test]
fn the_manual_pages_are_those_of_the_options() {
    let mut cicada = cicada();
    cicada.build();
    let [.., (_, stand_ins)] = commands();
    let pages = cicada.get_subcommands().chain([&cicada, &stand_ins]);
    for command in pages {
        let name = command.get_display_name().unwrap_or(command.get_name());
        let mut page = Vec::new();
        Man::new(command.clone()).render(&mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        agrees(&format!("local/man/{name}.1"), &page);
    }
}

#[test]
fn the_completions_are_those_of_the_options() {
    for (shell, file) in [
        (Shell::Bash, "cicada.bash"),
        (Shell::Zsh, "_cicada"),
        (Shell::Fish, "cicada.fish"),
    ] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut cicada(), "cicada", &mut script);
        let script = String::from_utf8(script).unwrap();
        agrees(&format!("local/completions/{file}"), &script);
    }
}

#[test]
fn the_tables_of_the_documentation_are_those_of_the_options() {
    let path = "docs/command-line.md";
    let mut text = page(path);
    for (name, command) in commands() {
        replace(
            &mut text,
            path,
            &format!("options of {name}"),
            &table::of(command),
        );
    }
    agrees(path, &text);
}

#[test]
fn the_keys_of_the_documentation_are_those_of_the_schema() {
    let path = "docs/workloads.md";
    let mut text = page(path);
    replace(&mut text, path, "keys of a workload", &keys::tables());
    agrees(path, &text);
}

/// The text of a page.
fn page(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(file).unwrap()
}

/// Replaces what stands between the lines that begin and end this part of a page.
fn replace(text: &mut String, path: &str, part: &str, with: &str) {
    let (begin, end) = (
        format!("<!-- {part}: begin -->\n"),
        format!("<!-- {part}: end -->\n"),
    );
    let start = text.find(&begin).map(|at| at + begin.len());
    let start = start.unwrap_or_else(|| panic!("{path} has no line {begin}"));
    let length = text[start..].find(&end);
    let length = length.unwrap_or_else(|| panic!("{path} has no line {end}"));
    text.replace_range(start..start + length, with);
}
