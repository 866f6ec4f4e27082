//! The runner over a pipe: a worker program that is started, spoken to, and may die alone.

mod link;
mod state;

use crate::error::RunnerError;
use crate::log::{Log, Receiver};
use crate::message::{Answer, Decide, FetchPicture, Picture, Request, RunId, Submit};
use crate::runner::{Reply, Runner};
use link::Link;
use parking_lot::Mutex;
use state::{Phase, State, Waiting};
use std::io;
use std::process::Command;
use std::sync::Arc;

/// Messages kept for those who subscribe late.
const BACKLOG: usize = 100_000;

struct Inner {
    command: Mutex<Command>,
    log: Arc<Log>,
    state: Mutex<State>,
}

/// A runner in a worker program of its own. Dropped, it closes the worker's input; the worker then
/// finishes its step and ends.
///
/// The worker speaks JSON lines on its standard input and output (see [`crate::serve`]); what it says on its
/// standard error passes through. When it dies, each run under way ends with [`Answer::Lost`]; those that
/// waited wait on, and are handed in again by [`PipeRunner::restart`].
pub struct PipeRunner {
    inner: Arc<Inner>,
}

impl PipeRunner {
    /// Starts the worker program. The command is kept, to start it again after its death.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn spawn(command: Command) -> io::Result<Self> {
        let inner = Inner { command: Mutex::new(command), log: Log::new(BACKLOG), state: Mutex::default() };
        let own = Self { inner: Arc::new(inner) };
        own.restart()?;
        Ok(own)
    }

    /// Starts the worker again after its death, and hands in again what waited. Does nothing while it lives.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn restart(&self) -> io::Result<()> {
        let mut state = self.inner.state.lock();
        if state.link.is_some() {
            return Ok(());
        }
        let link = Link::start(&mut self.inner.command.lock(), &self.inner)?;
        state.link = Some(link);
        state.death = None;
        state.greet();
        Ok(())
    }

    /// Whether the worker lives.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.inner.state.lock().link.is_some()
    }

    /// The worker's process id, while it lives.
    #[must_use]
    pub fn worker(&self) -> Option<u32> {
        self.inner.state.lock().link.as_ref().map(Link::id)
    }

    /// Ends the worker at once, whatever it does: for one that hangs. Runs under way are lost.
    pub fn kill(&self) {
        if let Some(link) = &self.inner.state.lock().link {
            link.kill();
        }
    }

    fn ask<T: Send + 'static>(
        &self,
        run: Option<RunId>,
        request: Request,
        wrap: fn(crate::runner::Replier<T>) -> Waiting,
    ) -> Reply<T> {
        let (put, reply) = Reply::new();
        self.inner.state.lock().send(run, request, Some(wrap(put)));
        reply
    }
}

impl Drop for PipeRunner {
    fn drop(&mut self) {
        let mut state = self.inner.state.lock();
        state.fail_all(&RunnerError::Closing);
        // The writer ends with its channel, and with it the worker's input.
        state.link.take();
        drop(state);
        self.inner.log.close();
    }
}

impl Runner for PipeRunner {
    fn submit(&self, mut job: Submit) -> Result<RunId, RunnerError> {
        let run = job.id.take().unwrap_or_else(RunId::fresh);
        job.id = Some(run.clone());
        self.inner.state.lock().submit(run, job)
    }

    fn cancel(&self, run: &RunId) -> Reply<()> {
        let mut state = self.inner.state.lock();
        if state.link.is_none() && state.phase(run) == Some(Phase::Waiting) {
            // It waits here for the next worker.
            state.end(run);
            drop(state);
            let summary = crate::message::Summary::never_began();
            self.inner.log.push(Some(run), Answer::Finished(Box::new(summary)));
            return Reply::ready(Ok(()));
        }
        drop(state);
        self.ask(Some(run.clone()), Request::Cancel {}, Waiting::Done)
    }

    fn decide(&self, run: &RunId, decide: Decide) -> Reply<()> {
        self.ask(Some(run.clone()), Request::Decide(decide), Waiting::Done)
    }

    fn subscribe(&self, after: Option<u64>) -> Receiver {
        self.inner.log.subscribe(after)
    }

    fn picture(&self, want: FetchPicture) -> Reply<Picture> {
        self.ask(None, Request::FetchPicture(want), Waiting::Picture)
    }
}

impl Inner {
    /// A line from the worker.
    fn heard(&self, generation: u64, line: &[u8]) {
        // Read before the lock is taken: a picture may be large, and clients do not wait for it.
        let message = serde_json::from_slice::<crate::message::Message>(line);
        let mut state = self.state.lock();
        if !state.is_now(generation) {
            return;
        }
        let message = match message {
            Ok(message) => message,
            Err(e) => {
                let start = String::from_utf8_lossy(&line[..line.len().min(80)]).into_owned();
                let what = format!("the worker wrote {start:?}: {e}");
                return self.log.push(None, Answer::error(RunnerError::BadMessage { what }));
            }
        };
        if let Some(re) = message.re {
            if let Some((run, body)) = state.answered(re, message.run, message.body) {
                self.log.push(run.as_ref(), body);
            }
            return;
        }
        if let Some(run) = &message.run {
            state.told(run, &message.body);
        }
        self.log.push(message.run.as_ref(), message.body);
    }

    /// The worker is no more.
    fn died(&self, generation: u64, how: &str) {
        let mut state = self.state.lock();
        if !state.is_now(generation) {
            return;
        }
        let what = format!("the worker {how}");
        let gone = RunnerError::Gone { what: format!("{what}: start it again, then hand the run in again") };
        state.link = None;
        state.death = Some(gone.clone());
        let lost = state.lose();
        state.fail_all(&gone);
        self.log.push(None, Answer::error(gone));
        for run in lost {
            let words = format!(
                "{what} during the run: start it again and hand the run in again, to resume if it has an output folder; what was finished is kept"
            );
            self.log.push(Some(&run), Answer::Lost { words });
        }
    }
}
