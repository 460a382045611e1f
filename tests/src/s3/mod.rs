//! An S3 that keeps its objects in memory: with versions, with conditions that hold when many
//! write at once, and with everything that can go wrong on the way to it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use s3s::service::S3ServiceBuilder;
use serde_json::Value;

use crate::fault::{Fault, Held, On};
use crate::front::{Front, Seen};
use crate::signature::Keys;

mod service;
mod store;
#[cfg(test)]
mod tests;

pub use store::Stored;
use store::{Condition, Content, Listing, Refusal, Store};

/// The service, with its buckets.
#[derive(Debug)]
pub struct S3 {
    url: String,
    store: Arc<Store>,
    front: Arc<Front>,
}

/// An object.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its content type.
    pub content_type: Option<String>,
    /// Its own metadata.
    pub metadata: HashMap<String, String>,
    /// Its bytes.
    pub body: Bytes,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// Its version, where its bucket has versions.
    pub version_id: Option<String>,
}

impl Object {
    /// The JSON that it holds.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }
}

/// No key of an object, no metadata and no header may hold content.
impl Drop for S3 {
    fn drop(&mut self) {
        self.front.watch().check("a request to S3");
    }
}

impl S3 {
    /// The name of the bucket that images go to. It has no versions.
    pub const BUCKET: &str = "pictures";

    /// The name of the bucket that requests are uploaded to. It has versions.
    pub const REQUESTS: &str = "bedrock-requests";

    /// The name of the bucket that results and locks go to. It has no versions.
    pub const RESULTS: &str = "bedrock-results";

    /// Starts the service. Signatures are checked, presigned ones too.
    pub async fn start() -> Self {
        let store = Arc::new(Store::default());
        store.create(Self::BUCKET, false);
        store.create(Self::REQUESTS, true);
        store.create(Self::RESULTS, false);
        let mut service = S3ServiceBuilder::new(service::Operations(Arc::clone(&store)));
        service.set_auth(Keys);
        let (url, front) = Front::serve(Arc::new(service.build())).await;
        Self { url, store, front }
    }

    /// `http://127.0.0.1:…`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes another bucket.
    pub fn create(&self, bucket: &str, versioned: bool) {
        self.store.create(bucket, versioned);
    }

    /// Lets a listing have so many keys at most, so that it takes several requests.
    pub fn list_at_most(&self, keys: usize) {
        self.store.page(keys);
    }

    /// The keys of all images.
    pub async fn keys(&self) -> Vec<String> {
        self.list(Self::BUCKET, "")
    }

    /// The object with this `s3://` name.
    pub async fn get(&self, uri: &str) -> Object {
        let path = uri.strip_prefix("s3://").expect("an s3:// name");
        let (bucket, key) = path.split_once('/').expect("a key");
        self.object(bucket, key)
    }

    /// An object that must be there.
    pub fn object(&self, bucket: &str, key: &str) -> Object {
        let found = self.find(bucket, key);
        found.unwrap_or_else(|| panic!("no {key} among {:?}", self.list(bucket, "")))
    }

    /// An object, if it is there.
    pub fn find(&self, bucket: &str, key: &str) -> Option<Object> {
        let found = self.store.find(bucket, key, None);
        match found {
            Ok((version, content)) => Some(Object {
                content_type: content.content_type,
                metadata: content.metadata,
                body: content.body,
                etag: content.etag,
                version_id: version.id,
            }),
            Err(Refusal::NoSuchKey | Refusal::Deleted) => None,
            Err(refusal) => panic!("{bucket}: {refusal:?}"),
        }
    }

    /// The JSON that an object holds, which must be there.
    pub fn json(&self, bucket: &str, key: &str) -> Value {
        self.object(bucket, key).json()
    }

    /// The keys that begin like this, in their order.
    pub fn list(&self, bucket: &str, prefix: &str) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        loop {
            let after = keys.last().map_or("", String::as_str);
            let listed = self.store.list(bucket, prefix, after, usize::MAX - 1);
            let Listing { found, more } = listed.expect("the bucket");
            keys.extend(found.into_iter().map(|(key, ..)| key));
            if !more {
                return keys;
            }
        }
    }

    /// Writes an object, or its next version. Nobody's request: it is neither counted nor fails.
    pub fn put(&self, bucket: &str, key: &str, body: impl Into<Bytes>) -> Stored {
        self.write(bucket, key, Content::new(body.into()), None)
    }

    /// The same, with metadata of its own.
    pub fn put_with(
        &self,
        bucket: &str,
        key: &str,
        body: impl Into<Bytes>,
        metadata: &[(&str, &str)],
    ) -> Stored {
        let metadata = metadata
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let content = Content {
            metadata: metadata.collect(),
            ..Content::new(body.into())
        };
        self.write(bucket, key, content, None)
    }

    /// The same, as this version: what a file in `events/` tells of.
    pub fn put_version(
        &self,
        bucket: &str,
        key: &str,
        version: &str,
        body: impl Into<Bytes>,
    ) -> Stored {
        self.write(bucket, key, Content::new(body.into()), Some(version))
    }

    fn write(&self, bucket: &str, key: &str, content: Content, version: Option<&str>) -> Stored {
        let stored = self
            .store
            .put(bucket, key, content, &Condition::Always, version);
        stored.expect("the bucket")
    }

    /// Deletes an object; where its bucket has versions, it leaves a mark.
    pub fn delete(&self, bucket: &str, key: &str) {
        let deleted = self.store.delete(bucket, key, None, &Condition::Always);
        deleted.expect("the bucket");
    }

    /// Makes an object older than it is.
    pub fn age(&self, bucket: &str, key: &str, by: Duration) {
        self.store.age(bucket, key, by);
    }

    /// Lets something go wrong.
    pub fn fail(&self, fault: Fault) {
        self.front.fail(fault);
    }

    /// Keeps all such requests waiting before anything is done for them.
    pub fn hold(&self, on: &On) -> Held {
        self.front.hold(on)
    }

    /// Lets nothing go wrong any more.
    pub fn heal(&self) {
        self.front.heal();
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Seen> {
        self.front.requests()
    }

    /// Such requests so far.
    pub fn requests_of(&self, on: &On) -> Vec<Seen> {
        self.front.of(on)
    }

    /// How many such requests came so far.
    pub fn count(&self, on: &On) -> usize {
        self.front.count(on)
    }

    /// Waits until so many such requests have come.
    pub async fn until(&self, on: &On, count: usize) {
        self.front.until(on, count).await;
    }
}
