//! The nodes of an ONNX graph: what an exporter did not name can still be told by its place among them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::wire::{Message, Value};
use super::{Fault, MOST_PARTS, tensor};
use crate::map::Mapping;
use crate::stored::Stored;

/// Names and attributes of all nodes together, at most.
const MOST_WORDS: usize = 1 << 21;

/// How many nodes a name is followed through.
const MOST_HOPS: usize = 16;

/// The nodes of an ONNX file in their order, in which every node comes after those it needs.
#[derive(Clone, Debug, Default)]
pub struct OnnxGraph {
    nodes: Vec<OnnxNode>,
    inputs: Vec<String>,
    outputs: Vec<String>,
    /// Where a name is another one's value (`Identity`, `Cast`).
    aliases: BTreeMap<String, String>,
    constants: BTreeMap<String, Stored>,
}

/// One operation.
#[derive(Clone, Debug, Default)]
pub struct OnnxNode {
    /// Its own name; may be empty.
    pub name: String,
    /// What it does: `Conv`, `Relu`.
    pub op: String,
    /// The names of what it takes; an empty one is left out.
    pub inputs: Vec<String>,
    /// The names of what it gives.
    pub outputs: Vec<String>,
    /// Its settings, by name. Lists of numbers with a point, texts in lists and graphs are left out.
    pub attributes: BTreeMap<String, Attribute>,
}

/// A setting of a node.
#[derive(Clone, Debug)]
pub enum Attribute {
    /// A whole number.
    Int(i64),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// A number.
    Float(f32),
    /// A text.
    Text(String),
    /// A tensor.
    Tensor(Stored),
}

impl OnnxGraph {
    /// The nodes in the file's order.
    #[must_use]
    pub fn nodes(&self) -> &[OnnxNode] {
        &self.nodes
    }

    /// The names of what the graph takes. Old files list the weights here, too.
    #[must_use]
    pub fn inputs(&self) -> &[String] {
        &self.inputs
    }

    /// The names of what the graph gives.
    #[must_use]
    pub fn outputs(&self) -> &[String] {
        &self.outputs
    }

    /// The name a name stands for, through nodes that pass a value on.
    pub(crate) fn source<'a>(&'a self, name: &'a str) -> &'a str {
        let mut name = name;
        for _ in 0..MOST_HOPS {
            match self.aliases.get(name) {
                Some(next) => name = next,
                None => break,
            }
        }
        name
    }

    /// What a `Constant` node of this output holds.
    pub(crate) fn constant(&self, name: &str) -> Option<&Stored> {
        self.constants.get(name)
    }
}

impl OnnxNode {
    /// The numbers of a setting; `usual` when it is not set, or is no list of small numbers.
    #[must_use]
    pub fn sizes<const N: usize>(&self, name: &str, usual: [usize; N]) -> [usize; N] {
        let Some(Attribute::Ints(found)) = self.attributes.get(name) else { return usual };
        let sizes: Option<Vec<usize>> = found.iter().map(|n| usize::try_from(*n).ok()).collect();
        sizes.and_then(|sizes| sizes.try_into().ok()).unwrap_or(usual)
    }

    /// A whole number; `usual` when it is not set.
    #[must_use]
    pub fn int(&self, name: &str, usual: i64) -> i64 {
        if let Some(Attribute::Int(found)) = self.attributes.get(name) { *found } else { usual }
    }
}

/// A graph while it is read.
#[derive(Default)]
pub(super) struct Builder {
    graph: OnnxGraph,
    words: usize,
}

impl Builder {
    fn word(&mut self) -> Result<(), Fault> {
        self.words += 1;
        if self.words > MOST_WORDS {
            return Err(Fault::TooMuch(format!("its graph has more than {MOST_WORDS} names and settings")));
        }
        Ok(())
    }

    fn text(&mut self, message: &Message<'_>) -> Result<String, Fault> {
        self.word()?;
        message.text()
    }

    pub(super) fn add_node(&mut self, mapping: &Arc<Mapping>, mut message: Message<'_>) -> Result<(), Fault> {
        if self.graph.nodes.len() >= MOST_PARTS {
            return Err(Fault::TooMuch(format!("its graph has more than {MOST_PARTS} nodes")));
        }
        let mut node = OnnxNode::default();
        while let Some((field, value)) = message.next()? {
            let Value::Bytes(inner) = value else { continue };
            match field {
                1 => node.inputs.push(self.text(&inner)?),
                2 => node.outputs.push(self.text(&inner)?),
                3 => node.name = inner.text()?,
                4 => node.op = inner.text()?,
                5 => {
                    self.word()?;
                    if let (name, Some(set)) = self.attribute(mapping, inner)? {
                        node.attributes.insert(name, set);
                    }
                }
                _ => {}
            }
        }
        if let Some(output) = node.outputs.first() {
            match (node.op.as_str(), node.inputs.first(), node.attributes.get("value")) {
                ("Identity" | "Cast", Some(input), _) => {
                    self.graph.aliases.insert(output.clone(), input.clone());
                }
                ("Constant", _, Some(Attribute::Tensor(stored))) => {
                    self.graph.constants.insert(output.clone(), stored.renamed(output));
                }
                _ => {}
            }
        }
        self.graph.nodes.push(node);
        Ok(())
    }

    fn attribute(
        &mut self,
        mapping: &Arc<Mapping>,
        mut message: Message<'_>,
    ) -> Result<(String, Option<Attribute>), Fault> {
        let (mut name, mut set, mut ints) = (String::new(), None, Vec::new());
        while let Some((field, value)) = message.next()? {
            match (field, value) {
                (1, Value::Bytes(inner)) => name = inner.text()?,
                (2, Value::Four(number)) => set = Some(Attribute::Float(f32::from_le_bytes(number))),
                (3, Value::Number(number)) => set = Some(Attribute::Int(number.cast_signed())),
                // Bytes that are no text are passed over: no setting that matters here is made of them.
                (4, Value::Bytes(inner)) => set = inner.text().ok().map(Attribute::Text),
                (5, Value::Bytes(inner)) => set = tensor::read(mapping, inner)?.1.ok().map(Attribute::Tensor),
                (8, Value::Number(number)) => {
                    self.word()?;
                    ints.push(number.cast_signed());
                }
                (8, Value::Bytes(mut row)) => {
                    while !row.range().is_empty() {
                        self.word()?;
                        ints.push(row.number()?.cast_signed());
                    }
                }
                _ => {}
            }
        }
        Ok((name, if ints.is_empty() { set } else { Some(Attribute::Ints(ints)) }))
    }

    pub(super) fn add_input(&mut self, message: Message<'_>) -> Result<(), Fault> {
        let name = self.value_name(message)?;
        self.graph.inputs.push(name);
        Ok(())
    }

    pub(super) fn add_output(&mut self, message: Message<'_>) -> Result<(), Fault> {
        let name = self.value_name(message)?;
        self.graph.outputs.push(name);
        Ok(())
    }

    fn value_name(&mut self, mut message: Message<'_>) -> Result<String, Fault> {
        self.word()?;
        while let Some((field, value)) = message.next()? {
            if let (1, Value::Bytes(inner)) = (field, value) {
                return inner.text();
            }
        }
        Ok(String::new())
    }

    pub(super) fn done(self) -> OnnxGraph {
        self.graph
    }
}
