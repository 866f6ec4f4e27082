//! The runner in this process: a clerk checks what is handed in, workers run it, one after the other.

use crate::decisions;
use crate::error::RunnerError;
use crate::job::{self, NetDoor, Prepared};
use crate::log::{Log, Receiver};
use crate::message::{Answer, Decide, FetchPicture, Picture, RunId, Submit, Summary};
use crate::pace::Pace;
use crate::picture::{self, PictureEncoder};
use crate::runner::{Replier, Reply, Runner};
use crossbeam_channel::{Sender, TrySendError, bounded, unbounded};
use kiln_core::{Cancel, Engine};
use kiln_store::{Folder, JobState, Place, Queue};
use parking_lot::{Condvar, Mutex};
use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A graph that waited longer is checked again before it runs: its files may have changed.
const STALE: Duration = Duration::from_secs(1);
/// How many runs that ended are remembered.
const REMEMBERED: usize = 1000;
/// How many pictures may wait to be made.
const PICTURES: usize = 64;
/// Stages of a batch that are looked through for a parked item.
const STAGES: u32 = 64;

/// How a runner in this process works.
#[derive(Clone)]
pub struct Options {
    /// Runs under way at once.
    pub parallel: usize,
    /// Messages kept for those who subscribe late.
    pub backlog: usize,
    /// Runs that may wait.
    pub waiting: usize,
    /// Makes the network for runs that ask for hosts; none: no run has a network.
    pub net: Option<Arc<NetDoor>>,
}

impl Default for Options {
    fn default() -> Self {
        Self { parallel: 1, backlog: 100_000, waiting: 10_000, net: None }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    Running,
    Ended,
}

struct Run {
    phase: Phase,
    cancel: Cancel,
    job: Arc<Submit>,
    /// What it is called in the queue, once it is known to be sound.
    batch: Option<String>,
}

#[derive(Default)]
struct State {
    runs: HashMap<RunId, Run>,
    queue: VecDeque<(RunId, Option<Box<Prepared>>, Instant)>,
    ended: VecDeque<RunId>,
    waiting: usize,
    running: usize,
    closing: bool,
}

impl State {
    /// Tells a run's end, once.
    fn end(&mut self, log: &Log, run: &RunId, answer: Answer) {
        let Some(entry) = self.runs.get_mut(run) else { return };
        let phase = std::mem::replace(&mut entry.phase, Phase::Ended);
        // Only the folder and the batch are asked for later; the graph may be large.
        entry.job = Arc::new(Submit { out: entry.job.out.clone(), ..Submit::default() });
        match phase {
            Phase::Ended => return,
            Phase::Waiting => self.waiting -= 1,
            Phase::Running => self.running -= 1,
        }
        self.ended.push_back(run.clone());
        if self.ended.len() > REMEMBERED
            && let Some(old) = self.ended.pop_front()
        {
            self.runs.remove(&old);
        }
        log.push(Some(run), answer);
    }
}

type Asked = (FetchPicture, Replier<Picture>);

struct Inner {
    engine: Arc<Engine>,
    encoder: Arc<dyn PictureEncoder>,
    options: Options,
    log: Arc<Log>,
    state: Mutex<State>,
    changed: Condvar,
}

/// A runner in this process. Dropped, it cancels what is under way and waits until each step has ended.
pub struct InProcess {
    inner: Arc<Inner>,
    clerk: Mutex<Option<Sender<RunId>>>,
    pictures: Mutex<Option<Sender<Asked>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl InProcess {
    /// A runner with an engine (nodes, caches) and somebody who writes PNG files.
    #[must_use]
    pub fn new(engine: Arc<Engine>, encoder: Arc<dyn PictureEncoder>) -> Self {
        Self::with(engine, encoder, Options::default())
    }

    /// The same, with options.
    #[must_use]
    pub fn with(engine: Arc<Engine>, encoder: Arc<dyn PictureEncoder>, options: Options) -> Self {
        let (log, parallel) = (Log::new(options.backlog), options.parallel.max(1));
        let (state, changed) = (Mutex::default(), Condvar::new());
        let inner = Arc::new(Inner { engine, encoder, options, log, state, changed });
        let (clerk, handed_in) = unbounded::<RunId>();
        let (pictures, wanted) = bounded::<Asked>(PICTURES);
        let mut threads = Vec::new();
        let own = inner.clone();
        threads.push(std::thread::spawn(move || handed_in.iter().for_each(|run| own.check(&run))));
        let own = inner.clone();
        threads.push(std::thread::spawn(move || {
            for (want, put) in wanted {
                let fetch = || picture::fetch(&own.engine, own.encoder.as_ref(), &want);
                let broke = |_| Err(RunnerError::Encode { what: "a fault of the encoder".into() });
                put(std::panic::catch_unwind(AssertUnwindSafe(fetch)).unwrap_or_else(broke));
            }
        }));
        for _ in 0..parallel {
            let own = inner.clone();
            threads.push(std::thread::spawn(move || own.work()));
        }
        Self {
            inner,
            clerk: Mutex::new(Some(clerk)),
            pictures: Mutex::new(Some(pictures)),
            threads: Mutex::new(threads),
        }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.inner.engine
    }

    /// Cancels everything and waits until what is under way has finished its step. Runs with an output
    /// folder can be resumed. Nothing is accepted any more.
    pub fn shut_down(&self) {
        {
            let mut state = self.inner.state.lock();
            state.closing = true;
            state.queue.clear();
            state.runs.values().for_each(|r| r.cancel.cancel());
            let waits = |(id, r): (&RunId, &Run)| (r.phase == Phase::Waiting).then(|| id.clone());
            let mut waiting: Vec<RunId> = state.runs.iter().filter_map(waits).collect();
            waiting.sort();
            for run in &waiting {
                state.end(&self.inner.log, run, Answer::Finished(Box::new(Summary::never_began())));
            }
        }
        self.inner.changed.notify_all();
        self.clerk.lock().take();
        self.pictures.lock().take();
        for thread in std::mem::take(&mut *self.threads.lock()) {
            // A thread that panicked has told so already.
            let _ = thread.join();
        }
        self.inner.log.close();
    }

    /// As [`Runner::picture`], with somebody to give the answer to.
    pub(crate) fn picture_then(&self, want: FetchPicture, put: Replier<Picture>) {
        let pictures = self.pictures.lock().clone();
        match pictures.map(|p| p.try_send((want, put))) {
            Some(Ok(())) => {}
            Some(Err(TrySendError::Full((_, put)))) => {
                put(Err(RunnerError::Busy { waiting: PICTURES as u64, what: "pictures".into() }));
            }
            // Its reply says that the runner is closing.
            Some(Err(TrySendError::Disconnected(_))) | None => {}
        }
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl Runner for InProcess {
    fn submit(&self, job: Submit) -> Result<RunId, RunnerError> {
        let run = job.id.clone().unwrap_or_else(RunId::fresh);
        if !run.is_sound() {
            let what = "a run's id is 1 to 100 letters, digits, and - _ . :".to_owned();
            return Err(RunnerError::BadMessage { what });
        }
        {
            let mut state = self.inner.state.lock();
            if state.closing {
                return Err(RunnerError::Closing);
            }
            if state.runs.contains_key(&run) {
                return Err(RunnerError::Taken { run });
            }
            if state.waiting >= self.inner.options.waiting {
                return Err(RunnerError::Busy { waiting: state.waiting as u64, what: "runs".into() });
            }
            state.waiting += 1;
            let entry =
                Run { phase: Phase::Waiting, cancel: Cancel::default(), job: Arc::new(job), batch: None };
            state.runs.insert(run.clone(), entry);
        }
        match &*self.clerk.lock() {
            Some(clerk) if clerk.send(run.clone()).is_ok() => Ok(run),
            _ => Err(RunnerError::Closing),
        }
    }

    fn cancel(&self, run: &RunId) -> Reply<()> {
        let mut state = self.inner.state.lock();
        let Some(entry) = state.runs.get(run) else {
            return Reply::ready(Err(RunnerError::UnknownRun { run: run.clone() }));
        };
        let phase = entry.phase;
        entry.cancel.cancel();
        match phase {
            Phase::Ended => return Reply::ready(Err(RunnerError::Ended { run: run.clone() })),
            Phase::Running => {}
            Phase::Waiting => {
                state.queue.retain(|(id, ..)| id != run);
                state.end(&self.inner.log, run, Answer::Finished(Box::new(Summary::never_began())));
            }
        }
        Reply::ready(Ok(()))
    }

    fn decide(&self, run: &RunId, decide: Decide) -> Reply<()> {
        Reply::ready(self.inner.decide(run, decide))
    }

    fn subscribe(&self, after: Option<u64>) -> Receiver {
        self.inner.log.subscribe(after)
    }

    fn picture(&self, want: FetchPicture) -> Reply<Picture> {
        let (put, reply) = Reply::new();
        self.picture_then(want, put);
        reply
    }
}

impl Inner {
    /// The clerk's work: is the graph sound?
    fn check(&self, run: &RunId) {
        let waits =
            |state: &State| state.runs.get(run).filter(|r| r.phase == Phase::Waiting).map(|r| r.job.clone());
        let Some(job) = waits(&self.state.lock()) else { return };
        let checked = std::panic::catch_unwind(AssertUnwindSafe(|| job::prepare(&self.engine, &job)));
        match checked {
            Ok(Ok(prepared)) => {
                let mut state = self.state.lock();
                // Cancelled meanwhile, it has ended already.
                if waits(&state).is_none() {
                    return;
                }
                if let Some(entry) = state.runs.get_mut(run) {
                    entry.batch = prepared.batch.as_ref().map(|b| b.id.clone());
                }
                let before = (state.queue.len() + state.running) as u64;
                let warnings = prepared.plan.warnings.clone();
                // Told under the lock, so that it comes before anything the run does.
                self.log.push(Some(run), Answer::Accepted { before, warnings });
                state.queue.push_back((run.clone(), Some(Box::new(prepared)), Instant::now()));
                drop(state);
                self.changed.notify_one();
            }
            Ok(Err(problems)) => self.end(run, Answer::Refused { problems }),
            Err(_) => self.end(run, Answer::Finished(Box::new(Summary::broken(FAULT)))),
        }
    }

    /// A worker's work: the next run, and the next.
    fn work(&self) {
        loop {
            let (run, prepared, cancel, job) = {
                let mut state = self.state.lock();
                loop {
                    if let Some((run, prepared, since)) = state.queue.pop_front() {
                        let Some(entry) = state.runs.get_mut(&run).filter(|r| r.phase == Phase::Waiting)
                        else {
                            continue;
                        };
                        entry.phase = Phase::Running;
                        let taken = (
                            run,
                            prepared.filter(|_| since.elapsed() < STALE),
                            entry.cancel.clone(),
                            entry.job.clone(),
                        );
                        state.waiting -= 1;
                        state.running += 1;
                        break taken;
                    }
                    if state.closing {
                        return;
                    }
                    self.changed.wait(&mut state);
                }
            };
            let work = || self.perform(&run, &job, prepared, &cancel);
            let answer = std::panic::catch_unwind(AssertUnwindSafe(work))
                .unwrap_or_else(|_| Answer::Finished(Box::new(Summary::broken(FAULT))));
            self.end(&run, answer);
        }
    }

    fn perform(&self, run: &RunId, job: &Submit, prepared: Option<Box<Prepared>>, cancel: &Cancel) -> Answer {
        let prepared = match prepared {
            Some(prepared) => *prepared,
            None => match job::prepare(&self.engine, job) {
                Ok(prepared) => prepared,
                Err(problems) => return Answer::Refused { problems },
            },
        };
        let broken = |e: RunnerError| Answer::Finished(Box::new(Summary::broken(e.to_string())));
        let opened = match job::open(&self.engine, &run.0, job, &prepared, self.options.net.as_deref()) {
            Ok(opened) => opened,
            Err(e) => return broken(e),
        };
        let (log, pace, name) = (self.log.clone(), Pace::default(), run.clone());
        let listener = Arc::new(move |event: &kiln_core::Event| {
            if pace.lets_through(event) {
                log.push(Some(&name), Answer::Event { event: job::sendable(event) });
            }
        });
        let mut summary = match self.engine.run(&prepared.plan, opened.setup, cancel, listener) {
            Ok(report) => job::summary(report, prepared.batch.as_ref()),
            Err(e) => Summary::broken(e.to_string()),
        };
        if let Some(folder) = &opened.folder
            && let Err(e) = job::record_end(folder, &run.0, &summary, &self.engine)
        {
            let reason = format!("the run's record was not written: {e}");
            summary.failures.push(crate::message::Failure { node: String::new(), item: None, reason });
        }
        Answer::Finished(Box::new(summary))
    }

    fn end(&self, run: &RunId, answer: Answer) {
        self.state.lock().end(&self.log, run, answer);
    }

    fn decide(&self, run: &RunId, decide: Decide) -> Result<(), RunnerError> {
        let (out, batch) = {
            let state = self.state.lock();
            let entry = state.runs.get(run).ok_or_else(|| RunnerError::UnknownRun { run: run.clone() })?;
            (entry.job.out.clone(), entry.batch.clone())
        };
        let not = |why: &str| RunnerError::NotParked {
            run: run.clone(),
            item: decide.item,
            gate: decide.gate.clone(),
            why: why.to_owned(),
        };
        let out = out.ok_or_else(|| not("the run has no output folder, and keeps no decisions"))?;
        let now = self.engine.clock().now();
        let folder = Folder::open(Path::new(&out), now)?;
        let place = decide.item.map_or(Place::Run, Place::Item);
        let Some(asked) = folder.reviews().waiting(&decide.gate, place)? else {
            return Err(not(&self.state_of(&folder, batch.as_deref(), decide.item)?));
        };
        let question = asked.question;
        let key = question.key.to_string();
        if decide.key.as_ref().is_some_and(|k| *k != key) {
            return Err(not("what was looked at is another picture now: look again"));
        }
        let given = decisions::answer(&decide.decision, now);
        let line = decisions::Decided {
            v: 1,
            at: now.0,
            batch: batch.unwrap_or_default(),
            run: run.clone(),
            attempt: Some(question.attempt.to_string()),
            decide: Decide { key: Some(key), ..decide },
        };
        decisions::record(Path::new(&out), &line)?;
        // This wakes the item: a run that is under way goes on with it, else the next one.
        folder.reviews().decide(&question.gate, place, &question.attempt, &question.key, &given)?;
        Ok(())
    }

    /// What an item does instead of waiting.
    fn state_of(
        &self,
        folder: &Folder,
        batch: Option<&str>,
        item: Option<u64>,
    ) -> Result<String, RunnerError> {
        let (Some(batch), Some(item)) = (batch, item) else {
            return Ok("nothing is asked there".to_owned());
        };
        let mut found = None;
        for stage in 0..=STAGES {
            let id = kiln_core::stage_id(batch, stage);
            let row = folder.queue().jobs(&id, None, item, 1)?.into_iter().find(|r| r.item == item);
            found = row.map(|r| r.state).or(found);
        }
        Ok(match found {
            Some(JobState::Parked) => "it waits at another gate".to_owned(),
            Some(state) => format!("it is {state}"),
            None => "there is no such item".to_owned(),
        })
    }
}

const FAULT: &str = "the engine broke: this is a fault in Kiln; please report it";
