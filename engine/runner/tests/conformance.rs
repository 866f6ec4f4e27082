//! One suite for both runners.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use kiln_runner::{InProcess, PipeRunner, Runner, conformance};
use std::process::Command;
use std::sync::Arc;

#[test]
fn in_process() {
    let dir = tempfile::tempdir().unwrap();
    let make = || -> Box<dyn Runner> {
        Box::new(InProcess::new(Arc::new(conformance::engine(None).unwrap()), conformance::encoder()))
    };
    conformance::run_suite(dir.path(), &make).unwrap();
}

#[test]
fn over_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let make = || -> Box<dyn Runner> {
        Box::new(PipeRunner::spawn(Command::new(env!("CARGO_BIN_EXE_kiln-runner-test-worker"))).unwrap())
    };
    conformance::run_suite(dir.path(), &make).unwrap();
}
