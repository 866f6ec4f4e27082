//! What the client knows of its worker: the runs, and the answers that are awaited.

use super::link::Link;
use crate::error::RunnerError;
use crate::message::{Answer, Envelope, MAX_LINE, Picture, Request, RunId, Submit, VERSION, VERSIONS};
use crate::runner::Replier;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// How many runs that ended are remembered.
const REMEMBERED: usize = 1000;
/// Runs that may wait.
const WAITING: usize = 10_000;

/// Who waits for an answer.
pub(super) enum Waiting {
    /// For a word that it is done.
    Done(Replier<()>),
    /// For a picture.
    Picture(Replier<Picture>),
    /// A run was handed in.
    Submitted(RunId),
    /// The greeting.
    Greeted,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Waiting,
    Running,
    Ended,
}

struct Run {
    phase: Phase,
    /// To hand it in again; forgotten once it has begun.
    job: Option<Box<Submit>>,
    /// Its place among all.
    order: u64,
}

#[derive(Default)]
pub(super) struct State {
    pub link: Option<Link>,
    /// How the last worker died.
    pub death: Option<RunnerError>,
    runs: HashMap<RunId, Run>,
    ended: VecDeque<RunId>,
    awaited: BTreeMap<u64, Waiting>,
    last: u64,
}

impl State {
    /// Whether the worker that speaks is the one of now.
    pub fn is_now(&self, generation: u64) -> bool {
        self.link.as_ref().is_some_and(|l| l.generation() == generation)
    }

    /// The first words to a new worker: a greeting, and what waited for it.
    pub fn greet(&mut self) {
        let client = format!("kiln {}", env!("CARGO_PKG_VERSION"));
        self.send(None, Request::Hello { versions: VERSIONS.to_vec(), client }, Some(Waiting::Greeted));
        self.send(None, Request::Subscribe { after: Some(0) }, None);
        let waits = |(id, run): (&RunId, &Run)| {
            let job = run.job.clone().filter(|_| run.phase == Phase::Waiting)?;
            Some((run.order, id.clone(), job))
        };
        let mut waiting: Vec<(u64, RunId, Box<Submit>)> = self.runs.iter().filter_map(waits).collect();
        waiting.sort_by_key(|w| w.0);
        for (_, run, job) in waiting {
            self.send(Some(run.clone()), Request::Submit(job), Some(Waiting::Submitted(run)));
        }
    }

    pub fn submit(&mut self, run: RunId, job: Submit) -> Result<RunId, RunnerError> {
        if let Some(death) = &self.death {
            return Err(death.clone());
        }
        if self.runs.contains_key(&run) {
            return Err(RunnerError::Taken { run });
        }
        let waiting = self.runs.len() - self.ended.len();
        if waiting >= WAITING {
            return Err(RunnerError::Busy { waiting: waiting as u64, what: "runs".into() });
        }
        if !run.is_sound() {
            let what = "a run's id is 1 to 100 letters, digits, and - _ . :".to_owned();
            return Err(RunnerError::BadMessage { what });
        }
        let job = Box::new(job);
        self.runs
            .insert(run.clone(), Run { phase: Phase::Waiting, job: Some(job.clone()), order: self.last });
        let sent =
            self.try_send(Some(run.clone()), Request::Submit(job), Some(Waiting::Submitted(run.clone())));
        if let Err((e, _)) = sent {
            self.runs.remove(&run);
            return Err(e);
        }
        Ok(run)
    }

    /// Sends a request; one that cannot be sent is answered at once.
    pub fn send(&mut self, run: Option<RunId>, request: Request, waiting: Option<Waiting>) {
        if let Err((e, Some(waiting))) = self.try_send(run, request, waiting) {
            waiting.fail(e);
        }
    }

    fn try_send(
        &mut self,
        run: Option<RunId>,
        request: Request,
        waiting: Option<Waiting>,
    ) -> Result<(), (RunnerError, Option<Waiting>)> {
        let Some(link) = &self.link else {
            return Err((self.death.clone().unwrap_or(RunnerError::Closing), waiting));
        };
        self.last += 1;
        let message = Envelope { v: VERSION, seq: self.last, re: None, run, body: request };
        let line = match serde_json::to_vec(&message) {
            Ok(line) if line.len() <= MAX_LINE => line,
            Ok(_) => return Err((RunnerError::TooLong { limit: MAX_LINE as u64 }, waiting)),
            Err(e) => return Err((RunnerError::BadMessage { what: e.to_string() }, waiting)),
        };
        if let Err(e) = link.say(line) {
            return Err((e, waiting));
        }
        if let Some(waiting) = waiting {
            self.awaited.insert(self.last, waiting);
        }
        Ok(())
    }

    /// An answer. What concerns nobody in particular comes back, for the stream.
    pub fn answered(&mut self, re: u64, run: Option<RunId>, body: Answer) -> Option<(Option<RunId>, Answer)> {
        match (self.awaited.remove(&re), body) {
            (Some(Waiting::Done(put)), Answer::Ok {}) => put(Ok(())),
            (Some(Waiting::Picture(put)), Answer::Picture(picture)) => put(Ok(picture)),
            (Some(Waiting::Submitted(run)), Answer::Error { words, .. }) => {
                // The worker did not take it, so nothing else will be told of it.
                self.end(&run);
                return Some((Some(run), Answer::Finished(Box::new(crate::message::Summary::broken(words)))));
            }
            (Some(Waiting::Submitted(_)), Answer::Ok {}) | (None, Answer::Ok {}) => {}
            (Some(Waiting::Greeted), body) => {
                if let Answer::Error { .. } = &body
                    && let Some(link) = &self.link
                {
                    // It cannot be spoken to.
                    link.kill();
                }
                return Some((run, body));
            }
            (Some(waiting), Answer::Error { why, .. }) => waiting.fail(why),
            (Some(waiting), _) => {
                waiting.fail(RunnerError::BadMessage { what: "the worker gave another answer".into() });
            }
            (None, body) => return Some((run, body)),
        }
        None
    }

    /// A message of the stream.
    pub fn told(&mut self, run: &RunId, body: &Answer) {
        if body.is_end() {
            return self.end(run);
        }
        // Any event: the first ones may have been missed.
        if let Answer::Event { .. } = body
            && let Some(entry) = self.runs.get_mut(run)
        {
            entry.phase = Phase::Running;
            entry.job = None;
        }
    }

    pub fn phase(&self, run: &RunId) -> Option<Phase> {
        self.runs.get(run).map(|r| r.phase)
    }

    pub fn end(&mut self, run: &RunId) {
        let Some(entry) = self.runs.get_mut(run).filter(|r| r.phase != Phase::Ended) else { return };
        entry.phase = Phase::Ended;
        entry.job = None;
        self.ended.push_back(run.clone());
        if self.ended.len() > REMEMBERED
            && let Some(old) = self.ended.pop_front()
        {
            self.runs.remove(&old);
        }
    }

    /// The runs under way, which a worker's death ends.
    pub fn lose(&mut self) -> Vec<RunId> {
        let running =
            |(id, run): (&RunId, &Run)| (run.phase == Phase::Running).then(|| (run.order, id.clone()));
        let mut lost: Vec<(u64, RunId)> = self.runs.iter().filter_map(running).collect();
        lost.sort();
        lost.iter().for_each(|(_, run)| self.end(run));
        lost.into_iter().map(|l| l.1).collect()
    }

    /// Nobody will answer what is awaited.
    pub fn fail_all(&mut self, why: &RunnerError) {
        for waiting in std::mem::take(&mut self.awaited).into_values() {
            waiting.fail(why.clone());
        }
    }
}

impl Waiting {
    fn fail(self, why: RunnerError) {
        match self {
            Self::Done(put) => put(Err(why)),
            Self::Picture(put) => put(Err(why)),
            // The run waits for the next worker.
            Self::Submitted(_) | Self::Greeted => {}
        }
    }
}
