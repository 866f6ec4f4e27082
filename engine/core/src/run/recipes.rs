//! How a value was made, followed upstream: what [`crate::Cx::recipe`] tells.

use super::driver::{Driver, Stop};
use super::frame::State;
use crate::keys;
use crate::plan::{SlotPlan, Wire};
use crate::recipe::{MOST_NODES, Recipe, RecipeGates, RecipeLink, RecipeNode, RecipeParam, told};
use crate::schema::Kind;
use kiln_types::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

impl Driver<'_> {
    /// Describes how the values on these wires were made. The keys of everything upstream are known by now; a linked
    /// parameter whose value is not here is waited for.
    pub(super) fn recipe_of(&self, frame: u64, reader: u32, wires: &[Wire]) -> Result<Recipe, Stop> {
        let mut recipe = Recipe::default();
        let mut places: BTreeMap<(u64, u32), usize> = BTreeMap::new();
        let mut todo: VecDeque<(u64, u32)> = VecDeque::new();
        let mut passed: BTreeSet<(u64, u32)> = BTreeSet::new();
        // Breadth first, in the order of slots: what is nearest to the value comes first, whatever it is called.
        let mut place = |seat: (u64, u32), todo: &mut VecDeque<(u64, u32)>| {
            let next = places.len();
            let at = *places.entry(seat).or_insert(next);
            if at == next && next < MOST_NODES {
                todo.push_back(seat);
            }
            at
        };
        for wire in wires {
            let (home, wire) = self.resolve_by(frame, reader, *wire, &mut |f, n| {
                passed.insert((f, n));
            })?;
            place((home, wire.node), &mut todo);
            if recipe.key.is_empty()
                && let Some(key) = self.peek(home, wire.node).and_then(|c| c.key)
            {
                recipe.key = keys::port(&key, wire.port as usize).to_string();
            }
        }
        while let Some((home, node)) = todo.pop_front() {
            let plan = &self.plan.nodes[node as usize];
            let schema = plan.node.schema();
            let mut described = RecipeNode {
                id: plan.id.clone(),
                ty: schema.name.to_string(),
                version: schema.version,
                params: Vec::new(),
                from: Vec::new(),
            };
            for slot in 0..plan.slots.len() {
                let wires = match &plan.slots[slot] {
                    SlotPlan::Wire(w) => std::slice::from_ref(w),
                    SlotPlan::Many(ws) => ws.as_slice(),
                    _ => &[],
                };
                if let Some(param) = schema.slot_param(slot) {
                    if param.cosmetic || param.control {
                        continue;
                    }
                    if let Some(value) = self.param_value(home, node, slot, wires, &mut passed)? {
                        let (kind, files) = (kind_name(&param.kind), self.named_files(&param.kind, &value));
                        described.params.push(RecipeParam {
                            name: param.name,
                            kind,
                            value: told(&value),
                            files,
                        });
                    }
                    continue;
                }
                // What is collected over items is named by its digest, not told item by item.
                let gathered =
                    self.frames.get(&home).is_some_and(|f| f.collected.contains_key(&(node, slot as u32)));
                if gathered {
                    continue;
                }
                for wire in wires {
                    let (from, wire) = self.resolve_by(home, node, *wire, &mut |f, n| {
                        passed.insert((f, n));
                    })?;
                    let at = place((from, wire.node), &mut todo);
                    let schemas = self.def(wire.node).schema();
                    let output = schemas.outputs.get(wire.port as usize).map_or("", |o| o.name);
                    described.from.push(RecipeLink { input: schema.slot_name(slot), node: at, output });
                }
            }
            recipe.nodes.push(described);
        }
        recipe.gates = self.gates_passed(&passed);
        Ok(recipe)
    }

    /// The models that a prompt names.
    fn named_files(&self, kind: &Kind, value: &Value) -> Vec<(String, String)> {
        let (Kind::Prompt, Value::Text(text)) = (kind, value) else { return Vec::new() };
        let named = crate::models::named_in(text);
        let finder = self.finder();
        let found = named.into_iter().filter_map(|(folder, name)| {
            let file = finder.model(folder, &name).ok()?;
            Some((name, file.hash.to_string()))
        });
        found.collect()
    }

    /// A parameter's value as it was resolved; `None` where nobody set it.
    fn param_value(
        &self,
        home: u64,
        node: u32,
        slot: usize,
        wires: &[Wire],
        passed: &mut BTreeSet<(u64, u32)>,
    ) -> Result<Option<Value>, Stop> {
        if let Some((_, value)) = self.peek(home, node).and_then(|c| c.late.iter().find(|(s, _)| *s == slot))
        {
            return Ok(Some(value.clone()));
        }
        let mut values = Vec::with_capacity(wires.len());
        for wire in wires {
            let (from, wire) = self.resolve_by(home, node, *wire, &mut |f, n| {
                passed.insert((f, n));
            })?;
            let cell = self.peek(from, wire.node);
            match cell.map(|c| &c.state) {
                Some(State::Ready) => {}
                Some(State::Bad(bad)) => return Err(Stop::Bad(bad.clone())),
                _ => return Err(Stop::Value(from, wire.node)),
            }
            values.extend(cell.and_then(|c| c.outs.get(wire.port as usize)).cloned().flatten());
        }
        Ok(match (values.len(), wires.len()) {
            (_, 0) => self.constant(home, node, slot).filter(|v| !v.is_none()),
            (1, 1) => values.pop(),
            _ => Some(Value::list(values)),
        })
    }

    /// The attempt that passed and its scores, for each set of gates that share one.
    fn gates_passed(&self, passed: &BTreeSet<(u64, u32)>) -> Vec<RecipeGates> {
        let regions: BTreeSet<(u64, u32)> =
            passed.iter().filter_map(|(f, n)| Some((*f, *self.gate_region.get(n)?))).collect();
        let tell = |(frame, region): &(u64, u32)| {
            let state = self.frames.get(frame)?.regions.get(region)?;
            let Some(Ok(attempt)) = state.decided else { return None };
            let of = |gate: &u32| {
                let found = state.scores.iter().find(|(a, g, _)| *a == attempt && g == gate)?;
                Some((self.name(*gate).to_string(), found.2))
            };
            let scores = self.plan.regions[*region as usize].gates.iter().filter_map(of).collect();
            Some(RecipeGates { attempt: attempt.saturating_add(1), scores })
        };
        regions.iter().filter_map(tell).collect()
    }
}

fn kind_name(kind: &Kind) -> String {
    match kind {
        Kind::Prompt => "prompt".to_owned(),
        Kind::Seed => "seed".to_owned(),
        Kind::Model(folder) => format!("model:{folder}"),
        Kind::File | Kind::Files => "file".to_owned(),
        Kind::List(of) => kind_name(of),
        _ => "plain".to_owned(),
    }
}
