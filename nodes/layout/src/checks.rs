//! What must be there before a network is built, so that a broken file is called broken here and not deep inside.

use std::path::Path;

use kiln_tensor::WeightMap;

use crate::error::{LayoutError, shown};

/// A weight that must be there, and how many sides it has.
type Needed = (&'static str, usize);

const UNET: [Needed; 12] = [
    ("time_embed.0.weight", 2),
    ("time_embed.0.bias", 1),
    ("time_embed.2.weight", 2),
    ("time_embed.2.bias", 1),
    ("input_blocks.0.0.weight", 4),
    ("input_blocks.0.0.bias", 1),
    ("input_blocks.1.0.in_layers.2.weight", 4),
    ("middle_block.0.in_layers.2.weight", 4),
    ("output_blocks.0.0.in_layers.2.weight", 4),
    ("out.0.weight", 1),
    ("out.2.weight", 4),
    ("out.2.bias", 1),
];

const DECODER: [Needed; 7] = [
    ("decoder.conv_in.weight", 4),
    ("decoder.mid.block_1.conv1.weight", 4),
    ("decoder.mid.attn_1.q.weight", 4),
    ("decoder.mid.block_2.conv1.weight", 4),
    ("decoder.up.0.block.0.conv1.weight", 4),
    ("decoder.norm_out.weight", 1),
    ("decoder.conv_out.weight", 4),
];

const ENCODER: [Needed; 6] = [
    ("encoder.conv_in.weight", 4),
    ("encoder.down.0.block.0.conv1.weight", 4),
    ("encoder.mid.block_1.conv1.weight", 4),
    ("encoder.mid.attn_1.q.weight", 4),
    ("encoder.norm_out.weight", 1),
    ("encoder.conv_out.weight", 4),
];

const CLIP: [Needed; 5] = [
    ("text_model.embeddings.token_embedding.weight", 2),
    ("text_model.embeddings.position_embedding.weight", 2),
    ("text_model.encoder.layers.0.self_attn.q_proj.weight", 2),
    ("text_model.encoder.layers.0.mlp.fc1.weight", 2),
    ("text_model.final_layer_norm.weight", 1),
];

const OPEN_CLIP: [Needed; 5] = [
    ("token_embedding.weight", 2),
    ("positional_embedding", 2),
    ("transformer.resblocks.0.attn.in_proj_weight", 2),
    ("transformer.resblocks.0.mlp.c_fc.weight", 2),
    ("ln_final.weight", 1),
];

/// The denoising network.
pub(crate) fn unet(file: &Path, weights: &WeightMap) -> Result<(), LayoutError> {
    needed(file, "denoising network", weights, &UNET)
}

/// The VAE: a decoder, and an encoder whole or not at all.
pub(crate) fn vae(file: &Path, weights: &WeightMap) -> Result<(), LayoutError> {
    needed(file, "VAE", weights, &DECODER)?;
    if weights.keys().any(|name| name.starts_with("encoder.")) {
        needed(file, "VAE", weights, &ENCODER)?;
    }
    Ok(())
}

/// A text encoder in either naming.
pub(crate) fn text(file: &Path, weights: &WeightMap, open_clip: bool) -> Result<(), LayoutError> {
    needed(file, "text encoder", weights, if open_clip { &OPEN_CLIP } else { &CLIP })
}

fn needed(file: &Path, part: &'static str, weights: &WeightMap, list: &[Needed]) -> Result<(), LayoutError> {
    let names: Vec<String> = list
        .iter()
        .filter(|(name, _)| !weights.contains_key(*name))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    if !names.is_empty() {
        return Err(LayoutError::Missing { file: file.to_path_buf(), part, names });
    }
    for (name, sides) in list {
        let Some(weight) = weights.get(*name) else { continue };
        if weight.shape().len() != *sides {
            let what = format!(
                "the weight {} of the {part} has the shape {:?}, but {sides} sides are needed; this is another kind of model or a damaged file",
                shown(name),
                weight.shape()
            );
            return Err(LayoutError::odd(file, what));
        }
    }
    Ok(())
}
