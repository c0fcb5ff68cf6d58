//! The environment variables that templates name: `env("NAME")`, and `secret("NAME")`, whose value is shown nowhere.
//!
//! Values are looked up when the file is read, so the text that is stored has names only. A workload may come from
//! whoever may use `PUT /workload`, so it gets no variable but those that its process gives to workloads. A text that
//! may hold a secret goes through [`Variables::mask`] before anybody sees it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind};
use parking_lot::RwLock;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use super::dumps::quoted;
use crate::environment::Lookup;

/// The variable with the names, with commas between, of those that workloads may read; `*` stands for all.
pub const WORKLOAD_ENV: &str = "CICADA_WORKLOAD_ENV";

/// The function that gives a variable's value.
pub(super) const ENV: &str = "env";

/// The function that gives a variable's value, which is masked wherever texts are shown.
pub(super) const SECRET: &str = "secret";

/// Stands for a secret.
const MASK: &str = "***";

/// The shortest secret in bytes: a shorter one would mask parts of words.
const SHORTEST_SECRET: usize = 4;

/// The most variables that a file may name.
const MOST: usize = 100;

/// What the filter `urlencode` leaves as it is.
const URLENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'/');

/// What is left as it is everywhere.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~');

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
    /// Every form in which a secret may stand in a text, the longest first.
    masked: Vec<String>,
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
                return Err(format!("the file names more than {MOST} variables: name fewer"));
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
        let known = self.0.read();
        let mut shown = Cow::Borrowed(text);
        for form in &known.masked {
            if shown.contains(&**form) {
                shown = Cow::Owned(shown.replace(&**form, MASK));
            }
        }
        shown
    }

    /// The URL without the secrets in it.
    pub(super) fn mask_url<'u>(&self, url: &'u Url) -> Cow<'u, Url> {
        let Cow::Owned(masked) = self.mask(url.as_str()) else {
            return Cow::Borrowed(url);
        };
        let masked = Url::parse(&masked).unwrap_or_else(|_| {
            // a secret in the place of a name or a port
            let mut bare = url.clone();
            bare.set_path(MASK);
            bare.set_query(None);
            bare.set_fragment(None);
            bare
        });
        Cow::Owned(masked)
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
            self.masked.extend(forms(value));
            self.masked.sort_by(|one, other| {
                let lengths = other.len().cmp(&one.len());
                lengths.then_with(|| one.cmp(other))
            });
            self.masked.dedup();
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

/// The forms in which a secret may stand in a URL, in a header, in JSON or in a message.
fn forms(secret: &str) -> Vec<String> {
    let within = |quoted: String| quoted[1..quoted.len() - 1].to_owned();
    let mut forms = vec![
        secret.to_owned(),
        within(quoted(secret)),
        within(format!("{secret:?}")),
        utf8_percent_encode(secret, URLENCODED).to_string(),
        utf8_percent_encode(secret, UNRESERVED).to_string(),
        utf8_percent_encode(secret, UNRESERVED)
            .to_string()
            .replace("%20", "+"),
        BASE64_STANDARD.encode(secret),
        BASE64_URL_SAFE_NO_PAD.encode(secret),
    ];
    if let Ok(mut url) = Url::parse("http://host.invalid") {
        url.set_query(Some(secret));
        forms.extend(url.query().map(str::to_owned));
        url.set_path(&format!("/{secret}"));
        forms.push(url.path().trim_start_matches('/').to_owned());
    }
    // of a secret of dots a URL's path keeps nothing
    forms.retain(|form| form.len() >= SHORTEST_SECRET);
    forms
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

    /// The variables with one secret, `KEY`.
    fn with_secret(value: &str) -> Variables {
        let variables = Variables::default();
        let environment = |name: &str| match name {
            WORKLOAD_ENV => Some("OTHER, KEY".to_owned()),
            _ => Some(value.to_owned()),
        };
        variables.read(&used("KEY", true), &environment).unwrap();
        variables
    }

    #[test]
    fn a_secret_is_masked_in_every_form_that_a_text_may_give_it() {
        let secret = "pass/w\"ör d+1";
        let variables = with_secret(secret);
        for text in [
            secret.to_owned(),
            format!("{secret:?}"),
            serde_json::to_string(secret).unwrap(),
            BASE64_STANDARD.encode(secret),
            utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
            utf8_percent_encode(secret, URLENCODED).to_string(),
            "pass%2Fw%22%C3%B6r+d%2B1".to_owned(),
        ] {
            let shown = variables.mask(&text).replace('"', "");
            let shown = shown.trim_end_matches('=');
            assert_eq!(shown, MASK, "{text}");
        }
        assert_eq!(format!("{variables:?}"), "Variables(..)");
    }

    #[test]
    fn a_secret_is_masked_in_a_url_as_the_url_has_it() {
        let variables = with_secret("ab\"c d");
        for path in ["/x/ab\"c d/y", "/x?key=ab\"c d&z=1"] {
            let url = Url::parse("http://host.invalid").unwrap().join(path).unwrap();
            let shown = variables.mask_url(&url);
            assert_eq!(shown.as_str().matches(MASK).count(), 1, "{shown}");
            assert!(!shown.as_str().contains("ab"), "{shown}");
        }
        let other = Url::parse("http://host.invalid/x").unwrap();
        assert!(matches!(variables.mask_url(&other), Cow::Borrowed(_)));
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
        let said = variables.read(&used("KEY", true), &environment).unwrap_err();
        assert!(said.contains("too short for a secret"), "{said}");
        assert_eq!(variables.read(&used("KEY", false), &environment), Ok(()));
        assert_eq!(variables.mask("abc"), "abc");
    }
}
