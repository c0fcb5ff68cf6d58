//! A host as somebody said it: its text, which may be stored and shown, and the user and password that it had.

use reqwest::Url;
use traffic::credentials::{Credentials, Keyring, without_credentials};
use traffic::workload::base_url;

use super::request::InvalidField;

/// How much of a text that is no host a message shows, in characters.
const SHOWN: usize = 200;

/// A host, parted from its user and password.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SaidHost {
    /// The host; it may be empty.
    pub(super) text: String,
    /// What it had, and the base URL that it is for.
    pub(super) secret: Option<(Url, Credentials)>,
}

impl SaidHost {
    /// Reads a host without what would be markup in somebody's page, as Locust cleans it.
    pub(super) fn read(said: &str) -> Result<Self, InvalidField> {
        const MARKUP: [char; 2] = ['<', '>'];
        // before it is cleaned: a password may have such characters
        if let Ok(url) = base_url(said)
            && let (url, Some(credentials)) = Credentials::part(url)
        {
            return Ok(Self {
                text: url.as_str().trim_end_matches('/').to_owned(),
                secret: Some((url, credentials)),
            });
        }
        let text = said.replace(MARKUP, "");
        if !text.trim().is_empty() {
            base_url(&text).map_err(|instead| {
                let shown: String = without_credentials(&text).chars().take(SHOWN).collect();
                InvalidField::new("host", format!("{shown:?} is no base URL: {instead}"))
            })?;
        }
        Ok(Self { text, secret: None })
    }

    /// Refuses a user and a password where nothing could keep them secret.
    pub(super) fn for_keyring(self, keyring: Option<&Keyring>) -> Result<Self, InvalidField> {
        if self.secret.is_some() && keyring.is_none() {
            let problem = format!(
                "{:?} was said with a user and a password, which the table would show: leave them out, and set \
                 the environment variable of the workload's host, such as TARGET_APP_URL, to the URL with them",
                self.text
            );
            return Err(InvalidField::new("host", problem));
        }
        Ok(self)
    }
}

/// Keeps what a host had, of one class or of a whole run.
pub(super) fn keep(
    keyring: Option<&Keyring>,
    class: Option<&str>,
    secret: Option<&(Url, Credentials)>,
) {
    if let (Some(keyring), Some((url, credentials))) = (keyring, secret) {
        keyring.keep(class, url.clone(), credentials.clone());
    }
}
