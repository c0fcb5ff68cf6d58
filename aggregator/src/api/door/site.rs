//! Which site's page a request comes from, as far as its browser says.

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN, REFERER, USER_AGENT};
use axum::http::{HeaderMap, Method, Uri};

/// What every browser's name begins with.
const BROWSER: &[u8] = b"Mozilla/";

/// Fails for a request that another site's page sent: `Sec-Fetch-Site` says so where a browser sends
/// it, else `Origin` or `Referer` do. Pages can set none of the three.
///
/// Browsers leave out all three only for a `GET` to a plain HTTP address, if the page wants so: a
/// picture at `/stop`. What calls itself a browser and says nothing is therefore not believed.
pub(super) fn is_ours(request: &Request) -> Result<(), String> {
    let headers = request.headers();
    let elsewhere = "pages of other sites may change nothing: use this one's, or a script";
    let is_ours = if let Some(site) = headers.get("sec-fetch-site") {
        matches!(site.as_bytes(), b"same-origin" | b"none")
    } else if let Some(page) = headers.get(ORIGIN).or_else(|| headers.get(REFERER)) {
        let page = page.to_str().ok().and_then(|page| page.parse::<Uri>().ok());
        let page = page.as_ref().and_then(Uri::authority);
        match (page, called(request)) {
            (Some(page), Some(name)) => page.as_str().eq_ignore_ascii_case(name),
            // `Origin: null`, or a page that cannot be told
            _ => false,
        }
    } else if request.method() == Method::GET && is_browser(headers) {
        return Err("a browser's GET may change nothing: use the page, or POST".to_owned());
    } else {
        true
    };
    if is_ours {
        Ok(())
    } else {
        Err(elsewhere.to_owned())
    }
}

/// The name and port that a request calls the server by: the URL's in the request line, if it has
/// one, as HTTP wants it.
pub(in crate::api) fn called(request: &Request) -> Option<&str> {
    let host = || request.headers().get(HOST)?.to_str().ok();
    let authority = request.uri().authority();
    authority.map(|authority| authority.as_str()).or_else(host)
}

fn is_browser(headers: &HeaderMap) -> bool {
    let name = headers.get(USER_AGENT);
    name.is_some_and(|name| name.as_bytes().starts_with(BROWSER))
}
