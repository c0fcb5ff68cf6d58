//! What the shop sells.

use serde::Serialize;

/// One product of the catalogue.
#[derive(Debug, Serialize)]
pub(crate) struct Product {
    pub(crate) id: u32,
    pub(crate) sku: &'static str,
    pub(crate) name: &'static str,
    pub(crate) category: &'static str,
    pub(crate) description: &'static str,
    pub(crate) price: f64,
    pub(crate) currency: &'static str,
    pub(crate) stock: u32,
    pub(crate) rating: f64,
}

const fn product(
    (id, sku, name): (u32, &'static str, &'static str),
    (category, description): (&'static str, &'static str),
    (price, stock, rating): (f64, u32, f64),
) -> Product {
    Product {
        id,
        sku,
        name,
        category,
        description,
        price,
        currency: "USD",
        stock,
        rating,
    }
}

/// Every product, by ascending id from 1.
pub(crate) const CATALOGUE: [Product; 8] = [
    product(
        (1, "LAP-1401", "Laptop"),
        ("computers", "14-inch laptop, 16 GB memory, 512 GB storage"),
        (499.0, 34, 4.6),
    ),
    product(
        (2, "PHN-0607", "Phone"),
        ("phones", "6.1-inch phone, 128 GB, dual SIM"),
        (349.5, 120, 4.4),
    ),
    product(
        (3, "TAB-1103", "Tablet"),
        ("computers", "11-inch tablet with pen"),
        (279.0, 58, 4.3),
    ),
    product(
        (4, "HDP-0212", "Headphones"),
        ("audio", "wireless over-ear headphones, 30 hours"),
        (129.99, 210, 4.7),
    ),
    product(
        (5, "MON-2704", "Monitor"),
        ("displays", "27-inch monitor, 2560 by 1440, USB-C"),
        (319.0, 41, 4.5),
    ),
    product(
        (6, "KEY-8801", "Keyboard"),
        ("accessories", "mechanical keyboard, 87 keys"),
        (89.9, 175, 4.8),
    ),
    product(
        (7, "MSE-0519", "Mouse"),
        ("accessories", "wireless mouse, six buttons"),
        (39.95, 260, 4.2),
    ),
    product(
        (8, "CAM-1080", "Webcam"),
        ("accessories", "1080p webcam with shutter"),
        (59.0, 96, 4.1),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_count_up_from_one() {
        let ids: Vec<u32> = CATALOGUE.iter().map(|product| product.id).collect();
        assert_eq!(ids, (1..=8).collect::<Vec<_>>());
    }
}
