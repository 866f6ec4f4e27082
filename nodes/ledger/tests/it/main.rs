//! The book, the driver and the policy against a world that fails in every way.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod log;
mod model;
mod policy;
