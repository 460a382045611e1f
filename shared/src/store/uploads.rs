//! Uploads: the objects that requests come in.

use std::ops::Range;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::{Bytes, BytesMut};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{WRITTEN_BY, client, fault, within};
use crate::Error;
use crate::aws::status;
use crate::deadline::Deadline;
use crate::error::RequestFault;
use crate::jobs::Object;

/// The memory that bodies may take, all records of an invocation together: more than the largest body
/// that any configuration lets in.
const ROOM: usize = 8 * 1024 * 1024;

/// How long a body may pause.
const IDLE: Duration = Duration::from_secs(20);

/// The client that reads them.
#[derive(Debug, Clone)]
pub struct Uploads {
    client: Client,
}

/// The memory that is left for bodies. A request is held several times over while it is read,
/// translated and sent.
#[derive(Debug)]
pub struct Room {
    free: Semaphore,
    largest: usize,
}

/// An object, or a range of it, that has been read. Its room is free again when it goes.
#[derive(Debug)]
pub struct Whole<'r> {
    /// Whether this program wrote it: then it is an answer and no request.
    pub is_own: bool,
    /// The bytes.
    pub body: Vec<u8>,
    _room: SemaphorePermit<'r>,
}

impl Room {
    /// All of it, for bodies of up to this size.
    pub fn new(largest: usize) -> Self {
        Self {
            free: Semaphore::new(ROOM.max(largest)),
            largest,
        }
    }

    async fn take(&self, bytes: usize) -> Result<SemaphorePermit<'_>, Error> {
        let bytes = u32::try_from(bytes).map_err(|_| Error::defect("room"))?;
        let taken = self.free.acquire_many(bytes).await;
        taken.map_err(|_| Error::defect("room"))
    }
}

/// An object that is being read.
#[derive(Debug)]
pub struct Reading {
    /// Whether this program wrote it: then it is an answer and no request.
    pub is_own: bool,
    /// Bytes that are still to come, where S3 says it.
    pub size: Option<u64>,
    body: ByteStream,
    /// Bytes that come and were not asked for: a server may pass a range over.
    skip: u64,
    deadline: Deadline,
}

impl Uploads {
    /// Builds the client.
    pub fn connect(sdk: &SdkConfig) -> Self {
        Self {
            client: client(sdk),
        }
    }

    /// Begins to read an object from this byte on: the version that was announced, and no other.
    pub async fn open(
        &self,
        object: &Object,
        from: u64,
        deadline: Deadline,
    ) -> Result<Reading, Error> {
        let range = (from > 0).then(|| format!("bytes={from}-"));
        self.get(object, range, from, deadline).await
    }

    /// Reads an object, or a range of it, whole, once there is room for it. What is longer than the limit
    /// is not read.
    pub async fn read<'r>(
        &self,
        object: &Object,
        range: Option<Range<u64>>,
        room: &'r Room,
        deadline: Deadline,
    ) -> Result<Whole<'r>, Error> {
        let limit = room.largest;
        fault::again(deadline, || async {
            let (from, header, wanted) = match &range {
                None => (0, None, None),
                Some(range) => {
                    let last = range.end.saturating_sub(1);
                    let header = format!("bytes={}-{last}", range.start);
                    let wanted = usize::try_from(range.end.saturating_sub(range.start));
                    (range.start, Some(header), wanted.ok())
                }
            };
            let mut reading = self.get(object, header, from, deadline).await?;
            let too_large = |size| Error::from(RequestFault::BodyTooLarge { size, limit });
            let announced = wanted.or_else(|| reading.size.and_then(|size| size.try_into().ok()));
            if let Some(size) = announced.filter(|size| *size > limit) {
                return Err(too_large(size));
            }
            let taken = room.take(announced.unwrap_or(limit)).await?;
            let mut body = BytesMut::with_capacity(announced.unwrap_or_default());
            while let Some(bytes) = reading.next().await? {
                body.extend_from_slice(&bytes);
                if let Some(wanted) = wanted.filter(|wanted| body.len() >= *wanted) {
                    body.truncate(wanted);
                    break;
                }
                if body.len() > limit {
                    return Err(too_large(body.len()));
                }
            }
            Ok(Whole {
                is_own: reading.is_own,
                body: body.into(),
                _room: taken,
            })
        })
        .await
    }

    async fn get(
        &self,
        object: &Object,
        range: Option<String>,
        from: u64,
        deadline: Deadline,
    ) -> Result<Reading, Error> {
        let Object {
            bucket,
            key,
            version_id,
            etag,
            sequencer: _,
        } = object;
        // Without a version the tag says whether it is still the same object.
        let tag = etag.as_deref().filter(|_| version_id.is_none());
        let outcome = self
            .client
            .get_object()
            .bucket(bucket)
            .key(key)
            .set_version_id(version_id.clone())
            .set_if_match(tag.map(|tag| format!("\"{tag}\"")))
            .set_range(range)
            .customize()
            .config_override(within(deadline))
            .send()
            .await;
        match outcome {
            Ok(output) => Reading::of(output, from, deadline),
            Err(error) => match status(&error) {
                // 405: the version is a delete marker. 412 and 416: it is not what was announced.
                Some(404 | 405 | 412 | 416) => Err(RequestFault::InputGone.into()),
                // No version has such a name.
                Some(400) if version_id.is_some() => Err(RequestFault::InputGone.into()),
                _ => Err(fault::of(&error, "GetObject")),
            },
        }
    }
}

impl Reading {
    fn of(output: GetObjectOutput, from: u64, deadline: Deadline) -> Result<Self, Error> {
        let plain = output.content_encoding().is_none_or(|encoding| {
            // S3's clients say how they sent it, and some servers keep that.
            matches!(encoding, "" | "identity" | "aws-chunked")
        });
        if !plain {
            return Err(RequestFault::MediaTypeUnsupported.into());
        }
        let (name, value) = WRITTEN_BY;
        let metadata = output.metadata();
        let skip = match output.content_range() {
            Some(_) => 0,
            None => from,
        };
        Ok(Self {
            is_own: metadata
                .and_then(|metadata| metadata.get(name))
                .map(String::as_str)
                == Some(value),
            size: output
                .content_length
                .and_then(|length| u64::try_from(length).ok()),
            body: output.body,
            skip,
            deadline,
        })
    }

    /// More bytes; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let patience = IDLE.min(self.deadline.remaining());
            let next = tokio::time::timeout(patience, self.body.next()).await;
            let mut bytes = match next {
                Ok(Some(Ok(bytes))) => bytes,
                Ok(None) => return Ok(None),
                Ok(Some(Err(_))) | Err(_) => return Err(fault::broken("GetObject")),
            };
            let skipped =
                usize::try_from(self.skip).map_or(bytes.len(), |skip| skip.min(bytes.len()));
            self.skip -= skipped as u64;
            let bytes = bytes.split_off(skipped);
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
    }
}
