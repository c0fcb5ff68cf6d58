//! Errors of a workload: mistakes in the file, and evaluations that fail at run time.
//!
//! A mistake names file and line, what is wrong and what to write instead. A file's mistakes are
//! reported all at once. An evaluation error carries the place it came from, for `/exceptions`.

use std::fmt;
use std::sync::Arc;

/// One thing that is wrong in a workload file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The line it stands on, counted from 1.
    pub line: usize,
    /// The mistake, with the name of its place, and what to write instead.
    pub message: String,
}

/// Everything that is wrong in a workload file, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadErrors {
    file: Arc<str>,
    mistakes: Vec<Mistake>,
}

impl WorkloadErrors {
    pub(super) fn new(file: Arc<str>, mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort();
        mistakes.dedup();
        Self { file, mistakes }
    }

    /// The file as the caller named it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The mistakes, in the order of their lines; never empty.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

/// One line for each mistake: `file:line: what is wrong`.
impl fmt::Display for WorkloadErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            let Mistake { line, message } = mistake;
            write!(f, "{separator}{}:{line}: {message}", self.file)?;
        }
        Ok(())
    }
}

impl std::error::Error for WorkloadErrors {}

/// Where in the workload file a template or an expression stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TextOrigin {
    pub(super) file: Arc<str>,
    pub(super) line: usize,
    /// The place it belongs to: ``class `A`, task `b`, request `GET /c`, `expect` ``.
    pub(super) place: String,
    pub(super) source: String,
}

impl TextOrigin {
    /// The beginning of an unnamed file, for what is not evaluated.
    pub(super) fn unknown() -> Self {
        Self {
            file: Arc::from(""),
            line: 1,
            place: "a constant".to_owned(),
            source: String::new(),
        }
    }
}

/// A template or an expression that could not be evaluated: a value is missing or has another type.
///
/// Whoever executes the request counts it as a failure, and lists it under `/exceptions`.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct EvaluationError {
    message: String,
    origin: Arc<TextOrigin>,
}

impl EvaluationError {
    pub(super) fn new(origin: &Arc<TextOrigin>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            origin: Arc::clone(origin),
        }
    }

    /// The same error, with what it came on top of.
    pub(super) fn after(self, first: &str) -> Self {
        let message = format!("{first}: {}", self.message);
        Self { message, ..self }
    }

    /// The same error, with what lies behind it.
    pub(super) fn because(self, reason: &str) -> Self {
        let message = format!("{} ({reason})", self.message);
        Self { message, ..self }
    }

    /// The same error with another text in place of its message.
    pub(super) fn saying(&self, message: &str) -> Self {
        Self {
            message: message.to_owned(),
            origin: Arc::clone(&self.origin),
        }
    }

    /// The error in one line, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line of the workload file that it comes from.
    pub fn line(&self) -> usize {
        self.origin.line
    }

    /// The place in words: class, task, request and field.
    pub fn place(&self) -> &str {
        &self.origin.place
    }

    /// The place and the source, in the form of a Python traceback, as Locust's page shows them.
    pub fn traceback(&self) -> String {
        let TextOrigin {
            file,
            line,
            place,
            source,
        } = &*self.origin;
        let source = source.trim();
        format!(
            "Traceback (most recent call last):\n  File \"{file}\", line {line}, in {place}\n    {source}\nEvaluationError: {}\n",
            self.message
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_is_masked_keeps_its_place() {
        let error = EvaluationError::new(&Arc::new(TextOrigin::unknown()), "it holds a secret");
        let masked = error.saying("it holds ***");
        assert_eq!(
            (masked.message(), masked.place()),
            ("it holds ***", "a constant")
        );
        assert!(!masked.traceback().contains("a secret"));
    }
}
