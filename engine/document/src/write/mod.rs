//! The canonical text of a graph: the same graph always gives the same bytes.
//!
//! One node per line where it fits, else one field per line, else one parameter per line; so changing a parameter
//! changes one line, unless it makes the line too long. Defaults and empty maps are left out, but for those that
//! bear a comment.

mod doc;
mod graph;
mod printer;

pub(crate) use doc::flat_lit;
