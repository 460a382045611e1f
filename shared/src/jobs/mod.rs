//! Requests that nobody waits for: what an upload or a message asks for, and where its answer goes.
//!
//! Everything here is pure: a door makes [`Job`]s of an event, and `runtime::worker` does them.

pub mod address;
pub mod envelope;
pub mod line;
pub mod progress;
pub mod result;
pub mod split;

use serde::{Deserialize, Serialize};

use crate::closed_set::closed_set;

closed_set! {
    /// A function that takes uploads and messages, by the name that its objects' keys have.
    pub enum Function {
        /// Chat.
        Chat = "chat",
        /// Text completion.
        Completion = "completion",
        /// Image generation.
        Image = "image",
    }
}

impl Function {
    /// The path of its route, by which a line of a batch file names it.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Completion => "/v1/completions",
            Self::Image => "/v1/images/generations",
        }
    }

    /// The function with this name.
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|function| function.name() == name)
    }

    /// The function with this route.
    pub fn with_path(path: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|function| function.path() == path)
    }
}

/// An object, as it was announced.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// Its bucket.
    pub bucket: String,
    /// Its key, decoded.
    pub key: String,
    /// Its version, in a bucket that keeps versions.
    #[serde(default)]
    pub version_id: Option<String>,
    /// Its entity tag, without quotes.
    #[serde(default)]
    pub etag: Option<String>,
    /// What tells one write of the key from another, in a bucket that keeps no versions.
    #[serde(default)]
    pub sequencer: Option<String>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// A request that is at hand.
    Request {
        /// The message's id.
        id: String,
        /// The caller's own name for it.
        custom_id: Option<String>,
        /// The request.
        body: String,
    },
    /// An upload.
    Upload(Object, Kind),
    /// A line of a batch file.
    Line {
        /// The function that the file was uploaded for.
        owner: Function,
        /// The file.
        file: Object,
        /// Its number, from 1.
        line: u64,
        /// Where it begins.
        from: u64,
        /// Where it ends.
        to: u64,
    },
    /// Going on with a batch file.
    Split(split::Begin),
    /// Looking how far a batch file is.
    Check {
        /// The file.
        file: Object,
        /// When it was split, in seconds since 1970.
        since: u64,
    },
    /// Nothing; the text says why.
    Nothing(&'static str),
}

/// What an upload is, by the end of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One request.
    Request,
    /// A bare prompt.
    Prompt,
    /// A batch file.
    Batch,
}

impl Kind {
    /// The kind of an object with this key, if it is one.
    pub fn of(key: &str) -> Option<Self> {
        let (_, end) = key.rsplit_once('/').unwrap_or(("", key));
        match end.rsplit_once('.')? {
            (_, "json") => Some(Self::Request),
            (_, "txt" | "md") => Some(Self::Prompt),
            (_, "jsonl") => Some(Self::Batch),
            _ => None,
        }
    }
}

/// Why a record cannot be read: it is reported failed, and no model is called for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Poison {
    /// It is no JSON object.
    #[error("not_an_object")]
    NotAnObject,
    /// It is a message of another version, or of another program.
    #[error("unknown_envelope")]
    UnknownEnvelope,
    /// It is a notification in a format that is not known.
    #[error("unknown_notification")]
    UnknownNotification,
    /// The object's key cannot be decoded.
    #[error("key_undecodable")]
    KeyUndecodable,
    /// It tells of a bucket that this function does not serve.
    #[error("foreign_bucket")]
    ForeignBucket,
    /// It comes out of a queue that this function does not serve.
    #[error("foreign_queue")]
    ForeignQueue,
}
