//! `retry`: the failed items of a batch, again.

use crate::args::{RetryArgs, RunArgs};
use crate::fail::Fail;
use crate::record::Started;
use crate::{make, runs, say, start};
use kiln_core::doors::{Clock, SystemClock};
use kiln_core::store::{Folder, JobState, Queue, Runs};
use std::path::{Path, PathBuf};

/// How far back one looks for a batch.
const LOOKED: u32 = 10_000;

/// Makes failed items ready, and runs their batch with the options it had.
///
/// # Errors
/// When there is no such batch, or it cannot run.
pub fn run(args: &RetryArgs) -> Result<u8, Fail> {
    let runs = runs::look(&args.out)?.runs();
    let mut found = Vec::new();
    if args.graphs.is_empty() {
        let last = last_batch(&runs, None)?;
        found.push(last.ok_or_else(|| {
            Fail::wrong(
                format!("no batch was run into {}", args.out.display()),
                Some("retry is for runs with --items or --rows"),
            )
        })?);
    }
    for graph in &args.graphs {
        let last = last_batch(&runs, Some(graph))?;
        found.push(last.ok_or_else(|| {
            Fail::wrong(format!("no batch of {} was run into {}", graph.display(), args.out.display()), None)
        })?);
    }
    let mut worst = 0;
    for started in found {
        worst = worst.max(again(args, started)?);
    }
    Ok(worst)
}

/// What the last batch was started with: of a graph, or of any.
fn last_batch(runs: &Runs, graph: Option<&PathBuf>) -> Result<Option<Started>, Fail> {
    let now = SystemClock.now();
    let wanted = graph.map(|g| std::path::absolute(g).unwrap_or_else(|_| g.clone()));
    for run in runs.runs(LOOKED, now)? {
        let Some(record) = runs.run(&run.id, now)? else { continue };
        let Ok(started) = serde_json::from_str::<Started>(&record.args_json) else { continue };
        if started.batch.is_some() && wanted.as_ref().is_none_or(|w| started.args.graph.as_ref() == Some(w)) {
            return Ok(Some(started));
        }
    }
    Ok(None)
}

fn again(args: &RetryArgs, started: Started) -> Result<u8, Fail> {
    let run = RunArgs {
        // The folder may have been moved since.
        out: args.out.clone(),
        jobs: args.jobs.or(started.args.jobs),
        json: args.json,
        quiet: args.quiet,
        resume: true,
        dry_run: false,
        events: false,
        explain: false,
        wait_for_review: false,
        ..started.args
    };
    let mut ready = start::prepare(&run)?;
    let same = ready.batch.as_ref().map(|b| &b.id) == started.batch.as_ref();
    if same {
        let stages = ready.plan.planned().map(|p| p.stage).max().unwrap_or(0).max(started.stages);
        let count = make_ready(&args.out, started.batch.as_deref().unwrap_or_default(), stages)?;
        if !args.quiet {
            say::err(&match count {
                0 => "no item failed; what is not made yet is made now".to_owned(),
                1 => "1 item is tried again".to_owned(),
                n => format!("{n} items are tried again"),
            });
        }
    } else {
        // Another graph, or another table, has another batch: what did not change comes from the cache.
        if !args.quiet {
            say::err(
                "the graph or its table changed since that batch: all items are looked at again, what did not change comes from the cache",
            );
        }
        if let Some(batch) = &mut ready.batch {
            batch.resume = false;
        }
    }
    make::make(&run, &ready)
}

/// Makes failed and dead items of every stage ready; says how many.
fn make_ready(out: &Path, batch: &str, stages: u32) -> Result<u64, Fail> {
    let now = SystemClock.now();
    let queue = Folder::open(out, now)?.queue();
    let mut all = 0;
    for stage in 0..=stages {
        let id = kiln_core::stage_id(batch, stage);
        all += queue.retry(&id, &[JobState::Failed, JobState::Dead], None, now)?;
    }
    Ok(all)
}
