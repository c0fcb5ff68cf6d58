//! The web page, built from `aggregator/ui` and embedded.
//!
//! It is one file of HTML, into which the answer to what Locust calls template arguments is written, and
//! assets that never change under their names. Without a built page `/` is the list of routes, which
//! says how to build one.

use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Json};

use super::accept::takes;
use super::answers::Refused;
use super::door::Session;
use super::state::ApiState;
use super::template_args::TemplateArgs;
use super::trace_url::TraceUrl;
use super::{home, locust_page};

/// The page, if it was built when this was compiled.
static BUILT: Option<Page> = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// A browser may keep the file for good: its name changes with its content.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// A browser may keep the file, but has to ask whether it is still the same.
const ASK_AGAIN: &str = "no-cache";

/// The answer is only true now.
const NOT_AT_ALL: &str = "no-store";

/// A built page.
struct Page {
    /// The HTML up to the template arguments.
    before: &'static str,
    /// The HTML after them.
    after: &'static str,
    /// The files in `assets/`, sorted by name.
    files: &'static [File],
}

/// A file in `assets/`, in up to three forms.
struct File {
    name: &'static str,
    tag: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

/// The web page.
#[utoipa::path(get, path = "/", tag = "locust", responses(
    (status = 200, description = "A page.", body = String, content_type = "text/html"),
    Refused
))]
pub(super) async fn page(
    State(api): State<ApiState>,
    traces: Option<Extension<TraceUrl>>,
    session: Option<Extension<Session>>,
) -> Result<Response, Refused> {
    let session = session.map(|Extension(session)| session);
    let Some(page) = &BUILT else {
        return Ok(home::without_page(&api, session).await?.into_response());
    };
    let args = TemplateArgs::from(api.control.swarm_form().await?);
    page.with(&args.with_traces_at(traces.as_deref()).within(session))
}

/// The template arguments that the page was given, as they are now.
#[utoipa::path(get, path = "/template-args", tag = "cicada", responses(
    (status = 200, description = "What Locust calls template arguments.", body = TemplateArgs),
    Refused
))]
pub(super) async fn template_args(
    State(api): State<ApiState>,
    traces: Option<Extension<TraceUrl>>,
    session: Option<Extension<Session>>,
    headers: HeaderMap,
) -> Result<([(HeaderName, &'static str); 1], Json<TemplateArgs>), Refused> {
    let args = TemplateArgs::from(api.control.swarm_form().await?);
    let args = args.with_traces_at(traces.as_deref());
    let args = args.within(session.map(|Extension(session)| session));
    // whoever else asks puts them into Locust's page
    let args = match locust_page::is_ours(&headers) {
        true => args,
        false => args.for_locusts_page(),
    };
    Ok(([(CACHE_CONTROL, NOT_AT_ALL)], Json(args)))
}

/// A file that the web page is made of.
#[utoipa::path(get, path = "/assets/{name}", tag = "cicada",
    params(("name" = String, Path, description = "As the page names it.")),
    responses(
        (status = 200, description = "The file."),
        (status = 304, description = "It is what the browser has."),
        (status = 404, description = "The page has no such file.", body = String, content_type = "text/plain")
    )
)]
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let files = BUILT.as_ref().map_or(&[] as &[File], |page| page.files);
    match files.binary_search_by(|file| file.name.cmp(&name)) {
        Ok(index) => files[index].answer(&headers),
        Err(_) => (StatusCode::NOT_FOUND, "the page has no such file\n").into_response(),
    }
}

impl Page {
    /// The HTML with these arguments, as data that no browser executes.
    fn with(&self, args: &TemplateArgs) -> Result<Response, Refused> {
        let args = serde_json::to_string(args).map_err(|error| Refused::unavailable(&error))?;
        // so that no text in them can end the element that they stand in
        let args = args.replace('<', "\\u003c");
        let page = [self.before, &args, self.after].concat();
        Ok(([(CACHE_CONTROL, NOT_AT_ALL)], Html(page)).into_response())
    }
}

impl File {
    fn answer(&self, request: &HeaderMap) -> Response {
        let lifetime = if self.is_named_for_its_content() {
            FOR_GOOD
        } else {
            ASK_AGAIN
        };
        let headers = [
            (ETAG, self.tag),
            (CACHE_CONTROL, lifetime),
            (VARY, "accept-encoding"),
        ];
        let known = text(request, &IF_NONE_MATCH);
        if known.split(',').any(|tag| tag.trim() == self.tag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let kind = [(CONTENT_TYPE, self.content_type())];
        match self.form(text(request, &ACCEPT_ENCODING)) {
            (Some(encoding), bytes) => {
                (headers, kind, [(CONTENT_ENCODING, encoding)], bytes).into_response()
            }
            (None, bytes) => (headers, kind, bytes).into_response(),
        }
    }

    /// The smallest form that a client takes, and what it is encoded with.
    fn form(&self, accepted: &str) -> (Option<&'static str>, &'static [u8]) {
        let forms = [("br", self.brotli), ("gzip", self.gzip)];
        let taken = |(encoding, bytes): (&'static str, Option<&'static [u8]>)| {
            Some((Some(encoding), bytes.filter(|_| takes(accepted, encoding))?))
        };
        forms
            .into_iter()
            .find_map(taken)
            .unwrap_or((None, self.plain))
    }

    /// True if the name ends in `-` and the eight characters of vite's digest.
    fn is_named_for_its_content(&self) -> bool {
        let stem = self
            .name
            .rsplit_once('.')
            .map_or(self.name, |(stem, _)| stem);
        let digest = stem.len().checked_sub(9).and_then(|at| stem.get(at..));
        digest.is_some_and(|digest| digest.starts_with('-'))
    }

    fn content_type(&self) -> &'static str {
        match self.name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("md") => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: File = File {
        name: "index-3kqJ_9x-.js",
        tag: "W/\"1\"",
        plain: b"plain",
        brotli: Some(b"brotli"),
        gzip: Some(b"gzip"),
    };

    fn asked(header: HeaderName, value: &'static str) -> Response {
        FILE.answer(&HeaderMap::from_iter([(header, value.parse().unwrap())]))
    }

    #[test]
    fn a_client_gets_the_smallest_form_that_it_takes() {
        for (accepted, expected) in [
            ("gzip, deflate, br, zstd", Some("br")),
            ("gzip, deflate", Some("gzip")),
            ("GZIP;q=0.5", Some("gzip")),
            ("br;q=0, gzip;q=1.0", Some("gzip")),
            ("br;q=0", None),
            ("brotli", None),
            ("", None),
        ] {
            let response = asked(ACCEPT_ENCODING, accepted);
            let encoding = response.headers().get(CONTENT_ENCODING);
            assert_eq!(
                encoding.map(|value| value.to_str().unwrap()),
                expected,
                "{accepted:?}"
            );
            assert_eq!(response.headers()[VARY], "accept-encoding");
        }
    }

    #[test]
    fn what_is_known_is_not_sent_again() {
        assert_eq!(
            asked(IF_NONE_MATCH, "W/\"0\", W/\"1\"").status(),
            StatusCode::NOT_MODIFIED
        );
        assert_eq!(asked(IF_NONE_MATCH, "W/\"0\"").status(), StatusCode::OK);
    }

    #[test]
    fn only_what_is_named_for_its_content_is_kept_for_good() {
        let lifetime =
            |name| File { name, ..FILE }.answer(&HeaderMap::new()).headers()[CACHE_CONTROL].clone();
        assert_eq!(lifetime("index-3kqJ_9x-.js"), FOR_GOOD);
        assert_eq!(lifetime("licenses.md"), ASK_AGAIN);
        assert_eq!(lifetime("cicada.svg"), ASK_AGAIN);
    }
}
