//! The control plane and `/_local`.

use std::time::{Duration, Instant};

use local_bedrock::{Config, TextBackend};
use serde_json::{Value, json};

use crate::client::Bedrock;

/// The ids that a query lists.
fn check(bedrock: &Bedrock, query: &str) -> Vec<String> {
    let answer = bedrock.get(&format!("/foundation-models{query}"));
    assert_eq!(answer.status, 200, "{query}: {}", answer.message());
    let json = answer.json();
    let summaries = json["modelSummaries"].as_array().expect("a list");
    summaries
        .iter()
        .map(|summary| {
            let id = summary["modelId"].as_str().expect("an id");
            let arn = format!("arn:aws:bedrock:us-east-1::foundation-model/{id}");
            assert_eq!(summary["modelArn"], arn);
            id.to_owned()
        })
        .collect()
}

#[test]
fn models_are_listed_and_filtered() {
    let bedrock = Bedrock::start();
    let all = check(&bedrock, "");
    assert!(all.len() > 20);
    let images = check(&bedrock, "?byOutputModality=IMAGE");
    let draws = ["stability.", "amazon.titan-image-", "amazon.nova-canvas-"];
    for id in &images {
        assert!(draws.iter().any(|family| id.starts_with(family)), "{id}");
    }
    for family in draws {
        assert!(images.iter().any(|id| id.starts_with(family)), "{family}");
    }
    let amazon = check(&bedrock, "?byProvider=amazon&byInferenceType=ON_DEMAND");
    assert!(amazon.iter().all(|id| id.starts_with("amazon.")) && !amazon.is_empty());
    let tuned = check(&bedrock, "?byCustomizationType=FINE_TUNING");
    assert!(tuned.iter().all(|id| id.starts_with("amazon.titan-")) && tuned.len() == 4);
    assert_eq!(
        check(&bedrock, "?byOutputModality=EMBEDDING"),
        Vec::<String>::new()
    );
    let refusal = bedrock.get("/foundation-models?byOutputModality=SMELL");
    assert_eq!(
        (refusal.status, refusal.exception()),
        (400, "ValidationException")
    );
}

#[test]
fn a_model_is_described_by_id_and_by_arn() {
    let bedrock = Bedrock::start();
    for id in [
        "anthropic.claude-v2%3A1",
        "arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Fanthropic.claude-v2%3A1",
    ] {
        let details = bedrock.get(&format!("/foundation-models/{id}")).json();
        assert_eq!(details["modelDetails"]["modelId"], "anthropic.claude-v2:1");
        assert_eq!(
            details["modelDetails"]["modelLifecycle"],
            json!({"status": "LEGACY", "endOfLifeTime": "2025-07-21T00:00:00Z"})
        );
    }
    assert_eq!(bedrock.get("/foundation-models/nobody.model").status, 400);
}

#[test]
fn a_models_start_is_told_where_its_id_names_it() {
    let bedrock = Bedrock::start();
    let lifecycle = |id: &str| {
        let details = bedrock.get(&format!("/foundation-models/{id}")).json();
        details["modelDetails"]["modelLifecycle"].clone()
    };
    assert_eq!(
        lifecycle("anthropic.claude-sonnet-4-5-20250929-v1:0"),
        json!({
            "status": "LEGACY",
            "startOfLifeTime": "2025-09-29T00:00:00Z",
            "endOfLifeTime": "2027-04-08T00:00:00Z",
        })
    );
    assert_eq!(
        lifecycle("amazon.nova-lite-v1:0"),
        json!({"status": "ACTIVE"})
    );
}

#[test]
fn profiles_are_listed_by_page_and_type() {
    let bedrock = Bedrock::start();
    let mut seen = Vec::new();
    let mut path = "/inference-profiles?maxResults=7".to_owned();
    loop {
        let page = bedrock.get(&path).json();
        let rows = page["inferenceProfileSummaries"]
            .as_array()
            .expect("a list");
        seen.extend(rows.iter().map(|row| row["inferenceProfileId"].clone()));
        match page["nextToken"].as_str() {
            Some(token) => path = format!("/inference-profiles?maxResults=7&nextToken={token}"),
            None => break,
        }
    }
    let whole = bedrock.get("/inference-profiles").json();
    let rows = whole["inferenceProfileSummaries"]
        .as_array()
        .expect("a list");
    assert!(rows.len() > 14);
    assert_eq!(
        seen,
        rows.iter()
            .map(|row| row["inferenceProfileId"].clone())
            .collect::<Vec<_>>()
    );
    let own = bedrock.get("/inference-profiles?type=APPLICATION").json();
    assert_eq!(
        own["inferenceProfileSummaries"].as_array().map(Vec::len),
        Some(1)
    );
    let arn = own["inferenceProfileSummaries"][0]["inferenceProfileArn"]
        .as_str()
        .expect("an ARN");
    let one = bedrock
        .get(&format!("/inference-profiles/{}", arn.replace('/', "%2F")))
        .json();
    assert_eq!(one["createdAt"], "2025-01-01T00:00:00Z");
    let model = one["models"][0]["modelArn"].as_str().expect("an ARN");
    assert!(
        model.ends_with("foundation-model/amazon.nova-lite-v1:0"),
        "{model}"
    );
    let missing = bedrock.get("/inference-profiles/us.nobody");
    assert_eq!(
        (missing.status, missing.exception()),
        (404, "ResourceNotFoundException")
    );
}

#[test]
fn paths_and_queries_are_refused_in_the_same_envelope() {
    let bedrock = Bedrock::start();
    for path in [
        "/inference-profiles?maxResults=many",
        "/inference-profiles?maxResults=0",
        "/inference-profiles?type=OTHER",
        "/foundation-models/%FF",
    ] {
        let answer = bedrock.get(path);
        assert_eq!(
            (answer.status, answer.exception()),
            (400, "ValidationException"),
            "{path}"
        );
        assert!(!answer.message().is_empty());
    }
}

#[test]
fn calls_are_counted_and_forgotten() {
    let bedrock = Bedrock::start();
    let count = |bedrock: &Bedrock, key: &str| bedrock.get("/_local/calls").json()[key].clone();
    bedrock.invoke("amazon.titan-tg1-large", &json!({"inputText": "a"}));
    bedrock.invoke("amazon.titan-tg1-large", &json!({"inputText": ""}));
    bedrock.invoke("amazon.unknown", &json!({"inputText": "a"}));
    assert_eq!(count(&bedrock, "received"), 2);
    assert_eq!(count(&bedrock, "generated"), 1);
    assert_eq!(
        count(&bedrock, "calls"),
        json!([{
            "operation": "InvokeModel",
            "model": "amazon.titan-tg1-large",
            "received": 2,
            "generated": 1,
        }])
    );
    bedrock.reset_calls();
    assert_eq!(count(&bedrock, "received"), 0);
}

#[test]
fn calls_of_the_control_plane_are_counted_and_forgotten() {
    let bedrock = Bedrock::start();
    let counts = || bedrock.get("/_local/calls").json()["control"].clone();
    assert_eq!(counts(), json!({}));
    for path in [
        "/foundation-models",
        "/foundation-models?byOutputModality=SMELL",
        "/foundation-models/amazon.nova-lite-v1:0",
        "/inference-profiles?maxResults=1",
        "/inference-profiles/us.nobody",
    ] {
        bedrock.get(path);
    }
    assert_eq!(
        counts(),
        json!({
            "ListFoundationModels": 2,
            "GetFoundationModel": 1,
            "ListInferenceProfiles": 1,
            "GetInferenceProfile": 1,
        })
    );
    assert_eq!(bedrock.get("/_local/calls").json()["received"], 0);
    bedrock.reset_calls();
    assert_eq!(counts(), json!({}));
}

#[test]
fn a_generation_ends_when_its_reader_leaves() {
    // A minute a word: only the reader's leaving can end it in time.
    let bedrock = Bedrock::with(&Config {
        chunk_delay_ms: 60_000,
        ..Config::simulator()
    });
    let under_way = || bedrock.get("/_local/calls").json()["under_way"].clone();
    let body = json!({"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}).to_string();
    for operation in ["converse", "converse-stream"] {
        let patience = Duration::from_millis(200);
        let outcome = bedrock.try_call("amazon.nova-micro-v1:0", operation, &body, patience);
        assert!(outcome.is_err(), "{operation}: {outcome:?}");
        let deadline = Instant::now() + Duration::from_secs(5);
        while under_way() != 0 {
            assert!(
                Instant::now() < deadline,
                "{operation} goes on without a reader"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    assert_eq!(bedrock.get("/_local/calls").json()["generated"], 2);
}

#[test]
fn a_backend_that_is_down_is_never_replaced() {
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let bedrock = Bedrock::with(&Config {
        text_backend: TextBackend::Bridge,
        bridge_url: Some(format!("http://{address}/v1")),
        bridge_model: Some("a-model".to_owned()),
        ..Config::simulator()
    });
    let health = bedrock.get("/_local/health");
    let text = bedrock.invoke("amazon.titan-tg1-large", &json!({"inputText": "Hi"}));
    for answer in [health, text] {
        assert_eq!(
            (answer.status, answer.exception()),
            (503, "ServiceUnavailableException")
        );
    }
    let picture = json!({"text_prompts": [{"text": "a lake"}]});
    assert_eq!(
        bedrock
            .invoke("stability.stable-diffusion-xl", &picture)
            .status,
        200
    );
}

#[test]
fn the_server_says_who_answers() {
    let bedrock = Bedrock::start();
    let health = bedrock.get("/_local/health");
    assert_eq!(health.status, 200);
    assert_eq!(health.json()["text"], "simulator");
    let models = bedrock.get("/_local/models").json();
    let backend = |id: &str| -> Value {
        let rows = models.as_array().expect("a list");
        rows.iter().find(|row| row["model"] == id).expect("a row")["backend"].clone()
    };
    assert_eq!(backend("amazon.titan-tg1-large"), "simulator");
    assert_eq!(
        backend("stability.stable-diffusion-xl"),
        "procedural-picture"
    );
}

#[test]
fn unknown_paths_are_unknown_operations() {
    let bedrock = Bedrock::start();
    for answer in [
        bedrock.get("/nothing"),
        bedrock.get("/model/amazon.titan-tg1-large/invoke"),
    ] {
        assert_eq!(
            (answer.status, answer.exception()),
            (404, "UnknownOperationException")
        );
        assert_eq!(answer.header("x-amzn-requestid").len(), 36);
    }
}
