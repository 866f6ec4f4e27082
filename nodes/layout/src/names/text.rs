//! The text encoders' names: transformers and OpenCLIP.
//!
//! OpenCLIP keeps a layer's query, key and value in one matrix, transformers in three; and its text projection is used
//! from the other side, so it lies there turned.

use super::renamed;

/// Inside a layer: transformers, OpenCLIP.
const LAYER: [(&str, &str); 5] = [
    ("layer_norm1", "ln_1"),
    ("layer_norm2", "ln_2"),
    ("self_attn.out_proj", "attn.out_proj"),
    ("mlp.fc1", "mlp.c_fc"),
    ("mlp.fc2", "mlp.c_proj"),
];

/// Outside the layers: transformers, OpenCLIP.
const OUTSIDE: [(&str, &str); 4] = [
    ("text_model.embeddings.token_embedding.weight", "token_embedding.weight"),
    ("text_model.embeddings.position_embedding.weight", "positional_embedding"),
    ("text_model.final_layer_norm.weight", "ln_final.weight"),
    ("text_model.final_layer_norm.bias", "ln_final.bias"),
];

/// transformers' name of the text projection.
pub const PROJECTION: &str = "text_projection.weight";
/// OpenCLIP's name of it.
pub const OPEN_PROJECTION: &str = "text_projection";

/// Where a weight that transformers knows lies in an OpenCLIP file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InOpenClip {
    /// Under this name, whole.
    Whole(String),
    /// Under this name, as the n-th third of its rows (query, key, value).
    Third(String, usize),
    /// Under this name, with rows and columns exchanged.
    Turned(String),
}

/// The place in OpenCLIP of a weight with this name in transformers.
#[must_use]
pub fn in_open_clip(transformers: &str) -> Option<InOpenClip> {
    if transformers == PROJECTION {
        return Some(InOpenClip::Turned(OPEN_PROJECTION.to_owned()));
    }
    if let Some((_, open)) = OUTSIDE.iter().find(|(hf, _)| *hf == transformers) {
        return Some(InOpenClip::Whole((*open).to_owned()));
    }
    let (layer, inside) = transformers.strip_prefix("text_model.encoder.layers.")?.split_once('.')?;
    let at = format!("transformer.resblocks.{layer}");
    for (third, projection) in ["q_proj", "k_proj", "v_proj"].into_iter().enumerate() {
        if let Some(kind) = inside.strip_prefix("self_attn.").and_then(|rest| rest.strip_prefix(projection)) {
            return match kind {
                ".weight" => Some(InOpenClip::Third(format!("{at}.attn.in_proj_weight"), third)),
                ".bias" => Some(InOpenClip::Third(format!("{at}.attn.in_proj_bias"), third)),
                _ => None,
            };
        }
    }
    renamed(inside, LAYER.iter().copied()).map(|inside| InOpenClip::Whole(format!("{at}.{inside}")))
}

/// The names transformers has for what lies under one OpenCLIP name: three for a joint projection.
#[must_use]
pub fn in_transformers(open: &str) -> Vec<String> {
    if open == OPEN_PROJECTION {
        return vec![PROJECTION.to_owned()];
    }
    if let Some((hf, _)) = OUTSIDE.iter().find(|(_, name)| *name == open) {
        return vec![(*hf).to_owned()];
    }
    let Some((layer, inside)) =
        open.strip_prefix("transformer.resblocks.").and_then(|rest| rest.split_once('.'))
    else {
        return Vec::new();
    };
    let at = format!("text_model.encoder.layers.{layer}");
    if let Some(kind) = inside.strip_prefix("attn.in_proj_") {
        return ["q_proj", "k_proj", "v_proj"].iter().map(|p| format!("{at}.self_attn.{p}.{kind}")).collect();
    }
    renamed(inside, LAYER.iter().map(|&(hf, open)| (open, hf)))
        .map(|inside| vec![format!("{at}.{inside}")])
        .unwrap_or_default()
}

/// Are these OpenCLIP's own names?
pub(crate) fn is_open_clip<'a>(mut names: impl Iterator<Item = &'a str>) -> bool {
    names.any(|name| name == "token_embedding.weight" || name.starts_with("transformer.resblocks."))
}
