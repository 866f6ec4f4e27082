//! Subgraphs inlined: every node of every subgraph gets a number, and every link becomes a wire between
//! numbers. Bypassed nodes and nodes that change nothing are passed by; muted ones give nothing.

use super::{PlanNode, Scope, SlotPlan, Wire};
use crate::lit;
use crate::node::{Given, Node, NodeError};
use crate::problem::{Problem, Severity};
use crate::registry::Registry;
use crate::schema::{Kind, Schema};
use kiln_document::{Graph, Link, Lit, Mode, Source};
use kiln_types::{Key, Type, Value, names};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

/// How deep subgraphs may nest.
const MAX_DEPTH: usize = 32;
/// How many subgraphs a graph may have once they are unfolded: a few lines can ask for a billion.
const MAX_SUBGRAPHS: usize = 50_000;
/// How many nodes a graph may have once its subgraphs are inlined.
const MAX_NODES: usize = 2_000_000;

/// A graph that is used: the document itself, or a subgraph at one place.
struct Instance<'a> {
    graph: &'a Graph,
    prefix: String,
    parent: Option<(usize, &'a str)>,
    depth: usize,
    /// Exposed parameters, by the node and parameter they set.
    exposed: HashMap<(&'a str, &'a str), &'a str>,
}

#[derive(Clone, Copy)]
enum Target {
    Node(u32),
    Sub(usize),
}

/// What a node's parameter or input is told.
enum Told<'a> {
    Nothing,
    Lit(&'a Lit),
    Linked(usize, &'a Source),
}

pub(super) struct Flat<'a> {
    pub nodes: Vec<PlanNode>,
    pub problems: Vec<(Option<u32>, Problem)>,
    instances: Vec<Instance<'a>>,
    names: HashMap<(usize, &'a str), Target>,
    homes: Vec<(usize, &'a str)>,
}

/// Stands in for a type this build does not know.
static UNKNOWN: LazyLock<Arc<Node>> = LazyLock::new(|| {
    Arc::new(Node::pure("Unknown", 0, |_| Err(NodeError::new("this build does not know this node type"))))
});

/// Where following a link ends.
#[derive(Clone, Debug)]
pub(super) enum End {
    Wire(Wire),
    /// A muted node: nothing comes.
    Muted(String),
    /// Something is wrong, and was reported.
    Broken,
}

impl<'a> Flat<'a> {
    pub fn new(graph: &'a Graph, registry: &Registry) -> Self {
        let mut flat = Self {
            nodes: Vec::with_capacity(graph.nodes.len()),
            problems: Vec::new(),
            instances: Vec::new(),
            names: HashMap::with_capacity(graph.nodes.len()),
            homes: Vec::with_capacity(graph.nodes.len()),
        };
        flat.add_instance(graph, String::new(), None, 0);
        let mut at = 0;
        while at < flat.instances.len()
            && flat.instances.len() < MAX_SUBGRAPHS
            && flat.nodes.len() < MAX_NODES
        {
            flat.number(at, registry);
            at += 1;
        }
        if at < flat.instances.len() {
            let what = format!(
                "the subgraphs unfold to more than {MAX_SUBGRAPHS}, or to more than {MAX_NODES} nodes"
            );
            flat.problems.push((None, Problem::of_graph(what, None)));
        }
        flat
    }

    fn add_instance(
        &mut self,
        graph: &'a Graph,
        prefix: String,
        parent: Option<(usize, &'a str)>,
        depth: usize,
    ) -> usize {
        let mut exposed = HashMap::new();
        if parent.is_some() {
            for (name, refs) in &graph.expose {
                for r in refs {
                    exposed.insert((r.node.as_str(), r.param.as_str()), name.as_str());
                }
            }
        }
        self.instances.push(Instance { graph, prefix, parent, depth, exposed });
        self.instances.len() - 1
    }

    /// The definition a subgraph node uses, looked for from the inside out.
    fn definition(&self, mut at: usize, name: &str) -> Option<&'a Graph> {
        loop {
            let instance = &self.instances[at];
            if let Some(found) = instance.graph.graphs.get(name) {
                return Some(found);
            }
            at = instance.parent?.0;
        }
    }

    fn number(&mut self, at: usize, registry: &Registry) {
        let graph = self.instances[at].graph;
        for (name, node) in &graph.nodes {
            let id = format!("{}{name}", self.instances[at].prefix);
            if let Some(definition) = node.graph.as_deref().filter(|_| node.ty == "Subgraph") {
                let depth = self.instances[at].depth + 1;
                let recursive = std::iter::successors(Some(at), |i| self.instances[*i].parent.map(|p| p.0))
                    .any(|i| {
                        self.definition(at, definition)
                            .is_some_and(|d| std::ptr::eq(d, self.instances[i].graph))
                    });
                let problem = match self.definition(at, definition) {
                    _ if depth > MAX_DEPTH => Some(format!("subgraphs nest deeper than {MAX_DEPTH}")),
                    _ if recursive => Some(format!("subgraph {definition:?} contains itself")),
                    None => Some(format!("there is no subgraph {definition:?} under graphs")),
                    Some(inner) => {
                        let sub = self.add_instance(inner, format!("{id}/"), Some((at, name)), depth);
                        self.names.insert((at, name), Target::Sub(sub));
                        None
                    }
                };
                if let Some(what) = problem {
                    self.problems.push((None, error(&id, None, what, None)));
                }
                continue;
            }
            if self.nodes.len() >= MAX_NODES {
                let what = format!("the graph has more than {MAX_NODES} nodes");
                self.problems.push((None, Problem::of_graph(what, None)));
                return;
            }
            let index = self.nodes.len() as u32;
            let known = registry.get(&node.ty);
            if known.is_none() {
                let hint = if node.ty == "Subgraph" {
                    Some("say which: graph: \"Name\"".to_owned())
                } else {
                    registry.nearest(&node.ty).map(|n| format!("did you mean {n:?}?"))
                };
                let what = format!("this build does not know the node type {:?}", node.ty);
                self.problems.push((Some(index), error(&id, None, what, hint)));
            }
            if let (Some(known), Some(version)) = (known, node.version) {
                self.note_version(index, &id, known.schema(), version);
            }
            let unknown = known.is_none();
            let known = known.unwrap_or(&UNKNOWN).clone();
            let slots = vec![SlotPlan::Unset; known.schema().slots()];
            self.nodes.push(PlanNode {
                id,
                ty: node.ty.clone(),
                mode: node.mode,
                unknown,
                outs: known.schema().outputs.iter().map(|o| o.ty.clone()).collect(),
                node: known,
                slots,
                mapped: Vec::new(),
                scope: Scope::Run,
                stage: 0,
                region: None,
                needed: false,
                dead: false,
                passed_by: false,
                item_intrinsic: false,
                seeds: Vec::new(),
                late: Vec::new(),
                rank: 0,
            });
            self.names.insert((at, name), Target::Node(index));
            self.homes.push((at, name));
        }
    }

    fn note_version(&mut self, index: u32, id: &str, schema: &Schema, version: u32) {
        let (severity, what) = match version.cmp(&schema.version) {
            std::cmp::Ordering::Equal => return,
            std::cmp::Ordering::Greater => (
                Severity::Error,
                format!(
                    "it was made for version {version} of {}, this build has version {}",
                    schema.name, schema.version
                ),
            ),
            std::cmp::Ordering::Less => (
                Severity::Warning,
                format!(
                    "it was made with version {version} of {}; version {} may give other results",
                    schema.name, schema.version
                ),
            ),
        };
        let hint = if severity == Severity::Error {
            "use a newer Kiln"
        } else {
            "write the new version once you like the result"
        };
        let problem = Problem { severity, ..error(id, None, what, Some(hint.to_owned())) };
        self.problems.push((Some(index), problem));
    }

    /// Fills every slot from the document: constants read, links followed.
    pub fn connect(&mut self) {
        let mut constants: Vec<Vec<(usize, Value)>> = vec![Vec::new(); self.nodes.len()];
        let mut links: Vec<Vec<(usize, usize, &'a Source)>> = vec![Vec::new(); self.nodes.len()];
        for index in 0..self.nodes.len() {
            self.tell(index, &mut constants[index], &mut links[index]);
        }
        for (index, values) in constants.into_iter().enumerate() {
            self.set_constants(index, values);
        }
        // A node with a wrong parameter is not taken for one that does nothing: its problems would go unseen.
        let wrong: HashSet<u32> = self.problems.iter().filter_map(|(i, _)| *i).collect();
        let passed: Vec<Option<usize>> = (0..self.nodes.len())
            .map(|i| if wrong.contains(&(i as u32)) { None } else { self.passed_by(i, &links[i]) })
            .collect();
        for (node, through) in self.nodes.iter_mut().zip(&passed) {
            node.passed_by = through.is_some();
        }
        let mut memo: HashMap<(u32, u32), End> = HashMap::new();
        for index in 0..self.nodes.len() {
            for (slot, instance, source) in links[index].clone() {
                let ends: Vec<End> = source
                    .links()
                    .iter()
                    .map(|link| self.follow(index, slot, instance, link, &passed, &links, &mut memo))
                    .collect();
                self.plug(index, slot, ends);
            }
        }
        for index in 0..self.nodes.len() {
            self.note_empty(index);
        }
    }

    /// What the document says of each slot of a node, outermost setting first.
    fn tell(
        &mut self,
        index: usize,
        constants: &mut Vec<(usize, Value)>,
        links: &mut Vec<(usize, usize, &'a Source)>,
    ) {
        if self.nodes[index].unknown {
            return;
        }
        let (home, name) = self.homes[index];
        let node = self.nodes[index].node.clone();
        let schema = node.schema();
        let graph = self.instances[home].graph;
        let Some(doc) = graph.nodes.get(name) else { return };
        let stray = doc.from.keys().map(|k| (k, true)).chain(doc.with.keys().map(|k| (k, false)));
        for (key, linked) in stray.filter(|(k, _)| schema.slot(k).is_none()).collect::<Vec<_>>() {
            let known: Vec<&str> = (0..schema.slots()).map(|s| schema.slot_name(s)).collect();
            let hint =
                crate::words::nearest(key, &known).map(|n| format!("did you mean {n:?}?")).or_else(|| {
                    Some(format!("it has {}", crate::words::list(&known))).filter(|_| !known.is_empty())
                });
            let what = format!(
                "{} has no {} {key:?}",
                schema.name,
                if linked { "input or parameter" } else { "parameter" }
            );
            self.report(index, Some(key), what, hint);
        }
        for slot in 0..schema.slots() {
            let mut names = vec![schema.slot_name(slot)];
            match (schema.inputs.get(slot), schema.slot_param(slot)) {
                (Some(input), _) => names.extend(input.was),
                (None, Some(param)) => names.extend(param.was),
                (None, None) => {}
            }
            let told = names.iter().find_map(|n| match self.told(home, name, n) {
                Told::Nothing => None,
                told => Some(told),
            });
            match told {
                None | Some(Told::Nothing) => {}
                Some(Told::Linked(instance, source)) => links.push((slot, instance, source)),
                Some(Told::Lit(lit)) => match schema.slot_param(slot) {
                    None => {
                        let what = format!("{:?} is an input and has to be linked", schema.slot_name(slot));
                        self.report(
                            index,
                            Some(schema.slot_name(slot)),
                            what,
                            Some("use from: { … }".to_owned()),
                        );
                    }
                    Some(param) => match lit::read(&param.kind, lit) {
                        Ok(value) => {
                            if param.kind == Kind::Seed && !lit::is_fixed_seed(lit) {
                                self.nodes[index].seeds.push(slot);
                            }
                            constants.push((slot, value));
                        }
                        Err(e) => self.report(index, Some(param.name), e.what, e.hint),
                    },
                },
            }
        }
    }

    fn told(&self, mut home: usize, mut node: &'a str, param: &str) -> Told<'a> {
        let local = self.instances[home].graph.nodes.get(node);
        let mut found = match local {
            Some(n) => match (n.from.get(param), n.with.get(param)) {
                (Some(source), _) => Told::Linked(home, source),
                (None, Some(lit)) => Told::Lit(lit),
                _ => Told::Nothing,
            },
            None => Told::Nothing,
        };
        let mut param = param;
        while let Some((parent, parent_node)) = self.instances[home].parent {
            let Some(name) = self.instances[home].exposed.get(&(node, param)) else { break };
            let Some(outer) = self.instances[parent].graph.nodes.get(parent_node) else { break };
            match (outer.from.get(*name), outer.with.get(*name)) {
                (Some(source), _) => found = Told::Linked(parent, source),
                (None, Some(lit)) => found = Told::Lit(lit),
                _ => {}
            }
            (home, node, param) = (parent, parent_node, name);
        }
        found
    }

    fn set_constants(&mut self, index: usize, values: Vec<(usize, Value)>) {
        let node = self.nodes[index].node.clone();
        for (at, param) in node.schema().params.iter().enumerate() {
            let slot = node.schema().inputs.len() + at;
            if let Some(default) = &param.default {
                self.nodes[index].slots[slot] = SlotPlan::Const(default.clone(), None);
            }
            if param.kind == Kind::Seed && !values.iter().any(|(s, _)| *s == slot) {
                self.nodes[index].seeds.push(slot);
            }
        }
        for (slot, value) in values {
            let key = constant_key(&node, slot, &value, None);
            self.nodes[index].slots[slot] = SlotPlan::Const(value, key);
        }
    }

    /// The slot a node passes on unchanged: it is bypassed (any input that fits) or does nothing.
    fn passed_by(&self, index: usize, links: &[(usize, usize, &'a Source)]) -> Option<usize> {
        let plan = &self.nodes[index];
        if plan.mode != Mode::Active || plan.unknown {
            return None;
        }
        let (when, input) = plan.node.identity?;
        let slot = plan.node.schema().slot(input)?;
        let linked = |s: usize| links.iter().any(|l| l.0 == s);
        let get = |s: usize| match &plan.slots[s] {
            SlotPlan::Const(v, _) if !linked(s) => Some(v.clone()),
            _ => None,
        };
        (linked(slot) && when(&Given { schema: plan.node.schema(), get: &get })).then_some(slot)
    }

    /// Follows a link to the node that really makes the value.
    #[allow(clippy::too_many_arguments, reason = "one walk over everything that stands between two nodes")]
    fn follow(
        &mut self,
        reader: usize,
        slot: usize,
        mut instance: usize,
        first: &'a Link,
        passed: &[Option<usize>],
        links: &[Vec<(usize, usize, &'a Source)>],
        memo: &mut HashMap<(u32, u32), End>,
    ) -> End {
        let mut link = first;
        let mut trail: Vec<(u32, u32)> = Vec::new();
        let mut steps = 0usize;
        let end = loop {
            steps += 1;
            if steps > self.nodes.len() + self.instances.len() * 2 + 2 {
                self.report_at(
                    reader,
                    slot,
                    "the link leads in a circle through bypassed nodes".to_owned(),
                    None,
                );
                break End::Broken;
            }
            if link.node == "$" {
                // A subgraph's own input: go on from what feeds it outside.
                let Some((parent, node)) = self.instances[instance].parent else {
                    self.report_at(
                        reader,
                        slot,
                        format!("{link}: only a subgraph has inputs of its own"),
                        None,
                    );
                    break End::Broken;
                };
                let outer = self.instances[parent].graph.nodes.get(node);
                match outer.and_then(|n| n.from.get(&link.port)).and_then(|s| s.links().first()) {
                    Some(next) => {
                        link = next;
                        instance = parent;
                        continue;
                    }
                    None => {
                        let declared = self.instances[instance].graph.inputs.contains_key(&link.port);
                        if declared {
                            break End::Muted(format!("input {:?} of the subgraph", link.port));
                        }
                        self.report_at(
                            reader,
                            slot,
                            format!("the subgraph has no input {:?}", link.port),
                            None,
                        );
                        break End::Broken;
                    }
                }
            }
            match self.names.get(&(instance, link.node.as_str())).copied() {
                None => {
                    let names = self.instances[instance].graph.nodes.keys();
                    let hint = crate::words::nearest(&link.node, names)
                        .map(|n| format!("did you mean \"{n}.{}\"?", link.port));
                    self.report_at(reader, slot, format!("there is no node {:?}", link.node), hint);
                    break End::Broken;
                }
                Some(Target::Sub(sub)) => match self.instances[sub].graph.outputs.get(&link.port) {
                    Some(next) => {
                        let (_, node) = self.instances[sub].parent.unwrap_or((0, ""));
                        let mode =
                            self.instances[instance].graph.nodes.get(node).map_or(Mode::Active, |n| n.mode);
                        if mode == Mode::Muted {
                            break End::Muted(link.node.clone());
                        }
                        if mode == Mode::Bypassed {
                            // As for a node: the input of the same name or type stands for the output.
                            let graph = self.instances[sub].graph;
                            let outer = self.instances[instance].graph.nodes.get(node);
                            let through = outer.and_then(|n| {
                                let same =
                                    n.from.get(&link.port).filter(|_| graph.inputs.contains_key(&link.port));
                                same.or_else(|| graph.inputs.keys().find_map(|i| n.from.get(i)))
                            });
                            match through.and_then(|s| s.links().first()) {
                                Some(input) => {
                                    link = input;
                                    continue;
                                }
                                None => break End::Muted(link.node.clone()),
                            }
                        }
                        link = next;
                        instance = sub;
                    }
                    None => {
                        let hint =
                            crate::words::nearest(&link.port, self.instances[sub].graph.outputs.keys())
                                .map(|n| format!("did you mean \"{}.{n}\"?", link.node));
                        self.report_at(
                            reader,
                            slot,
                            format!("{:?} has no output {:?}", link.node, link.port),
                            hint,
                        );
                        break End::Broken;
                    }
                },
                Some(Target::Node(target)) => {
                    let plan = &self.nodes[target as usize];
                    if plan.unknown {
                        break End::Wire(Wire { node: target, port: 0 });
                    }
                    let schema = plan.node.schema();
                    let Some(port) = schema.output(&link.port, link.nth) else {
                        let outs: Vec<&str> = schema.outputs.iter().map(|o| o.name).collect();
                        let hint = match crate::words::nearest(&link.port, &outs) {
                            Some(n) => Some(format!("did you mean \"{}.{n}\"?", link.node)),
                            None if outs.is_empty() => Some(format!("{} has no outputs", schema.name)),
                            None => Some(format!("it has {}", crate::words::list(&outs))),
                        };
                        self.report_at(
                            reader,
                            slot,
                            format!("{:?} has no output {:?}", link.node, link.port),
                            hint,
                        );
                        break End::Broken;
                    };
                    let here = (target, port as u32);
                    if let Some(end) = memo.get(&here) {
                        break end.clone();
                    }
                    let through = match plan.mode {
                        Mode::Muted => break End::Muted(plan.id.clone()),
                        Mode::Active if port == 0 => passed[target as usize],
                        Mode::Active => None,
                        Mode::Bypassed => match bypass(schema, port, &links[target as usize]) {
                            Some(slot) => Some(slot),
                            None => {
                                let what = format!(
                                    "{:?} is bypassed and has no input that could stand for {:?}",
                                    link.node, link.port
                                );
                                self.report_at(reader, slot, what, Some("mute it, or unlink".to_owned()));
                                break End::Broken;
                            }
                        },
                    };
                    match through.and_then(|s| links[target as usize].iter().find(|l| l.0 == s)) {
                        Some((_, next_instance, source)) if !source.links().is_empty() => {
                            trail.push(here);
                            link = &source.links()[0];
                            instance = *next_instance;
                        }
                        _ => break End::Wire(Wire { node: target, port: port as u32 }),
                    }
                }
            }
        };
        for here in trail {
            memo.insert(here, end.clone());
        }
        end
    }

    fn plug(&mut self, index: usize, slot: usize, ends: Vec<End>) {
        let node = self.nodes[index].node.clone();
        let input = node.schema().inputs.get(slot);
        let many = input.is_some_and(|i| i.many);
        let mut wires = Vec::new();
        for end in ends {
            match end {
                End::Wire(w) => wires.push(w),
                End::Muted(who) => {
                    let optional = many || input.is_some_and(|i| i.optional);
                    let has_default = node.schema().slot_param(slot).is_some_and(|p| p.default.is_some());
                    if !optional && !has_default {
                        self.nodes[index].dead = true;
                        let what =
                            format!("nothing comes from {who:?}, which is muted, so this node does not run");
                        let port = node.schema().slot_name(slot).to_owned();
                        let problem = Problem {
                            severity: Severity::Warning,
                            ..error(&self.nodes[index].id, Some(&port), what, None)
                        };
                        self.problems.push((Some(index as u32), problem));
                    }
                }
                End::Broken => {}
            }
        }
        let plan = match (many, wires.as_slice()) {
            (_, []) => return,
            (false, [one]) => SlotPlan::Wire(*one),
            (true, _) => SlotPlan::Many(wires),
            (false, _) => {
                let what =
                    format!("{:?} takes one link, but has {}", node.schema().slot_name(slot), wires.len());
                self.report_at(index, slot, what, Some("join them with a list node first".to_owned()));
                return;
            }
        };
        self.nodes[index].slots[slot] = plan;
        self.nodes[index].seeds.retain(|s| *s != slot);
    }

    fn note_empty(&mut self, index: usize) {
        let plan = &self.nodes[index];
        if plan.dead || plan.unknown || plan.mode != Mode::Active {
            return;
        }
        let node = plan.node.clone();
        let schema = node.schema();
        let mut empty = Vec::new();
        for (slot, held) in plan.slots.iter().enumerate() {
            let optional = schema.inputs.get(slot).is_some_and(|i| i.optional || i.many);
            if matches!(held, SlotPlan::Unset) && !optional {
                empty.push(slot);
            }
        }
        for slot in empty {
            let name = schema.slot_name(slot);
            let reported = self
                .problems
                .iter()
                .rev()
                .take(64)
                .any(|(_, p)| p.node == self.nodes[index].id && p.port.as_deref() == Some(name));
            if !reported {
                let (what, hint) = match schema.slot_param(slot) {
                    Some(p) => (format!("{name:?} has to be set or linked"), Some(p.doc.to_string())),
                    None => {
                        let ty = &schema.inputs[slot].ty;
                        (format!("{name:?} has to be linked to something that gives {ty}"), None)
                    }
                };
                self.report(index, Some(name), what, hint.filter(|h| !h.is_empty()));
            }
        }
    }

    fn report(&mut self, index: usize, port: Option<&str>, what: String, hint: Option<String>) {
        let problem = error(&self.nodes[index].id, port, what, hint);
        self.problems.push((Some(index as u32), problem));
    }

    fn report_at(&mut self, index: usize, slot: usize, what: String, hint: Option<String>) {
        let port = self.nodes[index].node.schema().slot_name(slot);
        self.report(index, Some(port), what, hint);
    }

    /// The slots that `node.param` means, seen from where node `from` stands (the outermost graph for
    /// `None`); a subgraph's exposed parameter may mean several.
    pub fn find_param(
        &self,
        from: Option<u32>,
        node: &str,
        param: &str,
    ) -> Result<Vec<(u32, usize)>, String> {
        let home = from.map_or(0, |f| self.homes[f as usize].0);
        let mut found = Vec::new();
        let mut todo = vec![(home, node.to_owned(), param.to_owned())];
        while let Some((home, node, param)) = todo.pop() {
            match self.names.get(&(home, node.as_str())) {
                None => {
                    let near = crate::words::nearest(&node, self.instances[home].graph.nodes.keys());
                    let near = near.map(|n| format!("; did you mean {n:?}?")).unwrap_or_default();
                    return Err(format!("there is no node {node:?}{near}"));
                }
                Some(Target::Node(index)) => {
                    let schema = self.nodes[*index as usize].node.schema();
                    let slot = schema.slot(&param).filter(|s| schema.slot_param(*s).is_some());
                    let slot = slot.ok_or_else(|| {
                        let known: Vec<&str> = schema.params.iter().map(|p| p.name).collect();
                        let near = crate::words::nearest(&param, &known);
                        let near = near.map_or_else(
                            || format!("; it has {}", crate::words::list(&known)),
                            |n| format!("; did you mean {n:?}?"),
                        );
                        format!("{node:?} has no parameter {param:?}{near}")
                    })?;
                    found.push((*index, slot));
                }
                Some(Target::Sub(sub)) => {
                    let graph = self.instances[*sub].graph;
                    let refs = graph.expose.get(&param).ok_or_else(|| {
                        let known: Vec<&String> = graph.expose.keys().collect();
                        format!(
                            "subgraph {node:?} exposes no {param:?}; it exposes {}",
                            crate::words::list(&known)
                        )
                    })?;
                    todo.extend(refs.iter().map(|r| (*sub, r.node.clone(), r.param.clone())));
                }
            }
            if found.len() > MAX_NODES {
                return Err("too many parameters are exposed under one name".to_owned());
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The nodes that a name on the command line means: one node, or the effects and leaves of a subgraph.
    pub fn find_nodes(&self, name: &str) -> Option<Vec<u32>> {
        match self.names.get(&(0, name)) {
            Some(Target::Node(index)) => Some(vec![*index]),
            Some(Target::Sub(_)) => {
                let prefix = format!("{name}/");
                Some(
                    (0..self.nodes.len() as u32)
                        .filter(|i| self.nodes[*i as usize].id.starts_with(&prefix))
                        .collect(),
                )
            }
            None => {
                (0..self.nodes.len() as u32).find(|i| self.nodes[*i as usize].id == name).map(|i| vec![i])
            }
        }
    }

    /// Names of the outermost graph's nodes.
    pub fn top_names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.instances[0].graph.nodes.keys().map(String::as_str)
    }
}

/// The hash of a constant, or nothing when it is the default or does not matter: a default written out
/// changes no key.
pub(crate) fn constant_key(
    node: &Node,
    slot: usize,
    value: &Value,
    finder: Option<&crate::lit::FileFinder<'_>>,
) -> Option<Key> {
    let param = node.schema().slot_param(slot)?;
    if param.cosmetic || param.control {
        return None;
    }
    let hash = |v: &Value| {
        let mut maker = crate::keys::KeyMaker::new("constant");
        maker.value(v);
        if node.schema().reads_paths {
            maker.paths(v);
        }
        if let Some(finder) = finder {
            finder.beside(node.kind(slot), v, &mut maker);
        }
        maker.done()
    };
    let own = hash(value);
    (param.default.as_ref().map(hash) != Some(own)).then_some(own)
}

/// The linked input that stands for an output of a bypassed node: of the same name, or of the same type.
fn bypass(schema: &Schema, port: usize, links: &[(usize, usize, &Source)]) -> Option<usize> {
    let out = schema.outputs.get(port)?;
    let linked = |s: usize| links.iter().any(|l| l.0 == s);
    let fits = |ty: &Type| ty.name == out.ty.name || ty.name == names::ANY || out.ty.name == names::ANY;
    let inputs = || schema.inputs.iter().enumerate().filter(|(s, i)| linked(*s) && fits(&i.ty));
    inputs().find(|(_, i)| i.name == out.name).or_else(|| inputs().next()).map(|(s, _)| s)
}

pub(super) fn error(node: &str, port: Option<&str>, what: String, hint: Option<String>) -> Problem {
    Problem {
        severity: Severity::Error,
        node: node.to_owned(),
        port: port.map(str::to_owned),
        what,
        hint,
        place: None,
    }
}
