//! Converse and ConverseStream (`docs: conversation-inference-call`, botocore's service model;
//! recorded): one format for every chat model.

mod answer;
mod request;

pub(super) use answer::Format;
pub(super) use request::read;
