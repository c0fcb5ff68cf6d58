//! The variables of a process, and the mistakes in them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use traffic::run_rules::InvalidField;
use traffic::runs::Environment;

/// The variables of a process.
#[derive(Clone)]
pub struct Variables(Environment);

/// A variable that cannot be used: one line that names it and says what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum SettingError {
    #[error("{variable} is not set: {instead}")]
    Missing {
        variable: &'static str,
        instead: String,
    },
    #[error("{variable} is {value:?}: {instead}")]
    Unusable {
        variable: &'static str,
        value: String,
        instead: String,
    },
    #[error(transparent)]
    Field(#[from] InvalidField),
}

/// A value that is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Variables {
    /// Those of this process; a value that is no text is read as well as it can be.
    pub fn of_process() -> Self {
        let value = |name: &str| std::env::var_os(name);
        Self::new(Arc::new(move |name: &str| {
            value(name).map(|value| value.to_string_lossy().into_owned())
        }))
    }

    /// Those that `lookup` knows.
    pub fn new(lookup: Environment) -> Self {
        Self(lookup)
    }

    /// The function behind them: a workload reads its hosts' variables through it.
    pub fn lookup(&self) -> Environment {
        Arc::clone(&self.0)
    }

    /// A value without the space around it, if it is set and not empty.
    pub fn text(&self, variable: &str) -> Option<String> {
        let value = (self.0)(variable)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// A value that must be there and that `is_good` finds good.
    ///
    /// # Errors
    /// When it is not: `instead` says what to do.
    pub fn required(
        &self,
        variable: &'static str,
        is_good: impl Fn(&str) -> bool,
        instead: &str,
    ) -> Result<String, SettingError> {
        match self.text(variable) {
            None => Err(SettingError::Missing {
                variable,
                instead: instead.to_owned(),
            }),
            Some(value) if !is_good(&value) => Err(unusable(variable, &value, instead)),
            Some(value) => Ok(value),
        }
    }

    /// A value of type `T` that `is_good` finds good, if it is set.
    ///
    /// # Errors
    /// When it is set to something else: `instead` says what to write.
    pub fn parsed<T: FromStr>(
        &self,
        variable: &'static str,
        is_good: impl Fn(&T) -> bool,
        instead: &str,
    ) -> Result<Option<T>, SettingError> {
        let Some(value) = self.text(variable) else {
            return Ok(None);
        };
        match value.parse() {
            Ok(parsed) if is_good(&parsed) => Ok(Some(parsed)),
            _ => Err(unusable(variable, &value, instead)),
        }
    }

    /// A value that is shown nowhere, as it is, if it is set and not empty.
    pub fn secret(&self, variable: &str) -> Option<Secret> {
        let value = (self.0)(variable)?;
        (!value.is_empty()).then_some(Secret(value))
    }
}

impl Secret {
    /// The value, for whoever compares or sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The mistake in a value: `instead` says what to write.
pub(super) fn unusable(variable: &'static str, value: &str, instead: &str) -> SettingError {
    let value = value.chars().take(200).collect();
    SettingError::Unusable {
        variable,
        value,
        instead: instead.to_owned(),
    }
}
