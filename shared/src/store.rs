//! S3: where images are kept.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Builder, timeout::TimeoutConfig};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use crate::Error;
use crate::deadline::Deadline;
use crate::error::{Cause, UpstreamFault};

/// A bucket's images.
#[derive(Debug, Clone)]
pub struct Images {
    client: Client,
    bucket: String,
    url_life: Duration,
}

/// Where an image is kept. Keys are made here, never taken from a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The key of a request's image with this index.
    pub fn of(request_id: &str, index: usize) -> Self {
        Self(format!("images/{request_id}/{index}.png"))
    }
}

impl Images {
    /// Builds the client. URLs are presigned against the regional host, because the global one
    /// redirects, which breaks the signature.
    pub fn connect(sdk: &SdkConfig, bucket: String, url_life: Duration) -> Self {
        Self {
            client: Client::new(sdk),
            bucket,
            url_life,
        }
    }

    /// Keeps a PNG with what is needed to make it again.
    pub async fn put(
        &self,
        key: &Key,
        png: Bytes,
        metadata: &BTreeMap<&'static str, String>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let timeout = TimeoutConfig::builder()
            .operation_timeout(deadline.remaining())
            .build();
        let mut request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(&key.0)
            .content_type("image/png")
            .body(ByteStream::from(png));
        for (name, value) in metadata {
            request = request.metadata(*name, value);
        }
        request
            .customize()
            .config_override(Builder::default().timeout_config(timeout))
            .send()
            .await
            .map_err(fault)?;
        Ok(())
    }

    /// A URL that downloads the image without credentials, for as long as the configuration says
    /// or the signing credentials live, if that is shorter.
    pub async fn url(&self, key: &Key, deadline: Deadline) -> Result<String, Error> {
        let life =
            PresigningConfig::expires_in(self.url_life).map_err(|_| Error::defect("presigning"))?;
        let signing = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(&key.0)
            .presigned(life);
        // Nothing is called, but the credentials may have to be loaded again.
        match tokio::time::timeout(deadline.remaining(), signing).await {
            Ok(request) => Ok(request.map_err(fault)?.uri().to_owned()),
            Err(_) => Err(Error::Upstream {
                fault: UpstreamFault::StorageUnavailable,
                cause: Cause::of("Presigning"),
            }),
        }
    }

    /// The image's `s3://` name.
    pub fn uri(&self, key: &Key) -> String {
        format!("s3://{}/{}", self.bucket, key.0)
    }
}

fn fault<E: ProvideErrorMetadata + RequestId, R>(error: SdkError<E, R>) -> Error {
    let cause = match &error {
        SdkError::ServiceError(service) => Cause {
            code: service.err().code().unwrap_or("none").to_owned(),
            request_id: service.err().request_id().map(str::to_owned),
            ..Cause::default()
        },
        SdkError::TimeoutError(_) => Cause::of("OperationTimeout"),
        SdkError::DispatchFailure(_) => Cause::of("Connection"),
        _ => Cause::of("Response"),
    };
    Error::Upstream {
        fault: UpstreamFault::StorageUnavailable,
        cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_follows_from_the_request() {
        assert_eq!(Key::of("8d1c", 2), Key("images/8d1c/2.png".to_owned()));
    }
}
