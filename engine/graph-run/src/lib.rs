//! `graph-run`, the headless program: checks a saved graph, runs it once or over ten thousand items, and
//! keeps a record of it.
//!
//! Everything it does is here, one module for each idea, so that a test can call it; the program itself is
//! one line. Libraries give typed errors, this program adds what a person needs to know: which file, which
//! line, what to do.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "talking to a person or a pipe is this program's work"
)]

mod access;
mod args;
mod cache;
mod caches;
mod cards;
mod check;
mod collection;
mod convert;
mod dev;
mod device;
mod embed;
mod explain;
mod fail;
mod fmt;
mod interrupt;
mod keys;
mod lock;
mod make;
mod net;
mod nodes;
mod picture;
mod pin;
mod places;
mod progress;
mod record;
mod rejected;
mod retry;
mod review;
pub mod rows;
mod runs;
mod say;
mod serve;
mod sets;
mod sheets;
mod size;
mod source;
mod start;
mod summary;
mod table;

pub use args::{Cli, Command, RunArgs};
pub use fail::Fail;

use clap::{CommandFactory, FromArgMatches};
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program with these arguments, the program's name first.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if args.len() < 2 {
        // A reader that went away is no reason to complain.
        let _ = Cli::command().print_help();
        return ExitCode::SUCCESS;
    }
    let matches = match Cli::command().try_get_matches_from(&args) {
        Ok(matches) => matches,
        Err(e) => {
            match source::slip_of_command(args.get(1)).filter(|_| e.use_stderr()) {
                Some(hint) => {
                    say::err(&format!("error: there is no command {:?}\n{hint}", args[1].to_string_lossy()));
                }
                None => {
                    let _ = e.print();
                }
            }
            return ExitCode::from(if e.use_stderr() { fail::WRONG } else { 0 });
        }
    };
    let done = match Cli::from_arg_matches(&matches) {
        Ok(cli) => dispatch(cli),
        Err(e) => Err(Fail::Wrong(e.to_string())),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(fail) => {
            let text = fail.to_string();
            if !text.is_empty() {
                say::err(&text);
            }
            ExitCode::from(fail.code())
        }
    }
}

fn dispatch(cli: Cli) -> Result<u8, Fail> {
    let Some(command) = cli.command else { return start::run(&cli.run) };
    match command {
        Command::Check(a) => check::run(&a),
        Command::Convert(a) => convert::run(&a),
        Command::Fmt(a) => fmt::run(&a),
        Command::Nodes(a) => nodes::run(&a),
        Command::Keys(a) => keys::run(&a),
        Command::New(a) => embed::new(&a),
        Command::Templates(a) => embed::list(&a),
        Command::Runs(a) => runs::run(&a),
        Command::Review(a) => review::command::run(&a),
        Command::Retry(a) => retry::run(&a),
        Command::Lock(a) => lock::lock(&a),
        Command::Verify(a) => lock::verify(&a),
        Command::Cache(a) => cache::run(&a),
        Command::Cid(a) => pin::cid(&a),
        Command::Pin(a) => pin::run(&a),
        Command::Seal(a) => collection::seal(&a),
        Command::Audit(a) => collection::audit(&a),
        Command::ProveFile(a) => collection::prove(&a),
        Command::CheckProof(a) => collection::check_proof(&a),
        Command::Plan(a) => collection::plan(&a),
        Command::Report(a) => collection::report(&a),
        Command::Decide(a) => collection::decide(&a),
        Command::Remake(a) => collection::remake(&a),
        Command::Evolve(a) => collection::evolve(&a),
        Command::Dev(a) => dev::run(&a),
        Command::Serve(a) => serve::run(&a),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "graph-run", &mut text);
            say::out(String::from_utf8_lossy(&text).trim_end());
            Ok(0)
        }
    }
}
