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
