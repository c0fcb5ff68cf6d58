//! Bodies that are deflated where that saves units: DynamoDB charges writes by the kilobyte, reads by
//! four, and keeps 400 in an item.
//!
//! A body is in one of two attributes, as it is or `packed`, so that what is small stays readable for
//! people who look at the table.

use bytes::Bytes;
use traffic::ports::StoreError;

use super::item::Item;

/// The bytes that one write unit pays for.
pub(super) const WRITE_UNIT: usize = 1024;

/// The bytes that one unit of a consistent read pays for.
const READ_UNIT: usize = 4096;

/// A body that was deflated.
pub(super) const PACKED: &str = "packed";

/// Fast, and close to the best for what is written here.
const LEVEL: u8 = 6;

/// More than anything that was written ever grows to.
const MAX_UNPACKED: usize = 256 << 20;

impl Item {
    /// With a text, packed if one read unit would not pay for the item otherwise.
    pub(super) fn packing_text(self, name: &str, value: &str) -> Self {
        let plain = self.clone().text(name, value);
        if plain.size() <= READ_UNIT && !value.is_empty() {
            return plain;
        }
        let packed = self.bytes(PACKED, pack(value.as_bytes()));
        better(plain, packed, value.is_empty())
    }

    /// With bytes, packed if that saves a write unit.
    pub(super) fn packing_bytes(self, name: &str, value: &Bytes) -> Self {
        let plain = self.clone().bytes(name, &value[..]);
        if plain.size() <= WRITE_UNIT && !value.is_empty() {
            return plain;
        }
        let packed = self.bytes(PACKED, pack(value));
        better(plain, packed, value.is_empty())
    }

    /// The text that was written with [`Item::packing_text`].
    pub(super) fn unpack_text(&mut self, name: &str) -> Result<String, StoreError> {
        if !self.has(PACKED) {
            return self.read_text(name).map(str::to_owned);
        }
        let bytes = unpack(&self.take_bytes(PACKED)?)?;
        String::from_utf8(bytes).map_err(|error| StoreError::Corrupt(error.into()))
    }

    /// The bytes that were written with [`Item::packing_bytes`].
    pub(super) fn unpack_bytes(&mut self, name: &str) -> Result<Bytes, StoreError> {
        if !self.has(PACKED) {
            return self.take_bytes(name);
        }
        Ok(unpack(&self.take_bytes(PACKED)?)?.into())
    }
}

/// Deflates bytes.
pub(super) fn pack(bytes: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec(bytes, LEVEL)
}

/// Inflates what was deflated.
pub(super) fn unpack(packed: &[u8]) -> Result<Vec<u8>, StoreError> {
    miniz_oxide::inflate::decompress_to_vec_with_limit(packed, MAX_UNPACKED).map_err(|error| {
        let text = format!("a packed body cannot be inflated ({:?})", error.status);
        StoreError::Corrupt(text.into())
    })
}

/// Empty bytes are packed: not every DynamoDB takes an empty attribute.
fn better(plain: Item, packed: Item, is_empty: bool) -> Item {
    let units = |item: &Item| item.size().div_ceil(WRITE_UNIT);
    if is_empty || units(&packed) < units(&plain) {
        packed
    } else {
        plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> Item {
        Item::new("runs", "a")
    }

    #[test]
    fn what_is_small_stays_readable_and_what_is_large_is_packed() {
        for (length, packed) in [(0, true), (4_000, false), (5_000, true), (2_000_000, true)] {
            let text = "0123456789".repeat(length / 10);
            let mut item = item().packing_text("body", &text);
            assert_eq!(item.has(PACKED), packed, "{length}");
            assert!(item.size() <= 4096 + 2_000_000 / 200);
            assert_eq!(item.unpack_text("body").unwrap(), text);
        }
    }

    #[test]
    fn bytes_are_packed_only_where_that_saves_a_write_unit() {
        let noise = |length: usize| -> Bytes {
            let mut state = 1_u64;
            let mut next = || {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 56) as u8
            };
            (0..length).map(|_| next()).collect()
        };
        let zeros = |length: usize| Bytes::from(vec![0; length]);
        for (bytes, packed) in [
            (zeros(0), true),
            (zeros(1_000), false),
            (zeros(1_100), true),
            (noise(1_100), false),
            (zeros(390_000), true),
        ] {
            let mut item = item().packing_bytes("payload", &bytes);
            assert_eq!(item.has(PACKED), packed, "{}", bytes.len());
            assert_eq!(item.unpack_bytes("payload").unwrap(), bytes);
        }
    }

    #[test]
    fn damaged_bytes_are_an_error() {
        let mut item = item().bytes(PACKED, vec![0xff; 20]);
        let error = item.unpack_bytes("payload").unwrap_err();
        assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
    }
}
