//! The files: their text read as Python, with the lines of what stands in them.

use ruff_python_ast::ModModule;
use ruff_python_ast::Stmt;
use ruff_python_parser::{Parsed, parse_module};
use ruff_text_size::{Ranged, TextRange, TextSize};

use crate::nesting::is_too_deep;
use crate::problem::{Problem, Problems};

/// The longest file in bytes.
const MAX_SOURCE: usize = 1024 * 1024;

/// A file to convert.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// What messages call it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A file that was read as Python.
pub(crate) struct Parsing {
    pub(crate) name: String,
    pub(crate) text: String,
    lines: Vec<usize>,
    parsed: Parsed<ModModule>,
}

impl Parsing {
    pub(crate) fn read(file: &SourceFile) -> Result<Self, Problems> {
        if file.text.len() > MAX_SOURCE {
            return Err(Problems::of(
                &file.name,
                1,
                "the file is longer than 1 MiB: make it shorter",
            ));
        }
        if is_too_deep(&file.text) {
            return Err(Problems::of(
                &file.name,
                1,
                "an expression of the file is nested too deeply: make it simpler",
            ));
        }
        let mut lines = vec![0];
        lines.extend(file.text.match_indices('\n').map(|(at, _)| at + 1));
        let parsed = parse_module(&file.text).map_err(|error| {
            let at = usize::from(error.location.start());
            let line = lines.partition_point(|start| *start <= at);
            let start = lines[line - 1];
            let before = file.text.get(start..at).unwrap_or_default();
            let said = error.error.to_string().replace(['\n', '\r'], " ");
            Problems::new(vec![Problem {
                file: file.name.clone(),
                line,
                column: Some(before.chars().count() + 1),
                message: format!("this is no Python: {said}"),
            }])
        })?;
        Ok(Self {
            name: file.name.clone(),
            text: file.text.clone(),
            lines,
            parsed,
        })
    }

    pub(crate) fn body(&self) -> &[Stmt] {
        &self.parsed.syntax().body
    }

    /// The modules that names are imported from, by their names.
    pub(crate) fn imports(&self) -> Vec<String> {
        let modules = self.body().iter().filter_map(|statement| match statement {
            Stmt::ImportFrom(import) if import.level <= 1 => import.module.as_ref(),
            _ => None,
        });
        modules
            .map(ToString::to_string)
            .filter(|name| !name.contains('.'))
            .collect()
    }

    pub(crate) fn line(&self, at: TextSize) -> usize {
        self.lines
            .partition_point(|start| *start <= usize::from(at))
    }

    pub(crate) fn line_of(&self, node: &impl Ranged) -> usize {
        self.line(node.range().start())
    }

    /// The text of a node in one line, cut where it is long.
    pub(crate) fn snippet(&self, range: TextRange) -> String {
        let text = &self.text[usize::from(range.start())..usize::from(range.end())];
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ");
        match text.char_indices().nth(60) {
            Some((end, _)) => format!("{}...", &text[..end]),
            None => text,
        }
    }
}
