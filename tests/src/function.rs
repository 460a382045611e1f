//! A built function in a process of its own.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use memchr::memmem;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use crate::answer::Answer;
use crate::canary::{self, Watch};
use crate::event::Event;
use crate::outcome::Outcome;
use crate::runtime_api::{RuntimeApi, Terms};
use crate::{REGION, SECRET_ACCESS_KEY, binary, record, signature};

/// The time that an invocation gets, as Lambda's `Timeout` would say.
const TIME: Duration = Duration::from_secs(20);

/// A function that waits for events. Dropping it kills the process, and fails the test if the canary is
/// in what the process wrote.
#[derive(Debug)]
pub struct Function {
    api: RuntimeApi,
    child: Child,
    /// What it writes, to its output and of errors.
    output: File,
    /// What it signs its calls with.
    access_key: String,
    watch: Watch,
    invocations: AtomicUsize,
    has_ended: bool,
}

/// A function's process that stands still.
#[derive(Debug)]
pub struct Frozen(Pid);

impl Frozen {
    /// Lets it go on.
    pub fn thaw(self) {
        kill_process(self.0, Signal::CONT).expect("the process is ours");
    }
}

/// An invocation whose end nobody has waited for so far.
#[derive(Debug)]
pub struct Working {
    outcome: oneshot::Receiver<Outcome>,
    patience: Duration,
}

impl Working {
    /// Waits for what becomes of it.
    pub async fn outcome(self) -> Outcome {
        let outcome = tokio::time::timeout(self.patience, self.outcome).await;
        let outcome = outcome.expect("the function answers");
        outcome.expect("each invocation is answered once, and whole")
    }

    /// Whether an answer or an error was posted so far.
    pub fn is_answered(&mut self) -> bool {
        !self.outcome.is_empty()
    }
}

impl Function {
    /// Starts a function by its binary's name. Its environment holds what Lambda puts there and
    /// these variables; nothing comes from the test's own.
    pub async fn start(name: &str, environment: &[(&str, &str)]) -> Self {
        let access_key = signature::access_key();
        let watch = Watch::default();
        let api = RuntimeApi::start(watch.clone()).await;
        let output = output_of(&access_key);
        let write = || output.try_clone().expect("a file");
        let child = Command::new(binary::built(name))
            .env_clear()
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", &access_key)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
            .env("RUST_LOG", "trace")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(write())
            .stderr(write())
            .kill_on_drop(true)
            .spawn()
            .expect("the function starts");
        let test = std::thread::current();
        record::write(&json!({
            "started": access_key,
            "function": name,
            "environment": environment.iter().copied().collect::<BTreeMap<_, _>>(),
            "suite": record::suite(),
            "test": test.name(),
        }));
        Self {
            api,
            child,
            output,
            access_key,
            watch,
            invocations: AtomicUsize::new(0),
            has_ended: false,
        }
    }

    /// Invokes the function with an HTTP event, with time enough.
    pub async fn call(&mut self, event: &Event) -> Answer {
        self.call_within(event, TIME).await
    }

    /// Invokes the function with an HTTP event, and tells it that it has this much time.
    pub async fn call_within(&mut self, event: &Event, time: Duration) -> Answer {
        let terms = Terms {
            time,
            hang_up_after: None,
        };
        self.invoke(event, terms).await
    }

    /// Invokes the function with an HTTP event, and hangs up on its streamed answer after so many
    /// chunks of the body.
    pub async fn hang_up_on(&mut self, event: &Event, chunks: usize) -> Answer {
        let terms = Terms {
            time: TIME,
            hang_up_after: Some(chunks),
        };
        self.invoke(event, terms).await
    }

    async fn invoke(&mut self, event: &Event, terms: Terms) -> Answer {
        match self.outcome(event.text(), terms).await {
            Outcome::Response(response) => Answer::read(&response),
            Outcome::Streamed(streamed) => Answer::read_streamed(streamed),
            Outcome::Error(error) => panic!("the function failed: {error}"),
        }
    }

    /// Invokes the function with any event, with time enough.
    pub async fn invoke_event(&mut self, event: &Event) -> Outcome {
        self.invoke_within(event, TIME).await
    }

    /// Invokes the function with any event, and tells it that it has this much time.
    pub async fn invoke_within(&mut self, event: &Event, time: Duration) -> Outcome {
        self.invoke_bytes(event.text(), time).await
    }

    /// Invokes the function with bytes that need not be JSON.
    pub async fn invoke_bytes(&mut self, event: impl Into<Bytes>, time: Duration) -> Outcome {
        let terms = Terms {
            time,
            hang_up_after: None,
        };
        self.outcome(event, terms).await
    }

    async fn outcome(&mut self, event: impl Into<Bytes>, terms: Terms) -> Outcome {
        let working = self.submit(event, terms);
        tokio::select! {
            outcome = working.outcome() => outcome,
            ended = self.child.wait() => panic!("the function ended: {ended:?}"),
        }
    }

    /// Invokes the function with any event and does not wait for what becomes of it. What is
    /// invoked meanwhile waits.
    pub fn begin(&self, event: &Event, time: Duration) -> Working {
        let terms = Terms {
            time,
            hang_up_after: None,
        };
        self.submit(event.text(), terms)
    }

    fn submit(&self, event: impl Into<Bytes>, terms: Terms) -> Working {
        let event = event.into();
        self.invocations.fetch_add(1, Ordering::Relaxed);
        if canary::is_in(&event) && canary::is_in(&content(&event)) {
            record::write(&json!({"given": self.access_key}));
        }
        Working {
            patience: terms.time.max(TIME) * 2,
            outcome: self.api.submit(event, terms),
        }
    }

    fn id(&self) -> Pid {
        let id = self.child.id().expect("a process");
        let id = i32::try_from(id).expect("a process id");
        Pid::from_raw(id).expect("a process id")
    }

    /// Asks the process to end, as Lambda does before it takes an environment away.
    pub fn terminate(&self) {
        kill_process(self.id(), Signal::TERM).expect("the process is ours");
    }

    /// Waits so long for the process to end by itself.
    pub async fn ended(&mut self, within: Duration) -> Option<ExitStatus> {
        let ended = tokio::time::timeout(within, self.child.wait()).await;
        ended.ok().map(|ended| ended.expect("the process is ours"))
    }

    /// Kills the process where it stands, as Lambda does at the deadline.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("the process is ours");
    }

    /// Stops the process where it stands, as Lambda does between invocations.
    pub fn freeze(&self) -> Frozen {
        let id = self.id();
        kill_process(id, Signal::STOP).expect("the process is ours");
        Frozen(id)
    }

    /// The most memory that the process has had so far, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let id = self.child.id().expect("a process");
        let status = std::fs::read_to_string(format!("/proc/{id}/status"));
        let status = status.expect("a process's status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kilobytes: u64 = kilobytes.expect("a size").parse().expect("a number");
        kilobytes * 1024
    }

    /// Kills the process and returns everything that it wrote to its output, errors included.
    pub async fn stop(mut self) -> String {
        // It may have ended before.
        let _ = self.child.start_kill();
        self.child.wait().await.expect("the process is ours");
        self.end()
    }

    /// Looks at what the process wrote.
    fn end(&mut self) -> String {
        self.has_ended = true;
        let length = self.output.metadata().expect("a file").len();
        let mut output = vec![0; usize::try_from(length).expect("a length")];
        let read = self.output.read_exact_at(&mut output, 0);
        read.expect("a file that only grows");
        self.watch.look("the output", &output);
        record::write(&json!({
            "ended": self.access_key,
            "invocations": self.invocations.load(Ordering::Relaxed),
            "bytes": self.watch.bytes(),
        }));
        self.watch.check("a function");
        String::from_utf8_lossy(&output).into_owned()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        if !self.has_ended {
            // Nobody waits for its end: others may be measuring time on this thread.
            let _ = self.child.start_kill();
            self.end();
        }
    }
}

/// A file without a name that two may write to, each to its end.
fn output_of(process: &str) -> File {
    let path = record::directory().join(process);
    let mut options = File::options();
    let file = options.read(true).append(true).create_new(true).open(&path);
    std::fs::remove_file(&path).expect("the file is ours");
    file.expect("a file")
}

/// What an event says beside its headers, which all HTTP events have the canary in.
fn content(event: &Bytes) -> Bytes {
    // Others are large at times, and reading them takes what a test may be measuring.
    if memmem::find(event, b"\"requestContext\"").is_none() {
        return event.clone();
    }
    let read: Value = serde_json::from_slice(event).unwrap_or_default();
    let body = read.get("body").and_then(Value::as_str);
    body.unwrap_or_default().to_owned().into()
}
