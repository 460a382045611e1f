//! What is wrong with a body, whatever the function.

use end_to_end::Event;
use serde_json::{Value, json};

use crate::{Bad, FUNCTIONS, check};

fn table(good: &Event) -> Vec<Bad> {
    let text = |text: &str, code| {
        let event = good.clone().with_text(text);
        Bad::new(format!("{text:.40?}"), event, code)
    };
    let absent = |body: &str| text(body, "body_required");
    let broken = |body: &str| text(body, "invalid_json");
    let field = |name, value, code| Bad::field(good, name, value, code);
    let body = good.body().to_string();
    let deep = format!(r#"{{"prompt":{}"#, "[".repeat(100_000));
    let mut table = vec![
        Bad::new(
            "no body",
            good.clone().with("/body", Value::Null),
            "body_required",
        ),
        absent(""),
        absent(" \n "),
        absent("null"),
        broken("{"),
        broken("not JSON"),
        broken("[]"),
        broken("5"),
        broken(r#""text""#),
        broken(&format!("{body} x")),
        broken(&format!("{body}{body}")),
        broken(&format!("\u{feff}{body}")),
        broken(r#"{"model":"a","model":"b"}"#),
        broken(r#"{"n":NaN}"#),
        broken(&deep),
        broken("{'model':'a'}"),
        field("model", json!(5), "invalid_value"),
        field("n", json!(0), "invalid_value"),
        field("n", json!(11), "invalid_value"),
        field("n", json!(1.5), "invalid_value"),
        field("n", json!("5"), "invalid_value"),
        field("family", json!("gpt"), "invalid_value"),
        field("store", json!(true), "unsupported_parameter"),
        field("output_key", json!("../x"), "unknown_parameter"),
        field("model", json!("x".repeat(3_000)), "model_not_found").status(404),
    ];
    for model in ["gpt-5", "../x", "", "arn:aws:s3:::bucket"] {
        table.push(field("model", model.into(), "model_not_found").status(404));
    }
    table
}

#[tokio::test]
async fn a_bad_body_is_refused_by_every_function() {
    for (function, event) in FUNCTIONS {
        let good = Event::file(event);
        check(function, &good, table(&good)).await;
    }
}
