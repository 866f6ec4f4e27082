//! Widgets for parameters, made from the node definitions.

mod curve;
mod param;
pub mod prompt;
pub mod sum;

pub use param::{Change, Shelf, edit, relative, toggle};
