//! Wires the server.

fn main() {}
