//! Several functions over one S3, one SQS and one Bedrock.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::Value;

use crate::Bedrock;
use crate::canary::marked;
use crate::event::{Event, sample};
use crate::function::Function;
use crate::message::{self, Message};
use crate::outcome::Outcome;
use crate::s3::{S3, Stored};
use crate::sqs::Sqs;
use crate::upstream::{Script, Upstream};

/// Everything that functions share.
#[derive(Debug)]
pub struct Cloud {
    /// The S3, with buckets for requests, results and images.
    pub s3: S3,
    /// The SQS, with a queue for each function.
    pub sqs: Sqs,
    models: Models,
}

/// Who plays Bedrock.
#[derive(Debug)]
enum Models {
    Local(Bedrock),
    Scripted(Upstream),
}

impl Cloud {
    /// With the local Bedrock.
    pub async fn start() -> Self {
        Self::with(Models::Local(Bedrock::start())).await
    }

    /// With a local Bedrock whose prompts may ask for faults.
    pub async fn with_faults() -> Self {
        Self::with(Models::Local(Bedrock::with_faults())).await
    }

    /// With a Bedrock that plays these scripts.
    pub async fn playing(scripts: impl IntoIterator<Item = Script>) -> Self {
        Self::with(Models::Scripted(Upstream::playing(scripts).await)).await
    }

    async fn with(models: Models) -> Self {
        Self {
            s3: S3::start().await,
            sqs: Sqs::start().await,
            models,
        }
    }

    /// The local Bedrock.
    pub fn bedrock(&self) -> &Bedrock {
        match &self.models {
            Models::Local(bedrock) => bedrock,
            Models::Scripted(_) => panic!("Bedrock plays scripts"),
        }
    }

    /// The Bedrock that plays scripts.
    pub fn upstream(&self) -> &Upstream {
        match &self.models {
            Models::Scripted(upstream) => upstream,
            Models::Local(_) => panic!("Bedrock plays no scripts"),
        }
    }

    /// How often models were called: for the local Bedrock, how often they worked.
    pub async fn paid_calls(&self) -> usize {
        match &self.models {
            Models::Local(bedrock) => {
                usize::try_from(bedrock.calls().await.generated).expect("a count")
            }
            Models::Scripted(upstream) => upstream.count(),
        }
    }

    /// Starts a function by its binary's name; these variables go before the cloud's own.
    pub async fn start_function(&self, name: &str, environment: &[(&str, &str)]) -> Function {
        let queue = Self::queue(name);
        let bedrock = match &self.models {
            Models::Local(bedrock) => bedrock.url(),
            Models::Scripted(upstream) => upstream.url().to_owned(),
        };
        let fifo = format!("{queue}.fifo");
        let arns = [queue, &fifo].map(message::arn).join(",");
        let [chat, completion, image] =
            [Sqs::CHAT, Sqs::COMPLETION, Sqs::IMAGE].map(|queue| self.sqs.queue_url(queue));
        let own = [
            ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.as_str()),
            ("AWS_ENDPOINT_URL_S3", self.s3.url()),
            ("AWS_ENDPOINT_URL_SQS", self.sqs.url()),
            ("IMAGE_BUCKET", S3::BUCKET),
            ("RESULT_BUCKET", S3::RESULTS),
            ("REQUEST_BUCKETS", S3::REQUESTS),
            ("QUEUE_ARNS", arns.as_str()),
            ("CHAT_QUEUE_URL", chat.as_str()),
            ("COMPLETION_QUEUE_URL", completion.as_str()),
            ("IMAGE_QUEUE_URL", image.as_str()),
        ];
        Function::start(name, &[&own, environment].concat()).await
    }

    /// A function's short name, which is in the keys of its objects.
    pub fn short_name(function: &str) -> &'static str {
        match function {
            "chat" | "panicking" => "chat",
            "text-completion" => "completion",
            "image-generation" => "image",
            _ => panic!("{function} takes no requests but HTTP's"),
        }
    }

    /// The queue that calls a function.
    pub fn queue(function: &str) -> &'static str {
        match Self::short_name(function) {
            "chat" => Sqs::CHAT,
            "completion" => Sqs::COMPLETION,
            _ => Sqs::IMAGE,
        }
    }

    /// Uploads `requests/<name>/{file}`, of which S3 tells the function's queue.
    pub fn upload(&self, function: &str, file: &str, body: impl Into<Bytes>) -> Stored {
        let key = format!("requests/{}/{file}", Self::short_name(function));
        let stored = self.s3.put(S3::REQUESTS, &key, body);
        self.notify(function, &stored);
        stored
    }

    /// Tells a function's queue of an object, as S3 does. Returns the message's id.
    pub fn notify(&self, function: &str, stored: &Stored) -> String {
        let message = Message::carrying(&Event::upload(stored));
        self.sqs.put(Self::queue(function), message)
    }

    /// Calls a function until its queue is empty, with up to ten messages at a time.
    pub async fn drive(&self, name: &str, function: &mut Function) -> Vec<Outcome> {
        self.sqs.drive(Self::queue(name), function, 10).await
    }

    /// Uploads the objects that this event tells of, from `events/objects/` and as the versions
    /// that it names. Whatever they ask begins with the canary.
    pub fn lay_out(&self, event: &Event) {
        let objects: BTreeSet<_> = event.objects().into_iter().collect();
        for (bucket, key, version) in objects {
            let text = String::from_utf8(sample(&key)).expect("a text");
            // A request, or a line that is one, or a prompt.
            let mark = |text: &str| match serde_json::from_str::<Value>(text) {
                Ok(request) => Event::from(request).marked().text(),
                Err(_) => marked(text),
            };
            let text = match key.ends_with(".jsonl") {
                true => text.lines().map(mark).collect::<Vec<_>>().join("\n"),
                false => mark(&text),
            };
            self.s3.put_version(&bucket, &key, &version, text);
        }
    }
}
