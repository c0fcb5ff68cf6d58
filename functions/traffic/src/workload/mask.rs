//! Masking secrets in texts that somebody will see, in whichever form they stand there.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use super::dumps::quoted;

/// Stands for a secret.
const MASK: &str = "***";

/// The shortest secret in bytes: a shorter one would mask parts of words.
pub(super) const SHORTEST_SECRET: usize = 4;

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

/// Every form in which a secret may stand in a text, the longest first.
#[derive(Default)]
pub(super) struct Mask(Vec<String>);

impl Mask {
    /// Masks this secret, too.
    pub(super) fn add(&mut self, secret: &str) {
        self.0.extend(forms(secret));
        self.0.sort_by(|one, other| {
            let lengths = other.len().cmp(&one.len());
            lengths.then_with(|| one.cmp(other))
        });
        self.0.dedup();
    }

    /// The text without secrets.
    pub(super) fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut shown = Cow::Borrowed(text);
        for form in &self.0 {
            if shown.contains(&**form) {
                shown = Cow::Owned(shown.replace(&**form, MASK));
            }
        }
        shown
    }

    /// The URL without secrets.
    pub(super) fn url<'u>(&self, url: &'u Url) -> Cow<'u, Url> {
        let Cow::Owned(masked) = self.text(url.as_str()) else {
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
}

/// Secrets are shown nowhere.
impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mask(..)")
    }
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

    fn with_secret(secret: &str) -> Mask {
        let mut mask = Mask::default();
        mask.add(secret);
        mask
    }

    #[test]
    fn a_secret_is_masked_in_every_form_that_a_text_may_give_it() {
        let secret = "pass/w\"ör d+1";
        let mask = with_secret(secret);
        for text in [
            secret.to_owned(),
            format!("{secret:?}"),
            serde_json::to_string(secret).unwrap(),
            BASE64_STANDARD.encode(secret),
            utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
            utf8_percent_encode(secret, URLENCODED).to_string(),
            "pass%2Fw%22%C3%B6r+d%2B1".to_owned(),
        ] {
            let shown = mask.text(&text).replace('"', "");
            let shown = shown.trim_end_matches('=');
            assert_eq!(shown, MASK, "{text}");
        }
        assert_eq!(format!("{mask:?}"), "Mask(..)");
    }

    #[test]
    fn a_secret_is_masked_in_a_url_as_the_url_has_it() {
        let mask = with_secret("ab\"c d");
        for path in ["/x/ab\"c d/y", "/x?key=ab\"c d&z=1"] {
            let url = Url::parse("http://host.invalid")
                .unwrap()
                .join(path)
                .unwrap();
            let shown = mask.url(&url);
            assert_eq!(shown.as_str().matches(MASK).count(), 1, "{shown}");
            assert!(!shown.as_str().contains("ab"), "{shown}");
        }
        let other = Url::parse("http://host.invalid/x").unwrap();
        assert!(matches!(mask.url(&other), Cow::Borrowed(_)));
    }
}
