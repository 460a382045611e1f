//! Images, and the URLs that show them.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::presigning::PresigningConfig;
use bytes::Bytes;

use super::{Bucket, If, Writing, Written, fault};
use crate::Error;
use crate::api::image::FileType;
use crate::deadline::Deadline;
use crate::error::{Cause, UpstreamFault};

/// A bucket's images.
#[derive(Debug, Clone)]
pub struct Images {
    bucket: Bucket,
    url_life: Duration,
}

/// Where an image is kept. Keys are made here, never taken from a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The key of a request's image with this index.
    pub fn of(request_id: &str, index: usize, file_type: FileType) -> Self {
        let ending = match file_type {
            FileType::Png => "png",
            FileType::Jpeg => "jpg",
            FileType::WebP => "webp",
        };
        Self(format!("images/{request_id}/{index}.{ending}"))
    }
}

impl Images {
    /// Builds the client. URLs are presigned against the regional host, because the global one
    /// redirects, which breaks the signature.
    pub fn connect(sdk: &SdkConfig, bucket: String, url_life: Duration) -> Self {
        Self {
            bucket: Bucket::connect(sdk, bucket),
            url_life,
        }
    }

    /// Keeps a file with what is needed to make it again. The model has been paid by then, so that a
    /// failure is told as one that asking again would pay for once more.
    pub async fn put(
        &self,
        key: &Key,
        file: Bytes,
        file_type: FileType,
        metadata: &[(&'static str, String)],
        deadline: Deadline,
    ) -> Result<(), Error> {
        let writing = Writing {
            key: &key.0,
            body: file,
            content_type: file_type.media_type(),
            metadata,
            condition: If::Always,
        };
        match self.bucket.put(writing, deadline).await {
            Ok(Written::Done(_)) => Ok(()),
            Ok(Written::Refused) => Err(not_stored(Cause::of("Refused"))),
            Err(error) => Err(not_stored(error.cause().cloned().unwrap_or_default())),
        }
    }

    /// A URL that downloads the image without credentials, for as long as the configuration says
    /// or the signing credentials live, if that is shorter.
    pub async fn url(&self, key: &Key, deadline: Deadline) -> Result<String, Error> {
        let life =
            PresigningConfig::expires_in(self.url_life).map_err(|_| Error::defect("presigning"))?;
        let Bucket { client, name } = &self.bucket;
        let signing = client.get_object().bucket(name).key(&key.0).presigned(life);
        // Nothing is called, but the credentials may have to be loaded again.
        match tokio::time::timeout(deadline.remaining(), signing).await {
            Ok(Ok(request)) => Ok(request.uri().to_owned()),
            Ok(Err(error)) => {
                let error = fault::of(&error, "GetObject");
                Err(not_stored(error.cause().cloned().unwrap_or_default()))
            }
            Err(_) => Err(not_stored(Cause::of("Presigning"))),
        }
    }

    /// The image's `s3://` name.
    pub fn uri(&self, key: &Key) -> String {
        format!("s3://{}/{}", self.bucket.name(), key.0)
    }
}

fn not_stored(cause: Cause) -> Error {
    Error::Upstream {
        fault: UpstreamFault::NotStored,
        cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_follows_from_the_request_and_the_file() {
        for (file_type, key) in [
            (FileType::Png, "images/8d1c/2.png"),
            (FileType::Jpeg, "images/8d1c/2.jpg"),
            (FileType::WebP, "images/8d1c/2.webp"),
        ] {
            assert_eq!(Key::of("8d1c", 2, file_type), Key(key.to_owned()));
        }
    }
}
