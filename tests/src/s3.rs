//! An S3 that keeps its objects in a temporary directory.

use std::collections::HashMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use bytes::Bytes;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tempfile::TempDir;

use crate::{ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, listener};

/// The service, with one bucket.
#[derive(Debug)]
pub struct S3 {
    url: String,
    client: Client,
    /// Removed when this is dropped.
    _directory: TempDir,
}

/// An object.
#[derive(Debug)]
pub struct Object {
    /// Its content type.
    pub content_type: Option<String>,
    /// Its own metadata.
    pub metadata: HashMap<String, String>,
    /// Its bytes.
    pub body: Bytes,
}

impl S3 {
    /// The name of the bucket.
    pub const BUCKET: &str = "pictures";

    /// Starts the service. Signatures are checked, presigned ones too.
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir(directory.path().join(Self::BUCKET)).expect("a bucket");
        let files = FileSystem::new(directory.path()).expect("a file system");
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY));
        let service = service.build();
        let (listener, address) = listener::bind().await;
        tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.expect("a connection");
                connection.set_nodelay(true).expect("TCP_NODELAY");
                let connection = TokioIo::new(connection);
                tokio::spawn(http1::Builder::new().serve_connection(connection, service.clone()));
            }
        });
        let url = format!("http://{address}");
        let credentials =
            Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, None, "end-to-end");
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(Region::from_static(REGION))
            .credentials_provider(credentials)
            .endpoint_url(&url)
            .build();
        Self {
            url,
            client: Client::from_conf(config),
            _directory: directory,
        }
    }

    /// `http://127.0.0.1:…`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The keys of all objects.
    pub async fn keys(&self) -> Vec<String> {
        let request = self.client.list_objects_v2().bucket(Self::BUCKET);
        let listing = request.send().await.expect("a listing");
        let objects = listing.contents().iter();
        objects
            .map(|object| object.key().expect("a key").to_owned())
            .collect()
    }

    /// The object with this `s3://` name.
    pub async fn get(&self, uri: &str) -> Object {
        let path = uri.strip_prefix("s3://").expect("an s3:// name");
        let (bucket, key) = path.split_once('/').expect("a key");
        let request = self.client.get_object().bucket(bucket).key(key);
        let object = request.send().await.expect("the object");
        Object {
            content_type: object.content_type,
            metadata: object.metadata.unwrap_or_default(),
            body: object.body.collect().await.expect("its bytes").into_bytes(),
        }
    }
}
