//! From a document to what will run: subgraphs inlined, everything checked, order, scopes and regions known.
//!
//! Checking reports every problem at once. What nobody wants may be broken: its errors become warnings.

pub(crate) mod flatten;
mod region;
pub(crate) use region::constant as region_constant;
mod scope;
mod typing;

pub(crate) use flatten::constant_key;
pub use typing::converts;

use crate::lit::{self, FileFinder};
use crate::node::{Given, Node};
use crate::problem::{Problem, Problems, Severity};
use crate::registry::Registry;
use crate::schema::{Kind, Purity};
use flatten::Flat;
use kiln_document::{Graph, Mode};
use kiln_types::{Key, Type, Value};
use petgraph::graph::{DiGraph, NodeIndex};
use std::fmt;
use std::sync::{Arc, LazyLock};

/// One end of a link: the node and which of its outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Wire {
    /// The node's number in the plan.
    pub node: u32,
    /// The output's number in its schema.
    pub port: u32,
}

/// What feeds a slot.
#[derive(Clone, Debug)]
pub(crate) enum SlotPlan {
    Unset,
    /// A constant, and its hash unless it is the default or does not matter.
    Const(Value, Option<Key>),
    Wire(Wire),
    Many(Vec<Wire>),
}

pub(crate) fn wires(slots: &[SlotPlan]) -> impl Iterator<Item = Wire> + '_ {
    slots.iter().flat_map(|s| {
        match s {
            SlotPlan::Wire(w) => std::slice::from_ref(w),
            SlotPlan::Many(ws) => ws.as_slice(),
            _ => &[],
        }
        .iter()
        .copied()
    })
}

/// How often a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Once.
    Run,
    /// Once for each item.
    Item,
    /// Once for each window of so many items.
    Window(u32),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run => f.write_str("once per run"),
            Self::Item => f.write_str("once per item"),
            Self::Window(n) => write!(f, "once per {n} items"),
        }
    }
}

/// What happens after the last rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The best attempt passes.
    Best,
    /// Nothing passes: the item is left out.
    Skip,
    /// The item fails.
    Fail,
}

impl Then {
    fn parse(text: &str) -> Self {
        match text {
            "skip" => Self::Skip,
            "fail" => Self::Fail,
            _ => Self::Best,
        }
    }
}

/// What lies between a seed and the gates that draw it again.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub seeds: Vec<(u32, usize)>,
    pub gates: Vec<u32>,
    pub members: Vec<u32>,
    pub parent: Option<u32>,
    pub attempts: u32,
    pub then: Then,
}

/// One node of the plan.
#[derive(Clone, Debug)]
pub(crate) struct PlanNode {
    pub id: String,
    pub ty: String,
    pub mode: Mode,
    pub unknown: bool,
    pub node: Arc<Node>,
    pub slots: Vec<SlotPlan>,
    pub outs: Vec<Type>,
    /// Which slots are mapped over; empty when none is.
    pub mapped: Vec<bool>,
    pub scope: Scope,
    pub stage: u32,
    pub region: Option<u32>,
    pub needed: bool,
    /// Something it needs is muted.
    pub dead: bool,
    /// With its parameters it does nothing, so those who read it read past it.
    pub passed_by: bool,
    pub item_intrinsic: bool,
    /// Slots with a seed that each item draws anew.
    pub seeds: Vec<usize>,
    /// Slots whose text names a file, known only when the text is.
    pub late: Vec<usize>,
    /// Place in the order.
    pub rank: u32,
}

/// What is asked of a plan.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Names of the nodes whose results are wanted; none: every effect, or every leaf if there is no effect.
    pub want: Vec<String>,
    /// Whether the graph runs over items.
    pub batch: bool,
    /// Exposed names or `node.param` that a table sets for each item.
    pub columns: Vec<String>,
}

/// A parameter that a table sets for each item.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub targets: Vec<(u32, usize)>,
}

/// A value that outlives its frame: a fan-in will want it, or the caller asked for it.
#[derive(Clone, Debug)]
pub(crate) struct Keep {
    /// What is kept.
    pub wire: Wire,
    /// The node that stands for the keeping.
    pub node: u32,
    /// The caller asked for it: the wanted node's name.
    pub result: Option<String>,
}

/// Stands for the keeping of a value.
static KEEP: LazyLock<Arc<Node>> = LazyLock::new(|| {
    let node = Node::pure("Keep", 1, |_| Ok(()));
    Arc::new(node.whole("value", kiln_types::names::ANY, "What is kept."))
});

/// What will run.
#[derive(Debug)]
pub struct Plan {
    pub(crate) nodes: Vec<PlanNode>,
    /// Needed nodes, sources first.
    pub(crate) order: Vec<u32>,
    pub(crate) wanted: Vec<u32>,
    pub(crate) keeps: Vec<Keep>,
    pub(crate) regions: Vec<Region>,
    pub(crate) stages: u32,
    pub(crate) columns: Vec<Column>,
    pub(crate) batch: bool,
    /// What is worth knowing, and what is wrong where nobody looks.
    pub warnings: Vec<Problem>,
    pub(crate) title: String,
}

/// What the plan says of one node, for people.
#[derive(Clone, Debug)]
pub struct PlannedNode {
    /// Its name, with its subgraphs before it.
    pub id: String,
    /// Its type.
    pub ty: String,
    /// How often it runs.
    pub scope: Scope,
    /// In which stage.
    pub stage: u32,
    /// Its purity.
    pub purity: Purity,
}

impl Plan {
    /// Checks a graph and plans what is wanted of it.
    ///
    /// # Errors
    /// With every problem of what is wanted, each with its place and a hint.
    pub fn new(
        graph: &Graph,
        registry: &Registry,
        wish: &Wish,
        finder: &Finder<'_>,
    ) -> Result<Self, Problems> {
        let (plan, problems) = Self::check(graph, registry, wish, finder);
        match plan {
            Some(plan) => Ok(plan),
            None => Err(Problems(problems)),
        }
    }

    /// As [`Plan::new`], and all problems, warnings among them, whether a plan could be made or not.
    pub fn check(
        graph: &Graph,
        registry: &Registry,
        wish: &Wish,
        finder: &Finder<'_>,
    ) -> (Option<Self>, Vec<Problem>) {
        let mut flat = Flat::new(graph, registry);
        flat.connect();
        let mut general: Vec<Problem> = Vec::new();

        let count = flat.nodes.len();
        let links: usize = flat.nodes.iter().map(|n| wires(&n.slots).count()).sum();
        let mut digraph: DiGraph<(), ()> = DiGraph::with_capacity(count, links);
        for _ in 0..count {
            digraph.add_node(());
        }
        let mut readers: Vec<Vec<u32>> = vec![Vec::new(); count];
        for at in 0..count {
            for wire in wires(&flat.nodes[at].slots) {
                digraph.add_edge(NodeIndex::new(wire.node as usize), NodeIndex::new(at), ());
                readers[wire.node as usize].push(at as u32);
            }
        }
        let all: Vec<u32> = match petgraph::algo::toposort(&digraph, None) {
            Ok(order) => order.into_iter().map(|n| n.index() as u32).collect(),
            Err(_) => {
                general.extend(cycles(&digraph, &flat));
                return (None, finish(graph, &flat, general, &|_| true));
            }
        };
        let mut rank = vec![0u32; count];
        for (at, index) in all.iter().enumerate() {
            rank[*index as usize] = at as u32;
            flat.nodes[*index as usize].rank = at as u32;
        }
        typing::resolve(&mut flat, &all);
        bury(&mut flat, &all);

        let wanted = wanted(&flat, &readers, wish, &mut general);
        let mut todo = wanted.clone();
        while let Some(index) = todo.pop() {
            if !std::mem::replace(&mut flat.nodes[index as usize].needed, true) {
                todo.extend(wires(&flat.nodes[index as usize].slots).map(|w| w.node));
            }
        }
        let order: Vec<u32> = all.iter().copied().filter(|i| flat.nodes[*i as usize].needed).collect();
        find_files(&mut flat, &order, finder);
        node_checks(&mut flat, &order);

        let columns = resolve_columns(&flat, graph, wish, &mut general);
        let overridden: Vec<(u32, usize)> = columns.iter().flat_map(|c| c.targets.iter().copied()).collect();
        for (index, slot) in &overridden {
            // A table gives what was left open.
            let plan = &mut flat.nodes[*index as usize];
            if matches!(plan.slots[*slot], SlotPlan::Unset) {
                plan.slots[*slot] = SlotPlan::Const(Value::None, None);
                let (id, port) = (plan.id.clone(), plan.node.schema().slot_name(*slot));
                flat.problems.retain(|(_, p)| p.node != id || p.port.as_deref() != Some(port));
            }
        }
        scope::mark_items(&mut flat, &overridden);
        let known = flat.problems.len();
        let mut stages = scope::infer(&mut flat, &order, wish.batch);
        let drafts = region::find(&mut flat, &order, &readers);
        while wish.batch && region::spread(&mut flat, &drafts) {
            flat.problems.truncate(known);
            stages = scope::infer(&mut flat, &order, wish.batch);
        }
        let regions = region::nest(&mut flat, &drafts, &rank);

        let needed: Vec<bool> = flat.nodes.iter().map(|n| n.needed).collect();
        let problems = finish(graph, &flat, general, &|i| needed[i as usize]);
        if problems.iter().any(|p| p.severity == Severity::Error) {
            return (None, problems);
        }
        let keeps = keeps(&mut flat.nodes, &order, &wanted);
        let plan = Self {
            order,
            wanted,
            keeps,
            regions,
            stages,
            columns,
            batch: wish.batch,
            warnings: problems.clone(),
            title: graph.title.clone(),
            nodes: flat.nodes,
        };
        (Some(plan), problems)
    }

    /// The needed nodes, sources first.
    pub fn planned(&self) -> impl Iterator<Item = PlannedNode> + '_ {
        self.order.iter().map(|i| {
            let n = &self.nodes[*i as usize];
            PlannedNode {
                id: n.id.clone(),
                ty: n.ty.clone(),
                scope: n.scope,
                stage: n.stage,
                purity: n.node.schema().purity,
            }
        })
    }

    /// Names of the wanted nodes.
    pub fn wanted(&self) -> impl Iterator<Item = &str> {
        self.wanted.iter().map(|i| self.nodes[*i as usize].id.as_str())
    }

    /// Whether anything wanted changes the world, and so needs an output folder.
    #[must_use]
    pub fn has_effects(&self) -> bool {
        self.order.iter().any(|i| self.nodes[*i as usize].node.schema().purity == Purity::Effect)
    }

    /// Whether any node differs from item to item.
    #[must_use]
    pub fn has_items(&self) -> bool {
        self.order.iter().any(|i| self.nodes[*i as usize].scope == Scope::Item)
    }

    /// Every file whose contents the plan depends on, once each, by path.
    #[must_use]
    pub fn files(&self) -> Vec<kiln_types::FileRef> {
        let mut found = std::collections::BTreeMap::new();
        fn collect(
            v: &Value,
            found: &mut std::collections::BTreeMap<std::path::PathBuf, kiln_types::FileRef>,
        ) {
            match v {
                Value::File(f) => {
                    found.insert(f.path.to_path_buf(), f.clone());
                }
                Value::List(items) => items.iter().for_each(|i| collect(i, found)),
                _ => {}
            }
        }
        for index in &self.order {
            for slot in &self.nodes[*index as usize].slots {
                if let SlotPlan::Const(v, _) = slot {
                    collect(v, &mut found);
                }
            }
        }
        found.into_values().collect()
    }

    /// What a table's row sets, by node and slot.
    pub(crate) fn row_values(
        &self,
        row: &[(String, String)],
        finder: &FileFinder<'_>,
    ) -> Result<std::collections::BTreeMap<(u32, u32), Value>, (String, String)> {
        let mut set = std::collections::BTreeMap::new();
        for (column, (name, word)) in self.columns.iter().zip(row) {
            for (node, slot) in &column.targets {
                let plan = &self.nodes[*node as usize];
                let Some(kind) = plan.node.kind(*slot) else { continue };
                let value = word_to_value(kind, word, finder)
                    .map_err(|e| (plan.id.clone(), format!("column {name:?}, {:?}: {e}", word)))?;
                set.insert((*node, *slot as u32), value);
            }
        }
        Ok(set)
    }

    /// Tells this plan from every other one: what a batch of it is called.
    #[must_use]
    pub fn identity(&self) -> Key {
        let mut maker = crate::keys::KeyMaker::new("plan");
        let place: std::collections::HashMap<u32, u64> =
            self.order.iter().enumerate().map(|(at, i)| (*i, at as u64)).collect();
        for index in &self.order {
            let node = &self.nodes[*index as usize];
            maker.str(&node.id);
            maker.str(&node.ty);
            maker.u64(u64::from(node.node.schema().version));
            for (at, slot) in node.slots.iter().enumerate() {
                // What only says when to stop, or how to ask, makes no other batch of it.
                let param = node.node.schema().slot_param(at);
                let decides = |name: &str| matches!(name, "retry" | "attempts" | "then");
                if param.is_some_and(|p| p.control && !decides(p.name)) {
                    continue;
                }
                match slot {
                    SlotPlan::Unset => maker.u64(0),
                    SlotPlan::Const(value, _) => {
                        maker.u64(1);
                        maker.value(value);
                    }
                    SlotPlan::Wire(_) | SlotPlan::Many(_) => {
                        maker.u64(2);
                        wires(std::slice::from_ref(slot)).for_each(|w| {
                            maker.u64(place.get(&w.node).copied().unwrap_or(u64::MAX));
                            maker.u64(u64::from(w.port));
                        });
                    }
                }
            }
            for seed in &node.seeds {
                maker.u64(*seed as u64);
            }
        }
        for wanted in &self.wanted {
            maker.u64(place.get(wanted).copied().unwrap_or(u64::MAX));
        }
        maker.done()
    }

    /// The gates at which a person decides.
    #[must_use]
    pub fn reviews(&self) -> Vec<String> {
        let nodes = self.order.iter().map(|i| &self.nodes[*i as usize]);
        nodes.filter(|n| n.node.asks_a_person()).map(|n| n.id.clone()).collect()
    }

    /// All gates, a person's as well.
    #[must_use]
    pub fn gates(&self) -> Vec<String> {
        use crate::schema::Purity;
        let nodes = self.order.iter().map(|i| &self.nodes[*i as usize]);
        let gate = |n: &&PlanNode| matches!(n.node.schema().purity, Purity::Gate | Purity::OrderedGate);
        nodes.filter(gate).map(|n| n.id.clone()).collect()
    }

    /// The version of every needed node type, by name.
    #[must_use]
    pub fn versions(&self) -> std::collections::BTreeMap<String, u32> {
        let schemas = self.order.iter().map(|i| self.nodes[*i as usize].node.schema());
        schemas.map(|s| (s.name.to_string(), s.version)).collect()
    }
}

/// Adds a node for each value that outlives its frame.
fn keeps(nodes: &mut Vec<PlanNode>, order: &[u32], wanted: &[u32]) -> Vec<Keep> {
    let mut wires: Vec<(Wire, Option<String>)> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for index in order {
        let plan = &nodes[*index as usize];
        for (slot, _) in plan.node.schema().inputs.iter().enumerate().filter(|(_, i)| i.gather) {
            for wire in self::wires(std::slice::from_ref(&plan.slots[slot])) {
                let from = nodes[wire.node as usize].scope;
                if from != Scope::Run && from != plan.scope && seen.insert(wire) {
                    wires.push((wire, None));
                }
            }
        }
    }
    for index in wanted {
        let plan = &nodes[*index as usize];
        if plan.node.schema().purity != Purity::Effect {
            wires.extend(
                (0..plan.outs.len() as u32).map(|port| (Wire { node: *index, port }, Some(plan.id.clone()))),
            );
        }
    }
    let mut keeps = Vec::with_capacity(wires.len());
    for (wire, result) in wires {
        let from = &nodes[wire.node as usize];
        let keep = PlanNode {
            id: format!("{} (kept)", from.id),
            ty: "Keep".to_owned(),
            mode: Mode::Active,
            unknown: false,
            node: KEEP.clone(),
            slots: vec![SlotPlan::Wire(wire)],
            outs: Vec::new(),
            mapped: Vec::new(),
            scope: from.scope,
            stage: from.stage,
            region: None,
            needed: true,
            dead: false,
            passed_by: false,
            item_intrinsic: false,
            seeds: Vec::new(),
            late: Vec::new(),
            rank: u32::MAX,
        };
        keeps.push(Keep { wire, node: nodes.len() as u32, result });
        nodes.push(keep);
    }
    keeps
}

/// How files are found while planning.
pub struct Finder<'a>(pub(crate) FileFinder<'a>);

impl<'a> Finder<'a> {
    /// Looks for files where the sandbox allows, and hashes them.
    pub fn new(
        sandbox: &'a crate::doors::Sandbox,
        files: &'a kiln_store::FileHashes,
        now: kiln_store::Millis,
    ) -> Self {
        Self(FileFinder { sandbox, files, now })
    }
}

/// What depends on something muted does not run either.
fn bury(flat: &mut Flat<'_>, order: &[u32]) {
    for index in order {
        let at = *index as usize;
        if flat.nodes[at].mode == Mode::Muted {
            flat.nodes[at].dead = true;
            continue;
        }
        let node = flat.nodes[at].node.clone();
        let optional = |slot: usize| node.schema().inputs.get(slot).is_some_and(|i| i.optional || i.many);
        let mut dead = flat.nodes[at].dead;
        for slot in 0..flat.nodes[at].slots.len() {
            let lost = wires(std::slice::from_ref(&flat.nodes[at].slots[slot]))
                .any(|w| flat.nodes[w.node as usize].dead);
            if lost && optional(slot) {
                flat.nodes[at].slots[slot] = SlotPlan::Unset;
            } else {
                dead |= lost;
            }
        }
        flat.nodes[at].dead = dead;
    }
}

fn wanted(flat: &Flat<'_>, readers: &[Vec<u32>], wish: &Wish, general: &mut Vec<Problem>) -> Vec<u32> {
    let alive = |i: &u32| {
        let n = &flat.nodes[*i as usize];
        !n.dead && n.mode == Mode::Active
    };
    let effect = |i: &u32| flat.nodes[*i as usize].node.schema().purity == Purity::Effect;
    if !wish.want.is_empty() {
        let mut found = Vec::new();
        for name in &wish.want {
            match flat.find_nodes(name) {
                Some(nodes) => {
                    for i in nodes {
                        if alive(&i) {
                            found.push(i);
                        } else {
                            let what =
                                format!("{name:?} is wanted, but muted, bypassed or fed by a muted node");
                            general.push(Problem::of_graph(what, None));
                        }
                    }
                }
                None => {
                    let hint =
                        crate::words::nearest(name, flat.top_names()).map(|n| format!("did you mean {n:?}?"));
                    general.push(Problem::of_graph(format!("--want {name}: there is no such node"), hint));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        return found;
    }
    let all = 0..flat.nodes.len() as u32;
    let effects: Vec<u32> = all.clone().filter(effect).filter(alive).collect();
    if !effects.is_empty() {
        let unread =
            |i: &u32| readers[*i as usize].is_empty() && !effect(i) && !flat.nodes[*i as usize].passed_by;
        let idle = all.clone().filter(unread).filter(alive);
        // A slip elsewhere is a better reason why nobody reads it.
        let sound = flat.problems.iter().all(|(_, p)| p.severity == Severity::Warning);
        for index in idle.take(if sound { 20 } else { 0 }) {
            let what = "nothing reads it and it saves nothing, so it does not run".to_owned();
            let hint = format!(
                "link it to a node that saves, or ask for it with --want {}",
                flat.nodes[index as usize].id
            );
            let problem = flatten::error(&flat.nodes[index as usize].id, None, what, Some(hint));
            general.push(Problem { severity: Severity::Warning, ..problem });
        }
        return effects;
    }
    let leaves: Vec<u32> = all.filter(|i| readers[*i as usize].is_empty()).filter(alive).collect();
    if leaves.is_empty() && flat.problems.is_empty() {
        let what = if flat.nodes.is_empty() {
            "the graph has no nodes"
        } else {
            "every node is muted, bypassed or fed by a muted node"
        };
        general.push(Problem::of_graph(what, None));
    }
    leaves
}

fn find_files(flat: &mut Flat<'_>, order: &[u32], finder: &Finder<'_>) {
    for index in order {
        let at = *index as usize;
        let node = flat.nodes[at].node.clone();
        for slot in 0..flat.nodes[at].slots.len() {
            let Some(kind) = node.kind(slot).filter(|k| typing::names_files(k)) else { continue };
            let SlotPlan::Const(value, _) = &flat.nodes[at].slots[slot] else { continue };
            match lit::find_files(kind, value.clone(), &finder.0) {
                Ok(value) => {
                    let key = flatten::constant_key(&node, slot, &value, Some(&finder.0));
                    flat.nodes[at].slots[slot] = SlotPlan::Const(value, key);
                }
                Err(e) => {
                    let problem = flatten::error(
                        &flat.nodes[at].id,
                        Some(node.schema().slot_name(slot)),
                        e.what,
                        e.hint,
                    );
                    flat.problems.push((Some(*index), problem));
                }
            }
        }
    }
}

fn node_checks(flat: &mut Flat<'_>, order: &[u32]) {
    for index in order {
        let plan = &flat.nodes[*index as usize];
        let Some(check) = plan.node.check else { continue };
        let get = |slot: usize| match &plan.slots[slot] {
            SlotPlan::Const(v, _) => Some(v.clone()),
            _ => None,
        };
        let found = check(&Given { schema: plan.node.schema(), get: &get });
        let id = plan.id.clone();
        for e in found {
            let problem = flatten::error(&id, e.port.as_deref(), e.what, e.hint);
            flat.problems.push((Some(*index), problem));
        }
    }
}

fn resolve_columns(flat: &Flat<'_>, graph: &Graph, wish: &Wish, general: &mut Vec<Problem>) -> Vec<Column> {
    let mut columns = Vec::new();
    for name in &wish.columns {
        let refs: Vec<(String, String)> = match graph.expose.get(name) {
            Some(refs) => refs.iter().map(|r| (r.node.clone(), r.param.clone())).collect(),
            None => match name.parse::<kiln_document::ParamRef>() {
                Ok(r) => vec![(r.node, r.param)],
                // A column that no parameter is named after is there for templates.
                Err(_) => Vec::new(),
            },
        };
        let mut targets = Vec::new();
        for (node, param) in refs {
            match flat.find_param(None, &node, &param) {
                Ok(found) => targets.extend(found),
                Err(what) => general.push(Problem::of_graph(format!("column {name:?}: {what}"), None)),
            }
        }
        columns.push(Column { targets });
    }
    columns
}

/// Names the members of each cycle.
fn cycles(digraph: &DiGraph<(), ()>, flat: &Flat<'_>) -> Vec<Problem> {
    let mut found: Vec<Vec<usize>> = petgraph::algo::kosaraju_scc(digraph)
        .into_iter()
        .filter(|c| c.len() > 1 || c.first().is_some_and(|n| digraph.contains_edge(*n, *n)))
        .map(|c| c.into_iter().map(NodeIndex::index).collect())
        .collect();
    for cycle in &mut found {
        cycle.sort_unstable();
    }
    found.sort();
    found
        .iter()
        .map(|cycle| {
            let mut names: Vec<String> =
                cycle.iter().take(12).map(|n| format!("{:?}", flat.nodes[*n].id)).collect();
            if cycle.len() > 12 {
                names.push(format!("{} more", cycle.len() - 12));
            }
            let mut problem = Problem::of_graph(
                format!("{} feed each other in a circle", crate::words::list(&names)),
                Some("unlink one of them; to try again with another seed, use a gate's retry".to_owned()),
            );
            problem.node.clone_from(&flat.nodes[cycle[0]].id);
            problem
        })
        .collect()
}

fn finish(
    graph: &Graph,
    flat: &Flat<'_>,
    general: Vec<Problem>,
    needed: &dyn Fn(u32) -> bool,
) -> Vec<Problem> {
    let own = flat.problems.iter().map(|(index, p)| {
        let mut p = p.clone();
        if index.is_some_and(|i| !needed(i)) {
            p.severity = Severity::Warning;
        }
        p
    });
    let stray = unknown_fields(graph);
    let mut all: Vec<Problem> =
        general.into_iter().chain(own).chain(stray).map(|p| p.placed(graph)).collect();
    all.sort_by_key(|p| (p.severity, p.place));
    all
}

/// Fields that mean nothing here are kept, but may be slips of the finger.
fn unknown_fields(graph: &Graph) -> Vec<Problem> {
    let known =
        ["kiln", "title", "about", "expose", "inputs", "outputs", "nodes", "graphs", "lock", "canvas"];
    let fields = ["type", "graph", "title", "version", "mode", "from", "with"];
    let warn = |node: &str, name: &str, known: &[&str]| {
        let hint = crate::words::nearest(name, known).map(|n| format!("did you mean {n:?}?"));
        let what = format!("the field {name:?} means nothing to this version; it is kept as it is");
        Problem { severity: Severity::Warning, ..flatten::error(node, None, what, hint) }
    };
    let mut found: Vec<Problem> =
        graph.unknown.iter().filter(|(n, _)| n != "run").map(|(n, _)| warn("", n, &known)).collect();
    for (name, node) in graph.nodes.iter().filter(|(_, n)| !n.unknown.is_empty()).take(100) {
        found.extend(node.unknown.iter().map(|(n, _)| warn(name, n, &fields)));
    }
    found
}

/// Whether a parameter's kind takes a word from a command line or a table.
pub(crate) fn word_to_value(
    kind: &Kind,
    word: &str,
    finder: &FileFinder<'_>,
) -> Result<Value, crate::node::NodeError> {
    let lit = lit::from_word(kind, word)?;
    lit::find_files(kind, lit::read(kind, &lit)?, finder)
}
