//! ONNX files: the weights by their names, and the graph's nodes in their order.
//!
//! An ONNX file is a protobuf message. The few fields that matter here are read by [`wire`], which checks every length
//! against the bytes that are there; all others are passed over, and nothing nests deeper than model, graph, node,
//! attribute, tensor, so that no input can make the reader recurse. Weights stay where they lie in the file whenever
//! they lie there as numbers in a row.
//!
//! The crates `prost` and `quick-protobuf` were considered: both copy (or want a generated schema for) the whole
//! message, and neither tells where in the file a weight lies.

mod graph;
mod tensor;
mod wire;

use std::path::Path;
use std::sync::Arc;

pub use graph::{Attribute, OnnxGraph, OnnxNode};

use crate::error::{WeightError, quoted};
use crate::file::Contents;
use crate::map::Mapping;
use wire::{Message, Value};

/// The most weights, and the most nodes, of one graph.
const MOST_PARTS: usize = 1 << 18;

/// Where reading stopped, and why.
pub(crate) enum Fault {
    /// Something reaches beyond the end of the file.
    CutShort(String),
    /// The file contradicts itself.
    Damaged(String),
    /// More of something than a model has any reason to hold.
    TooMuch(String),
    /// The weights are somewhere else.
    Elsewhere(String),
}

impl Fault {
    fn about(self, file: &Path) -> WeightError {
        match self {
            Self::CutShort(what) => WeightError::cut_short(file, what),
            Self::Damaged(what) => WeightError::damaged(file, what),
            Self::TooMuch(what) => WeightError::refused(file, what),
            Self::Elsewhere(place) => WeightError::not_weights(
                file,
                format!("an ONNX model whose weights lie in another file ({})", quoted(&place)),
                "save it as one file, with its weights inside",
            ),
        }
    }
}

/// Reads names, shapes and the graph; the numbers stay where they are.
pub(crate) fn read(mapping: &Arc<Mapping>) -> Result<Contents, WeightError> {
    model(mapping).map_err(|fault| fault.about(mapping.path()))
}

fn model(mapping: &Arc<Mapping>) -> Result<Contents, Fault> {
    let mut contents = Contents::default();
    let mut message = Message::whole(mapping.bytes());
    let mut graph = None;
    while let Some((field, value)) = message.next()? {
        match (field, value) {
            (7, Value::Bytes(inner)) => {
                if graph.is_some() {
                    return Err(Fault::Damaged("it holds two graphs".into()));
                }
                graph = Some(read_graph(mapping, inner, &mut contents)?);
            }
            // What somebody wrote about the model: a name and a text.
            (14, Value::Bytes(inner)) if contents.metadata.len() < 4096 => {
                let (name, text) = entry(inner)?;
                contents.metadata.insert(name, text);
            }
            _ => {}
        }
    }
    let graph =
        graph.ok_or_else(|| Fault::Damaged("as an ONNX file it should hold a graph, and does not".into()))?;
    contents.graph = Some(graph);
    Ok(contents)
}

fn read_graph(
    mapping: &Arc<Mapping>,
    mut message: Message<'_>,
    contents: &mut Contents,
) -> Result<OnnxGraph, Fault> {
    let mut graph = graph::Builder::default();
    let mut weights = 0;
    while let Some((field, value)) = message.next()? {
        let Value::Bytes(inner) = value else { continue };
        match field {
            1 => graph.add_node(mapping, inner)?,
            5 => {
                weights += 1;
                if weights > MOST_PARTS {
                    return Err(Fault::TooMuch(format!("it names more than {MOST_PARTS} weights")));
                }
                let (name, read) = tensor::read(mapping, inner)?;
                if name.is_empty() {
                    return Err(Fault::Damaged("one of its weights has no name".into()));
                }
                if contents.tensors.contains_key(&name) || contents.unreadable.contains_key(&name) {
                    return Err(Fault::Damaged(format!("the weight {} is there twice", quoted(&name))));
                }
                match read {
                    Ok(stored) => drop(contents.tensors.insert(name, stored)),
                    Err(why) => drop(contents.unreadable.insert(name, why)),
                }
            }
            11 => graph.add_input(inner)?,
            12 => graph.add_output(inner)?,
            _ => {}
        }
    }
    Ok(graph.done())
}

/// A message of a name (field 1) and a text (field 2).
fn entry(mut message: Message<'_>) -> Result<(String, String), Fault> {
    let (mut name, mut text) = (String::new(), String::new());
    while let Some((field, value)) = message.next()? {
        match (field, value) {
            (1, Value::Bytes(inner)) => name = inner.text()?,
            (2, Value::Bytes(inner)) => text = inner.text()?,
            _ => {}
        }
    }
    Ok((name, text))
}
