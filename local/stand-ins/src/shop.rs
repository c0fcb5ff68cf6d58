//! The target app: a small shop with a catalogue and orders that are really kept.
//!
//! Owns its routes and the validation of what they take; the order book is below.

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

use crate::chaos::Weather;
use crate::data::DATA;
use crate::levels::Levels;
use crate::reply::{self, Answer, Mistake, Refused};
use crate::route::{Route, Server};
use orders::OrderBook;

const LONGEST_PRODUCT: usize = 100;
const HIGHEST_AMOUNT: f64 = 1_000_000.0;
const DEFAULT_LIMIT: usize = 20;
const HIGHEST_LIMIT: usize = 100;

#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) levels: Arc<Levels>,
    pub(crate) orders: OrderBook,
    /// The catalogue as JSON: it never changes.
    catalogue: Bytes,
}

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
    pub(crate) fn new(levels: Arc<Levels>) -> Self {
        let orders = OrderBook::opened(levels.clock.now(), &mut levels.draws_for("orders"));
        let catalogue = json!({ "products": DATA.products, "count": DATA.products.len() });
        Self {
            levels,
            orders,
            catalogue: catalogue.to_string().into(),
        }
    }
}

pub(crate) fn routes(shop: Arc<Shop>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/orders", get(list_orders).post(create_order))
        .route("/products", get(list_products))
        .route("/products/{id}", get(product))
        .with_state(shop)
}

async fn health(State(shop): State<Arc<Shop>>) -> Answer {
    shop.levels.perform(Route::Health).await?;
    let weather = shop.levels.weather();
    let troubled = matches!(weather, Weather::SlowDatabase | Weather::AppErrors);
    Ok(reply::ok(&Health {
        status: if troubled { "degraded" } else { "healthy" },
        service: Server::TargetApp.name(),
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: reply::rounded(shop.levels.uptime().as_secs_f64(), 1),
        checks: Checks {
            orders: if troubled { "slow" } else { "ok" },
            catalogue: "ok",
        },
        timestamp: shop.levels.now(),
    }))
}

async fn list_orders(State(shop): State<Arc<Shop>>, RawQuery(query): RawQuery) -> Answer {
    let limit = limit(query.as_deref())?;
    shop.levels.perform(Route::Orders).await?;
    Ok(reply::ok(&shop.orders.page(limit, shop.levels.clock.now())))
}

async fn create_order(State(shop): State<Arc<Shop>>, body: Bytes) -> Answer {
    let body = reply::object(&body)?;
    let (product, amount) = validated(&body)?;
    shop.levels.perform(Route::CreateOrder).await?;
    let now = shop.levels.clock.now();
    Ok(reply::ok(&shop.orders.place(product, amount, now)))
}

async fn list_products(State(shop): State<Arc<Shop>>) -> Answer {
    shop.levels.perform(Route::Products).await?;
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok((kind, shop.catalogue.clone()).into_response())
}

async fn product(State(shop): State<Arc<Shop>>, Path(id): Path<String>) -> Answer {
    let number: u64 = id.parse().map_err(|_| {
        let message = "should be a whole number";
        Mistake::new("int_parsing", &["path", "id"], message, id)
    })?;
    shop.levels.perform(Route::Product).await?;
    let mut products = DATA.products.iter();
    match products.find(|product| u64::from(product.id) == number) {
        Some(product) => Ok(reply::ok(product)),
        None => {
            let detail = format!("product {number} not found");
            Err(reply::refusal(StatusCode::NOT_FOUND, &detail))
        }
    }
}

/// Product and amount of an order, or the answer that lists every mistake.
fn validated(body: &Map<String, Value>) -> Result<(&str, f64), Refused> {
    match (product_of(body), amount_of(body)) {
        (Ok(product), Ok(amount)) => Ok((product, amount)),
        (product, amount) => {
            let mistakes = [product.err(), amount.err()];
            let mistakes: Vec<Mistake> = mistakes.into_iter().flatten().collect();
            Err(reply::invalid(&mistakes))
        }
    }
}

fn product_of(body: &Map<String, Value>) -> Result<&str, Mistake> {
    let name = reply::text(body, "product")?;
    let (kind, message) = if name.trim().is_empty() {
        ("string_too_short", "should not be empty")
    } else if name.chars().count() > LONGEST_PRODUCT {
        ("string_too_long", "should have at most 100 characters")
    } else {
        return Ok(name);
    };
    Err(Mistake::new(kind, &["body", "product"], message, name))
}

fn amount_of(body: &Map<String, Value>) -> Result<f64, Mistake> {
    let amount = body.get("amount");
    let (kind, message) = match amount.map(Value::as_f64) {
        None => ("missing", "field required"),
        Some(None) => ("float_type", "should be a number"),
        Some(Some(number)) if number <= 0.0 => ("greater_than", "should be greater than 0"),
        Some(Some(number)) if number > HIGHEST_AMOUNT => {
            ("less_than_equal", "should be at most 1000000")
        }
        Some(Some(number)) => return Ok(number),
    };
    let input = amount.cloned().unwrap_or_default();
    Err(Mistake::new(kind, &["body", "amount"], message, input))
}

/// The number of orders that `query` asks for.
fn limit(query: Option<&str>) -> Result<usize, Mistake> {
    let Some(text) = reply::in_query(query, "limit") else {
        return Ok(DEFAULT_LIMIT);
    };
    let limit = text.parse().ok();
    let limit = limit.filter(|limit| (1..=HIGHEST_LIMIT).contains(limit));
    limit.ok_or_else(|| {
        let message = format!("should be a whole number from 1 to {HIGHEST_LIMIT}");
        Mistake::new("int_range", &["query", "limit"], message, text)
    })
}
