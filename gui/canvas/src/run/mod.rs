//! Running: the canvas' side of the Runner. It hands graphs in, keeps what became of every node, fetches pictures
//! by key, and remembers what was made.

mod history;
mod pictures;

pub use history::{History, Made};
pub use pictures::{Pictures, Pixels};

use crate::canvas::{State, Status};
use egui::Context;
use kiln_core::{Event, Problem};
use kiln_runner::{
    Answer, Decide, Decision, Items, Message, RecvError, Reply, RunId, Runner, Submit, Summary,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// How often an answer is looked for.
const ANSWER: Duration = Duration::from_millis(30);

/// What a run is for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Job {
    /// The document's text.
    pub graph: String,
    /// The folder its paths start from.
    pub base: String,
    /// The output folder.
    pub out: Option<String>,
    /// The nodes that are wanted; none: everything.
    pub want: Vec<String>,
    /// Items to make.
    pub items: Option<Items>,
    /// Nodes whose pictures are worth keeping, and the node that each is a picture of.
    pub shows: BTreeMap<String, Vec<String>>,
    /// Nodes whose outputs are pictures, with the place of the output.
    pub pictures: BTreeMap<String, usize>,
    /// It was started by a change, not by a person: it makes way for the next one.
    pub automatic: bool,
}

/// A run that was handed in.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// What it is for.
    pub job: Arc<Job>,
    /// How far it is.
    pub phase: Phase,
    /// Items settled, and in all.
    pub items: Option<(u64, u64)>,
    /// Nodes done, and in all.
    pub nodes: (u64, u64),
    /// How it ended.
    pub summary: Option<Box<Summary>>,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It waits for its turn.
    Queued,
    /// It is under way.
    Running,
    /// It came to its end.
    Ended {
        /// `done`, `failed`, `cancelled`, `parked`, `refused`, `lost`.
        how: String,
    },
}

impl Run {
    /// Whether it is not over yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self.phase, Phase::Ended { .. })
    }
}

/// A picture that waits for a person's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The run.
    pub run: RunId,
    /// The gate.
    pub gate: String,
    /// The item.
    pub item: Option<u64>,
    /// The value's key.
    pub key: String,
    /// What is asked.
    pub reason: String,
}

/// A rejected attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The gate.
    pub gate: String,
    /// The item.
    pub item: Option<u64>,
    /// Which attempt.
    pub attempt: u32,
    /// How good it was.
    pub score: f64,
    /// Why.
    pub reason: String,
}

/// Starts a runner, again after it died.
pub type Starter = dyn Fn() -> Result<Arc<dyn Runner>, String> + Send + Sync;

/// Everything about running.
pub struct Session {
    starter: Box<Starter>,
    runner: Option<Arc<dyn Runner>>,
    messages: Receiver<Note>,
    to_self: Sender<Note>,
    ctx: Context,
    /// Runs, the latest last.
    pub runs: Vec<Run>,
    /// What became of each node.
    pub states: BTreeMap<String, State>,
    keys: BTreeMap<String, String>,
    parts: BTreeMap<String, Vec<(String, String)>>,
    decided: Vec<(Parked, Reply<()>)>,
    /// Pictures by key.
    pub pictures: Pictures,
    /// Pictures made.
    pub history: History,
    /// What waits for a person.
    pub parked: Vec<Parked>,
    /// What was rejected.
    pub refusals: Vec<Refusal>,
    /// What the runner said of the last graph.
    pub problems: Vec<Problem>,
    /// Something a person should know.
    pub notice: Option<String>,
}

enum Note {
    Message(Box<Message>),
    Closed,
}

impl Session {
    /// A session whose runner is started when it is first needed.
    #[must_use]
    pub fn new(ctx: &Context, starter: Box<Starter>, history: History) -> Self {
        let (to_self, messages) = channel();
        Self {
            starter,
            runner: None,
            messages,
            to_self,
            ctx: ctx.clone(),
            runs: Vec::new(),
            states: BTreeMap::new(),
            keys: BTreeMap::new(),
            parts: BTreeMap::new(),
            decided: Vec::new(),
            pictures: Pictures::new(ctx),
            history,
            parked: Vec::new(),
            refusals: Vec::new(),
            problems: Vec::new(),
            notice: None,
        }
    }

    fn runner(&mut self) -> Result<Arc<dyn Runner>, String> {
        if let Some(runner) = &self.runner {
            return Ok(runner.clone());
        }
        let runner = (self.starter)()?;
        let mut stream = runner.subscribe(None);
        let (to, ctx) = (self.to_self.clone(), self.ctx.clone());
        std::thread::spawn(move || {
            loop {
                match stream.recv_timeout(Duration::from_secs(3600)) {
                    Ok(message) => {
                        if to.send(Note::Message(Box::new(message))).is_err() {
                            return;
                        }
                        ctx.request_repaint();
                    }
                    Err(RecvError::Timeout) => {}
                    Err(RecvError::Closed) => {
                        let _ = to.send(Note::Closed);
                        ctx.request_repaint();
                        return;
                    }
                }
            }
        });
        self.pictures.serve(runner.clone());
        self.runner = Some(runner.clone());
        Ok(runner)
    }

    /// Hands a graph in.
    pub fn submit(&mut self, job: Job) -> Option<RunId> {
        if job.automatic {
            let old: Vec<RunId> =
                self.runs.iter().filter(|r| r.is_open() && r.job.automatic).map(|r| r.id.clone()).collect();
            old.iter().for_each(|id| self.cancel(id));
        }
        let runner = match self.runner() {
            Ok(runner) => runner,
            Err(why) => {
                self.notice = Some(why);
                return None;
            }
        };
        let id = RunId::fresh();
        let submit = Submit {
            id: Some(id.clone()),
            graph: job.graph.clone(),
            base: job.base.clone(),
            out: job.out.clone(),
            want: job.want.clone(),
            items: job.items.clone(),
            explain: true,
            resume: job.items.is_some(),
            overwrite: false,
            ..Submit::default()
        };
        let run = Run {
            id: id.clone(),
            job: Arc::new(job),
            phase: Phase::Queued,
            items: None,
            nodes: (0, 0),
            summary: None,
        };
        self.runs.push(run);
        if let Err(why) = runner.submit(submit) {
            self.notice = Some(why.to_string());
            self.end(&id, "refused");
            return None;
        }
        Some(id)
    }

    /// Asks a run to stop.
    pub fn cancel(&mut self, id: &RunId) {
        if let Some(runner) = &self.runner {
            drop(runner.cancel(id));
        }
    }

    /// Asks the run under way to stop.
    pub fn interrupt(&mut self) {
        let running = self.runs.iter().find(|r| r.phase == Phase::Running);
        if let Some(id) = running.or_else(|| self.runs.iter().find(|r| r.is_open())).map(|r| r.id.clone()) {
            self.cancel(&id);
        }
    }

    /// Says what a person decided.
    pub fn decide(&mut self, parked: &Parked, decision: Decision) {
        let Some(runner) = &self.runner else { return };
        let decide = Decide {
            item: parked.item,
            gate: parked.gate.clone(),
            key: (!parked.key.is_empty()).then(|| parked.key.clone()),
            decision,
        };
        let reply = runner.decide(&parked.run, decide);
        self.decided.push((parked.clone(), reply));
        // It is out of the way until the answer says otherwise.
        self.parked.retain(|p| p != parked);
        self.ctx.request_repaint_after(ANSWER);
    }

    /// Looks whether decisions were taken; those that were not wait again.
    fn poll_decisions(&mut self) -> bool {
        let mut changed = false;
        for (parked, reply) in std::mem::take(&mut self.decided) {
            match reply.try_get() {
                None => {
                    self.decided.push((parked, reply));
                    self.ctx.request_repaint_after(ANSWER);
                }
                Some(Ok(())) => changed = true,
                Some(Err(why)) => {
                    self.notice = Some(why.to_string());
                    self.parked.insert(0, parked);
                    changed = true;
                }
            }
        }
        changed
    }

    /// Whether anything is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.runs.iter().any(Run::is_open)
    }

    /// How many wait for their turn.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.runs.iter().filter(|r| r.phase == Phase::Queued).count()
    }

    /// Takes in what happened; says whether anything did.
    pub fn poll(&mut self) -> bool {
        let mut changed = self.pictures.poll() | self.poll_decisions();
        while let Ok(note) = self.messages.try_recv() {
            changed = true;
            match note {
                Note::Message(message) => self.take(*message),
                Note::Closed => self.runner = None,
            }
        }
        if changed {
            self.hang_pictures();
        }
        changed
    }

    /// Forgets what became of the nodes: another document is shown.
    pub fn forget_states(&mut self) {
        self.states.clear();
        self.keys.clear();
        self.parts.clear();
        self.problems.clear();
    }

    fn end(&mut self, id: &RunId, how: &str) {
        if let Some(run) = self.runs.iter_mut().find(|r| r.id == *id) {
            run.phase = Phase::Ended { how: how.to_owned() };
        }
        for state in self.states.values_mut() {
            if matches!(state.status, Status::Running { .. } | Status::Waiting) {
                state.status = Status::Idle;
            }
        }
        // The list of runs is for people: a hundred is more than they look at.
        while self.runs.len() > 100 && !self.runs[0].is_open() {
            self.runs.remove(0);
        }
    }

    fn take(&mut self, message: Message) {
        let Some(id) = message.run else { return };
        match message.body {
            Answer::Accepted { warnings, .. } => self.problems = warnings,
            Answer::Refused { problems } => {
                for problem in &problems {
                    if !problem.node.is_empty() {
                        let state = self.states.entry(problem.node.clone()).or_default();
                        let hint = problem.hint.as_deref().map(|h| format!("\n{h}")).unwrap_or_default();
                        state.status = Status::Failed { reason: format!("{}{hint}", problem.what) };
                    }
                }
                let first = problems.first().map(|p| p.what.clone()).unwrap_or_default();
                self.notice = Some(format!("Not run: {first}"));
                self.problems = problems;
                self.end(&id, "refused");
            }
            Answer::Event { event } => self.event(&id, event),
            Answer::Finished(summary) => {
                for (name, report) in &summary.nodes {
                    let before = self.parts.insert(name.clone(), report.parts.clone());
                    let why = report.why(before.as_deref());
                    if let Some(state) = self.states.get_mut(name) {
                        state.why = why;
                    }
                }
                for (name, value) in &summary.values {
                    let words: Vec<&str> = value.words.iter().flatten().map(String::as_str).collect();
                    if !words.is_empty() {
                        self.states.entry(name.clone()).or_default().words = Some(words.join(", "));
                    }
                }
                for failure in summary.failures.iter().filter(|f| f.node.is_empty()) {
                    self.notice = Some(failure.reason.clone());
                }
                if let Some(gave_up) = &summary.gave_up {
                    self.notice = Some(gave_up.to_string());
                }
                let how = summary.status.word().to_owned();
                if let Some(run) = self.runs.iter_mut().find(|r| r.id == id) {
                    run.summary = Some(summary);
                }
                self.end(&id, &how);
            }
            Answer::Lost { words } => {
                self.notice = Some(words);
                self.end(&id, "lost");
                // The next run starts another worker.
                self.runner = None;
            }
            _ => {}
        }
    }

    fn event(&mut self, id: &RunId, event: Event) {
        let Some(at) = self.runs.iter().position(|r| r.id == *id) else { return };
        match event {
            Event::RunStarted { nodes, items, .. } => {
                let run = &mut self.runs[at];
                run.phase = Phase::Running;
                run.nodes = (0, nodes);
                run.items = items.map(|n| (0, n));
                for state in self.states.values_mut() {
                    if matches!(state.status, Status::Failed { .. } | Status::Rejected { .. }) {
                        state.status = Status::Idle;
                    }
                }
            }
            Event::Started { node, .. } => self.set(&node, Status::Running { done: 0, total: 0 }),
            Event::Progress { node, done, total, .. } => self.set(&node, Status::Running { done, total }),
            Event::Preview { node, key, width, height, .. } => {
                self.pictures.want(&key, 0, Some(384));
                let _ = (width, height);
                self.keys.insert(node, key);
            }
            Event::Cached { node, from, key, item } => {
                self.runs[at].nodes.0 += 1;
                self.set(&node, Status::Cached { from });
                self.made(at, &node, item, key);
            }
            Event::Finished { node, ms, key, item, .. } => {
                self.runs[at].nodes.0 += 1;
                self.set(&node, Status::Done { ms });
                self.made(at, &node, item, key);
            }
            Event::Rejected { node, item, attempt, score, reason } => {
                self.set(&node, Status::Rejected { reason: reason.clone() });
                self.refusals.push(Refusal { gate: node, item, attempt, score, reason });
                if self.refusals.len() > 1000 {
                    self.refusals.remove(0);
                }
            }
            Event::Failed { node, reason, .. } => self.set(&node, Status::Failed { reason }),
            Event::Parked { item, reason, node, key, .. } => {
                self.set(&node, Status::Parked { reason: reason.clone() });
                if !key.is_empty() {
                    self.pictures.want(&key, 0, Some(1024));
                }
                let parked = Parked { run: id.clone(), gate: node, item, key, reason };
                if !self.parked.contains(&parked) {
                    self.parked.push(parked);
                }
            }
            Event::ItemFinished { settled, total, .. } => self.runs[at].items = Some((settled, total)),
            Event::RunFinished { .. } => {}
        }
    }

    fn set(&mut self, node: &str, status: Status) {
        self.states.entry(node.to_owned()).or_default().status = status;
        // A subgraph works while anything in it does.
        if let Some((outer, _)) = node.split_once('/') {
            let prefix = format!("{outer}/");
            let inner = self.states.iter().filter(|(n, _)| n.starts_with(&prefix)).map(|(_, s)| &s.status);
            let mut ms = 0.0;
            let mut sum = Status::Cached { from: "memory".to_owned() };
            for status in inner {
                match status {
                    Status::Running { .. } | Status::Failed { .. } | Status::Parked { .. } => {
                        sum = status.clone();
                        break;
                    }
                    Status::Done { ms: one } => {
                        ms += one;
                        sum = Status::Done { ms };
                    }
                    _ => {}
                }
            }
            self.states.entry(outer.to_owned()).or_default().status = sum;
        }
    }

    fn made(&mut self, run: usize, node: &str, item: Option<u64>, key: String) {
        let job = self.runs[run].job.clone();
        let outer = node.split('/').next().unwrap_or(node);
        let Some(output) = job.pictures.get(node).or_else(|| job.pictures.get(outer)) else { return };
        self.pictures.want(&key, *output, Some(512));
        self.keys.insert(node.to_owned(), key.clone());
        for shown in job.shows.get(node).into_iter().flatten() {
            self.keys.insert(shown.clone(), key.clone());
        }
        if job.shows.contains_key(node) {
            let id = self.runs[run].id.clone();
            self.history.add(id, &job, node, item, key, *output);
        }
    }

    /// Puts the pictures that came onto the nodes they are of.
    fn hang_pictures(&mut self) {
        for (node, key) in &self.keys {
            if let Some(picture) = self.pictures.shown(key) {
                self.states.entry(node.clone()).or_default().picture = Some(picture);
            }
        }
        self.history.take_pictures(&self.pictures);
    }

    /// The key of the picture on a node.
    #[must_use]
    pub fn key_of(&self, node: &str) -> Option<&String> {
        self.keys.get(node)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("runs", &self.runs).finish_non_exhaustive()
    }
}
