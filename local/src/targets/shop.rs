//! The target app: a small shop with a catalogue and orders that are really kept.
//!
//! Owns its routes and the validation of what they take; the order book and the catalogue are below.

pub(crate) mod catalogue;
pub(crate) mod orders;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::chaos::Weather;
use super::reply::{self, Answer, Mistake, Refused};
use super::route::{Route, Server};
use super::stage::Stage;
use catalogue::CATALOGUE;
use orders::OrderBook;

/// The state of the target app.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) stage: Arc<Stage>,
    pub(crate) orders: OrderBook,
    /// The catalogue as JSON: it never changes.
    catalogue: Bytes,
}

/// What `GET /health` answers.
#[derive(Debug, Serialize)]
struct Health {
    status: &'static str,
    service: &'static str,
    version: &'static str,
    uptime_seconds: f64,
    checks: Checks,
    timestamp: String,
}

#[derive(Debug, Serialize)]
struct Checks {
    orders: &'static str,
    catalogue: &'static str,
}

impl Shop {
    pub(crate) fn new(stage: Arc<Stage>) -> Self {
        let orders = OrderBook::opened(stage.clock.now(), &mut stage.draws_for("orders"));
        let catalogue = json!({ "products": CATALOGUE, "count": CATALOGUE.len() });
        Self {
            stage,
            orders,
            catalogue: catalogue.to_string().into(),
        }
    }

    async fn perform(&self, route: Route) -> Result<(), Refused> {
        let turn = self.stage.perform(Server::TargetApp, route.into());
        turn.await.map(drop)
    }
}

/// The target app's routes.
pub(crate) fn routes(shop: Arc<Shop>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/orders", get(list_orders).post(create_order))
        .route("/products", get(list_products))
        .route("/products/{id}", get(product))
        .with_state(shop)
}

async fn health(State(shop): State<Arc<Shop>>) -> Answer {
    shop.perform(Route::Health).await?;
    let weather = shop.stage.weather();
    let troubled = matches!(weather, Weather::SlowDatabase | Weather::AppErrors);
    Ok(reply::ok(&Health {
        status: if troubled { "degraded" } else { "healthy" },
        service: Server::TargetApp.name(),
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: (shop.stage.uptime().as_secs_f64() * 10.0).round() / 10.0,
        checks: Checks {
            orders: if troubled { "slow" } else { "ok" },
            catalogue: "ok",
        },
        timestamp: shop.stage.now(),
    }))
}

async fn list_orders(State(shop): State<Arc<Shop>>, RawQuery(query): RawQuery) -> Answer {
    let limit = limit(query.as_deref().unwrap_or_default())?;
    shop.perform(Route::Orders).await?;
    Ok(reply::ok(&shop.orders.page(limit, shop.stage.clock.now())))
}

async fn create_order(State(shop): State<Arc<Shop>>, body: Bytes) -> Answer {
    let order = reply::object(&body).and_then(|body| validated(&body));
    let (product, amount) = order?;
    shop.perform(Route::CreateOrder).await?;
    Ok(reply::ok(&shop.orders.place(
        &product,
        amount,
        shop.stage.clock.now(),
    )))
}

async fn list_products(State(shop): State<Arc<Shop>>) -> Answer {
    shop.perform(Route::Products).await?;
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok((kind, shop.catalogue.clone()).into_response())
}

async fn product(State(shop): State<Arc<Shop>>, Path(id): Path<String>) -> Answer {
    let number = id.parse::<u64>().map_err(|_| {
        let message = "should be a whole number";
        reply::invalid(&[Mistake::new(
            "int_parsing",
            &["path", "id"],
            message,
            json!(id),
        )])
    })?;
    shop.perform(Route::Product).await?;
    match CATALOGUE
        .iter()
        .find(|product| u64::from(product.id) == number)
    {
        Some(product) => Ok(reply::ok(product)),
        None => {
            let detail = format!("product {number} not found");
            Err(reply::refusal(StatusCode::NOT_FOUND, detail))
        }
    }
}

const LONGEST_PRODUCT: usize = 100;
const HIGHEST_AMOUNT: f64 = 1_000_000.0;

/// Product and amount of an order, or the answer that lists every mistake.
fn validated(body: &Map<String, Value>) -> Result<(String, f64), Refused> {
    match (product_of(body), amount_of(body)) {
        (Ok(product), Ok(amount)) => Ok((product, amount)),
        (product, amount) => {
            let mistakes = [product.err(), amount.err()];
            let mistakes: Vec<Mistake> = mistakes.into_iter().flatten().collect();
            Err(reply::invalid(&mistakes))
        }
    }
}

fn product_of(body: &Map<String, Value>) -> Result<String, Mistake> {
    let wrong =
        |kind, message: &str, input| Err(Mistake::new(kind, &["body", "product"], message, input));
    match body.get("product") {
        None => wrong("missing", "field required", Value::Null),
        Some(Value::String(name)) if name.trim().is_empty() => {
            wrong("string_too_short", "should not be empty", json!(name))
        }
        Some(Value::String(name)) if name.chars().count() > LONGEST_PRODUCT => {
            let message = "should have at most 100 characters";
            wrong("string_too_long", message, json!(name))
        }
        Some(Value::String(name)) => Ok(name.clone()),
        Some(other) => wrong("string_type", "should be a string", other.clone()),
    }
}

fn amount_of(body: &Map<String, Value>) -> Result<f64, Mistake> {
    let wrong =
        |kind, message: &str, input| Err(Mistake::new(kind, &["body", "amount"], message, input));
    let Some(amount) = body.get("amount") else {
        return wrong("missing", "field required", Value::Null);
    };
    match amount.as_f64() {
        None => wrong("float_type", "should be a number", amount.clone()),
        Some(number) if number <= 0.0 => {
            wrong("greater_than", "should be greater than 0", amount.clone())
        }
        Some(number) if number > HIGHEST_AMOUNT => {
            let message = "should be at most 1000000";
            wrong("less_than_equal", message, amount.clone())
        }
        Some(number) => Ok(number),
    }
}

const DEFAULT_LIMIT: usize = 20;
const HIGHEST_LIMIT: usize = 100;

/// How many orders `query` asks for.
fn limit(query: &str) -> Result<usize, Refused> {
    let Some(text) = query
        .split('&')
        .find_map(|field| field.strip_prefix("limit="))
    else {
        return Ok(DEFAULT_LIMIT);
    };
    text.parse()
        .ok()
        .filter(|limit| (1..=HIGHEST_LIMIT).contains(limit))
        .ok_or_else(|| {
            let message = format!("should be a whole number from 1 to {HIGHEST_LIMIT}");
            let loc = &["query", "limit"];
            reply::invalid(&[Mistake::new("int_range", loc, message, json!(text))])
        })
}
