//! The nodes of latent diffusion.

mod load;
mod prompt;
mod sample;
mod vae;

use crate::runtime::Runtime;
use kiln_core::Node;
use std::sync::Arc;

/// Every node of this family; models are built and kept by `runtime`.
#[must_use]
pub fn nodes(runtime: &Arc<Runtime>) -> Vec<Node> {
    let mut all = Vec::new();
    all.extend(load::nodes(runtime));
    all.extend(prompt::nodes(runtime));
    all.extend(sample::nodes(runtime));
    all.extend(vae::nodes(runtime));
    all
}
