//! Traces: a subsegment for each call to AWS, to X-Ray's daemon.

use std::collections::BTreeMap;
use std::time::Duration;

use end_to_end::{Cloud, Event, Message, Sqs, TRACE, Watch, marked};
use serde_json::{Value, json};
use tokio::net::UdpSocket;

/// X-Ray's daemon.
struct Daemon {
    socket: UdpSocket,
    watch: Watch,
}

/// No segment may hold content.
impl Drop for Daemon {
    fn drop(&mut self) {
        self.watch.check("a trace");
    }
}

impl Daemon {
    async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await;
        Self {
            socket: socket.expect("a loopback port"),
            watch: Watch::default(),
        }
    }

    fn address(&self) -> String {
        self.socket.local_addr().expect("an address").to_string()
    }

    /// Everything that has come, until nothing comes any more.
    async fn segments(&self) -> Vec<Value> {
        let mut segments = Vec::new();
        let mut bytes = vec![0; 65_536];
        let patience = Duration::from_secs(1);
        while let Ok(received) = tokio::time::timeout(patience, self.socket.recv(&mut bytes)).await
        {
            let length = received.expect("a datagram");
            self.watch.look("a segment", &bytes[..length]);
            let text = str::from_utf8(&bytes[..length]).expect("text");
            let (header, document) = text.split_once('\n').expect("a header");
            assert_eq!(header, r#"{"format":"json","version":1}"#);
            segments.push(serde_json::from_str(document).expect("JSON"));
        }
        segments
    }
}

fn of<'a>(segments: &'a [Value], service: &str, operation: &str) -> Vec<&'a Value> {
    let is_it =
        |segment: &&Value| segment["name"] == service && segment["aws"]["operation"] == operation;
    segments.iter().filter(is_it).collect()
}

#[tokio::test]
async fn each_call_of_a_message_is_a_subsegment_of_its_function() {
    let cloud = Cloud::with_faults().await;
    let daemon = Daemon::start().await;
    let environment = [("AWS_XRAY_DAEMON_ADDRESS", daemon.address())];
    let environment = environment
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let mut function = cloud.start_function("chat", &environment).await;
    let asking = |text: &str| {
        let body =
            json!({"messages": [{"role": "user", "content": marked(text)}], "max_tokens": 8});
        Message::new(body.to_string())
    };
    let messages = [asking("Hello"), asking("[[fault:throttle]]")];
    function
        .invoke_event(&Event::messages(Sqs::CHAT, &messages))
        .await;
    let segments = daemon.segments().await;
    let root = |segment: &Value| format!("Root={};", segment["trace_id"].as_str().expect("an id"));
    let parent =
        |segment: &Value| format!("Parent={};", segment["parent_id"].as_str().expect("an id"));
    for segment in &segments {
        assert_eq!(
            (&segment["type"], &segment["namespace"]),
            (&json!("subsegment"), &json!("aws"))
        );
        assert!(
            TRACE.contains(&root(segment)) && TRACE.contains(&parent(segment)),
            "{segment}"
        );
        let time = |name: &str| segment[name].as_f64().expect("a time");
        assert!(
            time("start_time") > 1.7e9 && time("end_time") >= time("start_time"),
            "{segment}"
        );
    }
    let ids: std::collections::BTreeSet<_> = segments
        .iter()
        .map(|segment| segment["id"].as_str())
        .collect();
    assert_eq!(ids.len(), segments.len());

    let calls = of(&segments, "Bedrock Runtime", "Converse");
    let mut throttled: BTreeMap<bool, usize> = BTreeMap::new();
    for call in &calls {
        assert_eq!(call["annotations"]["model"], "us.amazon.nova-lite-v1:0");
        let is_throttled = call["throttle"] == json!(true);
        *throttled.entry(is_throttled).or_default() += 1;
    }
    // One goes well, the other is made three times.
    assert_eq!(
        throttled,
        BTreeMap::from([(false, 1), (true, 3)]),
        "{calls:?}"
    );
    // Two locks, of which one is given back, and a result.
    let put = of(&segments, "S3", "PutObject");
    assert_eq!(put.len(), 4, "{put:?}");
    for put in put {
        assert_eq!(put["http"]["response"]["status"], 200);
    }
    // The throttled one is told when to come back.
    assert_eq!(
        of(&segments, "SQS", "ChangeMessageVisibilityBatch").len(),
        1,
        "{segments:?}"
    );
}

#[tokio::test]
async fn what_is_not_sampled_or_has_no_daemon_is_not_traced() {
    let cloud = Cloud::start().await;
    let daemon = Daemon::start().await;
    // The daemon's port is known to nobody.
    let mut function = cloud.start_function("chat", &[]).await;
    let answer = function.call(&Event::file("chat-rest-v1").marked()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(daemon.segments().await, [Value::Null; 0]);
}
