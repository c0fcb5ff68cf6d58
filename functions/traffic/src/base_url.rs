//! Base URLs of hosts, and the URLs of requests below them.

use reqwest::Url;

/// A base URL: `http` or `https`, a host, and perhaps a port and a path; its last slash is dropped. A user and
/// a password in it are left for [`Credentials::part`](crate::credentials::Credentials::part).
///
/// # Errors
///
/// The remedy, as the end of a sentence.
pub fn base_url(text: &str) -> Result<Url, &'static str> {
    const INSTEAD: &str = "write a URL such as \"http://localhost:8000\"";
    let mut url = Url::parse(text.trim()).map_err(|_| INSTEAD)?;
    let complete = matches!(url.scheme(), "http" | "https") && url.has_host();
    if !complete {
        return Err(INSTEAD);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("leave out what follows the `?` or `#`");
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// The URL of a request: the path and query follow the base URL as they are.
///
/// Nothing if they make no URL, or if the path leads to another host.
pub fn request_url(base: &Url, path: &str) -> Option<Url> {
    let base_text = base.as_str().trim_end_matches('/');
    let url = Url::parse(&format!("{base_text}{path}")).ok()?;
    (path.starts_with('/') && url.origin() == base.origin()).then_some(url)
}
