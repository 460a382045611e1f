//! Every text family over every way to it, whole and streamed.

use bedrock_adapter::dialogue::Input;
use bedrock_adapter::families::{Finish, Usage};
use bedrock_adapter::model::{Api, Family, Target, TextFamily};

use crate::client::{NOVA, Wire, dialogue, target};

const IMPORTED: &str = "arn:aws:bedrock:us-east-1:123456789012:imported-model/claude123456";

/// It does not stream.
const JURASSIC: &str = "ai21.j2-ultra-v1";

/// Models of every family, with what has to be declared.
const MODELS: [(&str, Option<&str>); 25] = [
    ("amazon.titan-tg1-large", None),
    ("amazon.titan-text-lite-v1", None),
    ("amazon.titan-text-express-v1", None),
    ("amazon.titan-text-premier-v1:0", None),
    ("anthropic.claude-v2", None),
    ("anthropic.claude-v2:1", None),
    ("anthropic.claude-instant-v1", None),
    ("us.anthropic.claude-haiku-4-5-20251001-v1:0", None),
    (IMPORTED, Some("claude-messages")),
    (NOVA, None),
    ("ai21.jamba-1-5-mini-v1:0", None),
    ("meta.llama2-13b-chat-v1", None),
    ("meta.llama3-8b-instruct-v1:0", None),
    ("us.meta.llama4-scout-17b-instruct-v1:0", None),
    (
        "arn:aws:bedrock:us-east-1:123456789012:imported-model/llama1234567",
        Some("llama-3"),
    ),
    ("us.deepseek.r1-v1:0", None),
    ("openai.gpt-oss-20b-1:0", None),
    ("qwen.qwen3-32b-v1:0", None),
    ("cohere.command-r-v1:0", None),
    (JURASSIC, None),
    ("mistral.mixtral-8x7b-instruct-v0:1", None),
    ("mistral.mistral-small-2402-v1:0", None),
    ("mistral.mistral-large-2407-v1:0", None),
    ("cohere.command-light-text-v14", None),
    (
        "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
        None,
    ),
];

/// Each model over each way that serves it.
fn targets() -> impl Iterator<Item = Target> {
    MODELS.into_iter().flat_map(|(model, family)| {
        let over = move |api| target(model, family, Some(api));
        let converse = over(Api::Invoke)
            .entry
            .is_some_and(|entry| entry.capabilities.converse);
        let converse = converse.then(|| over(Api::Converse));
        std::iter::once(over(Api::Invoke)).chain(converse)
    })
}

#[test]
fn the_models_are_of_every_text_family() {
    for &family in TextFamily::ALL.iter() {
        assert!(
            targets().any(|target| target.family == Some(Family::Text(family))),
            "{family:?}"
        );
    }
}

#[tokio::test]
async fn a_conversation_reaches_every_model_whole() {
    let wire = Wire::start().await;
    let dialogue = dialogue();
    let input = Input::Dialogue(&dialogue);
    for target in targets() {
        let completion = wire.send(&target, input, 200).await;
        let completion = completion.unwrap_or_else(|error| panic!("{target:?}: {error}"));
        for part in [
            "[simulated]",
            "3 turn(s)",
            "Answer in one sentence.",
            "My name is Ada.",
            "What is my name?",
        ] {
            assert!(completion.text.contains(part), "{target:?}: {completion:?}");
        }
        assert_eq!(completion.finish, Finish::EndOfTurn, "{target:?}");
    }
}

#[tokio::test]
async fn a_stream_says_the_same_as_the_whole_answer() {
    let wire = Wire::start().await;
    let dialogue = dialogue();
    let input = Input::Dialogue(&dialogue);
    for target in targets() {
        let whole = wire.send(&target, input, 200).await;
        let whole = whole.unwrap_or_else(|error| panic!("{target:?}: {error}"));
        let streamed = wire.stream(&target, input, 200).await;
        let streamed = streamed.unwrap_or_else(|error| panic!("{target:?}: {error}"));
        assert_eq!(streamed.error, None, "{target:?}");
        assert_eq!(streamed.text, whole.text, "{target:?}");
        assert_eq!(streamed.finish, Some(whole.finish), "{target:?}");
        assert_eq!(streamed.usage, whole.usage, "{target:?}");
        match target.id.as_str() {
            JURASSIC => assert_eq!(streamed.pieces, 1, "{streamed:?}"),
            _ => assert!(streamed.pieces > 5, "{target:?}: {streamed:?}"),
        }
    }
}

/// The simulator counts words. Claude's text completions carry no counts in their bodies, so
/// theirs are the headers'; Converse's are in its own.
#[tokio::test]
async fn tokens_are_counted_over_every_way() {
    let wire = Wire::start().await;
    let input = Input::Prompt("one two three four five");
    let usage = Usage {
        input: 5,
        output: 7,
        ..Usage::default()
    };
    for target in targets() {
        let whole = wire.send(&target, input, 7).await;
        let whole = whole.unwrap_or_else(|error| panic!("{target:?}: {error}"));
        assert_eq!(whole.finish, Finish::Length, "{target:?}");
        assert_eq!(whole.usage, Some(usage), "{target:?}");
        let streamed = wire.stream(&target, input, 7).await;
        let streamed = streamed.unwrap_or_else(|error| panic!("{target:?}: {error}"));
        assert_eq!(streamed.finish, Some(Finish::Length), "{target:?}");
        assert_eq!(streamed.usage, Some(usage), "{target:?}");
    }
}

#[tokio::test]
async fn each_way_is_the_operation_of_its_name() {
    let wire = Wire::start().await;
    let input = Input::Prompt("Hello");
    let native = target(NOVA, None, Some(Api::Invoke));
    let uniform = target(NOVA, None, Some(Api::Converse));
    for target in [&native, &uniform] {
        wire.send(target, input, 5).await.unwrap();
        wire.stream(target, input, 5).await.unwrap();
    }
    let calls = wire.server.calls().await;
    assert_eq!((calls.received, calls.generated), (4, 4));
    let operations: Vec<_> = calls.kinds.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        operations,
        [
            "InvokeModel",
            "InvokeModelWithResponseStream",
            "Converse",
            "ConverseStream"
        ]
    );
}
