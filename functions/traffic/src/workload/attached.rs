//! Files that a workload names: those that its text brings along, or else those of its folder.
//!
//! What is put at `/workload` and what lies in a store is one text. The files of such a workload follow its TOML, each
//! after a line that begins with [`MARK`], so that one version stands for all, and wherever the text goes they go too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;

/// The beginning of the line that a file of the workload follows; in TOML it is a comment.
const MARK: &str = "#:file ";

/// The longest file in bytes.
const MAX_FILE: u64 = 8 * 1024 * 1024;

/// The files of a workload.
#[derive(Debug)]
pub(super) struct Files<'s> {
    /// The folder of those that the text does not bring along.
    folder: PathBuf,
    attached: BTreeMap<&'s str, &'s str>,
}

/// A file that cannot be attached to a workload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file {name:?} {problem}")]
pub struct NotAttached {
    name: String,
    problem: &'static str,
}

impl<'s> Files<'s> {
    /// Those that follow the TOML of a workload's text, and those of a folder.
    pub(super) fn new(attached: &'s str, folder: PathBuf) -> Self {
        let mut files = BTreeMap::new();
        let mut rest = attached.strip_prefix(MARK);
        while let Some(file) = rest {
            let (name, content) = file.split_once('\n').unwrap_or((file, ""));
            let end = toml_length(content);
            // the line break before the next mark was put there
            let own = &content[..end];
            files.insert(name.trim(), own.strip_suffix('\n').unwrap_or(own));
            rest = content[end..].strip_prefix(MARK);
        }
        Self {
            folder,
            attached: files,
        }
    }

    /// The content of a file by its name, or why it cannot be had.
    pub(super) fn content(&self, name: &str) -> Result<Bytes, String> {
        match self.attached.get(name) {
            Some(content) => Ok(Bytes::copy_from_slice(content.as_bytes())),
            None => read(&self.folder.join(name)),
        }
    }
}

/// The TOML of a workload's text, without the files that follow it.
pub fn toml_of(source: &str) -> &str {
    &source[..toml_length(source)]
}

/// The length of a workload's TOML, which its files follow.
pub(super) fn toml_length(source: &str) -> usize {
    if source.starts_with(MARK) {
        return 0;
    }
    let mut breaks = source.match_indices('\n').map(|(at, _)| at + 1);
    let first = breaks.find(|start| source[*start..].starts_with(MARK));
    first.unwrap_or(source.len())
}

/// The text of a workload that brings files along, each with the name that its TOML has for it.
///
/// # Errors
///
/// If a file cannot be told from the next one.
pub fn with_files(toml: &str, files: &[(String, String)]) -> Result<String, NotAttached> {
    let mut source = toml.to_owned();
    for (name, content) in files {
        let refused = |problem| NotAttached {
            name: name.clone(),
            problem,
        };
        if name.trim().is_empty() || name.contains(char::is_control) {
            return Err(refused("has no good name: name it as the workload does"));
        }
        if toml_length(content) < content.len() {
            return Err(refused(
                "has a line that begins with `#:file `: leave that out",
            ));
        }
        if !source.ends_with('\n') {
            source.push('\n');
        }
        source.extend([MARK, name, "\n", content, "\n"]);
    }
    Ok(source)
}

fn read(path: &Path) -> Result<Bytes, String> {
    let unreadable = |error: std::io::Error| format!("it cannot be read: {error}");
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() || about.len() > MAX_FILE {
        return Err(format!("it is no file of up to {} MiB", MAX_FILE >> 20));
    }
    std::fs::read(path).map(Bytes::from).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_attached_is_found_letter_by_letter() {
        let contents = ["a,b\n1,2\n", "", "no end of line", "\n\n", "a\r\n#:files\n"];
        let names = contents.iter().enumerate();
        let files: Vec<(String, String)> = names
            .map(|(index, content)| (format!("data/{index}.csv"), (*content).to_owned()))
            .collect();
        for toml in ["", "x = 1", "x = 1\n# the end\n"] {
            let source = with_files(toml, &files).unwrap();
            let length = toml_length(&source);
            assert_eq!(source[..length].trim_end(), toml.trim_end());
            let found = Files::new(&source[length..], PathBuf::new());
            for (name, content) in &files {
                assert_eq!(found.content(name).unwrap(), content.as_bytes(), "{name}");
            }
        }
    }

    #[test]
    fn a_text_without_files_is_all_toml() {
        let source = "x = '''\n#: file\n #:file x\n'''";
        assert_eq!(toml_length(source), source.len());
        assert_eq!(with_files(source, &[]).as_deref(), Ok(source));
    }

    #[test]
    fn a_file_that_could_not_be_found_again_is_refused() {
        let attach = |name: &str, content: &str| {
            let files = [(name.to_owned(), content.to_owned())];
            with_files("", &files).unwrap_err().to_string()
        };
        assert_eq!(
            attach("a.csv", "x\n#:file b\n"),
            "the file \"a.csv\" has a line that begins with `#:file `: leave that out"
        );
        assert!(attach("a\nb", "").contains("has no good name"));
        assert!(attach(" ", "").contains("has no good name"));
    }
}
