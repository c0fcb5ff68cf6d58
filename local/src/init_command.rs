//! `cicada init`: a workload file to begin with, and the schema that editors complete it by.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Parser;
use control::WORKLOAD_SCHEMA;

use crate::program;

/// The word that makes a command line one of this command.
pub const COMMAND: &str = "init";

/// The workload, with `FILE` where its own name stands.
const TEMPLATE: &str = include_str!("init_command/workload.toml");

/// The name of the schema, which the workload's first line has too.
const SCHEMA: &str = "workload.schema.json";

/// A workload file to begin with.
///
/// Writes a commented workload that runs against the stand-in services of --demo, and beside it the schema by which
/// editors complete it. Files that are there already stay as they are.
#[derive(Clone, Debug, Parser)]
#[command(name = "cicada init", bin_name = "cicada init", max_term_width = 100)]
pub struct InitOptions {
    /// Name of the file, with or without .toml
    #[arg(value_name = "NAME", default_value = "workload.toml")]
    name: PathBuf,
}

/// Runs the command.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let options = match InitOptions::try_parse_from(arguments) {
        Ok(options) => options,
        Err(error) => return program::explain("cicada init", &error),
    };
    match written(&options.name) {
        Ok(said) => ExitCode::from(program::say(&said)),
        Err(error) => program::complain(&error),
    }
}

/// Writes the files; what to do with them.
fn written(name: &Path) -> anyhow::Result<String> {
    let mut path = name.to_owned();
    let Some(file) = path.file_name() else {
        bail!(
            "{} is no name for a file: write for example cicada init shop",
            name.display()
        );
    };
    if path.extension().is_none_or(|extension| extension != "toml") {
        let mut file = file.to_owned();
        file.push(".toml");
        path.set_file_name(file);
    }
    let shown = path.display().to_string();
    if shown.contains(char::is_control) {
        bail!("{shown:?} is no name for a file: choose one of letters and digits");
    }
    let schema = path.with_file_name(SCHEMA);
    // what is there may be somebody's; one that is ours, of another version, is made anew
    let is_somebodys = std::fs::read_to_string(&schema).is_ok_and(|text| !is_schema(&text));
    if is_somebodys {
        bail!(
            "{} is there already, and no schema of workloads: rename it",
            schema.display()
        );
    }
    let mut options = OpenOptions::new();
    let mut file = match options.write(true).create_new(true).open(&path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{shown} is there already: choose another name, or delete it");
        }
        file => file.with_context(|| format!("{shown} cannot be written"))?,
    };
    let text = TEMPLATE.replace("FILE", &shown);
    file.write_all(text.as_bytes())
        .with_context(|| format!("{shown} cannot be written"))?;
    std::fs::write(&schema, WORKLOAD_SCHEMA)
        .with_context(|| format!("{} cannot be written", schema.display()))?;
    Ok(format!(
        "{shown} is a workload, and {} tells editors its keys. Next:\n\
         \n  cicada -f {shown} --check\n  cicada -f {shown} --demo\n",
        schema.display()
    ))
}

/// True for the schema of any version.
fn is_schema(text: &str) -> bool {
    let title = |text: &str| {
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        value.get("title").cloned()
    };
    title(text).is_some_and(|found| Some(found) == title(WORKLOAD_SCHEMA))
}
