//! A Bedrock client without AWS's SDK: requests by hand, frames by AWS's own decoder.

use std::io::Read as _;
use std::time::{Duration, Instant};

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::event_stream::Message;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::BytesMut;
use http::HeaderMap;
use local_bedrock::{Config, Server};
use serde_json::Value;
use ureq::Agent;

/// What a call took: headers that only InvokeModel's whole answers have.
pub(crate) const TAKEN: [&str; 3] = [
    "x-amzn-bedrock-input-token-count",
    "x-amzn-bedrock-output-token-count",
    "x-amzn-bedrock-invocation-latency",
];

/// A server and a client for it.
pub(crate) struct Bedrock {
    server: Server,
    agent: Agent,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// A frame and when it came, counted from the request.
#[derive(Debug)]
pub(crate) struct Frame {
    pub at: Duration,
    pub message: Message,
}

/// A streamed answer: its frames up to the end, and how it ended.
#[derive(Debug)]
pub(crate) struct Stream {
    pub headers: HeaderMap,
    pub frames: Vec<Frame>,
    pub end: StreamEnd,
}

/// How a stream ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StreamEnd {
    Clean,
    /// The connection closed inside the body; so many bytes of an unfinished frame had come.
    Cut(usize),
    BadFrame,
}

impl Bedrock {
    /// The simulator without delay.
    pub(crate) fn start() -> Self {
        Self::with(&Config::simulator())
    }

    /// The same with `--faults`.
    pub(crate) fn with_faults() -> Self {
        Self::with(&Config {
            faults: true,
            ..Config::simulator()
        })
    }

    pub(crate) fn with(config: &Config) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .into();
        Self {
            server: Server::start(config).expect("the server starts"),
            agent,
        }
    }

    fn operation_url(&self, model: &str, operation: &str) -> String {
        let model = model.replace(':', "%3A").replace('/', "%2F");
        format!("{}/model/{model}/{operation}", self.server.url())
    }

    /// Calls an operation and reads the whole answer.
    pub(crate) fn call(&self, model: &str, operation: &str, body: impl AsRef<[u8]>) -> Answer {
        self.try_call(model, operation, body, Duration::from_secs(20))
            .expect("an answer")
    }

    /// The same, which may fail on the way.
    pub(crate) fn try_call(
        &self,
        model: &str,
        operation: &str,
        body: impl AsRef<[u8]>,
        patience: Duration,
    ) -> Result<Answer, ureq::Error> {
        let mut response = self
            .agent
            .post(self.operation_url(model, operation))
            .header("content-type", "application/json")
            .config()
            .timeout_global(Some(patience))
            .build()
            .send(body.as_ref())?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response
                .body_mut()
                .with_config()
                .limit(50_000_000)
                .read_to_vec()?,
        })
    }

    /// InvokeModel.
    pub(crate) fn invoke(&self, model: &str, body: &Value) -> Answer {
        self.call(model, "invoke", body.to_string())
    }

    /// A streaming operation.
    pub(crate) fn stream(&self, model: &str, operation: &str, body: &Value) -> Stream {
        let started = Instant::now();
        let response = self
            .agent
            .post(self.operation_url(model, operation))
            .header("content-type", "application/json")
            .send(body.to_string())
            .expect("an answer");
        assert_eq!(response.status(), 200);
        let headers = response.headers().clone();
        let mut reader = response.into_body().into_reader();
        let mut decoder = MessageFrameDecoder::new();
        let (mut buffer, mut block) = (BytesMut::new(), [0; 4096]);
        let mut frames = Vec::new();
        let end = loop {
            match reader.read(&mut block) {
                Ok(0) => break StreamEnd::Clean,
                Ok(length) => buffer.extend_from_slice(&block[..length]),
                Err(_) => break StreamEnd::Cut(buffer.len()),
            }
            loop {
                match decoder.decode_frame(&mut buffer) {
                    Ok(DecodedFrame::Complete(message)) => {
                        frames.push(Frame {
                            at: started.elapsed(),
                            message,
                        });
                    }
                    Ok(DecodedFrame::Incomplete) => break,
                    Err(_) => {
                        return Stream {
                            headers,
                            frames,
                            end: StreamEnd::BadFrame,
                        };
                    }
                }
            }
        };
        Stream {
            headers,
            frames,
            end,
        }
    }

    /// A `GET` outside the runtime.
    pub(crate) fn get(&self, path: &str) -> Answer {
        let mut response = self
            .agent
            .get(format!("{}{path}", self.server.url()))
            .call()
            .expect("an answer");
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.body_mut().read_to_vec().expect("a body"),
        }
    }

    /// Forgets the counted calls.
    pub(crate) fn reset_calls(&self) {
        let url = format!("{}/_local/calls", self.server.url());
        assert_eq!(
            self.agent.delete(url).call().expect("an answer").status(),
            204
        );
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// The exception's name in an error envelope.
    pub(crate) fn exception(&self) -> &str {
        self.header("x-amzn-errortype")
            .split(':')
            .next()
            .unwrap_or_default()
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"]
            .as_str()
            .expect("a message")
            .to_owned()
    }
}

impl Frame {
    pub(crate) fn header(&self, name: &str) -> &str {
        let header = self
            .message
            .headers()
            .iter()
            .find(|header| header.name().as_str() == name);
        header
            .and_then(|header| header.value().as_string().ok())
            .map_or("", |value| value.as_str())
    }

    pub(crate) fn payload(&self) -> Value {
        serde_json::from_slice(self.message.payload()).expect("JSON")
    }
}

impl Stream {
    /// The native documents of the `chunk` events.
    pub(crate) fn chunks(&self) -> Vec<Value> {
        let events = self
            .frames
            .iter()
            .filter(|frame| frame.header(":event-type") == "chunk");
        events
            .map(|frame| {
                let payload = frame.payload();
                assert!(payload["p"].is_string(), "no padding: {payload}");
                let bytes = payload["bytes"].as_str().expect("bytes");
                let bytes = BASE64_STANDARD.decode(bytes).expect("base64");
                serde_json::from_slice(&bytes).expect("a native document")
            })
            .collect()
    }

    /// Names of the events, in order.
    pub(crate) fn events(&self) -> Vec<&str> {
        self.frames
            .iter()
            .map(|frame| frame.header(":event-type"))
            .collect()
    }
}
