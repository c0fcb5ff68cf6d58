//! A secret of Secrets Manager, read once where a process starts.

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;

use crate::failure::{Call, Failure};

/// The reason why a secret cannot be used; its value is in no message.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SecretError(#[from] Why);

#[derive(Debug, thiserror::Error)]
enum Why {
    #[error(transparent)]
    Unread(#[from] Failure),
    #[error("the secret {0} is binary: store USER:PASSWORD as its text")]
    Binary(String),
}

/// The text of the current version of the secret `arn`.
///
/// # Errors
/// When there is none, or the process's role may not read it.
pub async fn read(config: &SdkConfig, arn: &str) -> Result<String, SecretError> {
    let asked = Client::new(config).get_secret_value().secret_id(arn);
    let answer = asked.send().await.map_err(|error| {
        let call = Call {
            doing: "read the password",
            resource: arn,
            action: "secretsmanager:GetSecretValue",
            missing: "deploy with its ARN as --password-secret",
        };
        Why::from(Failure::new(&call, error))
    })?;
    match answer.secret_string() {
        Some(text) => Ok(text.trim().to_owned()),
        None => Err(Why::Binary(arn.to_owned()).into()),
    }
}
