//! `GET /openapi.json`: what each route takes and answers, for programs.
//!
//! Every handler says it of itself, in its `#[utoipa::path]`, and is named in [`Document`]; answers that are
//! no types of their own have their shapes in [`shapes`]. A test holds the paths against the router's, and
//! schemathesis holds the shapes against what is answered. Pages about a run are described once, and stand
//! under `/runs/{id}` as well.

use axum::body::Bytes;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, OpenApi as Description, Required, ResponseBuilder};

use super::routes::OF_RUN;
use super::{
    ab, cost, downloads, health, home, metrics, page, runs, schedules, stats, user, workload,
};

pub(super) mod shapes;

/// All handlers that are described; a route without its handler here fails a test.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cicada",
        description = "Demo traffic that speaks Locust: Locust's web API, and what Cicada has beyond it.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        page::page,
        page::asset,
        page::template_args,
        home::routes,
        super::swarm_route,
        super::stop,
        stats::requests,
        super::reset,
        stats::tasks,
        stats::exceptions,
        stats::ledger,
        downloads::history,
        downloads::report,
        downloads::requests,
        downloads::failures,
        downloads::full_history,
        downloads::exceptions,
        downloads::ledger_history,
        ab::ab,
        super::logs,
        super::worker_count,
        user::set,
        metrics::metrics,
        cost::cost,
        runs::list,
        stats::tasks_of_run,
        workload::read,
        workload::replace,
        schedules::list,
        schedules::put,
        schedules::delete_by_query,
        schedules::delete,
        health::health,
        openapi,
    )
)]
struct Document;

/// The whole document, with pages about a run under `/runs/{id}`, too.
pub(super) fn document(about_runs: &[String]) -> Description {
    let mut document = Document::openapi();
    for path in about_runs {
        let item = document.paths.paths.get(path).cloned();
        if let Some(item) = item {
            let path = format!("{OF_RUN}{path}");
            document.paths.paths.insert(path, of_run(item));
        }
    }
    for item in document.paths.paths.values_mut() {
        name_apart(item);
    }
    // a password may be asked for, by the deployment's settings
    let basic = HttpBuilder::new().scheme(HttpAuthScheme::Basic).build();
    let components = document.components.get_or_insert_with(Components::default);
    components
        .security_schemes
        .insert("basic".to_owned(), SecurityScheme::Http(basic).into());
    let none: [&str; 0] = [];
    document.security = Some(vec![
        SecurityRequirement::default(),
        SecurityRequirement::new("basic", none),
    ]);
    document
}

/// A handler of two methods has one name, and operations must have one each.
fn name_apart(item: &mut PathItem) {
    let name = |operation: &Option<Operation>| operation.as_ref()?.operation_id.clone();
    let (get, post) = (name(&item.get), name(&item.post));
    if let (Some(get), Some(operation)) =
        (get.filter(|get| Some(get) == post.as_ref()), &mut item.post)
    {
        operation.operation_id = Some(format!("{get}_by_post"));
    }
}

/// The same page of the run that the path names.
fn of_run(mut item: PathItem) -> PathItem {
    if let Some(page) = &mut item.get {
        let parameters = page.parameters.get_or_insert_default();
        parameters.insert(0, run_id().into());
        page.operation_id = page.operation_id.take().map(|id| format!("{id}_of_run"));
        add_not_found(page);
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

fn add_not_found(page: &mut Operation) {
    let refused = utoipa::openapi::Ref::from_schema_name("Refused");
    let content = utoipa::openapi::ContentBuilder::new()
        .schema(Some(refused))
        .build();
    let not_found = ResponseBuilder::new()
        .description("There is no such run.")
        .content("application/json", content)
        .build();
    let responses = &mut page.responses.responses;
    responses.insert("404".to_owned(), not_found.into());
}

/// The document as it is answered.
pub(super) fn text(about_runs: &[String]) -> Bytes {
    let text = serde_json::to_vec(&document(about_runs));
    text.expect("a document is JSON").into()
}

/// What each route takes and answers: this document.
#[utoipa::path(get, path = "/openapi.json", tag = "cicada", responses(
    (status = 200, description = "An OpenAPI document.", body = serde_json::Value)
))]
#[expect(
    dead_code,
    reason = "only its description is used: the router has the text"
)]
pub(super) fn openapi() {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use testing::{MemoryHeartbeat, MemoryQueue, MemoryStore};

    use crate::api::routes;

    /// Whoever adds a route describes its handler in `#[utoipa::path]` and names it in `Document`.
    #[test]
    fn every_route_is_described_and_nothing_else_is() {
        let routes = routes::<MemoryStore, MemoryQueue, MemoryHeartbeat>();
        let mut there: BTreeSet<String> = routes.paths.iter().cloned().collect();
        there.insert("/openapi.json".to_owned());
        let document = super::document(&routes.about_runs);
        let described: BTreeSet<String> = document.paths.paths.keys().cloned().collect();
        assert_eq!(described, there);
    }

    #[test]
    fn routes_are_added_where_they_are_remembered() {
        // a router of its own would know nothing of it
        let source = include_str!("../api.rs");
        let begin = source.find("fn routes<").expect("it is there");
        let routes = &source[begin..];
        let end = routes.find("\n}\n").expect("it ends");
        let outside = source.replace(&routes[..end], "");
        assert!(!outside.contains(".route("), "add it in `routes`");
        assert!(routes[..end].contains("Routes::new()"));
    }

    #[test]
    fn operations_have_names_of_their_own() {
        let routes = routes::<MemoryStore, MemoryQueue, MemoryHeartbeat>();
        let document = super::document(&routes.about_runs);
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
