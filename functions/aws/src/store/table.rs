//! The table, by the five calls that everything is made of: put, put if, delete if, get and query.
//!
//! Reads are consistent: they see every write that was acknowledged before. What fails becomes a
//! [`StoreError`] that may pass or says in one line what to do.

use std::collections::HashMap;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use traffic::ports::StoreError;

use super::creation;
use super::error::{MAX_ITEM, Target, TooLarge};
use super::item::{Item, PK, SK};

/// The code of AWS's error about a condition that does not hold.
const NOT_MET: &str = "ConditionalCheckFailedException";

/// A table of a region.
#[derive(Clone, Debug)]
pub(super) struct Table {
    client: Client,
    name: Arc<str>,
    /// For people.
    place: Arc<str>,
    has_region: bool,
}

/// When an item may be written or deleted.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    expression: &'static str,
    values: HashMap<String, AttributeValue>,
}

/// Items of one partition key.
#[derive(Clone, Debug)]
pub(super) struct Range {
    pub(super) pk: String,
    /// The first sort key, if not all are wanted.
    pub(super) from: Option<String>,
    /// The first sort key after them, unless the last ones are wanted, too; not together with `from`.
    pub(super) before: Option<String>,
    /// From the last sort key to the first.
    pub(super) descending: bool,
    /// The most items of one read, if not as many as fit in a megabyte.
    pub(super) limit: Option<usize>,
}

/// Some items of a range, and where to read on.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) items: Vec<Item>,
    pub(super) next: Option<HashMap<String, AttributeValue>>,
}

impl Table {
    pub(super) fn new(config: &SdkConfig, name: &str) -> Self {
        let region = config.region();
        Self {
            client: Client::new(config),
            name: name.into(),
            place: match region {
                Some(region) => format!("table {name} in {region}"),
                None => format!("table {name}, no region"),
            }
            .into(),
            has_region: region.is_some(),
        }
    }

    /// Makes the table, unless it is there.
    pub(super) async fn create(&self) -> Result<(), StoreError> {
        let target = self.target("make the table", "dynamodb:CreateTable");
        creation::create(&self.client, &self.name, &target).await
    }

    /// Writes an item, whatever was there.
    pub(super) async fn put(&self, doing: &'static str, item: Item) -> Result<(), StoreError> {
        let target = self.target(doing, "dynamodb:PutItem");
        let put = self.client.put_item().table_name(&*self.name);
        let put = put.set_item(Some(checked(&target, item)?));
        put.send().await.map_err(|error| target.failed(error))?;
        Ok(())
    }

    /// Writes an item if the condition holds; returns what was there.
    pub(super) async fn put_if(
        &self,
        doing: &'static str,
        item: Item,
        condition: Condition,
    ) -> Result<Option<Item>, StoreError> {
        let target = self.target(doing, "dynamodb:PutItem");
        let put = self.client.put_item().table_name(&*self.name);
        let put = put
            .set_item(Some(checked(&target, item)?))
            .condition_expression(condition.expression)
            .set_expression_attribute_values(Some(condition.values))
            .return_values(ReturnValue::AllOld);
        match put.send().await {
            Ok(written) => Ok(written.attributes.map(Item::from)),
            Err(error) if error.code() == Some(NOT_MET) => Err(StoreError::Conflict),
            Err(error) => Err(target.failed(error)),
        }
    }

    /// Deletes an item, if it is there and the condition, if there is one, holds.
    pub(super) async fn delete(
        &self,
        doing: &'static str,
        (pk, sk): (String, String),
        condition: Option<Condition>,
    ) -> Result<(), StoreError> {
        let target = self.target(doing, "dynamodb:DeleteItem");
        let mut delete = self.client.delete_item().table_name(&*self.name);
        delete = delete
            .key(PK, AttributeValue::S(pk))
            .key(SK, AttributeValue::S(sk));
        if let Some(condition) = condition {
            delete = delete
                .condition_expression(condition.expression)
                .set_expression_attribute_values(Some(condition.values));
        }
        match delete.send().await {
            Err(error) if error.code() == Some(NOT_MET) => Ok(()),
            deleted => deleted.map(|_| ()).map_err(|error| target.failed(error)),
        }
    }

    /// The item of a key.
    pub(super) async fn get(
        &self,
        doing: &'static str,
        pk: impl Into<String>,
        sk: impl Into<String>,
    ) -> Result<Option<Item>, StoreError> {
        let get = self.client.get_item().table_name(&*self.name);
        let get = get
            .key(PK, AttributeValue::S(pk.into()))
            .key(SK, AttributeValue::S(sk.into()))
            .consistent_read(true);
        let target = self.target(doing, "dynamodb:GetItem");
        let got = get.send().await.map_err(|error| target.failed(error))?;
        Ok(got.item.map(Item::from))
    }

    /// All items of a range.
    pub(super) async fn query(
        &self,
        doing: &'static str,
        range: Range,
    ) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut next = None;
        loop {
            let page = self.page(doing, &range, next).await?;
            items.extend(page.items);
            if page.next.is_none() {
                return Ok(items);
            }
            next = page.next;
        }
    }

    /// The items of a range from `start` on, as many as come at once.
    pub(super) async fn page(
        &self,
        doing: &'static str,
        range: &Range,
        start: Option<HashMap<String, AttributeValue>>,
    ) -> Result<Page, StoreError> {
        let query = self.client.query().table_name(&*self.name);
        let mut query = query
            .consistent_read(true)
            .scan_index_forward(!range.descending)
            .set_limit(
                range
                    .limit
                    .map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)),
            )
            .set_exclusive_start_key(start)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(range.pk.clone()));
        if let Some(from) = &range.from {
            query = query
                .key_condition_expression("pk = :pk AND sk >= :from")
                .expression_attribute_values(":from", AttributeValue::S(from.clone()));
        }
        if let Some(before) = &range.before {
            query = query
                .key_condition_expression("pk = :pk AND sk < :before")
                .expression_attribute_values(":before", AttributeValue::S(before.clone()));
        }
        let target = self.target(doing, "dynamodb:Query");
        let found = query.send().await.map_err(|error| target.failed(error))?;
        let items = found.items.unwrap_or_default();
        Ok(Page {
            items: items.into_iter().map(Item::from).collect(),
            next: found.last_evaluated_key,
        })
    }

    fn target(&self, doing: &'static str, action: &'static str) -> Target<'_> {
        Target {
            doing,
            action,
            place: &self.place,
            has_region: self.has_region,
        }
    }
}

impl Condition {
    /// An expression without values.
    pub(super) fn new(expression: &'static str) -> Self {
        Self {
            expression,
            values: HashMap::new(),
        }
    }

    /// With what stands for `name` in it.
    pub(super) fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(name.to_owned(), value);
        self
    }
}

/// Refuses an item that is too large for DynamoDB.
fn checked(target: &Target<'_>, item: Item) -> Result<HashMap<String, AttributeValue>, StoreError> {
    let size = item.size();
    if size > MAX_ITEM {
        return Err(TooLarge::new(target, size).into());
    }
    Ok(item.into())
}
