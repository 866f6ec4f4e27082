//! A worker with the conformance suite's nodes. Its arguments: a folder for the cache, or nothing.

use kiln_runner::{InProcess, conformance, serve};
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    let cache = std::env::args_os().nth(1).map(std::path::PathBuf::from);
    if std::env::var_os("KILN_TEST_GARBAGE").is_some() {
        use std::io::Write;
        // A library that writes where it should not.
        let _ = std::io::stdout()
            .write_all(b"hello from a driver\n{\"v\":1,\"body\":{\"kind\":\"sing\"}}\n\xff\xfe\n");
    }
    let Ok(engine) = conformance::engine(cache.as_deref()) else { return ExitCode::from(3) };
    let runner = InProcess::new(Arc::new(engine), conformance::encoder());
    match serve(&runner, std::io::stdin(), std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(4),
    }
}
