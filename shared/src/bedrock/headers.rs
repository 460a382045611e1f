//! Token counts of InvokeModel. They come as response headers, which are not in the service model
//! and so not in the SDK's output type; an interceptor reads them on the way.

use std::sync::{Arc, OnceLock};

use aws_sdk_bedrockruntime::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_bedrockruntime::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_bedrockruntime::error::BoxError;
use aws_smithy_runtime_api::http::Headers;

use crate::families::Usage;

/// Where one call's counts are put. Clones share the place.
#[derive(Debug, Clone, Default)]
pub(super) struct TokenCounts(Arc<OnceLock<Usage>>);

impl TokenCounts {
    /// The counts, if the answer had them.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.0.get().copied()
    }
}

impl Intercept for TokenCounts {
    fn name(&self) -> &'static str {
        "TokenCounts"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(usage) = read(context.response().headers()) {
            // Only the attempt that succeeded has the headers.
            let _ = self.0.set(usage);
        }
        Ok(())
    }
}

fn read(headers: &Headers) -> Option<Usage> {
    let count = |name: &str| headers.get(name)?.parse().ok();
    Some(Usage {
        input: count("x-amzn-bedrock-input-token-count")?,
        output: count("x-amzn-bedrock-output-token-count")?,
        cache_read: count("x-amzn-bedrock-cache-read-input-token-count").unwrap_or(0),
        cache_write: count("x-amzn-bedrock-cache-write-input-token-count").unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in pairs {
            headers.insert(*name, *value);
        }
        headers
    }

    #[test]
    fn counts_are_read_where_both_are_there() {
        let input = ("x-amzn-bedrock-input-token-count", "18");
        let output = ("x-amzn-bedrock-output-token-count", "50");
        let cached = ("x-amzn-bedrock-cache-read-input-token-count", "7");
        let usage = Usage {
            input: 18,
            output: 50,
            ..Usage::default()
        };
        assert_eq!(read(&headers(&[input, output])), Some(usage));
        assert_eq!(
            read(&headers(&[input, output, cached])),
            Some(Usage {
                cache_read: 7,
                ..usage
            })
        );
        assert_eq!(read(&headers(&[input])), None);
        assert_eq!(
            read(&headers(&[
                input,
                ("x-amzn-bedrock-output-token-count", "many")
            ])),
            None
        );
    }
}
