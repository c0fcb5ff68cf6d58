//! The text of the workload that `-f` names: a workload file, or what locustfiles come to.

use std::path::{Path, PathBuf};
use std::sync::Once;

use locustfile::{Reading, SourceFile};
use traffic::runs::Environment;
use traffic::workload::{BUILT_IN, BUILT_IN_FILE, Workload};

use crate::settings::error::SettingsError;

/// A workload's text.
pub(crate) struct WorkloadText {
    pub(crate) text: String,
    /// What messages call it.
    pub(crate) file: String,
}

/// The text that the files have, or the built-in one. Locustfiles with the built-in workload's classes are
/// that workload.
pub(crate) fn workload_text(
    files: &[PathBuf],
    environment: &Environment,
    host: Option<&str>,
) -> Result<WorkloadText, SettingsError> {
    let built_in = || WorkloadText {
        text: BUILT_IN.to_owned(),
        file: BUILT_IN_FILE.to_owned(),
    };
    let files: Vec<&PathBuf> = files
        .iter()
        .filter(|file| !file.as_os_str().is_empty())
        .collect();
    let Some(first) = files.first() else {
        return Ok(built_in());
    };
    let workload = files.iter().find(|file| !is_python(file) && !file.is_dir());
    match (workload, files.len()) {
        (Some(file), 1) => {
            return Ok(WorkloadText {
                text: text_of(file)?,
                file: file.display().to_string(),
            });
        }
        (Some(file), _) => return Err(SettingsError::OneWorkload((**file).clone())),
        (None, _) => {}
    }
    let file = first.display().to_string();
    let reading = reading(&files, environment, host)?;
    if has_built_in_classes(&reading, environment) {
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            tracing::info!(
                "{file} has the user classes of the built-in workload, which runs in its place"
            );
        });
        return Ok(built_in());
    }
    let text = reading.conversion?.toml;
    Ok(WorkloadText { text, file })
}

/// Reads locustfiles, and the modules beside them.
pub(crate) fn reading(
    files: &[&PathBuf],
    environment: &Environment,
    host: Option<&str>,
) -> Result<Reading, SettingsError> {
    let mut sources = Vec::new();
    for file in files {
        if !file.is_dir() {
            sources.push(source(file)?);
            continue;
        }
        let mut found = Vec::new();
        python_files(file, &mut found, 0)?;
        if found.is_empty() {
            return Err(SettingsError::NoLocustfile((*file).clone()));
        }
        found.sort();
        for file in &found {
            sources.push(source(file)?);
        }
    }
    let environment = environment.clone();
    let beside = |file: &SourceFile, module: &str| {
        let path = Path::new(&file.name).with_file_name(format!("{module}.py"));
        source(&path).ok()
    };
    let host = host.filter(|host| !host.is_empty()).map(str::to_owned);
    Ok(locustfile::read(
        sources,
        beside,
        move |name| environment(name),
        host,
    )?)
}

/// True if the classes are exactly those of the built-in workload.
fn has_built_in_classes(reading: &Reading, environment: &Environment) -> bool {
    let Ok(workload) = Workload::built_in(&|name| environment(name)) else {
        return false;
    };
    let mut names: Vec<&str> = reading.user_classes.iter().map(String::as_str).collect();
    names.sort_unstable();
    workload
        .classes()
        .iter()
        .map(|class| &**class.name())
        .eq(names)
}

fn is_python(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "py")
}

/// The deepest folder that is looked into.
const DEEPEST: usize = 16;

/// Adds the Python files of a folder and of those below it, as Locust finds them.
fn python_files(
    folder: &Path,
    found: &mut Vec<PathBuf>,
    depth: usize,
) -> Result<(), SettingsError> {
    let unreadable = |source| SettingsError::Unreadable {
        path: folder.into(),
        source,
    };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_own = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('_'));
        if path.is_dir() && depth < DEEPEST {
            python_files(&path, found, depth + 1)?;
        } else if is_python(&path) && !is_own {
            found.push(path);
        }
    }
    Ok(())
}

fn source(path: &Path) -> Result<SourceFile, SettingsError> {
    Ok(SourceFile {
        name: path.display().to_string(),
        text: text_of(path)?,
    })
}

fn text_of(path: &Path) -> Result<String, SettingsError> {
    std::fs::read_to_string(path).map_err(|source| SettingsError::Unreadable {
        path: path.into(),
        source,
    })
}
