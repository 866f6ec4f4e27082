//! The nodes at work, through the engine.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test that cannot go on stops")]

mod cases;
mod effects;
mod golden;
mod lists;
mod math;
mod running;
mod support;
