//! The environment variables that templates name: `env("NAME")`, and `secret("NAME")`, whose value is shown nowhere.
//!
//! Values are looked up when the file is read, so the text that is stored has names only. A workload may come from
//! whoever may use `PUT /workload`, so it gets no variable but those that its process gives to workloads. A text that
//! may hold a secret goes through [`Variables::mask`] before anybody sees it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind};
use parking_lot::RwLock;
use reqwest::Url;

use super::mask::{Mask, SHORTEST_SECRET};
use crate::environment::Lookup;

/// The variable with the names, with commas between, of those that workloads may read; `*` stands for all.
pub const WORKLOAD_ENV: &str = "CICADA_WORKLOAD_ENV";

/// The function that gives a variable's value.
pub(super) const ENV: &str = "env";

/// The function that gives a variable's value, which is masked wherever texts are shown.
pub(super) const SECRET: &str = "secret";

/// The most variables that a file may name.
const MOST: usize = 100;

/// One `env(...)` or `secret(...)` of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VariableUse {
    pub(super) name: String,
    pub(super) is_secret: bool,
    pub(super) has_default: bool,
}

/// The variables of a workload.
#[derive(Default)]
pub(super) struct Variables(RwLock<Known>);

#[derive(Default)]
struct Known {
    /// By name; nothing for one that is not set.
    values: BTreeMap<String, Option<Value>>,
    secrets: BTreeSet<String>,
    mask: Mask,
}

impl Variables {
    /// Looks the variable up that a template uses.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what to do.
    pub(super) fn read(&self, used: &VariableUse, environment: Lookup<'_>) -> Result<(), String> {
        let VariableUse {
            name,
            is_secret,
            has_default,
        } = used;
        let mut known = self.0.write();
        if !known.values.contains_key(name) {
            if known.values.len() >= MOST {
                return Err(format!(
                    "the file names more than {MOST} variables: name fewer"
                ));
            }
            if !is_given(name, environment) {
                return Err(format!(
                    "the environment variable {name} is not given to workloads here: name it in {WORKLOAD_ENV}"
                ));
            }
            let value = environment(name).filter(|value| !value.is_empty());
            known.values.insert(name.clone(), value.map(Value::from));
        }
        let value = known.values.get(name).cloned().flatten();
        match value.as_ref().and_then(Value::as_str) {
            Some(value) if *is_secret => known.keep_secret(name, value),
            Some(_) => Ok(()),
            None if *has_default => Ok(()),
            None if *is_secret => Err(format!(
                "the environment variable {name} is not set here: set it to the secret"
            )),
            None => Err(format!(
                "the environment variable {name} is not set here: set it, or write env(\"{name}\", \"a default\")"
            )),
        }
    }

    /// The names of the variables, and whether they are secrets.
    pub(super) fn names(&self) -> Vec<(String, bool)> {
        let known = self.0.read();
        let names = known.values.keys();
        names
            .map(|name| (name.clone(), known.secrets.contains(name)))
            .collect()
    }

    /// The text without the secrets in it, in whichever form they stand there.
    pub(super) fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.0.read().mask.text(text)
    }

    /// The URL without the secrets in it.
    pub(super) fn mask_url<'u>(&self, url: &'u Url) -> Cow<'u, Url> {
        self.0.read().mask.url(url)
    }

    fn value(&self, name: &str) -> Option<Value> {
        self.0.read().values.get(name).cloned().flatten()
    }
}

impl Known {
    fn keep_secret(&mut self, name: &str, value: &str) -> Result<(), String> {
        if value.len() < SHORTEST_SECRET {
            return Err(format!(
                "the environment variable {name} is too short for a secret: it needs at least {SHORTEST_SECRET} characters"
            ));
        }
        if self.secrets.insert(name.to_owned()) {
            self.mask.add(value);
        }
        Ok(())
    }
}

/// Values are shown nowhere.
impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Variables(..)")
    }
}

/// Adds the functions to an environment.
pub(super) fn add_to(environment: &mut Environment<'static>, variables: &Arc<Variables>) {
    let of_env = Arc::clone(variables);
    environment.add_function(ENV, move |name: &str, default: Option<Value>| {
        let value = of_env.value(name).or(default);
        value.ok_or_else(|| unset(name))
    });
    let of_secret = Arc::clone(variables);
    environment.add_function(SECRET, move |name: &str| {
        of_secret.value(name).ok_or_else(|| unset(name))
    });
}

fn unset(name: &str) -> Error {
    let message = format!("the environment variable {name} is not set");
    Error::new(ErrorKind::InvalidOperation, message)
}

/// True if workloads may read the variable.
fn is_given(name: &str, environment: Lookup<'_>) -> bool {
    let given = environment(WORKLOAD_ENV).unwrap_or_default();
    let mut given = given.split(',').map(str::trim);
    given.any(|given| given == name || given == "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(name: &str, is_secret: bool) -> VariableUse {
        VariableUse {
            name: name.to_owned(),
            is_secret,
            has_default: false,
        }
    }

    #[test]
    fn a_variable_is_read_only_where_it_is_given_to_workloads() {
        let environment = |given: Option<&'static str>| {
            move |name: &str| match name {
                WORKLOAD_ENV => given.map(str::to_owned),
                _ => Some("a value".to_owned()),
            }
        };
        let read = |given| Variables::default().read(&used("KEY", false), &environment(given));
        assert_eq!(read(Some("KEY")), Ok(()));
        assert_eq!(read(Some("A, KEY")), Ok(()));
        assert_eq!(read(Some("*")), Ok(()));
        for given in [None, Some(""), Some("KEYS"), Some("KE,Y")] {
            assert_eq!(
                read(given).unwrap_err(),
                "the environment variable KEY is not given to workloads here: name it in CICADA_WORKLOAD_ENV"
            );
        }
    }

    #[test]
    fn what_is_too_short_is_no_secret() {
        let environment = |name: &str| Some(if name == "KEY" { "abc" } else { "*" }.to_owned());
        let variables = Variables::default();
        let said = variables
            .read(&used("KEY", true), &environment)
            .unwrap_err();
        assert!(said.contains("too short for a secret"), "{said}");
        assert_eq!(variables.read(&used("KEY", false), &environment), Ok(()));
        assert_eq!(variables.mask("abc"), "abc");
    }
}
