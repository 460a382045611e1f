//! A built function in a process of its own.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::answer::Answer;
use crate::event::Event;
use crate::runtime_api::{Outcome, RuntimeApi, Terms};
use crate::{ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, binary};

/// The time that an invocation gets, as Lambda's `Timeout` would say.
const TIME: Duration = Duration::from_secs(20);

/// A function that waits for events. Dropping it kills the process.
#[derive(Debug)]
pub struct Function {
    api: RuntimeApi,
    child: Child,
    output: [JoinHandle<String>; 2],
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

impl Function {
    /// Starts a function by its binary's name. Its environment holds what Lambda puts there and
    /// these variables; nothing comes from the test's own.
    pub async fn start(name: &str, environment: &[(&str, &str)]) -> Self {
        let api = RuntimeApi::start().await;
        let mut child = Command::new(binary::built(name))
            .env_clear()
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the function starts");
        let output = [
            collect(child.stdout.take().expect("a pipe")),
            collect(child.stderr.take().expect("a pipe")),
        ];
        Self { api, child, output }
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
        let time = terms.time.max(TIME);
        let outcome = tokio::select! {
            outcome = self.api.invoke(event.text(), terms) => outcome,
            ended = self.child.wait() => panic!("the function ended: {ended:?}"),
            () = tokio::time::sleep(time * 2) => panic!("the function does not answer"),
        };
        match outcome {
            Outcome::Response(response) => Answer::read(&response),
            Outcome::Streamed(streamed) => Answer::read_streamed(streamed),
            Outcome::Error(error) => panic!("the function failed: {error}"),
        }
    }

    /// Stops the process where it stands, as Lambda does between invocations.
    pub fn freeze(&self) -> Frozen {
        let id = self.child.id().expect("a process");
        let id = i32::try_from(id).expect("a process id");
        let id = Pid::from_raw(id).expect("a process id");
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
        self.child.kill().await.expect("the process is ours");
        let mut output = String::new();
        for part in self.output {
            output.push_str(&part.await.expect("the reader ends"));
        }
        output
    }
}

fn collect(mut pipe: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<String> {
    tokio::spawn(async move {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).await.expect("a pipe");
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
