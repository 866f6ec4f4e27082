//! How a value was made, as data: for what is told of a picture.
//!
//! A node sees the values that come in, not the nodes they come from. An input that was declared with
//! [`crate::Node::reads_recipe`] is described as well: the nodes upstream, their versions, their parameters as they
//! were resolved (a linked number is there as the number it was), files with their hashes, and the attempt that passed
//! the gates on the way. All of it goes into the node's key, so that a node that tells something else has another key.

use kiln_types::{Key, Value};
use serde::Serialize;

/// No recipe describes more nodes; a graph of more is told as far as this.
pub(crate) const MOST_NODES: usize = 2000;
/// No longer text is told of a parameter; the rest of it is in the key all the same.
const MOST_TEXT: usize = 20_000;

/// How a value was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Recipe {
    /// The value's key: the hash of everything it was made from.
    pub key: String,
    /// The nodes, the one that made the value first, then outwards from it.
    pub nodes: Vec<RecipeNode>,
    /// The gates that were passed on the way, with the attempt that passed.
    pub gates: Vec<RecipeGates>,
}

/// One node upstream.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecipeNode {
    /// Its name in the graph.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: String,
    /// Its type's version.
    pub version: u32,
    /// Its parameters as they were resolved, defaults among them.
    pub params: Vec<RecipeParam>,
    /// Its linked inputs.
    pub from: Vec<RecipeLink>,
}

/// A parameter as it was resolved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecipeParam {
    /// Its name.
    pub name: &'static str,
    /// What kind it is: `prompt`, `seed`, `model:loras`, `file`, or `plain`.
    pub kind: String,
    /// What it was: a seed as text, a file as its name and hash.
    pub value: serde_json::Value,
    /// Of a prompt: the LoRAs and embeddings it names, with their hashes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<(String, String)>,
}

/// A linked input.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecipeLink {
    /// Its name.
    pub input: &'static str,
    /// Which of the recipe's nodes it comes from.
    pub node: usize,
    /// From which output.
    pub output: &'static str,
}

/// Gates that share an attempt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecipeGates {
    /// Which attempt passed, from 1.
    pub attempt: u32,
    /// The gates and how they scored it.
    pub scores: Vec<(String, f64)>,
}

impl Recipe {
    /// The hash of everything it tells.
    pub(crate) fn digest(&self) -> Key {
        let mut maker = crate::keys::KeyMaker::new("recipe");
        maker.bytes(&serde_json::to_vec(self).unwrap_or_default());
        maker.done()
    }

    /// The node that made the value.
    #[must_use]
    pub fn maker(&self) -> Option<&RecipeNode> {
        self.nodes.first()
    }

    /// The first node from the value outwards for which `fits` holds.
    pub fn nearest(&self, fits: impl Fn(&RecipeNode) -> bool) -> Option<&RecipeNode> {
        self.nodes.iter().find(|n| fits(n))
    }

    /// A node and everything upstream of it, nearest first.
    #[must_use]
    pub fn upstream(&self, from: usize) -> Vec<&RecipeNode> {
        let mut seen = vec![false; self.nodes.len()];
        let mut todo = std::collections::VecDeque::from([from]);
        let mut found = Vec::new();
        while let Some(at) = todo.pop_front() {
            let Some(node) = self.nodes.get(at).filter(|_| !std::mem::replace(&mut seen[at], true)) else {
                continue;
            };
            found.push(node);
            todo.extend(node.from.iter().map(|l| l.node).filter(|n| *n < self.nodes.len()));
        }
        found
    }
}

impl RecipeNode {
    /// A parameter by name.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&RecipeParam> {
        self.params.iter().find(|p| p.name == name)
    }

    /// The node that an input is linked to, by its place in the recipe.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<usize> {
        self.from.iter().find(|l| l.input == name).map(|l| l.node)
    }
}

/// A plain value as JSON; what has no words is told by its type.
pub(crate) fn told(value: &Value) -> serde_json::Value {
    use serde_json::{Value as Json, json};
    match value {
        Value::None => Json::Null,
        Value::Bool(v) => json!(v),
        Value::Int(v) => json!(v),
        Value::Float(v) => serde_json::Number::from_f64(*v).map_or(Json::Null, Json::Number),
        Value::Text(v) => json!(v.chars().take(MOST_TEXT).collect::<String>()),
        Value::Color(v) => json!(v.to_string()),
        Value::Seed(v) => json!(v.to_string()),
        Value::Size(w, h) => json!([w, h]),
        Value::Range(a, b) => json!([a, b]),
        Value::Curve(points) => json!(points.iter().map(|(x, y)| [*x, *y]).collect::<Vec<_>>()),
        Value::File(f) => json!({
            "file": f.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
            "hash": f.hash.to_string(),
        }),
        Value::List(items) => Json::Array(items.iter().take(1000).map(told).collect()),
        other => json!(format!("a value of type {}", other.ty())),
    }
}
