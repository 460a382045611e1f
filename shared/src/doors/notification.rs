//! Notifications that an object was made: S3's own, through SNS, and EventBridge's.
//!
//! They are read record by record, and of each only what is needed: the library's typed events refuse
//! a whole event for one record without a time, and S3's own test notification.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::jobs::address::OUTPUT;
use crate::jobs::{Job, Kind, Object, Poison};

/// What S3 sends when notifications are set up.
pub const TEST: &str = "s3:TestEvent";

/// Whose notifications are taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trusted {
    /// The buckets whose uploads are read.
    pub buckets: Vec<String>,
    /// What the keys of this function's uploads begin with.
    pub prefix: String,
}

impl Trusted {
    /// The job of an object that was made.
    fn job(&self, object: Object) -> Result<Job, Poison> {
        if !self.buckets.contains(&object.bucket) {
            return Err(Poison::ForeignBucket);
        }
        let key = object.key.as_str();
        if OUTPUT.iter().any(|prefix| key.starts_with(prefix)) {
            return Ok(Job::Nothing("own_output"));
        }
        if !key.starts_with(&self.prefix) {
            return Ok(Job::Nothing("other_prefix"));
        }
        match Kind::of(key) {
            Some(kind) => Ok(Job::Upload(object, kind)),
            None => Ok(Job::Nothing("other_kind")),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(borrow)]
    event_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    event_name: Cow<'a, str>,
    #[serde(borrow)]
    s3: Entity<'a>,
}

#[derive(Deserialize)]
struct Entity<'a> {
    #[serde(borrow)]
    bucket: Bucket<'a>,
    #[serde(borrow)]
    object: Made<'a>,
}

#[derive(Deserialize)]
struct Bucket<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

/// An object, in the two spellings of S3 and EventBridge.
#[derive(Deserialize)]
struct Made<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, alias = "version-id", rename = "versionId")]
    version_id: Option<Cow<'a, str>>,
    #[serde(borrow, alias = "etag", rename = "eTag")]
    etag: Option<Cow<'a, str>>,
    #[serde(borrow)]
    sequencer: Option<Cow<'a, str>>,
}

impl Made<'_> {
    fn object(self, bucket: &str, key: String) -> Object {
        let filled =
            |text: Option<Cow<'_, str>>| text.filter(|text| !text.is_empty()).map(Cow::into_owned);
        Object {
            bucket: bucket.to_owned(),
            key,
            // While versioning is suspended the version has no name.
            version_id: filled(self.version_id).filter(|version| version != "null"),
            etag: filled(self.etag),
            sequencer: filled(self.sequencer),
        }
    }
}

/// The jobs of S3's own records.
pub(super) fn of_s3(records: &[&RawValue], trusted: &Trusted) -> Vec<Result<Job, Poison>> {
    let job = |record: &&RawValue| of_record(record.get(), trusted);
    records.iter().map(job).collect()
}

fn of_record(record: &str, trusted: &Trusted) -> Result<Job, Poison> {
    let Record {
        event_version,
        event_name,
        s3,
    } = serde_json::from_str(record).map_err(|_| Poison::UnknownNotification)?;
    // Within a major version fields are only added.
    if event_version.is_some_and(|version| !version.starts_with("2.")) {
        return Err(Poison::UnknownNotification);
    }
    let name = event_name.strip_prefix("s3:").unwrap_or(&event_name);
    if !name.starts_with("ObjectCreated:") {
        return Ok(Job::Nothing("other_notification"));
    }
    let key = decoded(&s3.object.key)?;
    trusted.job(s3.object.object(&s3.bucket.name, key))
}

/// A key as a form would encode it: `+` is a space, and `%2B` a plus.
fn decoded(key: &str) -> Result<String, Poison> {
    // The decoder lets a per cent sign stand that no two digits follow.
    let mut rest = key;
    while let Some((_, behind)) = rest.split_once('%') {
        let digits = behind.as_bytes().get(..2);
        if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            return Err(Poison::KeyUndecodable);
        }
        rest = behind;
    }
    let spaced = key.replace('+', " ");
    let text = percent_decode_str(&spaced).decode_utf8();
    text.map(Cow::into_owned)
        .map_err(|_| Poison::KeyUndecodable)
}

/// The jobs of SNS's records, each of which carries a notification.
pub(super) fn of_sns(records: &[&RawValue], trusted: &Trusted) -> Vec<Result<Job, Poison>> {
    #[derive(Deserialize)]
    struct Record<'a> {
        #[serde(borrow, rename = "Sns")]
        sns: Message<'a>,
    }

    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow, rename = "Message")]
        message: Cow<'a, str>,
    }

    records
        .iter()
        .flat_map(|record| {
            let read = serde_json::from_str::<Record<'_>>(record.get());
            match read {
                Ok(record) => carried(&record.sns.message, trusted)
                    .unwrap_or_else(|| vec![Err(Poison::UnknownNotification)]),
                Err(_) => vec![Err(Poison::UnknownNotification)],
            }
        })
        .collect()
}

/// The jobs of a notification that something else carried; `None` if it is none.
pub(super) fn carried(text: &str, trusted: &Trusted) -> Option<Vec<Result<Job, Poison>>> {
    #[derive(Deserialize)]
    struct Shape<'a> {
        #[serde(borrow, rename = "Records")]
        records: Option<Vec<&'a RawValue>>,
        #[serde(borrow, rename = "Event")]
        event: Option<Cow<'a, str>>,
        #[serde(borrow, rename = "detail-type")]
        detail_type: Option<&'a RawValue>,
    }

    let shape: Shape<'_> = serde_json::from_str(text).ok()?;
    match shape {
        Shape {
            records: Some(records),
            ..
        } => Some(of_s3(&records, trusted)),
        Shape {
            event: Some(event), ..
        } if event == TEST => Some(vec![Ok(Job::Nothing("test_event"))]),
        Shape {
            detail_type: Some(_),
            ..
        } => {
            let job = of_event_bridge(text, trusted);
            Some(vec![job.unwrap_or(Err(Poison::UnknownNotification))])
        }
        _ => None,
    }
}

/// The job of an event of EventBridge; `None` if it is not S3's. Its key is not encoded.
pub(super) fn of_event_bridge(text: &str, trusted: &Trusted) -> Option<Result<Job, Poison>> {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow)]
        source: Cow<'a, str>,
        #[serde(borrow, rename = "detail-type")]
        kind: Cow<'a, str>,
        #[serde(borrow)]
        detail: &'a RawValue,
    }

    let event: Event<'_> = serde_json::from_str(text).ok()?;
    if event.source != "aws.s3" {
        return None;
    }
    if event.kind != "Object Created" {
        return Some(Ok(Job::Nothing("other_notification")));
    }
    let Ok(Entity { bucket, object }) = serde_json::from_str(event.detail.get()) else {
        return Some(Err(Poison::UnknownNotification));
    };
    let key = object.key.clone().into_owned();
    Some(trusted.job(object.object(&bucket.name, key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_decoded_as_a_form_encodes_it() {
        for (key, decoded_key) in [
            ("a+b.json", Ok("a b.json")),
            ("a%2Bb.json", Ok("a+b.json")),
            ("caf%C3%A9", Ok("café")),
            ("100%25", Ok("100%")),
            ("%FF", Err(Poison::KeyUndecodable)),
            ("%zz", Err(Poison::KeyUndecodable)),
            ("a%", Err(Poison::KeyUndecodable)),
            ("a%2", Err(Poison::KeyUndecodable)),
        ] {
            assert_eq!(
                decoded(key).as_deref(),
                decoded_key.as_ref().map(|key| *key),
                "{key}"
            );
        }
    }

    fn trusted() -> Trusted {
        Trusted {
            buckets: vec!["in".to_owned()],
            prefix: "requests/chat/".to_owned(),
        }
    }

    fn record(bucket: &str, key: &str) -> String {
        format!(
            r#"{{"eventName":"ObjectCreated:Put","s3":{{"bucket":{{"name":"{bucket}"}},"object":{{"key":"{key}"}}}}}}"#
        )
    }

    #[test]
    fn only_uploads_of_this_function_are_work() {
        let job = |bucket, key| of_record(&record(bucket, key), &trusted());
        assert!(matches!(
            job("in", "requests/chat/a.json"),
            Ok(Job::Upload(_, Kind::Request))
        ));
        assert!(matches!(
            job("in", "requests/chat/a.md"),
            Ok(Job::Upload(_, Kind::Prompt))
        ));
        assert!(matches!(
            job("in", "requests/chat/a.jsonl"),
            Ok(Job::Upload(_, Kind::Batch))
        ));
        assert_eq!(
            job("out", "requests/chat/a.json"),
            Err(Poison::ForeignBucket)
        );
        for (key, why) in [
            ("requests/image/a.json", "other_prefix"),
            ("results/chat/a.json", "own_output"),
            ("requests/chat/", "other_kind"),
            ("requests/chat/a.png", "other_kind"),
            ("requests/chat/json", "other_kind"),
        ] {
            assert_eq!(job("in", key), Ok(Job::Nothing(why)), "{key}");
        }
    }
}
