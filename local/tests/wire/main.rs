//! The local Bedrock over real sockets, read by a client that shares no code with it.

mod answers;
mod client;
mod faults;
mod listings;
mod pictures;
mod streams;
mod strictness;
