//! Does what uploads and messages ask for, and leaves the results in S3.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_config::SdkConfig;
use bytes::Bytes;
use futures_util::FutureExt as _;
use lambda_runtime::Context;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::concurrently::{Bounds, Lined, Outcome, concurrently};
use super::failed::Failed;
use super::once::interrupted;
use super::{Invocation, LARGEST_BUFFERED, Task};
use crate::Error;
use crate::config::{Config, Events, Invalid};
use crate::deadline::{self, Deadline};
use crate::doors::api_gateway::Input;
use crate::doors::notification::Trusted;
use crate::doors::queue::{Failures, Message};
use crate::error::{Cause, Outlook, RequestFault, UpstreamFault};
use crate::jobs::address::{Address, Folder};
use crate::jobs::line::{self, Line, Unread};
use crate::jobs::{Function, Job, Kind, Object, Poison, result};
use crate::once::{Claimed, Hold, Once};
use crate::queue::Queues;
use crate::reply::Reply;
use crate::store::{Bucket, Uploads, Writing};
use crate::telemetry::{self, Facts};

/// The time that is kept back, of a long invocation, for results and for reporting.
const SETTLING: Duration = Duration::from_secs(4);

/// The least time that a record needs, or its call would be cut off, and perhaps paid for.
const LEAST_TIME: Duration = Duration::from_secs(10);

/// The wait before a failed message comes back for the first time; each further one is three times
/// as long.
const FIRST_WAIT: Duration = Duration::from_secs(5);

/// The longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// When a message comes back that was not begun, or that nobody can read.
const SOON: Duration = Duration::from_secs(1);

/// Why a record is not done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Left {
    /// Another has its lock, for so long at most.
    Busy(Duration),
    /// It failed, and may go well later.
    Failed(Error),
    /// It cannot be read.
    Poison(Poison),
}

impl From<Error> for Left {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The clients and the rules.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) function: Function,
    pub(super) events: Events,
    pub(super) results: Bucket,
    pub(super) uploads: Uploads,
    pub(super) queues: Queues,
    trusted: Trusted,
    pub(super) largest_body: usize,
}

/// The times of one invocation.
#[derive(Debug, Clone)]
pub(super) struct Times {
    /// Lambda's request id.
    pub(super) request_id: String,
    /// When the last call of a model must have ended.
    pub(super) call: Deadline,
    /// When the last result must be there.
    pub(super) result: Deadline,
    /// When everything must have ended.
    pub(super) end: Deadline,
}

impl Times {
    fn of(context: &Context) -> Self {
        let end = Deadline::from_lambda(context.deadline);
        let settling = SETTLING.min(end.remaining() / 4);
        Self {
            request_id: context.request_id.clone(),
            call: end.keeping_back(settling),
            result: end.keeping_back(settling / 2),
            end,
        }
    }

    /// When no record is begun any more.
    pub(super) fn begin_by(&self) -> Instant {
        let least = LEAST_TIME.min(self.call.remaining() / 3);
        self.call.keeping_back(least).instant().into()
    }
}

impl Worker {
    /// Builds the clients, where there is a place for results.
    pub(super) fn connect(
        function: Function,
        config: &Config,
        sdk: &SdkConfig,
    ) -> Result<Option<Self>, Invalid> {
        let events = config.events.clone();
        let Some(bucket) = events.result_bucket.clone() else {
            let served = !events.queues.is_empty() || !events.request_buckets.is_empty();
            return match served {
                true => Err(Invalid::new("RESULT_BUCKET", "is not set")),
                false => Ok(None),
            };
        };
        let prefix = events.request_prefix.clone();
        Ok(Some(Self {
            trusted: Trusted {
                buckets: events.request_buckets.clone(),
                prefix: prefix.unwrap_or_else(|| format!("requests/{}/", function.name())),
            },
            results: Bucket::connect(sdk, bucket),
            uploads: Uploads::connect(sdk),
            queues: Queues::connect(sdk),
            largest_body: config.http.largest_body,
            events,
            function,
        }))
    }

    /// Whose notifications are taken.
    pub(super) const fn trusted(&self) -> &Trusted {
        &self.trusted
    }

    /// Where results and locks are kept.
    pub(super) const fn results(&self) -> &Bucket {
        &self.results
    }

    /// Does what messages ask for, and reports those that are not done.
    pub(super) async fn messages<T: Task>(
        &self,
        task: &T,
        records: &[&RawValue],
        context: &Context,
    ) -> Result<Failures, Failed> {
        let mut messages = Vec::with_capacity(records.len());
        let mut known = HashSet::new();
        for record in records {
            let message = Message::read(record, &self.events.queues, &self.trusted)?;
            // One that is there twice is reported once, and so done once.
            if known.insert(message.id.clone()) {
                messages.push(message);
            }
        }
        let times = Times::of(context);
        let lined: Vec<_> = messages
            .into_iter()
            .map(|message| Lined {
                group: message
                    .is_fifo()
                    .then(|| message.group.clone().unwrap_or_default()),
                record: message,
            })
            .collect();
        let outcomes = concurrently(&lined, self.bounds(&times), async |message| {
            self.message(task, message, &times).await
        })
        .await;
        let mut failed = BTreeSet::new();
        let mut returning = Vec::new();
        for (
            Lined {
                record: message, ..
            },
            outcome,
        ) in lined.iter().zip(&outcomes)
        {
            let Some(wait) = wait_after(outcome, message.receives, &times) else {
                continue;
            };
            telemetry::left(&times.request_id, &message.id, outcome_code(outcome), wait);
            failed.insert(message.id.clone());
            // In a FIFO queue the first of a group to come back must not be the last.
            if let Some(handle) = message
                .receipt_handle
                .clone()
                .filter(|_| !message.is_fifo())
            {
                returning.push((message.queue.as_str(), handle, wait));
            }
        }
        self.come_back(&returning, &times).await;
        Ok(Failures::of(failed))
    }

    /// Says when failed messages are to come back. What fails here makes them wait for longer.
    async fn come_back(&self, returning: &[(&str, String, Duration)], times: &Times) {
        let Some(url) = self.events.queue_urls.of(self.function) else {
            return;
        };
        let name = |text: &str, before: char| {
            let (_, name) = text.rsplit_once(before).unwrap_or_default();
            name.to_owned()
        };
        let own: Vec<_> = returning
            .iter()
            .filter(|(queue, ..)| name(queue, ':') == name(url, '/'))
            .map(|(_, handle, wait)| (handle.clone(), *wait))
            .collect();
        if own.is_empty() {
            return;
        }
        let changing = self.queues.come_back(url, &own, times.end);
        let outcome = tokio::time::timeout(times.end.remaining(), changing).await;
        if let Ok(Err(error)) = outcome {
            let aws_code = error.cause().map(|cause| cause.code.as_str());
            tracing::warn!(
                request_id = times.request_id,
                aws_code,
                "messages come back late"
            );
        }
    }

    /// Does what notifications ask for that no queue carried.
    pub(super) async fn notifications<T: Task>(
        &self,
        task: &T,
        jobs: Vec<Result<Job, Poison>>,
        context: &Context,
    ) -> Result<(), Failed> {
        let times = Times::of(context);
        // An event may tell of one object twice.
        let mut known = HashSet::new();
        let jobs: Vec<_> = jobs
            .into_iter()
            .filter(|job| match job {
                Ok(Job::Upload(object, _)) => known.insert(object.clone()),
                Ok(_) | Err(_) => true,
            })
            .collect();
        let jobs: Vec<_> = jobs.into_iter().map(Lined::alone).collect();
        let outcomes = concurrently(&jobs, self.bounds(&times), async |job| {
            self.job(task, job, &times).await
        })
        .await;
        let mut failed = 0;
        for outcome in &outcomes {
            if let Some(wait) = wait_after(outcome, 1, &times) {
                telemetry::left(&times.request_id, "", outcome_code(outcome), wait);
                failed += 1;
            }
        }
        match failed {
            0 => Ok(()),
            failed => Err(Failed::records(failed, outcomes.len())),
        }
    }

    fn bounds(&self, times: &Times) -> Bounds {
        Bounds {
            begin_by: times.begin_by(),
            end_by: times.result.instant().into(),
            at_a_time: self.events.at_a_time,
        }
    }

    async fn message<T: Task>(
        &self,
        task: &T,
        message: &Message,
        times: &Times,
    ) -> Result<(), Left> {
        let jobs = message
            .jobs
            .as_ref()
            .map_err(|poison| Left::Poison(*poison))?;
        for job in jobs {
            self.job(task, job, times).await?;
        }
        Ok(())
    }

    async fn job<T: Task>(
        &self,
        task: &T,
        job: &Result<Job, Poison>,
        times: &Times,
    ) -> Result<(), Left> {
        match job.as_ref().map_err(|poison| Left::Poison(*poison))? {
            Job::Nothing(why) => {
                telemetry::passed_over(&times.request_id, why);
                Ok(())
            }
            Job::Request {
                id,
                custom_id,
                body,
            } => {
                let address = Address::of_message(self.function, id);
                let (custom_id, request) = match line::custom_id(custom_id.clone()) {
                    Ok(custom_id) => (custom_id, task.parse(input(body.as_bytes()))),
                    Err(error) => (None, Err(error)),
                };
                self.answer(task, &address, custom_id.as_deref(), request, times)
                    .await
            }
            Job::Upload(object, Kind::Batch) => self.split_upload(object, times).await,
            Job::Upload(object, kind) => self.upload(task, object, *kind, times).await,
            Job::Line {
                owner,
                file,
                line,
                from,
                to,
            } => {
                self.check_origin(file)?;
                let address = Address::of_line(self.function, Folder::of(*owner, file), *line);
                self.line(task, &address, file, *from..*to, times).await
            }
            Job::Split(begin) => {
                self.check_origin(&begin.file)?;
                self.split(begin, times).await
            }
            Job::Check { file, since } => {
                self.check_origin(file)?;
                self.check(file, *since, times).await
            }
        }
    }

    /// Whether a message's file is one that this deployment may be asked to read.
    fn check_origin(&self, file: &Object) -> Result<(), Left> {
        match self.trusted.buckets.contains(&file.bucket) {
            true => Ok(()),
            false => Err(Left::Poison(Poison::ForeignBucket)),
        }
    }

    async fn upload<T: Task>(
        &self,
        task: &T,
        object: &Object,
        kind: Kind,
        times: &Times,
    ) -> Result<(), Left> {
        let address = Address::of_upload(self.function, object);
        let reading = self
            .uploads
            .read(object, None, self.largest_body, times.call)
            .await;
        let request = match reading {
            Ok((true, _)) => {
                telemetry::passed_over(&times.request_id, "own_output");
                return Ok(());
            }
            Ok((false, bytes)) => request_of(task, kind, &bytes),
            Err(Error::Request(RequestFault::InputGone)) => {
                telemetry::passed_over(&times.request_id, "gone");
                return Ok(());
            }
            Err(error) => Err(error),
        };
        self.answer(task, &address, Some(&object.key), request, times)
            .await
    }

    async fn line<T: Task>(
        &self,
        task: &T,
        address: &Address,
        file: &Object,
        range: Range<u64>,
        times: &Times,
    ) -> Result<(), Left> {
        let reading = self
            .uploads
            .read(file, Some(range), self.largest_body, times.call)
            .await;
        let (custom_id, request) = match reading {
            Ok((_, bytes)) => match Line::read(&bytes) {
                Ok(line) => (line.custom_id.clone(), self.request_of_line(task, &line)),
                Err(Unread { custom_id, error }) => (custom_id, Err(error)),
            },
            Err(error) => (None, Err(error)),
        };
        self.answer(task, address, custom_id.as_deref(), request, times)
            .await
    }

    fn request_of_line<T: Task>(&self, task: &T, line: &Line<'_>) -> Result<T::Request, Error> {
        match line.function == self.function {
            true => task.parse(input(line.body.as_bytes())),
            // The deployment has no queue for it.
            false => Err(RequestFault::RouteNotFound.into()),
        }
    }

    /// Answers a request once, and leaves the answer in S3.
    async fn answer<T: Task>(
        &self,
        task: &T,
        address: &Address,
        custom_id: Option<&str>,
        request: Result<T::Request, Error>,
        times: &Times,
    ) -> Result<(), Left> {
        let mut line = telemetry::Line::begin(&times.request_id).of(&address.id);
        let of = result::Of {
            id: &address.id,
            custom_id,
            request_id: &times.request_id,
        };
        let request = match request {
            Ok(request) => request,
            Err(error) => {
                line.failed(&error);
                return match error.outlook() {
                    Outlook::Permanent => self.keep_error(address, of, &error, times).await,
                    Outlook::Unpaid | Outlook::PerhapsPaid => Err(error.into()),
                };
            }
        };
        let once = Once {
            lock: address.lock(),
            results: address.results(),
            fingerprint: None,
        };
        let claimed = once.claim(&self.results, times.result).await;
        let hold = match claimed.inspect_err(|error| line.failed(error))? {
            Claimed::Mine(hold) => hold,
            Claimed::Finished => {
                line.none();
                telemetry::passed_over(&times.request_id, "duplicate");
                return Ok(());
            }
            Claimed::Busy(wait) => {
                line.none();
                return Err(Left::Busy(wait));
            }
            Claimed::Mismatch => return Err(Error::defect("lock").into()),
        };
        let outcome = match hold.may_call() {
            true => self.called(task, address, request, times).await,
            false => Err(interrupted()),
        };
        let kept = match outcome {
            Ok((answer, facts)) => {
                line.answered(&facts);
                let body = result::of_answer(of, answer)?;
                self.keep(&address.result(200), body, times).await
            }
            Err(error) => {
                line.failed(&error);
                Err(error)
            }
        };
        match kept {
            Ok(()) => Ok(()),
            Err(error) => self.ended(hold, error, address, of, times).await,
        }
    }

    /// Calls the model; a panic is an error of ours.
    async fn called<T: Task>(
        &self,
        task: &T,
        address: &Address,
        request: T::Request,
        times: &Times,
    ) -> Result<(crate::api::document::Document, Facts), Error> {
        let invocation = Invocation {
            id: address.id.clone(),
            deadline: times.call,
            started: deadline::now(),
            largest_answer: LARGEST_BUFFERED,
            streams: false,
        };
        let answering = AssertUnwindSafe(Box::pin(task.answer(request, &invocation)));
        match answering.catch_unwind().await {
            Ok(Ok(Reply::Whole(document, facts))) => Ok((document, facts)),
            Ok(Ok(Reply::Stream(_))) => Err(Error::defect("stream")),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::defect("panic")),
        }
    }

    /// What failed for good, or may have been paid for as often as may be, has its error for a result.
    /// Else, or if that cannot be kept, the lock is given back, and the request comes back.
    async fn ended(
        &self,
        hold: Hold,
        error: Error,
        address: &Address,
        of: result::Of<'_>,
        times: &Times,
    ) -> Result<(), Left> {
        let outlook = error.outlook();
        let is_result = match outlook {
            Outlook::Permanent => true,
            Outlook::PerhapsPaid => hold.is_last() && !is_defect(&error),
            Outlook::Unpaid => false,
        };
        let left = match is_result {
            true => match self.keep_error(address, of, &error, times).await {
                Ok(()) => return Ok(()),
                Err(left) => left,
            },
            false => error.into(),
        };
        hold.give_back(outlook != Outlook::Unpaid, times.result)
            .await;
        Err(left)
    }

    async fn keep_error(
        &self,
        address: &Address,
        of: result::Of<'_>,
        error: &Error,
        times: &Times,
    ) -> Result<(), Left> {
        let key = address.result(error.row().status);
        let body = result::of_error(of, error)?;
        Ok(self.keep(&key, body, times).await?)
    }

    /// Keeps a result, which has been paid for.
    pub(super) async fn keep(&self, key: &str, body: Bytes, times: &Times) -> Result<(), Error> {
        let writing = Writing::json(key, body);
        match self.results.put(writing, times.result).await {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::Upstream {
                fault: UpstreamFault::NotStored,
                cause: error
                    .cause()
                    .cloned()
                    .unwrap_or_else(|| Cause::of("PutObject")),
            }),
        }
    }
}

fn input(body: &[u8]) -> Input {
    Input {
        body: body.to_vec(),
        ..Input::default()
    }
}

fn request_of<T: Task>(task: &T, kind: Kind, bytes: &[u8]) -> Result<T::Request, Error> {
    match kind {
        Kind::Request => task.parse(input(bytes)),
        Kind::Prompt | Kind::Batch => {
            let text = std::str::from_utf8(bytes).ok();
            // UTF-16 without its mark can be UTF-8 as well, with a NUL behind each letter.
            let text = text.filter(|text| !text.contains('\0'));
            task.of_prompt(text.ok_or(RequestFault::MediaTypeUnsupported)?)
        }
    }
}

fn is_defect(error: &Error) -> bool {
    matches!(
        error,
        Error::Upstream {
            fault: UpstreamFault::Defect,
            ..
        }
    )
}

/// When a record that is not done comes back; `None` for one that is done.
fn wait_after(outcome: &Outcome<Left>, receives: u32, times: &Times) -> Option<Duration> {
    let backoff = || {
        let times = 3_u32.saturating_pow(receives.saturating_sub(1));
        let longest = FIRST_WAIT.saturating_mul(times).min(LONGEST_WAIT);
        longest.mul_f64(0.5 + fastrand::f64() / 2.0)
    };
    let lease = || {
        Duration::from_millis(
            times
                .end
                .lease()
                .saturating_sub(deadline::now_in_milliseconds()),
        )
    };
    match outcome {
        Outcome::Done => None,
        Outcome::Failed(Left::Busy(wait)) => Some(*wait + SOON),
        Outcome::Failed(Left::Failed(error)) => Some(match error.wait_asked() {
            Some(asked) => asked.max(SOON) + SOON.mul_f64(fastrand::f64()),
            None => backoff(),
        }),
        Outcome::Panicked => Some(backoff()),
        // Its lock is still held.
        Outcome::CutOff => Some(lease() + SOON),
        Outcome::Failed(Left::Poison(_)) | Outcome::NotBegun | Outcome::Behind => Some(SOON),
    }
}

/// Why a record is not done, for the log.
fn outcome_code(outcome: &Outcome<Left>) -> String {
    match outcome {
        Outcome::Done => "done".to_owned(),
        Outcome::Failed(Left::Busy(_)) => "busy".to_owned(),
        Outcome::Failed(Left::Failed(error)) => error.row().code.to_owned(),
        Outcome::Failed(Left::Poison(poison)) => poison.to_string(),
        Outcome::Panicked => "panic".to_owned(),
        Outcome::CutOff => "cut_off".to_owned(),
        Outcome::NotBegun => "not_begun".to_owned(),
        Outcome::Behind => "behind".to_owned(),
    }
}
