//! The user and password of a host's URL: sent as `Authorization: Basic`, and shown nowhere.
//!
//! A URL is parted from them where it is read. From then on the URL without them is what is stored and shown;
//! [`Credentials`] have no text but the header's value, which is marked as sensitive. Those that a process was
//! told for a run's host are in its [`Keyring`], which is in memory only: the store never has them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use parking_lot::RwLock;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use reqwest::header::HeaderValue;

/// A user and a password, as the value of a header.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Credentials(HeaderValue);

impl Credentials {
    /// Parts a URL from its user and password. What is percent-encoded is decoded, as curl does; a user without
    /// a password has an empty one.
    pub fn part(mut url: Url) -> (Url, Option<Self>) {
        let user = url.username();
        if user.is_empty() && url.password().is_none() {
            return (url, None);
        }
        let mut both: Vec<u8> = percent_decode_str(user).collect();
        both.push(b':');
        both.extend(percent_decode_str(url.password().unwrap_or_default()));
        let basic = format!("Basic {}", BASE64_STANDARD.encode(both));
        let mut value = HeaderValue::try_from(basic).expect("base64 can stand in a header");
        value.set_sensitive(true);
        // neither fails for a URL that has a host
        let _ = url.set_username("");
        let _ = url.set_password(None);
        (url, Some(Self(value)))
    }

    /// The value of the header `Authorization`.
    pub fn authorization(&self) -> &HeaderValue {
        &self.0
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// The credentials that a process was told for hosts, by base URL; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Keyring(Arc<RwLock<HashMap<(Owner, Url), Credentials>>>);

/// The class that credentials were told for; nobody in particular, of the host of a whole run.
type Owner = Option<String>;

impl Keyring {
    /// Keeps credentials for a base URL, in place of those it had: of one class, or of a run's host.
    pub fn keep(&self, class: Option<&str>, url: Url, credentials: Credentials) {
        let mut kept = self.0.write();
        kept.insert((class.map(str::to_owned), url), credentials);
    }

    /// True if there are credentials for a base URL, whoever they were told for.
    pub fn knows(&self, url: &Url) -> bool {
        let kept = self.0.read();
        kept.keys().any(|(_, known)| known == url)
    }

    /// The credentials that a class's requests to a base URL have. Those of the run's host come first where the
    /// base URL `is_of_run`, else those of the class.
    pub fn find(&self, class: &str, url: &Url, is_of_run: bool) -> Option<Credentials> {
        let kept = self.0.read();
        if kept.is_empty() {
            return None;
        }
        let of_class = kept.get(&(Some(class.to_owned()), url.clone()));
        let of_run = kept.get(&(None, url.clone()));
        let (first, second) = match is_of_run {
            true => (of_run, of_class),
            false => (of_class, of_run),
        };
        first.or(second).cloned()
    }
}

/// A text that may be a URL, without the user and password in it, for messages about what is no URL.
///
/// It cuts up to the last `@`, since a password that is not percent-encoded may hold any character.
pub fn without_credentials(text: &str) -> Cow<'_, str> {
    let Some((before, rest)) = text.rsplit_once('@') else {
        return text.into();
    };
    match before.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://{rest}").into(),
        None => rest.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parted(text: &str) -> (String, Option<String>) {
        let (url, credentials) = Credentials::part(Url::parse(text).unwrap());
        let decoded = credentials.map(|credentials| {
            let value = credentials.authorization();
            assert!(value.is_sensitive());
            assert!(!format!("{credentials:?}{value:?}").contains("Basic"));
            let encoded = value.to_str().unwrap().strip_prefix("Basic ").unwrap();
            String::from_utf8(BASE64_STANDARD.decode(encoded).unwrap()).unwrap()
        });
        (url.into(), decoded)
    }

    #[test]
    fn a_url_is_parted_from_every_form_of_credentials() {
        for (text, both) in [
            ("http://me:secret@shop.test/x", "me:secret"),
            ("http://me@shop.test/x", "me:"),
            ("http://:secret@shop.test/x", ":secret"),
            ("http://me:a@b:c@shop.test/x", "me:a@b:c"),
            ("http://m%40e:p%2Fa%3As%25s@shop.test/x", "m@e:p/a:s%s"),
            ("http://mé:wörd@shop.test/x", "mé:wörd"),
        ] {
            let (url, decoded) = parted(text);
            assert_eq!(url, "http://shop.test/x", "{text}");
            assert_eq!(decoded.as_deref(), Some(both), "{text}");
        }
        let none = ("http://shop.test/".to_owned(), None);
        assert_eq!(parted("http://shop.test"), none);
        assert_eq!(parted("http://@shop.test"), none);
    }

    #[test]
    fn a_text_that_is_no_url_loses_its_credentials_too() {
        for (text, shown) in [
            ("http://me:sec/ret@shop.test:port", "http://shop.test:port"),
            ("http://me:se@cret#1@shop", "http://shop"),
            ("me:secret@shop.test", "shop.test"),
            ("ftp//me:secret@shop.test", "shop.test"),
            ("shop.test", "shop.test"),
        ] {
            assert_eq!(without_credentials(text), shown);
        }
    }

    #[test]
    fn a_class_has_its_own_credentials_unless_the_run_has_its_host() {
        let keyring = Keyring::default();
        let url = Url::parse("http://shop.test/").unwrap();
        let told = |user: &str| {
            let url = Url::parse(&format!("http://{user}:x@shop.test")).unwrap();
            Credentials::part(url).1.unwrap()
        };
        assert_eq!(keyring.find("A", &url, true), None);
        assert!(!keyring.knows(&url));
        keyring.keep(None, url.clone(), told("run"));
        keyring.clone().keep(Some("A"), url.clone(), told("a"));
        for (class, is_of_run, user) in [
            ("A", true, "run"),
            ("A", false, "a"),
            ("B", true, "run"),
            ("B", false, "run"),
        ] {
            let found = keyring.find(class, &url, is_of_run);
            assert_eq!(found, Some(told(user)), "{class} {is_of_run}");
        }
        let other = Url::parse("http://shop.test/base").unwrap();
        assert_eq!(keyring.find("A", &other, false), None);
        assert!(keyring.knows(&url) && !keyring.knows(&other));
    }
}
