//! The built function, from an event to the answer, over the Runtime API.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "clippy.toml allows them in test functions, this allows what those call"
)]

mod control_plane;
mod faults;
mod filters;
mod list;
mod retrieve;

use std::collections::BTreeMap;

use end_to_end::{Answer, Bedrock, Event, Function, download};
use serde_json::Value;

/// The function and its Bedrock.
struct Stack {
    function: Function,
    bedrock: Bedrock,
}

impl Stack {
    async fn start(environment: &[(&str, &str)]) -> Self {
        let bedrock = Bedrock::start();
        let function = start(&bedrock.url(), environment).await;
        Self { function, bedrock }
    }

    /// `GET /v1/models` with this query.
    async fn list(&mut self, query: &[(&str, &str)]) -> Answer {
        self.function.call(&listing(query)).await
    }

    /// `GET /v1/models/{id}`, with the path as it is sent.
    async fn retrieve(&mut self, id: &str) -> Answer {
        self.function.call(&retrieval(id)).await
    }

    /// How often each operation of the control plane was called.
    async fn calls(&self) -> BTreeMap<String, u64> {
        let calls = download(&format!("{}/_local/calls", self.bedrock.url())).await;
        let calls: Value = serde_json::from_slice(&calls.body).expect("JSON");
        let counts = calls["control"].as_object().expect("the counts");
        counts
            .iter()
            .map(|(operation, count)| (operation.clone(), count.as_u64().expect("a count")))
            .collect()
    }
}

/// Starts the function with this control plane; its answers come in one piece.
async fn start(url: &str, environment: &[(&str, &str)]) -> Function {
    let own = [
        ("AWS_ENDPOINT_URL_BEDROCK", url),
        ("HTTP_RESPONSE", "buffered"),
    ];
    Function::start("models", &[&own, environment].concat()).await
}

fn listing(query: &[(&str, &str)]) -> Event {
    let event = Event::file("models-http-v2");
    let raw: Vec<_> = query
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace(' ', "%20")))
        .collect();
    let query: serde_json::Map<_, _> = query
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
        .collect();
    event
        .with("/rawQueryString", raw.join("&").into())
        .with("/queryStringParameters", query.into())
}

fn retrieval(id: &str) -> Event {
    let path = Value::from(format!("/v1/models/{id}"));
    Event::file("models-http-v2")
        .with("/rawPath", path.clone())
        .with("/requestContext/http/path", path)
}

fn ids(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let data = answer.body["data"].as_array().expect("a list");
    data.iter()
        .map(|model| model["id"].as_str().expect("an id"))
        .collect()
}

/// The model with this id in a list.
fn model<'a>(answer: &'a Answer, id: &str) -> &'a Value {
    let data = answer.body["data"].as_array().expect("a list");
    let model = data.iter().find(|model| model["id"] == id);
    model.unwrap_or_else(|| panic!("{id} is not listed"))
}
