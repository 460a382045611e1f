//! S3's operations over what it keeps. Signatures, XML and headers are `s3s`'s.
//!
//! Source: the API reference's pages of the operations, and the user guide's pages
//! `conditional-writes`, `conditional-reads` and `DeleteMarker`.

use std::pin::Pin;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use s3s::crypto::{Checksum as _, Crc32};
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, ETag, ETagCondition, GetObjectInput, GetObjectOutput,
    HeadObjectInput, HeadObjectOutput, ListObjectsV2Input, ListObjectsV2Output, Object,
    PutObjectInput, PutObjectOutput, StreamingBlob,
};
use s3s::service::S3Service;
use s3s::{Body, S3Error, S3Request, S3Response, S3Result, s3_error};

use super::store::{Condition, Content, Listing, Refusal, Store, Version};
use crate::fault::Operation;
use crate::front::Service;
use crate::request;

/// The operations.
#[derive(Debug, Clone)]
pub(crate) struct Operations(pub(crate) Arc<Store>);

/// What the trait's methods return; it is written for `async_trait`.
type Answer<'a, T> = Pin<Box<dyn Future<Output = S3Result<S3Response<T>>> + Send + 'a>>;

impl s3s::S3 for Operations {
    fn put_object<'s, 'a>(
        &'s self,
        request: S3Request<PutObjectInput>,
    ) -> Answer<'a, PutObjectOutput>
    where
        's: 'a,
    {
        Box::pin(self.put(request))
    }

    fn get_object<'s, 'a>(
        &'s self,
        request: S3Request<GetObjectInput>,
    ) -> Answer<'a, GetObjectOutput>
    where
        's: 'a,
    {
        let answer = self.get(request.input).map(S3Response::new);
        Box::pin(std::future::ready(answer))
    }

    fn head_object<'s, 'a>(
        &'s self,
        request: S3Request<HeadObjectInput>,
    ) -> Answer<'a, HeadObjectOutput>
    where
        's: 'a,
    {
        let answer = self.head(request.input).map(S3Response::new);
        Box::pin(std::future::ready(answer))
    }

    fn delete_object<'s, 'a>(
        &'s self,
        request: S3Request<DeleteObjectInput>,
    ) -> Answer<'a, DeleteObjectOutput>
    where
        's: 'a,
    {
        let answer = self.delete(request.input);
        let answer = answer.map(|output| S3Response::with_status(output, StatusCode::NO_CONTENT));
        Box::pin(std::future::ready(answer))
    }

    fn list_objects_v2<'s, 'a>(
        &'s self,
        request: S3Request<ListObjectsV2Input>,
    ) -> Answer<'a, ListObjectsV2Output>
    where
        's: 'a,
    {
        let answer = self.list(request.input).map(S3Response::new);
        Box::pin(std::future::ready(answer))
    }
}

impl Operations {
    async fn put(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        let body = Body::from(input.body.ok_or_else(|| s3_error!(IncompleteBody))?);
        let body = body
            .collect()
            .await
            .map_err(|_| s3_error!(IncompleteBody))?;
        let body = body.to_bytes();
        let trailer = |trailers: &HeaderMap| {
            let value = trailers.get("x-amz-checksum-crc32")?;
            value.to_str().ok().map(str::to_owned)
        };
        let trailers = request.trailing_headers;
        let trailer = trailers.and_then(|trailers| trailers.read(trailer).flatten());
        if let Some(said) = input.checksum_crc32.or(trailer)
            && said != crc32(&body)
        {
            return Err(s3_error!(BadDigest, "the CRC32 did not match"));
        }
        let condition = match (input.if_none_match, input.if_match) {
            (None, None) => Condition::Always,
            (Some(ETagCondition::Any), None) => Condition::Missing,
            (None, Some(ETagCondition::ETag(etag))) => Condition::Etag(etag.into_value()),
            _ => return Err(s3_error!(NotImplemented)),
        };
        let content = Content {
            content_type: input.content_type,
            metadata: input.metadata.unwrap_or_default(),
            ..Content::new(body)
        };
        let stored = self
            .0
            .put(&input.bucket, &input.key, content, &condition, None);
        let stored = stored.map_err(error)?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(ETag::Strong(stored.etag)),
            version_id: stored.version_id,
            ..PutObjectOutput::default()
        }))
    }

    fn get(&self, input: GetObjectInput) -> S3Result<GetObjectOutput> {
        let found = self
            .0
            .find(&input.bucket, &input.key, input.version_id.as_deref());
        let (version, content) = found.map_err(error)?;
        let etag = ETag::Strong(content.etag.clone());
        check(&etag, input.if_match, input.if_none_match)?;
        let size = u64::try_from(content.body.len()).expect("a size");
        let mut output = GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_type: content.content_type,
            e_tag: Some(etag),
            last_modified: Some(version.modified.into()),
            metadata: Some(content.metadata),
            version_id: version.id,
            ..GetObjectOutput::default()
        };
        let body = match input.range {
            Some(range) => {
                let range = range.check(size)?;
                let (first, last) = (range.start, range.end - 1);
                output.content_range = Some(format!("bytes {first}-{last}/{size}"));
                let [start, end] =
                    [range.start, range.end].map(|place| usize::try_from(place).expect("a place"));
                content.body.slice(start..end)
            }
            None => {
                // Of a part S3 says no checksum.
                if input.checksum_mode.is_some() {
                    output.checksum_crc32 = Some(crc32(&content.body));
                    output.checksum_type = Some("FULL_OBJECT".to_owned().into());
                }
                content.body
            }
        };
        output.content_length = Some(i64::try_from(body.len()).expect("a size"));
        output.body = Some(StreamingBlob::from(Body::from(body)));
        Ok(output)
    }

    fn head(&self, input: HeadObjectInput) -> S3Result<HeadObjectOutput> {
        let found = self
            .0
            .find(&input.bucket, &input.key, input.version_id.as_deref());
        let (version, content) = found.map_err(error)?;
        let etag = ETag::Strong(content.etag.clone());
        check(&etag, input.if_match, input.if_none_match)?;
        Ok(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(i64::try_from(content.body.len()).expect("a size")),
            content_type: content.content_type,
            e_tag: Some(etag),
            last_modified: Some(version.modified.into()),
            metadata: Some(content.metadata),
            version_id: version.id,
            ..HeadObjectOutput::default()
        })
    }

    fn delete(&self, input: DeleteObjectInput) -> S3Result<DeleteObjectOutput> {
        let condition = match input.if_match {
            None => Condition::Always,
            Some(ETagCondition::ETag(etag)) => Condition::Etag(etag.into_value()),
            Some(ETagCondition::Any) => return Err(s3_error!(NotImplemented)),
        };
        let version = input.version_id.as_deref();
        let deleted = self
            .0
            .delete(&input.bucket, &input.key, version, &condition);
        let marker = deleted.map_err(error)?;
        Ok(DeleteObjectOutput {
            delete_marker: marker.is_some().then_some(true),
            version_id: marker.or(input.version_id),
            ..DeleteObjectOutput::default()
        })
    }

    fn list(&self, input: ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
        if input.delimiter.is_some() || input.encoding_type.is_some() {
            return Err(s3_error!(NotImplemented));
        }
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = match &input.continuation_token {
            Some(token) => token_of(token).ok_or_else(|| s3_error!(InvalidArgument))?,
            None => input.start_after.clone().unwrap_or_default(),
        };
        let most = input.max_keys.unwrap_or(1_000);
        let most = usize::try_from(most).map_err(|_| s3_error!(InvalidArgument))?;
        let listed = self.0.list(&input.bucket, &prefix, &after, most);
        let Listing { found, more } = listed.map_err(error)?;
        let last = found.last().map(|(key, ..)| STANDARD.encode(key));
        let contents: Vec<_> = found.into_iter().map(object).collect();
        Ok(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: input.prefix,
            max_keys: input.max_keys,
            key_count: Some(i32::try_from(contents.len()).expect("a count")),
            continuation_token: input.continuation_token,
            is_truncated: Some(more),
            next_continuation_token: last.filter(|_| more),
            contents: Some(contents),
            start_after: input.start_after,
            ..ListObjectsV2Output::default()
        })
    }
}

/// An object in a listing.
fn object((key, version, content): (String, Version, Content)) -> Object {
    Object {
        key: Some(key),
        e_tag: Some(ETag::Strong(content.etag)),
        last_modified: Some(version.modified.into()),
        size: Some(i64::try_from(content.body.len()).expect("a size")),
        ..Object::default()
    }
}

/// The key that a listing goes on behind. S3's own tokens say nothing to a caller either.
fn token_of(token: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(token).ok()?).ok()
}

fn crc32(bytes: &[u8]) -> String {
    STANDARD.encode(Crc32::checksum(bytes))
}

/// The conditions on a read.
fn check(
    etag: &ETag,
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
) -> S3Result<()> {
    let is = |condition: ETagCondition| match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(wanted) => wanted.weak_cmp(etag),
    };
    if if_match.is_some_and(|condition| !is(condition)) {
        return Err(s3_error!(PreconditionFailed));
    }
    if if_none_match.is_some_and(is) {
        return Err(s3_error!(NotModified));
    }
    Ok(())
}

fn error(refusal: Refusal) -> S3Error {
    let marked = |mut error: S3Error| {
        let mark = ("x-amz-delete-marker", "true");
        let name = http::HeaderName::from_static(mark.0);
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(mark.1))]);
        error.set_headers(headers);
        error
    };
    match refusal {
        Refusal::NoSuchBucket => s3_error!(NoSuchBucket),
        Refusal::NoSuchKey => s3_error!(NoSuchKey),
        Refusal::Deleted => marked(s3_error!(NoSuchKey)),
        Refusal::NoSuchVersion => s3_error!(NoSuchVersion),
        Refusal::Marker => marked(s3_error!(MethodNotAllowed)),
        Refusal::PreconditionFailed => s3_error!(PreconditionFailed),
    }
}

impl Service for S3Service {
    const KEEPS_CONTENT: bool = true;

    fn target(&self, head: &Parts, _body: &Bytes) -> (Operation, String, String) {
        let path = request::decoded(head.uri.path());
        let path = path.strip_prefix('/').unwrap_or_default();
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let query = |name: &str| request::query(head, name);
        let operation = match (head.method.as_str(), key.is_empty()) {
            ("PUT", false) => Operation::PutObject,
            ("GET", false) => Operation::GetObject,
            ("HEAD", false) => Operation::HeadObject,
            ("DELETE", false) => Operation::DeleteObject,
            ("GET", true) if query("list-type").is_some() => Operation::ListObjects,
            _ => Operation::Other,
        };
        let name = match operation {
            Operation::ListObjects => query("prefix").unwrap_or_default(),
            _ => key.to_owned(),
        };
        (operation, bucket.to_owned(), name)
    }

    async fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let answer = self.call(request.map(Body::from)).await;
        let (head, body) = answer.expect("an answer, be it an error").into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Response::from_parts(head, body)
    }

    fn error(&self, status: u16, code: &str, message: &str) -> Response<Bytes> {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
             <Message>{message}</Message><RequestId>4442587FB7D0A2F9</RequestId>\
             <HostId>made-up</HostId></Error>"
        );
        Response::builder()
            .status(status)
            .header("content-type", "application/xml")
            .header("x-amz-request-id", "4442587FB7D0A2F9")
            .body(body.into())
            .expect("good headers")
    }
}
