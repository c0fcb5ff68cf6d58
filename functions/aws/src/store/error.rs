//! Errors of the table: one that may pass, or a refusal for good, in a line that says what to do.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use traffic::error_chain;
use traffic::ports::StoreError;

use crate::failure::{Call, Failure};

/// DynamoDB takes no larger item.
pub(super) const MAX_ITEM: usize = 400 * 1024;

/// Answers that another try may change, beside those that say that DynamoDB itself has failed.
const PASSING: [&str; 6] = [
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "TransactionInProgressException",
    "TransactionConflictException",
];

/// An action on a table, as its error describes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    /// As in "cannot ...".
    pub(super) doing: &'static str,
    pub(super) action: &'static str,
    pub(super) place: &'a str,
    /// Without a region nothing is sent.
    pub(super) has_region: bool,
}

/// An item that DynamoDB would not take.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot {doing} ({place}): it has {} KB even when packed, and DynamoDB keeps {} KB at most; make \
     it smaller, or start a new run",
    .size.div_ceil(1024),
    MAX_ITEM / 1024
)]
pub(super) struct TooLarge {
    doing: &'static str,
    place: String,
    size: usize,
}

impl Target<'_> {
    /// The error of a call that failed.
    pub(super) fn failed<E>(&self, error: SdkError<E, HttpResponse>) -> StoreError
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let may_pass = self.has_region && may_pass(&error);
        let call = Call {
            doing: self.doing,
            resource: self.place,
            action: self.action,
            missing: "deploy the stack, or set CICADA_TABLE to its table and AWS_REGION to its region",
        };
        let failure = Failure::new(&call, error).into();
        if may_pass {
            StoreError::Unavailable(failure)
        } else {
            StoreError::Refused(failure)
        }
    }
}

impl TooLarge {
    pub(super) fn new(target: &Target<'_>, size: usize) -> Self {
        Self {
            doing: target.doing,
            place: target.place.to_owned(),
            size,
        }
    }
}

impl From<TooLarge> for StoreError {
    fn from(error: TooLarge) -> Self {
        Self::Refused(error.into())
    }
}

/// True if the same call may succeed later without anybody's doing.
fn may_pass<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: Error + ProvideErrorMetadata + 'static,
{
    if let Some(error) = error_chain::find::<CredentialsError>(error) {
        // whoever gives them did not answer
        return matches!(
            error,
            CredentialsError::ProviderTimedOut(_) | CredentialsError::ProviderError(_)
        );
    }
    match error {
        SdkError::ConstructionFailure(_) => false,
        SdkError::ServiceError(answer) => {
            let code = answer.err().code();
            answer.raw().status().is_server_error()
                || code.is_some_and(|code| PASSING.contains(&code))
        }
        // the request or its answer was lost on the way
        _ => true,
    }
}
