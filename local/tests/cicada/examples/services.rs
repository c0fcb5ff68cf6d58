//! A server with the routes that the examples ask for. It takes only what a real one would: a token that it has given, a
//! cart that there is, a form that was opened before.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{Path, Query, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use serde_json::{Value, json};

type Fields = HashMap<String, String>;

/// The one token of forms.
const CSRF: &str = "c0ffee42";

/// All services on one port.
pub(super) fn router() -> Router {
    logins()
        .merge(shops())
        .merge(others())
        .layer(from_fn(typed))
}

/// Logins by a form, by JSON, and with a token of the form's.
fn logins() -> Router {
    Router::new()
        .route(
            "/login",
            post(|| async { ([("set-cookie", "session=1; Path=/")], Redirect::to("/home")) }),
        )
        .route(
            "/home",
            get(
                |headers: HeaderMap| async move { with_session(&headers, json!({ "token": "t" })) },
            ),
        )
        .route(
            "/account",
            get(|headers: HeaderMap| async move { with_token(&headers, "t", json!({})) }),
        )
        .route(
            "/logout",
            post(|| async { StatusCode::NO_CONTENT }).get(|| async { Redirect::to("/") }),
        )
        .route("/signin", get(form).post(signed_in))
        .route("/profile", get(profile).put(settings))
        .route("/sessions", post(session))
        .route(
            "/me",
            get(|headers: HeaderMap| async move { whoami(&headers) }),
        )
        .route(
            "/team",
            get(|headers: HeaderMap| async move { with_token(&headers, "carla", json!({})) }),
        )
}

/// The checkout's, and the two shops that are known.
fn shops() -> Router {
    let one_path_for_two = post(cart).get(|| async { Json(json!({ "items": [] })) });
    Router::new()
        .route(
            "/",
            get(|| async { ([("set-cookie", "shop_session-id=1; Path=/")], "home") }),
        )
        .route("/cart", one_path_for_two)
        .route("/charge", post(charge))
        .route(
            "/orders/{id}",
            get(|Path(id): Path<String>| async move { some(id == "o1", json!({})) }),
        )
        .route(
            "/setCurrency",
            post(|Form(form): Form<Fields>| async move { chosen(&form) }),
        )
        .route(
            "/product/{id}",
            get(|Path(id): Path<String>| async move { some(id.len() == 10, json!({})) }),
        )
        .route(
            "/cart/checkout",
            post(|Form(form): Form<Fields>| async move { placed(&form) }),
        )
        .route(
            "/api/products/{id}",
            get(|Path(id): Path<String>| async move { some(id.len() == 10, json!({ "id": id })) }),
        )
        .route(
            "/api/recommendations",
            get(|Query(query): Query<Fields>| async move {
                some(query.contains_key("productIds"), json!([]))
            }),
        )
        .route(
            "/api/data",
            get(|Query(query): Query<Fields>| async move {
                some(query.contains_key("contextKeys"), json!([]))
            }),
        )
        .route(
            "/api/cart",
            get(|Query(query): Query<Fields>| async move {
                some(query.contains_key("sessionId"), json!({}))
            })
            .post(add),
        )
        .route("/api/checkout", post(checkout))
}

/// Paging, GraphQL, uploads and a chat.
fn others() -> Router {
    Router::new()
        .route("/items", get(items))
        .route(
            "/items/{id}",
            get(|Path(id): Path<u32>| async move { some(id > 0, json!({})) }),
        )
        .route("/graphql", post(graphql))
        .route("/documents", post(document))
        .route(
            "/documents/{id}",
            get(|Path(id): Path<String>| async move { some(id == "d1", json!({ "files": 2 })) }),
        )
        .route("/v1/chat/completions", post(chat))
}

/// Refuses bodies whose media type is not said, as frameworks do.
async fn typed(request: Request, next: Next) -> Response {
    let has_body = request
        .headers()
        .get("content-length")
        .is_some_and(|length| length != "0");
    match has_body && !request.headers().contains_key("content-type") {
        true => StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response(),
        false => next.run(request).await,
    }
}

fn some(is_good: bool, answer: Value) -> Response {
    match is_good {
        true => Json(answer).into_response(),
        false => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
    }
}

fn has_cookie(headers: &HeaderMap, cookie: &str) -> bool {
    headers
        .get("cookie")
        .is_some_and(|sent| sent.to_str().unwrap().contains(cookie))
}

fn with_session(headers: &HeaderMap, answer: Value) -> Response {
    some(has_cookie(headers, "session=1"), answer)
}

fn with_token(headers: &HeaderMap, token: &str, answer: Value) -> Response {
    let sent = headers
        .get("authorization")
        .and_then(|sent| sent.to_str().ok());
    match sent == Some(format!("Bearer {token}").as_str()) {
        true => Json(answer).into_response(),
        false => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn form() -> Response {
    (
        [("set-cookie", "session=1; Path=/; HttpOnly")],
        format!("<form><input name='csrf' value='{CSRF}'></form>"),
    )
        .into_response()
}

async fn signed_in(headers: HeaderMap, Form(form): Form<Fields>) -> Response {
    let is_good =
        form["csrf"] == CSRF && form["remember"] == "true" && has_cookie(&headers, "session=1");
    match is_good {
        true => Redirect::to("/profile").into_response(),
        false => StatusCode::FORBIDDEN.into_response(),
    }
}

async fn profile(headers: HeaderMap) -> Response {
    match has_cookie(&headers, "session=1") {
        true => "<h1>user</h1>".into_response(),
        false => StatusCode::FORBIDDEN.into_response(),
    }
}

async fn settings(body: String) -> StatusCode {
    match body.starts_with(&format!("csrf={CSRF}&topics=news&topics=offers&language=")) {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// The cart of the checkout has sizes, the boutique's has quantities.
async fn cart(headers: HeaderMap, Form(form): Form<Fields>) -> Response {
    let is_boutiques = form.contains_key("quantity") && has_cookie(&headers, "shop_session-id=");
    some(
        form.contains_key("size") || is_boutiques,
        json!({ "cart": "c1", "total": 12.5 }),
    )
}

async fn charge(Json(charged): Json<Value>) -> Response {
    some(
        charged == json!({ "cart": "c1", "amount": 12.5 }),
        json!({ "order": "o1" }),
    )
}

fn chosen(form: &Fields) -> Response {
    match form["currency_code"].len() {
        3 => Redirect::to("/").into_response(),
        _ => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
    }
}

fn placed(form: &Fields) -> Response {
    match form.len() {
        10 => "Your order is complete!".into_response(),
        _ => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
    }
}

async fn add(Json(added): Json<Value>) -> Response {
    some(
        added["item"]["quantity"].is_u64() && added["userId"].is_string(),
        json!({}),
    )
}

async fn checkout(Json(order): Json<Value>) -> Response {
    some(
        order["creditCard"]["creditCardCvv"] == 672,
        json!({ "orderId": "o1" }),
    )
}

/// Three pages.
async fn items(Query(query): Query<Fields>) -> Json<Value> {
    let page: u32 = query["page"].parse().unwrap();
    Json(match page {
        1 | 2 => json!({ "items": [page * 2, page], "next": page + 1 }),
        _ => json!({ "items": [page] }),
    })
}

async fn graphql(Json(asked): Json<Value>) -> Json<Value> {
    let variables = &asked["variables"];
    Json(match asked["operationName"].as_str() {
        Some("Products") if variables["first"] == 10 => {
            json!({ "data": { "products": [{ "id": "p1" }] } })
        }
        Some("Review") if variables["stars"].is_u64() => {
            json!({ "data": { "review": { "id": variables["id"] } } })
        }
        _ => json!({ "errors": [{ "message": "unknown operation" }] }),
    })
}

async fn document(headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers["content-type"].to_str().unwrap();
    let text = String::from_utf8_lossy(&body);
    let parts = [
        "name=\"title\"",
        "filename=\"accounts.csv\"",
        "anna,correct-horse",
        "filename=\"note-",
    ];
    match kind.starts_with("multipart/form-data; boundary=")
        && parts.iter().all(|part| text.contains(part))
    {
        true => (StatusCode::CREATED, Json(json!({ "id": "d1" }))).into_response(),
        false => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
    }
}

async fn session(Json(asked): Json<Value>) -> Response {
    let pairs = [
        ("anna", "correct-horse"),
        ("bruno", "battery-staple"),
        ("carla", "tr0ub4dor"),
        ("dmitri", "correct-staple"),
    ];
    let is_known = pairs
        .iter()
        .any(|(name, password)| asked == json!({ "name": name, "password": password }));
    match is_known {
        true => (StatusCode::CREATED, Json(json!({ "token": asked["name"] }))).into_response(),
        false => StatusCode::FORBIDDEN.into_response(),
    }
}

fn whoami(headers: &HeaderMap) -> Response {
    let token = headers
        .get("authorization")
        .and_then(|sent| sent.to_str().ok()?.strip_prefix("Bearer "));
    match token {
        Some(name) => Json(json!({ "name": name })).into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// Counts the words of all messages as tokens.
async fn chat(Json(asked): Json<Value>) -> Json<Value> {
    let messages = asked["messages"].as_array().unwrap();
    let words = messages
        .iter()
        .map(|message| message["content"].as_str().unwrap().split(' ').count());
    let tokens: usize = words.sum();
    Json(
        json!({ "choices": [{ "message": { "role": "assistant", "content": "Three of \"them\"." } }], "usage": { "prompt_tokens": tokens } }),
    )
}
