//! The user and password of a host's URL: sent as `Authorization: Basic`, and shown nowhere.
//!
//! A URL is parted from them where it is read. From then on the URL is what is stored and shown, and
//! [`Credentials`] have no text but the header's value, which is marked as sensitive.

use std::borrow::Cow;

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
