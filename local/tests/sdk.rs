//! The AWS SDK as the judge: its own reader takes every answer, stream and exception.

#![expect(
    clippy::expect_used,
    reason = "clippy.toml allows it in test functions, this in the client"
)]

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_bedrockruntime::error::ProvideErrorMetadata as _;
use aws_sdk_bedrockruntime::operation::RequestId as _;
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, ConverseStreamOutput, InferenceConfiguration, Message,
    ResponseStream, StopReason, SystemContentBlock,
};
use local_bedrock::{Config, Server};
use serde_json::Value;

const NOVA: &str = "us.amazon.nova-micro-v1:0";

fn client(server: &Server) -> Client {
    let config = aws_sdk_bedrockruntime::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(server.url())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

fn user(text: &str) -> Message {
    Message::builder()
        .role(ConversationRole::User)
        .content(ContentBlock::Text(text.to_owned()))
        .build()
        .expect("a message")
}

#[tokio::test]
async fn it_reads_whole_answers() {
    let server = Server::start(&Config::simulator()).expect("a server");
    let client = client(&server);
    let invoked = client
        .invoke_model()
        .model_id("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2:1")
        .body(Blob::new(
            r#"{"prompt":"\n\nHuman: Hi\n\nAssistant:","max_tokens_to_sample":50}"#,
        ))
        .send()
        .await
        .expect("an answer");
    assert_eq!(invoked.content_type(), "application/json");
    assert!(invoked.request_id().is_some());
    let body: Value = serde_json::from_slice(invoked.body().as_ref()).expect("JSON");
    assert!(
        body["completion"]
            .as_str()
            .is_some_and(|text| text.contains("[simulated]"))
    );

    let conversed = client
        .converse()
        .model_id(NOVA)
        .system(SystemContentBlock::Text("Be brief.".to_owned()))
        .messages(user("My name is Ada."))
        .inference_config(InferenceConfiguration::builder().max_tokens(3).build())
        .send()
        .await
        .expect("an answer");
    assert_eq!(conversed.stop_reason(), &StopReason::MaxTokens);
    let usage = conversed.usage().expect("usage");
    assert_eq!(
        (
            usage.input_tokens(),
            usage.output_tokens(),
            usage.total_tokens()
        ),
        (6, 3, 9)
    );
    assert!(conversed.metrics().is_some());
}

#[tokio::test]
async fn it_reads_streams() {
    let server = Server::start(&Config::simulator()).expect("a server");
    let client = client(&server);
    let mut stream = client
        .invoke_model_with_response_stream()
        .model_id("amazon.titan-tg1-large")
        .body(Blob::new(r#"{"inputText":"Hello you"}"#))
        .send()
        .await
        .expect("a stream");
    assert_eq!(stream.content_type(), "application/json");
    let mut text = String::new();
    while let Some(event) = stream.body.recv().await.expect("an event") {
        let ResponseStream::Chunk(part) = event else {
            panic!("another event: {event:?}")
        };
        let chunk: Value =
            serde_json::from_slice(part.bytes().expect("bytes").as_ref()).expect("JSON");
        text.push_str(chunk["outputText"].as_str().expect("text"));
    }
    assert!(text.contains("Hello you"), "{text}");

    let mut stream = client
        .converse_stream()
        .model_id(NOVA)
        .messages(user("Hello you"))
        .send()
        .await
        .expect("a stream");
    let (mut text, mut stop, mut usage) = (String::new(), None, None);
    while let Some(event) = stream.stream.recv().await.expect("an event") {
        match event {
            ConverseStreamOutput::ContentBlockDelta(delta) => {
                let delta = delta.delta().expect("a delta");
                text.push_str(delta.as_text().expect("text"));
            }
            ConverseStreamOutput::MessageStop(event) => stop = Some(event.stop_reason().clone()),
            ConverseStreamOutput::Metadata(event) => usage = event.usage().cloned(),
            ConverseStreamOutput::MessageStart(_) | ConverseStreamOutput::ContentBlockStop(_) => {}
            event => panic!("another event: {event:?}"),
        }
    }
    assert!(text.contains("Hello you"), "{text}");
    assert_eq!(stop, Some(StopReason::EndTurn));
    assert!(usage.is_some_and(|usage| usage.total_tokens() > 2));
}

#[tokio::test]
async fn it_reads_exceptions() {
    let server = Server::start(&Config {
        faults: true,
        ..Config::simulator()
    })
    .expect("a server");
    let client = client(&server);
    let converse = |text: String| {
        client
            .converse()
            .model_id(NOVA)
            .messages(user(&text))
            .send()
    };
    for name in [
        "AccessDeniedException",
        "ValidationException",
        "ResourceNotFoundException",
        "ThrottlingException",
        "ModelNotReadyException",
        "ModelTimeoutException",
        "ModelErrorException",
        "InternalServerException",
        "ServiceUnavailableException",
    ] {
        let error = converse(format!("[[fault:error:{name}]]"))
            .await
            .expect_err(name);
        let error = error.into_service_error();
        assert_eq!(error.code(), Some(name));
        assert_eq!(error.message(), Some(format!("Injected {name}.").as_str()));
    }

    let mut stream = client
        .converse_stream()
        .model_id(NOVA)
        .messages(user("[[fault:exception:ThrottlingException]]"))
        .send()
        .await
        .expect("a stream");
    let error = loop {
        match stream.stream.recv().await {
            Ok(event) => assert!(event.is_some(), "the stream ends without its exception"),
            Err(error) => break error.into_service_error(),
        }
    };
    assert!(error.is_throttling_exception(), "{error:?}");
}
