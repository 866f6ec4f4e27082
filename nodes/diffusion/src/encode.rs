//! Prompts to conditionings: tokens, windows, weights and the text encoders of each family.

use crate::damage::{self, Side};
use crate::runtime::{BuiltText, Runtime, network_error};
use crate::values::{Conditioning, Entry, Sizes, TextValue, Tokens};
use kiln_core::{Cx, NodeError};
use kiln_layout::TextKind;
use kiln_networks::clip_text::{ClipText, Layer, Slot};
use kiln_prompt::{Embedding, Embeddings, Encoding, Token, Tokenizer};
use kiln_tensor::compute::values;
use std::sync::Arc;

/// A prompt read by one encoder.
struct Read {
    width: usize,
    /// (windows x 77) rows.
    rows: Vec<f32>,
    pooled: Vec<f32>,
}

/// Embeddings from the model folders.
struct Folder<'a, 'b> {
    cx: &'a Cx<'b>,
    key: &'static str,
    dim: usize,
}

impl Embeddings for Folder<'_, '_> {
    fn find(&self, name: &str) -> Option<Arc<Embedding>> {
        let file = self.cx.model("embeddings", name).ok()?;
        crate::encode::embedding(&file.path, name, self.key, self.dim).map(Arc::new)
    }
}

/// The vectors of an embedding file for one encoder: under its key, else the first tensor that is as wide.
pub(crate) fn embedding(path: &std::path::Path, name: &str, key: &str, dim: usize) -> Option<Embedding> {
    let file = kiln_weights::WeightFile::open(path).ok()?;
    let wide =
        |t: &&kiln_weights::Stored| t.shape().last() == Some(&dim) && t.shape().len() <= 2 && t.is_float();
    let found = file.get(key).or_else(|| file.get(if key == "clip_h" { "clip_l" } else { key }));
    let tensor = found.filter(|t| wide(t)).or_else(|| file.iter().find(|t| wide(t)))?;
    let rows = tensor.len() / dim;
    Some(Embedding { name: name.to_owned(), rows, dim, values: tensor.to_f32() })
}

fn tokenizer(kind: TextKind, encoder: &ClipText) -> Tokenizer {
    let plain = match kind {
        TextKind::ClipL => Tokenizer::clip_l(),
        TextKind::OpenClipH => Tokenizer::clip_h(),
        TextKind::OpenClipG => Tokenizer::clip_g(),
    };
    Tokenizer { embedding_dim: encoder.width(), ..plain }
}

fn layer(kind: TextKind, both: bool, stop_at: Option<i32>, layers: usize) -> Layer {
    let sdxl = both || kind == TextKind::OpenClipG;
    match (stop_at, sdxl) {
        // Further back than there are layers means the last one with its norm, in every family.
        (Some(index), _) if index.unsigned_abs() as usize > layers => Layer::LAST,
        (None, true) => Layer::PENULTIMATE,
        (Some(index), true) => Layer { index, final_norm: false },
        (None, false) if kind == TextKind::OpenClipH => Layer { index: -2, final_norm: true },
        (None, false) => Layer::LAST,
        (Some(index), false) => Layer { index, final_norm: true },
    }
}

fn tokenize(
    cx: &Cx<'_>,
    kind: TextKind,
    encoder: &ClipText,
    text: &str,
) -> Result<(Tokenizer, Encoding), NodeError> {
    let tokenizer = tokenizer(kind, encoder);
    let folder = Folder { cx, key: tokenizer.embedding_key, dim: tokenizer.embedding_dim };
    let encoding = tokenizer.tokenize(text, &folder).map_err(NodeError::new)?;
    if let Some(name) = encoding.missing_embeddings.first() {
        return Err(NodeError::new(format!("there is no embedding {name:?} in the `embeddings` folders"))
            .hint("put it there, or take it out of the prompt"));
    }
    if let Some(unfit) = encoding.unfit_embeddings.first() {
        return Err(NodeError::new(format!(
            "the embedding {:?} is {} numbers wide, but this model's words are {}",
            unfit.name, unfit.found, unfit.wanted
        ))
        .hint("it was made for another family of models"));
    }
    Ok((tokenizer, encoding))
}

fn slots(window: &kiln_prompt::Window) -> Vec<Slot<'_>> {
    window
        .tokens
        .iter()
        .map(|(token, _)| match token {
            Token::Id(id) => Slot::Id(*id),
            Token::Vector { embedding, row } => Slot::Vector(embedding.row(*row).unwrap_or(&[])),
        })
        .collect()
}

fn read(
    kind: TextKind,
    encoder: &ClipText,
    tokenizer: &Tokenizer,
    encoding: &Encoding,
    layer: Layer,
) -> Result<Read, NodeError> {
    let mut windows: Vec<Vec<Slot<'_>>> = encoding.windows.iter().map(slots).collect();
    let weighted = encoding.is_weighted();
    let empty = tokenizer.empty();
    if weighted {
        windows.push(slots(&empty));
    }
    let encoded = encoder.encode(&windows, layer).map_err(|e| network_error(&e))?;
    let [_, length, width] = encoded.hidden.dims();
    let mut rows = values(encoded.hidden).map_err(NodeError::new)?;
    if weighted {
        let plain = rows.split_off(encoding.windows.len() * length * width);
        let weights = encoding.windows.iter().flat_map(|w| w.tokens.iter().map(|t| t.1));
        for (at, weight) in weights.enumerate().filter(|(_, w)| *w != 1.0) {
            let base = &plain[at % length * width..(at % length + 1) * width];
            for (v, b) in rows[at * width..(at + 1) * width].iter_mut().zip(base) {
                *v = (*v - b) * weight + b;
            }
        }
    }
    // SDXL reads the projected vector of its second encoder; everything else the plain one.
    let pooled = match (kind, encoded.projected) {
        (TextKind::OpenClipG, Some(projected)) => projected,
        _ => encoded.pooled,
    };
    let all = values(pooled).map_err(NodeError::new)?;
    let one = all.len() / windows.len().max(1);
    Ok(Read { width, rows, pooled: all[..one].to_vec() })
}

/// One text for every encoder of the model.
pub fn prompt(
    cx: &Cx<'_>,
    runtime: &Runtime,
    clip: &TextValue,
    text: &str,
    sizes: Option<Sizes>,
) -> Result<Conditioning, NodeError> {
    two_prompts(cx, runtime, clip, text, text, sizes)
}

/// A text for CLIP-L and one for OpenCLIP, where a model has both.
pub fn two_prompts(
    cx: &Cx<'_>,
    runtime: &Runtime,
    clip: &TextValue,
    text_l: &str,
    text_g: &str,
    sizes: Option<Sizes>,
) -> Result<Conditioning, NodeError> {
    let built: Arc<BuiltText> = runtime.text(clip).map_err(|e| e.at("clip"))?;
    let both = built.encoders.len() > 1;
    let mut prepared = Vec::new();
    for (kind, encoder) in &built.encoders {
        let text = if *kind == TextKind::ClipL { text_l } else { text_g };
        let (tokenizer, encoding) = tokenize(cx, *kind, encoder, text)?;
        prepared.push((*kind, encoder, tokenizer, encoding));
    }
    if text_l != text_g {
        let most = prepared.iter().map(|p| p.3.windows.len()).max().unwrap_or(1);
        for (_, _, tokenizer, encoding) in &mut prepared {
            tokenizer.pad_windows(encoding, most);
        }
    }
    let mut reads = Vec::new();
    for (kind, encoder, tokenizer, encoding) in &prepared {
        cx.pause()?;
        reads.push((
            *kind,
            read(*kind, encoder, tokenizer, encoding, layer(*kind, both, clip.stop_at, encoder.layers()))?,
        ));
    }
    let rows = reads.iter().map(|(_, r)| r.rows.len() / r.width).min().unwrap_or(0);
    let width = reads.iter().map(|(_, r)| r.width).sum();
    let mut data = Vec::with_capacity(rows * width);
    for row in 0..rows {
        for (_, read) in &reads {
            data.extend_from_slice(&read.rows[row * read.width..(row + 1) * read.width]);
        }
    }
    let pooled = reads.into_iter().next_back().map(|(_, r)| r.pooled);
    if data.iter().chain(pooled.iter().flatten()).any(|v| !v.is_finite()) {
        return Err(damage::find(runtime, &clip.weights, Side::Text)
            .unwrap_or_else(|| {
                NodeError::new("the text encoder's answer is not a number")
                    .hint("a weight of the prompt, an embedding or a LoRA is far too strong")
            })
            .at("clip"));
    }
    let mut entry = Entry::new(Tokens { rows, width, data }, pooled);
    entry.sizes = sizes;
    Ok(Conditioning { entries: vec![entry] })
}
