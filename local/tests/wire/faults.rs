//! Faults on demand: each marker does what its name says, and only with `--faults`.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::client::{Bedrock, StreamEnd};

const NOVA: &str = "amazon.nova-micro-v1:0";
const SDXL: &str = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/sdxl12345678";
const CLAUDE_V2: &str = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/claude123456";
const CORE: &str = "stability.stable-image-core-v1:1";
const STREAM: &str = "invoke-with-response-stream";

fn nova(marker: &str) -> Value {
    json!({"messages": [{"role": "user", "content": [{"text": format!("Hello [[fault:{marker}]]")}]}]})
}

fn sdxl(marker: &str) -> Value {
    json!({"text_prompts": [{"text": format!("a lake [[fault:{marker}]]")}]})
}

#[test]
fn every_exception_has_its_status_and_envelope() {
    let bedrock = Bedrock::with_faults();
    for (name, status) in [
        ("AccessDeniedException", 403),
        ("ValidationException", 400),
        ("ResourceNotFoundException", 404),
        ("ConflictException", 400),
        ("ServiceQuotaExceededException", 400),
        ("ThrottlingException", 429),
        ("ModelNotReadyException", 429),
        ("ModelTimeoutException", 408),
        ("ModelErrorException", 424),
        ("ModelStreamErrorException", 424),
        ("InternalServerException", 500),
        ("ServiceUnavailableException", 503),
    ] {
        let body = nova(&format!("error:{name}")).to_string();
        for operation in ["invoke", STREAM, "converse", "converse-stream"] {
            let answer = bedrock.call(NOVA, operation, &body);
            assert_eq!(
                (answer.status, answer.exception()),
                (status, name),
                "{operation}"
            );
            assert_eq!(answer.message(), format!("Injected {name}."));
        }
    }
    let answer = bedrock
        .invoke(NOVA, &nova("error:ModelErrorException"))
        .json();
    assert_eq!(answer["originalStatusCode"], 500);
    assert!(answer["resourceName"].is_string());
    assert_eq!(bedrock.get("/_local/calls").json()["generated"], 0);
}

#[test]
fn throttling_lasts_as_long_as_it_says() {
    let bedrock = Bedrock::with_faults();
    let statuses = |marker: &str| -> Vec<u16> {
        (0..4)
            .map(|_| bedrock.invoke(NOVA, &nova(marker)).status)
            .collect()
    };
    assert_eq!(statuses("throttle"), [429, 429, 429, 429]);
    assert_eq!(statuses("throttle:2"), [429, 429, 200, 200]);
    let answer = bedrock.invoke(NOVA, &nova("retry_after:3000"));
    assert_eq!(
        (answer.status, answer.header("x-amz-retry-after")),
        (429, "3000")
    );
}

#[test]
fn a_slow_model_is_paid_for_from_the_beginning() {
    let bedrock = Bedrock::with_faults();
    assert_eq!(bedrock.invoke(NOVA, &nova("slow:1")).status, 200);
    let patience = Duration::from_millis(300);
    for (model, operation, body) in [
        (NOVA, "converse", nova("slow:60000")),
        (NOVA, STREAM, nova("slow:60000")),
        (SDXL, "invoke", sdxl("slow:60000")),
    ] {
        let outcome = bedrock.try_call(model, operation, body.to_string(), patience);
        assert!(outcome.is_err(), "{operation}: {outcome:?}");
    }
    assert_eq!(bedrock.get("/_local/calls").json()["generated"], 4);
}

#[test]
fn an_answer_is_late_or_never_comes() {
    let bedrock = Bedrock::with_faults();
    let started = Instant::now();
    assert_eq!(bedrock.invoke(NOVA, &nova("delay:200")).status, 200);
    assert!(started.elapsed() >= Duration::from_millis(200));
    let patience = Duration::from_millis(300);
    for marker in ["stall", "stall_body"] {
        for (model, operation, body) in [
            (NOVA, "invoke", nova(marker)),
            (NOVA, "converse", nova(marker)),
            (NOVA, STREAM, nova(marker)),
            (SDXL, "invoke", sdxl(marker)),
        ] {
            let outcome = bedrock.try_call(model, operation, body.to_string(), patience);
            assert!(
                matches!(outcome, Err(ureq::Error::Timeout(_))),
                "{marker} {operation}: {outcome:?}"
            );
        }
    }
}

#[test]
fn an_answer_is_cut_in_the_middle() {
    let bedrock = Bedrock::with_faults();
    for (model, operation, body) in [
        (NOVA, "invoke", nova("cut")),
        (NOVA, "converse", nova("cut")),
        (SDXL, "invoke", sdxl("cut")),
    ] {
        let outcome = bedrock.try_call(model, operation, body.to_string(), Duration::from_secs(5));
        assert!(
            matches!(outcome, Err(ureq::Error::Io(_))),
            "{operation}: {outcome:?}"
        );
    }
}

#[test]
fn a_stream_breaks_in_each_way() {
    let bedrock = Bedrock::with_faults();
    for operation in [STREAM, "converse-stream"] {
        let stream = |marker: &str| bedrock.stream(NOVA, operation, &nova(marker));
        let cut = stream("cut");
        assert_eq!(cut.end, StreamEnd::Cut(0), "{operation}");
        assert!(cut.frames.len() >= 2, "{operation}: cut before any text");
        let cut = stream("cut_frame");
        assert!(
            matches!(cut.end, StreamEnd::Cut(1..)),
            "{operation}: {:?}",
            cut.end
        );
        assert!(cut.frames.len() >= 2, "{operation}: cut before any text");
        let spoiled = stream("bad_crc");
        assert_eq!(spoiled.end, StreamEnd::BadFrame, "{operation}");
        assert!(
            spoiled.frames.len() >= 2,
            "{operation}: spoiled before any text"
        );
        let whole = bedrock.stream(NOVA, operation, &nova("delay:0"));
        let endless = stream("no_end");
        assert_eq!(endless.end, StreamEnd::Clean, "{operation}");
        let last = |frame: Option<&crate::client::Frame>| frame.map(|frame| frame.payload());
        assert_ne!(
            last(endless.frames.last()),
            last(whole.frames.last()),
            "{operation}"
        );
    }
    let names = |marker: &str| -> Vec<String> {
        let stream = bedrock.stream(NOVA, "converse-stream", &nova(marker));
        stream.events().into_iter().map(str::to_owned).collect()
    };
    assert!(!names("no_end").contains(&"messageStop".to_owned()));
}

#[test]
fn a_stream_has_an_exception_after_the_first_text() {
    let bedrock = Bedrock::with_faults();
    for (name, camel) in [
        ("ThrottlingException", "throttlingException"),
        ("modelStreamErrorException", "modelStreamErrorException"),
        ("InternalServerException", "internalServerException"),
        ("ValidationException", "validationException"),
        ("ServiceUnavailableException", "serviceUnavailableException"),
        ("ModelTimeoutException", "modelTimeoutException"),
    ] {
        let body = nova(&format!("exception:{name}"));
        for operation in [STREAM, "converse-stream"] {
            let stream = bedrock.stream(NOVA, operation, &body);
            assert_eq!(stream.end, StreamEnd::Clean);
            let last = stream.frames.last().expect("a frame");
            assert_eq!(last.header(":message-type"), "exception", "{name}");
            assert_eq!(last.header(":exception-type"), camel);
            assert!(last.payload()["message"].is_string());
            assert!(stream.frames.len() > 2, "no text before the exception");
        }
    }
}

#[test]
fn an_answer_is_not_what_it_should_be() {
    let bedrock = Bedrock::with_faults();
    for (model, operation, body) in [
        (NOVA, "invoke", nova as fn(&str) -> Value),
        (NOVA, "converse", nova),
        (NOVA, "converse-stream", nova),
        (SDXL, "invoke", sdxl),
    ] {
        let garbage = bedrock.call(model, operation, body("garbage").to_string());
        assert_eq!(
            (garbage.status, garbage.header("content-type")),
            (200, "text/html")
        );
        let empty = bedrock.call(model, operation, body("empty").to_string());
        assert_eq!((empty.status, empty.body.len()), (200, 0));
    }
    let wrong = bedrock.invoke(NOVA, &nova("wrong_family")).json();
    assert!(wrong["completion"].is_string(), "{wrong}");
    let wrong = bedrock
        .call(NOVA, "converse", nova("wrong_family").to_string())
        .json();
    assert!(wrong["completion"].is_string(), "{wrong}");
    let wrong = bedrock.invoke(SDXL, &sdxl("wrong_family")).json();
    assert!(wrong["images"][0].is_string() && wrong["artifacts"].is_null());
    let chunks = bedrock.stream(NOVA, STREAM, &nova("wrong_family")).chunks();
    assert!(chunks.iter().all(|chunk| chunk["completion"].is_string()));
}

#[test]
fn moderation_refuses_in_each_familys_words() {
    let bedrock = Bedrock::with_faults();
    let nova_answer = bedrock.invoke(NOVA, &nova("filtered")).json();
    assert_eq!(nova_answer["stopReason"], "content_filtered");
    let converse = bedrock
        .call(NOVA, "converse", nova("filtered").to_string())
        .json();
    assert_eq!(converse["stopReason"], "content_filtered");
    let titan = bedrock.invoke(
        "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/titan1234567",
        &json!({"inputText": "[[fault:filtered]]"}),
    );
    assert_eq!(
        titan.json()["results"][0]["completionReason"],
        "CONTENT_FILTERED"
    );
    let sdxl_answer = bedrock.invoke(SDXL, &sdxl("filtered")).json();
    assert_eq!(
        sdxl_answer["artifacts"][0]["finishReason"],
        "CONTENT_FILTERED"
    );
    let core = bedrock
        .invoke(CORE, &json!({"prompt": "[[fault:filtered]]"}))
        .json();
    assert_eq!(core, json!({"finish_reasons": ["Filter reason: prompt"]}));
}

#[test]
fn a_pictures_file_is_broken() {
    let bedrock = Bedrock::with_faults();
    let picture = |marker: &str| {
        let answer = bedrock.invoke(SDXL, &sdxl(marker)).json();
        let base64 = answer["artifacts"][0]["base64"]
            .as_str()
            .expect("base64")
            .to_owned();
        let bytes = BASE64_STANDARD.decode(base64).expect("base64");
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .expect("IHDR");
        let mut buffer = vec![0; reader.output_buffer_size().expect("a size")];
        reader.next_frame(&mut buffer).and_then(|_| reader.finish())
    };
    assert!(picture("delay:0").is_ok());
    assert!(picture("bad_image").is_err());
    assert!(picture("bad_crc").is_err());
}

#[test]
fn retired_models_answer_as_on_aws() {
    let bedrock = Bedrock::with_faults();
    for (model, body) in [
        ("amazon.titan-tg1-large", json!({"inputText": "a"})),
        ("anthropic.claude-v2", json!({})),
        ("stability.stable-diffusion-xl", json!({})),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", json!({})),
    ] {
        let answer = bedrock.invoke(model, &body);
        assert_eq!(
            (answer.status, answer.exception()),
            (404, "ResourceNotFoundException")
        );
        assert_eq!(
            answer.message(),
            "This model version has reached the end of its life. Please refer to the AWS \
             documentation for more details."
        );
    }
    let prompt = json!({"prompt": "\n\nHuman: Hi\n\nAssistant:", "max_tokens_to_sample": 9});
    assert_eq!(bedrock.invoke(CLAUDE_V2, &prompt).status, 200);
}

#[test]
fn a_marker_that_means_nothing_is_refused() {
    let bedrock = Bedrock::with_faults();
    for (model, body) in [
        (NOVA, nova("nonsense")),
        (NOVA, nova("no_end")),
        (SDXL, sdxl("cut_frame")),
    ] {
        let answer = bedrock.invoke(model, &body);
        assert_eq!(answer.status, 400);
        assert!(
            answer.message().contains("means nothing here"),
            "{}",
            answer.message()
        );
    }
}
