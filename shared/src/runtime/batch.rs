//! Batch files: splits them into messages, and looks how far they are. Every step may be repeated.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::Instant;

use super::worker::{Left, Times, Worker};
use crate::Error;
use crate::deadline;
use crate::error::RequestFault;
use crate::jobs::address::{Address, Folder};
use crate::jobs::progress::{FIRST_LOOK, Manifest, Tally};
use crate::jobs::split::{Begin, Cut, Cutter, LARGEST_FILE, MOST_LINES};
use crate::jobs::{Function, Object, Poison, envelope, result};
use crate::once::{Back, Once};
use crate::queue::MOST_ENTRIES;
use crate::store::{If, Writing};
use crate::telemetry;

/// How many calls of SQS are under way at a time.
const SENDS_AT_A_TIME: usize = 8;

/// When a file is looked at again that is still being split.
const WHILE_SPLITTING: Duration = Duration::from_secs(15);

/// By how many seconds the clocks of two environments may differ.
const CLOCK_TOLERANCE: u64 = 300;

/// How splitting ended, this time.
enum Split {
    /// At the file's end, after so many lines.
    Whole(u64),
    /// The time was up: this is where it goes on.
    Until(Begin),
    /// The object is not what was announced.
    Nothing(&'static str),
}

impl Worker {
    /// Splits a file that was uploaded.
    pub(super) async fn split_upload(&self, file: &Object, times: &Times) -> Result<(), Left> {
        let begin = Begin {
            file: file.clone(),
            line: 1,
            from: 0,
            since: deadline::now(),
        };
        self.split(&begin, times).await
    }

    /// Splits a file from a line on.
    pub(super) async fn split(&self, begin: &Begin, times: &Times) -> Result<(), Left> {
        let folder = Folder::of(self.function, &begin.file);
        let once = Once {
            lock: folder.lock(begin.from),
            results: vec![folder.manifest()],
            fingerprint: None,
        };
        let Some(hold) = self.claim(&once, times).await? else {
            return Ok(());
        };
        let outcome = self.split_on(begin, &folder, times).await;
        if let Err(error) = outcome {
            // Nothing is paid for by splitting.
            hold.give_back(Back::Unpaid, times.result).await;
            return Err(error.into());
        }
        Ok(())
    }

    async fn split_on(&self, begin: &Begin, folder: &Folder, times: &Times) -> Result<(), Error> {
        let split = match self.send_lines(begin, times).await {
            Ok(split) => split,
            Err(error @ Error::Request(RequestFault::InputGone)) if begin.from > 0 => {
                return Err(error);
            }
            Err(Error::Request(RequestFault::InputGone)) => Split::Nothing("gone"),
            Err(error @ Error::Request(_)) => return self.refuse(begin, &error, times).await,
            Err(error) => return Err(error),
        };
        let own = self.queue_of(self.function)?;
        match split {
            Split::Nothing(why) => telemetry::passed_over(&times.request_id, why),
            Split::Until(next) => {
                let message = envelope::of_split(next);
                self.queues
                    .send(own, message, Duration::ZERO, times.result)
                    .await?;
            }
            Split::Whole(lines) => {
                // The look goes first: what has a manifest is not split again.
                let look = envelope::of_check(&begin.file, begin.since);
                self.queues
                    .send(own, look, FIRST_LOOK, times.result)
                    .await?;
                let manifest = Manifest::new(folder, &begin.file, lines, begin.since);
                self.write_once(&folder.manifest(), &manifest, times)
                    .await?;
                tracing::info!(
                    request_id = times.request_id,
                    record = folder.id,
                    lines,
                    "split"
                );
            }
        }
        Ok(())
    }

    /// Leaves a file's error as its result: none of its lines is sent.
    async fn refuse(&self, begin: &Begin, error: &Error, times: &Times) -> Result<(), Error> {
        let address = Address::of_upload(self.function, &begin.file);
        let mut line = telemetry::Line::begin(&times.request_id).of(&address.id);
        line.failed(error);
        let of = result::Of {
            id: &address.id,
            custom_id: Some(&begin.file.key),
            request_id: &times.request_id,
        };
        let body = result::of_error(of, error)?;
        self.keep(&address.result(error.row().status), body, times)
            .await
    }

    /// Reads a file to its end, and finds its lines. Nothing is sent of one that has too many.
    async fn lines_of(&self, begin: &Begin, times: &Times) -> Result<Option<Vec<Cut>>, Error> {
        let Begin {
            file, line, from, ..
        } = begin;
        let mut reading = self.uploads.open(file, *from, times.result).await?;
        if reading.is_own {
            return Ok(None);
        }
        if let Some(size) = reading.size.filter(|size| *size > LARGEST_FILE) {
            return Err(RequestFault::BodyTooLarge {
                size: usize::try_from(size).unwrap_or(usize::MAX),
                limit: usize::try_from(LARGEST_FILE).unwrap_or(usize::MAX),
            }
            .into());
        }
        let mut cutter = Cutter::new(*line, *from, self.largest_body);
        let mut cuts = Vec::new();
        loop {
            let bytes = reading.next().await?;
            match &bytes {
                Some(bytes) => cutter.push(bytes, |cut| cuts.push(cut)),
                None => cuts.extend(cutter.end()),
            }
            if cuts.last().is_some_and(|cut: &Cut| cut.line > MOST_LINES) {
                let limit = MOST_LINES;
                return Err(RequestFault::TooManyLines { limit }.into());
            }
            if bytes.is_none() {
                return Ok(Some(cuts));
            }
        }
    }

    /// Sends a message for each line, ten at a time.
    async fn send_lines(&self, begin: &Begin, times: &Times) -> Result<Split, Error> {
        let file = &begin.file;
        let Some(cuts) = self.lines_of(begin, times).await? else {
            return Ok(Split::Nothing("own_output"));
        };
        let last = cuts.last().map_or(begin.line - 1, |cut| cut.line);
        let mut waiting: BTreeMap<&'static str, (Function, Vec<String>)> = BTreeMap::new();
        let mut sending = FuturesUnordered::new();
        // The first line that there was no time for.
        let mut rest = None;
        for Cut {
            line,
            range,
            function,
        } in cuts
        {
            if Instant::now() >= times.begin_by {
                rest = Some((line, range.start));
                break;
            }
            let message = envelope::of_line(self.function, file, line, range);
            let function = self.sent_to(function);
            let (_, lines) = waiting
                .entry(function.name())
                .or_insert_with(|| (function, Vec::new()));
            lines.push(message);
            if lines.len() == MOST_ENTRIES {
                let lines = std::mem::take(lines);
                sending.push(self.send_to(function, lines, times));
            }
            if sending.len() == SENDS_AT_A_TIME {
                sending.next().await.transpose()?;
            }
        }
        for (function, lines) in waiting.into_values() {
            if !lines.is_empty() {
                sending.push(self.send_to(function, lines, times));
            }
        }
        while let Some(sent) = sending.next().await {
            sent?;
        }
        Ok(match rest {
            None => Split::Whole(last),
            Some((line, from)) => Split::Until(Begin {
                file: file.clone(),
                line,
                from,
                since: begin.since,
            }),
        })
    }

    /// The function whose queue a line goes to. One that cannot be read, or whose function has no queue
    /// here, goes to this one's, which says so in its result.
    fn sent_to(&self, function: Option<Function>) -> Function {
        let known = |function: &Function| self.events.queue_urls.of(*function).is_some();
        function.filter(known).unwrap_or(self.function)
    }

    async fn send_to(
        &self,
        function: Function,
        lines: Vec<String>,
        times: &Times,
    ) -> Result<(), Error> {
        let url = self.queue_of(function)?;
        self.queues.send_all(url, lines, times.result).await
    }

    fn queue_of(&self, function: Function) -> Result<&str, Error> {
        let url = self.events.queue_urls.of(function);
        url.ok_or_else(|| Error::defect("queue_url"))
    }

    /// Looks how far a file is: writes its summary, or looks again later.
    pub(super) async fn check(&self, file: &Object, since: u64, times: &Times) -> Result<(), Left> {
        let folder = Folder::of(self.function, file);
        if self.results.has(&folder.summary(), times.result).await? {
            return Ok(());
        }
        let now = deadline::now();
        // One from the future would never expire.
        if since > now + CLOCK_TOLERANCE {
            return Err(Left::Poison(Poison::UnknownEnvelope));
        }
        let expired = now.saturating_sub(since) >= self.events.expiry.as_secs();
        let again = match self.results.get(&folder.manifest(), times.result).await? {
            None => WHILE_SPLITTING,
            Some(found) => {
                let manifest: Manifest =
                    serde_json::from_slice(&found.body).map_err(|_| Error::defect("manifest"))?;
                if manifest.lines > MOST_LINES {
                    return Err(Error::defect("manifest").into());
                }
                let mut tally = Tally::new(&manifest);
                let hear = |key: &str| {
                    if let Some(listed) = folder.listed(key) {
                        tally.hear(listed);
                    }
                };
                self.results
                    .list(&folder.prefix(), times.result, hear)
                    .await?;
                match tally.next_look(&manifest, now) {
                    Some(wait) if !expired => wait,
                    Some(_) | None => {
                        let summary = tally.summary(manifest, now);
                        self.write_once(&folder.summary(), &summary, times).await?;
                        tracing::info!(
                            request_id = times.request_id,
                            record = folder.id,
                            "batch ended"
                        );
                        return Ok(());
                    }
                }
            }
        };
        if expired {
            // Its splitting never came to an end.
            telemetry::passed_over(&times.request_id, "expired");
            return Ok(());
        }
        let own = self.queue_of(self.function)?;
        let look = envelope::of_check(file, since);
        self.queues.send(own, look, again, times.result).await?;
        Ok(())
    }

    /// Writes what is written once; if it is there, it is as good.
    async fn write_once(
        &self,
        key: &str,
        value: &impl serde::Serialize,
        times: &Times,
    ) -> Result<(), Error> {
        let text = serde_json::to_vec(value).map_err(|_| Error::defect("document"))?;
        let writing = Writing::json(key, Bytes::from(text)).on(If::Absent);
        self.results.put(writing, times.result).await?;
        Ok(())
    }
}
