//! The one who decides what happens next.
//!
//! Values are pulled: a sink asks for its inputs, they ask for theirs, and whoever finds its value under
//! its key asks no further. Workers do the work; all state is here, in one thread, so there is nothing to
//! lock and the outcome never depends on timing. Nothing recurses: a line of 100,000 nodes is a loop.

use super::event::Event;
use super::frame::{Bad, Cell, Frame, Of, Seat};
use super::limit::Streak;
use super::report::{GaveUp, NodeReport, Rejection, Waiting, Wanted};
use super::work::{Shared, Task, TaskResult};
use crate::cx::ItemInfo;
use crate::lit::FileFinder;
use crate::node::Node;
use crate::plan::{Plan, Scope};
use crate::schema::Lane;
use crossbeam_channel::{Receiver, Sender};
use kiln_types::{Key, Value};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

/// The frame of the run itself.
pub(crate) const RUN: u64 = 0;

/// Why a key is not known yet.
pub(crate) enum Stop {
    /// This gate or select has to decide first.
    Undecided(u64, u32),
    /// This value has to be here first.
    Value(u64, u32),
    Bad(Bad),
}

/// Ordered so that older frames, and in them later nodes, come first: what is begun is finished.
type Ready = (std::cmp::Reverse<u64>, u32, Seat);

pub(crate) struct Driver<'p> {
    pub plan: &'p Plan,
    pub shared: Arc<Shared>,
    /// A node's place among the nodes of its scope.
    pub local: Vec<u32>,
    pub sizes: BTreeMap<Scope, usize>,
    pub(super) gate_region: BTreeMap<u32, u32>,
    /// The hash of the graph's text, once somebody asked.
    pub(super) graph_digest: std::cell::OnceCell<kiln_types::Key>,
    pub(super) members: Vec<std::collections::HashSet<u32>>,
    pub(super) names: Vec<Arc<str>>,
    pub frames: BTreeMap<u64, Frame>,
    pub(super) todo: Vec<(u64, u32)>,
    pub(super) ready: [BinaryHeap<Ready>; 2],
    pub inflight: [usize; 2],
    pub threads: usize,
    pub to_workers: [Sender<Task>; 2],
    pub from_workers: Receiver<TaskResult>,
    pub spawn: Box<dyn FnMut(Lane) + 'p>,
    pub(super) spawned: [usize; 2],
    pub live: usize,
    pub live_budget: usize,
    /// The batch of the present stage, as the queue has it.
    pub batch: Option<String>,
    /// The batch as a whole.
    pub root_batch: Option<String>,
    /// By what verdicts are filed.
    pub record_batch: Option<String>,
    /// What each gate rejected in a row.
    pub(super) streaks: BTreeMap<u32, Streak>,
    /// The gate because of which nothing new begins.
    pub gave_up: Option<GaveUp>,
    /// What waits for a person.
    pub waiting: Vec<Waiting>,
    /// What else a person ought to know.
    pub notes: Vec<String>,
    /// Why windows gave nothing.
    pub window_worst: Option<Bad>,
    /// Who waits behind whom.
    pub behind: Option<String>,
    pub(super) kept_reasons: BTreeMap<String, u64>,
    pub explain: bool,
    pub stats: Vec<NodeReport>,
    pub failures: Vec<(String, Option<u64>, String)>,
    pub rejections: Vec<Rejection>,
    pub values: BTreeMap<String, Wanted>,
    /// Frames that came to their end since somebody last looked.
    pub finished: Vec<u64>,
    next_frame: u64,
    pub(super) numeric_class: Arc<str>,
    /// What the stages before left for fan-ins, by keep node.
    pub lists: BTreeMap<u32, Vec<(u64, Key)>>,
    /// Fan-ins that found a collected value lost: frame and node.
    pub lost: Vec<(u64, u32)>,
    /// How often that was mended.
    pub mended: u32,
    /// Values on their way from the disk cache.
    pub(super) loads: BTreeSet<(u64, u32)>,
}

pub(super) fn lane_index(lane: Lane) -> usize {
    match lane {
        Lane::Cpu => 0,
        Lane::Device => 1,
    }
}

impl<'p> Driver<'p> {
    pub fn new(
        plan: &'p Plan,
        shared: Arc<Shared>,
        threads: usize,
        to_workers: [Sender<Task>; 2],
        from_workers: Receiver<TaskResult>,
        spawn: Box<dyn FnMut(Lane) + 'p>,
    ) -> Self {
        let mut sizes: BTreeMap<Scope, usize> = BTreeMap::new();
        let mut local = vec![u32::MAX; plan.nodes.len()];
        for (at, node) in plan.nodes.iter().enumerate() {
            if node.needed {
                let size = sizes.entry(node.scope).or_default();
                local[at] = *size as u32;
                *size += 1;
            }
        }
        let mut gate_region = BTreeMap::new();
        for (at, region) in plan.regions.iter().enumerate() {
            gate_region.extend(region.gates.iter().map(|g| (*g, at as u32)));
        }
        let numeric_class = shared.lent.numeric_class.clone();
        Self {
            shared,
            local,
            sizes,
            gate_region,
            graph_digest: std::cell::OnceCell::new(),
            members: plan.regions.iter().map(|r| r.members.iter().copied().collect()).collect(),
            names: plan.nodes.iter().map(|n| Arc::from(n.id.as_str())).collect(),
            frames: BTreeMap::new(),
            todo: Vec::new(),
            ready: [BinaryHeap::new(), BinaryHeap::new()],
            inflight: [0, 0],
            threads: threads.max(1),
            to_workers,
            from_workers,
            spawn,
            spawned: [0, 0],
            live: 0,
            live_budget: usize::MAX,
            batch: None,
            root_batch: None,
            record_batch: None,
            streaks: Self::limits(plan),
            gave_up: None,
            waiting: Vec::new(),
            notes: Vec::new(),
            window_worst: None,
            behind: None,
            kept_reasons: BTreeMap::new(),
            explain: false,
            stats: plan
                .nodes
                .iter()
                .map(|n| NodeReport { ty: n.ty.clone(), ..NodeReport::default() })
                .collect(),
            failures: Vec::new(),
            rejections: Vec::new(),
            values: BTreeMap::new(),
            finished: Vec::new(),
            next_frame: 1,
            numeric_class,
            lists: BTreeMap::new(),
            lost: Vec::new(),
            mended: 0,
            loads: BTreeSet::new(),
            plan,
        }
    }

    /// Opens a frame whose nodes may be asked for.
    pub fn open(&mut self, of: Of) -> u64 {
        let (id, scope) = match &of {
            Of::Run => (RUN, Scope::Run),
            Of::Item(_) => (self.next_frame, Scope::Item),
            Of::Window(_, n) => (self.next_frame, Scope::Window(*n)),
        };
        self.next_frame += 1;
        let cells = self.sizes.get(&scope).copied().unwrap_or(0);
        self.frames.insert(id, Frame::new(of, cells));
        id
    }

    /// Asks a frame for these nodes; it is finished when all of them came to an end.
    pub fn ask(&mut self, frame: u64, sinks: &[u32]) {
        for sink in sinks {
            if let Some(cell) = self.cell(frame, *sink) {
                cell.sink = true;
            }
        }
        let Some(f) = self.frames.get_mut(&frame) else { return };
        f.open += sinks.len() as u32;
        if f.open == 0 {
            self.finished.push(frame);
        }
        self.todo.extend(sinks.iter().rev().map(|s| (frame, *s)));
    }

    /// Forgets a frame and everything in it.
    pub fn close(&mut self, frame: u64) -> Option<Frame> {
        let mut closed = self.frames.remove(&frame)?;
        for cell in &mut closed.cells {
            self.live -= std::mem::take(&mut cell.bytes);
            for hold in std::mem::take(&mut cell.holds) {
                self.release(hold);
            }
        }
        Some(closed)
    }

    pub(super) fn home(&self, frame: u64, node: u32) -> u64 {
        if self.plan.nodes[node as usize].scope == Scope::Run { RUN } else { frame }
    }

    pub(super) fn cell(&mut self, frame: u64, node: u32) -> Option<&mut Cell> {
        self.frames.get_mut(&frame)?.cells.get_mut(self.local[node as usize] as usize)
    }

    pub(super) fn peek(&self, frame: u64, node: u32) -> Option<&Cell> {
        self.frames.get(&frame)?.cells.get(self.local[node as usize] as usize)
    }

    pub(super) fn def(&self, node: u32) -> &'p Arc<Node> {
        &self.plan.nodes[node as usize].node
    }

    pub(super) fn item_of(&self, frame: u64) -> Option<u64> {
        self.frames.get(&frame)?.item().map(|i| i.item)
    }

    pub(super) fn region_of_gate(&self, gate: u32) -> Option<u32> {
        self.gate_region.get(&gate).copied()
    }

    pub(super) fn cell_mut(&mut self, frame: u64, node: u32) -> Option<&mut Cell> {
        self.cell(frame, node)
    }

    pub(super) fn want(&mut self, frame: u64, node: u32) {
        self.want_inputs(frame, node);
    }

    pub(super) fn block(&mut self, frame: u64, node: u32, stop: Stop) {
        self.stopped(frame, node, stop);
    }

    pub(super) fn again(&mut self, frame: u64, node: u32) {
        self.todo.push((frame, node));
    }

    pub(super) fn say(&self, event: &Event) {
        (self.shared.listener)(event);
    }

    pub(super) fn name(&self, node: u32) -> &Arc<str> {
        &self.names[node as usize]
    }

    pub(super) fn release_holds(&mut self, holds: Vec<Seat>) {
        for hold in holds {
            self.release(hold);
        }
    }

    /// What a table sets for an item, by node and slot; or the column and what is wrong with it.
    pub fn row_values(&self, info: &ItemInfo) -> Result<BTreeMap<(u32, u32), Value>, (String, String)> {
        self.plan.row_values(&info.row, &self.finder())
    }

    /// Finds files for this run.
    pub(super) fn finder(&self) -> FileFinder<'_> {
        FileFinder {
            sandbox: &self.shared.lent.sandbox,
            files: &self.shared.lent.files,
            now: self.shared.lent.clock.now(),
        }
    }

    /// The reason of the last failure.
    pub fn last_failure(&self) -> String {
        self.failures.last().map(|f| f.2.clone()).unwrap_or_default()
    }

    /// The lane a node runs on.
    pub fn lane_of(&self, node: u32) -> usize {
        lane_index(self.def(node).schema().lane)
    }
}
