//! The `bad-…` files in `events/`, which a person can send by hand too.

use end_to_end::Event;

use crate::bad::{Bad, FUNCTIONS, check};

/// Each file by the function that it is sent to.
fn table(function: &str) -> Vec<Bad> {
    let bad = |name: &str, code| Bad::new(name, Event::file(name), code);
    match function {
        "text-completion" => vec![
            bad("bad-unknown-field-http-v2", "unknown_parameter").param("max_token"),
            bad("bad-unknown-model-http-v2", "model_not_found")
                .status(404)
                .param("model"),
            bad("bad-path-http-v2", "not_found").status(404),
        ],
        "chat" => vec![
            bad("bad-base64-http-v2", "invalid_json"),
            bad("bad-method-http-v2", "method_not_allowed").status(405),
            bad("bad-not-json-http-v2", "invalid_json"),
        ],
        _ => vec![bad("bad-size-http-v2", "invalid_value").param("size")],
    }
}

#[tokio::test]
async fn every_bad_event_is_refused() {
    let mut checked = Vec::new();
    for (function, event) in FUNCTIONS {
        let table = table(function);
        checked.extend(table.iter().map(|bad| bad.what.clone()));
        let good = Event::file(&format!("{event}-http-v2")).marked();
        check(&[], function, &good, table).await;
    }
    checked.sort();
    let names = Event::names();
    let bad = names.into_iter().filter(|name| name.starts_with("bad-"));
    assert_eq!(checked, bad.collect::<Vec<_>>(), "no file is left out");
}
