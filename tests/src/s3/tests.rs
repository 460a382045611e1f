//! The SDK, unmodified, against this S3.

use std::panic::{AssertUnwindSafe, catch_unwind};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use super::S3;
use crate::fault::Operation::{DeleteObject, GetObject, HeadObject, ListObjects, PutObject};
use crate::{ACCESS_KEY_ID, CANARY, REGION, SECRET_ACCESS_KEY};

/// A client that tries so often.
fn client(s3: &S3, attempts: u32) -> Client {
    let credentials = Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, None, "test");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::from_static(REGION))
        .credentials_provider(credentials)
        .retry_config(RetryConfig::standard().with_max_attempts(attempts))
        .endpoint_url(s3.url());
    Client::from_conf(config.build())
}

/// Writes if nothing is there; the error's code, where it has one.
async fn create(client: &Client, key: &str, body: &'static str) -> Result<String, Option<String>> {
    let request = client.put_object().bucket(S3::RESULTS).key(key);
    let request = request
        .if_none_match("*")
        .body(ByteStream::from_static(body.as_bytes()));
    match request.send().await {
        Ok(done) => Ok(done.e_tag.unwrap()),
        Err(error) => Err(error.code().map(str::to_owned)),
    }
}

async fn replace(client: &Client, key: &str, etag: &str) -> Result<String, Option<String>> {
    let request = client
        .put_object()
        .bucket(S3::RESULTS)
        .key(key)
        .if_match(etag);
    match request.body(ByteStream::from_static(b"new")).send().await {
        Ok(done) => Ok(done.e_tag.unwrap()),
        Err(error) => Err(error.code().map(str::to_owned)),
    }
}

async fn read(client: &Client, bucket: &str, key: &str) -> Result<Bytes, String> {
    let answer = client.get_object().bucket(bucket).key(key).send().await;
    let answer = answer.map_err(|error| error.code().unwrap_or_default().to_owned())?;
    let body = answer.body.collect().await;
    Ok(body.map_err(|error| format!("{error:?}"))?.into_bytes())
}

fn lost_precondition(outcome: &Result<String, Option<String>>) -> bool {
    matches!(outcome, Err(Some(code)) if code == "PreconditionFailed")
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_that_create_and_of_fifty_that_replace_one_wins() {
    let s3 = S3::start().await;
    let client = client(&s3, 1);
    let race = async |what: &'static str, etag: Option<String>| {
        s3.fail(PutObject.on("locks/").meeting(50));
        let tries = (0..50).map(|_| {
            let (client, etag) = (client.clone(), etag.clone());
            tokio::spawn(async move {
                match etag {
                    None => create(&client, "locks/a", what).await,
                    Some(etag) => replace(&client, "locks/a", &etag).await,
                }
            })
        });
        let mut outcomes = Vec::new();
        for task in tries.collect::<Vec<_>>() {
            outcomes.push(task.await.unwrap());
        }
        let lost = outcomes.iter().filter(|outcome| lost_precondition(outcome));
        assert_eq!(lost.count(), 49, "{outcomes:?}");
        outcomes.into_iter().find_map(Result::ok).unwrap()
    };
    let etag = race("old", None).await;
    race("new", Some(etag)).await;
    assert_eq!(s3.object(S3::RESULTS, "locks/a").body, "new");
    assert_eq!(s3.count(&PutObject.on("")), 100);
}

#[tokio::test]
async fn a_condition_on_what_is_not_there_is_a_404() {
    let s3 = S3::start().await;
    let client = client(&s3, 1);
    let missing = replace(&client, "locks/a", "\"x\"").await;
    assert_eq!(missing, Err(Some("NoSuchKey".to_owned())));
    s3.put(S3::RESULTS, "locks/a", "old");
    assert!(lost_precondition(
        &replace(&client, "locks/a", "\"x\"").await
    ));
    let request = client.get_object().bucket(S3::RESULTS).key("locks/a");
    let error = request.if_match("\"x\"").send().await.unwrap_err();
    assert_eq!(error.code(), Some("PreconditionFailed"));
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_done_and_the_retry_is_refused() {
    let s3 = S3::start().await;
    s3.fail(PutObject.on("locks/").lost());
    let outcome = create(&client(&s3, 3), "locks/a", "mine").await;
    assert!(lost_precondition(&outcome), "{outcome:?}");
    assert_eq!(s3.object(S3::RESULTS, "locks/a").body, "mine");
    let statuses = s3.requests_of(&PutObject.on("locks/")).into_iter();
    let statuses: Vec<_> = statuses.map(|request| request.status).collect();
    assert_eq!(statuses, [None, Some(412)]);
}

#[tokio::test]
async fn faults_come_as_often_as_they_are_asked_for() {
    let s3 = S3::start().await;
    s3.fail(PutObject.on("locks/").slow_down().times(2));
    create(&client(&s3, 3), "locks/a", "mine").await.unwrap();
    assert_eq!(s3.count(&PutObject.on("locks/")), 3);

    s3.fail(PutObject.on("locks/").conflict().after(1));
    create(&client(&s3, 1), "locks/b", "mine").await.unwrap();
    let conflict = create(&client(&s3, 1), "locks/c", "mine").await;
    assert_eq!(conflict, Err(Some("ConditionalRequestConflict".to_owned())));
    create(&client(&s3, 1), "locks/c", "mine").await.unwrap();

    s3.fail(PutObject.on("locks/").kms_disabled().always());
    for _ in 0..3 {
        let error = create(&client(&s3, 1), "locks/d", "mine").await;
        assert_eq!(error, Err(Some("KMS.DisabledException".to_owned())));
    }
    s3.heal();
    create(&client(&s3, 1), "locks/d", "mine").await.unwrap();
}

#[tokio::test]
async fn a_body_that_is_cut_or_changed_is_noticed() {
    let s3 = S3::start().await;
    let client = client(&s3, 1);
    s3.put(S3::REQUESTS, "a", "0123456789");
    s3.fail(GetObject.on("a").cut_after(4));
    let cut = read(&client, S3::REQUESTS, "a").await.unwrap_err();
    // The head came, and the body broke off.
    assert!(cut.contains("Body"), "{cut}");
    s3.fail(HeadObject.on("a").claiming(5_000_000_000));
    let head = client.head_object().bucket(S3::REQUESTS).key("a").send();
    assert_eq!(head.await.unwrap().content_length, Some(5_000_000_000));
    s3.fail(GetObject.on("a").claiming(5_000_000_000));
    let large = client.get_object().bucket(S3::REQUESTS).key("a").send();
    assert_eq!(large.await.unwrap().content_length, Some(5_000_000_000));
    s3.fail(GetObject.on("a").wrong_checksum());
    let changed = read(&client, S3::REQUESTS, "a").await.unwrap_err();
    assert!(changed.contains("hecksum"), "{changed}");
    assert_eq!(
        read(&client, S3::REQUESTS, "a").await.unwrap(),
        "0123456789"
    );
}

#[tokio::test]
async fn versions_and_marks_are_kept_apart() {
    let s3 = S3::start().await;
    let client = client(&s3, 1);
    let old = s3.put(S3::REQUESTS, "a b+c", "old");
    let new = s3.put(S3::REQUESTS, "a b+c", "new");
    assert!(new.sequencer > old.sequencer);
    let version = async |id: &str| {
        let request = client.get_object().bucket(S3::REQUESTS).key("a b+c");
        let answer = request.version_id(id).send().await;
        let answer = answer.map_err(|error| error.raw_response().unwrap().status().as_u16())?;
        Ok::<_, u16>(answer.body.collect().await.unwrap().into_bytes())
    };
    assert_eq!(
        version(&old.version_id.clone().unwrap()).await.unwrap(),
        "old"
    );
    assert_eq!(version(&new.version_id.unwrap()).await.unwrap(), "new");
    assert_eq!(version("another").await, Err(404));
    assert_eq!(version("null").await, Err(404));

    let request = client.delete_object().bucket(S3::REQUESTS).key("a b+c");
    let deleted = request.send().await.unwrap();
    assert_eq!(deleted.delete_marker, Some(true));
    assert_eq!(s3.count(&DeleteObject.on("a b+c")), 1);
    assert_eq!(version(&deleted.version_id.unwrap()).await, Err(405));
    assert_eq!(version(&old.version_id.unwrap()).await.unwrap(), "old");
    let gone = read(&client, S3::REQUESTS, "a b+c").await;
    assert_eq!(gone, Err("NoSuchKey".to_owned()));
    assert_eq!(s3.list(S3::REQUESTS, ""), Vec::<String>::new());
}

#[tokio::test]
async fn metadata_and_parts_come_back() {
    let s3 = S3::start().await;
    let client = client(&s3, 1);
    let request = client.put_object().bucket(S3::BUCKET).key("a");
    let request = request.content_type("image/png").metadata("seed", "7");
    let body = ByteStream::from_static(b"0123456789");
    request.body(body).send().await.unwrap();
    let request = client.get_object().bucket(S3::BUCKET).key("a");
    let part = request.range("bytes=2-4").send().await.unwrap();
    assert_eq!(part.content_range.as_deref(), Some("bytes 2-4/10"));
    assert_eq!(part.metadata.unwrap()["seed"], "7");
    assert_eq!(part.body.collect().await.unwrap().into_bytes(), "234");
    let request = client.get_object().bucket(S3::BUCKET).key("a");
    let beyond = request.range("bytes=10-").send().await.unwrap_err();
    assert_eq!(beyond.code(), Some("InvalidRange"));
    let head = client
        .head_object()
        .bucket(S3::BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_length, Some(10));
    let object = s3.object(S3::BUCKET, "a");
    assert_eq!(object.content_type.as_deref(), Some("image/png"));
}

#[tokio::test]
async fn a_long_listing_comes_in_pages() {
    let s3 = S3::start().await;
    let client = client(&s3, 1);
    s3.list_at_most(3);
    for number in 0..8 {
        s3.put(S3::RESULTS, &format!("done/{number}"), "");
    }
    s3.put(S3::RESULTS, "failed/0", "");
    let request = client.list_objects_v2().bucket(S3::RESULTS).prefix("done/");
    let mut pages = request.into_paginator().send();
    let mut keys = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        keys.extend(
            page.contents()
                .iter()
                .map(|object| object.key.clone().unwrap()),
        );
    }
    assert_eq!(keys, s3.list(S3::RESULTS, "done/"));
    assert_eq!(keys.len(), 8);
    assert_eq!(s3.count(&ListObjects.on("done/")), 3);
}

#[tokio::test]
async fn a_request_that_is_held_is_done_when_it_is_released() {
    let s3 = S3::start().await;
    let held = s3.hold(&PutObject.on("results/"));
    let client = client(&s3, 1);
    let write = tokio::spawn(async move { create(&client, "results/a", "done").await });
    held.until(1).await;
    assert!(s3.find(S3::RESULTS, "results/a").is_none());
    held.release();
    write.await.unwrap().unwrap();
    assert_eq!(s3.object(S3::RESULTS, "results/a").body, "done");
}

#[tokio::test]
async fn a_key_or_metadata_with_content_fails_the_test() {
    for (key, metadata) in [(CANARY, ""), ("a", CANARY), ("a", "a")] {
        let s3 = S3::start().await;
        let client = client(&s3, 1);
        let put = client.put_object().bucket(S3::RESULTS).key(key);
        let put = put.body(ByteStream::from_static(CANARY.as_bytes()));
        put.metadata("said", metadata).send().await.unwrap();
        let ended = catch_unwind(AssertUnwindSafe(|| drop(s3)));
        assert_eq!(ended.is_err(), key != metadata, "{key} {metadata}");
    }
}
