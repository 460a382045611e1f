//! SQS: messages that are sent on, and when a message comes back.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::RequestId;
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, SendMessageBatchRequestEntry};

use crate::Error;
use crate::aws;
use crate::deadline::Deadline;
use crate::error::{Cause, UpstreamFault};
use crate::telemetry::Traced;

/// How many entries one call may have.
pub const MOST_ENTRIES: usize = 10;

/// How long one attempt of a call may take; the SDK makes up to three.
const ATTEMPT: Duration = Duration::from_secs(5);

/// How often entries are sent that SQS did not take.
const ATTEMPTS: usize = 3;

/// The longest that SQS keeps a message back before it is seen at all.
pub const LONGEST_DELAY: Duration = Duration::from_secs(15 * 60);

/// The client.
#[derive(Debug, Clone)]
pub struct Queues {
    client: Client,
}

impl Queues {
    /// Builds the client.
    pub fn connect(sdk: &SdkConfig) -> Self {
        Self {
            client: Client::from_conf(Builder::from(sdk).interceptor(Traced).build()),
        }
    }

    /// Sends a message that is seen after a delay of whole seconds.
    pub async fn send(
        &self,
        url: &str,
        body: String,
        delay: Duration,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let seconds = delay.min(LONGEST_DELAY).as_secs();
        self.client
            .send_message()
            .queue_url(url)
            .message_body(body)
            .delay_seconds(i32::try_from(seconds).unwrap_or_default())
            .customize()
            .config_override(within(deadline))
            .send()
            .await
            .map_err(|error| fault(&error, "SendMessage"))?;
        Ok(())
    }

    /// Sends up to ten messages. Those that SQS does not take at once are sent again.
    pub async fn send_all(
        &self,
        url: &str,
        bodies: Vec<String>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let mut left: Vec<(String, String)> = bodies
            .into_iter()
            .enumerate()
            .map(|(index, body)| (index.to_string(), body))
            .collect();
        for _ in 0..ATTEMPTS {
            let mut request = self.client.send_message_batch().queue_url(url);
            for (id, body) in &left {
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(id)
                    .message_body(body)
                    .build()
                    .map_err(|_| Error::defect("entry"))?;
                request = request.entries(entry);
            }
            let output = request
                .customize()
                .config_override(within(deadline))
                .send()
                .await
                .map_err(|error| fault(&error, "SendMessage"))?;
            let sent = output.successful();
            left.retain(|(id, _)| !sent.iter().any(|entry| entry.id() == id));
            if left.is_empty() {
                return Ok(());
            }
        }
        let fault = UpstreamFault::QueueUnavailable;
        let cause = Cause::of("BatchEntries");
        Err(Error::Upstream { fault, cause }.during("SendMessage", None))
    }

    /// Says when messages are to come back, by their receipt handles. What fails here only makes a
    /// message wait for the queue's own time.
    pub async fn come_back(
        &self,
        url: &str,
        messages: &[(String, Duration)],
        deadline: Deadline,
    ) -> Result<(), Error> {
        // One call that fails does not keep the others from being made.
        let mut outcome = Ok(());
        for part in messages.chunks(MOST_ENTRIES) {
            let mut request = self.client.change_message_visibility_batch().queue_url(url);
            for (index, (handle, wait)) in part.iter().enumerate() {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(handle)
                    .visibility_timeout(i32::try_from(wait.as_secs()).unwrap_or(i32::MAX))
                    .build()
                    .map_err(|_| Error::defect("entry"))?;
                request = request.entries(entry);
            }
            let changed = request
                .customize()
                .config_override(within(deadline))
                .send()
                .await
                .map_err(|error| fault(&error, "ChangeMessageVisibility"));
            outcome = outcome.and(changed.map(drop));
        }
        outcome
    }
}

fn fault<E>(error: &SdkError<E, HttpResponse>, action: &'static str) -> Error
where
    E: ProvideErrorMetadata + RequestId,
{
    let service = error.as_service_error();
    let cause = aws::cause(error, service.and_then(RequestId::request_id));
    let fault = UpstreamFault::QueueUnavailable;
    Error::Upstream { fault, cause }.during(action, None)
}

fn within(deadline: Deadline) -> Builder {
    Builder::default().timeout_config(aws::within(deadline, ATTEMPT))
}
