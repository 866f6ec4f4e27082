//! Paths to the entries of a document: `nodes."frame".with."size"`.
//!
//! Fields are bare, names that people chose are quoted, items of a list are numbered from 0: `[1]`. A path is
//! relative to the graph it is asked of; the nodes of a subgraph are at `graphs."Polish".nodes."sharpen"` from
//! outside and at `nodes."sharpen"` within.

use std::fmt;

use crate::text::write_quoted;

/// A name as it stands in a path: quoted and escaped like a RON string.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_quoted(f, self.0)
    }
}

/// A field's name as it stands in a path: bare, unless a dot in it could be taken for one of the path's.
pub(crate) struct Field<'a>(pub(crate) &'a str);

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains('.') { write!(f, "r#{}", Quoted(self.0)) } else { f.write_str(self.0) }
    }
}

/// A key that is no text, as it stands in a path: as it is written, in brackets where it could be taken for more
/// than one step.
pub(crate) struct Other<'a>(pub(crate) &'a str);

impl fmt::Display for Other<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains(['.', '[']) { write!(f, "({})", self.0) } else { f.write_str(self.0) }
    }
}

/// The path of a node.
pub fn node(name: &str) -> String {
    format!("nodes.{}", Quoted(name))
}

/// The path of a node's field, such as `type` or `with`.
pub fn node_field(name: &str, field: &str) -> String {
    format!("nodes.{}.{field}", Quoted(name))
}

/// The path of a parameter of a node.
pub fn param(node: &str, param: &str) -> String {
    format!("nodes.{}.with.{}", Quoted(node), Quoted(param))
}

/// The path of an input of a node.
pub fn input(node: &str, port: &str) -> String {
    format!("nodes.{}.from.{}", Quoted(node), Quoted(port))
}

/// The path of an entry of one of the graph's own maps: `expose`, `inputs`, `outputs`.
pub fn entry(field: &str, name: &str) -> String {
    format!("{field}.{}", Quoted(name))
}

/// The path of a subgraph's definition.
pub fn graph(name: &str) -> String {
    format!("graphs.{}", Quoted(name))
}

/// `path` as seen from the graph around the subgraph called `name`.
pub fn inside(name: &str, path: &str) -> String {
    if path.is_empty() { graph(name) } else { format!("{}.{path}", graph(name)) }
}

/// The path without its last segment; the empty path is its own parent.
pub fn parent(path: &str) -> &str {
    let mut quoted = false;
    let mut escaped = false;
    let mut cut = 0;
    for (at, byte) in path.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'.' | b'[' if !quoted => cut = at,
            _ => {}
        }
    }
    &path[..cut]
}
