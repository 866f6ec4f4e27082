//! The nodes of latent diffusion.

mod conditioning;
mod latent;
mod levels;
mod load;
mod loras;
mod merge;
mod parts;
mod patches;
mod prompt;
mod sample;
mod saved;
mod schedule;
mod vae;

use crate::runtime::Runtime;
use kiln_core::Node;
use std::sync::Arc;

/// Every node of this family; models are built and kept by `runtime`.
#[must_use]
pub fn nodes(runtime: &Arc<Runtime>) -> Vec<Node> {
    let mut all = Vec::new();
    all.extend(load::nodes(runtime));
    all.extend(loras::nodes(runtime));
    all.extend(prompt::nodes(runtime));
    all.extend(sample::nodes(runtime));
    all.extend(vae::nodes(runtime));
    all.extend(conditioning::nodes());
    all.extend(latent::nodes());
    all.extend(schedule::nodes(runtime));
    all.extend(levels::nodes());
    all.extend(parts::nodes());
    all.extend(patches::nodes());
    all.extend(merge::nodes(runtime));
    all
}
