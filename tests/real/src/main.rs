//! Converts an ncnn upscaler: `kiln-real MODEL.param MODEL.safetensors`, the `.bin` beside the `.param`.
#![allow(clippy::print_stderr, reason = "talking to a person is this program's work")]

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [param, to] = args.as_slice() else {
        eprintln!("usage: kiln-real MODEL.param MODEL.safetensors");
        return ExitCode::from(2);
    };
    match kiln_real::convert(param, to) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
