//! Checking the graph while it is edited: on a thread of its own, since files are looked at and hashed.

use kiln_core::document::Graph;
use kiln_core::doors::Sandbox;
use kiln_core::{Engine, Problem, Wish};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

struct Ask {
    state: u64,
    batch: bool,
    graph: Graph,
    base: PathBuf,
}

/// Checks graphs.
pub struct Checker {
    asks: Sender<Ask>,
    came: Receiver<(u64, Vec<Problem>)>,
    asked: Option<(u64, bool)>,
    /// All problems of the latest graph that was checked.
    pub problems: Vec<Problem>,
    /// The same by node.
    pub by_node: BTreeMap<String, Vec<Problem>>,
    /// Counts up with each check that came back.
    pub round: u64,
}

impl Checker {
    /// A checker over an engine; `models` are the folders of model files.
    #[must_use]
    pub fn new(ctx: &egui::Context, engine: Arc<Engine>, models: Vec<PathBuf>) -> Self {
        let (asks, todo) = channel::<Ask>();
        let (done, came) = channel();
        let ctx = ctx.clone();
        std::thread::spawn(move || {
            while let Ok(mut ask) = todo.recv() {
                // Only the latest graph is of interest.
                while let Ok(newer) = todo.try_recv() {
                    ask = newer;
                }
                let mut sandbox = Sandbox::new(&ask.base);
                for root in &models {
                    sandbox = sandbox.with_models(root);
                }
                let (_, problems) =
                    engine.check(&ask.graph, &sandbox, &Wish { batch: ask.batch, ..Wish::default() });
                if done.send((ask.state, problems)).is_err() {
                    return;
                }
                ctx.request_repaint();
            }
        });
        Self { asks, came, asked: None, problems: Vec::new(), by_node: BTreeMap::new(), round: 0 }
    }

    /// Has a document checked, if it changed since the last time.
    pub fn check(&mut self, state: u64, batch: bool, graph: impl FnOnce() -> Graph, base: PathBuf) {
        if self.asked == Some((state, batch)) {
            return;
        }
        self.asked = Some((state, batch));
        let _ = self.asks.send(Ask { state, batch, graph: graph(), base });
    }

    /// Another document: what was found says nothing of it.
    pub fn reset(&mut self) {
        self.asked = None;
        self.problems.clear();
        self.by_node.clear();
    }

    /// Takes in what was found.
    pub fn poll(&mut self) {
        while let Ok((state, problems)) = self.came.try_recv() {
            let _ = state;
            if self.asked.is_none() {
                continue;
            }
            self.by_node.clear();
            for problem in &problems {
                // A subgraph's problems show on the node that stands for it, too.
                let outer = problem.node.split('/').next().unwrap_or_default();
                for name in [problem.node.as_str(), outer] {
                    let all = self.by_node.entry(name.to_owned()).or_default();
                    if !name.is_empty() && !all.contains(problem) {
                        all.push(problem.clone());
                    }
                }
            }
            self.by_node.remove("");
            self.problems = problems;
            self.round += 1;
        }
    }
}
