//! One item of the table: attributes by name, read and written as what they are, and what it weighs.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use traffic::clock::{SLOT_MICROS, Timestamp};
use traffic::ports::StoreError;
use traffic::run::RunId;

/// The partition key.
pub(super) const PK: &str = "pk";

/// The sort key.
pub(super) const SK: &str = "sk";

/// The writer's nonce: a write that is sent twice has the same one, and so is one write.
pub(super) const WRITER: &str = "writer";

/// When the item may go, in seconds since the Unix epoch: the table's time-to-live attribute.
pub(super) const EXPIRES_AT: &str = "expires_at";

/// Attributes by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Item(HashMap<String, AttributeValue>);

impl Item {
    /// An item with its key and nothing else.
    pub(super) fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self::default().text(PK, pk).text(SK, sk)
    }

    /// With a text.
    pub(super) fn text(self, name: &str, value: impl Into<String>) -> Self {
        self.with(name, AttributeValue::S(value.into()))
    }

    /// With a number.
    pub(super) fn number(self, name: &str, value: impl Into<u64>) -> Self {
        self.with(name, number(value.into()))
    }

    /// With bytes.
    pub(super) fn bytes(self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.with(name, AttributeValue::B(Blob::new(value)))
    }

    /// With the time from when on nobody needs it.
    pub(super) fn expires_at(self, instant: Timestamp) -> Self {
        self.number(EXPIRES_AT, instant.micros().div_ceil(SLOT_MICROS))
    }

    fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// True if it is still there for readers: DynamoDB takes days to delete what has expired.
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        match self.0.get(EXPIRES_AT) {
            Some(AttributeValue::N(seconds)) => seconds
                .parse()
                .is_ok_and(|seconds: u64| now.full_second().0 < seconds),
            _ => true,
        }
    }

    /// True if it has this attribute.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A text that must be there.
    pub(super) fn read_text(&self, name: &str) -> Result<&str, StoreError> {
        match self.0.get(name) {
            Some(AttributeValue::S(text)) => Ok(text),
            _ => Err(self.lacks(name)),
        }
    }

    /// A number that must be there.
    pub(super) fn read_number<T: TryFrom<u64>>(&self, name: &str) -> Result<T, StoreError> {
        let number = match self.0.get(name) {
            Some(AttributeValue::N(digits)) => digits.parse().ok(),
            _ => None,
        };
        let number = number.and_then(|number: u64| T::try_from(number).ok());
        number.ok_or_else(|| self.lacks(name))
    }

    /// Bytes that must be there; the item has them no more.
    pub(super) fn take_bytes(&mut self, name: &str) -> Result<Bytes, StoreError> {
        match self.0.remove(name) {
            Some(AttributeValue::B(blob)) => Ok(blob.into_inner().into()),
            _ => Err(self.lacks(name)),
        }
    }

    /// The size that DynamoDB counts: the bytes of all names and values.
    pub(super) fn size(&self) -> usize {
        let attributes = self.0.iter();
        attributes
            .map(|(name, value)| name.len() + size(value))
            .sum()
    }

    /// The error of an item that we did not write, or that a newer version wrote.
    fn lacks(&self, name: &str) -> StoreError {
        let key = |name| match self.0.get(name) {
            Some(AttributeValue::S(text)) => text.clone(),
            _ => String::new(),
        };
        let (pk, sk) = (key(PK), key(SK));
        StoreError::Corrupt(format!("the item {pk} / {sk} has no good {name:?}").into())
    }
}

impl From<HashMap<String, AttributeValue>> for Item {
    fn from(attributes: HashMap<String, AttributeValue>) -> Self {
        Self(attributes)
    }
}

impl From<Item> for HashMap<String, AttributeValue> {
    fn from(item: Item) -> Self {
        item.0
    }
}

/// A number as DynamoDB takes it.
pub(super) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        // two digits in a byte, and one more byte
        AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        AttributeValue::B(blob) => blob.as_ref().len(),
        _ => 1,
    }
}

/// Everything about a run beside the run itself.
pub(super) fn run_partition(run: &RunId) -> String {
    format!("run#{run}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_item_weighs_its_names_and_values() {
        let item = Item::new("runs", "a").number("slot", 1_800_000_000_u64);
        let item = item.bytes("body", vec![0; 10]);
        assert_eq!(item.size(), (2 + 4) + (2 + 1) + (4 + 6) + (4 + 10));
    }

    #[test]
    fn an_item_is_there_until_it_expires_and_not_longer() {
        let end = Timestamp::from_micros(1_800_000_000_000_001);
        let item = Item::new("a", "b").expires_at(end);
        assert!(item.is_live(end));
        assert!(!item.is_live(end + Duration::from_secs(1)));
        assert!(Item::new("a", "b").is_live(end));
    }

    #[test]
    fn what_is_missing_is_named_with_the_item() {
        let item = Item::new("runs", "1").text("revision", "one");
        let error = item.read_number::<u64>("revision").unwrap_err();
        let StoreError::Corrupt(source) = error else {
            panic!("{error:?}");
        };
        assert_eq!(
            source.to_string(),
            "the item runs / 1 has no good \"revision\""
        );
    }
}
