//! Work is handed out, and what comes back is taken.

use super::driver::Driver;
use super::event::Event;
use super::frame::{Bad, Of, Seat, State};
use super::work::{self, Done, Job, Task, TaskResult};
use crate::cx::Slot;
use crate::keys;
use crate::node::{Behaviour, NodeError};
use crate::plan::{SlotPlan, Wire};
use crate::schema::Lane;
use kiln_types::{Key, Value};
use std::collections::BinaryHeap;

impl Driver<'_> {
    /// Hands work to workers; does a lone piece itself, which saves two changes of thread.
    pub fn dispatch(&mut self) {
        for lane in 0..2 {
            loop {
                let limit = if lane == 0 { self.threads } else { 1 };
                if self.inflight[lane] >= limit || self.ready[lane].is_empty() || self.ends_early() {
                    break;
                }
                let busy = self.inflight[0] + self.inflight[1];
                if busy > 0 && self.live > self.live_budget {
                    break;
                }
                let Some((_, _, seat)) = self.ready[lane].pop() else { break };
                let Some(task) = self.task(seat) else { continue };
                let alone = busy == 0 && self.ready[lane].is_empty() && self.ready[1 - lane].is_empty();
                if lane == 0 && (alone || self.threads == 1) {
                    let result = work::perform(task, &self.shared);
                    self.take(result);
                    self.pump();
                    continue;
                }
                if self.spawned[lane] < limit.min(self.inflight[lane] + 1) {
                    self.spawned[lane] += 1;
                    (self.spawn)(if lane == 0 { Lane::Cpu } else { Lane::Device });
                }
                self.inflight[lane] += 1;
                // The channel closes only when the run is over.
                let _ = self.to_workers[lane].send(task);
            }
        }
    }

    /// Whether anything can still happen by itself.
    pub fn is_idle(&self) -> bool {
        self.todo.is_empty() && self.inflight == [0, 0] && self.ready.iter().all(BinaryHeap::is_empty)
    }

    pub(super) fn task(&mut self, seat: Seat) -> Option<Task> {
        let (frame, node, generation) = seat;
        let cell = self.peek(frame, node)?;
        if cell.generation != generation || cell.state != State::Queued {
            return None;
        }
        let plan = &self.plan.nodes[node as usize];
        let key = cell.key.unwrap_or(Key([0; 32]));
        let loads = cell.load;
        let cell_recipes = cell.recipes.clone();
        let job = match &plan.node.behaviour {
            _ if self.is_keep(node) => Job::Keep(key),
            Behaviour::Pure(_) if loads => {
                Job::Load((0..plan.outs.len()).map(|p| (p, keys::port(&key, p))).collect())
            }
            Behaviour::Pure(_) => Job::Pure,
            Behaviour::Select(_) => Job::Select,
            Behaviour::Gate(_) => Job::Gate,
            Behaviour::Review(_) => Job::Ask,
            Behaviour::Ordered { .. } => Job::Mark,
            Behaviour::Effect(_) => Job::Effect,
        };
        let mut slots = Vec::new();
        if !loads {
            slots.reserve(plan.slots.len());
            for slot in 0..plan.slots.len() {
                slots.push(self.slot_value(frame, node, slot)?);
            }
        }
        let shown = match &job {
            Job::Ask => self.shown(frame, node),
            Job::Gate | Job::Mark if self.wants_picture(frame, node) => self.shown(frame, node),
            _ => None,
        };
        let f = self.frames.get(&frame)?;
        // Only what has the item in its key may look at it.
        let sees_item = (plan.node.uses_item.is_some() && plan.item_intrinsic)
            || matches!(plan.node.behaviour, Behaviour::Effect(_));
        let task = Task {
            frame,
            node,
            generation,
            job,
            def: plan.node.clone(),
            id: self.names[node as usize].clone(),
            slots,
            mapped: plan.mapped.clone(),
            key,
            outs: plan.outs.len(),
            item: f.item().filter(|_| sees_item).cloned(),
            window: match f.of {
                Of::Window(w, _) => Some(w),
                _ => None,
            },
            keep: false,
            shown,
            recipes: cell_recipes,
        };
        let quiet = matches!(task.job, Job::Load(_) | Job::Keep(_));
        if matches!(task.job, Job::Load(_)) {
            self.loads.insert((frame, node));
        }
        if let Some(cell) = self.cell(frame, node) {
            cell.state = State::Running;
            cell.load = false;
        }
        if !quiet {
            let item = self.item_of(frame);
            self.tell(|names| Event::Started { node: names[node as usize].to_string(), item });
        }
        Some(task)
    }

    pub(super) fn slot_value(&self, frame: u64, node: u32, slot: usize) -> Option<Slot> {
        let plan = &self.plan.nodes[node as usize];
        let f = self.frames.get(&frame)?;
        if let Some(gathered) = f.collected.get(&(node, slot as u32)) {
            return Some(Slot::Items(gathered.items.clone()));
        }
        if let Some((_, value)) = self.peek(frame, node)?.late.iter().find(|(s, _)| *s == slot) {
            return Some(Slot::One(value.clone()));
        }
        let fetch = |wire: &Wire| -> Value {
            match self.resolve(frame, node, *wire) {
                Ok((home, w)) => self
                    .peek(home, w.node)
                    .and_then(|c| c.outs.get(w.port as usize))
                    .cloned()
                    .flatten()
                    .unwrap_or(Value::None),
                Err(_) => Value::None,
            }
        };
        let lazy = matches!(plan.node.behaviour, Behaviour::Select(_))
            && plan.node.schema().inputs.get(slot).is_some_and(|i| i.lazy);
        Some(Slot::One(match &plan.slots[slot] {
            SlotPlan::Unset => Value::None,
            SlotPlan::Const(..) => self.constant(frame, node, slot)?,
            // What a select may look at: whether the input is there at all.
            SlotPlan::Wire(_) if lazy => Value::Bool(true),
            SlotPlan::Wire(w) => fetch(w),
            SlotPlan::Many(ws) => {
                let mut all = Vec::with_capacity(ws.len());
                for w in ws {
                    match fetch(w) {
                        Value::List(items) => all.extend(items.iter().cloned()),
                        one => all.push(one),
                    }
                }
                Value::list(all)
            }
        }))
    }

    /// Takes what a worker brought.
    pub fn take(&mut self, result: TaskResult) {
        let (frame, node) = (result.frame, result.node);
        let current = self
            .peek(frame, node)
            .is_some_and(|c| c.generation == result.generation && c.state == State::Running);
        if !current {
            return;
        }
        match result.done {
            Err(e) if e.cancelled => {
                // Not wrong: it can be done later.
                self.settle_bad(frame, node, Bad::Failed("cancelled".into()));
            }
            Err(e) if e.left_out => self.settle_bad(frame, node, Bad::Skipped(e.what.into())),
            Err(e) if e.lost && self.mended < 3 => self.lost.push((frame, node)),
            Err(e) => {
                let bad = self.failed(frame, node, &e);
                self.settle_bad(frame, node, bad);
            }
            Ok(Done::Lost) => {
                self.loads.remove(&(frame, node));
                // The cache lost it: make it again.
                if let Some(cell) = self.cell(frame, node) {
                    cell.state = State::Idle;
                }
                self.want_inputs(frame, node);
            }
            Ok(Done::Kept) => {
                if !self.plan.batch
                    && let Some(keep) = self.keep(node)
                    && let Some(name) = &keep.result
                    && let Some(Slot::One(value)) = self.slot_value(frame, node, 0)
                    && let Ok(values) = self.values.entry(name.clone()).or_insert_with(|| Ok(Vec::new()))
                {
                    let port = keep.wire.port as usize;
                    values.resize(values.len().max(port + 1), Value::None);
                    values[port] = value;
                }
                self.settle_ready(frame, node, Vec::new());
            }
            Ok(Done::Outs(outs)) => {
                let key = self.peek(frame, node).and_then(|c| c.key).unwrap_or(Key([0; 32]));
                if self.loads.remove(&(frame, node)) {
                    return self.found(frame, node, &key, outs, "disk");
                }
                self.worked(frame, node, &key, &outs, result.ms);
                self.settle_ready(frame, node, outs);
            }
            Ok(Done::Effect { outs, before }) => {
                let key = self.peek(frame, node).and_then(|c| c.key).unwrap_or(Key([0; 32]));
                if before {
                    return self.found(frame, node, &key, outs, "journal");
                }
                self.worked(frame, node, &key, &outs, result.ms);
                self.settle_ready(frame, node, outs);
            }
            Ok(Done::Chosen(name)) => self.chosen(frame, node, &name),
            Ok(Done::Verdict(verdict)) => {
                let key = self.peek(frame, node).and_then(|c| c.key).unwrap_or(Key([0; 32]));
                self.worked(frame, node, &key, &[], result.ms);
                self.judged(frame, node, &verdict);
            }
            Ok(Done::Asked(ask)) => {
                let key = self.peek(frame, node).and_then(|c| c.key).unwrap_or(Key([0; 32]));
                self.worked(frame, node, &key, &[], result.ms);
                self.asked(frame, node, ask);
            }
            Ok(Done::Mark(mark, thumb)) => {
                let key = self.peek(frame, node).and_then(|c| c.key).unwrap_or(Key([0; 32]));
                self.worked(frame, node, &key, &[], result.ms);
                self.marked(frame, node, mark, thumb.as_ref(), true);
            }
        }
    }

    pub(super) fn worked(&mut self, frame: u64, node: u32, key: &Key, outs: &[Option<Value>], ms: f64) {
        let bytes: usize = outs.iter().flatten().map(Value::byte_size).sum();
        let report = &mut self.stats[node as usize];
        report.ran += 1;
        report.ms += ms;
        report.bytes += bytes as u64;
        let item = self.item_of(frame);
        self.tell(|names| Event::Finished {
            node: names[node as usize].to_string(),
            item,
            ms,
            bytes: bytes as u64,
            key: key.to_string(),
        });
    }

    pub(super) fn chosen(&mut self, frame: u64, node: u32, name: &str) {
        let plan = &self.plan.nodes[node as usize];
        let slot = plan.node.schema().slot(name);
        match slot.map(|s| &plan.slots[s]) {
            Some(SlotPlan::Wire(wire)) => {
                let wire = *wire;
                self.stats[node as usize].ran += 1;
                if let Some(cell) = self.cell(frame, node) {
                    cell.alias = Some(wire);
                }
                self.settle_ready(frame, node, Vec::new());
            }
            _ => {
                let reason = format!("{}: it chose {name:?}, which is not linked", plan.id);
                let item = self.item_of(frame);
                self.stats[node as usize].failed += 1;
                self.failures.push((plan.id.clone(), item, reason.clone()));
                self.settle_bad(frame, node, Bad::Failed(reason.into()));
            }
        }
    }

    /// Takes note of a failure, and tells it.
    pub(super) fn failed(&mut self, frame: u64, node: u32, e: &NodeError) -> Bad {
        let name = self.names[node as usize].clone();
        let reason = match &e.port {
            Some(port) => format!("{name}.{port}: {e}"),
            None => format!("{name}: {e}"),
        };
        let item = self.item_of(frame);
        self.stats[node as usize].failed += 1;
        if self.failures.len() < 1000 {
            self.failures.push((name.to_string(), item, reason.clone()));
        }
        self.tell(|names| Event::Failed {
            node: names[node as usize].to_string(),
            item,
            reason: reason.clone(),
        });
        Bad::Failed(reason.into())
    }
}
