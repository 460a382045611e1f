//! Converse and ConverseStream (`docs: conversation-inference-call`, botocore's service model;
//! recorded): one format for every chat model.

mod answer;
mod cache;
mod guardrail;
mod parts;
mod request;
mod thinking;
mod tools;

pub(super) use answer::Format;
pub(crate) use cache::Prefixes;
pub(super) use request::read;
