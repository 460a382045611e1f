//! Plain HTTP, as a browser would do it: without credentials.

use bytes::Bytes;
use http::{HeaderMap, Uri};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// What a URL gave.
#[derive(Debug)]
pub struct Download {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Gets an `http:` URL.
pub async fn download(url: &str) -> Download {
    let uri: Uri = url.parse().expect("a URL");
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let response = client.get(uri).await.expect("an answer");
    let (head, body) = response.into_parts();
    Download {
        status: head.status.as_u16(),
        headers: head.headers,
        body: body.collect().await.expect("a whole body").to_bytes(),
    }
}
