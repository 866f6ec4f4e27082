//! The graph document: a `.ron` text that a person can read, write and compare.
//!
//! ```
//! let text = r#"Graph(
//!     kiln: 1,
//!     title: "Framed paper",
//!     nodes: {
//!         "paper": (type: "NoiseImage", with: { "size": (512, 512), "seed": 7 }),
//!         "frame": (type: "PadImage", from: { "image": "paper.image" }, with: { "size": 32 }),
//!     },
//! )
//! "#;
//! let graph = kiln_document::Graph::parse(text)?;
//! assert_eq!(graph.nodes["paper"].with["seed"], kiln_document::Lit::Int(7));
//! assert_eq!(graph.to_text(), text);
//! # Ok::<(), kiln_document::Problems>(())
//! ```
//!
//! # The format
//!
//! A document is one RON value, `Graph(...)`. Only `kiln`, the version of the format, must be there.
//!
//! | field | what it says |
//! | --- | --- |
//! | `kiln` | the version of the format: 1 |
//! | `title`, `about` | for people |
//! | `expose` | parameters shown to the outside: `"size": "paper.size"`, or a list of them |
//! | `inputs`, `outputs` | in subgraphs: port to type, and port to the link that feeds it |
//! | `nodes` | name to node: `type`, `graph` (of a `Subgraph`), `title`, `version`, `mode` (`Active`, `Muted`, `Bypassed`), `from` (input to link, or list of links), `with` (parameter to value) |
//! | `graphs` | definitions of subgraphs: name to `Graph(...)`, without `kiln` |
//! | `lock` | what it was run with: `engine`, `nodes` (type to version), `files` (file to hash) |
//! | `canvas` | the canvas's own business |
//!
//! A link is written `"node.port"`; see [`Link`] for names with dots and outputs that share a name. RON's values
//! may be written in all its spellings, but for `NaN`, byte strings and ranges, which are refused; a line break
//! within a string is `\n`, whatever the file's line ends. Extension headers (`#![enable(...)]`) are read over.
//!
//! This crate is syntax and structure only: it knows no node type, and does not ask whether a link leads
//! anywhere. What it does not understand it keeps and writes back: unknown fields, unknown node types, comments,
//! the canvas.
//!
//! The way of a document: text → `syntax` (a tree that forgets nothing) → `migrate` (older versions, tree to
//! tree) → `read` (the [`Graph`]) → `edit` → `write` (the one canonical text).

mod comments;
mod edit;
mod link;
mod lit;
mod migrate;
mod model;
pub mod path;
mod place;
mod problem;
mod read;
mod syntax;
mod text;
mod write;

pub use comments::{Comments, Notes};
pub use edit::EditError;
pub use link::{Link, LinkError, OWN_INPUT, ParamRef, Source};
pub use lit::Lit;
pub use model::{CURRENT_VERSION, Graph, Lock, Mode, Node};
pub use problem::{Problem, Problems};
