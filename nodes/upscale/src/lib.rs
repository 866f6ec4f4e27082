//! Upscalers: ESRGAN and its relatives, tile by tile.
//!
//! [`mod@file`] finds out what a file holds, [`Upscaler`] makes pictures larger with it, [`value`] is what travels between
//! the nodes, [`target`] is arithmetic of sizes, and [`nodes`](mod@nodes) are the nodes themselves.

mod compact;
pub mod error;
pub mod file;
mod network;
pub mod nodes;
mod rrdb;
mod strangers;
pub mod target;
pub mod upscaler;
pub mod value;

pub use error::UpscaleError;
pub use kiln_networks::tile::Watch;
pub use nodes::nodes;
pub use upscaler::{Tiles, Upscaler};
pub use value::UpscaleModel;
