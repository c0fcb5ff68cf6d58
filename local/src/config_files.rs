//! Locust's configuration files: `~/.locust.conf`, `locust.conf`, `pyproject.toml`, and the one that `--config` names.
//!
//! A later file overrides an earlier one, a variable overrides all files, and the command line overrides both. A key is
//! an option's long name. `pyproject.toml` has its keys under `[tool.locust]`; the others have a key and a value a line.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory as _, FromArgMatches as _};

use crate::absent_options;
use crate::options::{Options, mistake_of};

/// The value of a key, and the file that it stands in.
struct Configured {
    values: Vec<String>,
    file: String,
}

type Entries = BTreeMap<String, Configured>;

/// The options of a command line, of the variables, and of the configuration files of a folder and the user.
///
/// # Errors
/// The mistake in one of them, or the help or version that was asked for.
pub fn options(
    arguments: &[OsString],
    folder: &Path,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Options, clap::Error> {
    let mut command = Options::command();
    let typed = command.clone().try_get_matches_from(arguments)?;
    let fail = |command: &mut Command, mistake| command.error(ErrorKind::ValueValidation, mistake);
    if let Some(mistake) = absent_options::variable(environment) {
        return Err(fail(&mut command, mistake));
    }
    let configured = match configured(&command, &typed, folder, environment) {
        Ok(configured) if configured.is_empty() => return Options::from_arg_matches(&typed),
        Ok(configured) => configured,
        Err(mistake) => return Err(fail(&mut command, mistake)),
    };
    // one after the other, so that a mistake is that of one file
    for (argument, file) in &configured {
        let alone = [OsString::from("cicada"), argument.into()];
        if let Err(error) = command.clone().try_get_matches_from(alone) {
            let mistake = format!("{file}: {}", mistake_of("cicada", &error));
            let mistake = mistake.trim_end_matches(" (see cicada --help)").to_owned();
            return Err(fail(&mut command, mistake));
        }
    }
    let (program, typed) = arguments.split_at(1.min(arguments.len()));
    let configured = configured.into_iter().map(|(argument, _)| argument.into());
    let all = program.iter().cloned().chain(configured);
    Options::from_arg_matches(&command.try_get_matches_from(all.chain(typed.iter().cloned()))?)
}

/// The arguments that the configuration files stand for, each with its file.
fn configured(
    command: &Command,
    typed: &ArgMatches,
    folder: &Path,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Vec<(String, String)>, String> {
    let mut entries = Entries::new();
    let home = environment("HOME").filter(|home| !home.is_empty());
    let home = home.map(|home| PathBuf::from(home).join(".locust.conf"));
    let usual = ["locust.conf", "pyproject.toml"].map(|name| folder.join(name));
    for path in home.into_iter().chain(usual).filter(|path| path.is_file()) {
        read(&path, &mut entries)?;
    }
    if let Some(path) = typed.get_one::<PathBuf>("config") {
        read(&folder.join(path), &mut entries)?;
    }
    let mut arguments = Vec::new();
    for (key, configured) in entries {
        let Configured { values, file } = configured;
        let Some(option) = option_of(command, &key) else {
            return Err(match absent_options::instead_of(&key) {
                Some(instead) => format!("{file}: {key} is an option of Locust's: {instead}"),
                None => format!("{file}: {key:?} is no option: cicada --help lists them"),
            });
        };
        let source = typed.value_source(option.get_id().as_str());
        let is_overridden = matches!(
            source,
            Some(ValueSource::CommandLine | ValueSource::EnvVariable)
        );
        if !is_overridden {
            let found = arguments_of(option, &key, &values)
                .map_err(|problem| format!("{file}: {key} {problem}"))?;
            arguments.extend(found.into_iter().map(|argument| (argument, file.clone())));
        }
    }
    Ok(arguments)
}

fn option_of<'c>(command: &'c Command, key: &str) -> Option<&'c Arg> {
    command.get_arguments().find(|option| {
        let aliases = option.get_all_aliases().unwrap_or_default();
        option.get_long() == Some(key) || aliases.contains(&key)
    })
}

/// What would be typed in place of a key and its values.
fn arguments_of(option: &Arg, key: &str, values: &[String]) -> Result<Vec<String>, String> {
    let takes_several = option
        .get_num_args()
        .is_some_and(|range| range.max_values() > 1)
        || matches!(option.get_action(), ArgAction::Append);
    match (option.get_action(), values) {
        (ArgAction::SetTrue, [value]) => match &*value.to_lowercase() {
            "true" | "yes" | "on" | "1" => Ok(vec![format!("--{key}")]),
            "false" | "no" | "off" | "0" => Ok(Vec::new()),
            _ => Err(format!("is {value:?}: write true or false")),
        },
        (ArgAction::Version | ArgAction::Help, _) => Err("cannot stand in a file".to_owned()),
        (_, values) if takes_several || values.len() == 1 => Ok(values
            .iter()
            .map(|value| format!("--{key}={value}"))
            .collect()),
        _ => Err("is a list: write one value".to_owned()),
    }
}

fn read(path: &Path, entries: &mut Entries) -> Result<(), String> {
    let file = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{file} cannot be read: {error}"))?;
    let found = match path.extension() {
        Some(extension) if extension == "toml" => toml_entries(&text),
        _ => line_entries(&text),
    };
    for (key, values) in found.map_err(|problem| format!("{file}{problem}"))? {
        let file = file.clone();
        let key = key.trim_start_matches("--").to_owned();
        entries.insert(key, Configured { values, file });
    }
    Ok(())
}

fn toml_entries(text: &str) -> Result<Vec<(String, Vec<String>)>, String> {
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| format!(" is not TOML: {}", error.message()))?;
    let own = table.get("tool").and_then(|tool| tool.get("locust"));
    let Some(own) = own.and_then(toml::Value::as_table) else {
        return Ok(Vec::new());
    };
    let text = |value: &toml::Value| match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let entry = |(key, value): (&String, &toml::Value)| match value {
        toml::Value::Array(values) => (key.clone(), values.iter().map(text).collect()),
        value => (key.clone(), vec![text(value)]),
    };
    Ok(own.iter().map(entry).collect())
}

/// The syntax of ConfigArgParse, which Locust uses: `key = value`, `key: value`, `key value`, or a key alone.
fn line_entries(text: &str) -> Result<Vec<(String, Vec<String>)>, String> {
    let mut entries = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';', '[']) || line.starts_with("---") {
            continue;
        }
        let end = line.find(|c: char| "=:;#".contains(c) || c.is_whitespace());
        let (key, rest) = line.split_at(end.unwrap_or(line.len()));
        if key.is_empty() {
            return Err(format!(", line {}: write a key and a value", number + 1));
        }
        let rest = rest.trim_start();
        let has_sign = rest.starts_with(['=', ':']);
        let value = without_comment(rest.trim_start_matches(['=', ':']).trim());
        let values = match (has_sign, value) {
            (false, "") => vec!["true".to_owned()],
            (_, value) => list(value).unwrap_or_else(|| vec![unquoted(value).to_owned()]),
        };
        entries.push((key.to_owned(), values));
    }
    Ok(entries)
}

/// The value without a comment after it: `;` or `#` after a space.
fn without_comment(value: &str) -> &str {
    let comment = [" #", " ;", "\t#", "\t;"]
        .iter()
        .filter_map(|sign| value.find(sign))
        .min();
    let is_comment_alone = value.starts_with(['#', ';']);
    match comment {
        _ if is_comment_alone => "",
        Some(at) => value[..at].trim_end(),
        None => value,
    }
}

/// The elements of `[a, b]`, which may be JSON.
fn list(value: &str) -> Option<Vec<String>> {
    let inner = value.strip_prefix('[')?.strip_suffix(']')?;
    let json = serde_json::from_str::<Vec<serde_json::Value>>(value).ok();
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    Some(match json {
        Some(values) => values.into_iter().map(text).collect(),
        None => inner
            .split(',')
            .map(|part| part.trim().to_owned())
            .collect(),
    })
}

fn unquoted(value: &str) -> &str {
    let stripped = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    stripped('"').or_else(|| stripped('\'')).unwrap_or(value)
}
