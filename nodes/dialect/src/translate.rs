//! From nodes in the other house's words to a graph, by the table.

use crate::problem::{Note, short};
use crate::table::{Class, Table, Turn};
use crate::values::{self, Made, Refused};
use crate::workflow::{Foreign, Raw, Said, Workflow};
use kiln_core::{Registry, Schema, words};
use kiln_document::{Graph, Link, Lit, Node, OWN_INPUT, Source};
use std::collections::{BTreeMap, BTreeSet};

/// No translation tells more than this of one kind.
pub const MOST: usize = 100;

/// A translation under way.
pub struct Work<'a> {
    workflow: &'a Workflow<'a>,
    table: &'static Table,
    registry: &'a Registry,
    /// The name of each node in the graph, by its id.
    names: BTreeMap<&'a str, String>,
    taken: BTreeSet<String>,
    /// Names of files that nodes of a type write already.
    files: BTreeSet<(String, String)>,
    /// What has come of it.
    pub graph: Graph,
    /// What is worth knowing.
    pub notes: Vec<Note>,
    /// What is wrong.
    pub problems: Vec<Raw>,
}

impl<'a> Work<'a> {
    /// Begins: every node gets its name.
    pub fn new(workflow: &'a Workflow<'a>, table: &'static Table, registry: &'a Registry) -> Self {
        let mut work = Self {
            workflow,
            table,
            registry,
            names: BTreeMap::new(),
            taken: workflow.by_id.keys().map(|id| (*id).to_owned()).collect(),
            files: BTreeSet::new(),
            graph: Graph::new(),
            notes: Vec::new(),
            problems: Vec::new(),
        };
        for node in &workflow.nodes {
            let name = match node.id {
                "" | OWN_INPUT => {
                    let name = work.free("node");
                    work.note(
                        Some(&name),
                        format!("the id {:?} is no name for a node, so it has this one", node.id),
                    );
                    name
                }
                id => id.to_owned(),
            };
            work.names.insert(node.id, name);
        }
        work
    }

    fn free(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut nth = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{wanted} {nth}");
            nth += 1;
        }
        name
    }

    fn note(&mut self, node: Option<&str>, what: impl Into<String>) {
        if self.notes.len() < MOST {
            self.notes.push(Note { node: node.map(str::to_owned), what: what.into() });
        }
    }

    fn problem(&mut self, raw: Raw) {
        if self.problems.len() < MOST {
            self.problems.push(raw);
        }
    }

    /// Translates every node; those of unknown classes are passed over, they have been told.
    pub fn all(&mut self) {
        for node in &self.workflow.nodes {
            let Some(class) = self.table.class(node.class) else { continue };
            let name = self.names.get(node.id).cloned().unwrap_or_default();
            if class.node.is_empty() {
                self.note(None, format!("{} ({}) is left out: {}", short(node.id), class.class, class.note));
                continue;
            }
            let Some(schema) = self.registry.get(&class.node).map(|n| n.schema()) else { continue };
            self.one(node, class, schema, name);
        }
    }

    fn one(&mut self, foreign: &Foreign<'a>, class: &'static Class, schema: &'a Schema, name: String) {
        let mut node = Node::new(class.node.as_str());
        node.title = foreign.title.map(str::to_owned);
        if !class.note.is_empty() {
            self.note(Some(&name), class.note.as_str());
        }
        for (input, ours) in class.inputs() {
            self.input(foreign, class, schema, &name, (input, ours), &mut node);
        }
        let mut strange: Vec<&str> = Vec::new();
        for entry in foreign.inputs {
            match class.ignores.get(&entry.name) {
                Some(told) if !told.is_empty() => {
                    self.note(Some(&name), format!("{} is left out: {told}", entry.name));
                }
                Some(_) => {}
                None if class.knows(&entry.name) => {}
                None => strange.push(&entry.name),
            }
        }
        if !strange.is_empty() {
            let named: Vec<String> = strange.iter().take(8).map(|n| short(n)).collect();
            let more = if strange.len() > 8 { ", …" } else { "" };
            let what = format!("{} has no input {}{more}: left out", class.class, named.join(", "));
            self.note(Some(&name), what);
        }
        let id = plain_id(foreign.id);
        for (param, value) in &class.sets {
            node.with.insert(param.clone(), value.lit(&id));
        }
        self.required(foreign, class, schema, &node);
        // Names in a graph are free: they were given out once each.
        let _ = self.graph.insert(name.clone(), node);
        let mut before = name;
        for then in &class.then {
            let mut node = Node::new(then.node.as_str());
            let (input, output) = &then.from;
            node.from.insert(input.clone(), Link::new(before.as_str(), output.as_str()).into());
            for (param, value) in &then.sets {
                node.with.insert(param.clone(), value.lit(&id));
            }
            before = self.free(&format!("{before} {}", then.node));
            let _ = self.graph.insert(before.clone(), node);
        }
    }

    fn input(
        &mut self,
        foreign: &Foreign<'a>,
        class: &'static Class,
        schema: &Schema,
        name: &str,
        (input, ours): (&str, &str),
        node: &mut Node,
    ) {
        let Some(slot) = schema.slot(ours) else { return };
        let ours = schema.slot_name(slot);
        let at = foreign.place(input);
        match foreign.said(input) {
            None => {
                if let Some(value) = class.unsaid.get(input) {
                    // What the table says is a value of ours already, but for the words.
                    let turned = class.values.get(input).and_then(|v| match value.lit("") {
                        Lit::Bool(b) => v.get(&b.to_string()),
                        Lit::Text(t) => v.get(&t),
                        _ => None,
                    });
                    let lit = turned.unwrap_or(value).lit(&plain_id(foreign.id));
                    let lit = self.file_name(class, input, name, foreign, lit);
                    node.with.insert(ours.to_owned(), lit);
                }
            }
            Some(Said::Link(id, nth)) => {
                if let Some(link) = self.link(foreign, input, at, &id, nth) {
                    feed(node, schema, slot, link);
                }
            }
            Some(Said::Value(json)) => {
                let word = values::as_key(json)
                    .and_then(|key| class.values.get(input)?.get(&key))
                    .map(|c| Made::from(c.lit("")));
                let turn = class.turns.get(input).copied();
                let made = match (word, schema.slot_param(slot), turn, json.text()) {
                    (Some(word), ..) => Ok(word),
                    (None, Some(_), Some(turn), Some(text)) => Ok(values::turned(turn, text)),
                    (None, Some(param), ..) => values::literal(&param.kind, json),
                    (None, None, ..) => match values::constant(json) {
                        Some((ty, lit)) => {
                            let constant = self.free(&format!("{name} {}", short(input)));
                            let mut value = Node::new(ty);
                            value.with.insert("value".to_owned(), lit);
                            let _ = self.graph.insert(constant.clone(), value);
                            feed(node, schema, slot, Link::new(constant, "value"));
                            return;
                        }
                        None => Err(Refused(
                            format!("it takes a link, not {}", json.kind()),
                            "link it to another node's output".to_owned(),
                        )),
                    },
                };
                match made {
                    Ok(made) => {
                        if let Some(note) = made.note {
                            self.note(Some(name), format!("{input}: {note}"));
                        }
                        let lit = self.file_name(class, input, name, foreign, made.lit);
                        node.with.insert(ours.to_owned(), lit);
                    }
                    Err(Refused(what, hint)) => {
                        self.problem(Raw::of(foreign, at, what, hint).input(input));
                    }
                }
            }
        }
    }

    /// Two nodes that save under one name would write one file; ComfyUI counts up.
    fn file_name(&mut self, class: &Class, input: &str, name: &str, foreign: &Foreign<'_>, lit: Lit) -> Lit {
        let Lit::Text(wanted) = &lit else { return lit };
        if class.turns.get(input) != Some(&Turn::Name) {
            return lit;
        }
        let mut free = wanted.clone();
        let mut nth = 2;
        while !self.files.insert((class.node.clone(), free.to_lowercase())) {
            free = match nth {
                2 => format!("{wanted}-{}", plain_id(foreign.id)),
                nth => format!("{wanted}-{}-{nth}", plain_id(foreign.id)),
            };
            nth += 1;
        }
        if free != *wanted {
            let what =
                format!("another node saves as {:?} already, so this one saves as {free:?}", short(wanted));
            self.note(Some(name), what);
        }
        Lit::Text(free)
    }

    fn link(&mut self, foreign: &Foreign<'_>, input: &str, at: u32, id: &str, nth: i128) -> Option<Link> {
        let Some(source) = self.workflow.by_id.get(id).and_then(|at| self.workflow.nodes.get(*at)) else {
            let what = format!("it is linked to the node {:?}, which is not there", short(id));
            let hint = match words::nearest(id, self.workflow.by_id.keys()).filter(|_| id.chars().count() > 2)
            {
                Some(near) => {
                    format!("did you mean {near:?}? Else link it anew and export the workflow again")
                }
                None => "link it anew in ComfyUI and export the workflow again".to_owned(),
            };
            self.problem(Raw::of(foreign, at, what, hint).input(input));
            return None;
        };
        // An unknown class has been told already.
        let class = self.table.class(source.class)?;
        let port = usize::try_from(nth).ok().and_then(|nth| class.gives.get(nth));
        match port {
            Some(port) if !port.is_empty() => {
                Some(Link::new(self.names.get(source.id)?.as_str(), port.as_str()))
            }
            _ => {
                let what = format!("it is linked to output {nth} of {} ({})", short(id), class.class);
                let what = match class.gives.len() {
                    0 => format!("{what}, which has no outputs here"),
                    _ => format!("{what}, which has no such output here"),
                };
                let outputs: Vec<String> = class
                    .gives
                    .iter()
                    .enumerate()
                    .filter(|(_, port)| !port.is_empty())
                    .map(|(at, port)| format!("{at} ({port})"))
                    .collect();
                let hint = match outputs.len() {
                    0 => "take the link out, or link another node".to_owned(),
                    1 => format!("there is output {}", outputs[0]),
                    _ => format!("there are outputs {}", words::list(&outputs)),
                };
                self.problem(Raw::of(foreign, at, what, hint).input(input));
                None
            }
        }
    }

    /// What has to be said and is not: a problem if nothing stands for it, else a note.
    fn required(&mut self, foreign: &Foreign<'_>, class: &Class, schema: &Schema, node: &Node) {
        for (input, ours) in class.inputs() {
            if foreign.inputs.iter().any(|e| e.name == input) && foreign.said(input).is_some() {
                continue;
            }
            let Some(slot) = schema.slot(ours) else { continue };
            let ours = schema.slot_name(slot);
            if node.from.contains_key(ours) || node.with.contains_key(ours) {
                continue;
            }
            let default = match (schema.inputs.get(slot), schema.slot_param(slot)) {
                (Some(port), _) if port.optional || port.many => continue,
                (None, Some(param)) => param.default.as_ref(),
                _ => None,
            };
            match default {
                Some(_) => {
                    let name = self.names.get(foreign.id).cloned().unwrap_or_default();
                    self.note(
                        Some(&name),
                        format!("nothing is said of {input}: Kiln's own default is taken"),
                    );
                }
                None => {
                    let hint = match schema.slot_param(slot) {
                        Some(_) => "set it in ComfyUI and export the workflow again",
                        None => "link it in ComfyUI and export the workflow again",
                    };
                    self.problem(Raw::of(foreign, foreign.at, "this input is missing", hint).input(input));
                }
            }
        }
    }
}

/// Links an input; one that takes several gets another link.
fn feed(node: &mut Node, schema: &Schema, slot: usize, link: Link) {
    let name = schema.slot_name(slot).to_owned();
    if !schema.inputs.get(slot).is_some_and(|i| i.many) {
        node.from.insert(name, link.into());
        return;
    }
    let mut links = node.from.get(&name).map(|s| s.links().to_vec()).unwrap_or_default();
    links.push(link);
    node.from.insert(name, Source::Many(links));
}

/// An id as part of a file's name.
fn plain_id(id: &str) -> String {
    let plain: String =
        id.chars().take(60).map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    if plain.is_empty() { "node".to_owned() } else { plain }
}
