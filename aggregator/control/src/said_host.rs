//! A host as it was typed or sent: its text, which may be stored and shown, and its user and password.

use std::collections::BTreeSet;

use reqwest::Url;
use traffic::credentials::{Credentials, Keyring, without_credentials};
use traffic::run::{Segment, Share};
use traffic::run_rules::InvalidField;
use traffic::workload::{Workload, base_url};

/// The characters that a message shows of a text that is no host.
const SHOWN: usize = 200;

/// A host, parted from its user and password.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SaidHost {
    /// The host without user and password; it may be empty.
    pub(super) text: String,
    /// The user and password, and the base URL that they are for.
    pub(super) secret: Option<(Url, Credentials)>,
}

impl SaidHost {
    /// Reads a host without its characters that are markup in a page, as Locust cleans it.
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

/// Keeps the user and password of a host, of one class or of a whole run.
pub(super) fn keep(
    keyring: Option<&Keyring>,
    class: Option<&str>,
    secret: Option<&(Url, Credentials)>,
) {
    if let (Some(keyring), Some((url, credentials))) = (keyring, secret) {
        keyring.keep(class, url.clone(), credentials.clone());
    }
}

/// Adds to the segments of a run the hosts whose user and password `keyring` has, so that another process can tell
/// that it lacks them.
pub(super) fn note(keyring: Option<&Keyring>, segments: &mut [Segment], workload: &Workload) {
    let Some(keyring) = keyring else {
        return;
    };
    for segment in segments {
        let of_class = |share: &Share| {
            let mut elsewhere = segment.hosts.iter();
            match elsewhere.find(|(class, _)| *class == share.class) {
                Some((_, host)) => base_url(host).ok(),
                None => Some(workload.class(&share.class)?.host().url().clone()),
            }
        };
        let urls = segment.shares.iter().filter_map(of_class);
        let known: BTreeSet<Url> = urls.filter(|url| keyring.knows(url)).collect();
        let notes = known.into_iter().map(|url| (String::new(), url.into()));
        segment.hosts.extend(notes);
    }
}
