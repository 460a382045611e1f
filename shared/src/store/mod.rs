//! S3: images, results, locks, and the uploads that requests come in.

mod fault;
mod images;
mod uploads;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Builder, StalledStreamProtectionConfig};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use crate::Error;
use crate::aws::{self, status};
use crate::deadline::Deadline;
use crate::telemetry::Traced;

pub use images::{Images, Key};
pub use uploads::{Reading, Room, Uploads, Whole};

/// How long one attempt of a small call may take; the SDK makes up to three.
const ATTEMPT: Duration = Duration::from_secs(10);

/// What every object that is written here says of itself, so that none is taken for a request.
const WRITTEN_BY: (&str, &str) = ("written-by", "bedrock-lambdas");

/// A bucket's results and locks.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: Client,
    name: String,
}

/// On what condition an object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum If<'a> {
    /// In any case.
    Always,
    /// There is none.
    Absent,
    /// It has this tag.
    Tag(&'a str),
}

/// What came of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It is there, with this tag.
    Done(String),
    /// The condition did not hold.
    Refused,
}

/// An object's bytes, with its tag and its own metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The bytes.
    pub body: Bytes,
    /// The entity tag.
    pub tag: String,
    /// The metadata.
    pub metadata: BTreeMap<String, String>,
}

/// An object on its way into the bucket.
#[derive(Debug, Clone)]
pub struct Writing<'a> {
    /// Where to.
    pub key: &'a str,
    /// The bytes.
    pub body: Bytes,
    /// Its media type.
    pub content_type: &'static str,
    /// Its metadata.
    pub metadata: &'a [(&'static str, String)],
    /// On what condition.
    pub condition: If<'a>,
}

impl<'a> Writing<'a> {
    /// JSON that is written in any case.
    pub const fn json(key: &'a str, body: Bytes) -> Self {
        Self {
            key,
            body,
            content_type: "application/json",
            metadata: &[],
            condition: If::Always,
        }
    }

    /// The same, on a condition.
    #[must_use]
    pub fn on(self, condition: If<'a>) -> Self {
        Self { condition, ..self }
    }
}

impl Bucket {
    /// Builds the client.
    pub fn connect(sdk: &SdkConfig, name: String) -> Self {
        Self {
            client: client(sdk),
            name,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes an object.
    pub async fn put(&self, writing: Writing<'_>, deadline: Deadline) -> Result<Written, Error> {
        let Writing {
            key,
            body,
            content_type,
            metadata,
            condition,
        } = writing;
        fault::again(deadline, || async {
            let (name, value) = WRITTEN_BY;
            let mut request = self
                .client
                .put_object()
                .bucket(&self.name)
                .key(key)
                .content_type(content_type)
                .metadata(name, value)
                .body(ByteStream::from(body.clone()));
            for (name, value) in metadata {
                request = request.metadata(*name, value);
            }
            let request = match condition {
                If::Always => request,
                If::Absent => request.if_none_match("*"),
                If::Tag(tag) => request.if_match(tag),
            };
            let outcome = request
                .customize()
                .config_override(within(deadline))
                .send()
                .await;
            match outcome {
                Ok(output) => Ok(Written::Done(output.e_tag.unwrap_or_default())),
                Err(error) => match status(&error) {
                    Some(412) => Ok(Written::Refused),
                    // An object that is gone has not that tag.
                    Some(404) if matches!(condition, If::Tag(_)) => Ok(Written::Refused),
                    _ => Err(fault::of(&error, "PutObject")),
                },
            }
        })
        .await
    }

    /// Reads a small object whole; `None` if there is none.
    pub async fn get(&self, key: &str, deadline: Deadline) -> Result<Option<Found>, Error> {
        fault::again(deadline, || async {
            let request = self.client.get_object().bucket(&self.name).key(key);
            let outcome = request
                .customize()
                .config_override(within(deadline))
                .send()
                .await;
            let output = match outcome {
                Ok(output) => output,
                Err(error) if status(&error) == Some(404) => return Ok(None),
                Err(error) => return Err(fault::of(&error, "GetObject")),
            };
            let tag = output.e_tag.unwrap_or_default();
            let metadata = output.metadata.unwrap_or_default().into_iter().collect();
            let collecting = tokio::time::timeout(deadline.remaining(), output.body.collect());
            let body = match collecting.await {
                Ok(Ok(body)) => body.into_bytes(),
                Ok(Err(_)) | Err(_) => return Err(fault::broken("GetObject")),
            };
            Ok(Some(Found {
                body,
                tag,
                metadata,
            }))
        })
        .await
    }

    /// Whether an object is there.
    pub async fn has(&self, key: &str, deadline: Deadline) -> Result<bool, Error> {
        let request = self.client.head_object().bucket(&self.name).key(key);
        let outcome = request
            .customize()
            .config_override(within(deadline))
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(true),
            Err(error) if status(&error) == Some(404) => Ok(false),
            Err(error) => Err(fault::of(&error, "HeadObject")),
        }
    }

    /// Goes through the keys behind a prefix, a page at a time.
    pub async fn list(
        &self,
        prefix: &str,
        deadline: Deadline,
        mut key: impl FnMut(&str),
    ) -> Result<(), Error> {
        let mut token = None;
        loop {
            let request = self.client.list_objects_v2().bucket(&self.name);
            let page = request
                .prefix(prefix)
                .set_continuation_token(token)
                .customize()
                .config_override(within(deadline))
                .send()
                .await
                .map_err(|error| fault::of(&error, "ListBucket"))?;
            page.contents()
                .iter()
                .filter_map(|object| object.key())
                .for_each(&mut key);
            token = page.next_continuation_token;
            if token.is_none() {
                return Ok(());
            }
        }
    }
}

fn client(sdk: &SdkConfig) -> Client {
    let config = aws_sdk_s3::config::Builder::from(sdk)
        // `Reading` has a patience of its own.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .interceptor(Traced);
    Client::from_conf(config.build())
}

fn within(deadline: Deadline) -> Builder {
    Builder::default().timeout_config(aws::within(deadline, ATTEMPT))
}
