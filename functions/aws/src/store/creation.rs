//! Making the table where no template does: on DynamoDB Local.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    TimeToLiveSpecification,
};
use traffic::ports::StoreError;

use super::error::Target;
use super::item::{EXPIRES_AT, PK, SK};

/// Makes the table as `infra/base.yaml` has it, unless it is there.
pub(super) async fn create(
    client: &Client,
    name: &str,
    target: &Target<'_>,
) -> Result<(), StoreError> {
    let mut table = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest);
    for (attribute, key) in [(PK, KeyType::Hash), (SK, KeyType::Range)] {
        let definition = AttributeDefinition::builder()
            .attribute_name(attribute)
            .attribute_type(ScalarAttributeType::S)
            .build();
        let key = KeySchemaElement::builder()
            .attribute_name(attribute)
            .key_type(key)
            .build();
        table = table
            .attribute_definitions(definition.expect("it has a name and a type"))
            .key_schema(key.expect("it has a name and a type"));
    }
    match table.send().await {
        Ok(_) => tracing::info!(table = name, "the table is made"),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|error| error.is_resource_in_use_exception()) =>
        {
            return Ok(());
        }
        Err(error) => return Err(target.failed(error)),
    }
    let expiry = TimeToLiveSpecification::builder()
        .attribute_name(EXPIRES_AT)
        .enabled(true)
        .build();
    let expiry = expiry.expect("it names an attribute");
    let expires = client.update_time_to_live().table_name(name);
    if let Err(error) = expires.time_to_live_specification(expiry).send().await {
        // reads leave out what has expired, so it only takes room
        let error = target.failed(error);
        let error: &dyn std::error::Error = &error;
        tracing::warn!(error, "what expires stays in the table");
    }
    Ok(())
}
