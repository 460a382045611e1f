//! What S3 keeps: buckets, objects, their versions; and its conditions on reads and writes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use s3s::crypto::{Checksum as _, Md5};

/// The largest listing in one piece.
const LARGEST_LISTING: usize = 1_000;

/// All buckets. One lock makes every operation one step.
#[derive(Debug, Default)]
pub(crate) struct Store(Mutex<Buckets>);

#[derive(Debug, Default)]
struct Buckets {
    buckets: BTreeMap<String, Bucket>,
    writes: u64,
    /// How many keys a listing has at most.
    page: Option<usize>,
}

#[derive(Debug, Default)]
struct Bucket {
    versioned: bool,
    /// The versions of each key, the newest last.
    objects: BTreeMap<String, Vec<Version>>,
}

/// A version of an object, or the mark that the object was deleted.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    /// None in a bucket without versions.
    pub(crate) id: Option<String>,
    /// None: the object was deleted.
    pub(crate) content: Option<Content>,
    pub(crate) modified: SystemTime,
}

/// What an object holds.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) body: Bytes,
    /// The MD5 of the body, without quotes.
    pub(crate) etag: String,
    pub(crate) content_type: Option<String>,
    pub(crate) metadata: HashMap<String, String>,
}

/// An object that was written, as notifications tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its bucket.
    pub bucket: String,
    /// Its key, as it is.
    pub key: String,
    /// Its version, where its bucket has versions.
    pub version_id: Option<String>,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// Its size in bytes.
    pub size: usize,
    /// What grows with each write.
    pub sequencer: String,
}

/// A part of a bucket.
#[derive(Debug)]
pub(crate) struct Listing {
    /// The objects, each with its key.
    pub(crate) found: Vec<(String, Version, Content)>,
    /// Whether there are more behind them.
    pub(crate) more: bool,
}

/// On what condition a write is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    Always,
    /// `If-None-Match: *`
    Missing,
    /// `If-Match`
    Etag(String),
}

/// Why an operation is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    NoSuchBucket,
    NoSuchKey,
    /// The newest version says that the object was deleted.
    Deleted,
    NoSuchVersion,
    /// The version that was asked for says that the object was deleted.
    Marker,
    PreconditionFailed,
}

impl Content {
    pub(crate) fn new(body: Bytes) -> Self {
        let digest = Md5::checksum(&body);
        let digits = digest.iter().map(|byte| format!("{byte:02x}"));
        Self {
            etag: digits.collect(),
            body,
            content_type: None,
            metadata: HashMap::new(),
        }
    }
}

impl Bucket {
    fn newest(&self, key: &str) -> Option<&Version> {
        self.objects.get(key).and_then(|versions| versions.last())
    }

    /// The object that is there.
    fn content(&self, key: &str) -> Result<&Content, Refusal> {
        let newest = self.newest(key).ok_or(Refusal::NoSuchKey)?;
        newest.content.as_ref().ok_or(Refusal::Deleted)
    }

    fn check(&self, key: &str, condition: &Condition) -> Result<(), Refusal> {
        let content = self.content(key);
        match (condition, content) {
            (Condition::Always, _) | (Condition::Missing, Err(_)) => Ok(()),
            (Condition::Missing, Ok(_)) => Err(Refusal::PreconditionFailed),
            (Condition::Etag(_), Err(refusal)) => Err(refusal),
            (Condition::Etag(etag), Ok(content)) => match *etag == content.etag {
                true => Ok(()),
                false => Err(Refusal::PreconditionFailed),
            },
        }
    }

    fn push(&mut self, key: &str, version: Version) {
        let versions = self.objects.entry(key.to_owned()).or_default();
        if !self.versioned {
            versions.clear();
        }
        versions.push(version);
    }
}

impl Buckets {
    fn bucket(&mut self, name: &str) -> Result<&mut Bucket, Refusal> {
        self.buckets.get_mut(name).ok_or(Refusal::NoSuchBucket)
    }

    /// A name for the next write, which no other write has.
    fn next(&mut self) -> String {
        self.writes += 1;
        format!("{:016X}", 0x0065_0000_0000_0000 + self.writes)
    }
}

impl Store {
    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn create(&self, name: &str, versioned: bool) {
        let bucket = Bucket {
            versioned,
            ..Bucket::default()
        };
        let before = self.buckets().buckets.insert(name.to_owned(), bucket);
        assert!(before.is_none(), "the bucket {name} is there already");
    }

    pub(crate) fn page(&self, most: usize) {
        self.buckets().page = Some(most);
    }

    pub(crate) fn put(
        &self,
        bucket: &str,
        key: &str,
        content: Content,
        condition: &Condition,
        version: Option<&str>,
    ) -> Result<Stored, Refusal> {
        let mut buckets = self.buckets();
        buckets.bucket(bucket)?.check(key, condition)?;
        let sequencer = buckets.next();
        let kept = buckets.bucket(bucket)?;
        let version_id = match (kept.versioned, version) {
            (false, None) => None,
            (true, None) => Some(format!("v.{sequencer}.ofAnObject")),
            (true, Some(version)) => Some(version.to_owned()),
            (false, Some(version)) => panic!("{bucket} has no version {version}"),
        };
        let stored = Stored {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version_id: version_id.clone(),
            etag: content.etag.clone(),
            size: content.body.len(),
            sequencer,
        };
        kept.push(
            key,
            Version {
                id: version_id,
                content: Some(content),
                modified: SystemTime::now(),
            },
        );
        Ok(stored)
    }

    /// A version that has content: the newest, or the one asked for. `null` is the version of
    /// what was written without versions.
    pub(crate) fn find(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<(Version, Content), Refusal> {
        let mut buckets = self.buckets();
        let bucket = buckets.bucket(bucket)?;
        let found = match version {
            None => bucket.newest(key).ok_or(Refusal::NoSuchKey)?,
            Some(id) => bucket
                .objects
                .get(key)
                .into_iter()
                .flatten()
                .find(|version| version.id.as_deref().unwrap_or("null") == id)
                .ok_or(Refusal::NoSuchVersion)?,
        };
        match (&found.content, version) {
            (Some(content), _) => Ok((found.clone(), content.clone())),
            (None, None) => Err(Refusal::Deleted),
            (None, Some(_)) => Err(Refusal::Marker),
        }
    }

    /// Deletes an object, or one version for good. Where the bucket has versions, an object that
    /// is deleted leaves a mark, whose version is returned.
    pub(crate) fn delete(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        condition: &Condition,
    ) -> Result<Option<String>, Refusal> {
        let mut buckets = self.buckets();
        buckets.bucket(bucket)?.check(key, condition)?;
        let id = buckets.next();
        let bucket = buckets.bucket(bucket)?;
        match version {
            Some(id) => {
                if let Some(versions) = bucket.objects.get_mut(key) {
                    versions.retain(|version| version.id.as_deref().unwrap_or("null") != id);
                }
                Ok(None)
            }
            None if bucket.versioned => {
                let id = format!("v.{id}.ofAMarker");
                bucket.push(
                    key,
                    Version {
                        id: Some(id.clone()),
                        content: None,
                        modified: SystemTime::now(),
                    },
                );
                Ok(Some(id))
            }
            None => {
                bucket.objects.remove(key);
                Ok(None)
            }
        }
    }

    /// The objects behind a key, in the order of their keys.
    pub(crate) fn list(
        &self,
        bucket: &str,
        prefix: &str,
        after: &str,
        most: usize,
    ) -> Result<Listing, Refusal> {
        let mut buckets = self.buckets();
        let most = most.min(buckets.page.unwrap_or(LARGEST_LISTING));
        let bucket = buckets.bucket(bucket)?;
        let mut found: Vec<_> = bucket
            .objects
            .range(prefix.to_owned()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter(|(key, _)| key.as_str() > after)
            .filter_map(|(key, versions)| {
                let version = versions.last()?;
                Some((key.clone(), version.clone(), version.content.clone()?))
            })
            .take(most + 1)
            .collect();
        let more = found.len() > most;
        found.truncate(most);
        Ok(Listing { found, more })
    }

    /// Makes an object older than it is.
    pub(crate) fn age(&self, bucket: &str, key: &str, by: Duration) {
        let mut buckets = self.buckets();
        let bucket = buckets.bucket(bucket).expect("the bucket");
        let versions = bucket.objects.get_mut(key);
        let version = versions.and_then(|versions| versions.last_mut());
        version.expect("the object").modified -= by;
    }
}
