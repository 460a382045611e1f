//! One request in each way that a model can be asked, and Bedrock's good answer to it. The prompt of the
//! one and every text of the other begins with the canary.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::{Answer, Event, Function, S3, Script, Upstream, frames, marked, picture, unmarked};

/// A way to ask a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// What is asked for.
    pub task: Task,
    /// Whether the answer is to come as it is written.
    pub streamed: bool,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// The next turn of a conversation: Converse.
    Chat,
    /// What follows a prompt: InvokeModel with Nova's own body.
    Text,
    /// A picture: InvokeModel with Stable Image's own body.
    Image,
}

/// A function whose Bedrock plays scripts. It has begun to wait for events.
#[derive(Debug)]
pub struct Asked {
    /// How it is asked.
    pub ask: Ask,
    /// The function.
    pub function: Function,
    /// Its Bedrock.
    pub upstream: Upstream,
    /// Its S3.
    pub s3: S3,
}

const fn ask(task: Task, streamed: bool) -> Ask {
    Ask { task, streamed }
}

impl Ask {
    /// A conversation, answered at once.
    pub const CHAT: Self = ask(Task::Chat, false);
    /// A conversation, answered as the answer is written.
    pub const CHAT_STREAM: Self = ask(Task::Chat, true);
    /// A prompt, answered at once.
    pub const TEXT: Self = ask(Task::Text, false);
    /// A prompt, answered as the answer is written.
    pub const TEXT_STREAM: Self = ask(Task::Text, true);
    /// A picture.
    pub const IMAGE: Self = ask(Task::Image, false);
    /// Every way.
    pub const ALL: [Self; 5] = [
        Self::CHAT,
        Self::CHAT_STREAM,
        Self::TEXT,
        Self::TEXT_STREAM,
        Self::IMAGE,
    ];
    /// Those that are answered at once.
    pub const WHOLE: [Self; 3] = [Self::CHAT, Self::TEXT, Self::IMAGE];
    /// Those that are answered as the answer is written.
    pub const STREAMED: [Self; 2] = [Self::CHAT_STREAM, Self::TEXT_STREAM];
    /// Those whose answer is text.
    pub const WRITTEN: [Self; 4] = [Self::CHAT, Self::CHAT_STREAM, Self::TEXT, Self::TEXT_STREAM];
    /// Those whose answer is text, all of it at once.
    pub const WRITTEN_WHOLE: [Self; 2] = [Self::CHAT, Self::TEXT];

    /// This much time for the model: what the function is to be told that it has. Of that, it keeps
    /// back half a second for its answer, and for a picture three for S3.
    pub fn time(self, for_model: Duration) -> Duration {
        let kept = match self.task {
            Task::Chat | Task::Text => 500,
            Task::Image => 3_500,
        };
        for_model + Duration::from_millis(kept)
    }

    /// The function's binary.
    pub const fn function(self) -> &'static str {
        match self.task {
            Task::Chat => "chat",
            Task::Text => "text-completion",
            Task::Image => "image-generation",
        }
    }

    /// The model that the request names.
    pub const fn model(self) -> &'static str {
        match self.task {
            Task::Chat | Task::Text => "us.amazon.nova-micro-v1:0",
            Task::Image => "stability.stable-image-core-v1:1",
        }
    }

    /// A good request.
    pub fn event(self) -> Event {
        self.event_of(&marked("Hello"))
    }

    /// A good request with this prompt, and no canary in it.
    pub fn event_of(self, prompt: &str) -> Event {
        let body = match self.task {
            Task::Chat => json!({
                "model": self.model(),
                "messages": [{"role": "user", "content": prompt}],
                "max_tokens": 64,
            }),
            Task::Text => json!({"model": self.model(), "prompt": prompt, "max_tokens": 64}),
            Task::Image => json!({"model": self.model(), "prompt": prompt}),
        };
        let event = Event::file(&format!("{}-http-v2", self.function())).with_body(&body);
        match self.streamed {
            true => event.with_field("stream", true.into()),
            false => event,
        }
    }

    /// Bedrock's whole answer that says these parts; a picture says nothing.
    pub fn answer(self, parts: &[&str]) -> Script {
        match (self.task, self.streamed) {
            (Task::Image, _) => Script::json(&picture_of(&picture::drawing(1024, 1024))),
            (_, true) => Script::stream_of(self.frames(parts, "end_turn")),
            (_, false) => Script::json(&whole(&parts.concat(), "end_turn")),
        }
    }

    /// Bedrock's answer that ends for another reason.
    pub fn answer_ending(self, text: &str, reason: &str) -> Script {
        match self.streamed {
            true => Script::stream_of(self.frames(&[text], reason)),
            false => Script::json(&whole(text, reason)),
        }
    }

    /// All frames of a stream that says these parts.
    pub fn frames(self, parts: &[&str], reason: &str) -> Vec<Bytes> {
        let begin = [self.begin()];
        let deltas = parts.iter().map(|part| self.delta(part));
        begin
            .into_iter()
            .chain(deltas)
            .chain(self.finish(reason))
            .collect()
    }

    /// The frame that a stream begins with.
    pub fn begin(self) -> Bytes {
        self.frame("messageStart", &json!({"role": "assistant"}))
    }

    /// A frame with text in it.
    pub fn delta(self, text: &str) -> Bytes {
        let payload = json!({"delta": {"text": marked(text)}, "contentBlockIndex": 0});
        self.frame("contentBlockDelta", &payload)
    }

    /// The frames that a stream ends with.
    pub fn finish(self, reason: &str) -> [Bytes; 3] {
        [
            self.frame("contentBlockStop", &json!({"contentBlockIndex": 0})),
            self.frame("messageStop", &json!({"stopReason": reason})),
            self.usage(),
        ]
    }

    /// The frame that says how many tokens were used: 3 and 5.
    pub fn usage(self) -> Bytes {
        let usage = json!({"inputTokens": 3, "outputTokens": 5, "totalTokens": 8});
        match self.task {
            Task::Chat => {
                let payload = json!({"usage": usage, "metrics": {"latencyMs": 7}});
                frames::event("metadata", &payload)
            }
            Task::Text | Task::Image => frames::chunk(&json!({
                "metadata": {"usage": usage, "metrics": {}, "trace": {}},
                "amazon-bedrock-invocationMetrics": {
                    "inputTokenCount": 3, "outputTokenCount": 5,
                    "invocationLatency": 7, "firstByteLatency": 5,
                },
            })),
        }
    }

    /// A frame of any kind. Nova's own chunks hold what Converse's events are.
    pub fn frame(self, kind: &str, payload: &Value) -> Bytes {
        match self.task {
            Task::Chat => frames::event(kind, payload),
            Task::Text | Task::Image => frames::chunk(&json!({kind: payload})),
        }
    }

    /// The text that an answer says, without the canaries in it.
    pub fn said(self, answer: &Answer) -> String {
        let pointers: &[&str] = match (self.task, self.streamed) {
            (Task::Chat, true) => &["/choices/0/delta/content"],
            (Task::Chat, false) => &["/choices/0/message/content"],
            (Task::Text, _) => &["/choices/0/text"],
            (Task::Image, _) => &[],
        };
        let texts = self
            .documents(answer)
            .flat_map(|document| pointers.iter().map(|pointer| document.pointer(pointer)));
        let texts: String = texts.filter_map(|text| text?.as_str()).collect();
        unmarked(&texts)
    }

    /// Why an answer ended: OpenAI's word and Bedrock's, where it says them.
    pub fn ended(self, answer: &Answer) -> (Option<String>, Option<String>) {
        let last = |name: &str| {
            let pointer = format!("/choices/0/{name}");
            self.documents(answer)
                .filter_map(|document| document.pointer(&pointer)?.as_str())
                .next_back()
                .map(str::to_owned)
        };
        (last("finish_reason"), last("stop_reason"))
    }

    fn documents(self, answer: &Answer) -> std::vec::IntoIter<&Value> {
        match self.streamed {
            true => answer.data().collect::<Vec<_>>().into_iter(),
            false => vec![&answer.body].into_iter(),
        }
    }

    /// Checks that an answer is whole, and says this.
    #[track_caller]
    pub fn check(self, answer: &Answer, text: &str) {
        assert_eq!(answer.status, 200, "{self:?}: {answer:?}");
        match self.task {
            Task::Chat | Task::Text => {
                assert_eq!(self.said(answer), text, "{self:?}: {answer:?}");
                let (finish, _) = self.ended(answer);
                assert_eq!(finish.as_deref(), Some("stop"), "{self:?}: {answer:?}");
            }
            Task::Image => assert!(answer.text("/data/0/s3_uri").starts_with("s3://")),
        }
        assert_eq!(answer.is_done(), self.streamed, "{self:?}: {answer:?}");
    }

    /// Starts the function with a Bedrock that plays these scripts.
    pub async fn of(self, scripts: impl IntoIterator<Item = Script>) -> Asked {
        self.with(&[], scripts).await
    }

    /// Starts the function with these variables and a Bedrock that plays these scripts.
    pub async fn with(
        self,
        environment: &[(&str, &str)],
        scripts: impl IntoIterator<Item = Script>,
    ) -> Asked {
        let upstream = Upstream::playing(scripts).await;
        let s3 = S3::start().await;
        let own = [
            ("BEDROCK_ENDPOINT_URL", upstream.url()),
            ("AWS_ENDPOINT_URL_S3", s3.url()),
            ("IMAGE_BUCKET", S3::BUCKET),
        ];
        let function = Function::start(self.function(), &[&own, environment].concat()).await;
        let mut asked = Asked {
            ask: self,
            function,
            upstream,
            s3,
        };
        // From here on time is measured, and a process takes some to start.
        asked.lives_on().await;
        asked
    }
}

impl Asked {
    /// Sends the good request, with time enough.
    pub async fn call(&mut self) -> Answer {
        self.function.call(&self.ask.event()).await
    }

    /// Sends the good request, with this much time for the model.
    pub async fn call_within(&mut self, for_model: Duration) -> Answer {
        let time = self.ask.time(for_model);
        self.function.call_within(&self.ask.event(), time).await
    }

    /// Checks that the environment answers, with a request that no model sees.
    pub async fn lives_on(&mut self) {
        let before = self.upstream.count();
        let event = self.ask.event().with_field("n", 0.into());
        let answer = self.function.call(&event).await;
        assert_eq!(answer.status, 400, "{:?}: {answer:?}", self.ask);
        assert_eq!(answer.error().get("param"), Some(&json!("n")));
        assert_eq!(self.upstream.count(), before, "{:?}", self.ask);
    }
}

/// The whole answer in the shape that Converse and Nova share.
pub fn whole(text: &str, reason: &str) -> Value {
    json!({
        "output": {"message": {"role": "assistant", "content": [{"text": marked(text)}]}},
        "stopReason": reason,
        "usage": {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8},
        "metrics": {"latencyMs": 7},
    })
}

/// Stable Image's answer with this file.
pub fn picture_of(file: &[u8]) -> Value {
    json!({"seeds": [7], "finish_reasons": [null], "images": [STANDARD.encode(file)]})
}
