//! What is wrong with a request for text completion.

use end_to_end::{Event, Stack};
use serde_json::json;

use crate::{Bad, check};

fn table(good: &Event) -> Vec<Bad> {
    let field = |name, value, code| Bad::field(good, name, value, code);
    let without_prompt = good.clone().with_body(&json!({"max_tokens": 5}));
    let lone_surrogate = good.clone().with_text(r#"{"prompt":"\ud800"}"#);
    let prompts = good.clone().with_field("prompt", json!(["a", " "]));
    vec![
        Bad::new("no prompt", without_prompt, "missing_required_parameter").param("prompt"),
        Bad::new("half a character", lone_surrogate, "invalid_value").param("prompt"),
        Bad::new("a blank prompt of two", prompts, "invalid_value").param("prompt[1]"),
        field("prompt", json!(null), "missing_required_parameter"),
        field("prompt", json!(""), "invalid_value"),
        field("prompt", json!(" \u{200b}\n"), "invalid_value"),
        field("prompt", json!(5), "invalid_value"),
        field("prompt", json!([]), "invalid_value"),
        field("prompt", json!(vec!["a"; 21]), "invalid_value"),
        field("prompt", json!([1, 2, 3]), "unsupported_parameter"),
        field("max_tokens", json!(-1), "invalid_value"),
        field("max_tokens", json!(1_000_000_000), "invalid_value"),
        field("max_tokens", json!("5"), "invalid_value"),
        field("temperature", json!(-0.1), "invalid_value"),
        field("temperature", json!(1.01), "invalid_value"),
        field("temperature", json!("hot"), "invalid_value"),
        field("top_p", json!(2), "invalid_value"),
        field("stop", json!(5), "invalid_value"),
        field("suffix", json!("b"), "unsupported_parameter"),
        field("best_of", json!(3), "unsupported_parameter"),
        // What Titan does not have.
        field("top_k", json!(5), "unsupported_parameter"),
        field("presence_penalty", json!(0.5), "unsupported_parameter"),
        field("seed", json!(7), "unsupported_parameter"),
        field("api", json!("magic"), "invalid_value"),
        field("max_token", json!(5), "unknown_parameter"),
        field(
            "model",
            json!("stability.stable-diffusion-xl-v1"),
            "unsupported_model",
        ),
        field("family", json!("claude-text"), "invalid_value"),
    ]
}

#[tokio::test]
async fn a_bad_request_for_text_is_refused() {
    let good = Event::file("text-completion-http-v2");
    check("text-completion", &good, table(&good)).await;
    let good = Event::file("text-completion-rest-v1");
    check("text-completion", &good, table(&good)).await;
}

#[tokio::test]
async fn an_unknown_field_is_answered_with_the_nearest_known_one() {
    let mut stack = Stack::start("text-completion", &[]).await;
    let good = Event::file("text-completion-http-v2");
    for (unknown, known) in [("max_token", "max_tokens"), ("temprature", "temperature")] {
        let event = good.clone().with_field(unknown, json!(1));
        let answer = stack.function.call(&event).await;
        let message = answer.text("/error/message");
        assert_eq!(
            message,
            format!("`{unknown}` is not a known field; did you mean `{known}`?")
        );
    }
}
