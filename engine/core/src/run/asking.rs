//! Who wants a value asks for it: a sink its inputs, they theirs, until somebody has it already.

use super::driver::{Driver, Stop, lane_index};
use super::event::Event;
use super::frame::State;
use crate::cx::Slot;
use crate::keys;
use crate::node::Behaviour;
use crate::plan::SlotPlan;
use kiln_store::EffectState;
use kiln_types::{Key, Value};
use std::sync::Arc;

impl<'p> Driver<'p> {
    /// Takes the next steps that need no worker, until there are none.
    pub fn pump(&mut self) {
        while let Some((frame, node)) = self.todo.pop() {
            self.step(frame, node);
        }
    }

    pub(super) fn step(&mut self, frame: u64, node: u32) {
        if self.peek(frame, node).is_none_or(|c| c.state != State::Idle) {
            return;
        }
        let behaviour = &self.def(node).behaviour;
        match behaviour {
            Behaviour::Gate(_) | Behaviour::Review(_) | Behaviour::Ordered { .. } => {
                self.step_gate(frame, node);
            }
            Behaviour::Select(_) => self.want_inputs(frame, node),
            _ if self.is_keep(node) => self.step_keep(frame, node),
            _ => self.step_value(frame, node),
        }
    }

    pub(super) fn is_keep(&self, node: u32) -> bool {
        self.plan.keeps.first().is_some_and(|k| node >= k.node)
    }

    pub(super) fn keep(&self, node: u32) -> Option<&'p crate::plan::Keep> {
        let first = self.plan.keeps.first()?.node;
        self.plan.keeps.get(node.checked_sub(first)? as usize)
    }

    pub(super) fn stopped(&mut self, frame: u64, node: u32, stop: Stop) {
        match stop {
            Stop::Bad(bad) => self.settle_bad(frame, node, bad),
            Stop::Undecided(home, other) | Stop::Value(home, other) => {
                let value = !matches!(
                    self.def(other).behaviour,
                    Behaviour::Gate(_)
                        | Behaviour::Review(_)
                        | Behaviour::Ordered { .. }
                        | Behaviour::Select(_)
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

    pub(super) fn step_keep(&mut self, frame: u64, node: u32) {
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

    pub(super) fn step_value(&mut self, frame: u64, node: u32) {
        let key = match self.key_of(frame, node) {
            Ok(key) => key,
            Err(stop) => return self.stopped(frame, node, stop),
        };
        if matches!(self.def(node).behaviour, Behaviour::Effect(_)) {
            if let Some(outs) = self.happened(frame, node, &key) {
                return self.found(frame, node, &key, outs, "journal");
            }
            return self.want_inputs(frame, node);
        }
        let ports: Vec<(usize, Key)> =
            (0..self.plan.nodes[node as usize].outs.len()).map(|p| (p, keys::port(&key, p))).collect();
        let from_memory: Option<Vec<Option<Value>>> =
            ports.iter().map(|(_, k)| self.shared.memory.get(k).map(Some)).collect();
        if let Some(outs) = from_memory.filter(|o| !o.is_empty()) {
            return self.found(frame, node, &key, outs, "memory");
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
    pub(super) fn happened(&self, frame: u64, node: u32, key: &Key) -> Option<Vec<Option<Value>>> {
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
            recipes: &[],
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

    pub(super) fn found(&mut self, frame: u64, node: u32, key: &Key, outs: Vec<Option<Value>>, from: &str) {
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

    pub(super) fn tell(&self, event: impl FnOnce(&[Arc<str>]) -> Event) {
        (self.shared.listener)(&event(&self.names));
    }

    /// Asks for the values a node works with.
    pub(super) fn want_inputs(&mut self, frame: u64, node: u32) {
        let plan = &self.plan.nodes[node as usize];
        let schema = plan.node.schema();
        let select = matches!(plan.node.behaviour, Behaviour::Select(_));
        let mut producers: Vec<(u64, u32)> = Vec::new();
        for (slot, held) in plan.slots.iter().enumerate() {
            let lazy = select && schema.inputs.get(slot).is_some_and(|i| i.lazy);
            let gathered =
                self.frames.get(&frame).is_some_and(|f| f.collected.contains_key(&(node, slot as u32)));
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

    pub(super) fn queue(&mut self, frame: u64, node: u32) {
        let generation = self.peek(frame, node).map_or(0, |c| c.generation);
        let lane = lane_index(self.def(node).schema().lane);
        let rank = self.plan.nodes[node as usize].rank;
        self.ready[lane].push((std::cmp::Reverse(frame), rank, (frame, node, generation)));
    }
}
