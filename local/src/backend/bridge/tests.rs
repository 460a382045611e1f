use std::sync::{Arc, Mutex};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};

use super::*;

/// What the server was asked, and what it answers.
#[derive(Clone)]
struct Server {
    asked: Arc<Mutex<Option<serde_json::Value>>>,
    status: StatusCode,
    answer: &'static str,
}

async fn complete(
    State(server): State<Server>,
    Json(body): Json<serde_json::Value>,
) -> (StatusCode, &'static str) {
    *server.asked.lock().unwrap() = Some(body);
    (server.status, server.answer)
}

async fn serve(status: StatusCode, answer: &'static str) -> (Bridge, Server) {
    let server = Server {
        asked: Arc::default(),
        status,
        answer,
    };
    let app = axum::Router::new()
        .route("/v1/chat/completions", post(complete))
        .route(
            "/v1/models",
            get(|| async { r#"{"object":"list","data":[]}"# }),
        )
        .with_state(server.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (Bridge::new(&url, "llama3").unwrap(), server)
}

fn options(stop: &[&str]) -> Options {
    Options {
        max_tokens: 9,
        temperature: 0.5,
        top_p: None,
        top_k: Some(40),
        stop: stop.iter().map(|&stop| stop.to_owned()).collect(),
    }
}

fn turns() -> Vec<Turn> {
    [(Role::System, "Be brief."), (Role::User, "Hi")]
        .map(|(role, text)| Turn {
            role,
            text: text.to_owned(),
        })
        .to_vec()
}

async fn check(stop: &[&str], answer: &'static str, text: &str, end: Option<(Finish, Usage)>) {
    let (bridge, _) = serve(StatusCode::OK, answer).await;
    let mut steps = bridge.generate(&turns(), &options(stop)).await.unwrap();
    let (mut heard, mut done) = (String::new(), None);
    while let Some(step) = steps.recv().await {
        match step {
            Step::Text(text) => heard.push_str(&text),
            Step::Done { finish, usage } => done = Some((finish, usage)),
        }
    }
    assert_eq!((heard.as_str(), done), (text, end), "{answer}");
}

#[tokio::test]
async fn an_answer_comes_with_its_end_and_the_servers_own_counts() {
    check(
        &[],
        concat!(
            ": a comment\n\n",
            "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\r\n\r\n",
            "data: {\"choices\":[{\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"length\"}]}\n\n",
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n",
            "data: [DONE]\n\n",
        ),
        "Hello",
        Some((Finish::Length, Usage { input: 7, output: 2 })),
    )
    .await;
}

#[tokio::test]
async fn a_stop_sequence_is_found_by_the_server_or_here() {
    check(
        &["END"],
        "data: {\"choices\":[{\"delta\":{\"content\":\"one \"},\"finish_reason\":\"stop\",\"stop_reason\":\"END\"}]}\n\ndata: [DONE]\n\n",
        "one ",
        Some((Finish::StopSequence("END".to_owned()), Usage { input: 0, output: 1 })),
    )
    .await;
    check(
        &["END"],
        "data: {\"choices\":[{\"delta\":{\"content\":\"one E\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"ND two\"}}]}\n\n",
        "one ",
        Some((Finish::StopSequence("END".to_owned()), Usage { input: 0, output: 2 })),
    )
    .await;
}

#[tokio::test]
async fn a_stream_that_breaks_off_has_no_end() {
    let begun = "data: {\"choices\":[{\"delta\":{\"content\":\"one \"}}]}\n\n";
    check(&[], begun, "one ", None).await;
    check(
        &[],
        "data: {\"choices\":[{\"delta\":{\"content\":\"one \"}}]}\n\ndata: {oops\n\n",
        "one ",
        None,
    )
    .await;
    check(
        &[],
        "data: {\"choices\":[{\"delta\":{\"content\":\"one \"}}]}\n\ndata: [DONE]\n\n",
        "one ",
        None,
    )
    .await;
}

#[tokio::test]
async fn the_request_carries_every_turn_and_option() {
    let (bridge, server) = serve(StatusCode::OK, "").await;
    bridge.ready().await.unwrap();
    bridge.generate(&turns(), &options(&["END"])).await.unwrap();
    let asked = server.asked.lock().unwrap().take();
    assert_eq!(
        asked,
        Some(serde_json::json!({
            "model": "llama3",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hi"},
            ],
            "max_tokens": 9,
            "temperature": 0.5,
            "top_k": 40,
            "stop": ["END"],
            "stream": true,
            "stream_options": {"include_usage": true},
        }))
    );
}

#[tokio::test]
async fn a_server_that_refuses_or_is_away_is_down() {
    let (bridge, _) = serve(StatusCode::NOT_FOUND, "no model for: Hi").await;
    let refused = bridge
        .generate(&turns(), &options(&[]))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("404") && !refused.contains("Hi"),
        "{refused}"
    );

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", closed.local_addr().unwrap());
    drop(closed);
    let bridge = Bridge::new(&url, "llama3").unwrap();
    assert!(matches!(
        bridge.ready().await,
        Err(Unavailable::Down { .. })
    ));
    let away = bridge.generate(&turns(), &options(&[])).await;
    assert!(matches!(away, Err(Unavailable::Down { .. })), "{away:?}");
}

#[test]
fn only_plain_addresses_are_taken() {
    for url in [
        "https://example.com/v1",
        "127.0.0.1:11434",
        "",
        "http://h/v1?x=1",
    ] {
        assert!(Bridge::new(url, "llama3").is_err(), "{url}");
    }
}
