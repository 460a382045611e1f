//! Who signed a request. IAM goes by the signature, and so do the records of the tests: each process
//! of a function has an access key of its own.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::request::Parts;
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};

use crate::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, request};

/// What a signature says of the call, beside that it is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    /// The access key's id.
    pub(crate) key: String,
    /// The region that is called.
    pub(crate) region: String,
    /// The service that is called, as signatures name it.
    pub(crate) service: String,
    /// Whether it is in a URL, which anybody may have been given.
    pub(crate) presigned: bool,
}

impl Signature {
    /// Reads the `authorization` header, or what a presigned URL has in its stead.
    pub(crate) fn of(head: &Parts) -> Option<Self> {
        let header = head.headers.get("authorization").map(|value| {
            let value = value.to_str().expect("a text");
            let (_, scope) = value.split_once("Credential=").expect("a credential");
            scope.split(',').next().unwrap_or_default().to_owned()
        });
        let presigned = header.is_none();
        let scope = header.or_else(|| request::query(head, "X-Amz-Credential"))?;
        let mut parts = scope.split('/').map(str::to_owned);
        let key = parts.next()?;
        let _day = parts.next()?;
        Some(Self {
            key,
            region: parts.next()?,
            service: parts.next()?,
            presigned,
        })
    }
}

/// An access key's id that no other process has, in no test.
pub(crate) fn access_key() -> String {
    static PROCESSES: AtomicUsize = AtomicUsize::new(0);
    let number = PROCESSES.fetch_add(1, Ordering::Relaxed);
    format!("AKIA{:08}{number:08}", std::process::id())
}

/// All access keys of the tests, which have one secret.
#[derive(Debug)]
pub(crate) struct Keys;

impl S3Auth for Keys {
    fn get_secret_key<'s, 'k, 'a>(
        &'s self,
        key: &'k str,
    ) -> Pin<Box<dyn Future<Output = S3Result<SecretKey>> + Send + 'a>>
    where
        's: 'a,
        'k: 'a,
    {
        let is_own = key == ACCESS_KEY_ID || key.len() == 20 && key.starts_with("AKIA");
        let secret = match is_own {
            true => Ok(SECRET_ACCESS_KEY.into()),
            false => Err(s3_error!(InvalidAccessKeyId)),
        };
        Box::pin(std::future::ready(secret))
    }
}
