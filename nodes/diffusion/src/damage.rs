//! When a network answers with something that is not a number: which weight is to blame.
//!
//! Weights are not looked through before they are used; that would read whole files. Only when an answer went wrong is
//! the file searched, so that the message can name the tensor.

use crate::runtime::{Runtime, Wants};
use crate::values::{Part, WeightsValue};
use kiln_core::NodeError;
use kiln_tensor::WeightMap;

/// Which network of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that denoises.
    Unet,
    /// The text encoders.
    Text,
    /// The autoencoder.
    Vae,
}

/// The first weight that is not a number, in the files or after what is changed about them.
pub fn find(runtime: &Runtime, value: &WeightsValue, side: Side) -> Option<NodeError> {
    for file in &value.files {
        let wants = match side {
            _ if value.part == Part::Checkpoint => Wants::Checkpoint,
            Side::Unet => Wants::Unet,
            Side::Text => Wants::Text,
            Side::Vae => Wants::Vae,
        };
        let parts = runtime.parts(file, wants).ok()?;
        let maps: Vec<&WeightMap> = match side {
            Side::Unet => parts.unet.iter().collect(),
            Side::Text => parts.text.iter().map(|t| &t.weights).collect(),
            Side::Vae => parts.vae.iter().collect(),
        };
        if let Some((name, at)) = maps.into_iter().find_map(first) {
            let what = format!(
                "{}: the weight \"{name}\" holds something that is not a number, at place {at}",
                file.name()
            );
            return Some(
                NodeError::new(what).hint("the file is damaged, or its training failed: download it again"),
            );
        }
    }
    if value.changes.is_empty() {
        return None;
    }
    let changed: Vec<WeightMap> = match side {
        Side::Unet => vec![runtime.unet_map(value).ok()?.0],
        Side::Text => runtime.text_maps(value).ok()?.into_iter().map(|m| m.1).collect(),
        Side::Vae => return None,
    };
    let (name, _) = changed.iter().find_map(first)?;
    let what = format!("the weight \"{name}\" is not a number any more after the model's LoRA and merges");
    Some(NodeError::new(what).hint("one of them is damaged, or far too strong"))
}

fn first(weights: &WeightMap) -> Option<(String, usize)> {
    weights.iter().find_map(|(name, weight)| {
        let at = weight.to_f32().iter().position(|v| !v.is_finite())?;
        Some((name.clone(), at))
    })
}
