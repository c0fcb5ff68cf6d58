//! Which site's page a request comes from, as far as its browser says, and whether it changes anything.

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN, REFERER, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, Method, Uri};

/// Says whose page a request comes from.
const SITE: &str = "sec-fetch-site";

/// The beginning of every browser's `User-Agent`.
const BROWSER: &[u8] = b"Mozilla/";

/// Paths of which a `GET`, too, changes something.
const CHANGED_BY_GET: [&str; 2] = ["/stop", "/stats/reset"];

/// True for a request that changes something.
pub(super) fn changes(method: &Method, uri: &Uri) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
        || CHANGED_BY_GET.contains(&uri.path())
}

/// Fails for a read whose answer another site's page would have, or would include as a script, a
/// style sheet, a picture or a frame. A link on a page elsewhere may lead here: what it opens, that
/// page cannot look into.
///
/// Where a browser does not say what a request is for (over plain HTTP), the headers of the answer
/// keep it from other sites.
pub(super) fn may_read(request: &Request) -> Result<(), String> {
    let headers = request.headers();
    let says = |name: &str, value: &[u8]| headers.get(name).is_some_and(|said| said == value);
    let is_ours = if headers.contains_key(SITE) {
        let opens_page = says("sec-fetch-mode", b"navigate") && says("sec-fetch-dest", b"document");
        is_of_this_site(headers) || opens_page
    } else {
        // browsers name it to whoever has to allow the page to read
        headers
            .get(ORIGIN)
            .is_none_or(|page| is_page_of(page, request))
    };
    if is_ours {
        Ok(())
    } else {
        Err("pages of other sites may read nothing: use this one's, or a script".to_owned())
    }
}

/// Fails for a change that another site's page asks for: `Sec-Fetch-Site` says so where a browser sends
/// it, else `Origin` or `Referer` do. Pages can set none of the three.
///
/// Browsers leave out all three only for a `GET` to a plain HTTP address, if the page wants so: a
/// picture at `/stop`. What calls itself a browser and says nothing is therefore not believed.
pub(super) fn may_change(request: &Request) -> Result<(), String> {
    let headers = request.headers();
    let elsewhere = "pages of other sites may change nothing: use this one's, or a script";
    let is_ours = if headers.contains_key(SITE) {
        is_of_this_site(headers)
    } else if let Some(page) = headers.get(ORIGIN).or_else(|| headers.get(REFERER)) {
        is_page_of(page, request)
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

/// True for a page that another site's page leads to, as far as the browser says so.
pub(super) fn comes_from_elsewhere(request: &Request) -> bool {
    let headers = request.headers();
    if headers.contains_key(SITE) {
        return !is_of_this_site(headers);
    }
    let page = headers.get(REFERER);
    page.is_some_and(|page| !is_page_of(page, request))
}

/// True for a request that a page of ours makes.
pub(super) fn is_of_our_page(request: &Request) -> bool {
    let headers = request.headers();
    if let Some(site) = headers.get(SITE) {
        return site == "same-origin";
    }
    let page = headers.get(ORIGIN).or_else(|| headers.get(REFERER));
    page.is_some_and(|page| is_page_of(page, request))
}

/// True if a browser says that the page with the form came by plain HTTP: on this machine, or on a network
/// without TLS. A proxy's TLS shows here too, and in no header that it would have to add.
pub(in crate::api) fn came_by_plain_http(headers: &HeaderMap) -> bool {
    let page = headers.get(ORIGIN).or_else(|| headers.get(REFERER));
    page.is_some_and(|page| page.as_bytes().starts_with(b"http://"))
}

fn is_of_this_site(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all(SITE).iter();
    sites.all(|site| matches!(site.as_bytes(), b"same-origin" | b"none"))
}

/// True for a page of the server that is called; `Origin: null` and an unreadable one are not.
fn is_page_of(page: &HeaderValue, request: &Request) -> bool {
    let page = page.to_str().ok().and_then(|page| page.parse::<Uri>().ok());
    let page = page.as_ref().and_then(Uri::authority);
    match (page, called(request)) {
        (Some(page), Some(name)) => page.as_str().eq_ignore_ascii_case(name),
        _ => false,
    }
}

/// The name and port that a request calls the server by: the URL's in the request line, if it has
/// one, as HTTP wants it.
pub(in crate::api) fn called(request: &Request) -> Option<&str> {
    let host = || request.headers().get(HOST)?.to_str().ok();
    let authority = request.uri().authority();
    authority.map(|authority| authority.as_str()).or_else(host)
}

pub(super) fn is_browser(headers: &HeaderMap) -> bool {
    let name = headers.get(USER_AGENT);
    name.is_some_and(|name| name.as_bytes().starts_with(BROWSER))
}
