//! What the checks are written with.

use crate::error::RunnerError;
use crate::log::Receiver;
use crate::message::{Answer, Message, RunId, Submit, Summary};
use crate::runner::Reply;
use kiln_core::{Event, Status};
use std::path::Path;
use std::time::{Duration, Instant};

/// What a check says: nothing, or what is wrong.
pub(super) type Checked<T = ()> = Result<T, String>;

/// The longest that anything here takes.
pub(super) const LONG: Duration = Duration::from_secs(60);

/// Wrong unless it holds.
macro_rules! holds {
    ($what:expr, $($words:tt)+) => {
        if !$what {
            return Err(format!($($words)+));
        }
    };
}
pub(super) use holds;

/// A submission of nodes, in a folder.
pub(super) fn job(dir: &Path, nodes: &str) -> Submit {
    let graph = format!("Graph(kiln: 1, title: \"Test\", nodes: {{ {nodes} }})");
    Submit { graph, base: dir.display().to_string(), jobs: Some(2), ..Submit::default() }
}

pub(super) fn out(dir: &Path) -> Option<String> {
    Some(dir.join("out").display().to_string())
}

/// Everything up to the end of this many runs.
pub(super) fn until_ends(stream: &mut Receiver, ends: usize) -> Checked<Vec<Message>> {
    let (until, mut all, mut left) = (Instant::now() + LONG, Vec::new(), ends);
    while left > 0 {
        holds!(Instant::now() < until, "the run did not end; so far: {all:?}");
        if let Ok(message) = stream.recv_timeout(Duration::from_millis(100)) {
            left -= usize::from(message.body.is_end());
            all.push(message);
        }
    }
    Ok(all)
}

/// Everything up to the first message that fits.
pub(super) fn until(stream: &mut Receiver, fits: impl Fn(&Message) -> bool) -> Checked<Vec<Message>> {
    let (until, mut all) = (Instant::now() + LONG, Vec::new());
    loop {
        holds!(Instant::now() < until, "it did not happen; but this: {all:?}");
        if let Ok(message) = stream.recv_timeout(Duration::from_millis(100)) {
            let found = fits(&message);
            all.push(message);
            if found {
                return Ok(all);
            }
        }
    }
}

/// The bodies about a run.
pub(super) fn about<'a>(all: &'a [Message], run: &RunId) -> Vec<&'a Answer> {
    all.iter().filter(|m| m.run.as_ref() == Some(run)).map(|m| &m.body).collect()
}

/// The events about a run.
pub(super) fn events<'a>(all: &'a [Message], run: &RunId) -> Vec<&'a Event> {
    let event = |a: &&'a Answer| match a {
        Answer::Event { event } => Some(event),
        _ => None,
    };
    about(all, run).iter().filter_map(event).collect()
}

/// A run's end, which has to be there.
pub(super) fn summary(all: &[Message], run: &RunId) -> Checked<Summary> {
    match about(all, run).last() {
        Some(Answer::Finished(summary)) => Ok((**summary).clone()),
        other => Err(format!("run {run} ended with {other:?}")),
    }
}

pub(super) fn has_status(summary: &Summary, status: Status) -> Checked {
    holds!(summary.status == status, "wanted {status:?}, got {summary:?}");
    Ok(())
}

/// What was asked for, which has to be refused so.
pub(super) fn refused<T: Send + 'static>(reply: Reply<T>, fits: impl Fn(&RunnerError) -> bool) -> Checked {
    match reply.wait(LONG) {
        Err(e) if fits(&e) => Ok(()),
        Err(e) => Err(format!("refused for another reason: {e}")),
        Ok(_) => Err("not refused".to_owned()),
    }
}

pub(super) fn words(e: impl std::fmt::Display) -> String {
    e.to_string()
}
