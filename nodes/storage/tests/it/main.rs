//! Keeping and proving: blocks on disk, nodes and services on this machine that misbehave, and the nodes of a graph.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on stops, and says so"
)]

mod kubo;
mod nodes;
mod proxy;
mod real;
mod service;
mod store;
mod support;
