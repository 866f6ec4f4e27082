//! How often a node runs: once per run, once per item, or once per window of items; and in which stage,
//! since a fan-in has to wait for the items it collects.

use super::flatten::Flat;
use super::{Scope, SlotPlan};
use crate::node::Given;
use crate::schema::Kind;
use kiln_types::Value;

/// Marks nodes that differ from item to item by themselves.
pub(super) fn mark_items(flat: &mut Flat<'_>, overridden: &[(u32, usize)]) {
    for (index, slot) in overridden {
        flat.nodes[*index as usize].item_intrinsic = true;
        flat.nodes[*index as usize].seeds.retain(|s| s != slot);
    }
    for at in 0..flat.nodes.len() {
        let plan = &flat.nodes[at];
        let get = |slot: usize| match &plan.slots[slot] {
            SlotPlan::Const(v, _) => Some(v.clone()),
            _ => None,
        };
        let uses = plan.node.uses_item.is_some_and(|f| f(&Given { schema: plan.node.schema(), get: &get }));
        // A seed that nobody fixed is drawn anew for each item.
        let draws = !plan.seeds.is_empty();
        if uses || draws {
            flat.nodes[at].item_intrinsic = true;
        }
    }
}

/// Infers scope and stage of each node, in order.
pub(super) fn infer(flat: &mut Flat<'_>, order: &[u32], batch: bool) -> u32 {
    let mut last = 0;
    for index in order {
        let at = *index as usize;
        let node = flat.nodes[at].node.clone();
        let schema = node.schema();
        let mut scope = if batch && flat.nodes[at].item_intrinsic { Scope::Item } else { Scope::Run };
        let mut stage = 0;
        let mut clash = None;
        let window = window_of(&flat.nodes[at].slots, &node);
        for slot in 0..flat.nodes[at].slots.len() {
            let gathers = schema.inputs.get(slot).is_some_and(|i| i.gather);
            let wires = match &flat.nodes[at].slots[slot] {
                SlotPlan::Wire(w) => std::slice::from_ref(w),
                SlotPlan::Many(ws) => ws.as_slice(),
                _ => continue,
            };
            for wire in wires {
                let from = &flat.nodes[wire.node as usize];
                let (given, at_stage) = match (gathers, from.scope) {
                    (true, Scope::Item) => (window.map_or(Scope::Run, Scope::Window), from.stage + 1),
                    (true, Scope::Window(_)) => (Scope::Run, from.stage + 1),
                    (_, scope) => (scope, from.stage),
                };
                stage = stage.max(at_stage);
                scope = match (scope, given) {
                    (Scope::Run, other) | (other, Scope::Run) => other,
                    (a, b) if a == b => a,
                    (a, b) => {
                        clash = Some((slot, a, b));
                        a
                    }
                };
            }
        }
        flat.nodes[at].scope = scope;
        flat.nodes[at].stage = stage;
        last = last.max(stage);
        if let Some((slot, a, b)) = clash {
            let what = format!("one input comes {a}, another {b}: they cannot meet in one node");
            let hint = Some("collect both over all items first".to_owned());
            let problem = super::flatten::error(&flat.nodes[at].id, Some(schema.slot_name(slot)), what, hint);
            flat.problems.push((Some(*index), problem));
        }
        if batch && scope == Scope::Item && schema.writes_files {
            check_names(flat, at, *index);
        }
        if !batch && schema.writes_files && names_item(flat, at) {
            let what = "its name holds {item}, but the graph runs once".to_owned();
            let hint = Some("make items, such as --items 0..12, or leave {item} out of the name".to_owned());
            let problem = super::flatten::error(&flat.nodes[at].id, Some("name"), what, hint);
            flat.problems.push((Some(*index), problem));
        }
    }
    last
}

/// Whether a constant name has a place for the item's number.
fn names_item(flat: &Flat<'_>, at: usize) -> bool {
    let plan = &flat.nodes[at];
    let slot = plan.node.schema().slot("name");
    match slot.map(|s| &plan.slots[s]) {
        Some(SlotPlan::Const(Value::Text(name), _)) => {
            crate::template::places(name).iter().any(|p| p == "item")
        }
        _ => false,
    }
}

/// A file name that is the same for every item would be written over and over.
fn check_names(flat: &mut Flat<'_>, at: usize, index: u32) {
    let plan = &flat.nodes[at];
    if plan.item_intrinsic {
        return;
    }
    let schema = plan.node.schema();
    let Some(slot) = schema.slot("name") else { return };
    if let SlotPlan::Const(Value::Text(name), _) = &plan.slots[slot] {
        let what = format!("every item would write the same file {name:?}");
        let hint = Some("put {item} into the name: \"{item:05}\"".to_owned());
        let problem = super::flatten::error(&plan.id, Some("name"), what, hint);
        flat.problems.push((Some(index), problem));
    }
}

fn window_of(slots: &[SlotPlan], node: &crate::node::Node) -> Option<u32> {
    let slot = node.schema().slot("window")?;
    match (node.kind(slot), &slots[slot]) {
        (Some(Kind::Int { .. }), SlotPlan::Const(Value::Int(n), _)) if *n > 0 => u32::try_from(*n).ok(),
        _ => None,
    }
}
