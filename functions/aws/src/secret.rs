//! A secret of Secrets Manager, read once where a process starts.

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;

use crate::environment::causes;

/// Why a secret cannot be used; its value is in no message.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It was not given.
    #[error("the secret {arn} cannot be read ({reason}): deploy with its ARN as --password-secret")]
    Unread {
        /// Which.
        arn: String,
        /// What AWS says.
        reason: String,
    },
    /// It is bytes.
    #[error("the secret {arn} is binary: store a text")]
    Binary {
        /// Which.
        arn: String,
    },
}

/// The text of the current version of the secret `arn`.
///
/// # Errors
/// When there is none, or the process's role may not read it.
pub async fn read(config: &SdkConfig, arn: &str) -> Result<String, SecretError> {
    let asked = Client::new(config).get_secret_value().secret_id(arn);
    let answer = asked.send().await.map_err(|error| SecretError::Unread {
        arn: arn.to_owned(),
        reason: causes(&error),
    })?;
    let text = answer.secret_string().ok_or_else(|| SecretError::Binary {
        arn: arn.to_owned(),
    })?;
    Ok(text.trim().to_owned())
}
