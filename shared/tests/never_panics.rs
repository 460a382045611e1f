//! No input, however odd, makes a parser, an encoder or a decoder panic.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use bedrock_adapter::api::limits::Limits;
use bedrock_adapter::api::{chat, completion, image};
use bedrock_adapter::converse;
use bedrock_adapter::doors::Event;
use bedrock_adapter::doors::api_gateway::Request;
use bedrock_adapter::doors::notification::Trusted;
use bedrock_adapter::doors::queue::Message;
use bedrock_adapter::families::{self, Input};
use bedrock_adapter::image_file::ImageFile;
use bedrock_adapter::jobs::envelope;
use bedrock_adapter::jobs::line::{self, Line};
use bedrock_adapter::model::{ENTRIES, Family, ImageFamily, ModelId, TextFamily};
use proptest::prelude::*;
use serde_json::{Map, Value};

/// The names that mean something somewhere, so that random JSON reaches the code behind them.
const NAMES: &[&str] = &[
    "model",
    "prompt",
    "messages",
    "role",
    "content",
    "type",
    "text",
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "stop",
    "seed",
    "n",
    "echo",
    "size",
    "steps",
    "cfg_scale",
    "image",
    "mask",
    "mask_source",
    "response_format",
    "family",
    "api",
    "results",
    "outputText",
    "tokenCount",
    "completion",
    "completions",
    "data",
    "generations",
    "outputs",
    "choices",
    "finish_reason",
    "reason",
    "is_finished",
    "stop_reason",
    "output",
    "message",
    "stopReason",
    "usage",
    "artifacts",
    "base64",
    "finishReason",
    "images",
    "seeds",
    "finish_reasons",
    "delta",
    "content_block",
    "amazon-bedrock-invocationMetrics",
    "inputTokenCount",
    "negative_prompt",
    "style_preset",
    "httpMethod",
    "path",
    "headers",
    "body",
    "requestContext",
    "isBase64Encoded",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "function",
    "parameters",
    "strict",
    "json_schema",
    "schema",
    "tool_calls",
    "tool_call_id",
    "id",
    "arguments",
    "image_url",
    "url",
    "file",
    "file_data",
    "filename",
    "cache_control",
    "ttl",
    "thinking_blocks",
    "thinking",
    "signature",
    "budget_tokens",
    "reasoning_effort",
    "guardrail",
    "identifier",
    "additional_model_request_fields",
    "version",
    "rawPath",
    "http",
];

const WORDS: &[&str] = &[
    "user",
    "assistant",
    "system",
    "text",
    "SUCCESS",
    "1024x1024",
    "512x512",
    "LENGTH",
    "end_turn",
    "function",
    "tool",
    "required",
    "json_object",
    "json_schema",
    "{}",
    "converse",
    "invoke",
    "titan-text",
    "POST",
    "/v1/completions",
    "\n\nHuman:",
    "data:image/png;base64,iVBORw0KGgo=",
    "data:image/gif;base64,R0lGODlhAQABAA==",
    "data:text/plain;base64,YQ==",
    "image_url",
    "file",
    "ephemeral",
    "thinking",
    "adaptive",
    "high",
    "anime",
    "MASK_IMAGE_WHITE",
    "amazon.nova-micro-v1:0",
];

/// The names that mean something in the events of queues and buckets, and in batch files.
const EVENT_NAMES: &[&str] = &[
    "Records",
    "eventSource",
    "EventSource",
    "eventVersion",
    "eventName",
    "eventSourceARN",
    "s3",
    "bucket",
    "name",
    "object",
    "key",
    "versionId",
    "eTag",
    "sequencer",
    "Sns",
    "Message",
    "Event",
    "source",
    "detail-type",
    "detail",
    "messageId",
    "receiptHandle",
    "body",
    "attributes",
    "ApproximateReceiveCount",
    "messageAttributes",
    "custom_id",
    "stringValue",
    "version",
    "type",
    "function",
    "line",
    "from",
    "to",
    "since",
    "url",
    "method",
];

const EVENT_WORDS: &[&str] = &[
    "aws:s3",
    "aws:sns",
    "aws:sqs",
    "aws.s3",
    "2.1",
    "ObjectCreated:Put",
    "Object Created",
    "s3:TestEvent",
    "in",
    "requests/a%2Bb+c.json",
    "a%",
    "%FF.json",
    "requests/a.jsonl",
    "queue",
    "{\"version\":1,\"type\":\"batch.line\"}",
    "{\"Records\":[]}",
    "{}",
    "chat",
    "/v1/chat/completions",
    "POST",
    "batch.line",
    "batch.split",
    "batch.check",
];

fn json() -> impl Strategy<Value = Value> {
    json_of(NAMES, WORDS)
}

fn json_of(
    names: &'static [&'static str],
    words: &'static [&'static str],
) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1i64..200).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0.0..1.5).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(words).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(names), inner), 0..8).prop_map(|fields| {
                Value::from(
                    fields
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect::<Map<_, _>>(),
                )
            }),
        ]
    })
}

/// An event of records of this service, each of them right or odd.
fn records() -> impl Strategy<Value = String> {
    let sources = prop::sample::select(&["aws:s3", "aws:sns", "aws:sqs"][..]);
    let fields = (
        prop::sample::select(EVENT_NAMES),
        json_of(EVENT_NAMES, EVENT_WORDS),
    );
    let record = prop::collection::vec(fields, 0..8);
    (sources, prop::collection::vec(record, 1..4)).prop_map(|(source, records)| {
        let records: Vec<_> = records
            .into_iter()
            .map(|fields| {
                let mut record: Map<_, _> = fields
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect();
                record.insert("eventSource".to_owned(), source.into());
                record.insert("messageId".to_owned(), "m".into());
                record.insert("eventSourceARN".to_owned(), "queue".into());
                // A body is a text, and what it says may be JSON again.
                if let Some(body) = record.get("body").filter(|body| !body.is_string()) {
                    let body = body.to_string();
                    record.insert("body".to_owned(), body.into());
                }
                record
            })
            .collect();
        serde_json::json!({ "Records": records }).to_string()
    })
}

/// Reads what came without HTTP, as the doors do.
fn read_event(text: &str) {
    let trusted = Trusted {
        buckets: vec!["in".to_owned()],
        prefix: String::new(),
    };
    if let Event::Messages(records) = Event::of(text, &trusted) {
        for record in records {
            let _ = Message::read(record, &["queue".to_owned()], &trusted);
        }
    }
    let _ = Line::read(text.as_bytes());
    let _ = line::function_of(text.as_bytes());
    let _ = envelope::read(text);
}

/// An object with the given fields, each of them right or odd.
fn object_with(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec((prop::sample::select(names), json()), 0..10).prop_map(|fields| {
        let mut object: Map<_, _> = fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        object.entry("prompt").or_insert_with(|| Value::from("p"));
        object
            .entry("messages")
            .or_insert_with(|| serde_json::json!([{"role": "user", "content": "\nBot: x"}]));
        Value::from(object).to_string()
    })
}

fn read_everything(bytes: &[u8]) {
    let _ = completion::Request::parse(bytes, &Limits::default());
    let _ = chat::Request::parse(bytes, &Limits::default());
    let _ = image::Request::parse(bytes, &Limits::default());
    for &family in TextFamily::ALL {
        let _ = families::decode_text(family, bytes);
        let _ = families::decode_chunk(family, bytes);
    }
    for &family in ImageFamily::ALL {
        let _ = families::decode_image(family, bytes);
    }
    let _ = ImageFile::of(bytes);
    let text = String::from_utf8_lossy(bytes);
    let _ = ModelId::parse(&text);
    let _ = Request::read(&text);
    read_event(&text);
}

fn encode_everything(body: &str) {
    // Unknown fields would end most runs early; each parser gets only those it may know.
    let only = |known: &[&str]| {
        let mut object: Map<String, Value> = serde_json::from_str(body).unwrap();
        object.retain(|name, _| known.contains(&name.as_str()));
        Value::from(object).to_string()
    };
    const INFERENCE: [&str; 7] = [
        "temperature",
        "top_p",
        "top_k",
        "max_tokens",
        "stop",
        "seed",
        "n",
    ];
    const CHAT: [&str; 5] = [
        "messages",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
    ];
    let completion = completion::Request::parse(
        only(&[&INFERENCE[..], &["prompt", "echo"]].concat()).as_bytes(),
        &Limits::default(),
    );
    let chat = chat::Request::parse(
        only(&[&INFERENCE[..], &CHAT[..]].concat()).as_bytes(),
        &Limits::default(),
    );
    let drawing = image::Request::parse(
        only(&[
            "prompt",
            "size",
            "steps",
            "cfg_scale",
            "image",
            "mask",
            "mask_source",
            "seed",
            "style_preset",
            "strength",
            "task",
            "mask_prompt",
            "colors",
            "reference_image",
            "garment_class",
        ])
        .as_bytes(),
        &Limits::default(),
    );
    for entry in ENTRIES {
        match entry.family() {
            None => {}
            Some(Family::Text(family)) => {
                if let Ok(request) = &completion {
                    let input = Input::Prompt(&request.prompts[0]);
                    let _ = families::encode_text(family, Some(entry), input, &request.inference);
                }
                if let Ok(request) = &chat {
                    if let Ok(conversation) = request.dialogue.plain() {
                        let input = Input::Conversation(&conversation);
                        let _ =
                            families::encode_text(family, Some(entry), input, &request.inference);
                    }
                    let _ = converse::encode(
                        Some(family),
                        Some(entry),
                        &request.dialogue,
                        &request.inference,
                        &request.options,
                    );
                }
            }
            Some(Family::Image(family)) => {
                if let Ok(request) = &drawing {
                    let _ = families::encode_image(family, Some(entry), &request.drawing, 2);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn bytes_never_do(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_everything(&bytes);
    }

    #[test]
    fn json_never_does(value in json()) {
        read_everything(value.to_string().as_bytes());
    }

    #[test]
    fn events_never_do(event in records(), end in 0usize..400) {
        read_event(&event);
        let cut = event.get(..end).unwrap_or_default();
        read_event(cut);
    }

    #[test]
    fn a_key_is_decoded_or_refused(key in "[a-c%+0-9A-F]{0,12}(\\.json)?") {
        let record = serde_json::json!({
            "eventName": "ObjectCreated:Put", "eventSource": "aws:s3",
            "s3": {"bucket": {"name": "in"}, "object": {"key": key}},
        });
        read_event(&serde_json::json!({ "Records": [record] }).to_string());
    }

    #[test]
    fn requests_never_do(body in object_with(NAMES)) {
        read_everything(body.as_bytes());
        encode_everything(&body);
    }

    #[test]
    fn a_cut_answer_never_does(value in json(), end in 0usize..100) {
        let text = value.to_string();
        read_everything(&text.as_bytes()[..end.min(text.len())]);
    }
}
