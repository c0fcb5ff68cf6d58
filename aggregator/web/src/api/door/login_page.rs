//! The page that asks a browser for name and password.
//!
//! Function URLs and API Gateway rename `WWW-Authenticate`, so that behind them no browser asks by itself. The
//! page is answered in place of what was asked for, and leads there; its addresses are relative, since a proxy
//! may have a path in front of ours.

use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_SECURITY_POLICY};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{Html, IntoResponse as _, Response};

use super::site;
use crate::api::accept::takes;
use crate::api::headers::FORM_ALONE;

/// Holds `{refresh}`, `{said}`, `{action}` and `{next}`.
const PAGE: &str = include_str!("login.html");

/// A browser that followed a link of another site has kept its cookie to itself. It sends the cookie when this page,
/// which is ours, leads to the same address.
const REFRESH: &str = "<meta http-equiv=\"refresh\" content=\"0\">";

/// The longest address that a log-in leads to, in bytes.
const LONGEST: usize = 2 * 1024;

/// The page, as it answers one request.
pub(in crate::api) struct LoginPage {
    /// The form's address.
    action: String,
    /// The address on this server that the log-in leads to.
    next: String,
    may_have_session: bool,
}

impl LoginPage {
    /// The answer to a request of which a person is to see the answer.
    pub(in crate::api) fn wanted_by(request: &Request) -> Option<Self> {
        if !wants_page(request.headers()) {
            return None;
        }
        let (method, uri) = (request.method(), request.uri());
        let is_read = *method == Method::GET && !site::changes(method, uri);
        let asked = uri.path_and_query().map_or("/", |asked| asked.as_str());
        Some(Self {
            action: format!("{}login", "../".repeat(depth(uri.path()))),
            next: if is_read { own(asked) } else { "" }.to_owned(),
            may_have_session: is_read && site::comes_from_elsewhere(request),
        })
    }

    /// The same page, of a form that leads on to `next`.
    pub(in crate::api) fn leading_to(self, next: &str) -> Self {
        let next = own(next).to_owned();
        Self { next, ..self }
    }

    /// The answer, with a sentence for the person unless it is empty.
    pub(in crate::api) fn answer(&self, status: StatusCode, said: &str) -> Response {
        let said = match said {
            "" => String::new(),
            said => format!("<p role=\"alert\">{}</p>", escaped(said)),
        };
        let page = PAGE
            .replace(
                "{refresh}",
                if self.may_have_session { REFRESH } else { "" },
            )
            .replace("{said}", &said)
            .replace("{action}", &self.action)
            .replace("{next}", &escaped(&self.next));
        (status, [(CONTENT_SECURITY_POLICY, FORM_ALONE)], Html(page)).into_response()
    }
}

/// True for a browser that opens a page.
pub(in crate::api) fn wants_page(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(ACCEPT).iter();
    accepted.any(|list| list.to_str().is_ok_and(|list| takes(list, "text/html")))
}

/// Folders that a path is in, from ours on.
fn depth(path: &str) -> usize {
    path.matches('/').count().saturating_sub(1)
}

/// The address to which a log-in leads, from that of the form on; it cannot leave the folder.
pub(in crate::api) fn location(next: &str) -> String {
    format!("./{}", own(next))
}

/// A path and query on this server, without its first slash, that shows something; of anything else there is nothing
/// left, which is the page.
fn own(asked: &str) -> &str {
    let Some(rest) = asked.strip_prefix('/') else {
        return "";
    };
    let Ok(uri) = asked.parse::<Uri>() else {
        return "";
    };
    let is_step = |name: &str| {
        let name = name.to_ascii_lowercase().replace("%2e", ".");
        name == "." || name == ".."
    };
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    let path = uri.path();
    let is_own = rest.len() <= LONGEST
        && !rest.starts_with('/')
        && rest.bytes().all(is_plain)
        && !path.split('/').any(is_step)
        && !site::changes(&Method::GET, &uri)
        && !matches!(path, "/login" | "/logout");
    if is_own { rest } else { "" }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_in_leads_to_addresses_of_this_server_that_change_nothing() {
        for (next, expected) in [
            ("/", "./"),
            ("/?tab=ledger", "./?tab=ledger"),
            ("/stats/report?download=1", "./stats/report?download=1"),
            ("/runs/x/ledger", "./runs/x/ledger"),
            ("/a:b", "./a:b"),
            ("/?next=https://x/../y", "./?next=https://x/../y"),
        ] {
            assert_eq!(location(next), expected, "{next}");
        }
        for elsewhere in [
            "",
            "stats",
            "https://evil.example/",
            "//evil.example/",
            "///evil.example/",
            "/\\evil.example",
            "\\/evil.example",
            "/\t/evil.example",
            "/..//evil.example",
            "/../other",
            "/a/%2E%2e/../b",
            "/.",
            "javascript:alert(1)",
            "/a\r\nset-cookie: x=1",
            "/a b",
            "/ä",
            // a log-in is to change nothing else
            "/stop",
            "/stop?x",
            "/stats/reset",
            "/login",
            "/logout",
        ] {
            assert_eq!(location(elsewhere), "./", "{elsewhere:?}");
        }
    }

    #[test]
    fn the_form_is_found_from_any_folder_and_shows_what_it_was_given_as_text() {
        for (asked, action, next) in [
            ("/", "login", ""),
            ("/login", "login", ""),
            ("/stats/report", "../login", "stats/report"),
            (
                "/runs/1/ledger?a=1&b='2",
                "../../login",
                "runs/1/ledger?a=1&amp;b=&#39;2",
            ),
        ] {
            let request = Request::get(asked).header(ACCEPT, "text/html");
            let request = request.body(axum::body::Body::empty()).unwrap();
            let page = LoginPage::wanted_by(&request).expect("it wants one");
            assert_eq!(page.action, action, "{asked}");
            assert_eq!(escaped(&page.next), next, "{asked}");
        }
        assert_eq!(escaped("\"><script>"), "&quot;&gt;&lt;script&gt;");
    }
}
