//! What is wrong with a graph, said so that a person can mend it.

use kiln_document::Graph;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Whether a problem stops the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does: what is wanted needs it.
    Error,
    /// It does not: nobody wants that branch, or it is only worth knowing.
    Warning,
}

/// One problem: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Whether it stops the run.
    pub severity: Severity,
    /// The node's name, with its subgraphs before it: `polish/blur`. Empty when it concerns the graph.
    pub node: String,
    /// The input, parameter or output.
    pub port: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
    /// Line and column in the file, from 1.
    pub place: Option<(usize, usize)>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{kind}")?;
        if let Some((line, column)) = self.place {
            write!(f, " at {line}:{column}")?;
        }
        match (&*self.node, &self.port) {
            ("", _) => {}
            (node, Some(port)) => write!(f, " in {node}.{port}")?,
            (node, None) => write!(f, " in {node}")?,
        }
        write!(f, ": {}", self.what)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n    {hint}")?;
        }
        Ok(())
    }
}

/// Why nothing was run: every problem at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl Problem {
    /// An error that concerns the whole graph or the command.
    pub fn of_graph(what: impl Into<String>, hint: Option<String>) -> Self {
        Self {
            severity: Severity::Error,
            node: String::new(),
            port: None,
            what: what.into(),
            hint,
            place: None,
        }
    }

    /// Finds the line of a node (in the outermost graph) or of one of its fields.
    pub(crate) fn placed(mut self, graph: &Graph) -> Self {
        if self.place.is_none() && !self.node.is_empty() {
            let outer = self.node.split('/').next().unwrap_or_default();
            let known = if graph.nodes.contains_key(&self.node) { self.node.as_str() } else { outer };
            let node = graph.nodes.get(known);
            let field = self.port.as_ref().and_then(|port| {
                let node = node?;
                if node.from.contains_key(port) {
                    Some(("from", port))
                } else if node.with.contains_key(port) {
                    Some(("with", port))
                } else {
                    None
                }
            });
            let base = format!("nodes.{known:?}");
            let path = field.map_or(base.clone(), |(part, port)| format!("{base}.{part}.{port:?}"));
            self.place = graph.place(&path);
        }
        self
    }
}
