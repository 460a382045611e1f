//! The adapter's client, and a Bedrock for it.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::Credentials;
use bedrock_adapter::Error;
use bedrock_adapter::api::inference::Inference;
use bedrock_adapter::api::options::Options;
use bedrock_adapter::bedrock::Bedrock;
use bedrock_adapter::config::Connection;
use bedrock_adapter::deadline::Deadline;
use bedrock_adapter::dialogue::{Dialogue, Input};
use bedrock_adapter::families::{Chunk, Completion, Conversation, Finish, Role, Turn, Usage};
use bedrock_adapter::generation::Call;
use bedrock_adapter::model::{Api, Directory, Target, Wanted};
use end_to_end::{ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY};
use futures_util::StreamExt as _;

/// A model that answers on a server with faults too, over both ways.
pub(crate) const NOVA: &str = "us.amazon.nova-micro-v1:0";

/// Time enough for every retry.
const TIME: Duration = Duration::from_secs(20);

/// A client and the server that it calls.
pub(crate) struct Wire {
    pub server: end_to_end::Bedrock,
    pub client: Bedrock,
}

/// A streamed answer, read to its end.
#[derive(Debug, PartialEq)]
pub(crate) struct Streamed {
    pub text: String,
    pub finish: Option<Finish>,
    pub usage: Option<Usage>,
    pub error: Option<Error>,
    /// Chunks with text in them.
    pub pieces: usize,
}

impl Wire {
    /// Without faults; every model answers.
    pub(crate) async fn start() -> Self {
        Self::to(end_to_end::Bedrock::start()).await
    }

    /// Prompts may ask for faults.
    pub(crate) async fn with_faults() -> Self {
        Self::to(end_to_end::Bedrock::with_faults()).await
    }

    async fn to(server: end_to_end::Bedrock) -> Self {
        let sdk = Box::pin(sdk(None)).await;
        let client = Box::pin(Bedrock::connect(&sdk, &connection(&server.url()))).await;
        Self { server, client }
    }

    /// The whole answer of at most so many tokens.
    pub(crate) async fn send(
        &self,
        target: &Target,
        input: Input<'_>,
        tokens: i64,
    ) -> Result<Completion, Error> {
        let call = Call::prepare(target, input, &at_most(tokens), &Options::default())?;
        let deadline = Deadline::within(TIME);
        // On the heap: many are under way at once, and the SDK's futures are large.
        Box::pin(call.send(&self.client, target, deadline)).await
    }

    /// The streamed answer of at most so many tokens; an error is one before its first chunk.
    pub(crate) async fn stream(
        &self,
        target: &Target,
        input: Input<'_>,
        tokens: i64,
    ) -> Result<Streamed, Error> {
        let call = Call::prepare(target, input, &at_most(tokens), &Options::default())?;
        let deadline = Deadline::within(TIME);
        if call.is_whole_only() {
            let whole = Box::pin(call.send(&self.client, target, deadline)).await?;
            let chunks = whole.into_chunks().into_iter().map(Ok);
            return Ok(read_to_end(futures_util::stream::iter(chunks)).await);
        }
        let stream = Box::pin(call.stream(&self.client, target, deadline)).await?;
        Ok(read_to_end(stream.chunks()).await)
    }
}

/// Reads a stream to its end, which must stay the end.
pub(crate) async fn read_to_end(
    stream: impl futures_util::Stream<Item = Result<Chunk, Error>>,
) -> Streamed {
    let mut stream = Box::pin(stream);
    let mut streamed = Streamed {
        text: String::new(),
        finish: None,
        usage: None,
        error: None,
        pieces: 0,
    };
    while let Some(chunk) = stream.next().await {
        assert_eq!(streamed.error, None, "an error is the last item");
        match chunk {
            Ok(chunk) => {
                streamed.pieces += usize::from(!chunk.text.is_empty());
                streamed.text.push_str(&chunk.text);
                streamed.finish = streamed.finish.or(chunk.finish);
                streamed.usage = chunk.usage.or(streamed.usage);
            }
            Err(error) => streamed.error = Some(error),
        }
    }
    streamed
}

/// The SDK's configuration, as `runtime` builds it but for TLS; `endpoint` is for all services.
pub(crate) async fn sdk(endpoint: Option<&str>) -> SdkConfig {
    let credentials = Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, None, "end-to-end");
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::from_static(REGION))
        .credentials_provider(credentials);
    if let Some(endpoint) = endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    loader.load().await
}

/// To this Bedrock, in the SDK's region and with the SDK's credentials.
pub(crate) fn connection(endpoint: &str) -> Connection {
    Connection {
        region: None,
        role: None,
        guardrail: None,
        idle: TIME,
        session_name: "end-to-end".to_owned(),
        endpoint: Some(endpoint.to_owned()),
    }
}

/// A model by its id, over the way that is chosen for it or its usual one.
pub(crate) fn target(model: &str, family: Option<&str>, api: Option<Api>) -> Target {
    let directory = Directory {
        default: Some(NOVA.to_owned()),
        aliases: Default::default(),
        allowed: Vec::new(),
        region: None,
    };
    let wanted = Wanted {
        model: Some(model.to_owned()),
        family: family.map(str::to_owned),
        api,
    };
    directory
        .find(&wanted)
        .unwrap_or_else(|error| panic!("{model}: {error}"))
}

/// A system prompt and three turns, whose answer must know the first.
pub(crate) fn dialogue() -> Dialogue {
    let turn = |role, text: &str| Turn {
        role,
        text: text.to_owned(),
    };
    Dialogue::from(Conversation {
        system: Some("Answer in one sentence.".to_owned()),
        turns: vec![
            turn(Role::User, "My name is Ada."),
            turn(Role::Assistant, "Good morning, Ada."),
            turn(Role::User, "What is my name?"),
        ],
    })
}

/// So many tokens and nothing else.
pub(crate) fn at_most(tokens: i64) -> Inference {
    Inference {
        max_tokens: Some(tokens),
        ..Inference::default()
    }
}
