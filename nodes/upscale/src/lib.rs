//! Upscalers: ESRGAN and its relatives, tile by tile.

mod compact;
pub mod error;
pub mod file;
mod network;
mod rrdb;
mod strangers;
pub mod upscaler;

pub use error::UpscaleError;
pub use kiln_networks::tile::Watch;
pub use upscaler::{Tiles, Upscaler};

use kiln_core::Node;
use kiln_shelf::Shelf;
use std::sync::Arc;

/// The nodes of this family.
#[must_use]
pub fn nodes(_shelf: &Arc<Shelf>) -> Vec<Node> {
    Vec::new()
}
