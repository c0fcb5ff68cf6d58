//! Calls of AWS that failed, each as one line that says what to do.
//!
//! The SDK's error stays beneath it as the source. The line names the resource and the action, as
//! whoever reads it has to find them in a policy; it never holds credentials.

use std::error::Error;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_smithy_runtime_api::client::result::SdkError;
use traffic::error_chain;

/// A call as its error describes it.
pub(crate) struct Call<'a> {
    /// As in "cannot ...".
    pub(crate) doing: &'a str,
    /// Which queue or schedule, as its users know it.
    pub(crate) resource: &'a str,
    /// The action that a policy has to allow.
    pub(crate) action: &'a str,
    /// The remedy if the resource is not there.
    pub(crate) missing: &'a str,
}

/// A call that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    line: String,
    source: Box<dyn Error + Send + Sync>,
}

impl Failure {
    /// The failure of a call.
    pub(crate) fn new<E, R>(call: &Call<'_>, error: SdkError<E, R>) -> Self
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
        R: fmt::Debug + Send + Sync + 'static,
    {
        let reason = match &error {
            SdkError::ServiceError(answer) => call.refused(answer.err()),
            SdkError::TimeoutError(_) => {
                "AWS did not answer in time; try again, and check AWS_REGION and the network"
                    .to_owned()
            }
            _ if error_chain::find::<CredentialsError>(&error).is_some() => {
                "there are no AWS credentials; give the function a role, or log in with the AWS CLI"
                    .to_owned()
            }
            _ => format!(
                "AWS cannot be reached ({}); check AWS_REGION, AWS_ENDPOINT_URL and the network",
                error_chain::chain(&error).last().unwrap_or(&error)
            ),
        };
        Self {
            line: format!("cannot {} ({}): {reason}", call.doing, call.resource),
            source: error.into(),
        }
    }
}

impl Call<'_> {
    /// AWS's refusal, as what to do about it.
    fn refused(&self, answer: &impl ProvideErrorMetadata) -> String {
        let code = answer.code().unwrap_or("no code");
        let message = answer.message().unwrap_or("no message");
        // services that speak the older protocol put their name before the code
        let name = code.rsplit('.').next().unwrap_or(code);
        match name {
            _ if message.contains("iam:PassRole") => format!(
                "the schedule's role may not be passed on; allow iam:PassRole on it, as the stack does \
                 ({message})"
            ),
            _ if message.contains("to assume the role") => format!(
                "the schedule's role does not exist or does not trust scheduler.amazonaws.com; deploy \
                 the stack, and set CICADA_SCHEDULER_ROLE_ARN to its role ({message})"
            ),
            "AccessDenied" | "AccessDeniedException" => {
                let action = self.action;
                format!("not allowed; allow {action} on it, as the stack's roles do ({message})")
            }
            "NonExistentQueue" | "QueueDoesNotExist" | "ResourceNotFoundException" => {
                format!(
                    "it does not exist in this region and account; {}",
                    self.missing
                )
            }
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidAccessKeyId"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "SignatureDoesNotMatch"
            | "InvalidSignatureException"
            | "IncompleteSignature" => format!(
                "AWS does not accept the credentials; log in again, and check the machine's clock \
                 ({code}: {message})"
            ),
            _ => format!("{code}: {message}"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_scheduler::error::ErrorMetadata;
    use aws_sdk_scheduler::operation::update_schedule::UpdateScheduleError;

    use super::*;

    fn line(code: &str, message: &str) -> String {
        let call = Call {
            doing: "switch the heartbeat",
            resource: "schedule cicada-dev/heartbeat",
            action: "scheduler:UpdateSchedule",
            missing: "deploy the stack",
        };
        let metadata = ErrorMetadata::builder().code(code).message(message).build();
        let error = UpdateScheduleError::generic(metadata);
        Failure::new(&call, SdkError::service_error(error, ())).to_string()
    }

    #[test]
    fn what_aws_answers_becomes_one_line_that_says_what_to_do() {
        for (code, message, expected) in [
            (
                "AccessDeniedException",
                "User: a is not authorized",
                "allow scheduler:UpdateSchedule on it",
            ),
            (
                "AccessDeniedException",
                "not authorized to perform: iam:PassRole",
                "allow iam:PassRole on it",
            ),
            (
                "ValidationException",
                "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
                "deploy the stack, and set CICADA_SCHEDULER_ROLE_ARN",
            ),
            (
                "ResourceNotFoundException",
                "Schedule heartbeat does not exist.",
                "does not exist in this region and account; deploy the stack",
            ),
            (
                "AWS.SimpleQueueService.NonExistentQueue",
                "no",
                "does not exist in this region and account",
            ),
            ("UnrecognizedClientException", "invalid", "log in again"),
            ("ExpiredTokenException", "expired", "log in again"),
            (
                "InternalServerException",
                "oops",
                "InternalServerException: oops",
            ),
        ] {
            let line = line(code, message);
            let names = "cannot switch the heartbeat (schedule cicada-dev/heartbeat): ";
            assert!(line.starts_with(names) && line.contains(expected), "{line}");
            assert!(!line.contains('\n'));
        }
    }
}
