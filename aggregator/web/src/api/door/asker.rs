//! The answer that fits whoever shows no password: the form, or HTTP's own challenge.

use axum::extract::Request;
use axum::http::HeaderValue;

use super::acquaintance::Visitor;
use super::login_page::LoginPage;
use super::site;

/// The header that makes a browser ask for a password.
const CHALLENGE: HeaderValue =
    HeaderValue::from_static("Basic realm=\"cicada\", charset=\"UTF-8\"");

/// The same for a browser that is shown our own form, or whose page says that the session is over: it has no
/// window of its own for this scheme. HTTP wants one to be named.
const FORM_CHALLENGE: HeaderValue = HeaderValue::from_static("Form realm=\"cicada\"");

/// The sender of a request that may have to be turned away, as far as the answer depends on it.
pub(in crate::api) struct Asker {
    pub(super) visitor: Option<Visitor>,
    /// The page with the form, if a person is to see the answer.
    pub(super) page: Option<LoginPage>,
    /// True for a browser that is not to open a window of its own: it shows the form, or a page of ours.
    has_our_form: bool,
}

impl Asker {
    pub(in crate::api) fn of(request: &Request) -> Self {
        let page = LoginPage::wanted_by(request);
        let is_browser = site::is_browser(request.headers());
        let has_our_form = is_browser && (page.is_some() || site::is_of_our_page(request));
        Self {
            visitor: request.extensions().get::<Visitor>().copied(),
            page,
            has_our_form,
        }
    }

    /// The form leads there.
    pub(in crate::api) fn leads_to(&mut self, next: &str) {
        self.page = self.page.take().map(|page| page.leading_to(next));
    }

    pub(super) fn challenge(&self) -> HeaderValue {
        if self.has_our_form {
            FORM_CHALLENGE
        } else {
            CHALLENGE
        }
    }
}
