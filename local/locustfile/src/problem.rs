//! What a locustfile says that a workload cannot: each with its file and line, all of them at once.

use std::fmt;

/// One thing that cannot be converted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file as the caller named it.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1; only of what is no Python.
    pub column: Option<usize>,
    /// A sentence in plain words.
    pub message: String,
}

impl Problem {
    /// The same place with another message.
    pub(crate) fn saying(&self, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..self.clone()
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            message,
        } = self;
        match column {
            Some(column) => write!(f, "{file}:{line}:{column}: {message}"),
            None => write!(f, "{file}:{line}: {message}"),
        }
    }
}

/// Everything in locustfiles that cannot be converted, in the order of the lines; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

/// The most that are told at once.
const MOST: usize = 100;

impl Problems {
    pub(crate) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort();
        problems.dedup();
        problems.truncate(MOST);
        Self(problems)
    }

    pub(crate) fn of(file: &str, line: usize, message: impl Into<String>) -> Self {
        Self(vec![Problem {
            file: file.to_owned(),
            line,
            column: None,
            message: message.into(),
        }])
    }

    /// The problems, in the order of the lines.
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

/// One line for each.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
