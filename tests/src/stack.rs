//! A function with everything it needs.

use crate::{Bedrock, Function, S3};

/// A function, its Bedrock and its S3.
#[derive(Debug)]
pub struct Stack {
    /// The function.
    pub function: Function,
    /// Its Bedrock.
    pub bedrock: Bedrock,
    /// Its S3, with the bucket that images go to.
    pub s3: S3,
}

impl Stack {
    /// Starts the function by its binary's name; these variables go before the stack's own.
    pub async fn start(name: &str, environment: &[(&str, &str)]) -> Self {
        let bedrock = Bedrock::start();
        let s3 = S3::start().await;
        let url = bedrock.url();
        let own = [
            ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", url.as_str()),
            ("AWS_ENDPOINT_URL_S3", s3.url()),
            ("IMAGE_BUCKET", S3::BUCKET),
        ];
        let function = Function::start(name, &[&own, environment].concat()).await;
        Self {
            function,
            bedrock,
            s3,
        }
    }
}
