//! Which types meet on each wire, where a list is mapped over, and the few conversions there are.

use super::flatten::Flat;
use super::{PlanNode, SlotPlan};
use crate::schema::Kind;
use kiln_types::{Type, names};

/// Whether a value of one type is taken where another is wanted, lists aside.
#[must_use]
pub fn converts(from: &str, to: &str) -> bool {
    from == to
        || from == names::ANY
        || to == names::ANY
        || matches!(
            (from, to),
            (names::INT, names::FLOAT | names::SEED | names::TEXT)
                | (names::SEED, names::INT | names::TEXT)
                | (names::FLOAT | names::BOOL, names::TEXT)
                | (names::BOOL, names::INT)
                | (names::TEXT, names::COLOR | names::FILE)
                | (names::COLOR, names::TEXT)
        )
}

/// Resolves output types in order, reports what does not fit, and notes which slots are mapped over.
pub(super) fn resolve(flat: &mut Flat<'_>, order: &[u32]) {
    for index in order {
        let at = *index as usize;
        let node = flat.nodes[at].node.clone();
        let schema = node.schema();
        let slots = flat.nodes[at].slots.len();
        let mut mapped = vec![false; slots];
        let mut late = Vec::new();
        let mut wrong = Vec::new();
        for (slot, maps) in mapped.iter_mut().enumerate() {
            let (wanted, whole, collects) = match schema.inputs.get(slot) {
                Some(i) => (i.ty.clone(), i.whole, i.gather || i.many),
                None => match node.kind(slot) {
                    Some(kind) => (kind.ty(), false, false),
                    None => continue,
                },
            };
            let wires = match &flat.nodes[at].slots[slot] {
                SlotPlan::Wire(w) => std::slice::from_ref(w),
                SlotPlan::Many(ws) => ws.as_slice(),
                _ => continue,
            };
            for wire in wires {
                let from = &flat.nodes[wire.node as usize];
                if from.unknown {
                    continue;
                }
                let given = &from.outs[wire.port as usize];
                if !converts(&given.name, &wanted.name) {
                    wrong.push((slot, misfit(from, wire.port as usize, given, &wanted)));
                }
                if given.list && !wanted.list && !whole && !collects {
                    *maps = true;
                }
                let prompt = matches!(node.kind(slot), Some(Kind::Prompt));
                if given.name == names::TEXT && (wanted.name == names::FILE || prompt) {
                    late.push(slot);
                }
            }
        }
        let is_mapped = mapped.contains(&true);
        let follows: Vec<Type> = schema
            .outputs
            .iter()
            .map(|o| {
                let ty = match o.follows.and_then(|name| schema.slot(name)) {
                    Some(slot) => {
                        let own = o.ty.clone();
                        let ty = match &flat.nodes[at].slots[slot] {
                            SlotPlan::Wire(w) => {
                                flat.nodes[w.node as usize].outs.get(w.port as usize).cloned().unwrap_or(own)
                            }
                            SlotPlan::Many(ws) => ws
                                .first()
                                .and_then(|w| flat.nodes[w.node as usize].outs.get(w.port as usize))
                                .map_or(own, Type::as_list),
                            _ => own,
                        };
                        // An input that takes a list makes one of a single value.
                        if schema.inputs.get(slot).is_some_and(|i| i.ty.list) { ty.as_list() } else { ty }
                    }
                    None => o.ty.clone(),
                };
                if is_mapped { ty.as_list() } else { ty }
            })
            .collect();
        let plan = &mut flat.nodes[at];
        plan.outs = follows;
        plan.mapped = if is_mapped { mapped } else { Vec::new() };
        plan.late = late;
        for (slot, (what, hint)) in wrong {
            let port = schema.slot_name(slot);
            let problem = super::flatten::error(&flat.nodes[at].id, Some(port), what, hint);
            flat.problems.push((Some(*index), problem));
        }
    }
}

fn misfit(from: &PlanNode, port: usize, given: &Type, wanted: &Type) -> (String, Option<String>) {
    let schema = from.node.schema();
    let name = schema.outputs.get(port).map_or("", |o| o.name);
    let what = format!("it takes {wanted}, but {}.{name} gives {given}", from.id);
    let other = schema.outputs.iter().zip(&from.outs).find(|(_, ty)| converts(&ty.name, &wanted.name));
    let hint = other.map(|(o, _)| format!("did you mean \"{}.{}\"?", from.id, o.name)).or_else(|| {
        let node = match (given.name.as_ref(), wanted.name.as_ref()) {
            (names::MASK, names::IMAGE) => "MaskToImage",
            (names::IMAGE, names::MASK) => "ImageToMask",
            (names::FLOAT, names::INT) => "Round",
            _ => return None,
        };
        Some(format!("put a {node} node between them"))
    });
    (what, hint)
}

/// Whether a parameter names a file whose contents belong into the key.
pub(super) fn names_files(kind: &Kind) -> bool {
    match kind {
        Kind::File | Kind::Files | Kind::Model(_) | Kind::Prompt => true,
        Kind::List(of) => names_files(of),
        _ => false,
    }
}
