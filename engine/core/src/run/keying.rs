//! Which key a node has in a frame: everything that goes into it, followed to where it is made.

use super::driver::{Driver, RUN, Stop};
use super::frame::{Bad, Frame, Of, State};
use super::work;
use crate::keys::{self, KeyMaker};
use crate::node::{Behaviour, NodeError};
use crate::plan::{Scope, SlotPlan, Wire};
use crate::schema::{Kind, Lane};
use kiln_types::{Key, Value};

enum Try {
    Key(Key),
    First(Vec<(u64, u32)>),
    Stop(Stop),
}

impl Driver<'_> {
    /// Follows what passes values on, to the node that makes the value.
    pub(super) fn resolve(&self, frame: u64, reader: u32, wire: Wire) -> Result<(u64, Wire), Stop> {
        self.resolve_by(frame, reader, wire, &mut |_, _| {})
    }

    /// The same; `pass` hears of every node that passes the value on, gates among them.
    pub(super) fn resolve_by(
        &self,
        frame: u64,
        reader: u32,
        wire: Wire,
        pass: &mut dyn FnMut(u64, u32),
    ) -> Result<(u64, Wire), Stop> {
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
                Behaviour::Select(_) | Behaviour::Gate(_) | Behaviour::Review(_) | Behaviour::Ordered { .. }
            ) && wire.port == 0;
            if !passes_on {
                return Ok((home, wire));
            }
            pass(home, wire.node);
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
                Try::First(others) => {
                    // Nobody can ever give the key of a node that has no place here.
                    if others.iter().any(|(f, n)| self.peek(*f, *n).is_none()) {
                        return Err(Stop::Bad(Bad::Failed("a frame is gone: a fault of the engine".into())));
                    }
                    stack.extend(others);
                }
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
        let mut recipes = Vec::new();
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
                    let set =
                        self.frames.get(&frame).is_some_and(|f| f.set.contains_key(&(node, slot as u32)));
                    let key = if seed || set {
                        self.constant(frame, node, slot).and_then(|v| {
                            crate::plan::constant_key(&plan.node, slot, &v, Some(&self.finder()))
                        })
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
                    if let Some(gathered) =
                        self.frames.get(&frame).and_then(|f| f.collected.get(&(node, slot as u32)))
                    {
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
                        self.finder().beside(plan.node.kind(slot), &value, &mut file);
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
                                let by_value = self.def(wire.node).schema().by_value;
                                if (plan.late.contains(&slot) || by_value)
                                    && self.peek(home, wire.node).is_none_or(|c| c.state != State::Ready)
                                {
                                    return Try::Stop(Stop::Value(home, wire.node));
                                }
                                match self.peek(home, wire.node).and_then(|c| c.key) {
                                    Some(key) => {
                                        let held = by_value
                                            .then(|| self.peek(home, wire.node)?.outs.get(wire.port as usize))
                                            .flatten()
                                            .and_then(Option::as_ref)
                                            .and_then(keys::content);
                                        made.push(
                                            held.unwrap_or_else(|| keys::port(&key, wire.port as usize)),
                                        );
                                    }
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
                            Err(e) => {
                                let e = e.at(schema.slot_name(slot));
                                return Try::Stop(Stop::Bad(self.failed(frame, node, &e)));
                            }
                        }
                    }
                    maker.str(schema.slot_name(slot));
                    maker.u64(made.len() as u64);
                    made.iter().for_each(|k| maker.key(k));
                    if let Some(key) = made.first() {
                        note(slot, key);
                    }
                    if schema.inputs.get(slot).is_some_and(|i| i.recipe) {
                        match self.recipe_of(frame, node, wires) {
                            Ok(recipe) => {
                                maker.str("recipe");
                                maker.key(&recipe.digest());
                                recipes.push((slot, std::sync::Arc::new(recipe)));
                            }
                            Err(stop) => return Try::Stop(stop),
                        }
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
        if plan.node.uses_item.is_some()
            && plan.item_intrinsic
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
        if schema.reads_graph {
            // The text of an item follows from the run's and from the item.
            let text = || {
                let mut graph = KeyMaker::new("graph");
                graph.str(&(self.shared.lent.graph_text)(None));
                graph.done()
            };
            maker.str("graph");
            maker.key(self.graph_digest.get_or_init(text));
        }
        let key = maker.done();
        if !recipes.is_empty()
            && let Some(cell) = self.cell(frame, node)
        {
            cell.recipes = recipes;
        }
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
        let value =
            self.peek(home, wire.node).and_then(|c| c.outs.get(wire.port as usize)).cloned().flatten();
        let kind = self.plan.nodes[node as usize].node.kind(slot);
        let find = |text: &std::sync::Arc<str>| match kind {
            Some(Kind::Prompt) => Ok(Value::Text(text.clone())),
            Some(Kind::Model(folder)) => self.finder().model(folder, text).map(Value::File),
            _ => work::find_file(text, &self.shared).map(Value::File),
        };
        let found = match value {
            Some(Value::Text(path)) => find(&path)?,
            Some(Value::List(items)) => {
                let files = items.iter().map(|v| match v {
                    Value::Text(path) => find(path),
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
        let collects = plan.node.schema().inputs.iter().any(|i| i.gather);
        let found = match frame {
            // What comes after a fan-in has no key before the items have theirs.
            _ if plan.stage > 0 && collects => Err("it collects over items".to_owned()),
            _ if plan.stage > 0 => Err("it needs what is collected over items".to_owned()),
            None => Err("it runs for each window of items".to_owned()),
            Some(_) if passes_on && !gate => Err("it passes on the input it chooses".to_owned()),
            Some(frame) => match self.key_of(frame, node) {
                Ok(key) => Ok(key),
                Err(Stop::Undecided(_, other)) => {
                    Err(format!("{} decides first", self.names[other as usize]))
                }
                Err(Stop::Value(_, other)) => {
                    Err(format!("{} gives what it is named by", self.names[other as usize]))
                }
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
}
