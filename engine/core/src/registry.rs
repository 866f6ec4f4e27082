//! Every node type a build knows, and the types' codecs.

use crate::codec::{Codecs, ObjectCodec};
use crate::node::Node;
use crate::words;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Every node type a build knows.
#[derive(Clone, Default)]
pub struct Registry {
    nodes: BTreeMap<String, Arc<Node>>,
    codecs: Codecs,
}

impl Registry {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a node type. A second one of the same name replaces the first.
    pub fn add(&mut self, node: Node) {
        self.nodes.insert(node.schema().name.to_string(), Arc::new(node));
    }

    /// Adds several.
    pub fn add_all(&mut self, nodes: impl IntoIterator<Item = Node>) {
        nodes.into_iter().for_each(|n| self.add(n));
    }

    /// Says how a family's own type is stored.
    pub fn add_codec(&mut self, type_name: &'static str, codec: ObjectCodec) {
        self.codecs.add(type_name, codec);
    }

    /// A node type by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Node>> {
        self.nodes.get(name)
    }

    /// All node types, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Node>> {
        self.nodes.values()
    }

    /// The codecs.
    #[must_use]
    pub fn codecs(&self) -> &Codecs {
        &self.codecs
    }

    /// A node type's name like this one.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<String> {
        words::nearest(name, self.nodes.keys())
    }
}
