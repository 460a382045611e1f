//! Credentials of a role that is assumed.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};

/// How long STS may take. The SDK by itself would wait for some 20 s, which is most of a request's
/// time, and then not say that it was the credentials.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The credentials of a role, taken with those of the SDK's configuration.
pub(super) async fn assumed(
    sdk: &SdkConfig,
    role: &str,
    session_name: &str,
) -> SharedCredentialsProvider {
    let provider = AssumeRoleProvider::builder(role)
        .session_name(session_name)
        .configure(sdk)
        .build()
        .await;
    SharedCredentialsProvider::new(InTime(provider))
}

#[derive(Debug)]
struct InTime(AssumeRoleProvider);

impl ProvideCredentials for InTime {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            tokio::time::timeout(LONGEST_WAIT, self.0.provide_credentials())
                .await
                .unwrap_or_else(|_| Err(CredentialsError::provider_timed_out(LONGEST_WAIT)))
        })
    }
}
