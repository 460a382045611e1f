//! A local Amazon Bedrock: the Bedrock Runtime wire protocol and the model listing on loopback.

pub mod backend;
pub mod config;
pub mod text;
