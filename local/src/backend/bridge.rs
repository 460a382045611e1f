//! The way to a language model that the user runs already: any server that speaks OpenAI's
//! streaming chat completions over plain HTTP (Ollama, llama.cpp, LM Studio, vLLM).

use std::time::Duration;

use bytes::{Buf, Bytes};
use http::{HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::backend::stop::StopMatcher;
use crate::text::{Finish, Options, Role, Step, Steps, Turn, Unavailable, Usage};

/// How long a connection may take. The answer may take its time: models load on the first request.
const CONNECT: Duration = Duration::from_secs(3);
/// The longest line of a stream that is kept. A chunk is some hundred bytes.
const LONGEST_LINE: usize = 1024 * 1024;

/// A client of one server and one of its models.
#[derive(Debug)]
pub struct Bridge {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    model: String,
}

/// Why an address cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the bridge needs a plain address such as http://127.0.0.1:11434/v1, not `{url}`")]
pub struct UrlError {
    url: String,
}

impl Bridge {
    /// `url` goes up to and including `/v1`.
    ///
    /// # Errors
    ///
    /// When `url` is no `http://` address.
    pub fn new(url: &str, model: &str) -> Result<Self, UrlError> {
        let base = url.trim_end_matches('/');
        let parsed: Result<Uri, _> = base.parse();
        if !parsed.is_ok_and(|uri| uri.scheme_str() == Some("http") && uri.query().is_none()) {
            return Err(UrlError {
                url: url.to_owned(),
            });
        }
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            base: base.to_owned(),
            model: model.to_owned(),
        })
    }

    /// The model that the server is asked for.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Asks the server for its models, which costs it nothing.
    ///
    /// # Errors
    ///
    /// [`Unavailable::Down`] when it does not answer with success.
    pub async fn ready(&self) -> Result<(), Unavailable> {
        let request = self.request(Method::GET, "/models", Bytes::new())?;
        self.send(request).await.map(drop)
    }

    /// Asks for the next turn.
    ///
    /// # Errors
    ///
    /// [`Unavailable::Down`] when the server cannot be reached or refuses.
    pub async fn generate(&self, turns: &[Turn], options: &Options) -> Result<Steps, Unavailable> {
        let body = serde_json::to_vec(&ChatRequest::new(&self.model, turns, options))
            .map_err(|_| self.down("the request cannot be written as JSON".to_owned()))?;
        let request = self.request(Method::POST, "/chat/completions", body.into())?;
        let answer = self.send(request).await?;
        let (sender, steps) = mpsc::channel(16);
        let relay = Relay::new(options, sender);
        tokio::spawn(relay.run(answer.into_body()));
        Ok(steps)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, Unavailable> {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            )
            .body(Full::new(body))
            .map_err(|error| self.down(error.to_string()))
    }

    async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<http::Response<hyper::body::Incoming>, Unavailable> {
        let answer = self
            .client
            .request(request)
            .await
            .map_err(|error| self.down(format!("{} cannot be reached ({error})", self.base)))?;
        if answer.status().is_success() {
            Ok(answer)
        } else {
            // The body may repeat the prompt, so only the status is told.
            Err(self.down(format!(
                "{} answered with status {}",
                self.base,
                answer.status()
            )))
        }
    }

    fn down(&self, reason: String) -> Unavailable {
        Unavailable::Down {
            backend: format!("bridge:{}", self.model),
            reason,
        }
    }
}

/// OpenAI's `POST /chat/completions`, as far as it is used here.
#[derive(Serialize)]
struct ChatRequest<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    max_tokens: usize,
    temperature: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    /// Not OpenAI's, but all the servers above know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<usize>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    stream: bool,
    stream_options: StreamOptions,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> ChatRequest<'a> {
    fn new(model: &'a str, turns: &'a [Turn], options: &'a Options) -> Self {
        let Options {
            max_tokens,
            temperature,
            top_p,
            top_k,
            stop,
        } = options;
        let messages = turns
            .iter()
            .map(|turn| Message {
                role: match turn.role {
                    Role::System => "system",
                    Role::User => "user",
                    Role::Assistant => "assistant",
                },
                content: &turn.text,
            })
            .collect();
        Self {
            model,
            messages,
            max_tokens: *max_tokens,
            temperature: *temperature,
            top_p: *top_p,
            top_k: *top_k,
            stop,
            stream: true,
            stream_options: StreamOptions {
                include_usage: true,
            },
        }
    }
}

/// One chunk of the answer, read leniently.
#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<ChunkUsage>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    finish_reason: Option<String>,
    /// vLLM's: the stop sequence that came up.
    stop_reason: Option<serde_json::Value>,
}

#[derive(Deserialize, Default)]
struct Delta {
    content: Option<String>,
}

#[derive(Deserialize)]
struct ChunkUsage {
    prompt_tokens: usize,
    completion_tokens: usize,
}

/// Carries one answer over. It ends without [`Step::Done`] when the server's stream breaks.
struct Relay {
    sender: mpsc::Sender<Step>,
    matcher: StopMatcher,
    stops: Vec<String>,
    finish: Option<Finish>,
    usage: Option<Usage>,
    /// Chunks with text, the count of tokens as long as the server names none.
    chunks: usize,
}

impl Relay {
    fn new(options: &Options, sender: mpsc::Sender<Step>) -> Self {
        Self {
            sender,
            matcher: StopMatcher::new(&options.stop),
            stops: options.stop.clone(),
            finish: None,
            usage: None,
            chunks: 0,
        }
    }

    async fn run(mut self, mut body: hyper::body::Incoming) {
        let mut lines = Lines::default();
        let sender = self.sender.clone();
        loop {
            let frame = tokio::select! {
                frame = body.frame() => frame,
                // Dropping the body closes the connection, at which the server stops working.
                () = sender.closed() => return,
            };
            let data = match frame {
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                Some(Err(error)) => {
                    tracing::warn!(%error, "the bridged server broke its stream off");
                    return;
                }
                None => break,
            };
            lines.push(data);
            while let Some(line) = lines.next() {
                match self.take(&line).await {
                    Progress::Going => {}
                    Progress::Ended => return self.end().await,
                    Progress::Broken => return,
                }
            }
            if lines.waiting() > LONGEST_LINE {
                tracing::warn!("the bridged server sent a line without an end");
                return;
            }
        }
        // Some servers close without `[DONE]`; a finish reason counts as the end.
        if self.finish.is_some() {
            self.end().await;
        }
    }

    async fn take(&mut self, line: &[u8]) -> Progress {
        let Some(data) = line.strip_prefix(b"data:").map(<[u8]>::trim_ascii) else {
            return Progress::Going;
        };
        if data == b"[DONE]" {
            return if self.finish.is_some() {
                Progress::Ended
            } else {
                Progress::Broken
            };
        }
        let Ok(chunk) = serde_json::from_slice::<Chunk>(data) else {
            tracing::warn!("the bridged server sent a chunk that is not one");
            return Progress::Broken;
        };
        if let Some(usage) = chunk.usage {
            self.usage = Some(Usage {
                input: usage.prompt_tokens,
                output: usage.completion_tokens,
            });
        }
        let Some(choice) = chunk.choices.into_iter().next() else {
            return Progress::Going;
        };
        if let Some(text) = choice.delta.content.filter(|text| !text.is_empty()) {
            self.chunks += 1;
            let passed = self.matcher.push(&text);
            if !self.text(passed.text).await {
                return Progress::Broken;
            }
            if let Some(stop) = passed.stop {
                // The server does not know the sequence, or gives it with the text.
                self.finish = Some(Finish::StopSequence(stop));
                return Progress::Ended;
            }
        }
        if let Some(reason) = choice.finish_reason {
            let named = choice
                .stop_reason
                .as_ref()
                .and_then(serde_json::Value::as_str);
            self.finish = Some(
                match self.stops.iter().find(|stop| Some(stop.as_str()) == named) {
                    Some(stop) => Finish::StopSequence(stop.clone()),
                    None if reason == "length" => Finish::Length,
                    None => Finish::EndOfTurn,
                },
            );
        }
        Progress::Going
    }

    async fn end(mut self) {
        let finish = self.finish.take().unwrap_or(Finish::EndOfTurn);
        let held = std::mem::replace(&mut self.matcher, StopMatcher::new(&[])).finish();
        if self.text(held).await {
            let usage = self.usage.unwrap_or(Usage {
                input: 0,
                output: self.chunks,
            });
            // A receiver that is gone wants no end either.
            let _ = self.sender.send(Step::Done { finish, usage }).await;
        }
    }

    /// Whether somebody still reads.
    async fn text(&self, text: String) -> bool {
        text.is_empty() || self.sender.send(Step::Text(text)).await.is_ok()
    }
}

enum Progress {
    Going,
    Ended,
    Broken,
}

/// Cuts a body into lines.
#[derive(Default)]
struct Lines {
    rest: bytes::BytesMut,
}

impl Lines {
    fn push(&mut self, data: Bytes) {
        self.rest.extend_from_slice(&data);
    }

    fn next(&mut self) -> Option<Bytes> {
        let end = self.rest.iter().position(|&byte| byte == b'\n')?;
        let line = self.rest.split_to(end).freeze();
        self.rest.advance(1);
        Some(line)
    }

    fn waiting(&self) -> usize {
        self.rest.len()
    }
}

#[cfg(test)]
mod tests;
