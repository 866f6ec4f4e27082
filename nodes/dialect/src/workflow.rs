//! From a tree of JSON to nodes: classes, inputs, links. What the nodes mean comes later.

use crate::json::{Entry, Json, Value};
use crate::problem::short;
use std::collections::BTreeMap;

/// A workflow as its file says it.
pub struct Workflow<'a> {
    /// Its nodes, in the order of the file.
    pub nodes: Vec<Foreign<'a>>,
    /// Where each id is in `nodes`.
    pub by_id: BTreeMap<&'a str, usize>,
}

/// A node in the other house's words.
pub struct Foreign<'a> {
    /// Its id: any text, mostly a number, `57:8` inside a group.
    pub id: &'a str,
    /// Its class.
    pub class: &'a str,
    /// What its author called it.
    pub title: Option<&'a str>,
    /// Its inputs.
    pub inputs: &'a [Entry],
    /// Where it begins in the text.
    pub at: u32,
}

/// An input's value.
pub enum Said<'a> {
    /// An output of a node, counted from 0.
    Link(String, i128),
    /// A value.
    Value(&'a Json),
}

/// A problem before it has a file and a line.
#[derive(Debug)]
pub struct Raw {
    /// Byte offset in the text.
    pub at: u32,
    /// The node's id.
    pub node: Option<String>,
    /// Its class.
    pub class: Option<String>,
    /// The input.
    pub input: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Raw {
    /// A problem of the whole workflow.
    pub fn new(at: u32, what: impl Into<String>, hint: impl Into<String>) -> Self {
        let hint = Some(hint.into());
        Self { at, node: None, class: None, input: None, what: what.into(), hint }
    }

    /// A problem of a node.
    pub fn of(node: &Foreign<'_>, at: u32, what: impl Into<String>, hint: impl Into<String>) -> Self {
        let mut raw = Self::new(at, what, hint);
        raw.node = Some(short(node.id));
        raw.class = Some(short(node.class));
        raw
    }

    /// Names the input.
    pub fn input(mut self, input: &str) -> Self {
        self.input = Some(short(input));
        self
    }
}

/// Beyond so many problems reading stops.
const MOST: usize = 1000;

const EXPORT: &str = "in ComfyUI: Workflow, Export (API); in older versions Save (API Format)";

/// Whether an object is a drawing of the canvas: nodes and links as lists.
fn is_drawing(json: &Json) -> bool {
    let list = |name: &str| json.get(name).is_some_and(|v| matches!(v.value, Value::List(_)));
    list("nodes") && (list("links") || json.get("last_node_id").is_some() || json.get("version").is_some())
}

/// The nodes of a workflow. What is sent to a server has it under `prompt`.
pub fn read<'a>(json: &'a Json, problems: &mut Vec<Raw>) -> Option<Workflow<'a>> {
    let json = match json.get("prompt") {
        Some(inner) if inner.map().is_some() && inner.get("class_type").is_none() => inner,
        _ => json,
    };
    let Some(entries) = json.map() else {
        let what = format!("this is {}, and no workflow", json.kind());
        problems.push(Raw::new(json.at, what, EXPORT));
        return None;
    };
    if is_drawing(json) {
        let what = "this is the editor's format; export it with 'Save (API Format)'";
        let hint = "in newer versions of ComfyUI: Workflow, Export (API)";
        problems.push(Raw::new(json.at, what, hint));
        return None;
    }
    if entries.is_empty() {
        problems.push(Raw::new(json.at, "there are no nodes in it", EXPORT));
        return None;
    }
    if entries.iter().all(|e| e.value.get("class_type").is_none()) {
        problems.push(Raw::new(json.at, "this is JSON, but no workflow: no node has a class_type", EXPORT));
        return None;
    }
    let mut workflow = Workflow { nodes: Vec::new(), by_id: BTreeMap::new() };
    for entry in entries {
        if problems.len() > MOST {
            break;
        }
        let Some(node) = node(entry, problems) else { continue };
        if workflow.by_id.insert(node.id, workflow.nodes.len()).is_some() {
            problems.push(Raw::of(
                &node,
                node.at,
                "this node is there twice",
                "rename or remove one of them",
            ));
        }
        workflow.nodes.push(node);
    }
    Some(workflow)
}

fn node<'a>(entry: &'a Entry, problems: &mut Vec<Raw>) -> Option<Foreign<'a>> {
    let at = entry.value.at;
    let mut node = Foreign { id: &entry.name, class: "", title: None, inputs: &[], at };
    let mut wrong = |what: String, hint: &str| {
        let mut raw = Raw::new(at, what, hint);
        raw.node = Some(short(&entry.name));
        problems.push(raw);
    };
    let Some(fields) = entry.value.map() else {
        wrong(format!("a node is an object, not {}", entry.value.kind()), EXPORT);
        return None;
    };
    for name in ["class_type", "inputs", "_meta"] {
        if fields.iter().filter(|f| f.name == name).count() > 1 {
            wrong(format!("{name:?} is there twice"), "remove one of them");
        }
    }
    match entry.value.get("class_type").map(|c| (c, c.text())) {
        Some((_, Some(class))) if !class.is_empty() => node.class = class,
        Some((other, _)) => {
            wrong(format!("class_type is {}, not a name", other.kind()), EXPORT);
            return None;
        }
        None => {
            wrong("this node has no class_type".to_owned(), EXPORT);
            return None;
        }
    }
    node.title = entry.value.get("_meta").and_then(|m| m.get("title")?.text()).filter(|t| !t.is_empty());
    match entry.value.get("inputs") {
        None => {}
        Some(inputs) => match inputs.map() {
            Some(inputs) => node.inputs = inputs,
            None => {
                let what = format!("inputs is {}, not an object", inputs.kind());
                problems.push(Raw::of(&node, inputs.at, what, EXPORT));
            }
        },
    }
    let mut names: Vec<(&str, u32)> = node.inputs.iter().map(|e| (e.name.as_str(), e.value.at)).collect();
    names.sort_unstable();
    for pair in names.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
        let raw = Raw::of(&node, pair[1].1, "this input is there twice", "remove one of them");
        problems.push(raw.input(pair[1].0));
    }
    Some(node)
}

impl<'a> Foreign<'a> {
    /// What is said of an input; the last of several, nothing for `null`.
    pub fn said(&self, name: &str) -> Option<Said<'a>> {
        let entry = self.inputs.iter().rev().find(|e| e.name == name)?;
        said(&entry.value)
    }

    /// Where an input's value is in the text.
    pub fn place(&self, name: &str) -> u32 {
        self.inputs.iter().rev().find(|e| e.name == name).map_or(self.at, |e| e.value.at)
    }
}

fn said(json: &Json) -> Option<Said<'_>> {
    match &json.value {
        Value::Null => None,
        Value::List(items) => Some(match items.as_slice() {
            [Json { value: Value::Text(node), .. }, Json { value: Value::Int(nth), .. }] => {
                Said::Link(node.clone(), *nth)
            }
            // Written by hand: the id of a node as a number.
            [Json { value: Value::Int(node), .. }, Json { value: Value::Int(nth), .. }] => {
                Said::Link(node.to_string(), *nth)
            }
            _ => Said::Value(json),
        }),
        // A list that is a value is wrapped, so that it is not taken for a link.
        Value::Map(_) => Some(Said::Value(json.get("__value__").unwrap_or(json))),
        _ => Some(Said::Value(json)),
    }
}
