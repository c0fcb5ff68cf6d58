//! URLs as anybody may see them: without passwords and keys.

use reqwest::Url;

/// Written in place of a secret, as the semantic conventions have it.
const REDACTED: &str = "REDACTED";

/// A query's value is a secret if its name has one of these in it.
const SECRETS: [&str; 9] = [
    "auth",
    "credential",
    "key",
    "pass",
    "pwd",
    "secret",
    "session",
    "sig",
    "token",
];

/// The URL without credentials, and without values of its query that look like secrets.
pub(crate) fn shown(url: &Url) -> String {
    let has_credentials = !url.username().is_empty() || url.password().is_some();
    let has_secrets = url.query_pairs().any(|(name, _)| is_secret(&name));
    if !has_credentials && !has_secrets {
        return url.as_str().to_owned();
    }
    let mut url = url.clone();
    if has_credentials {
        // both are refused only where there is no host
        let _ = url.set_username(REDACTED);
        let _ = url.set_password(Some(REDACTED));
    }
    if has_secrets {
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        let shown = pairs.iter().map(|(name, value)| {
            let value = if is_secret(name) { REDACTED } else { value };
            (name, value)
        });
        url.query_pairs_mut().clear().extend_pairs(shown);
    }
    url.into()
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETS.iter().any(|secret| name.contains(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(url: &str) -> String {
        shown(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_url_without_secrets_stays_as_it_is() {
        for url in [
            "http://127.0.0.1:8000/products?colour=dark%20red&q",
            "https://shop.example/",
        ] {
            assert_eq!(show(url), url);
        }
    }

    #[test]
    fn credentials_are_not_shown() {
        let shown = show("https://ann:open@shop.example/orders");
        assert_eq!(shown, "https://REDACTED:REDACTED@shop.example/orders");
        assert!(!show("https://ann@shop.example/").contains("ann"));
    }

    #[test]
    fn values_that_look_like_secrets_are_not_shown() {
        let shown = show("https://shop.example/?a=1&api_key=abc&X-Amz-Signature=def&Token=ghi#b");
        assert_eq!(
            shown,
            "https://shop.example/?a=1&api_key=REDACTED&X-Amz-Signature=REDACTED&Token=REDACTED#b"
        );
    }
}
