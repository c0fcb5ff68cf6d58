//! `GET /openapi.json`: what each route takes and answers, for programs.
//!
//! Every handler says it of itself, in its `#[utoipa::path]`, and answers with the types that are named there;
//! schemathesis holds what is answered against it. Pages about a run are described once, and stand under
//! `/runs/{id}` as well.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{OpenApi as Description, Ref, Required};
use utoipa::{Modify, OpenApi, ToSchema as _};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::answers::{Refused, described};
use super::state::ApiState;

/// The prefix of pages about one run.
const OF_RUN: &str = "/runs/{id}";

/// The document without its routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cicada",
        description = "Demo traffic that speaks Locust: Locust's web API, and what Cicada has beyond it.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Refused)),
    modifiers(&Password)
)]
pub(super) struct Document;

/// A password may be asked for, by the deployment's settings.
struct Password;

impl Modify for Password {
    fn modify(&self, document: &mut Description) {
        let basic = HttpBuilder::new().scheme(HttpAuthScheme::Basic).build();
        let components = document.components.get_or_insert_default();
        let schemes = &mut components.security_schemes;
        schemes.insert("basic".to_owned(), SecurityScheme::Http(basic).into());
        let none: [&str; 0] = [];
        document.security = Some(vec![
            SecurityRequirement::default(),
            SecurityRequirement::new("basic", none),
        ]);
    }
}

/// Routes that are not where, or what, their handler alone says.
pub(super) trait Described: Sized {
    /// Adds a page about a run, which takes a [`Shown`](super::runs::Shown): at its path it is the newest, at
    /// `/runs/{id}` and its path any.
    fn of_any_run(self, page: UtoipaMethodRouter<ApiState>) -> Self;

    /// Adds a handler of `GET` and `POST`: it has one name, and operations must have one each.
    fn by_both_methods(self, route: UtoipaMethodRouter<ApiState>) -> Self;
}

impl Described for OpenApiRouter<ApiState> {
    fn of_any_run(self, page: UtoipaMethodRouter<ApiState>) -> Self {
        let mut twin = page.clone();
        let items = std::mem::take(&mut twin.1.paths).into_iter();
        let items = items.map(|(path, item)| (format!("{OF_RUN}{path}"), of_run(item)));
        twin.1.paths = items.collect();
        self.routes(page).routes(twin)
    }

    fn by_both_methods(self, mut route: UtoipaMethodRouter<ApiState>) -> Self {
        for item in route.1.paths.values_mut() {
            if let Some(post) = &mut item.post {
                let name = post.operation_id.take();
                post.operation_id = name.map(|name| format!("{name}_by_post"));
            }
        }
        self.routes(route)
    }
}

/// The same page of the run that the path names.
fn of_run(mut item: PathItem) -> PathItem {
    if let Some(page) = &mut item.get {
        let parameters = page.parameters.get_or_insert_default();
        parameters.insert(0, run_id().into());
        page.operation_id = page.operation_id.take().map(|id| format!("{id}_of_run"));
        let refused = Ref::from_schema_name(Refused::name());
        let not_found = described("There is no such run.", "application/json", refused);
        page.responses.responses.insert("404".to_owned(), not_found);
    }
    item
}

fn run_id() -> Parameter {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .examples(["0660f42633c5d4-80e9a2b6"]);
    ParameterBuilder::new()
        .name("id")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("A run, by its name on the list of runs."))
        .schema(Some(text))
        .build()
}

/// The document as it is answered.
pub(super) fn text(document: &Description) -> Bytes {
    let text = serde_json::to_vec(document);
    text.expect("a document is JSON").into()
}

/// This document: the parameters, bodies and answers of every route.
#[utoipa::path(get, path = "/openapi.json", tag = "cicada", responses(
    (status = 200, description = "An OpenAPI document.", body = serde_json::Value)
))]
pub(super) async fn openapi(State(api): State<ApiState>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], api.document)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// `aggregator/ui` takes its types from this file.
    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/openapi.json");

    /// The variable that has the file written, and not compared.
    const WRITE: &str = "CICADA_WRITE_GENERATED";

    #[test]
    fn the_pages_document_is_the_servers() {
        let mut document = crate::api::routes().to_openapi();
        // a release alone changes nothing of it
        document.info.version.clear();
        let text = serde_json::to_string_pretty(&document).expect("a document is JSON") + "\n";
        if std::env::var_os(WRITE).is_some() {
            std::fs::write(FILE, &text).expect("the file can be written");
        }
        let is_same = std::fs::read_to_string(FILE).is_ok_and(|file| file == text);
        assert!(
            is_same,
            "run {WRITE}=1 cargo test -p web --lib: it writes {FILE} anew"
        );
    }

    #[test]
    fn operations_have_names_of_their_own() {
        let document = crate::api::routes().to_openapi();
        let mut names = BTreeSet::new();
        for (path, item) in &document.paths.paths {
            for operation in [&item.get, &item.post, &item.put, &item.delete] {
                let Some(operation) = operation else { continue };
                let name = operation.operation_id.clone().expect("it has a name");
                assert!(names.insert(name.clone()), "{path} {name}");
                assert!(operation.summary.is_some(), "{path} {name} says nothing");
                let tags = operation.tags.as_ref().map(Vec::len);
                assert_eq!(tags, Some(1), "{path} {name}");
            }
        }
        assert!(names.len() > 25, "{names:?}");
    }
}
