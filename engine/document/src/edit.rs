//! Changes that touch more than one place: renaming and removing nodes.

use crate::{Graph, Lit, Node, OWN_INPUT, Source, path};

/// Why a change was not made. The graph is then as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// There is no such node.
    #[error("there is no node `{0}`")]
    NoNode(String),
    /// Another node has this name.
    #[error("there is a node `{0}` already")]
    Taken(String),
    /// No node can have this name.
    #[error(
        "a node cannot be called `{0}`: a name is not empty, and `$` stands for the subgraph's own inputs"
    )]
    BadName(String),
}

impl Graph {
    /// Adds a node at the end.
    ///
    /// # Errors
    /// The name is taken, or no name for a node.
    pub fn insert(&mut self, name: impl Into<String>, node: Node) -> Result<(), EditError> {
        let name = self.free_name(name.into())?;
        self.nodes.insert(name, node);
        Ok(())
    }

    /// Renames a node, and with it every link to it, what exposes its parameters, its place on the canvas and its
    /// comments.
    ///
    /// # Errors
    /// There is no such node, or the new name is taken or no name for a node.
    pub fn rename_node(&mut self, old: &str, new: &str) -> Result<(), EditError> {
        let index = self.nodes.get_index_of(old).ok_or_else(|| EditError::NoNode(old.to_owned()))?;
        if old == new {
            return Ok(());
        }
        let new = self.free_name(new.to_owned())?;
        // The name was free a line ago, so it is free now.
        let _ = self.nodes.replace_index(index, new.clone());
        let sources =
            self.nodes.values_mut().flat_map(|node| node.from.values_mut()).flat_map(Source::links_mut);
        sources
            .chain(self.outputs.values_mut())
            .filter(|link| link.node == old)
            .for_each(|link| link.node.clone_from(&new));
        for param in self.expose.values_mut().flatten().filter(|param| param.node == old) {
            param.node.clone_from(&new);
        }
        if let Some(Lit::Map(positions)) = self.canvas.as_mut().and_then(|canvas| canvas.get_mut("positions"))
        {
            // A position left behind by an earlier node of that name gives way.
            positions.retain(|(key, _)| key.as_text() != Some(&new));
            for (key, _) in positions.iter_mut().filter(|(key, _)| key.as_text() == Some(old)) {
                *key = Lit::Text(new.clone());
            }
        }
        self.comments.rename(&path::node(old), &path::node(&new));
        self.comments.rename(&position(old), &position(&new));
        Ok(())
    }

    /// Sets a parameter of a node; gives the value it had.
    ///
    /// # Errors
    /// There is no such node.
    pub fn set_param(&mut self, node: &str, param: &str, value: Lit) -> Result<Option<Lit>, EditError> {
        let node = self.nodes.get_mut(node).ok_or_else(|| EditError::NoNode(node.to_owned()))?;
        Ok(node.with.insert(param.to_owned(), value))
    }

    /// Removes a node, and with it every link to it, what exposes its parameters, its place on the canvas and its
    /// comments.
    ///
    /// # Errors
    /// There is no such node.
    pub fn remove_node(&mut self, name: &str) -> Result<Node, EditError> {
        let node = self.nodes.shift_remove(name).ok_or_else(|| EditError::NoNode(name.to_owned()))?;
        for other in self.nodes.values_mut() {
            other.from.retain(|_, source| match source {
                Source::One(link) => link.node != name,
                Source::Many(links) => {
                    let before = links.len();
                    links.retain(|link| link.node != name);
                    // A list that was empty before says so on purpose.
                    !links.is_empty() || before == 0
                }
            });
        }
        self.outputs.retain(|_, link| link.node != name);
        self.expose.retain(|_, params| {
            let before = params.len();
            params.retain(|param| param.node != name);
            !params.is_empty() || before == 0
        });
        if let Some(Lit::Map(positions)) = self.canvas.as_mut().and_then(|canvas| canvas.get_mut("positions"))
        {
            positions.retain(|(key, _)| key.as_text() != Some(name));
        }
        self.comments.remove(&path::node(name));
        self.comments.remove(&position(name));
        Ok(node)
    }

    /// Whether two graphs mean the same: the canvas, the comments and the order of nodes do not count.
    pub fn semantic_eq(&self, other: &Self) -> bool {
        // Maps compare without regard to order.
        self.title == other.title
            && self.about == other.about
            && self.expose == other.expose
            && self.inputs == other.inputs
            && self.outputs == other.outputs
            && self.nodes == other.nodes
            && self.lock == other.lock
            && self.unknown == other.unknown
            && self.graphs.len() == other.graphs.len()
            && self
                .graphs
                .iter()
                .all(|(name, graph)| other.graphs.get(name).is_some_and(|other| graph.semantic_eq(other)))
    }

    fn free_name(&self, name: String) -> Result<String, EditError> {
        if name.is_empty() || name == OWN_INPUT {
            return Err(EditError::BadName(name));
        }
        if self.nodes.contains_key(&name) {
            return Err(EditError::Taken(name));
        }
        Ok(name)
    }
}

fn position(node: &str) -> String {
    format!("canvas.\"positions\".{}", path::Quoted(node))
}
