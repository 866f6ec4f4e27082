//! The one who decides what happens next.
//!
//! Values are pulled: a sink asks for its inputs, they ask for theirs, and whoever finds its value under
//! its key asks no further. Workers do the work; all state is here, in one thread, so there is nothing to
//! lock and the outcome never depends on timing. Nothing recurses: a line of 100,000 nodes is a loop.

use super::event::Event;
use super::frame::{Bad, Cell, Frame, Gathered, Of, Seat, State};
use super::report::{NodeReport, Rejection, Wanted};
use super::work::{self, Done, Job, Shared, Task, TaskResult};
use crate::cx::{ItemInfo, Slot};
use crate::lit::FileFinder;
use crate::keys::{self, KeyMaker};
use crate::node::{Behaviour, Node, NodeError};
use crate::plan::{Plan, Scope, SlotPlan, Wire};
use crate::schema::{Kind, Lane};
use crossbeam_channel::{Receiver, Sender};
use kiln_store::EffectState;
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

enum Try {
    Key(Key),
    First(Vec<(u64, u32)>),
    Stop(Stop),
}

/// Ordered so that older frames, and in them later nodes, come first: what is begun is finished.
type Ready = (std::cmp::Reverse<u64>, u32, Seat);

pub(crate) struct Driver<'p> {
    pub plan: &'p Plan,
    pub shared: Arc<Shared>,
    /// A node's place among the nodes of its scope.
    pub local: Vec<u32>,
    pub sizes: BTreeMap<Scope, usize>,
    gate_region: BTreeMap<u32, u32>,
    members: Vec<std::collections::HashSet<u32>>,
    names: Vec<Arc<str>>,
    pub frames: BTreeMap<u64, Frame>,
    todo: Vec<(u64, u32)>,
    ready: [BinaryHeap<Ready>; 2],
    pub inflight: [usize; 2],
    pub threads: usize,
    pub to_workers: [Sender<Task>; 2],
    pub from_workers: Receiver<TaskResult>,
    pub spawn: Box<dyn FnMut(Lane) + 'p>,
    spawned: [usize; 2],
    pub live: usize,
    pub live_budget: usize,
    pub batch: Option<String>,
    pub explain: bool,
    pub stats: Vec<NodeReport>,
    pub failures: Vec<(String, Option<u64>, String)>,
    pub rejections: Vec<Rejection>,
    pub values: BTreeMap<String, Wanted>,
    /// Frames that came to their end since somebody last looked.
    pub finished: Vec<u64>,
    next_frame: u64,
    numeric_class: String,
    /// What the stages before left for fan-ins, by keep node.
    pub lists: BTreeMap<u32, Vec<(u64, Key)>>,
    /// Values on their way from the disk cache.
    loads: BTreeSet<(u64, u32)>,
}

fn lane_index(lane: Lane) -> usize {
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
        Self {
            shared,
            local,
            sizes,
            gate_region,
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
            explain: false,
            stats: plan.nodes.iter().map(|n| NodeReport { ty: n.ty.clone(), ..NodeReport::default() }).collect(),
            failures: Vec::new(),
            rejections: Vec::new(),
            values: BTreeMap::new(),
            finished: Vec::new(),
            next_frame: 1,
            numeric_class: "cpu-f32-1".to_owned(),
            lists: BTreeMap::new(),
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

    fn home(&self, frame: u64, node: u32) -> u64 {
        if self.plan.nodes[node as usize].scope == Scope::Run { RUN } else { frame }
    }

    fn cell(&mut self, frame: u64, node: u32) -> Option<&mut Cell> {
        self.frames.get_mut(&frame)?.cells.get_mut(self.local[node as usize] as usize)
    }

    fn peek(&self, frame: u64, node: u32) -> Option<&Cell> {
        self.frames.get(&frame)?.cells.get(self.local[node as usize] as usize)
    }

    fn def(&self, node: u32) -> &'p Arc<Node> {
        &self.plan.nodes[node as usize].node
    }

    fn item_of(&self, frame: u64) -> Option<u64> {
        self.frames.get(&frame)?.item().map(|i| i.item)
    }

    // ---- keys ----

    /// Follows what passes values on, to the node that makes the value.
    fn resolve(&self, frame: u64, reader: u32, wire: Wire) -> Result<(u64, Wire), Stop> {
        let mut wire = wire;
        loop {
            let plan = &self.plan.nodes[wire.node as usize];
            let home = self.home(frame, wire.node);
            let mut region = plan.region;
            while let Some(r) = region {
                if self.members[r as usize].contains(&reader) {
                    break;
                }
                let state = self.frames.get(&home).and_then(|f| f.regions.get(&r));
                match state.and_then(|s| s.decided.as_ref()) {
                    Some(Ok(_)) => {}
                    Some(Err(bad)) => return Err(Stop::Bad(bad.clone())),
                    None => {
                        let gates = &self.plan.regions[r as usize].gates;
                        let passed = state.map_or(0, |s| s.passed).min(gates.len() - 1);
                        return Err(Stop::Undecided(home, gates[passed]));
                    }
                }
                region = self.plan.regions[r as usize].parent;
            }
            let passes_on = matches!(
                plan.node.behaviour,
                Behaviour::Select(_) | Behaviour::Gate(_) | Behaviour::Ordered { .. }
            ) && wire.port == 0;
            if !passes_on {
                return Ok((home, wire));
            }
            let Some(cell) = self.peek(home, wire.node) else {
                return Err(Stop::Bad(Bad::Failed("a frame is gone: a fault of the engine".into())));
            };
            match (cell.alias, &cell.state) {
                (Some(next), _) => wire = next,
                (None, State::Bad(bad)) => return Err(Stop::Bad(bad.clone())),
                (None, _) => return Err(Stop::Undecided(home, wire.node)),
            }
        }
    }

    /// The seed or other constant of a slot, as this frame has it.
    pub(super) fn constant(&self, frame: u64, node: u32, slot: usize) -> Option<Value> {
        let plan = &self.plan.nodes[node as usize];
        let SlotPlan::Const(value, _) = &plan.slots[slot] else { return None };
        let own = self.frames.get(&frame)?;
        let set = own.set.get(&(node, slot as u32));
        let value = set.unwrap_or(value);
        if !matches!(plan.node.kind(slot), Some(Kind::Seed)) {
            return Some(value.clone());
        }
        let Value::Seed(mut seed) = *value else { return Some(value.clone()) };
        let draws = self.plan.batch && set.is_none() && plan.seeds.contains(&slot);
        let mut item = own.item().map(|i| i.item).filter(|_| draws);
        let mut region = plan.region;
        let mut derived = false;
        while let Some(r) = region {
            let region_plan = &self.plan.regions[r as usize];
            if region_plan.seeds.contains(&(node, slot)) {
                let attempt = own.regions.get(&r).map_or(0, |s| s.attempt);
                seed = keys::derive_seed(seed, item, attempt);
                item = None;
                derived = true;
            }
            region = region_plan.parent;
        }
        if !derived {
            seed = keys::derive_seed(seed, item, 0);
        }
        Some(Value::Seed(seed))
    }

    /// A node's key, when everything that goes into it is known.
    pub fn key_of(&mut self, frame: u64, node: u32) -> Result<Key, Stop> {
        let mut stack = vec![(frame, node)];
        while let Some((f, n)) = stack.last().copied() {
            if self.peek(f, n).is_none_or(|c| c.key.is_some()) {
                stack.pop();
                continue;
            }
            match self.try_key(f, n) {
                Try::Key(key) => {
                    if let Some(cell) = self.cell(f, n) {
                        cell.key = Some(key);
                    }
                    stack.pop();
                }
                Try::First(others) => stack.extend(others),
                Try::Stop(stop) => return Err(stop),
            }
        }
        match self.peek(frame, node).and_then(|c| c.key) {
            Some(key) => Ok(key),
            None => Err(Stop::Bad(Bad::Failed("a frame is gone: a fault of the engine".into()))),
        }
    }

    fn try_key(&mut self, frame: u64, node: u32) -> Try {
        let plan = &self.plan.nodes[node as usize];
        if let Some(State::Bad(bad)) = self.peek(frame, node).map(|c| &c.state) {
            return Try::Stop(Stop::Bad(bad.clone()));
        }
        let schema = plan.node.schema();
        let mut maker = KeyMaker::new("node");
        maker.str(&schema.name);
        maker.u64(u64::from(schema.version));
        if schema.lane == Lane::Device {
            maker.str(&self.numeric_class);
        }
        let mut first = Vec::new();
        let mut parts: Vec<(String, String)> = Vec::new();
        let mut note = |slot: usize, key: &Key| {
            if self.explain {
                parts.push((schema.slot_name(slot).to_owned(), key.short()));
            }
        };
        for (slot, held) in plan.slots.iter().enumerate() {
            match held {
                SlotPlan::Unset => {}
                SlotPlan::Const(_, key) => {
                    let seed = matches!(plan.node.kind(slot), Some(Kind::Seed));
                    let set = self.frames.get(&frame).is_some_and(|f| f.set.contains_key(&(node, slot as u32)));
                    let key = if seed || set {
                        self.constant(frame, node, slot).and_then(|v| crate::plan::constant_key(&plan.node, slot, &v))
                    } else {
                        *key
                    };
                    if let Some(key) = key {
                        maker.str(schema.slot_name(slot));
                        maker.key(&key);
                        note(slot, &key);
                    }
                }
                SlotPlan::Wire(_) | SlotPlan::Many(_) => {
                    if let Some(gathered) = self.frames.get(&frame).and_then(|f| f.collected.get(&(node, slot as u32))) {
                        maker.str(schema.slot_name(slot));
                        maker.key(&gathered.digest);
                        note(slot, &gathered.digest);
                        continue;
                    }
                    if let Some((_, value)) =
                        self.peek(frame, node).and_then(|c| c.late.iter().find(|(s, _)| *s == slot)).cloned()
                    {
                        let mut file = KeyMaker::new("constant");
                        file.value(&value);
                        if schema.reads_paths {
                            file.paths(&value);
                        }
                        maker.str(schema.slot_name(slot));
                        maker.key(&file.done());
                        continue;
                    }
                    let wires = match held {
                        SlotPlan::Wire(w) => std::slice::from_ref(w),
                        SlotPlan::Many(ws) => ws.as_slice(),
                        _ => &[],
                    };
                    let mut made = Vec::with_capacity(wires.len());
                    for wire in wires {
                        match self.resolve(frame, node, *wire) {
                            Err(stop) => return Try::Stop(stop),
                            Ok((home, wire)) => {
                                if let Some(State::Bad(bad)) = self.peek(home, wire.node).map(|c| &c.state) {
                                    return Try::Stop(Stop::Bad(bad.clone()));
                                }
                                if plan.late.contains(&slot)
                                    && self.peek(home, wire.node).is_none_or(|c| c.state != State::Ready)
                                {
                                    return Try::Stop(Stop::Value(home, wire.node));
                                }
                                match self.peek(home, wire.node).and_then(|c| c.key) {
                                    Some(key) => made.push(keys::port(&key, wire.port as usize)),
                                    None => first.push((home, wire.node)),
                                }
                            }
                        }
                    }
                    if !first.is_empty() {
                        continue;
                    }
                    if plan.late.contains(&slot) {
                        match self.find_late(frame, node, slot) {
                            Ok(()) => return Try::First(Vec::new()),
                            Err(e) => return Try::Stop(Stop::Bad(Bad::Failed(e.to_string().into()))),
                        }
                    }
                    maker.str(schema.slot_name(slot));
                    maker.u64(made.len() as u64);
                    made.iter().for_each(|k| maker.key(k));
                    if let Some(key) = made.first() {
                        note(slot, key);
                    }
                }
            }
        }
        if !first.is_empty() {
            return Try::First(first);
        }
        plan.mapped.iter().enumerate().filter(|(_, m)| **m).for_each(|(slot, _)| {
            maker.str("mapped");
            maker.u64(slot as u64);
        });
        if plan.node.uses_item.is_some() && plan.item_intrinsic
            && let Some(info) = self.frames.get(&frame).and_then(Frame::item)
        {
            maker.str("item");
            maker.u64(info.item);
            for (name, value) in &info.row {
                maker.str(name);
                maker.str(value);
            }
        }
        if schema.purity == crate::schema::Purity::Effect {
            // Whose effect: the destination and the item.
            maker.str("destination");
            match (&self.shared.lent.out, schema.writes_files) {
                (Some(out), true) => maker.str(out.folder().id()),
                _ => maker.str(""),
            }
            match self.frames.get(&frame).map(|f| &f.of) {
                Some(Of::Item(info)) => maker.u64(info.item.wrapping_add(1)),
                Some(Of::Window(w, n)) => {
                    maker.u64(*w);
                    maker.u64(u64::from(*n));
                }
                _ => maker.u64(0),
            }
        }
        let key = maker.done();
        let report = &mut self.stats[node as usize];
        if report.key.is_none() {
            report.key = Some(key.to_string());
            report.parts = parts;
        }
        Try::Key(key)
    }

    /// A path that was computed is here: which file is it, and what is in it?
    fn find_late(&mut self, frame: u64, node: u32, slot: usize) -> Result<(), NodeError> {
        let SlotPlan::Wire(wire) = &self.plan.nodes[node as usize].slots[slot] else { return Ok(()) };
        let Ok((home, wire)) = self.resolve(frame, node, *wire) else { return Ok(()) };
        let value = self.peek(home, wire.node).and_then(|c| c.outs.get(wire.port as usize)).cloned().flatten();
        let found = match value {
            Some(Value::Text(path)) => Value::File(work::find_file(&path, &self.shared)?),
            Some(Value::List(items)) => {
                let files = items.iter().map(|v| match v {
                    Value::Text(path) => work::find_file(path, &self.shared).map(Value::File),
                    other => Ok(other.clone()),
                });
                Value::list(files.collect::<Result<Vec<_>, _>>()?)
            }
            Some(other) => other,
            None => return Err(NodeError::new("a path is not here: a fault of the engine")),
        };
        if let Some(cell) = self.cell(frame, node) {
            cell.late.push((slot, found));
        }
        Ok(())
    }

    // ---- asking ----

    /// Takes the next steps that need no worker, until there are none.
    pub fn pump(&mut self) {
        while let Some((frame, node)) = self.todo.pop() {
            self.step(frame, node);
        }
    }

    fn step(&mut self, frame: u64, node: u32) {
        if self.peek(frame, node).is_none_or(|c| c.state != State::Idle) {
            return;
        }
        let behaviour = &self.def(node).behaviour;
        match behaviour {
            Behaviour::Gate(_) | Behaviour::Ordered { .. } => self.step_gate(frame, node),
            Behaviour::Select(_) => self.want_inputs(frame, node),
            _ if self.is_keep(node) => self.step_keep(frame, node),
            _ => self.step_value(frame, node),
        }
    }

    fn is_keep(&self, node: u32) -> bool {
        self.plan.keeps.first().is_some_and(|k| node >= k.node)
    }

    fn keep(&self, node: u32) -> Option<&'p crate::plan::Keep> {
        let first = self.plan.keeps.first()?.node;
        self.plan.keeps.get(node.checked_sub(first)? as usize)
    }

    fn stopped(&mut self, frame: u64, node: u32, stop: Stop) {
        match stop {
            Stop::Bad(bad) => self.settle_bad(frame, node, bad),
            Stop::Undecided(home, other) | Stop::Value(home, other) => {
                let value = !matches!(
                    self.def(other).behaviour,
                    Behaviour::Gate(_) | Behaviour::Ordered { .. } | Behaviour::Select(_)
                );
                let Some(cell) = self.cell(frame, node) else { return };
                cell.state = State::Blocked;
                let seat = (frame, node, cell.generation);
                let Some(other_cell) = self.cell(home, other) else { return };
                other_cell.waiters.push(seat);
                if value {
                    other_cell.pinned = true;
                }
                if other_cell.state == State::Idle {
                    self.todo.push((home, other));
                }
            }
        }
    }

    fn step_keep(&mut self, frame: u64, node: u32) {
        let Some(keep) = self.keep(node) else { return };
        let resolved = self.resolve(frame, node, keep.wire);
        let (home, wire) = match resolved {
            Ok(r) => r,
            Err(stop) => return self.stopped(frame, node, stop),
        };
        let key = match self.key_of(home, wire.node) {
            Ok(key) => keys::port(&key, wire.port as usize),
            Err(stop) => return self.stopped(frame, node, stop),
        };
        if let Some(f) = self.frames.get_mut(&frame) {
            f.kept.insert(node, key);
        }
        if let Some(cell) = self.cell(frame, node) {
            cell.key = Some(key);
        }
        if (keep.result.is_none() || self.plan.batch) && self.shared.where_is(&key).is_some() {
            return self.settle_ready(frame, node, Vec::new());
        }
        self.want_inputs(frame, node);
    }

    fn step_value(&mut self, frame: u64, node: u32) {
        let key = match self.key_of(frame, node) {
            Ok(key) => key,
            Err(stop) => return self.stopped(frame, node, stop),
        };
        if matches!(self.def(node).behaviour, Behaviour::Effect(_)) {
            if let Some(outs) = self.happened(frame, node, &key) {
                return self.from_cache(frame, node, &key, outs, "journal");
            }
            return self.want_inputs(frame, node);
        }
        let ports: Vec<(usize, Key)> =
            (0..self.plan.nodes[node as usize].outs.len()).map(|p| (p, keys::port(&key, p))).collect();
        let from_memory: Option<Vec<Option<Value>>> = ports.iter().map(|(_, k)| self.shared.memory.get(k).map(Some)).collect();
        if let Some(outs) = from_memory.filter(|o| !o.is_empty()) {
            return self.from_cache(frame, node, &key, outs, "memory");
        }
        if !ports.is_empty() && ports.iter().all(|(_, k)| self.shared.where_is(k).is_some()) {
            if let Some(cell) = self.cell(frame, node) {
                cell.state = State::Queued;
                cell.load = true;
            }
            return self.queue(frame, node);
        }
        self.want_inputs(frame, node);
    }

    /// The outputs of an effect that happened and still stands.
    fn happened(&self, frame: u64, node: u32, key: &Key) -> Option<Vec<Option<Value>>> {
        let plan = &self.plan.nodes[node as usize];
        if !plan.mapped.is_empty() {
            return None;
        }
        let Behaviour::Effect(effect) = &plan.node.behaviour else { return None };
        let entry = self.shared.lent.out.as_ref()?.folder().journal().lookup(key).ok()??;
        let outcome = entry.outcome.filter(|_| entry.state == EffectState::Done)?;
        let slots: Vec<Slot> = (0..plan.slots.len())
            .map(|s| Slot::One(self.constant(frame, node, s).unwrap_or(Value::None)))
            .collect();
        let f = self.frames.get(&frame)?;
        let cx = crate::cx::Cx {
            schema: plan.node.schema(),
            id: &plan.id,
            slots: &slots,
            outs: Vec::new(),
            item: f.item().map(|i| &**i),
            window: None,
            index: None,
            key: *key,
            lent: &self.shared.lent,
            cancel: &self.shared.cancel,
            signs: &crate::cx::Quiet,
            stray: None,
        };
        if !effect.stands(&cx, &outcome) {
            return None;
        }
        let mut outs = vec![None; plan.outs.len()];
        for (name, value) in effect.outputs(&outcome).ok()? {
            if let Some(at) = plan.node.schema().output(name, 0) {
                outs[at] = Some(value);
            }
        }
        Some(outs)
    }

    fn from_cache(&mut self, frame: u64, node: u32, key: &Key, outs: Vec<Option<Value>>, from: &str) {
        let report = &mut self.stats[node as usize];
        match from {
            "memory" => report.memory += 1,
            "disk" => report.disk += 1,
            _ => report.journal += 1,
        }
        let item = self.item_of(frame);
        self.tell(|names| Event::Cached {
            node: names[node as usize].to_string(),
            item,
            from: from.to_owned(),
            key: key.to_string(),
        });
        self.settle_ready(frame, node, outs);
    }

    fn tell(&self, event: impl FnOnce(&[Arc<str>]) -> Event) {
        (self.shared.listener)(&event(&self.names));
    }

    /// Asks for the values a node works with.
    fn want_inputs(&mut self, frame: u64, node: u32) {
        let plan = &self.plan.nodes[node as usize];
        let schema = plan.node.schema();
        let select = matches!(plan.node.behaviour, Behaviour::Select(_));
        let mut producers: Vec<(u64, u32)> = Vec::new();
        for (slot, held) in plan.slots.iter().enumerate() {
            let lazy = select && schema.inputs.get(slot).is_some_and(|i| i.lazy);
            let gathered = self.frames.get(&frame).is_some_and(|f| f.collected.contains_key(&(node, slot as u32)));
            let late = self.peek(frame, node).is_some_and(|c| c.late.iter().any(|(s, _)| *s == slot));
            if lazy || gathered || late {
                continue;
            }
            let wires = match held {
                SlotPlan::Wire(w) => std::slice::from_ref(w),
                SlotPlan::Many(ws) => ws.as_slice(),
                _ => continue,
            };
            for wire in wires {
                match self.resolve(frame, node, *wire) {
                    Ok((home, wire)) => producers.push((home, wire.node)),
                    Err(stop) => return self.stopped(frame, node, stop),
                }
            }
        }
        let generation = self.peek(frame, node).map_or(0, |c| c.generation);
        let mut missing = 0;
        let mut holds = Vec::with_capacity(producers.len());
        let mut bad = None;
        for (home, producer) in producers {
            let Some(cell) = self.cell(home, producer) else { continue };
            cell.readers += 1;
            holds.push((home, producer, cell.generation));
            match &cell.state {
                State::Ready => {}
                State::Bad(b) => bad = Some(b.clone()),
                state => {
                    let idle = *state == State::Idle;
                    cell.waiters.push((frame, node, generation));
                    missing += 1;
                    if idle {
                        self.todo.push((home, producer));
                    }
                }
            }
        }
        if let Some(cell) = self.cell(frame, node) {
            cell.holds = holds;
            cell.state = if missing == 0 { State::Queued } else { State::Waiting(missing) };
        }
        if let Some(bad) = bad {
            return self.settle_bad(frame, node, bad);
        }
        if missing == 0 {
            self.queue(frame, node);
        }
    }

    fn queue(&mut self, frame: u64, node: u32) {
        let generation = self.peek(frame, node).map_or(0, |c| c.generation);
        let lane = lane_index(self.def(node).schema().lane);
        let rank = self.plan.nodes[node as usize].rank;
        self.ready[lane].push((std::cmp::Reverse(frame), rank, (frame, node, generation)));
    }

    // ---- working ----

    /// Hands work to workers; does a lone piece itself, which saves two changes of thread.
    pub fn dispatch(&mut self) {
        for lane in 0..2 {
            loop {
                let limit = if lane == 0 { self.threads } else { 1 };
                if self.inflight[lane] >= limit || self.ready[lane].is_empty() || self.shared.cancel.is_cancelled() {
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

    fn task(&mut self, seat: Seat) -> Option<Task> {
        let (frame, node, generation) = seat;
        let cell = self.peek(frame, node)?;
        if cell.generation != generation || cell.state != State::Queued {
            return None;
        }
        let plan = &self.plan.nodes[node as usize];
        let key = cell.key.unwrap_or(Key([0; 32]));
        let loads = cell.load;
        let job = match &plan.node.behaviour {
            _ if self.is_keep(node) => Job::Keep(key),
            Behaviour::Pure(_) if loads => Job::Load((0..plan.outs.len()).map(|p| (p, keys::port(&key, p))).collect()),
            Behaviour::Pure(_) => Job::Pure,
            Behaviour::Select(_) => Job::Select,
            Behaviour::Gate(_) => Job::Gate,
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
        let f = self.frames.get(&frame)?;
        let sees_item = plan.node.uses_item.is_some() || matches!(plan.node.behaviour, Behaviour::Effect(_));
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

    fn slot_value(&self, frame: u64, node: u32, slot: usize) -> Option<Slot> {
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
                Ok((home, w)) => {
                    self.peek(home, w.node).and_then(|c| c.outs.get(w.port as usize)).cloned().flatten().unwrap_or(Value::None)
                }
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
        let current = self.peek(frame, node).is_some_and(|c| c.generation == result.generation && c.state == State::Running);
        if !current {
            return;
        }
        let item = self.item_of(frame);
        match result.done {
            Err(e) if e.cancelled => {
                // Not wrong: it can be done later.
                self.settle_bad(frame, node, Bad::Failed("cancelled".into()));
            }
            Err(e) => {
                let reason = match &e.port {
                    Some(port) => format!("{}.{port}: {e}", self.names[node as usize]),
                    None => format!("{}: {e}", self.names[node as usize]),
                };
                self.stats[node as usize].failed += 1;
                if self.failures.len() < 1000 {
                    self.failures.push((self.names[node as usize].to_string(), item, reason.clone()));
                }
                self.tell(|names| Event::Failed { node: names[node as usize].to_string(), item, reason: reason.clone() });
                self.settle_bad(frame, node, Bad::Failed(reason.into()));
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
                    return self.from_cache(frame, node, &key, outs, "disk");
                }
                self.worked(frame, node, &key, &outs, result.ms);
                self.settle_ready(frame, node, outs);
            }
            Ok(Done::Effect { outs, before }) => {
                let key = self.peek(frame, node).and_then(|c| c.key).unwrap_or(Key([0; 32]));
                if before {
                    return self.from_cache(frame, node, &key, outs, "journal");
                }
                self.worked(frame, node, &key, &outs, result.ms);
                self.settle_ready(frame, node, outs);
            }
            Ok(Done::Chosen(name)) => self.chosen(frame, node, &name),
            Ok(Done::Verdict(verdict)) => {
                let key = self.peek(frame, node).and_then(|c| c.key).unwrap_or(Key([0; 32]));
                self.worked(frame, node, &key, &[], result.ms);
                self.judged(frame, node, verdict);
            }
            Ok(Done::Mark(mark)) => {
                let key = self.peek(frame, node).and_then(|c| c.key).unwrap_or(Key([0; 32]));
                self.worked(frame, node, &key, &[], result.ms);
                self.marked(frame, node, mark);
            }
        }
    }

    fn worked(&mut self, frame: u64, node: u32, key: &Key, outs: &[Option<Value>], ms: f64) {
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

    fn chosen(&mut self, frame: u64, node: u32, name: &str) {
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

    // ---- coming to an end ----

    pub(super) fn settle_ready(&mut self, frame: u64, node: u32, outs: Vec<Option<Value>>) {
        let bytes: usize = outs.iter().flatten().map(Value::byte_size).sum();
        let Some(cell) = self.cell(frame, node) else { return };
        cell.state = State::Ready;
        cell.outs = outs;
        cell.bytes = bytes;
        let waiters = std::mem::take(&mut cell.waiters);
        let holds = std::mem::take(&mut cell.holds);
        let unread = cell.readers == 0;
        self.live += bytes;
        for hold in holds {
            self.release(hold);
        }
        self.wake(waiters);
        if unread {
            self.drop_value(frame, node);
        }
        self.sink_settled(frame, node, None);
    }

    pub(super) fn settle_bad(&mut self, frame: u64, node: u32, bad: Bad) {
        let mut todo = vec![(frame, node, bad)];
        while let Some((frame, node, bad)) = todo.pop() {
            let Some(cell) = self.cell(frame, node) else { continue };
            if matches!(cell.state, State::Bad(_)) {
                continue;
            }
            cell.state = State::Bad(bad.clone());
            let waiters = std::mem::take(&mut cell.waiters);
            let holds = std::mem::take(&mut cell.holds);
            for hold in holds {
                self.release(hold);
            }
            if let Some(region) = self.gate_region.get(&node).copied() {
                self.region_bad(frame, region, node, &bad);
            }
            for (f, n, generation) in waiters {
                let Some(cell) = self.cell(f, n) else { continue };
                if cell.generation != generation {
                    continue;
                }
                match cell.state {
                    State::Waiting(_) => todo.push((f, n, bad.clone())),
                    State::Blocked => {
                        cell.state = State::Idle;
                        self.todo.push((f, n));
                    }
                    _ => {}
                }
            }
            self.sink_settled(frame, node, Some(bad));
        }
    }

    fn sink_settled(&mut self, frame: u64, node: u32, bad: Option<Bad>) {
        if let (Some(bad), Some(name)) = (&bad, self.keep(node).and_then(|k| k.result.as_ref())) {
            let words = match bad {
                Bad::Failed(r) | Bad::Skipped(r) | Bad::NotYet(r) => r.to_string(),
            };
            if !self.plan.batch {
                self.values.insert(name.clone(), Err(words));
            }
        }
        if !self.cell(frame, node).is_some_and(|c| std::mem::take(&mut c.sink)) {
            return;
        }
        let Some(f) = self.frames.get_mut(&frame) else { return };
        if let Some(bad) = bad {
            let rank = |b: &Bad| match b {
                Bad::NotYet(_) => 3,
                Bad::Failed(_) => 2,
                Bad::Skipped(_) => 1,
            };
            if f.worst.as_ref().is_none_or(|w| rank(w) < rank(&bad)) {
                f.worst = Some(bad);
            }
        }
        f.open -= 1;
        if f.open == 0 {
            self.finished.push(frame);
        }
    }

    pub(super) fn wake(&mut self, waiters: Vec<Seat>) {
        for (f, n, generation) in waiters {
            let Some(cell) = self.cell(f, n) else { continue };
            if cell.generation != generation {
                continue;
            }
            match &mut cell.state {
                State::Waiting(missing) => {
                    *missing -= 1;
                    if *missing == 0 {
                        cell.state = State::Queued;
                        self.queue(f, n);
                    }
                }
                State::Blocked => {
                    cell.state = State::Idle;
                    self.todo.push((f, n));
                }
                _ => {}
            }
        }
    }

    fn release(&mut self, hold: Seat) {
        let (frame, node, generation) = hold;
        let Some(cell) = self.cell(frame, node) else { return };
        if cell.generation != generation {
            return;
        }
        cell.readers = cell.readers.saturating_sub(1);
        if cell.readers == 0 && cell.state == State::Ready {
            self.drop_value(frame, node);
        }
    }

    /// Nobody reads it any more: memory keeps it within its budget, the frame lets go.
    fn drop_value(&mut self, frame: u64, node: u32) {
        let shared_by_items = frame == RUN && self.plan.batch;
        let passes_on = matches!(
            self.def(node).behaviour,
            Behaviour::Select(_) | Behaviour::Gate(_) | Behaviour::Ordered { .. } | Behaviour::Effect(_)
        );
        let Some(cell) = self.cell(frame, node) else { return };
        let Some(key) = cell.key else { return };
        let outs = cell.outs.clone();
        if !(shared_by_items || passes_on || cell.pinned || outs.is_empty()) {
            cell.state = State::Idle;
            cell.outs = Vec::new();
            let bytes = std::mem::take(&mut cell.bytes);
            self.live -= bytes;
        }
        if !passes_on {
            for (port, value) in outs.into_iter().enumerate() {
                if let Some(value) = value {
                    self.shared.memory.put(keys::port(&key, port), value);
                }
            }
        }
    }

    /// Gives a slot the values of many items.
    pub fn collect(&mut self, frame: u64, node: u32, slot: u32, gathered: Gathered) {
        if let Some(f) = self.frames.get_mut(&frame) {
            f.collected.insert((node, slot), gathered);
        }
    }

    /// What a table sets for an item, by node and slot; or the column and what is wrong with it.
    pub fn row_values(&self, info: &ItemInfo) -> Result<BTreeMap<(u32, u32), Value>, (String, String)> {
        let finder = FileFinder {
            sandbox: &self.shared.lent.sandbox,
            files: &self.shared.lent.files,
            now: self.shared.lent.clock.now(),
        };
        self.plan.row_values(&info.row, &finder)
    }

    /// A node's key and what went into it, without running anything.
    pub fn key_line(&mut self, item_frame: Option<u64>, node: u32) -> super::KeyLine {
        let plan = &self.plan.nodes[node as usize];
        let frame = match plan.scope {
            Scope::Run => Some(RUN),
            Scope::Item => item_frame,
            Scope::Window(_) => None,
        };
        let gate = self.gate_region.contains_key(&node);
        let passes_on = gate || matches!(plan.node.behaviour, Behaviour::Select(_));
        let unfinished = plan.scope != Scope::Item && plan.node.schema().inputs.iter().any(|i| i.gather) && plan.stage > 0;
        let found = match frame {
            _ if unfinished => Err("it collects over items".to_owned()),
            None => Err("it runs for each window of items".to_owned()),
            Some(_) if passes_on && !gate => Err("it passes on the input it chooses".to_owned()),
            Some(frame) => match self.key_of(frame, node) {
                Ok(key) => Ok(key),
                Err(Stop::Undecided(_, other)) => Err(format!("{} decides first", self.names[other as usize])),
                Err(Stop::Value(_, other)) => Err(format!("{} gives the path", self.names[other as usize])),
                Err(Stop::Bad(_)) => Err("it cannot be known".to_owned()),
            },
        };
        let report = &self.stats[node as usize];
        super::KeyLine {
            node: plan.id.clone(),
            ty: plan.ty.clone(),
            version: plan.node.schema().version,
            parts: if found.is_ok() { report.parts.clone() } else { Vec::new() },
            kept: found.as_ref().ok().and_then(|k| self.shared.where_is(k)).map(str::to_owned),
            key: found.as_ref().ok().map(ToString::to_string),
            later: found.err(),
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

    // ---- shared with the regions' part ----

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
}
