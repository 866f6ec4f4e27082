//! Retry regions: what lies between a seed and the gates that draw it again.
//!
//! The rule: gates that name the same seed share a region, and an attempt passes when all of them pass it.
//! Two regions lie apart, or one lies wholly inside the other; anything else is refused, since nobody could
//! say which seed a rejection should draw. What is downstream of a region sees the accepted attempt only.

use super::flatten::Flat;
use super::{Region, Scope, SlotPlan, Then};
use crate::schema::Purity;
use kiln_types::Value;
use std::collections::{BTreeMap, HashSet};

/// The constant text or number of a gate's control parameter.
pub(crate) fn constant<'a>(slots: &'a [SlotPlan], node: &crate::node::Node, name: &str) -> Option<&'a Value> {
    match slots.get(node.schema().slot(name)?)? {
        SlotPlan::Const(v, _) => Some(v),
        _ => None,
    }
}

/// A region before its scope is known.
pub(super) struct Draft {
    pub seeds: Vec<(u32, usize)>,
    pub gates: Vec<u32>,
    pub members: HashSet<u32>,
    pub attempts: u32,
    pub then: Then,
}

/// Finds every region among the needed nodes.
pub(super) fn find(flat: &mut Flat<'_>, order: &[u32], readers: &[Vec<u32>]) -> Vec<Draft> {
    let mut by_seed: BTreeMap<Vec<(u32, usize)>, Draft> = BTreeMap::new();
    let mut wrong = Vec::new();
    for gate in order {
        let plan = &flat.nodes[*gate as usize];
        let node = plan.node.clone();
        if !matches!(node.schema().purity, Purity::Gate | Purity::OrderedGate) {
            continue;
        }
        let say = |port: &str, what: String, hint: Option<&str>| {
            (*gate, super::flatten::error(&plan.id, Some(port), what, hint.map(str::to_owned)))
        };
        let attempts = match constant(&plan.slots, &node, "attempts") {
            Some(Value::Int(n)) => u32::try_from(*n).unwrap_or(1),
            _ => {
                wrong.push(say("attempts", "attempts has to be set, it cannot be linked".into(), None));
                continue;
            }
        };
        let then = match constant(&plan.slots, &node, "then") {
            Some(Value::Text(t)) => Then::parse(t),
            _ => {
                wrong.push(say("then", "then has to be set, it cannot be linked".into(), None));
                continue;
            }
        };
        let retry = match constant(&plan.slots, &node, "retry") {
            Some(Value::Text(t)) => t.to_string(),
            _ => {
                wrong.push(say("retry", "retry has to be set, it cannot be linked".into(), None));
                continue;
            }
        };
        if retry.is_empty() {
            // Judged once: a region of its own, without a seed.
            let draft = Draft {
                seeds: Vec::new(),
                gates: vec![*gate],
                members: HashSet::from([*gate]),
                attempts: 1,
                then,
            };
            by_seed.insert(vec![(*gate, usize::MAX)], draft);
            continue;
        }
        let parsed: Result<kiln_document::ParamRef, _> = retry.parse();
        let seeds = match parsed {
            Ok(r) => flat.find_param(Some(*gate), &r.node, &r.param),
            Err(_) => Err(format!("{retry:?} is not written \"node.param\"")),
        };
        let seeds = match seeds {
            Ok(seeds) => seeds,
            Err(what) => {
                wrong.push(say("retry", what, Some("name the seed to draw again, \"noise.seed\"")));
                continue;
            }
        };
        if let Some((n, s)) = seeds.iter().find(|(n, s)| !is_seed(flat, *n, *s)) {
            let other = &flat.nodes[*n as usize];
            let what =
                format!("{}.{} is not a seed that is set there", other.id, other.node.schema().slot_name(*s));
            wrong.push(say("retry", what, Some("a retry draws a seed again; name where the seed is set")));
            continue;
        }
        let down = reach(seeds.iter().map(|(n, _)| *n), |n, push| {
            readers[n as usize].iter().copied().for_each(push);
        });
        let up = reach([*gate].into_iter(), |n, push| {
            super::wires(&flat.nodes[n as usize].slots).for_each(|w| push(w.node));
        });
        if !down.contains(gate) {
            let what =
                format!("{retry:?} does not lead to this gate, so drawing it again would change nothing");
            wrong.push(say("retry", what, Some("name a seed upstream of the gate")));
            continue;
        }
        let members: HashSet<u32> = down.intersection(&up).copied().collect();
        if let Some(draft) = by_seed.get_mut(&seeds) {
            if draft.attempts != attempts || draft.then != then {
                let first = &flat.nodes[draft.gates[0] as usize].id;
                let what = format!("{first:?} draws the same seed again with other attempts or another then");
                wrong.push(say("attempts", what, Some("gates that share a seed share these two")));
            }
            draft.gates.push(*gate);
            draft.members.extend(members);
        } else {
            by_seed.insert(seeds.clone(), Draft { seeds, gates: vec![*gate], members, attempts, then });
        }
    }
    for (gate, problem) in wrong {
        flat.problems.push((Some(gate), problem));
    }
    let mut drafts: Vec<Draft> = by_seed.into_values().collect();
    // Small ones first: a region's parent is then the first later one that holds it.
    drafts.sort_by_key(|d| (d.members.len(), d.gates[0]));
    drafts
}

fn is_seed(flat: &Flat<'_>, node: u32, slot: usize) -> bool {
    let plan = &flat.nodes[node as usize];
    matches!(plan.node.kind(slot), Some(crate::schema::Kind::Seed))
        && matches!(plan.slots[slot], SlotPlan::Const(..))
}

fn reach(from: impl Iterator<Item = u32>, next: impl Fn(u32, &mut dyn FnMut(u32))) -> HashSet<u32> {
    let mut seen = HashSet::new();
    let mut todo: Vec<u32> = from.collect();
    while let Some(n) = todo.pop() {
        if seen.insert(n) {
            next(n, &mut |m| todo.push(m));
        }
    }
    seen
}

/// Nests the regions, checks that they nest, and tells each node its innermost one.
pub(super) fn nest(flat: &mut Flat<'_>, drafts: &[Draft], rank: &[u32]) -> Vec<Region> {
    let mut regions: Vec<Region> = Vec::with_capacity(drafts.len());
    let mut wrong = Vec::new();
    for (at, draft) in drafts.iter().enumerate() {
        let mut parent = None;
        for (other_at, other) in drafts.iter().enumerate().skip(at + 1) {
            if draft.members.is_disjoint(&other.members) {
                continue;
            }
            if draft.members.is_subset(&other.members) {
                parent = parent.or(Some(other_at as u32));
            } else {
                let (a, b) =
                    (&flat.nodes[draft.gates[0] as usize].id, &flat.nodes[other.gates[0] as usize].id);
                let what = format!("its retry region overlaps that of {b:?} without lying inside it");
                let hint = "let both gates draw the same seed again, or let one seed lie upstream of both"
                    .to_owned();
                wrong.push((draft.gates[0], super::flatten::error(a, Some("retry"), what, Some(hint))));
            }
        }
        let first = &flat.nodes[draft.gates[0] as usize];
        let (scope, stage) = (first.scope, first.stage);
        if let Some(odd) = draft.members.iter().min_by_key(|m| {
            let n = &flat.nodes[**m as usize];
            (n.scope == scope && n.stage == stage, rank[**m as usize])
        }) {
            let n = &flat.nodes[*odd as usize];
            if (n.scope, n.stage) != (scope, stage) {
                let what = format!(
                    "{:?} runs {}, this gate {scope}: a retry cannot reach over a fan-in",
                    n.id, n.scope
                );
                wrong.push((draft.gates[0], super::flatten::error(&first.id, Some("retry"), what, None)));
            }
        }
        let mut members: Vec<u32> = draft.members.iter().copied().collect::<Vec<_>>();
        members.sort_unstable_by_key(|m| rank[*m as usize]);
        let mut gates = draft.gates.clone();
        gates.sort_unstable_by_key(|g| rank[*g as usize]);
        for m in &members {
            // The innermost region comes first, and stays.
            let region = &mut flat.nodes[*m as usize].region;
            if region.is_none() {
                *region = Some(at as u32);
            }
        }
        regions.push(Region {
            seeds: draft.seeds.clone(),
            gates,
            members,
            parent,
            attempts: draft.attempts,
            then: draft.then,
        });
    }
    for (gate, problem) in wrong {
        flat.problems.push((Some(gate), problem));
    }
    regions
}

/// Seeds that a gate of an item draws again differ from item to item, even when written `Fixed`.
pub(super) fn spread(flat: &mut Flat<'_>, drafts: &[Draft]) -> bool {
    let mut changed = false;
    for draft in drafts {
        if draft.gates.iter().any(|g| flat.nodes[*g as usize].scope == Scope::Item) {
            for (node, _) in &draft.seeds {
                let plan = &mut flat.nodes[*node as usize];
                changed |= !std::mem::replace(&mut plan.item_intrinsic, true);
            }
        }
    }
    changed
}
