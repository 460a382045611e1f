//! Does what uploads and messages ask for, and leaves the results in S3.

use std::ops::Range;
use std::time::Duration;

use aws_config::SdkConfig;
use bytes::Bytes;
use lambda_runtime::Context;
use tokio::time::Instant;

use super::once::interrupted;
use super::{Invocation, LARGEST_BUFFERED, Task, caught};
use crate::Error;
use crate::api::document::Document;
use crate::config::{Config, Events, Invalid};
use crate::deadline::{self, Deadline};
use crate::doors::api_gateway::Input;
use crate::doors::notification::Trusted;
use crate::error::{Cause, Outlook, RequestFault, UpstreamFault};
use crate::jobs::address::{Address, Folder, OUTPUT};
use crate::jobs::line::{self, Line, Unread};
use crate::jobs::{Function, Job, Kind, Object, Poison, result};
use crate::once::{Back, Claimed, Hold, Once};
use crate::queue::Queues;
use crate::reply::Reply;
use crate::store::{Bucket, If, Room, Uploads, Whole, Writing};
use crate::telemetry::{self, Facts};

/// The time that is kept back, of a long invocation, for results and for reporting.
const SETTLING: Duration = Duration::from_secs(4);

/// The least time that a record needs, or its call would be cut off, and perhaps paid for.
const LEAST_TIME: Duration = Duration::from_secs(10);

/// Why a record is not done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Left {
    /// Another has its lock, for so long at most.
    Busy(Duration),
    /// It failed, and may go well later.
    Failed(Error),
    /// It cannot be read.
    Poison(Poison),
    /// There was no time left for it when there was room.
    Late,
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
    pub(super) trusted: Trusted,
    pub(super) largest_body: usize,
    room: Room,
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
    /// When no record is begun any more.
    pub(super) begin_by: Instant,
}

impl Times {
    pub(super) fn of(context: &Context) -> Self {
        Self {
            request_id: context.request_id.clone(),
            ..Self::until(Deadline::from_lambda(context.deadline))
        }
    }

    /// The times of an invocation that ends by this deadline.
    pub(super) fn until(end: Deadline) -> Self {
        let settling = SETTLING.min(end.remaining() / 4);
        let call = end.keeping_back(settling);
        let least = LEAST_TIME.min(call.remaining() / 3);
        Self {
            request_id: String::new(),
            begin_by: call.keeping_back(least).instant().into(),
            result: end.keeping_back(settling / 2),
            call,
            end,
        }
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
            room: Room::new(config.http.largest_body),
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

    /// Does what is asked for.
    pub(super) async fn job<T: Task>(
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
                    Ok(custom_id) => (custom_id, task.parse(Input::of(body.clone().into()))),
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
                self.check_own(&begin.file)?;
                self.split(begin, times).await
            }
            Job::Check { file, since } => {
                self.check_own(file)?;
                self.check(file, *since, times).await
            }
        }
    }

    /// Whether a message's file is a batch file that this deployment may be asked to read.
    fn check_origin(&self, file: &Object) -> Result<(), Left> {
        let is_output = OUTPUT.iter().any(|prefix| file.key.starts_with(prefix));
        match self.trusted.buckets.contains(&file.bucket) {
            true if !is_output && Kind::of(&file.key) == Some(Kind::Batch) => Ok(()),
            true => Err(Left::Poison(Poison::UnknownEnvelope)),
            false => Err(Left::Poison(Poison::ForeignBucket)),
        }
    }

    /// The same of a file that was uploaded for this function.
    fn check_own(&self, file: &Object) -> Result<(), Left> {
        self.check_origin(file)?;
        match file.key.starts_with(&self.trusted.prefix) {
            true => Ok(()),
            false => Err(Left::Poison(Poison::UnknownEnvelope)),
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
            .read(object, None, &self.room, times.call)
            .await;
        // What was read keeps its room until its request has been answered.
        let (request, _room) = match reading {
            Ok(Whole { is_own: true, .. }) => {
                telemetry::passed_over(&times.request_id, "own_output");
                return Ok(());
            }
            Ok(mut whole) => {
                let body = std::mem::take(&mut whole.body);
                (request_of(task, kind, body), Some(whole))
            }
            Err(Error::Request(RequestFault::InputGone)) => {
                telemetry::passed_over(&times.request_id, "gone");
                return Ok(());
            }
            Err(error) => (Err(error), None),
        };
        self.check_time(times)?;
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
            .read(file, Some(range), &self.room, times.call)
            .await;
        let (custom_id, request, _room) = match reading {
            Ok(Whole { is_own: true, .. }) => return Err(Left::Poison(Poison::UnknownEnvelope)),
            Ok(mut whole) => {
                let body = std::mem::take(&mut whole.body);
                let (custom_id, request) = match Line::read(&body) {
                    Ok(line) => (line.custom_id.clone(), self.request_of_line(task, &line)),
                    Err(Unread { custom_id, error }) => (custom_id, Err(error)),
                };
                (custom_id, request, Some(whole))
            }
            Err(error) => (None, Err(error), None),
        };
        self.check_time(times)?;
        self.answer(task, address, custom_id.as_deref(), request, times)
            .await
    }

    /// Whether there is still time for a record that had to wait for room.
    fn check_time(&self, times: &Times) -> Result<(), Left> {
        match Instant::now() < times.begin_by {
            true => Ok(()),
            false => Err(Left::Late),
        }
    }

    fn request_of_line<T: Task>(&self, task: &T, line: &Line<'_>) -> Result<T::Request, Error> {
        match line.function == self.function {
            true => task.parse(Input::of(line.body.as_bytes().to_vec())),
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
        // What is wrong for good is told under the lock, too: a duplicate that is read by other rules, after
        // a deployment say, is not to be answered beside it.
        if let Err(error) = &request
            && error.outlook() != Outlook::Permanent
        {
            line.failed(error);
            return Err(error.clone().into());
        }
        let once = Once {
            lock: address.lock(),
            results: address.results(),
            fingerprint: None,
        };
        let hold = match self.claim(&once, times).await {
            Ok(Some(hold)) => hold,
            Ok(None) => {
                line.none();
                return Ok(());
            }
            Err(left) => {
                match &left {
                    Left::Failed(error) => line.failed(error),
                    Left::Busy(_) | Left::Poison(_) | Left::Late => line.none(),
                }
                return Err(left);
            }
        };
        let answered = async {
            let request = request?;
            let (answer, facts) = match hold.may_call() {
                true => self.called(task, address, request, times).await?,
                false if hold.is_poisoned() => return Err(Error::defect("poisoned")),
                false => return Err(interrupted()),
            };
            let body = result::of_answer(of, answer)?;
            self.keep(&address.result(200), body, times).await?;
            Ok(facts)
        };
        match answered.await {
            Ok(facts) => {
                line.answered(&facts);
                Ok(())
            }
            Err(error) => {
                line.failed(&error);
                self.ended(hold, error, address, of, times).await
            }
        }
    }

    /// Asks for a lock; there is none to be had where there is a result.
    pub(super) async fn claim(&self, once: &Once, times: &Times) -> Result<Option<Hold>, Left> {
        match once.claim(&self.results, times.result, times.end).await? {
            Claimed::Mine(hold) => Ok(Some(hold)),
            Claimed::Finished => {
                telemetry::passed_over(&times.request_id, "duplicate");
                telemetry::duplicate_avoided();
                Ok(None)
            }
            Claimed::Busy(wait) => Err(Left::Busy(wait)),
            Claimed::Mismatch => Err(Error::defect("lock").into()),
        }
    }

    /// Calls the model; a panic is an error of ours.
    async fn called<T: Task>(
        &self,
        task: &T,
        address: &Address,
        request: T::Request,
        times: &Times,
    ) -> Result<(Document, Facts), Error> {
        let invocation = Invocation {
            id: address.id.clone(),
            deadline: times.call,
            started: deadline::now(),
            largest_answer: LARGEST_BUFFERED,
            streams: false,
        };
        match caught(Box::pin(task.answer(request, &invocation))).await? {
            Reply::Whole(document, facts) => Ok((document, facts)),
            Reply::Stream(..) => Err(Error::defect("stream")),
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
        let is_defect = is_defect(&error);
        let is_result = match outlook {
            Outlook::Permanent => true,
            Outlook::PerhapsPaid => hold.is_last() && !is_defect,
            Outlook::Unpaid => false,
        };
        let left = match is_result {
            true => match self.keep_error(address, of, &error, times).await {
                Ok(()) => return Ok(()),
                Err(left) => left,
            },
            false => error.into(),
        };
        let back = match outlook {
            Outlook::Unpaid => Back::Unpaid,
            _ if hold.is_poisoned() => Back::Unpaid,
            Outlook::PerhapsPaid if hold.is_last() && is_defect => Back::Poisoned,
            Outlook::PerhapsPaid | Outlook::Permanent => Back::PerhapsPaid,
        };
        hold.give_back(back, times.result).await;
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

    /// Keeps a result, which has been paid for. One that is there stays: whoever comes second, with a
    /// duplicate that is read by other rules say, changes nothing.
    pub(super) async fn keep(&self, key: &str, body: Bytes, times: &Times) -> Result<(), Error> {
        let writing = Writing::json(key, body).on(If::Absent);
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

fn request_of<T: Task>(task: &T, kind: Kind, body: Vec<u8>) -> Result<T::Request, Error> {
    match kind {
        Kind::Request => task.parse(Input::of(body)),
        Kind::Prompt => {
            let text = std::str::from_utf8(&body).ok();
            // UTF-16 without its mark can be UTF-8 as well, with a NUL behind each letter.
            let text = text.filter(|text| !text.contains('\0'));
            let text = text.ok_or(RequestFault::MediaTypeUnsupported)?;
            task.of_prompt(text.strip_prefix('\u{feff}').unwrap_or(text))
        }
        Kind::Batch => Err(Error::defect("kind")),
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
