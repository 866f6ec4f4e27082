//! The engine: what a node is, how a graph is checked and planned, how values are named, and how it runs.
//!
//! It knows no model, no chain and no window: node families bring the nodes, programs bring the doors.

pub mod codec;
mod cx;
pub mod doors;
mod exchange;
mod held;
mod keys;
pub mod lit;
pub mod models;
mod node;
mod plan;
mod problem;
mod recipe;
pub mod refactor;
mod registry;
mod run;
pub mod schema;
pub mod template;
pub mod words;

pub use cx::{Cancel, Cx, GraphText, ItemInfo, Items, Signs};
pub use held::Held;
pub use keys::derive_seed;
pub use kiln_document as document;
pub use kiln_store as store;
pub use kiln_types as types;
pub use node::{Ask, Behaviour, Effect, Given, Node, NodeError, Verdict};
pub use plan::{Finder, Plan, PlannedNode, Scope, Then, Wire, Wish, converts};
pub use problem::{Problem, Problems, Severity};
pub use recipe::{Recipe, RecipeGates, RecipeLink, RecipeNode, RecipeParam};
pub use registry::Registry;
pub use run::desk::Desk;
pub use run::event::{EVENTS_VERSION, Event, Listener};
pub use run::report::{GaveUp, NodeReport, Rejection, RunReport, Status, Waiting, Wanted};
pub use run::thumb::{small, thumb};
pub use run::{Batch, BatchItems, Engine, KeyLine, MemoryCache, Setup, single_id, stage_id};
pub use schema::{Doubt, Kind, Lane, Param, Purity, Schema};
