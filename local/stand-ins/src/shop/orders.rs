//! The order book: the newest orders, and the number and sum of all.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use traffic::clock::Timestamp;
use traffic::random::Draws;

use crate::data::{self, DATA};
use crate::levels::rfc3339;
use crate::reply::rounded;

/// The orders that are kept; older ones are only counted.
const MOST_KEPT: usize = 1_000;
const FIRST_ID: u64 = 10_001;

#[derive(Debug, Default)]
pub(crate) struct OrderBook(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    /// The newest last, each with its instant.
    kept: VecDeque<(Timestamp, Order)>,
    placed: u64,
    revenue: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Order {
    id: u64,
    order_number: String,
    product: Box<str>,
    product_id: Option<u32>,
    amount: f64,
    currency: &'static str,
    status: &'static str,
    created_at: Box<str>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Page {
    orders: Vec<Order>,
    count: usize,
    total: u64,
}

impl OrderBook {
    /// A book with a dozen orders of the last hours.
    pub(crate) fn opened(now: Timestamp, draws: &mut Draws) -> Self {
        let book = Self::default();
        for place in 0..12_u32 {
            let product = data::pick(&DATA.products, draws);
            let minutes = u64::from(12 - place) * 17 + draws.below(15);
            let created = now - Duration::from_secs(minutes * 60 + draws.below(60));
            book.place(&product.name, product.price, created);
        }
        book
    }

    /// Keeps an order that is placed `now`.
    pub(crate) fn place(&self, product: &str, amount: f64, now: Timestamp) -> Order {
        let mut products = DATA.products.iter();
        let known = products.find(|known| known.name.eq_ignore_ascii_case(product));
        let created_at = rfc3339(now).into();
        let mut book = self.0.lock();
        let id = FIRST_ID + book.placed;
        let order = Order {
            id,
            order_number: format!("ORD-{id:06}"),
            product: product.into(),
            product_id: known.map(|known| known.id),
            amount: rounded(amount, 2),
            currency: "USD",
            status: status(Duration::ZERO),
            created_at,
        };
        book.placed += 1;
        book.revenue += order.amount;
        if book.kept.len() == MOST_KEPT {
            book.kept.pop_front();
        }
        book.kept.push_back((now, order.clone()));
        order
    }

    /// The newest `limit` orders, the newest first.
    pub(crate) fn page(&self, limit: usize, now: Timestamp) -> Page {
        let book = self.0.lock();
        let newest = book.kept.iter().rev().take(limit);
        let orders = newest.map(|(created, order)| Order {
            status: status(now.since(*created)),
            ..order.clone()
        });
        let orders: Vec<Order> = orders.collect();
        Page {
            count: orders.len(),
            orders,
            total: book.placed,
        }
    }

    /// The number of all orders, and the sum of their amounts.
    pub(crate) fn sum(&self) -> (u64, f64) {
        let book = self.0.lock();
        (book.placed, book.revenue)
    }
}

/// The status of an order at this age: the shop is quick.
fn status(age: Duration) -> &'static str {
    match age.as_secs() {
        0..30 => "confirmed",
        30..300 => "packed",
        300..3_600 => "shipped",
        _ => "delivered",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

    #[test]
    fn old_orders_make_room_and_stay_counted() {
        let book = OrderBook::default();
        for _ in 0..MOST_KEPT + 5 {
            book.place("Laptop", 10.0, NOON);
        }
        assert_eq!(book.0.lock().kept.len(), MOST_KEPT);
        assert_eq!(book.sum(), (1_005, 10_050.0));
        let page = book.page(3, NOON);
        assert_eq!((page.count, page.total), (3, 1_005));
        assert_eq!(page.orders[0].id, FIRST_ID + 1_004);
    }

    #[test]
    fn an_order_moves_on_as_it_ages() {
        let book = OrderBook::default();
        let order = book.place("mouse", 12.345, NOON);
        assert_eq!((order.status, order.amount), ("confirmed", 12.35));
        assert_eq!(order.product_id, Some(7));
        let page = book.page(1, NOON + Duration::from_secs(400));
        assert_eq!(page.orders[0].status, "shipped");
    }

    #[test]
    fn a_new_shop_has_orders_to_show() {
        let book = OrderBook::opened(NOON, &mut Draws::new(1, "orders", 0, 0));
        let page = book.page(100, NOON);
        assert_eq!(page.count, 12);
        let times: Vec<_> = page.orders.iter().map(|order| &order.created_at).collect();
        assert!(times.is_sorted_by(|new, old| new >= old), "{times:?}");
    }
}
