//! What the end-to-end tests stand on: everything that a function talks to in the cloud, on
//! loopback ports that the system chooses, and the built function in a process of its own.
//!
//! | here | in the cloud |
//! |---|---|
//! | [`Function`] | the environment that runs a binary |
//! | [`RuntimeApi`] | Lambda's Runtime API |
//! | [`Bedrock`] | Amazon Bedrock: `local/`, in this process |
//! | [`S3`] | Amazon S3, keeping its objects in memory |
//! | [`Sqs`] | Amazon SQS, and what calls a function with the messages of a queue |
//! | [`Operation`], [`Fault`] | what goes wrong with either of them |
//! | [`Cloud`] | all of that, for several functions |
//! | [`Upstream`] | Amazon Bedrock, or a proxy before it, byte by byte as a [`Script`] says |
//! | [`Ask`] | a caller, in each way that a model can be asked |
//! | [`Insecure`] | an endpoint whose TLS goes wrong |
//! | [`Sts`], [`Witness`] | AWS STS, and a Bedrock that only remembers who called |
//! | [`Event`] | the files in `events/`, and what is made of them |
//! | [`Message`] | a message of a queue |
//! | [`published`] | what every service of AWS calls functions with |
//!
//! | here | what it holds of every test |
//! |---|---|
//! | [`Watch`] | that no content is in what a function writes; see [`CANARY`] |
//! | [`tap`] | that every call to AWS is known, with what it needs of IAM |
//!
//! `cargo test --workspace` builds the functions and runs these tests. For these tests alone:
//! `cargo build --workspace --bins --examples && cargo test --package end-to-end`.
//!
//! A harness that cannot be set up fails the test that wanted it, so everything here panics
//! instead of returning errors. The servers live as long as the test's own runtime.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness that cannot be set up fails its test, loudly"
)]

mod answer;
pub mod ask;
mod bedrock;
mod binary;
mod calls;
mod canary;
mod cloud;
mod download;
mod event;
mod failures;
mod fault;
pub mod frames;
mod front;
mod function;
mod identity;
mod listener;
mod message;
mod notification;
mod outcome;
mod picture;
mod published;
mod record;
mod request;
mod rows;
mod runtime_api;
mod s3;
#[cfg(test)]
mod samples;
mod server_sent;
mod signature;
mod sqs;
mod stack;
mod streamed;
mod tap;
mod tls;
mod upstream;

pub use answer::{Answer, Way};
pub use ask::{Ask, Asked, Task};
pub use bedrock::{Bedrock, Calls};
pub use canary::{CANARY, Watch, marked, unmarked};
pub use cloud::Cloud;
pub use download::{Download, download};
pub use event::{Event, sample};
pub use failures::BatchItemFailures;
pub use fault::{Fault, Held, On, Operation};
pub use front::Seen;
pub use function::{Frozen, Function, Working};
pub use identity::{Sts, Witness};
pub use listener::Refusing;
pub use message::{Message, arn};
pub use outcome::Outcome;
pub use picture::{drawing, noise, size_of};
pub use published::published;
pub use rows::{Row, check_rows, say};
pub use runtime_api::{RuntimeApi, TRACE, Terms};
pub use s3::{Object, S3, Stored};
pub use server_sent::{Data, ServerSent};
pub use sqs::{Delivery, Sent, Sqs, Visibility};
pub use stack::Stack;
pub use streamed::{Chunk, End, Streamed};
pub use tap::tap;
pub use tls::Insecure;
pub use upstream::{Received, Script, Upstream};

/// The region that everything is called in.
pub const REGION: &str = "us-east-1";

/// The account that everything belongs to.
pub const ACCOUNT: &str = "123456789012";

/// The access key of tests that call by themselves. Each process of a function has one of its own.
pub const ACCESS_KEY_ID: &str = "AKIAEXAMPLE";

/// The secret to every access key, as made up as those. The S3 checks signatures made with it.
pub const SECRET_ACCESS_KEY: &str = "made-up-for-tests";
