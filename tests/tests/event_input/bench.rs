//! A function with its queue and its buckets, which is given records.

use std::collections::BTreeSet;

use bytes::Bytes;
use end_to_end::{CANARY, Cloud, Event, Function, Message, Outcome, S3, Stored};
use serde_json::{Value, json};

use crate::case::{Case, Fate, check_result};

/// The functions.
pub(crate) const FUNCTIONS: [&str; 3] = ["chat", "text-completion", "image-generation"];

/// A function and all that it talks to, and what must have become of everything so far.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) name: &'static str,
    pub(crate) cloud: Cloud,
    pub(crate) function: Function,
    /// Of each record its id, where it has one that is reported.
    fates: Vec<(String, Fate)>,
    results: usize,
}

impl Bench {
    /// Starts a function with these variables.
    pub(crate) async fn start(name: &'static str, environment: &[(&str, &str)]) -> Self {
        let cloud = Cloud::start().await;
        let function = cloud.start_function(name, environment).await;
        Self {
            name,
            cloud,
            function,
            fates: Vec::new(),
            results: 0,
        }
    }

    /// A request that is answered.
    pub(crate) fn good(&self) -> String {
        let event = Event::file(&format!("{}-direct", self.name));
        let event = match self.name {
            "chat" => event.with("/messages/0/content", CANARY.into()),
            _ => event.with("/prompt", CANARY.into()),
        };
        event.text()
    }

    /// `requests/<name>/{file}`
    pub(crate) fn key(&self, file: &str) -> String {
        format!("requests/{}/{file}", Cloud::short_name(self.name))
    }

    /// Uploads an object; nobody is told.
    pub(crate) fn put(&self, file: &str, body: impl Into<Bytes>) -> Stored {
        self.cloud.s3.put(S3::REQUESTS, &self.key(file), body)
    }

    /// The upload of an object, told of by the queue.
    pub(crate) fn upload(&self, file: &str, body: impl Into<Bytes>, fate: Fate) -> Case {
        let stored = self.put(file, body);
        Case::event(&Event::upload(&stored), &stored.key, fate)
    }

    /// An event of the function's queue with these records.
    pub(crate) fn records(&self, cases: &[Case]) -> Event {
        let queue = Cloud::queue(self.name);
        let records = cases.iter().map(|case| case.record(queue));
        let records: Vec<Value> = records.collect();
        Event::file("chat-sqs").with("/Records", records.into())
    }

    /// Hands the records out at once, between two good ones.
    pub(crate) async fn check(&mut self, cases: Vec<Case>) {
        let good = || {
            Case::message(
                "a good neighbour",
                Message::new(self.good()),
                Fate::Answered,
            )
        };
        let (first, last) = (good(), good());
        let cases: Vec<_> = [first].into_iter().chain(cases).chain([last]).collect();
        let outcome = self.function.invoke_event(&self.records(&cases)).await;
        self.check_outcome(&outcome, cases);
    }

    /// Checks what became of records that were handed out at once.
    pub(crate) fn check_outcome(&mut self, outcome: &Outcome, cases: Vec<Case>) {
        let failures = outcome.failures();
        let results = self.results();
        for case in cases {
            let (id, what) = (case.message.id.as_str(), case.what.as_str());
            let failed = matches!(case.fate, Fate::Failed(_));
            assert_eq!(failures.contains(id), failed, "{}: {what}", self.name);
            // An upload's result has the object's name, a message's the message's id.
            let found = results.iter().find(|result| {
                let name = |pointer| result.pointer(pointer).and_then(Value::as_str);
                name("/id") == Some(id)
                    || case.custom_id.is_some() && name("/custom_id") == case.custom_id.as_deref()
            });
            check_result(case.fate, found, what);
            if let (Some(result), Some(name)) = (found, &case.custom_id) {
                assert_eq!(result.get("custom_id"), Some(&json!(name)), "{what}");
            }
            if matches!(case.fate, Fate::Answered | Fate::Refused(..)) {
                self.results += 1;
            }
            self.expect(&case.message.id, case.fate);
        }
        self.check_count();
    }

    /// Expects that so many requests have been answered beside the records that were checked.
    pub(crate) fn answered(&mut self, count: usize) {
        let fate = (String::new(), Fate::Answered);
        self.fates.extend(std::iter::repeat_n(fate, count));
        self.results += count;
        self.check_count();
    }

    /// Expects that the log tells of this, beside the records that were checked.
    pub(crate) fn expect(&mut self, id: &str, fate: Fate) {
        self.fates.push((id.to_owned(), fate));
    }

    /// All results so far.
    pub(crate) fn results(&self) -> Vec<Value> {
        let s3 = &self.cloud.s3;
        let keys = s3.list(S3::RESULTS, "results/").into_iter();
        keys.map(|key| s3.json(S3::RESULTS, &key)).collect()
    }

    fn check_count(&self) {
        let keys = self.cloud.s3.list(S3::RESULTS, "results/");
        assert_eq!(keys.len(), self.results, "{}: {keys:?}", self.name);
    }

    /// Checks what was paid for, and what the log says.
    pub(crate) async fn finish(self) {
        let Self {
            name,
            cloud,
            function,
            fates,
            results: _,
        } = self;
        let paid = fates.iter().filter(|(_, fate)| *fate == Fate::Answered);
        assert_eq!(cloud.paid_calls().await, paid.count(), "{name}");
        let received = cloud.bedrock().calls().await;
        assert_eq!(received.received, received.generated, "{name}");
        let log = function.stop().await;
        assert!(!log.contains("panicked"), "{name}: {log}");
        let lines: Vec<Value> = log
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect();
        let said = |message: &str, key: &str| {
            let lines = lines.iter().filter(|line| line["message"] == message);
            let mut said: Vec<_> = lines
                .map(|line| line[key].as_str().expect("a text").to_owned())
                .collect();
            said.sort();
            said
        };
        let expected = |of: &dyn Fn(&(String, Fate)) -> Option<String>| {
            let mut expected: Vec<_> = fates.iter().filter_map(of).collect();
            expected.sort();
            expected
        };
        let refused = expected(&|(_, fate)| match fate {
            Fate::Refused(_, code) => Some((*code).to_owned()),
            _ => None,
        });
        assert_eq!(said("refused", "code"), refused, "{name}: {log}");
        let passed_over = expected(&|(_, fate)| match fate {
            Fate::PassedOver(why) => Some((*why).to_owned()),
            _ => None,
        });
        assert_eq!(said("passed over", "why"), passed_over, "{name}: {log}");
        let back: BTreeSet<_> = lines
            .iter()
            .filter(|line| line["message"] == "comes back")
            .map(|line| format!("{}: {}", line["record"], line["code"]))
            .collect();
        let failed = expected(&|(id, fate)| match fate {
            Fate::Failed(code) => Some(format!("{}: {}", json!(id), json!(code))),
            _ => None,
        });
        assert_eq!(back, failed.into_iter().collect(), "{name}: {log}");
    }
}

/// Hands records to every function, each with a process of its own.
pub(crate) async fn everywhere(table: impl Fn(&Bench) -> Vec<Case>) {
    for name in FUNCTIONS {
        let mut bench = Bench::start(name, &[]).await;
        let cases = table(&bench);
        assert!(!cases.is_empty());
        bench.check(cases).await;
        bench.finish().await;
    }
}
